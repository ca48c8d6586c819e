"""The schedule of a kernel on an accelerator: tiles in its memories, its instructions on them.

1. The reduction becomes calls of an instruction of the module that reduces; every buffer that it
   touches gets a layout whose innermost part is what the instruction works on at once. Where that
   does not divide the extents, the blocks are padded to whole pieces, and so are the operands in
   memory.
2. Its loops are cut: outside, tiles of the result; inside them, tiles of the reduction; innermost,
   the axes of the instruction. Virtual threads share one of the outer axes.
3. What follows the reduction is computed tile by tile, in the accumulators.
4. Tiles of the result, of the operands and of what the epilogue reads are promoted to the memories
   that hold such elements.

The sizes are those of a `Tiling`. Nothing here knows what is reduced, or on which device.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations, product

from xdsl.dialects.builtin import MemRefType
from xdsl.ir import SSAValue

from analysis.affine import Affine
from analysis.errors import ScheduleError
from dialects import loop, te
from dialects.layout import layout_of, logical_shape, scope_of
from dialects.target import Machine
from dialects.target import Scope as Memory
from passes.loop.bind_virtual_thread import BindVirtualThreadPass
from passes.loop.compute_in_place import ComputeInPlacePass
from passes.loop.decompose_reduction import DecomposeReductionPass
from passes.loop.expand_unrolled_loops import ExpandUnrolledLoopsPass
from passes.loop.forms import coordinates
from passes.loop.library.accelerator_model import Footprint, Problem, choose_tiles
from passes.loop.library.axes import Axis, axes_of, consumers_of, is_naive, result_of
from passes.loop.library.recipe import Recipe
from passes.loop.pad_block import PadBlockPass
from passes.loop.peel_loop import PeelLoopPass
from passes.loop.primitive import Scope, body_accesses
from passes.loop.promote_memory_scope import PromoteMemoryScopePass
from passes.loop.reorder_loops import ReorderLoopsPass
from passes.loop.reverse_compute_at import ReverseComputeAtPass
from passes.loop.split_loop import SplitLoopPass
from passes.loop.tensor_axes import Fitting
from passes.loop.tensor_match import Part, Pattern, parts_of
from passes.loop.tensorize import TensorizePass
from passes.loop.transform_layout import TransformLayoutPass
from passes.loop.unroll_loop import UnrollLoopPass

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

    buffer: str
    rank: int
    dims: tuple[tuple[int | None, int], ...]
    """For each index of the operand the dimension of the buffer (None: none), and the extent."""

    @property
    def layout(self) -> str:
        """The map that puts what the instruction works on innermost."""
        names = [f"d{i}" for i in range(self.rank)]
        outer = list(names)
        for dim, extent in self.dims:
            if dim is not None:
                outer[dim] = f"{names[dim]} floordiv {extent}"
        inner = ["0" if dim is None else f"{names[dim]} mod {e}" for dim, e in self.dims]
        return f"({', '.join(names)}) -> ({', '.join([*outer, *inner])})"


@dataclass(frozen=True)
class Fit:
    """An instruction for a reduction: how many elements of a loop it takes, and its operands.

    The operands are the result, then what is read.
    """

    steps: Mapping[str, int]
    operands: tuple[Operand, ...]


def fit_of(recipe: Recipe, block: loop.BlockOp) -> Fit:
    """An instruction of the module that reduces as the block does, before any loop is split."""
    scope = Scope("schedule-kernels", recipe.function)
    declared = [op for op in recipe.module.ops if isinstance(op, te.IntrinsicOp)]
    for op in declared:
        pattern = Pattern.of(op)
        if isinstance(pattern, str) or pattern.reducer is None or op.update_call is None:
            continue
        for part in parts_of(pattern, block.body.block):
            if part.form == "update":
                for fit in fits(Fitting(block, pattern), part):
                    return fit
    extents = ", ".join(f"{a.name} {a.extent}" for a in axes_of(block))
    names = ", ".join(f"@{op.sym_name.data}" for op in declared) or "none"
    raise scope.error(
        f"no instruction of the module computes block '{block.block_name.data}' (its extents are "
        f"{extents}); there are {names}"
    )


def fits(use: Fitting, part: Part) -> Iterator[Fit]:
    """The ways in which variables of the block are axes of the instruction."""
    found = axes_of(use.block)
    axes, rank = use.pattern.axes, len(use.pattern.spatial)
    ways = (
        permutations([a for a in found if not a.reduce], rank),
        permutations([a for a in found if a.reduce], len(axes) - rank),
    )
    for spatial, reduce in product(*ways):
        chosen = list(zip([*spatial, *reduce], axes, strict=True))
        if any(a.extent is None for a, _ in chosen):
            continue
        numbers = {axis.number: a for a, axis in chosen}
        operands: list[Operand] = []
        for _, element, access in use.accesses(part):
            wanted = [numbers[axis.number] for axis in element]
            extents = [axis.extent for axis in element]
            operand = operand_of(use.block, access, wanted, extents, [a for a, _ in chosen])
            if operand is not None:
                operands.append(operand)
        if len(operands) == 1 + len(use.pattern.tensors):
            yield Fit({a.name: axis.extent for a, axis in chosen}, tuple(operands))


def operand_of(
    block: loop.BlockOp,
    access: Access,
    wanted: Sequence[Axis],
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
        form = Affine.variable(inside[axis.variable])
        users = [i for i, place in enumerate(places) if inside[axis.variable] in place.variables()]
        if len(users) != 1 or places[users[0]] != form:
            return None
        dims.append((users[0], extent))
    for axis in others:
        if axis not in wanted and any(inside[axis.variable] in p.variables() for p in places):
            return None
    return operand_at(access, dims)


def operand_at(access: Access, dims: Sequence[tuple[int | None, int]]) -> Operand:
    """The operand that the buffer of an access is."""
    name, type = access.memref.name_hint, access.memref.type
    assert name is not None and isinstance(type, MemRefType)
    return Operand(name, type.get_num_dims(), tuple(dims))


def memory_holding(machine: Machine, type: str, shape: tuple[int, ...], leaves: bool) -> Memory:
    """The memory whose element is that, and that is filled (or, if it leaves, drained)."""
    for memory in machine.scopes:
        if memory.element == (shape, type) and (memory.drain if leaves else memory.fill):
            return memory
    raise ScheduleError(
        f"schedule-kernels: no memory of the target {machine.device} holds elements of "
        f"{'x'.join(map(str, shape))} {type}"
    )


def chain_of(recipe: Recipe, name: str) -> Iterator[loop.BlockOp]:
    """The elementwise blocks that follow a reduction, each reading the one before."""
    while followers := consumers_of(recipe, name):
        name = followers[0]
        found = recipe.find(name)
        assert found is not None
        yield found


def positions(follower: loop.BlockOp, access: Access, result: Operand) -> Operand:
    """The operand of a follower whose elements are those of the result, as far as it has them."""
    places, mine = coordinates(result_of(follower)), coordinates(access)
    dims = [
        (None if dim is None or places[dim] not in mine else mine.index(places[dim]), extent)
        for dim, extent in result.dims
    ]
    return operand_at(access, dims)


def problem_of(recipe: Recipe, name: str, fit: Fit) -> Problem:
    """What the model has to know of a reduction and what follows it."""
    block = recipe.find(name)
    assert block is not None
    axes = [whole(axis, fit.steps.get(axis.name, 1)) for axis in axes_of(block)]

    def footprint(access: Access, operand: Operand, names: Mapping[Hashable, str]) -> Footprint:
        assert isinstance(access.memref.type, MemRefType)
        shape = tuple(extent for _, extent in operand.dims)
        element = str(access.memref.type.element_type)
        memory = memory_holding(recipe.machine, element, shape, leaves=False)
        blocked = {dim: extent for dim, extent in operand.dims if dim is not None}
        return Footprint.of(access, memory, names, blocked)

    names: dict[Hashable, str] = {a.variable: a.name for a in axes}
    by_name = {a.memref.name_hint: a for a in body_accesses(block)}
    parts = [footprint(by_name[o.buffer], o, names) for o in fit.operands]
    padded: set[str] = set()
    for operand in fit.operands[1:]:
        padded |= axes_with_pads(by_name[operand.buffer], operand, names)
    by_place = {form: next(iter(form.variables()), None) for form in coordinates(result_of(block))}
    loops = [names.get(variable) for variable in by_place.values()]
    extras: list[Footprint] = []
    followers = list(chain_of(recipe, name))
    for follower in followers:
        theirs: dict[Hashable, str] = {
            v: loop_name
            for form, loop_name in zip(coordinates(result_of(follower)), loops, strict=True)
            for v in form.variables()
            if loop_name is not None
        }
        for access in body_accesses(follower):
            if isinstance(access, loop.StoreOp) or isinstance(access.memref.owner, loop.AllocOp):
                continue
            operand = positions(follower, access, fit.operands[0])
            extras.append(footprint(access, operand, theirs))
            padded |= axes_with_pads(access, operand, theirs)
    operands, count = parts[1:], len(followers)
    return Problem(
        recipe.machine, axes, fit.steps, parts[0], operands, extras, count, frozenset(padded)
    )


def axes_with_pads(access: Access, operand: Operand, names: Mapping[Hashable, str]) -> set[str]:
    """The axes that move an operand at the end of which there are zeros."""
    shape = logical_shape(access.memref.type)
    pieces = ((shape[dim], extent) for dim, extent in operand.dims if dim is not None)
    if all(isinstance(size, int) and size % extent == 0 for size, extent in pieces):
        return set()
    moved = {v for form in coordinates(access) for v in form.variables()}
    return {names[v] for v in moved if v in names}


def whole(axis: Axis, step: int) -> Axis:
    """An axis with its extent rounded up to whole pieces."""
    assert axis.extent is not None
    return replace(axis, extent=-(-axis.extent // step) * step)


def reduction_of(recipe: Recipe) -> str:
    """The name of the one block of a kernel that reduces."""
    found = [n for n in recipe.block_names() if is_reduction(recipe, n)]
    if len(found) != 1:
        raise ScheduleError(
            f"schedule-kernels: @{recipe.function.sym_name.data} has {len(found)} reductions; "
            "a kernel for an accelerator has one, and what follows it element by element"
        )
    for name in recipe.block_names():
        block = recipe.find(name)
        if block is not None and not is_naive(block):
            raise ScheduleError(
                f"schedule-kernels: block '{name}' of @{recipe.function.sym_name.data} is "
                "scheduled already; it takes loops as lower-te-to-loop leaves them"
            )
    return found[0]


def default_problem(recipe: Recipe) -> Problem:
    """What the model has to know of an unscheduled kernel."""
    name = reduction_of(recipe)
    block = recipe.find(name)
    assert block is not None
    return problem_of(recipe, name, fit_of(recipe, block))


def default_tiling(recipe: Recipe) -> Tiling:
    """The tiles that the model chooses for an unscheduled kernel."""
    problem = default_problem(recipe)
    chosen = choose_tiles(problem)
    if chosen is None:
        raise ScheduleError(
            f"schedule-kernels: not even the smallest tiles of block '{reduction_of(recipe)}' fit "
            f"the memories of the target {recipe.machine.device}: {problem.shortage()}"
        )
    return Tiling(*chosen)


def accelerate(recipe: Recipe, tiling: Tiling | None = None) -> None:
    """Schedule a kernel of one reduction; the model chooses the tiles if they are not given."""
    name = reduction_of(recipe)
    block = recipe.find(name)
    assert block is not None
    fit = fit_of(recipe, block)
    AcceleratorSchedule(recipe, name, fit, tiling or default_tiling(recipe)).apply()


def is_reduction(recipe: Recipe, name: str) -> bool:
    """Whether the block of that name reduces."""
    block = recipe.find(name)
    return block is not None and any(block.is_reduce)


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
        self.pad()
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
        blocks = self.move_epilogue(store_at)
        self.promote(blocks, store_at, load_at)
        self.recipe.do(DecomposeReductionPass(self.name, [*self.inner, *self.elements][0]))
        for block in [f"{self.name}_init", self.name, *blocks]:
            self.tensorize(block)
        if self.reduction:
            # its first step begins a tile, while that of another thread is still being stored
            self.recipe.do(PeelLoopPass(self.reduction[0]))
            self.recipe.do(UnrollLoopPass(self.reduction[0]))
            self.recipe.do(ExpandUnrolledLoopsPass())
        if self.thread is not None:
            self.recipe.do(BindVirtualThreadPass(self.thread))

    def lay_out(self) -> None:
        """Give the buffers of the reduction and of what follows it blocked layouts."""
        for operand in self.fit.operands:
            self.transform(operand)
        result = self.fit.operands[0]
        for follower in list(chain_of(self.recipe, self.name)):
            for access in list(body_accesses(follower)):
                self.transform(positions(follower, access, result))

    def transform(self, operand: Operand) -> None:
        """Give one buffer its layout; what is only read has zeros at the end of its last pieces."""
        scope = Scope(TransformLayoutPass.name, self.recipe.function)
        buffer = scope.find_buffer(operand.buffer)
        if layout_of(buffer.type) is not None:
            return
        shape = logical_shape(buffer.type)
        partial = any(
            dim is not None and isinstance(size := shape[dim], int) and size % extent
            for dim, extent in operand.dims
        )
        reads = all(isinstance(use.operation, loop.LoadOp) for use in buffer.uses)
        pad = 0 if partial and reads else None
        self.recipe.do(TransformLayoutPass(operand.buffer, operand.layout, pad=pad))

    def pad(self) -> None:
        """Compute whole pieces."""
        self.pad_block(self.block, self.fit.steps)
        result = self.fit.operands[0]
        for follower in list(chain_of(self.recipe, self.name)):
            operand = positions(follower, result_of(follower), result)
            places = coordinates(result_of(follower))
            axes = {Affine.variable(axis.variable): axis for axis in axes_of(follower)}
            pieces = [(axes[places[dim]], n) for dim, n in operand.dims if dim is not None]
            self.pad_block(follower, {axis.name: n for axis, n in pieces})

    def pad_block(self, block: loop.BlockOp, steps: Mapping[str, int]) -> None:
        """Compute whole pieces of a block, `steps` elements along loops."""
        extents = {axis.name: axis.extent or 1 for axis in axes_of(block)}
        partial = {name: step for name, step in steps.items() if extents[name] % step}
        if partial:
            name = block.block_name.data
            self.recipe.do(PadBlockPass(name, tuple(partial), tuple(partial.values())))

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
        moved = [block.block_name.data for block in chain_of(self.recipe, self.name)]
        for name in moved:
            self.recipe.do(ReverseComputeAtPass(name, at))
        for name in moved:
            try:
                self.recipe.do(ComputeInPlacePass(name))
            except ScheduleError:
                continue  # the result of the kernel, or one of another type
        return moved

    def promote(self, blocks: Sequence[str], store_at: str, load_at: str) -> None:
        """Put the tiles of all buffers into the memories that hold their elements."""
        operands = {o.buffer for o in self.fit.operands[1:]}
        done: set[str] = set()
        for block in [self.recipe.find(name) for name in (self.name, *blocks)]:
            assert block is not None
            for access in list(body_accesses(block)):
                buffer = access.memref
                name = buffer.name_hint
                assert name is not None
                if name in done or scope_of(buffer.type) != "global":
                    continue
                done.add(name)
                memory = self.memory_for(buffer, isinstance(access, loop.StoreOp))
                at = load_at if name in operands else store_at
                self.recipe.do(PromoteMemoryScopePass(name, memory.name, at))

    def memory_for(self, buffer: SSAValue, written: bool) -> Memory:
        """The memory that holds the innermost part of a buffer."""
        type = buffer.type
        assert isinstance(type, MemRefType)
        layout = layout_of(type)
        assert layout is not None
        leaves = written and not isinstance(buffer.owner, loop.AllocOp)
        shape = tuple(extent for _, extent in self.fit.operands[0].dims)
        for operand in self.fit.operands:
            if operand.buffer == buffer.name_hint:
                shape = tuple(extent for _, extent in operand.dims)
        return memory_holding(self.recipe.machine, str(type.element_type), shape, leaves)

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
