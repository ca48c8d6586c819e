"""How schedules of the library are written: primitives applied one by one to a function.

A recipe looks at the loops as they are, decides, and applies the next primitive. What it leaves is
the scheduled function and the tuple of primitives that made it, which replays on the same function
without any of the decisions.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from analysis.affine import Affine, Interval, Quotient, from_expression
from analysis.errors import ScheduleError
from dialects import loop
from dialects.layout import layout_map, physical_shape
from dialects.target import Machine
from passes.loop.forms import coordinates, variables_of
from passes.loop.library.recipes import OPTIONAL
from passes.loop.primitive import blocks_in


@dataclass
class Recipe:
    """A function being scheduled for a machine; `steps` are the primitives applied so far."""

    module: ModuleOp
    function: func.FuncOp
    machine: Machine
    steps: list[ModulePass] = field(default_factory=list[ModulePass])

    @staticmethod
    def of_copy(module: ModuleOp, machine: Machine) -> "Recipe":
        """A recipe for a copy of a module with one function."""
        copy = module.clone()
        (function,) = [op for op in copy.ops if isinstance(op, func.FuncOp)]
        return Recipe(copy, function, machine)

    def do(self, primitive: ModulePass) -> None:
        """Apply the next primitive."""
        primitive.apply(Context(), self.module)
        self.steps.append(primitive)

    def do_all(self, steps: Iterable[ModulePass]) -> None:
        """Apply the steps of a recipe; optional ones are left out where they refuse."""
        for step in steps:
            try:
                self.do(step)
            except ScheduleError:
                if not isinstance(step, OPTIONAL):
                    raise

    def nests(self) -> list[Operation]:
        """The statements of the function that compute."""
        return [
            op for op in self.function.body.block.ops if isinstance(op, loop.ForOp | loop.BlockOp)
        ]

    def block_names(self) -> list[str]:
        """The names of all blocks, in program order."""
        return [b.block_name.data for nest in self.nests() for b in blocks_in(nest)]

    def find(self, name: str) -> loop.BlockOp | None:
        """The block of that name, if it is still there."""
        for op in self.function.walk():
            if isinstance(op, loop.BlockOp) and op.block_name.data == name:
                return op
        return None

    def lanes(self, bits: int) -> int:
        """The lanes of a vector of elements of so many bits."""
        return max(1, self.machine.vector_bytes * 8 // bits)


def lane_step(form: Affine, lane: Hashable) -> int | None:
    """How far an offset moves a lane; None where that differs from lane to lane."""
    for atom in form.terms:
        if isinstance(atom, Quotient) and lane in atom.numerator.variables():
            return None
    return form.coefficient(lane)


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
