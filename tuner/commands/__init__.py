"""The subcommands of `dovetail` that need the tuner, one a file."""
