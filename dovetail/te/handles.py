"""What a schedule hands out: loops and caches, and the names that passes have given to tensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from analysis.errors import ScheduleError, UserError, nearest
from dialects import loop
from dovetail.te.expressions import Axis
from dovetail.te.names import Named
from dovetail.te.tensors import Compute, Tensor
from passes.loop.forms import forms_of
from passes.loop.nests import loops_inside
from passes.loop.primitive import Scope, blocks_in, loops_around

if TYPE_CHECKING:
    from dovetail.te.schedule import Schedule


@dataclass(frozen=True)
class Loop:
    """A loop that a primitive made."""

    name: str

    def __str__(self) -> str:
        return self.name


class Cache(Named):
    """A tile that stands for a tensor in a memory scope; `compute_at` says how long it lives."""

    default = "cache"

    def __init__(
        self,
        tensor: Tensor | Cache,
        scope: str,
        writes: bool,
        readers: tuple[Tensor, ...],
        where: str,
    ) -> None:
        super().__init__(None)
        self.tensor = tensor
        self.scope = scope
        self.writes = writes
        self.readers = readers
        self.where = where


Handle = Axis | Loop


def function_of(module: ModuleOp) -> FuncOp:
    """The function of a schedule's module."""
    return next(op for op in module.ops if isinstance(op, FuncOp))


@dataclass
class LoopNames:
    """What lower-te-to-loop has made of names: of tensors, their blocks and axes."""

    blocks: dict[Tensor, str] = field(default_factory=dict[Tensor, str])
    axes: dict[Axis, dict[Tensor, str]] = field(default_factory=dict[Axis, dict[Tensor, str]])
    buffers: dict[Tensor, str] = field(default_factory=dict[Tensor, str])
    tiles: dict[Cache, str] = field(default_factory=dict[Cache, str])

    @staticmethod
    def of(schedule: Schedule) -> LoopNames:
        """The names in the naive loops of a schedule."""
        names = LoopNames()
        function = function_of(schedule.loops)
        for op, block in zip(schedule.computes, blocks_in(function), strict=True):
            names.blocks[op.tensor] = block.block_name.data
            around = loops_around(block)
            for axis, made in zip([*op.axis, *op.reduce_axis], around, strict=True):
                names.axes.setdefault(axis, {})[op.tensor] = made.loop_name.data
        printed = {value: name for name, value in Scope("", function).buffers.items()}
        arguments = [*schedule.inputs, *schedule.outputs]
        for tensor, value in zip(arguments, function.body.block.args, strict=True):
            names.buffers[tensor] = printed[value]
        inner = [op.tensor for op in schedule.computes if op.tensor not in schedule.outputs]
        allocations = [o for o in function.body.block.ops if isinstance(o, loop.AllocOp)]
        for tensor, alloc in zip(inner, allocations, strict=True):
            names.buffers[tensor] = printed[alloc.result]
        return names

    def rename_axes(self, tensor: Tensor, function: FuncOp, at: str) -> None:
        """Let the axes of a tensor be called as the loops that compute it inside `at`."""
        scope = Scope("compute_at", function)
        block = scope.find_block(self.blocks[tensor])
        inside = loops_inside(block, scope.find_loop(at))
        assert isinstance(tensor.op, Compute)
        axes = [*tensor.op.axis, *tensor.op.reduce_axis]
        for axis, binding in zip(axes, forms_of(block, "bindings"), strict=True):
            mine = [op for op in inside if op.induction in binding.variables()]
            if len(mine) == 1:
                self.axes[axis][tensor] = mine[0].loop_name.data

    def buffer(self, tensor: Tensor | Cache) -> str:
        """The name of the buffer that holds a tensor or a cache."""
        known = self.tiles if isinstance(tensor, Cache) else self.buffers
        if tensor not in known:
            if isinstance(tensor, Cache):
                raise ScheduleError(
                    f"{tensor.name} has no place yet: compute_at comes before its own caches"
                )
            listed = nearest(tensor.name, self.buffers.values())
            raise UserError(f"{tensor.name} is no tensor of this schedule: {listed}")
        return known[tensor]  # pyright: ignore[reportArgumentType]
