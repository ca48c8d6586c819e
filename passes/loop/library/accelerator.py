"""The schedule of a kernel on an accelerator: tiles in its memories, its instructions on them.

1. The reduction becomes calls of an instruction of the module that reduces; every buffer that it
   touches gets a layout whose innermost part is what the instruction works on at once.
2. Its loops are cut: outside, tiles of the result; inside them, tiles of the reduction; innermost,
   the axes of the instruction. Virtual threads share one of the outer axes.
3. What follows the reduction is computed tile by tile, in the accumulators.
4. Tiles of the result, of the operands and of what the epilogue reads are promoted to the memories
   that hold such elements.

The sizes are those of a `Tiling`. Nothing here knows what is reduced, or on which device.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations, product

from xdsl.dialects.builtin import MemRefType
from xdsl.ir import SSAValue

from analysis.affine import Affine
from analysis.errors import ScheduleError
from dialects import loop, te
from dialects.layout import layout_of, scope_of
from dialects.target import Scope as Memory
from passes.loop.bind_virtual_thread import BindVirtualThreadPass
from passes.loop.compute_in_place import ComputeInPlacePass
from passes.loop.decompose_reduction import DecomposeReductionPass
from passes.loop.forms import coordinates
from passes.loop.library.axes import Axis, axes_of
from passes.loop.library.recipe import Recipe
from passes.loop.library.register_tile import consumers_of
from passes.loop.primitive import Scope, body_accesses
from passes.loop.promote_memory_scope import PromoteMemoryScopePass
from passes.loop.reorder_loops import ReorderLoopsPass
from passes.loop.reverse_compute_at import ReverseComputeAtPass
from passes.loop.split_loop import SplitLoopPass
from passes.loop.tensor_match import Pattern
from passes.loop.tensorize import Part, Tensorization, TensorizePass
from passes.loop.transform_layout import TransformLayoutPass

Access = loop.LoadOp | loop.StoreOp


@dataclass(frozen=True)
class Tiling:
    """How a kernel is cut for an accelerator.

    `sizes` are the tile's elements along the axes of the reduction, by the names of its loops; an
    axis that is not there is whole. `threads` virtual threads take turns with the tiles along the
    axis `thread`. `order` are the spatial axes from the outermost tile loop inwards; those that it
    does not name come first, in the order of the block.
    """

    sizes: Mapping[str, int]
    thread: str | None = None
    threads: int = 2
    order: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operand:
    """A buffer of the reduction, and where the instruction's operand lies in it."""

    buffer: SSAValue
    dims: tuple[tuple[int | None, int], ...]
    """For each index of the operand the dimension of the buffer (None: none), and the extent."""

    @property
    def layout(self) -> str:
        """The map that puts what the instruction works on innermost."""
        assert isinstance(self.buffer.type, MemRefType)
        rank = self.buffer.type.get_num_dims()
        names = [f"d{i}" for i in range(rank)]
        outer = list(names)
        for dim, extent in self.dims:
            if dim is not None:
                outer[dim] = f"{names[dim]} floordiv {extent}"
        inner = ["0" if dim is None else f"{names[dim]} mod {e}" for dim, e in self.dims]
        return f"({', '.join(names)}) -> ({', '.join([*outer, *inner])})"


@dataclass(frozen=True)
class Fit:
    """An instruction for a reduction: how many elements of a loop it takes, and its operands.

    The operands are the result, then what is read; the block's variables that are axes of the
    result come in `result`, by dimension of the buffer.
    """

    steps: Mapping[str, int]
    operands: tuple[Operand, ...]


def fit_of(recipe: Recipe, block: loop.BlockOp) -> Fit:
    """An instruction of the module that reduces as the block does, before any loop is split."""
    scope = Scope("schedule-kernels", recipe.function)
    declared = [op for op in recipe.module.ops if isinstance(op, te.IntrinsicOp)]
    for op in declared:
        pattern = Pattern.of(op)
        if pattern is None or pattern.reducer is None or op.update_call is None:
            continue
        use = Tensorization(scope, block, pattern)
        part = use.part(block.body.block)
        if part is not None and part.form == "update":
            for fit in fits(use, part):
                return fit
    names = ", ".join(f"@{op.sym_name.data}" for op in declared) or "none"
    raise scope.error(
        f"no instruction of the module computes block '{block.block_name.data}', in whole pieces "
        f"of its extents; there are {names}"
    )


def fits(use: Tensorization, part: Part) -> Iterator[Fit]:
    """The ways in which variables of the block are axes of the instruction."""
    found = axes_of(use.block)
    rank = use.pattern.compute.rank.data
    ways = (
        permutations([a for a in found if not a.reduce], rank),
        permutations([a for a in found if a.reduce], len(use.axes) - rank),
    )
    for spatial, reduce in product(*ways):
        chosen = list(zip([*spatial, *reduce], use.axes, strict=True))
        if any(a.extent is None or a.extent % axis.extent for a, axis in chosen):
            continue
        numbers = {axis.number: a for a, axis in chosen}
        operands: list[Operand] = []
        for element, access in use.operands(part):
            wanted = [None if axis is None else numbers[axis.number] for axis in element]
            extents = [1 if axis is None else axis.extent for axis in element]
            operand = operand_of(use.block, access, wanted, extents, [a for a, _ in chosen])
            if operand is not None:
                operands.append(operand)
        if len(operands) == 1 + len(use.pattern.tensors):
            yield Fit({a.name: axis.extent for a, axis in chosen}, tuple(operands))


def operand_of(
    block: loop.BlockOp,
    access: Access,
    wanted: Sequence[Axis | None],
    extents: Sequence[int],
    others: Sequence[Axis],
) -> Operand | None:
    """How `wanted` axes index the buffer of an access; None if they do not, or `others` do."""
    region = access.parent_block()
    assert region is not None
    inside = dict(zip(block.variables, region.args, strict=True))
    places = coordinates(access)
    dims: list[tuple[int | None, int]] = []
    for axis, extent in zip(wanted, extents, strict=True):
        if axis is None:
            return None
        form = Affine.variable(inside[axis.variable])
        users = [i for i, place in enumerate(places) if inside[axis.variable] in place.variables()]
        if len(users) != 1 or places[users[0]] != form:
            return None
        dims.append((users[0], extent))
    for axis in others:
        if axis not in wanted and any(inside[axis.variable] in p.variables() for p in places):
            return None
    return Operand(access.memref, tuple(dims))


@dataclass
class AcceleratorSchedule:
    """The schedule of one reduction and what follows it."""

    recipe: Recipe
    name: str
    fit: Fit
    tiling: Tiling
    spatial: list[str] = field(default_factory=list[str])
    reduction: list[str] = field(default_factory=list[str])
    inner: list[str] = field(default_factory=list[str])
    elements: list[str] = field(default_factory=list[str])
    thread: str | None = None

    @property
    def block(self) -> loop.BlockOp:
        found = self.recipe.find(self.name)
        assert found is not None
        return found

    def apply(self) -> None:
        """Apply all steps."""
        self.lay_out()
        axes = axes_of(self.block)
        for axis in axes:
            self.cut(axis)
        self.order(axes)
        store_at = self.spatial[-1] if self.spatial else None
        if store_at is None:
            raise ScheduleError(
                f"schedule-kernels: block '{self.name}' has no loop around a tile of its result"
            )
        load_at = self.reduction[-1] if self.reduction else store_at
        before = self.reduction[0] if self.reduction else self.inner[0]
        self.recipe.do(DecomposeReductionPass(self.name, before))
        blocks = self.move_epilogue(store_at)
        self.promote(blocks, store_at, load_at)
        for block in [f"{self.name}_init", self.name, *blocks]:
            self.tensorize(block)
        if self.thread is not None:
            self.recipe.do(BindVirtualThreadPass(self.thread))

    def lay_out(self) -> None:
        """Give the buffers of the reduction and of what follows it blocked layouts."""
        for operand in self.fit.operands:
            self.transform(operand)
        result = self.fit.operands[0]
        last = self.name
        while followers := consumers_of(self.recipe, last):
            last = followers[0]
            follower = self.recipe.find(last)
            assert follower is not None
            (store,) = [a for a in body_accesses(follower) if isinstance(a, loop.StoreOp)]
            places = coordinates(store)
            for access in body_accesses(follower):
                mine = coordinates(access)
                dims = [
                    (None if dim is None or places[dim] not in mine else mine.index(places[dim]), e)
                    for dim, e in result.dims
                ]
                self.transform(Operand(access.memref, tuple(dims)))

    def transform(self, operand: Operand) -> None:
        """Give one buffer its layout."""
        if layout_of(operand.buffer.type) is None:
            name = operand.buffer.name_hint
            assert name is not None
            self.recipe.do(TransformLayoutPass(name, operand.layout))

    def cut(self, axis: Axis) -> None:
        """Split one loop into tiles, threads, calls of the instruction, and its elements."""
        name, extent = axis.name, axis.extent
        assert extent is not None
        size = min(self.tiling.sizes.get(name, extent), extent)
        step = self.fit.steps.get(name, 1)
        outer = self.reduction if axis.reduce else self.spatial
        if name == self.tiling.thread and extent > size:
            threads = self.tiling.threads
            thread = f"{axis.name}_t"
            if extent > size * threads:
                self.recipe.do(SplitLoopPass(name, size * threads))
                outer.append(f"{axis.name}_o")
                name = f"{axis.name}_i"
            self.recipe.do(SplitLoopPass(name, size, (thread, f"{axis.name}_u")))
            self.thread, name = thread, f"{axis.name}_u"
        elif extent > size or not axis.reduce:
            self.recipe.do(SplitLoopPass(name, size))
            outer.append(f"{axis.name}_o")
            name = f"{axis.name}_i"
        if step == 1:
            self.inner.append(name)
        elif step == size:
            self.elements.append(name)
        else:
            names = f"{axis.name}_b", f"{axis.name}_e"
            self.recipe.do(SplitLoopPass(name, step, names))
            self.inner.append(names[0])
            self.elements.append(names[1])

    def order(self, axes: Sequence[Axis]) -> None:
        """Put the loops in order: threads, tiles, tiles of the reduction, calls, elements."""
        wished = [f"{name}_o" for name in self.tiling.order]
        first = [name for name in self.spatial if name not in wished]
        self.spatial = [*first, *(name for name in wished if name in self.spatial)]
        reduce = {a.name for a in axes if a.reduce}
        sums = [n for n in self.inner if n in reduce or n.rpartition("_")[0] in reduce]
        self.inner = [*sums, *(n for n in self.inner if n not in sums)]
        thread = [] if self.thread is None else [self.thread]
        loops = [*thread, *self.spatial, *self.reduction, *self.inner, *self.elements]
        self.recipe.do(ReorderLoopsPass(tuple(loops)))

    def move_epilogue(self, at: str) -> list[str]:
        """Compute what follows the reduction tile by tile, in place; returns the blocks."""
        moved: list[str] = []
        last = self.name
        while followers := consumers_of(self.recipe, last):
            last = followers[0]
            self.recipe.do(ReverseComputeAtPass(last, at))
            moved.append(last)
        for name in moved:
            try:
                self.recipe.do(ComputeInPlacePass(name))
            except ScheduleError:
                continue  # the result of the kernel, or one of another type
        return moved

    def promote(self, blocks: Sequence[str], store_at: str, load_at: str) -> None:
        """Put the tiles of all buffers into the memories that hold their elements."""
        operands = {o.buffer: o for o in self.fit.operands[1:]}
        done: set[SSAValue] = set()
        for name in [self.name, *blocks]:
            block = self.recipe.find(name)
            assert block is not None
            for access in list(body_accesses(block)):
                buffer = access.memref
                hint = buffer.name_hint
                if buffer in done or isinstance(buffer.owner, loop.AllocOp) and hint is None:
                    continue
                assert hint is not None
                done.add(buffer)
                if is_tile(buffer):
                    continue
                memory = self.memory_for(buffer, isinstance(access, loop.StoreOp))
                at = load_at if buffer in operands else store_at
                self.recipe.do(PromoteMemoryScopePass(hint, memory.name, at))

    def memory_for(self, buffer: SSAValue, written: bool) -> Memory:
        """The memory that holds the innermost part of a buffer."""
        type = buffer.type
        assert isinstance(type, MemRefType)
        layout = layout_of(type)
        physical = () if layout is None else layout.physical
        leaves = written and not isinstance(buffer.owner, loop.AllocOp)
        for memory in self.recipe.machine.scopes:
            if memory.element is None or not (memory.drain if leaves else memory.fill):
                continue
            shape, element = memory.element
            if str(type.element_type) == element and tuple(physical[-len(shape) :]) == shape:
                return memory
        raise ScheduleError(
            f"schedule-kernels: no memory of the target holds %{buffer.name_hint}: {type}"
        )

    def tensorize(self, name: str) -> None:
        """Find an instruction for a block."""
        symbols = [o.sym_name.data for o in self.recipe.module.ops if isinstance(o, te.IntrinsicOp)]
        refusals: list[str] = []
        for symbol in symbols:
            try:
                self.recipe.do(TensorizePass(name, symbol))
                return
            except ScheduleError as error:
                refusals.append(f"@{symbol}: {error.message}")
        raise ScheduleError(
            f"schedule-kernels: no instruction of the module computes block '{name}'", *refusals
        )


def is_tile(buffer: SSAValue) -> bool:
    """Whether a buffer is a tile in some memory already."""
    return scope_of(buffer.type) is not None
