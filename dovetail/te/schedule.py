"""A schedule: the passes that say how tensors are computed.

Its value is the tuple of its passes: schedules are equal if these are, and `str(s)` is the pipeline
that `dovetail-opt -p` takes. Each primitive is applied when it is called, so one that would change
the meaning is refused at the line that asked for it, and leaves the schedule as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.passes import ModulePass

from analysis.errors import ScheduleError, UserError
from dialects import te
from dialects.target import Target, TargetAttr
from dovetail.te.emitting import computes, module_of
from dovetail.te.handles import Cache, LoopNames, function_of
from dovetail.te.intrinsics import MemoryScope, TensorIntrinsic
from dovetail.te.names import caller, place, settle
from dovetail.te.stages import Stage
from dovetail.te.tensors import Compute, Operation, Tensor
from passes.loop.insert_dependence_tokens import InsertDependenceTokensPass
from passes.loop.insert_thread_barriers import InsertThreadBarriersPass
from passes.loop.lower_threads_to_loops import LowerThreadsToLoopsPass
from passes.loop.lower_virtual_threads import LowerVirtualThreadsPass
from passes.loop.primitive import Scope, accesses, block_of
from passes.loop.promote_memory_scope import PromoteMemoryScopePass
from passes.loop.transform_layout import TransformLayoutPass
from passes.te.import_intrinsics import ImportIntrinsicsPass
from passes.te.lower_te_to_loop import LowerTeToLoopPass


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
