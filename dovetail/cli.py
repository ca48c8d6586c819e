"""The `dovetail` command."""

import argparse
import sys
from collections.abc import Sequence


def run(args: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="dovetail", description="Compile, run and time models.")
    parser.parse_args(args)
    return 0


def main() -> None:
    sys.exit(run())
