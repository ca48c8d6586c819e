"""A schedule: the passes that say how tensors are computed.

Its value is the tuple of its passes: schedules are equal if these are, and `str(s)` is the pipeline
that `dovetail-opt -p` takes. Each primitive is applied when it is called, so one that would change
the meaning is refused at the line that asked for it, and leaves the schedule as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.passes import ModulePass

from analysis.errors import ScheduleError, UserError, nearest
from dialects import loop, te
from dialects.target import Target, TargetAttr
from dovetail.te.emitting import computes, module_of
from dovetail.te.expressions import Axis
from dovetail.te.intrinsics import MemoryScope, TensorIntrinsic
from dovetail.te.names import Named, caller, place, settle
from dovetail.te.tensors import Compute, Operation, Tensor
from passes.loop.bind_thread import BindThreadPass
from passes.loop.bind_virtual_thread import BindVirtualThreadPass
from passes.loop.compute_at import ComputeAtPass
from passes.loop.compute_in_place import ComputeInPlacePass
from passes.loop.decompose_reduction import DecomposeReductionPass
from passes.loop.double_buffer import DoubleBufferPass
from passes.loop.forms import forms_of
from passes.loop.fuse_loops import FuseLoopsPass
from passes.loop.inline_compute import InlineComputePass
from passes.loop.insert_dependence_tokens import InsertDependenceTokensPass
from passes.loop.insert_thread_barriers import InsertThreadBarriersPass
from passes.loop.lower_threads_to_loops import LowerThreadsToLoopsPass
from passes.loop.lower_virtual_threads import LowerVirtualThreadsPass
from passes.loop.nests import loops_inside
from passes.loop.pack_buffer import PackBufferPass
from passes.loop.pad_block import PadBlockPass
from passes.loop.parallelize_loop import ParallelizeLoopPass
from passes.loop.peel_loop import PeelLoopPass
from passes.loop.prefetch_buffer import PrefetchBufferPass
from passes.loop.primitive import Scope, accesses, block_of, blocks_in, loops_around
from passes.loop.promote_memory_scope import PromoteMemoryScopePass
from passes.loop.reorder_loops import ReorderLoopsPass
from passes.loop.reverse_compute_at import ReverseComputeAtPass
from passes.loop.reverse_inline import ReverseInlinePass
from passes.loop.rfactor import RfactorPass
from passes.loop.split_loop import SplitLoopPass
from passes.loop.tensorize import TensorizePass
from passes.loop.tile_loops import TileLoopsPass
from passes.loop.transform_layout import TransformLayoutPass
from passes.loop.unroll_loop import UnrollLoopPass
from passes.loop.vectorize_loop import VectorizeLoopPass
from passes.te.import_intrinsics import ImportIntrinsicsPass
from passes.te.lower_te_to_loop import LowerTeToLoopPass


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


def create_schedule(outputs: Operation | Tensor | Sequence[Operation | Tensor]) -> Schedule:
    """The schedule that computes tensors naively: one loop an axis, one nest after the other."""
    given = outputs if isinstance(outputs, Sequence) else [outputs]
    tensors = [o.tensor if isinstance(o, Operation) else o for o in given]
    return Schedule(tuple(tensors))


class Schedule:
    """The passes that turn tensors into loops, and the loops that they have made so far."""

    def __init__(self, outputs: tuple[Tensor, ...]) -> None:
        for output in outputs:
            if not isinstance(output.op, Compute):
                raise UserError(f"{output.name} is a placeholder: nothing of it is computed")
        self.outputs = outputs
        self.computes = computes(outputs, ())
        self.target: Target | None = None
        self.intrinsics: dict[str, te.IntrinsicOp] = {}
        self.passes: tuple[ModulePass, ...] = (LowerTeToLoopPass(),)
        self.loops = self.expression()
        self.passes[0].apply(Context(), self.loops)
        self._caches: list[Cache] = []
        self.names = LoopNames.of(self)

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors that are given, in the order in which they are read."""
        read = {value: None for op in self.computes for value in op.inputs}
        return tuple(value for value in read if not isinstance(value.op, Compute))

    def expression(
        self,
        inputs: Sequence[Tensor] | None = None,
        outputs: Sequence[Tensor] | None = None,
        name: str = "main",
    ) -> ModuleOp:
        """The module of the te dialect that the passes are for."""
        module = module_of(
            self.inputs if inputs is None else inputs,
            outputs or self.outputs,
            name,
            self.computes,
            self.intrinsics.values(),
        )
        if self.target is not None:
            module.attributes["target"] = TargetAttr.of(self.target)
        return module

    def apply(self, new: ModulePass) -> None:
        """Append a pass, unless it refuses."""
        module = self.loops.clone()
        try:
            new.apply(Context(), module)
            module.verify()
        except UserError as error:
            raise error.with_traceback(None) from None
        self.loops = module
        if isinstance(new, ImportIntrinsicsPass):
            self.passes = (new, *self.passes)
        else:
            self.passes = (*self.passes, new)

    def __getitem__(self, tensor: Tensor | Operation | Cache) -> Stage:
        found = tensor.tensor if isinstance(tensor, Operation) else tensor
        if isinstance(found, Cache):
            if found not in self._caches:
                raise UserError(f"{found.name} is no cache of this schedule")
            return Stage(self, found)
        if found not in self.names.blocks:
            known = ", ".join(op.name for op in self.computes)
            raise UserError(f"{found.name} is not computed by this schedule; {known} are")
        return Stage(self, found)

    def cache_read(
        self,
        tensor: Tensor | Cache,
        scope: str | MemoryScope,
        readers: Sequence[Tensor | Operation] | Tensor | Operation | None = None,
    ) -> Cache:
        """A tile of `tensor` in a memory scope for those that read it (default: all of them).

        `s[cache].compute_at(s[reader], axis)` says in which loop it is filled.
        """
        given = readers if isinstance(readers, Sequence) else () if readers is None else (readers,)
        wanted = tuple(r.tensor if isinstance(r, Operation) else r for r in given)
        return self._cache(tensor, scope, False, wanted)

    def cache_write(self, tensor: Tensor, scope: str | MemoryScope) -> Cache:
        """A tile in a memory scope in which `tensor` is computed.

        The loops stay with what computes, which is the result from now on; `tensor` is the copy
        out of it. `s[cache].compute_at(s[tensor], axis)` says after which loop it is copied.
        """
        return self._cache(tensor, scope, True, ())

    def _cache(
        self,
        tensor: Tensor | Cache,
        scope: str | MemoryScope,
        writes: bool,
        readers: tuple[Tensor, ...],
    ) -> Cache:
        if isinstance(tensor, Cache) and writes:
            raise UserError(f"{tensor.name} is a cache: cache_write is for what is computed")
        if isinstance(tensor, Tensor):
            self.names.buffer(tensor)
            if writes:
                self[tensor]  # what is not computed here is refused
        if isinstance(scope, MemoryScope):
            self.use_target(scope.target)
        name = scope.name if isinstance(scope, MemoryScope) else scope
        cache = Cache(tensor, name, writes, readers, place(caller()))
        self._caches.append(cache)
        return cache

    def insert_dependence_tokens(self) -> None:
        """Let the units of the target wait for each other, in each virtual thread."""
        self.apply(InsertDependenceTokensPass())

    def lower_virtual_threads(self) -> None:
        """Make one stream of all virtual threads."""
        self.apply(LowerVirtualThreadsPass())

    def transform_layout(
        self,
        tensor: Tensor,
        map: str | Callable[..., tuple[AffineExpr, ...]],
        extents: tuple[int, ...] | None = None,
    ) -> None:
        """Let the elements of a tensor lie elsewhere in memory.

        `map` gives the place of the element at logical coordinates, as text or as a function:
        `lambda k, x: (x // 16, k, x % 16)`.
        """
        text = map if isinstance(map, str) else str(AffineMap.from_callable(map))
        self.apply(TransformLayoutPass(self.names.buffer(tensor), text, extents))

    def insert_thread_barriers(self) -> None:
        """Let the threads of a group wait for each other where they have to."""
        self.apply(InsertThreadBarriersPass())

    def lower_threads_to_loops(self) -> None:
        """Run the threads one after the other, from barrier to barrier."""
        self.apply(LowerThreadsToLoopsPass())

    def use_target(self, target: Target) -> None:
        """What the loops are for from now on; a second device is refused."""
        if self.target is not None and self.target != target:
            raise ScheduleError(
                f"the schedule is for the target '{self.target}', so it cannot use '{target}'"
            )
        self.target = target
        self.loops.attributes["target"] = TargetAttr.of(target)

    def use_intrinsic(self, intrinsic: TensorIntrinsic) -> None:
        """Have an instruction declared in the module."""
        if intrinsic.target is not None:
            self.use_target(intrinsic.target)
        if intrinsic.library is not None:
            new = ImportIntrinsicsPass(intrinsic.library)
            if new not in self.passes:
                self.apply(new)
        elif intrinsic.name not in self.intrinsics:
            self.intrinsics[intrinsic.name] = intrinsic.declaration
            body = self.loops.body.block
            assert body.first_op is not None
            body.insert_op_before(intrinsic.declaration.clone(), body.first_op)
        elif not self.intrinsics[intrinsic.name].is_structurally_equivalent(intrinsic.declaration):
            raise ScheduleError(f"two instructions are named '{intrinsic.name}': rename one")

    def place_cache(self, cache: Cache, at: str) -> None:
        """Let a cache live in one iteration of a loop."""
        if cache in self.names.tiles:
            raise ScheduleError(f"{cache.name} has its place already; a cache has one")
        settle(cache)
        buffer = self.names.buffer(cache.tensor)
        if cache.readers:
            self._refuse_other_readers(cache, buffer, at)
        name = self._tile_name(cache)
        self.apply(PromoteMemoryScopePass(buffer, cache.scope, at, name))
        self.names.tiles[cache] = name

    def _tile_name(self, cache: Cache) -> str:
        """A name for a buffer like that of a cache: one that is free and has no `_` and number."""
        wish = re.sub(r"_(\d+)$", r"\1", cache.name)
        taken = Scope("", function_of(self.loops)).buffers
        names = (f"{wish}{number or ''}" for number in count())
        return next(name for name in names if name not in taken)

    def _refuse_other_readers(self, cache: Cache, buffer: str, at: str) -> None:
        """A tile is for all accesses below its loop."""
        scope = Scope("cache_read", function_of(self.loops))
        known = {self.names.blocks[r] for r in cache.readers if r in self.names.blocks}
        value = scope.find_buffer(buffer)
        for access in accesses(scope.find_loop(at), value):
            block = block_of(access).block_name.data
            if block not in known:
                raise scope.error(
                    f"block '{block}' below loop '{at}' also uses %{buffer}, but is no reader of "
                    f"{cache.name}; choose a loop further in, or leave readers out"
                )

    def snapshot(self) -> tuple[object, ...]:
        """The state, for `restore`; what is done from now on changes a copy."""
        state = self.passes, self.loops, self.target, dict(self.intrinsics)
        self.loops = self.loops.clone()
        return state

    def restore(self, state: tuple[Any, ...]) -> None:
        """Go back to what `snapshot` has seen."""
        self.passes, self.loops, self.target, self.intrinsics = state

    def require_places(self) -> None:
        """Refuse caches of which nothing says where they live."""
        for cache in self._caches:
            if cache not in self.names.tiles:
                writer = cache.tensor.name if cache.writes else "its reader"
                raise ScheduleError(
                    f"{cache.name} ({cache.scope}) has no place yet: say in which loop it lives "
                    f"with s[{cache.name}].compute_at(s[{writer}], axis)",
                    f"made at {cache.where}",
                )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and self.passes == other.passes

    def __hash__(self) -> int:
        return hash(self.passes)

    def __str__(self) -> str:
        return ",".join(str(p.spec()) for p in self.passes)


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

    def pack(self, tensor: Tensor | Cache, layout: str, axis: Handle | None = None) -> None:
        """Let a tensor lie in memory as a map says, such as `(k, x) -> (x, k)`.

        With an axis of this stage, that is a copy of what one iteration of the loop touches.
        """
        at = None if axis is None else self.loop_name(axis)
        self.schedule.apply(PackBufferPass(self.schedule.names.buffer(tensor), layout, at=at))

    def double_buffer(self, axis: Handle, *tiles: Tensor | Cache, copies: int = 2) -> None:
        """Fill tiles that live in a loop an iteration ahead of those who use them."""
        names = tuple(self.schedule.names.buffer(tile) for tile in tiles)
        self.schedule.apply(DoubleBufferPass(names, self.loop_name(axis), copies))

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
