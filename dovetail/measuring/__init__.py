"""How fast a kernel is, as a share of what this machine can do while it is measured."""
