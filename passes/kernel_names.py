"""The names in a kernel, in program order: what a schedule of it speaks of.

Kernels of one structural hash differ in names only. So a schedule that was made for one of them
applies to another as soon as that one has the same names.
"""

from collections.abc import Iterator, Mapping, Sequence

from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, StringAttr
from xdsl.ir import SSAValue

from dialects import loop

Names = Mapping[str, Sequence[str]]
"""Lists of names: `loops`, `blocks`, `buffers`."""


def buffers_of(function: func.FuncOp) -> Iterator[SSAValue]:
    """The arguments and allocations of a function of loops."""
    yield from (a for a in function.body.block.args if isinstance(a.type, MemRefType))
    yield from (op.result for op in function.walk() if isinstance(op, loop.AllocOp))


def names_of(function: func.FuncOp) -> dict[str, list[str]]:
    """The names in a function of loops."""
    ops = list(function.walk())
    return {
        "loops": [op.loop_name.data for op in ops if isinstance(op, loop.ForOp)],
        "blocks": [op.block_name.data for op in ops if isinstance(op, loop.BlockOp)],
        "buffers": [value.name_hint or "" for value in buffers_of(function)],
    }


def rename(function: func.FuncOp, names: Names) -> None:
    """Give a function the names of another one of the same structure."""
    loops, blocks = iter(names["loops"]), iter(names["blocks"])
    for op in function.walk():
        if isinstance(op, loop.ForOp):
            op.loop_name = StringAttr(next(loops))
        elif isinstance(op, loop.BlockOp):
            op.block_name = StringAttr(next(blocks))
    for value, name in zip(buffers_of(function), names["buffers"], strict=True):
        value.name_hint = name or None
