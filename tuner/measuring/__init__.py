"""Measuring candidates: each is compiled, run and checked in a child process that may die of it."""
