"""Names that the user did not write down: those of the variables that hold things.

A tensor or a reduced axis without `name=` is called like the variable that holds it where it is
first used, so that `A = t.placeholder(...)` is A in every listing.
"""

import inspect
import re
from types import FrameType

from analysis.errors import UserError

PACKAGE = __name__.rpartition(".")[0]


def caller() -> FrameType | None:
    """The nearest frame that is not of this package: the user's line."""
    frame = inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__")).startswith(PACKAGE):
        frame = frame.f_back
    return frame


def place(frame: FrameType | None) -> str:
    """`file.py:12`, for the details of an error."""
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


class Named:
    """What has a name: the one given, else that of the variable it is first used by."""

    default = "value"

    def __init__(self, name: str | None) -> None:
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise UserError(f"name='{name}': a name is made of letters, digits and _")
        self._name = name

    @property
    def name(self) -> str:
        """The name; looked for in the caller's variables the first time."""
        if self._name is None:
            self._name = variable_of(self, caller()) or self.default
        return self._name


def settle(*values: Named) -> None:
    """Look for names now, while the caller's variables are in sight."""
    for value in values:
        assert value.name


def variable_of(value: object, frame: FrameType | None) -> str | None:
    """The first variable in sight of a frame that holds `value`."""
    if frame is None:
        return None
    for scope in (frame.f_locals, frame.f_globals):
        for name, found in list(scope.items()):
            if found is value and not name.startswith("_"):
                return name
    return None
