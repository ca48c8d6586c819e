"""The errors a user of Dovetail can cause.

Every layer raises these; the command line prints them without a traceback. The first line is
complete in itself: what was asked, where, why not, what is possible. Details follow, indented.
"""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake of the user: `message` is the whole story in one line, `details` explain it."""

    def __init__(self, message: str, *details: str) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def __str__(self) -> str:
        lines = [self.message]
        for detail in self.details:
            lines.extend(f"  {line}" for line in detail.splitlines())
        return "\n".join(lines)


class ScheduleError(UserError):
    """A schedule primitive that was asked for something it cannot do without changing results."""


class UnsupportedError(UserError):
    """A model or program that uses something Dovetail does not have."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause that lists the names there are, the ones most like `name` first."""
    names = list(known)
    if not names:
        return "there are none"
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    rest = [n for n in names if n not in close][: max(0, 12 - len(close))]
    shown = ", ".join(close + rest)
    more = len(names) - len(close) - len(rest)
    tail = f" and {more} more" if more else ""
    if close:
        return f"did you mean {close[0]}? there are: {shown}{tail}"
    return f"there are: {shown}{tail}"
