"""The subcommands of `dovetail`, one a file, and what they share."""
