"""The subcommands that the tuner adds to `dovetail`."""
