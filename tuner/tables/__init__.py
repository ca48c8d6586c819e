"""Enumerated spaces with the cost of every configuration; tuner/table.py says what is in a file."""
