"""lower-threads-to-loops: the threads of a GPU one after the other, from barrier to barrier.

    for i bind "threadIdx.x" {            alloc T[n, ...]
      alloc T                              for k {
      for k {                                for i in 0..n { A }
        A                          ->        for i in 0..n { B }
        barrier                            }
        B
      }
    }

A body with barriers is cut at them: each part becomes loops over the threads of a group, which are
serial. A loop that holds a barrier stays around the parts, as all threads go through it together.
What a thread has of its own in several parts gets a dimension for each thread axis; a buffer whose
parts are tiles that are filled ahead has as many of them for each thread. A loop over an axis
inside of one over the same axis is the iteration of the thread. Loops over thread groups are
serial, the outermost one is parallel. Buffers that threads share are shared by these loops.

It stands after insert-thread-barriers, before code is made for a machine without thread axes.

Names: each new loop over threads is called as the outermost one of its axis, with a number where
that is taken.
Arguments: `function` (all functions of loops if it is left out).
Refuses: threads that race; barriers in loops that threads of a group leave at different times; a
copy or a call of a tensor instruction with a buffer that gets dimensions (expand-copies and
expand-intrinsics make loops of them); such a buffer whose origin mixes a thread with other loops in
one division.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import (
    ArrayAttr,
    IndexType,
    MemRefType,
    ModuleOp,
    NoneAttr,
    StringAttr,
)
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.passes import ModulePass

from analysis.affine import Affine, from_expression, to_expression
from dialects import loop
from dialects.layout import LayoutAttr, layout_map, layout_of, physical_shape
from passes.loop.forms import (
    Ranges,
    for_with,
    forms_of,
    replace_variables,
    set_forms,
)
from passes.loop.insert_thread_barriers import Planner
from passes.loop.primitive import Scope, accesses, block_of, insert_before, loops_around
from passes.loop.threads import (
    divergent_loop,
    is_item_loop,
    is_thread_loop,
    kernels_in,
)
from passes.loop.units import scheduled_functions

Threads = Mapping[str, loop.ForOp]
"""The outermost loop of each axis around what is lowered."""


def has_barrier(op: Operation) -> bool:
    """Whether threads wait for each other in an operation."""
    return any(isinstance(o, loop.BarrierOp) for o in op.walk())


def extent_of(op: loop.ForOp) -> int:
    """The extent of a loop over the threads of a group."""
    assert op.extent is not None
    return op.extent


@dataclass
class Lowering:
    """Makes loops of the threads of one kernel."""

    scope: Scope
    made: list[tuple[loop.ForOp, str]] = field(default_factory=list[tuple[loop.ForOp, str]])
    """The new loops over threads, and what they are to be called."""
    pending: list[tuple[loop.AllocOp, Threads]] = field(
        default_factory=list[tuple[loop.AllocOp, Threads]]
    )
    """The allocations that get a dimension for each of some axes."""

    def fission(self, body: Block, threads: Threads) -> list[Operation]:
        """What takes the place of the operations of a body that threads run."""
        parts: list[list[Operation]] = [[]]
        for op in list(body.ops):
            op.detach()
            if isinstance(op, loop.BarrierOp):
                parts.append([])
                op.erase()
            elif isinstance(op, loop.ForOp) and has_barrier(op):
                parts.append([op])
                parts.append([])
            else:
                parts[-1].append(op)
        found: list[Operation] = []
        allocs = [o for part in parts for o in part if isinstance(o, loop.AllocOp)]
        own = [o for o in allocs if o.memory is not None and not self.is_shared(o, threads)]
        for alloc in own:
            self.look_again(alloc, parts)
        for alloc in (o for o in allocs if o not in own):
            users = [p for p in parts if any(uses(op, alloc.result) for op in p)]
            for part in parts:
                if alloc in part:
                    part.remove(alloc)
            if (
                not self.is_shared(alloc, threads)
                and len(users) == 1
                and not any(has_barrier(o) for o in users[0])
            ):
                users[0].insert(0, alloc)
            else:
                found.append(alloc)
        expanded = [op for op in found if isinstance(op, loop.AllocOp)]
        for part in parts:
            found += self.lower_part(part, threads)
        for alloc in expanded:
            own = {a: o for a, o in threads.items() if a not in alloc.sharing_axes}
            alloc.shared_by = None
            if own:
                self.pending.append((alloc, own))
        return found

    @staticmethod
    def is_shared(alloc: loop.AllocOp, threads: Threads) -> bool:
        """Whether the threads have a buffer together."""
        return all(axis in alloc.sharing_axes for axis in threads)

    @staticmethod
    def look_again(alloc: loop.AllocOp, parts: Sequence[list[Operation]]) -> None:
        """Let each part have a tile of its own that lies where the one lay which they all used; it
        holds what is left there."""
        for part in parts:
            if alloc in part:
                part.remove(alloc)
        for part in parts:
            if not any(uses(op, alloc.result) for op in part):
                continue
            again = alloc.clone()
            again.result.name_hint = alloc.result.name_hint
            for inner in (inner for op in part for inner in op.walk()):
                inner.operands = [again.result if v is alloc.result else v for v in inner.operands]
            whole = part[0]
            if len(part) == 1 and isinstance(whole, loop.ForOp) and has_barrier(whole):
                first = whole.body.block.first_op
                assert first is not None
                insert_before(first, again)
            else:
                part.insert(0, again)
        alloc.erase()

    def lower_part(self, part: Sequence[Operation], threads: Threads) -> list[Operation]:
        """What takes the place of operations, of which a barrier is in all or in none."""
        if len(part) == 1 and isinstance(op := part[0], loop.ForOp) and has_barrier(op):
            if is_thread_loop(op):
                outer = threads.get(op.kind.data)
                if outer is not None:
                    replace_induction(op, Affine.variable(outer.induction))
                    return self.fission(op.body.block, threads)
                return self.fission(op.body.block, {**threads, op.kind.data: op})
            op.body.block.add_ops(self.fission(op.body.block, threads))
            return [op]
        if not part:
            return []
        return self.wrap(part, threads)

    def wrap(self, part: Sequence[Operation], threads: Threads) -> list[Operation]:
        """Operations in loops over the threads that run them."""
        loops: list[loop.ForOp] = []
        for axis, old in threads.items():
            new = for_with(old.loop_name.data, Affine({}), Affine({}, extent_of(old)), axis)
            new.location = old.location
            self.made.append((new, old.loop_name.data))
            if loops:
                loops[-1].body.block.add_op(new)
            loops.append(new)
        if not loops:
            return list(part)
        loops[-1].body.block.add_ops(part)
        values: dict[Hashable, Affine] = {
            old.induction: Affine.variable(new.induction)
            for old, new in zip(threads.values(), loops, strict=True)
        }
        replace_variables(loops[0], values)
        return [loops[0]]


def uses(op: Operation, value: SSAValue) -> bool:
    """Whether an operation, or one in it, has a value as an operand."""
    return any(value in inner.operands for inner in op.walk())


def replace_induction(op: loop.ForOp, form: Affine) -> None:
    """Put a form in the place of a loop's variable, in its body."""
    replace_variables(op, {op.induction: form})


def inline_nested(root: Operation) -> None:
    """Replace the loops over an axis inside of one over the same axis by their bodies."""
    for op in [o for o in root.walk() if is_thread_loop(o)]:
        assert isinstance(op, loop.ForOp)
        around = [o for o in loops_around(op) if o.kind.data == op.kind.data]
        if around:
            replace_induction(op, Affine.variable(around[0].induction))
            body = list(op.body.block.ops)
            for inner in body:
                inner.detach()
            insert_before(op, *body)
            op.detach()
            op.erase()


@dataclass(frozen=True)
class Expansion:
    """An allocation that gets a dimension for each axis along which threads have their own."""

    scope: Scope
    alloc: loop.AllocOp
    threads: Threads

    def run(self) -> None:
        """Rewrite the allocation, and its uses."""
        name = f"%{self.alloc.result.name_hint}"
        tiles = [
            op for use in self.alloc.result.uses if isinstance(op := use.operation, loop.AllocOp)
        ]
        if tiles:
            self.multiply_parts(tiles)
            return
        for use in self.alloc.result.uses:
            if not isinstance(use.operation, loop.LoadOp | loop.StoreOp):
                raise self.scope.error(
                    f"{name}, of which each thread has its own between barriers, is used by "
                    f"{use.operation.name}; make loops of it with expand-copies or "
                    "expand-intrinsics first"
                )
        root = self.alloc.parent_op()
        assert root is not None
        touched = list(accesses(root, self.alloc.result))
        self.rewrite_type()
        for access in touched:
            self.rewrite_access(access)

    def multiply_parts(self, tiles: Sequence[loop.AllocOp]) -> None:
        """Give each thread parts of its own in a buffer that tiles lie in parts of."""
        extents = [extent_of(op) for op in self.threads.values()]
        count = math.prod(extents)
        for tile in tiles:
            around = {op.kind.data: op for op in loops_around(tile)}
            (number,) = forms_of(tile, "part")
            for axis, extent in zip(self.threads, extents, strict=True):
                number = number * extent + Affine.variable(around[axis].induction)
            set_forms(tile, part=[number])
        type = self.alloc.result.type
        assert isinstance(type, MemRefType)
        sizes = [count * type.get_shape()[0], *type.get_shape()[1:]]
        layout = layout_of(type)
        if layout is not None:
            first, *others = layout.physical
            assert isinstance(first, int)
            physical = LayoutAttr.of(layout.map.data, [count * first, *others]).extents
            layout = LayoutAttr(layout.map, physical, layout.pad)
        new = MemRefType(type.element_type, sizes, layout or NoneAttr(), type.memory_space)
        self.alloc.result._type = new  # pyright: ignore[reportPrivateUsage]

    def rewrite_type(self) -> None:
        """A box that holds the boxes of all threads, each with cells of its own."""
        type = self.alloc.result.type
        assert isinstance(type, MemRefType)
        count, extents = len(self.threads), [extent_of(o) for o in self.threads.values()]
        inductions = [o.induction for o in self.threads.values()]
        ranges: Ranges = {v: (0, e - 1) for v, e in zip(inductions, extents, strict=True)}
        origin: list[Affine] = [Affine({})] * count
        sizes = list(extents)
        local: list[Affine] = []
        for d, (form, size) in enumerate(
            zip(forms_of(self.alloc, "origin"), type.get_shape(), strict=True)
        ):
            moved = self.thread_part(form, inductions)
            low, high = moved.interval(ranges)
            assert low is not None and high is not None
            origin.append(form - moved + low)
            sizes.append(size + high - low)
            place = Affine.variable(("d", count + d))
            if high > low:
                place = (place - moved + low).mod(size, {})
            local.append(place)
        positions = {v: ("d", i) for i, v in enumerate(inductions)}
        names: dict[Hashable, Affine] = {v: Affine.variable(p) for v, p in positions.items()}
        local = [form.substitute(names, {}) for form in local]
        old = layout_of(type)
        inside = [from_expression(e, local, {}) for e in layout_map(type).results]
        results = [*(Affine.variable(("d", i)) for i in range(count)), *inside]
        plain = old is None and all(
            form == Affine.variable(("d", i)) for i, form in enumerate(results)
        )
        new = MemRefType(type.element_type, sizes, memory_space=type.memory_space)
        if not plain:
            exprs = tuple(to_expression(form, lambda v: v[1]) for form in results)  # pyright: ignore
            physical = [*extents, *physical_shape(type)]
            pad = None if old is None or isinstance(old.pad, NoneAttr) else old.pad
            layout = LayoutAttr.of(AffineMap(len(sizes), 0, exprs), physical, pad)
            new = MemRefType(type.element_type, sizes, layout, type.memory_space)
        set_forms(self.alloc, origin=origin)
        self.alloc.result._type = new  # pyright: ignore[reportPrivateUsage]

    def thread_part(self, form: Affine, inductions: Sequence[SSAValue]) -> Affine:
        """The terms of a form that the threads move."""
        found: dict[Hashable, int] = {}
        for atom, factor in form.terms.items():
            used = Affine({atom: 1}).variables()
            if used & set(inductions):
                if not used <= set(inductions):
                    raise self.scope.error(
                        f"the origin of %{self.alloc.result.name_hint} divides a sum of threads "
                        "and other loops, so the parts of the threads cannot be told apart; "
                        "promote it where it begins at multiples of its size"
                    )
                found[atom] = factor
        return Affine(found)

    def rewrite_access(self, access: loop.LoadOp | loop.StoreOp) -> None:
        """Index an access by the thread, too."""
        block = block_of(access)
        region = access.parent_block()
        assert region is not None
        numbers = [self.variable_of(block, o) for o in self.threads.values()]
        count, map = len(numbers), access.map.data
        dims = [AffineExpr.dimension(i) for i in range(count + map.num_dims)]
        exprs = [e.replace_dims_and_symbols(dims[count:], ()) for e in map.results]
        whole = AffineMap(count + map.num_dims, 0, (*dims[:count], *exprs))
        arguments = [region.args[n] for n in numbers]
        if isinstance(access, loop.LoadOp):
            where = access.where.data
            guards = tuple(e.replace_dims_and_symbols(dims[count:], ()) for e in where.results)
            new: Operation = loop.LoadOp(
                access.memref,
                [*arguments, *access.indices],
                whole,
                AffineMap(count + map.num_dims, 0, guards),
                access.otherwise,
            )
            new.results[0].name_hint = access.result.name_hint
        else:
            new = loop.StoreOp(access.value, access.memref, [*arguments, *access.indices], whole)
        new.location = access.location
        insert_before(access, new)
        if isinstance(access, loop.LoadOp):
            access.result.replace_all_uses_with(new.results[0])
        access.detach()
        access.erase()

    def variable_of(self, block: loop.BlockOp, old: loop.ForOp) -> int:
        """The number of a block's variable that is the thread along an axis."""
        op = next(o for o in loops_around(block) if o.kind.data == old.kind.data)
        mine = Affine.variable(op.induction)
        domain = Affine({}, extent_of(old))
        pairs = zip(forms_of(block, "bindings"), forms_of(block, "domains"), strict=True)
        for number, pair in enumerate(pairs):
            if pair == (mine, domain) and not block.is_reduce[number]:
                return number
        number = len(block.variables)
        bindings, domains = forms_of(block, "bindings"), forms_of(block, "domains")
        for region in (block.body, block.init):
            if region is not None:
                argument = region.block.insert_arg(IndexType(), number)
                argument.name_hint = f"v_{old.loop_name.data}"
        block.iterators = ArrayAttr([*block.iterators.data, StringAttr("spatial")])
        set_forms(block, bindings=[*bindings, mine], domains=[*domains, domain])
        return number


def refuse_races(scope: Scope, root: loop.ForOp) -> None:
    """Refuse a kernel whose threads race, or wait where not all of them come."""
    planner = Planner.of(scope, root)
    race = planner.race()
    if race is not None:
        raise scope.error(
            f"two threads of a group touch the same element of "
            f"%{race.relation.first.use.buffer.name_hint} with no barrier in between; "
            "insert-thread-barriers puts them",
            *race.relation.describe(),
        )
    for op in root.walk():
        if isinstance(op, loop.BarrierOp):
            found = divergent_loop(op, root)
            if found is not None:
                raise scope.error(
                    f"a barrier stands in loop '{found[0].loop_name.data}', whose bounds depend "
                    f"on the thread '{found[1].loop_name.data}'; threads that leave it cannot wait"
                )


def lower_kernel(scope: Scope, root: loop.ForOp) -> None:
    """Make loops of the threads of a kernel."""
    refuse_races(scope, root)
    lowering = Lowering(scope)
    at: loop.ForOp | None = root
    while at is not None and not is_item_loop(at):
        inner = at.body.block.first_op
        nested = isinstance(inner, loop.ForOp) and inner is at.body.block.last_op
        if not (nested and is_thread_loop(inner) and not is_item_loop(inner)):  # pyright: ignore[reportArgumentType]
            break
        at = inner  # pyright: ignore[reportAssignmentType]
    assert at is not None
    if is_item_loop(at):
        marker = loop.BarrierOp()
        insert_before(root, marker)
        root.detach()
        new = lowering.lower_part([root], {})
        insert_before(marker, *new)
        marker.detach()
        marker.erase()
    else:
        body = at.body.block
        body.add_ops(lowering.fission(body, {}))
        new = [root]
    for op in new:
        inline_nested(op)
    for alloc, threads in lowering.pending:
        Expansion(scope, alloc, threads).run()
    for op in (o for part in new for o in part.walk() if isinstance(o, loop.AllocOp)):
        op.shared_by = None
    top = new[0] if new[0] is root and not is_item_loop(root) else None
    for op in [o for part in new for o in part.walk() if is_thread_loop(o)]:
        assert isinstance(op, loop.ForOp)
        parallel = op is top and not loops_around(op)
        op.kind = StringAttr("parallel" if parallel else "serial")
    rename(scope, lowering.made)


def rename(scope: Scope, made: Sequence[tuple[loop.ForOp, str]]) -> None:
    """Give new loops names that are not taken, in program order."""
    order = {op: i for i, op in enumerate(scope.function.walk())}
    made = sorted((pair for pair in made if pair[0] in order), key=lambda pair: order[pair[0]])
    for number, (op, _) in enumerate(made):
        op.loop_name = StringAttr(f"{number} new")
    for op, wish in made:
        (name,) = scope.fresh(wish)
        op.loop_name = StringAttr(name)
        op.induction.name_hint = name


@dataclass(frozen=True)
class LowerThreadsToLoopsPass(ModulePass):
    """Run the threads of a GPU one after the other, between barriers."""

    name = "lower-threads-to-loops"

    function: str | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for scope in scheduled_functions(self.name, op, self.function):
            for root in kernels_in(scope.function):
                lower_kernel(scope, root)
