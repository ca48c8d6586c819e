"""How schedules of the library are written: primitives applied one by one to a function.

A recipe looks at the loops as they are, decides, and applies the next primitive. What it leaves is
the scheduled function and the tuple of primitives that made it, which replays on the same function
without any of the decisions.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from analysis.affine import Affine, Interval, Quotient, from_expression
from dialects import loop
from dialects.layout import layout_map, physical_shape
from dialects.target import Machine
from passes.loop.forms import coordinates, ranges_of, variables_of
from passes.loop.primitive import body_accesses, loops_around


@dataclass
class Recipe:
    """A function being scheduled for a machine; `steps` are the primitives applied so far."""

    module: ModuleOp
    function: func.FuncOp
    machine: Machine
    steps: list[ModulePass] = field(default_factory=list[ModulePass])

    def do(self, primitive: ModulePass) -> None:
        """Apply the next primitive."""
        primitive.apply(Context(), self.module)
        self.steps.append(primitive)

    def nests(self) -> list[Operation]:
        """The statements of the function that compute."""
        return [
            op for op in self.function.body.block.ops if isinstance(op, loop.ForOp | loop.BlockOp)
        ]

    def lanes(self, bits: int) -> int:
        """The lanes of a vector of elements of so many bits."""
        return max(1, self.machine.vector_bytes * 8 // bits)


def offset_of(
    access: loop.LoadOp | loop.StoreOp, put: dict[Hashable, Affine] | None = None
) -> Affine | None:
    """The element offset of an access as a form of the loops; None where sizes are symbolic.

    `put` has forms for block variables in the place of their bindings.
    """
    assert isinstance(access.memref.type, MemRefType)
    block = access.parent_op()
    assert isinstance(block, loop.BlockOp)
    ranges = ranges_of(loops_around(block))
    variables: dict[Hashable, Affine] = {**variables_of(block), **(put or {})}
    places = [form.substitute(variables, ranges) for form in coordinates(access)]
    offset = Affine({})
    shape = physical_shape(access.memref.type)
    for expr, extent in zip(layout_map(access.memref.type).results, shape, strict=True):
        if not isinstance(extent, int):
            return None
        offset = offset * extent + from_expression(expr, places, ranges)
    return offset


def lane_step(form: Affine, lane: Hashable) -> int | None:
    """How far an offset moves a lane; None where that differs from lane to lane."""
    for atom in form.terms:
        if isinstance(atom, Quotient) and lane in atom.numerator.variables():
            return None
    return form.coefficient(lane)


def can_vectorize(block: loop.BlockOp, variable: SSAValue, width: int) -> bool:
    """Whether vectors of `width` along a variable bound to a loop of its own work in `block`.

    Loads stay or move by one element a lane, stores move by one, and no index is computed.
    """
    outer, lane = ("outer", variable), ("lane", variable)
    ranges: dict[Hashable, Interval] = ranges_of(loops_around(block))
    binding = variables_of(block)[variable]
    if list(binding.terms.values()) != [1] or binding.const:
        return False
    (induction,) = binding.terms
    _, high = ranges.get(induction, (None, None))
    ranges[lane] = (0, width - 1)
    ranges[outer] = (0, None if high is None else high // width)
    value = Affine({outer: width, lane: 1})
    for access in body_accesses(block):
        if not isinstance(access.memref.type, MemRefType):
            return False
        step = step_along(access, induction, value, lane, ranges)
        if step not in ((1,) if isinstance(access, loop.StoreOp) else (0, 1)):
            return False
    return True


def step_along(
    access: loop.LoadOp | loop.StoreOp,
    induction: Hashable,
    value: Affine,
    lane: Hashable,
    ranges: dict[Hashable, Interval],
) -> int | None:
    """The step of an access a lane when `value` stands for a loop's variable."""
    block = access.parent_op()
    assert isinstance(block, loop.BlockOp) and isinstance(access.memref.type, MemRefType)
    known = variables_of(block)
    places: list[Affine] = []
    for form in coordinates(access):
        if any(v not in known for v in form.variables()):
            return None
        places.append(form.substitute(known, ranges).substitute({induction: value}, ranges))
    total: int | None = 0
    shape = physical_shape(access.memref.type)
    stride = 1
    for expr, extent in reversed(
        list(zip(layout_map(access.memref.type).results, shape, strict=True))
    ):
        step = lane_step(from_expression(expr, places, ranges), lane)
        if step is None or (step and stride == -1):
            return None
        total += step * stride
        stride = stride * extent if isinstance(extent, int) and stride != -1 else -1
    return total
