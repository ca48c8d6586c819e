"""Where the results of a padded block go: into its buffer where that can hold them, or another one.

For pad-block. A cell in which a layout promises no pad and that holds no element is nobody's, so
results may lie there. An allocation without a layout can be made larger. Otherwise the statement
around the block works on a larger buffer, and what the old one held is copied.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import islpy as isl
from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType, NoneAttr
from xdsl.ir import Block, BlockArgument, Operation, OpResult, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.rewriter import Rewriter

from analysis.affine import Affine, Interval, from_expression
from dialects import loop
from dialects.layout import LayoutAttr, layout_map, layout_of, logical_shape, pad_of
from passes.locations import locate
from passes.loop.boxes import bounding_box
from passes.loop.forms import coordinates, for_with
from passes.loop.instances import Access, marked, place_of, uses_of
from passes.loop.nests import put_block
from passes.loop.padding import Padding
from passes.loop.primitive import Scope, accesses, block_of, insert_before, is_below
from passes.loop.promote_memory_scope import move
from passes.loop.regions import dimension, inside

KNOWN_USERS = (loop.LoadOp, loop.StoreOp, loop.PrefetchOp, loop.CopyOp, loop.IntrinsicOp)
"""The users of a buffer of which it is known what they touch."""


def results_of(padding: Padding) -> list["Result"]:
    """Where the results of a block go, for each of its buffers that new points write."""
    if len(padding.reduction) == len(padding.domains):
        return []
    buffers = list({store.memref: None for store in padding.stores})
    return [Storing(padding, buffer).result() for buffer in buffers]


@dataclass(frozen=True)
class Result:
    """Where a block stores its results at new points: in the buffer as it is, ..."""

    buffer: SSAValue

    def apply(self, scope: Scope, block: loop.BlockOp) -> None:
        """Rewrite."""


@dataclass(frozen=True)
class Grown(Result):
    """... in the buffer, which gets another type, ..."""

    type: MemRefType

    def apply(self, scope: Scope, block: loop.BlockOp) -> None:
        Rewriter.replace_value_with_new_type(self.buffer, self.type)


@dataclass(frozen=True)
class Side(Result):
    """... or in a buffer of its own, for everything in the statement `root`.

    `box` are the elements of the old buffer that are copied back, and in before where `filled`;
    `whole` the elements of the new one. An end is a number or a symbolic size.
    """

    root: Operation
    box: tuple[tuple[int, Affine], ...]
    whole: tuple[tuple[int, int | str], ...]
    filled: bool

    def apply(self, scope: Scope, block: loop.BlockOp) -> None:
        """Make the buffer, let the statement use it, and copy."""
        assert isinstance(self.buffer.type, MemRefType)
        hint, location = self.buffer.name_hint, self.root.location
        sizes = [end if isinstance(end, str) else end - low for low, end in self.whole]
        shape = [DYNAMIC_INDEX if isinstance(n, str) else n for n in sizes]
        layout = NoneAttr()
        if DYNAMIC_INDEX in shape:
            layout = LayoutAttr.of(AffineMap.identity(len(shape)), sizes)
        old = self.buffer.type
        type = MemRefType(old.element_type, shape, layout, old.memory_space)
        starts = tuple(AffineExpr.constant(low) for low, _ in self.whole)
        alloc = loop.AllocOp(type, (), AffineMap(0, 0, starts))
        alloc.result.name_hint = f"{hint}_pad"
        for access in list(accesses(self.root, self.buffer)):
            access.operands[access.operands.index(self.buffer)] = alloc.result
        before: list[Operation] = [alloc]
        if self.filled:
            before.append(self.copy(scope, f"{hint}_pad_in", self.buffer, alloc.result))
        insert_before(self.root, *before)
        after = self.copy(scope, f"{hint}_crop", alloc.result, self.buffer)
        parent = self.root.parent_block()
        assert parent is not None
        parent.insert_ops_after([after], self.root)
        locate(location, *before, after)

    def copy(self, scope: Scope, wish: str, source: SSAValue, target: SSAValue) -> Operation:
        """A nest that copies the box."""
        (name,) = scope.fresh(wish)
        names = scope.fresh(*(f"{name}_d{i}" for i in range(len(self.box))))
        loops: list[loop.ForOp] = []
        variables: list[tuple[str | None, Affine, Affine]] = []
        for i, (low, end) in enumerate(self.box):
            op = for_with(names[i], Affine({}), end - low, "serial")
            if loops:
                loops[-1].body.block.add_op(op)
            loops.append(op)
            variables.append((f"v_d{i}", end - low, Affine.variable(op.induction)))
        place = tuple(
            AffineExpr.dimension(i) + low if low else AffineExpr.dimension(i)
            for i, (low, _) in enumerate(self.box)
        )

        def fill(inner: Block) -> None:
            map = AffineMap(len(place), 0, place)
            move(inner, source, target, inner.args, map)

        return put_block(loops, name, variables, [], fill)


def is_size(variable: Hashable) -> bool:
    """Whether a variable of a form is a size that only a run knows."""
    return isinstance(variable, OpResult) and isinstance(variable.op, loop.DimOp)


@dataclass(frozen=True)
class Storing:
    """The stores of a block to one buffer, of which some are at new points."""

    padding: Padding
    buffer: SSAValue

    @property
    def scope(self) -> Scope:
        return self.padding.scope

    @property
    def hint(self) -> str:
        return f"%{self.buffer.name_hint}"

    @property
    def type(self) -> MemRefType:
        assert isinstance(self.buffer.type, MemRefType)
        return self.buffer.type

    @cached_property
    def stores(self) -> list[loop.StoreOp]:
        return [s for s in self.padding.stores if s.memref is self.buffer]

    @cached_property
    def new(self) -> isl.Set:
        """The elements that new points write."""
        spatial = [i for i in self.padding.domains if i not in self.padding.reduction]
        sets = [
            self.set_of(coordinates(store), self.padding.points(store, self.padding.new, i))
            for store in self.stores
            for i in spatial
        ]
        return reduce(isl.Set.union, sets)

    def set_of(self, place: Sequence[Affine], conditions: Sequence[Affine]) -> isl.Set:
        """The points `place` where no condition is negative, for each choice of the sizes."""
        used = {v for form in (*place, *conditions) for v in form.variables()}
        sizes = {v for v in used if is_size(v)}
        known = [Affine.variable(v) for v in sizes]
        return self.padding.names.points(place, [*conditions, *known], used - sizes)

    @cached_property
    def elements(self) -> isl.Set:
        """All elements of the buffer."""
        place: list[Affine] = [Affine.variable(("element", i)) for i in range(self.rank)]
        return self.set_of(place, inside(self.buffer, place, self.padding.block))

    @property
    def rank(self) -> int:
        return len(logical_shape(self.type))

    def result(self) -> Result:
        """Where the results go; refuses new points that write what old ones use."""
        self.refuse_meeting()
        leaves = any(self.leaves(store) for store in self.stores)
        shared = self.is_shared()
        if any(Padding.is_moving(store) for store in self.stores):
            if leaves or shared:
                raise self.scope.error(
                    f"at new points block '{self.padding.name}' writes outside of the tile "
                    f"{self.hint}; pad the block before the tile is made"
                )
            return Result(self.buffer)
        if not shared and (not leaves or self.has_room()):
            return Result(self.buffer)
        if not shared and (type := self.grown_type()) is not None:
            return Grown(self.buffer, type)
        return self.side()

    def refuse_meeting(self) -> None:
        """Refuse new points that write what an old point of the block touches."""
        for store in self.stores:
            for other in accesses(self.padding.block, self.buffer):
                point = self.padding.overwrites(store, other)
                if point is None:
                    continue
                place = [form.evaluate(point) for form in coordinates(store)]
                region = store.parent_block()
                assert region is not None
                new = ", ".join(f"{v.name_hint} = {point.get(v, 0)}" for v in region.args)
                raise self.scope.error(
                    f"block '{self.padding.name}' would write {self.hint}{place} at the new point "
                    f"({new}), and it uses that element at a point that was there before"
                )

    def leaves(self, store: loop.StoreOp) -> bool:
        """Whether a store is outside of the buffer at some new point."""
        whole = inside(self.buffer, coordinates(store), self.padding.block)
        return any(
            self.padding.fails(store, form, self.padding.new, i)
            for i in self.padding.domains
            for form in whole
        )

    def is_shared(self) -> bool:
        """Whether someone else may use an element that new points write."""
        if isinstance(self.buffer, BlockArgument):
            return not self.new.is_disjoint(self.elements)
        if not all(isinstance(use.operation, KNOWN_USERS) for use in self.buffer.uses):
            return True
        for op in self.scope.function.walk():
            for use in uses_of(op) if op.parent_op() is not self.padding.block else ():
                if use.buffer is self.buffer:
                    theirs = self.set_of(use.touch.place, use.touch.conditions)
                    if not self.new.is_disjoint(theirs):
                        return True
        return False

    def has_room(self) -> bool:
        """Whether the layout has cells for the results in which nothing else is."""
        if pad_of(self.type) is not None:
            return False
        if not all(self.padding.reaches_memory(store) for store in self.stores):
            return False
        return not any(self.folds(store) for store in self.stores)

    def folds(self, store: loop.StoreOp) -> bool:
        """Whether the layout has one cell for two elements that a store writes."""
        made = self.padding.points(store, self.padding.new)
        kept = {v for form in self.padding.old for v in form.variables()}
        place = coordinates(store)
        results = layout_map(self.type).results
        cells = [from_expression(expr, place, {}) for expr in results]
        same = [cell - marked(cell, kept) for cell in cells]
        conditions = [*made, *(marked(f, kept) for f in made), *same, *(f * -1 for f in same)]
        return any(
            self.padding.exists([*conditions, form - marked(form, kept) - 1]) for form in place
        )

    def grown_type(self) -> MemRefType | None:
        """The type of the buffer with all results in it, if it can get that."""
        alloc = self.buffer.owner
        plain = (loop.LoadOp, loop.StoreOp, loop.PrefetchOp)
        if not isinstance(alloc, loop.AllocOp) or alloc.has_origin:
            return None
        if layout_of(self.type) is not None:
            return None
        if not all(isinstance(use.operation, plain) for use in self.buffer.uses):
            return None
        shape: list[int] = []
        for extent, (low, high) in zip(
            self.type.get_shape(), bounding_box(self.new, self.rank), strict=True
        ):
            if low is None or high is None or low < 0:
                return None
            shape.append(max(extent, high + 1))
        return MemRefType(self.type.element_type, shape, self.type.layout, self.type.memory_space)

    @cached_property
    def root(self) -> Operation:
        """The statement around the block, where the buffer lives."""
        owner = self.buffer.owner
        home = owner.parent_block() if isinstance(owner, loop.AllocOp) else owner
        found: Operation = self.padding.block
        while found.parent_block() is not home:
            parent = found.parent_op()
            assert parent is not None
            found = parent
        return found

    def side(self) -> Side:
        """A buffer of its own for the statement around the block."""
        for use in self.buffer.uses:
            op = use.operation
            if isinstance(op, loop.CopyOp | loop.IntrinsicOp) and is_below(op, self.root):
                raise self.scope.error(
                    f"{self.hint} has no room for the results at new points, and {op.name} uses it "
                    f"in the same loops; pad block '{self.padding.name}' before that"
                )
        for i, extent in enumerate(logical_shape(self.type)):
            if isinstance(extent, str) and any(self.padding.is_longer(s, i) for s in self.stores):
                raise self.scope.error(
                    f"{self.hint} has no room for the results at new points, and its extent "
                    f"'{extent}' is only known at run time; promote-memory-scope makes a tile of "
                    "it first, which has room"
                )
        touched = list(accesses(self.root, self.buffer))
        sets = {access: self.everywhere(access) for access in touched}
        old = reduce(isl.Set.union, sets.values())
        box = bounding_box(old, self.rank)
        copied = self.elements.intersect(self.box_set(box))
        if not self.new.is_disjoint(copied):
            raise self.scope.error(
                f"block '{self.padding.name}' writes {self.hint} at new points between those that "
                "were there before, which cannot be told apart when it is copied"
            )
        written = [s for access, s in sets.items() if isinstance(access, loop.StoreOp)]
        begun = all(self.is_begun(a) for a in touched if isinstance(a, loop.LoadOp))
        filled = not begun or not copied.is_subset(reduce(isl.Set.union, written))
        lows = [low for low, _ in bounding_box(self.new, self.rank)]
        highs = [high for _, high in bounding_box(self.new, self.rank)]
        ends: list[tuple[int, Affine]] = []
        whole: list[tuple[int, int | str]] = []
        for i, ((low, high), extent) in enumerate(zip(box, logical_shape(self.type), strict=True)):
            if isinstance(extent, str):
                size = dimension(self.padding.block, extent)
                assert size is not None
                ends.append((0, size))
                whole.append((0, extent))
                continue
            assert low is not None and high is not None
            ends.append((low, Affine({}, high + 1)))
            first, last = lows[i], highs[i]
            assert first is not None and last is not None
            whole.append((min(0, low, first), max(high, last) + 1))
        return Side(self.buffer, self.root, tuple(ends), tuple(whole), filled)

    def everywhere(self, access: Access) -> isl.Set:
        """The elements that an access touches in all iterations, before the block is padded."""
        touch = next(use.touch for use in uses_of(access))
        return self.set_of(touch.place, touch.conditions)

    def box_set(self, box: Sequence[Interval]) -> isl.Set:
        """The elements in a box."""
        place: list[Affine] = [Affine.variable(("element", i)) for i in range(self.rank)]
        limits: list[Affine] = []
        for form, (low, high) in zip(place, box, strict=True):
            limits += [form - low] if low is not None else []
            limits += [form * -1 + high] if high is not None else []
        return self.set_of(place, limits)

    @staticmethod
    def is_begun(load: loop.LoadOp) -> bool:
        """Whether the init region of a load's own block has written what it reads."""
        block = block_of(load)
        return block.init is not None and any(
            store.memref is load.memref and place_of(store) == place_of(load)
            for store in block.init.walk()
            if isinstance(store, loop.StoreOp)
        )
