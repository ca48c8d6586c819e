"""Where new ops come from: xDSL gives an op that a pass makes no location by itself.

A pass calls `locate` on what it makes, with the location of the op that this stands for, so that
every op stays traceable to the nodes of the model. Ops that have a location keep it: a nest made of
the loops of one block around the body of another names both. What stands for several nodes at once,
such as a kernel, has a fused location of all of them.
"""

from collections.abc import Iterable

from xdsl.dialects.builtin import ArrayAttr, FusedLoc, LocationAttr, NameLoc, NoneAttr, UnknownLoc
from xdsl.ir import BlockArgument, Operation, SSAValue


def locate(location: LocationAttr, *ops: Operation) -> None:
    """Give ops, and everything in them, that have no location this one."""
    for op in ops:
        for inner in op.walk():
            if isinstance(inner.location, UnknownLoc):
                inner.location = location


def parts_of(location: LocationAttr) -> list[LocationAttr]:
    """The known locations that a location is fused of: itself if it is a single one."""
    if isinstance(location, FusedLoc):
        assert isinstance(location.locations, ArrayAttr)
        parts = [part for part in location.locations.data if isinstance(part, LocationAttr)]
        return [inner for part in parts for inner in parts_of(part)]
    return [] if isinstance(location, UnknownLoc) else [location]


def fused(locations: Iterable[LocationAttr]) -> LocationAttr:
    """The location of what stands for everything at these locations, each named once."""
    parts = list(dict.fromkeys(part for location in locations for part in parts_of(location)))
    if len(parts) > 1:
        return FusedLoc(tuple(parts), NoneAttr())
    return parts[0] if parts else UnknownLoc()


def nodes_of(location: LocationAttr) -> tuple[str, ...]:
    """The nodes of the model that a location names, in order."""
    names = [
        part.location.desc.data
        for part in parts_of(location)
        if isinstance(part, NameLoc) and isinstance(part.location, NameLoc)
    ]
    return tuple(dict.fromkeys(names))


def location_of(value: SSAValue) -> LocationAttr:
    """The location of what makes a value."""
    owner = value if isinstance(value, BlockArgument) else value.owner
    assert isinstance(owner, BlockArgument | Operation)
    return owner.location
