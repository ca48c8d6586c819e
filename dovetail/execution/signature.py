"""What a function takes and gives, whatever level it is on.

A function of tensors takes its arguments and returns its results. One of memrefs has its results
among its arguments: those that it writes. An argument may also be a weight of a network, whose
content an attribute holds, or scratch memory. So the inputs and outputs of a function stay the
same while passes take it from graph to te to loops, and change the types of its arguments.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import DictionaryAttr, IntegerAttr, MemRefType, TensorType
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import SSAValue

from backends.interpreter.dims import find_symbol
from dialects import loop, vta
from dialects.graph.weights import WeightAttr
from dialects.layout import logical_shape
from dialects.loop_hardware import CopyOp, IntrinsicOp
from passes.graph.mark_weights import WEIGHT
from passes.loop.hoist_allocations import SCRATCH

OUTPUTS = "dovetail.outputs"
"""The number of trailing arguments of a network that are its outputs."""


@dataclass(frozen=True)
class Signature:
    """The arguments of a function by what they are for; results where it returns tensors.

    An argument that is read and written is an output whose first content counts.
    """

    function: FuncOp
    inputs: tuple[SSAValue, ...]
    weights: tuple[tuple[SSAValue, WeightAttr], ...]
    outputs: tuple[SSAValue, ...]
    scratch: tuple[SSAValue, ...]

    @property
    def results(self) -> tuple[SSAValue, ...]:
        """The values that hold the results: returned tensors, or written memrefs."""
        if self.outputs:
            return self.outputs
        last = self.function.body.block.last_op
        return tuple(last.operands) if isinstance(last, ReturnOp) else ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbolic dimensions, in order of first appearance in the arguments."""
        found: dict[str, None] = {}
        for value in self.function.body.block.args:
            if isinstance(value.type, TensorType | MemRefType):
                found.update({e: None for e in logical_shape(value.type) if isinstance(e, str)})
        return tuple(found)


def signature_of(function: FuncOp, outputs: int | None = None) -> Signature:
    """The signature of a function with a body.

    `outputs` is how many outputs it had in an earlier form: if what it writes does not say the
    same, its last arguments are meant.
    """
    arguments = list(function.body.block.args)
    marks = list(function.arg_attrs or [DictionaryAttr({})] * len(arguments))
    scratch = [a for a, m in zip(arguments, marks, strict=True) if SCRATCH in m.data]
    weights = [
        (a, m.data[WEIGHT])
        for a, m in zip(arguments, marks, strict=True)
        if isinstance(m.data.get(WEIGHT), WeightAttr)
    ]
    held = {a for a, _ in weights}
    others = [a for a in arguments if a not in scratch and a not in held]
    found = _outputs(function, others, outputs)
    return Signature(
        function,
        tuple(a for a in others if a not in found),
        tuple((a, w) for a, w in weights if isinstance(w, WeightAttr)),
        tuple(found),
        tuple(scratch),
    )


def _outputs(function: FuncOp, among: Sequence[SSAValue], known: int | None) -> list[SSAValue]:
    """The arguments that hold results."""
    if function.function_type.outputs.data:
        return []
    count = function.attributes.get(OUTPUTS)
    if isinstance(count, IntegerAttr):
        return list(among[len(among) - count.value.data :])
    written = set(written_arguments(function))
    found = [a for a in among if a in written]
    if known is not None and len(found) != known:
        return list(among[max(0, len(among) - known) :])
    return found


def written_arguments(function: FuncOp) -> Iterator[SSAValue]:
    """The memrefs among a function's arguments that it, or a function it calls, may write."""
    arguments = set(function.body.block.args)
    for op in function.walk():
        targets: Sequence[SSAValue] = ()
        match op:
            case loop.StoreOp():
                targets = (op.memref,)
            case CopyOp():
                targets = (op.target,)
            case vta.StoreOp() if op.dram_buffer is not None:
                targets = (op.dram_buffer,)
            case IntrinsicOp():
                targets = op.tiles[: op.writes.data]
            case CallOp():
                callee = find_symbol(op, op.callee.string_value())
                if isinstance(callee, FuncOp) and callee.body.blocks:
                    inner = set(written_arguments(callee))
                    pairs = zip(op.operands, callee.body.block.args, strict=True)
                    targets = [given for given, wanted in pairs if wanted in inner]
            case _:
                pass
        yield from (t for t in targets if t in arguments)
