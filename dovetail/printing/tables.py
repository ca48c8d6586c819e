"""Tables on the terminal and in files."""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

FILE_WIDTH = 160


def console() -> Console:
    """Standard output: as wide as the terminal, or wide enough for the tables in a file."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=FILE_WIDTH)


def plain_table(*columns: str, right: Iterable[str] = ()) -> Table:
    """A table without lines; the columns in `right` hold numbers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        number = column in right
        table.add_column(
            column, justify="right" if number else "left", no_wrap=number, overflow="fold"
        )
    return table
