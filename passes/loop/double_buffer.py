"""double-buffer: a tile is filled for the next iteration of a loop while this one uses it.

    for k in 0..n                         R = alloc of 2 tiles
      T = alloc at [k * 8]                fill R[0] for k = 0
      fill T for k                 ->     for k in 0..n
      use T                                 fill R[(k + 1) mod 2] for k + 1, where k + 1 < n
                                            T = alloc at [k * 8] in R[k mod 2]
                                            use T

With `copies=c` there are c tiles, and the fill is c - 1 iterations ahead. A fill is each statement
of the loop that writes the tile, with those that compute in the loop what it reads; several tiles
(`buffer=A,B`) are filled ahead together. They lie in one buffer `<tile>_copies`; the tile to be
filled is called `<tile>_next`, and `<tile>_first` before the loop, where loops and blocks are
called `<name>_first`.

A move of a box (loop.copy) has no guard, and the units of an accelerator take turns on tiles that
are known. So where a tile is filled by a move, the loop is written out: it does c iterations at a
time, each with its own tile, as far as there is one to be filled, and the others follow it. In
clones, names get `_1`, `_2`, ... Tokens, which insert-dependence-tokens puts in afterwards, then
let the unit that fills a tile run ahead of the one that uses the other; barriers belong behind it,
too.

Arguments: `buffer` (one or more tiles, allocated in the loop), `loop`, `copies` (at least 2),
`function`.
Refuses: a loop that is neither serial nor, without moves, unrolled; a tile that is not allocated in
the loop, or is a part of another buffer; one that nothing fills, or nothing else uses; one that is
used before it is full; tokens or barriers in the loop; a fill that reads what lives for one
iteration; a fill that touches what a statement it would overtake writes, or the other way round; a
move where the number of iterations is not a constant; tiles that are together larger than their
memory.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod

from xdsl.dialects.builtin import FixedBitwidthType, MemRefType
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineExpr, AffineMap

from analysis.affine import Affine
from dialects import loop as loop_dialect
from dialects.layout import LayoutAttr, layout_map, layout_of, physical_shape, scope_of
from passes.locations import locate
from passes.loop.dma import machine_of
from passes.loop.expand_unrolled_loops import number_names
from passes.loop.forms import (
    Ranges,
    for_with,
    forms_of,
    map_of,
    ranges_of,
    replace_variables,
    set_forms,
)
from passes.loop.instances import Use, direct_uses, in_memory, marked
from passes.loop.peel_loop import rename, share_tiles
from passes.loop.primitive import Primitive, Scope, blocks_in, insert_before, loops_around
from passes.loop.witnesses import EARLIER, meet

ORDERING = (loop_dialect.PushDepOp, loop_dialect.PopDepOp, loop_dialect.BarrierOp)


def name_of(statement: Operation) -> str:
    """A statement as a message names it."""
    match statement:
        case loop_dialect.ForOp():
            return f"loop '{statement.loop_name.data}'"
        case loop_dialect.BlockOp():
            return f"block '{statement.block_name.data}'"
        case loop_dialect.CopyOp():
            source, target = statement.source.name_hint, statement.target.name_hint
            return f"the copy of %{source} to %{target}"
        case _:
            return statement.name


def touched(statement: Operation) -> list[Use]:
    """How a statement touches the buffers that it names."""
    return [use for op in statement.walk() for use in direct_uses(op)]


@dataclass(frozen=True)
class Pipelining:
    """A loop whose tiles are filled ahead."""

    scope: Scope
    op: loop_dialect.ForOp
    tiles: Sequence[SSAValue]
    copies: int
    rings: dict[SSAValue, loop_dialect.AllocOp] = field(
        default_factory=dict[SSAValue, loop_dialect.AllocOp]
    )
    """For each tile the buffer that holds its copies."""

    @property
    def name(self) -> str:
        return f"loop '{self.op.loop_name.data}'"

    @cached_property
    def statements(self) -> list[Operation]:
        """The statements of the loop."""
        return list(self.op.body.block.ops)

    @cached_property
    def uses(self) -> dict[Operation, list[Use]]:
        """How each statement touches memory."""
        return {statement: touched(statement) for statement in self.statements}

    @cached_property
    def local(self) -> set[SSAValue]:
        """What is allocated in the loop."""
        return {s.result for s in self.statements if isinstance(s, loop_dialect.AllocOp)}

    @cached_property
    def fills(self) -> list[Operation]:
        """What fills the tiles, with what is computed in the loop for these statements alone."""
        found: set[Operation] = set()
        needed = {*self.tiles}
        while needed:
            makers = {
                statement
                for statement in self.statements
                if statement not in found
                and any(use.writes and use.buffer in needed for use in self.uses[statement])
            }
            found |= makers
            reads = {use.buffer for maker in makers for use in self.uses[maker]}
            needed = reads & self.local - {*self.tiles}
        touched = {use.buffer for s in self.statements if s not in found for use in self.uses[s]}
        used = {use.buffer for s in found for use in self.uses[s]}
        private = used & self.local - touched - {*self.tiles}
        allocs = (s for s in self.statements if isinstance(s, loop_dialect.AllocOp))
        found |= {s for s in allocs if s.result in private and s.memory is None}
        return [s for s in self.statements if s in found]

    @cached_property
    def others(self) -> list[Operation]:
        """All other statements, but for the allocations of the tiles."""
        allocs = [tile.owner for tile in self.tiles]
        return [s for s in self.statements if s not in self.fills and s not in allocs]

    @cached_property
    def bounds(self) -> tuple[Affine, Affine]:
        """The bounds of the loop."""
        return forms_of(self.op, "lower")[0], forms_of(self.op, "upper")[0]

    @property
    def moves(self) -> bool:
        """Whether a tile is filled by moving a box."""
        return any(isinstance(o, loop_dialect.CopyOp) for s in self.fills for o in s.walk())

    def check(self) -> None:
        """Refuse what cannot be filled ahead."""
        if self.op.kind.data not in (("serial",) if self.moves else ("serial", "unrolled")):
            raise self.scope.error(
                f"{self.name} is {self.op.kind.data}; fill tiles ahead before it is given a kind"
            )
        for inner in self.op.walk():
            if isinstance(inner, ORDERING):
                raise self.scope.error(
                    f"{self.name} has {inner.name} in it, which orders what is there now; fill "
                    "tiles ahead before these are inserted"
                )
        for tile in self.tiles:
            self.check_tile(tile)
        self.check_reads()
        self.check_overtaking()
        if self.moves and self.op.extent is None:
            raise self.scope.error(
                f"the extent of {self.name} is only known at run time, and a move into a tile has "
                "no guard that would stop it there; split it by a constant"
            )

    def check_tile(self, tile: SSAValue) -> None:
        """Refuse a tile without a fill of its own in each iteration."""
        shown, owner = f"%{tile.name_hint}", tile.owner
        if not isinstance(owner, loop_dialect.AllocOp) or owner.parent_op() is not self.op:
            raise self.scope.error(
                f"{shown} is not allocated in {self.name}, as a tile that is new in each of its "
                "iterations; promote-memory-scope makes one"
            )
        if owner.memory is not None:
            raise self.scope.error(f"{shown} is a part of %{owner.memory.name_hint} already")
        mine = [s for s in self.statements if any(u.buffer is tile for u in self.uses[s])]
        fills = [s for s in mine if any(u.buffer is tile and u.writes for u in self.uses[s])]
        users = [s for s in mine if s not in fills]
        if not fills:
            raise self.scope.error(f"nothing in {self.name} fills {shown}")
        if not users:
            raise self.scope.error(
                f"only {name_of(fills[0])} uses {shown}, which fills it, too; what uses a tile "
                "stands behind what fills it"
            )
        for user, fill in product(users, fills):
            if self.statements.index(user) < self.statements.index(fill):
                self.check_early(tile, user, fill)
        self.check_capacity(tile)

    def check_early(self, tile: SSAValue, user: Operation, fill: Operation) -> None:
        """Refuse a tile of which an element is used before it is filled."""
        fixed = [*loops_around(self.op), self.op]
        for first, second in product(self.uses[user], self.uses[fill]):
            if first.buffer is tile and second.buffer is tile and second.writes:
                witness = meet(first.touch, second.touch, fixed, [])
                if witness is not None:
                    raise self.scope.error(
                        f"{name_of(user)} uses %{tile.name_hint} before {name_of(fill)} fills it",
                        witness.line(EARLIER),
                    )

    def check_capacity(self, tile: SSAValue) -> None:
        """Refuse tiles that do not fit into their memory."""
        machine, type = machine_of(self.scope), tile.type
        assert isinstance(type, MemRefType)
        memories = () if machine is None else machine.scopes
        capacity = next((m.capacity for m in memories if m.name == scope_of(type)), None)
        extents = [e for e in physical_shape(type) if isinstance(e, int)]
        element = type.element_type
        width = element.size if isinstance(element, FixedBitwidthType) else 8
        size = self.copies * prod(extents) * width
        if capacity is not None and size > capacity:
            raise self.scope.error(
                f"{self.copies} tiles %{tile.name_hint} have {size} bytes, and {scope_of(type)} "
                f"holds {capacity}; choose fewer copies, or smaller tiles"
            )

    def check_reads(self) -> None:
        """Refuse fills of what other statements use in the same iteration only."""
        mine = {s.result for s in self.fills if isinstance(s, loop_dialect.AllocOp)}
        for statement in self.fills:
            for use in self.uses[statement]:
                if use.buffer in self.local - mine - {*self.tiles}:
                    raise self.scope.error(
                        f"{name_of(statement)}, which fills %{self.tiles[0].name_hint}, uses "
                        f"%{use.buffer.name_hint}, which only lives in one iteration of "
                        f"{self.name}; name it in buffer=, too, if it can be filled ahead"
                    )

    def check_overtaking(self) -> None:
        """Refuse a fill that touches what a statement writes which it would overtake."""
        fixed = loops_around(self.op)
        mine = Affine.variable(self.op.induction)
        ahead = mine - marked(mine, set())
        for fill in self.fills:
            for other in self.others:
                behind = self.statements.index(other) < self.statements.index(fill)
                least = 0 if behind else 1
                limits = [ahead - least, ahead * -1 + (self.copies - 1)]
                for first, second in self.conflicts(fill, other):
                    witness = meet(first.touch, second.touch, fixed, limits)
                    if witness is not None:
                        raise self.scope.error(
                            f"{first.subject} would fill %{self.tiles[0].name_hint} for an "
                            f"iteration of {self.name} before {second.subject} is done with what "
                            "it touches, too",
                            witness.flipped().line(EARLIER),
                        )

    def conflicts(self, fill: Operation, other: Operation) -> Iterator[tuple[Use, Use]]:
        """The uses of one buffer, the tiles left out, of which one writes."""
        pairs = (
            (in_memory(first), in_memory(second))
            for first in self.uses[fill]
            for second in self.uses[other]
            if first.buffer not in self.local
        )
        for first, second in pairs:
            if first.buffer is second.buffer and (first.writes or second.writes):
                yield first, second

    def allocate(self) -> None:
        """Make the buffers of the copies."""
        for tile in self.tiles:
            old = tile.type
            assert isinstance(old, MemRefType)
            rank, layout = old.get_num_dims(), layout_of(old)
            shape = (self.copies, *old.get_shape())
            if layout is None:
                type = MemRefType(old.element_type, shape, memory_space=old.memory_space)
            else:
                shifted = [AffineDimExpr(i + 1) for i in range(rank)]
                results = [e.replace_dims_and_symbols(shifted, []) for e in layout_map(old).results]
                map = AffineMap(rank + 1, 0, (AffineExpr.dimension(0), *results))
                whole = LayoutAttr.of(map, (self.copies, *layout.physical))
                type = MemRefType(old.element_type, shape, whole, old.memory_space)
            ring = loop_dialect.AllocOp(type)
            assert isinstance(tile.owner, loop_dialect.AllocOp)
            ring.shared_by = tile.owner.shared_by
            ring.result.name_hint = f"{tile.name_hint}_copies"
            locate(self.op.location, ring)
            insert_before(self.op, ring)
            self.rings[tile] = ring

    @cached_property
    def ranges(self) -> Ranges:
        """The intervals of the loops' variables."""
        return ranges_of([*loops_around(self.op), self.op])

    def part(self, tile: SSAValue, at: Affine, part: Affine, end: str) -> loop_dialect.AllocOp:
        """The tile of iteration `at`, in a part of the buffer of the copies."""
        old, memory = tile.owner, self.rings[tile].result
        assert isinstance(old, loop_dialect.AllocOp)
        step: dict[Hashable, Affine] = {self.op.induction: at}
        origin = [form.substitute(step, self.ranges) for form in forms_of(old, "origin")]
        values: list[SSAValue] = []
        exprs = map_of([*origin, part], values)
        maps = [AffineMap(len(values), 0, tuple(e)) for e in (exprs[:-1], exprs[-1:])]
        assert isinstance(old.result.type, MemRefType)
        new = loop_dialect.AllocOp(old.result.type, values, maps[0], memory, maps[1])
        new.shared_by = old.shared_by
        new.result.name_hint = f"{tile.name_hint}{end}"
        locate(old.location, new)
        return new

    def clone(self, statements: Sequence[Operation], at: Affine, end: str) -> list[Operation]:
        """Statements as iteration `at` runs them, behind the tiles of that iteration."""
        (low, _), count = self.bounds, self.copies
        part = (at - low if self.moves else at).mod(count, self.ranges)
        parts = {tile: self.part(tile, at, part, end) for tile in self.tiles}
        values: dict[SSAValue, SSAValue] = {tile: op.result for tile, op in parts.items()}
        found: list[Operation] = [*parts.values()]
        for statement in statements:
            found.append(statement.clone(values))
            replace_variables(found[-1], {self.op.induction: at}, self.ranges)
        return found

    def guarded(self, statements: list[Operation], condition: Affine) -> list[Operation]:
        """Statements that run where a form is not negative; none if that is nowhere."""
        low, high = condition.interval(self.ranges)
        if high is not None and high < 0:
            for statement in reversed(statements):
                statement.erase()  # as long as they exist, they count as users of what they name
            return []
        for block in (b for s in statements for b in blocks_in(s)):
            if low is None or low < 0:
                set_forms(block, where=[*forms_of(block, "where"), condition])
        return statements

    def fill_ahead(self) -> None:
        """Rewrite the loop in its place, with a guard on the fills."""
        low, high = self.bounds
        value, ahead = Affine.variable(self.op.induction), self.copies - 1
        for number in range(ahead):
            first = self.clone(self.fills, low + number, "_first")
            first = self.guarded(first, high - low - (number + 1))
            insert_before(self.op, *first)
            for statement in first[len(self.tiles) :]:
                rename(self.scope, statement, "first")
        following = self.clone(self.fills, value + ahead, "_next")
        following = self.guarded(following, high - value - (ahead + 1))
        allocs = [tile.owner for tile in self.tiles]
        insert_before(self.statements[0], *following)
        for tile in self.tiles:
            new = self.part(tile, value, value.mod(self.copies, self.ranges), "")
            assert isinstance(tile.owner, Operation)
            insert_before(tile.owner, new)
            tile.replace_all_uses_with(new.result)
        for statement in (*self.fills[::-1], *allocs):
            assert isinstance(statement, Operation)
            statement.detach()
            statement.erase()

    def write_out(self) -> None:
        """Put iterations in the place of the loop, each with tiles that are known."""
        extent, count, low = self.op.extent, self.copies, self.bounds[0]
        assert extent is not None
        rounds = max(0, extent - count + 1) // count
        rounds = rounds if rounds > 1 else 0
        share_tiles(self.scope, self.op)
        for number in range(min(count - 1, extent)):
            insert_before(self.op, *self.clone(self.fills, low + number, "_first"))
        if rounds:
            several = for_with(self.op.loop_name.data, Affine({}), Affine({}, rounds), "serial")
            locate(self.op.location, several)
            insert_before(self.op, several)
            self.ranges[several.induction] = (0, rounds - 1)
            begin = low + Affine.variable(several.induction) * count
            for number in range(count):
                several.body.block.add_ops(self.iteration(begin + number))
        for number in range(rounds * count, extent):
            more = number + count - 1 < extent
            insert_before(self.op, *self.iteration(low + number, more))
        self.op.detach()
        self.op.erase()
        number_names(self.scope.function)

    def iteration(self, at: Affine, more: bool = True) -> list[Operation]:
        """What one iteration does, with the fill for a later one if there is one."""
        following = self.clone(self.fills, at + (self.copies - 1), "_next") if more else []
        return [*following, *self.clone(self.others, at, "")]


@dataclass(frozen=True)
class DoubleBufferPass(Primitive):
    """Fill tiles for the next iteration of a loop while this one uses them."""

    name = "double-buffer"

    buffer: tuple[str, ...]
    loop: str
    copies: int = 2
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        op = scope.find_loop(self.loop)
        if self.copies < 2:
            raise scope.error(f"copies={self.copies}: there are at least 2")
        tiles = list(dict.fromkeys(scope.find_buffer(name) for name in self.buffer))
        if not tiles:
            raise scope.error("buffer= names no tile")
        pipelining = Pipelining(scope, op, tiles, self.copies)
        pipelining.check()
        pipelining.allocate()
        if pipelining.moves:
            pipelining.write_out()
        else:
            pipelining.fill_ahead()

    def named(self) -> Iterator[str | None]:
        yield from self.buffer
        yield self.loop
