"""Executes functions of any level on logical arrays, so that two forms of one can be compared."""
