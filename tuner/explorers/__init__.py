"""Explorers: which candidates are tried next. One strategy a file, the interface in explorer.py."""
