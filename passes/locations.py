"""Where new ops come from: xDSL gives an op that a pass makes no location by itself.

A pass calls `locate` on what it makes, with the location of the op that this stands for, so that
every op stays traceable to the nodes of the model. Ops that have a location keep it: a nest made of
the loops of one block around the body of another names both.
"""

from xdsl.dialects.builtin import LocationAttr, UnknownLoc
from xdsl.ir import BlockArgument, Operation, SSAValue


def locate(location: LocationAttr, *ops: Operation) -> None:
    """Give ops, and everything in them, that have no location this one."""
    for op in ops:
        for inner in op.walk():
            if isinstance(inner.location, UnknownLoc):
                inner.location = location


def location_of(value: SSAValue) -> LocationAttr:
    """The location of what makes a value."""
    owner = value if isinstance(value, BlockArgument) else value.owner
    assert isinstance(owner, BlockArgument | Operation)
    return owner.location
