"""One of each thing that a package can add to Dovetail. README.md has the tour."""
