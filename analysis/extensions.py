"""What other packages add: tables whose entries are entry points.

    [project.entry-points."dovetail.semantics"]
    "sample.glu" = "dovetail_example.semantics:glu"

A group is a table; docs/extending.md lists the groups. The name of an entry is its key, the value
says where the object is, and nothing is imported before it is asked for. A key that two packages
give is an error that names both: neither can be meant.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from pathlib import Path
from traceback import extract_tb

from analysis.errors import UserError


@cache
def entries(group: str) -> dict[str, EntryPoint]:
    """The entries of a group by their keys."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=group):
        other = found.setdefault(entry.name, entry)
        if other is not entry:
            raise UserError(
                f"the packages {package_of(other)} and {package_of(entry)} both add "
                f"'{entry.name}' to {group}: uninstall one of them"
            )
    return found


def package_of(entry: EntryPoint) -> str:
    """The name of the package that an entry comes from."""
    return entry.module.partition(".")[0] if entry.dist is None else entry.dist.name


def extension(group: str, key: str) -> object | None:
    """The object that a package added to `group` as `key`; None if there is none."""
    entry = entries(group).get(key)
    if entry is None:
        return None
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise broken(entry, error) from error


def extension_text(group: str, key: str) -> str | None:
    """The text of the file that a package added to `group`, written `package:file`."""
    entry = entries(group).get(key)
    if entry is None:
        return None
    try:
        return (files(entry.module) / entry.attr).read_text(encoding="utf-8")
    except (ImportError, OSError) as error:
        raise broken(entry, error) from error


def broken(entry: EntryPoint, error: Exception) -> UserError:
    """A package that names something it does not have."""
    return UserError(
        f"the package {package_of(entry)} adds '{entry.name}' to {entry.group}, but "
        f"{entry.value} cannot be loaded: {error}",
        *origin(error),
    )


def origin(error: Exception) -> tuple[str, ...]:
    """The line of the package that an error comes from, if it is a line of a file."""
    frames = [f for f in extract_tb(error.__traceback__) if not f.filename.startswith("<")]
    if not frames or Path(frames[-1].filename).parent.name in ("importlib", "metadata"):
        return ()
    return (f"in {frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line}",)
