"""How one tensor of a schedule is computed: a method for each primitive on its loops.

Each appends the pass of the same meaning to the schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.passes import ModulePass

from analysis.errors import ScheduleError, UserError
from dovetail.te.expressions import Axis
from dovetail.te.handles import Cache, Handle, Loop, function_of
from dovetail.te.intrinsics import TensorIntrinsic
from dovetail.te.tensors import Compute, Operation, Tensor
from passes.loop.bind_thread import BindThreadPass
from passes.loop.bind_virtual_thread import BindVirtualThreadPass
from passes.loop.blockize import BlockizePass
from passes.loop.compute_at import ComputeAtPass
from passes.loop.compute_in_place import ComputeInPlacePass
from passes.loop.decompose_reduction import DecomposeReductionPass
from passes.loop.double_buffer import DoubleBufferPass
from passes.loop.fuse_loops import FuseLoopsPass
from passes.loop.inline_compute import InlineComputePass
from passes.loop.pack_buffer import PackBufferPass
from passes.loop.pad_block import PadBlockPass
from passes.loop.parallelize_loop import ParallelizeLoopPass
from passes.loop.peel_loop import PeelLoopPass
from passes.loop.prefetch_buffer import PrefetchBufferPass
from passes.loop.primitive import Scope
from passes.loop.reorder_loops import ReorderLoopsPass
from passes.loop.reverse_compute_at import ReverseComputeAtPass
from passes.loop.reverse_inline import ReverseInlinePass
from passes.loop.rfactor import RfactorPass
from passes.loop.split_loop import SplitLoopPass
from passes.loop.tensorize import TensorizePass
from passes.loop.tile_loops import TileLoopsPass
from passes.loop.unroll_loop import UnrollLoopPass
from passes.loop.vectorize_loop import VectorizeLoopPass

if TYPE_CHECKING:
    from dovetail.te.schedule import Schedule


class Stage:
    """How one tensor is computed."""

    def __init__(self, schedule: Schedule, tensor: Tensor | Cache) -> None:
        self.schedule = schedule
        self.tensor = tensor

    @property
    def op(self) -> Operation:
        """The operation that it computes."""
        return self._computing.op

    @property
    def _computing(self) -> Tensor:
        """The tensor that its loops compute."""
        tensor = self.tensor
        if isinstance(tensor, Cache) and tensor.writes and isinstance(tensor.tensor, Tensor):
            return tensor.tensor
        if isinstance(tensor, Cache):
            raise UserError(
                f"{tensor.name} is read: it has no loops of its own before the target's copies"
            )
        return tensor

    @property
    def _block(self) -> str:
        return self.schedule.names.blocks[self._computing]

    def loop_name(self, axis: Handle) -> str:
        """The name of a loop around what this stage computes."""
        if isinstance(axis, Axis):
            owners = self.schedule.names.axes.get(axis, {})
            tensor = self._computing
            if tensor not in owners:
                known = ", ".join(a.name for a in self._axes(tensor))
                other = next((f"an axis of {o.name}, not" for o in owners), "no axis")
                raise UserError(f"{axis} is {other} of {tensor.name}, whose axes are {known}")
            return owners[tensor]
        return axis.name

    @staticmethod
    def _axes(tensor: Tensor) -> list[Axis]:
        op = tensor.op
        return [*op.axis, *op.reduce_axis] if isinstance(op, Compute) else []

    def split(
        self, axis: Handle, factor: int | None = None, nparts: int | None = None
    ) -> tuple[Loop, Loop]:
        """Split a loop in two: the inner one has `factor` iterations, or the outer one `nparts`."""
        name = self.loop_name(axis)
        if (factor is None) == (nparts is None):
            raise UserError("split takes factor= or nparts=")
        if nparts is not None:
            if nparts < 1:
                raise UserError(f"nparts={nparts}: it is at least 1")
            op = Scope("split", function_of(self.schedule.loops)).find_loop(name)
            if op.extent is None:
                raise ScheduleError(f"split: loop '{name}' has no constant extent: give factor=")
            factor = max(1, -(-op.extent // nparts))
        assert factor is not None
        outer, inner = self._new_loops(SplitLoopPass(name, factor))
        return outer, inner

    def tile(self, *axes_and_factors: Handle | int) -> tuple[Loop, ...]:
        """Split some axes, and put all outer loops around all inner ones.

        `tile(y, x, k, 8, 8, 4)` gives the handles of y_o, x_o, k_o, y_i, x_i, k_i.
        """
        names, sizes = self._axes_and_numbers("tile", "tile(y, x, 8, 8)", axes_and_factors)
        return self._new_loops(TileLoopsPass(names, sizes, block=self._block))

    def _axes_and_numbers(
        self, method: str, example: str, given: Sequence[Handle | int]
    ) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """The names of the loops, and the numbers that follow them, one for each."""
        count = len(given) // 2
        handles = [a for a in given[:count] if not isinstance(a, int)]
        numbers = [n for n in given[count:] if isinstance(n, int)]
        if not count or len(handles) != count or len(numbers) != count or len(given) % 2:
            raise UserError(f"{method} takes some axes, then as many factors: {example}")
        return tuple(self.loop_name(axis) for axis in handles), tuple(numbers)

    def pad(self, *axes_and_multiples: Handle | int) -> None:
        """Compute whole tiles: `pad(y, x, 8, 16)` rounds the extents of axes up to multiples."""
        names, multiples = self._axes_and_numbers("pad", "pad(y, x, 8, 16)", axes_and_multiples)
        self.schedule.apply(PadBlockPass(self._block, names, multiples))

    def fuse(self, *axes: Handle) -> Loop:
        """Make one loop of nested ones, of which the outermost comes first."""
        (fused,) = self._new_loops(FuseLoopsPass(tuple(self.loop_name(axis) for axis in axes)))
        return fused

    def _new_loops(self, new: ModulePass) -> tuple[Loop, ...]:
        """Apply a pass; the loops that it makes, from the outermost inwards."""
        before = Scope("", function_of(self.schedule.loops)).loops
        self.schedule.apply(new)
        after = Scope("", function_of(self.schedule.loops)).loops
        return tuple(Loop(name) for name in after if name not in before)

    def reorder(self, *axes: Handle, reassociate: bool = True) -> None:
        """Let nested loops take the order given; that of a float sum may change, too."""
        names = tuple(self.loop_name(axis) for axis in axes)
        self.schedule.apply(ReorderLoopsPass(names, reassociate))

    def unroll(self, axis: Handle) -> None:
        """Write the iterations of a loop out."""
        self.schedule.apply(UnrollLoopPass(self.loop_name(axis)))

    def vectorize(self, axis: Handle) -> None:
        """Make the iterations of a loop the lanes of vectors."""
        self.schedule.apply(VectorizeLoopPass(self.loop_name(axis)))

    def parallel(self, axis: Handle) -> None:
        """Share the iterations of an outermost loop among threads."""
        self.schedule.apply(ParallelizeLoopPass(self.loop_name(axis)))

    def bind(self, axis: Handle, thread: str) -> None:
        """Make the iterations of a loop threads, along an axis such as `threadIdx.x`."""
        self.schedule.apply(BindThreadPass(self.loop_name(axis), thread))

    def vthread(self, axis: Handle) -> None:
        """Make the iterations of a loop virtual threads, whose units work side by side."""
        self.schedule.apply(BindVirtualThreadPass(self.loop_name(axis)))

    def pack(
        self,
        tensor: Tensor | Cache,
        map: str | Callable[..., tuple[AffineExpr, ...]],
        axis: Handle | None = None,
        pads: bool = False,
    ) -> None:
        """Let a tensor lie in memory as a map says; see `Schedule.transform_layout`.

        With an axis of this stage, that is a copy of what one iteration of the loop touches. With
        `pads` a copy holds what guarded reads find outside of the tensor, too.
        """
        text = map if isinstance(map, str) else str(AffineMap.from_callable(map))
        at = None if axis is None else self.loop_name(axis)
        buffer = self.schedule.names.buffer(tensor)
        self.schedule.apply(PackBufferPass(buffer, text, at=at, pads=pads or None))

    def double_buffer(self, axis: Handle, *tiles: Tensor | Cache, copies: int = 2) -> None:
        """Fill tiles that live in a loop an iteration ahead of those who use them."""
        names = tuple(self.schedule.names.buffer(tile) for tile in tiles)
        self.schedule.apply(DoubleBufferPass(names, self.loop_name(axis), copies))

    def blockize(self, axis: Handle) -> None:
        """Make the loops from `axis` inwards one call of an instruction declared from them."""
        self.schedule.apply(BlockizePass(self.loop_name(axis)))

    def peel(self, axis: Handle) -> None:
        """Do the iterations that need no guard first, then the others."""
        self.schedule.apply(PeelLoopPass(self.loop_name(axis)))

    def decompose_reduction(self, axis: Handle) -> None:
        """Let the reduction begin in a nest of its own before a loop."""
        self.schedule.apply(DecomposeReductionPass(self._block, self.loop_name(axis)))

    def rfactor(self, axis: Handle, reassociate: bool = True) -> None:
        """Make a loop of the reduction an axis of partial results, and reduce those after it."""
        self.schedule.apply(RfactorPass(self._block, self.loop_name(axis), reassociate))

    def compute_inline(self) -> None:
        """Compute it where its elements are read."""
        self.schedule.apply(InlineComputePass(self._block))

    def compute_in_place(self, operand: Tensor | None = None) -> None:
        """Compute it in the memory of an operand, which nothing needs afterwards."""
        name = None if operand is None else self.schedule.names.buffer(operand)
        self.schedule.apply(ComputeInPlacePass(self._block, name))

    def prefetch(self, tensor: Tensor, ahead: Handle, over: Handle | Sequence[Handle]) -> None:
        """Ask the cache for what the next iteration of `ahead` reads of a tensor, a part of it in
        each iteration of the loops `over`, which are inside `ahead`."""
        loops = over if isinstance(over, Sequence) else [over]
        names = tuple(self.loop_name(axis) for axis in loops)
        buffer = self.schedule.names.buffer(tensor)
        self.schedule.apply(PrefetchBufferPass(buffer, self.loop_name(ahead), names))

    def reverse_compute_inline(self) -> None:
        """Let what it is computed from write its result."""
        self.schedule.apply(ReverseInlinePass(self._block))

    def compute_at(self, parent: Stage, axis: Handle) -> None:
        """Compute it inside a loop of `parent`.

        A cache lives in one iteration of that loop. What `parent` is computed from moves to the
        beginning of it, as far as it is read there; what is computed after `parent` to its end.
        """
        cache, loop = self._cache_with(parent), parent.loop_name(axis)
        if cache is not None:
            self.schedule.place_cache(cache, loop)
        elif self._comes_before(parent):
            self.schedule.apply(ComputeAtPass(self._block, loop))
            self.schedule.names.rename_axes(self._computing, function_of(self.schedule.loops), loop)
        else:
            self.schedule.apply(ReverseComputeAtPass(self._block, loop))

    def _comes_before(self, parent: Stage) -> bool:
        """Whether the tensor of this stage is computed before that of another one."""
        order = [op.tensor for op in self.schedule.computes]
        return order.index(self._computing) < order.index(parent._computing)

    def _cache_with(self, parent: Stage) -> Cache | None:
        """The cache that is placed: this one, or the one that this stage copies to its tensor."""
        if isinstance(self.tensor, Cache):
            return self.tensor
        found = parent.tensor
        if isinstance(found, Cache) and found.writes and found.tensor is self.tensor:
            return found
        return None

    def tensorize(self, axis: Handle, intrinsic: TensorIntrinsic) -> None:
        """Compute the loops from `axis` inwards by calls of a tensor instruction."""
        first = self.loop_name(axis)
        before = self.schedule.snapshot()
        try:
            self.schedule.use_intrinsic(intrinsic)
            old = Scope("tensorize", function_of(self.schedule.loops)).loops
            self.schedule.apply(TensorizePass(self._block, intrinsic.name))
            new = Scope("tensorize", function_of(self.schedule.loops)).loops
            gone = [name for name in old if name not in new]
            if not gone or gone[0] != first:
                raise ScheduleError(
                    f"tensorize: {intrinsic.name} computes the loops {', '.join(gone) or 'none'}, "
                    f"not those from '{first}' inwards"
                )
        except UserError as error:
            self.schedule.restore(before)
            raise error.with_traceback(None) from None
