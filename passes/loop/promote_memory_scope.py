"""promote-memory-scope: all accesses of a buffer below a loop use a tile in a memory scope.

    for y_o                              for y_o
      for k                                C_register = alloc at [y_o * 8, 0]
        C[y_o * 8 + y_i, x] += ...  ->     for k
                                             C_register[y_o * 8 + y_i, x] += ...
                                           for y_i
                                             C_register_out: C[...] = C_register[...]

The tile is the box of the elements that one iteration of `at` touches; it is called
`<buffer>_<scope>`, or as `tile` says. If a vectorized loop below moves one dimension of it, that
dimension is the innermost one of the tile's layout. It is copied in only where it is live in
(blocks `<tile>_in`), and copied out only where it is live out (`<tile>_out`). A copy of elements
that a block writes is a clone of that block's loops; any other copy has fresh loops
`<tile>_in_d0`, ... over the box. Where only a run knows which elements are touched, the box is the
whole dimension, and all that may have been written goes out.

Where threads of the target share the scope, they have the tile together: the box is what all
threads around `at` touch in one iteration of the other loops, and the tile says along which axes it
is shared. Each thread fills all of it, until the loops of the copy are bound to the same axes
(bind-thread) and the threads share it out.

Where a unit of the module's target moves boxes into the scope or out of it, a copy is one
`loop.copy` instead. The tile then holds whole elements of that memory, in the buffer's blocked
layout, and a read that was guarded against leaving the buffer finds the pad in the tile.

Arguments: `buffer`, `scope`, `at` (a loop), `tile` (a name), `function`.
Refuses: a name that another buffer has; a loop without an access of the buffer below; a dimension
of which only a run knows what is touched, and its size, too; a buffer that only lives inside the
loop; a vectorized loop; a tile of a tile that may begin at any negative coordinates; a buffer that
is copied or used by instructions below the loop already; a tile in a part of a buffer whose
elements the loop uses by another name, too; writes of which only a run knows where, in one of
several iterations that run at the same time. Of a scope of a target with threads: one that it does
not have; a buffer of which each of the threads that would share the tile has its own; a memory that
thread groups share, inside of a kernel; threads below `at` that do not share the memory; tiles that
are together larger than the memory. Of a scope with moves: a scope that the target does not have;
other elements than it holds; a tile that begins or ends inside an element, or is larger than the
memory; a direction in which nothing moves; a move in some iterations only; a guard that is about
anything but leaving the buffer; different pads.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import islpy as isl
from xdsl.dialects.builtin import ArrayAttr, MemRefType, NoneAttr, StringAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from analysis.affine import Affine
from dialects import loop as loop_dialect
from dialects.layout import LayoutAttr, logical_shape
from passes.locations import locate
from passes.loop.boxes import Span, frame_of, spans_of
from passes.loop.dma import Memory, elide_guards, memory_of, pad_of_move, tile_type
from passes.loop.forms import coordinates, forms_of, map_of, ranges_of
from passes.loop.instances import bounds_of, is_indirect, place_of
from passes.loop.liveness import Liveness
from passes.loop.nests import block_variables, box_loops, clone_loops, place_behind, put_block
from passes.loop.primitive import (
    Primitive,
    Scope,
    block_of,
    insert_before,
    is_below,
    loops_around,
)
from passes.loop.thread_memory import axes_sharing, check_room, check_threads
from passes.loop.threads import threads_around
from passes.loop.tile_conflicts import crossing, refuse_other_names, refuse_races

Access = loop_dialect.LoadOp | loop_dialect.StoreOp


@dataclass(frozen=True)
class Box:
    """The elements of a buffer that one iteration of a loop touches."""

    origin: tuple[Affine, ...]
    extents: tuple[int, ...]


@dataclass(frozen=True)
class Promotion:
    """One use of the primitive: a buffer, the loop, and the tile's scope."""

    scope: Scope
    buffer: SSAValue
    at: loop_dialect.ForOp
    memory: str
    name: str | None = None

    @property
    def tile_name(self) -> str:
        """The name of the tile."""
        return self.name or f"{self.buffer_name}_{self.memory}"

    @property
    def buffer_name(self) -> str:
        assert self.buffer.name_hint is not None
        return self.buffer.name_hint

    @cached_property
    def shared_by(self) -> tuple[str, ...]:
        """The axes of the threads around the tile that have it together."""
        axes = axes_sharing(self.scope, self.memory)
        around = threads_around(self.at.body.block.first_op or self.at)
        return tuple(axis for axis in around if axis in axes)

    @cached_property
    def outer(self) -> list[loop_dialect.ForOp]:
        """The loops whose iteration is fixed while the tile lives.

        Those over threads that share the tile are not: they fill and use it together.
        """
        around = [*loops_around(self.at), self.at]
        return [op for op in around if op.kind.data not in self.shared_by]

    def box(self, live: Liveness) -> Box:
        """The box that holds what all accesses touch, wherever they begin."""
        fixed: set[Hashable] = {op.induction for op in self.outer}
        spans = [spans_of(access, fixed) for access in live.touched]
        sides = [self.side(live, d, column) for d, column in enumerate(zip(*spans, strict=True))]
        return Box(tuple(start for start, _ in sides), tuple(extent for _, extent in sides))

    def side(self, live: Liveness, dimension: int, spans: Sequence[Span]) -> tuple[Affine, int]:
        """Where the box begins in one dimension, and its extent.

        That is the whole dimension where the spans have no bounds, or no fixed distance.
        """
        first, ranges = spans[0], ranges_of(self.outer)
        lows: list[int] = []
        highs: list[int] = []
        for access, span in zip(live.touched, spans, strict=True):
            start, end = (span.base - first.base).interval(ranges)
            if span.low is None or span.high is None or start is None or end is None:
                return self.whole_side(live, dimension, access)
            lows.append(start + span.low)
            highs.append(end + span.high)
        return first.base + min(lows), max(highs) - min(lows) + 1

    def whole_side(self, live: Liveness, dimension: int, access: Access) -> tuple[Affine, int]:
        """All of one dimension of the buffer, and the frame around it if an access may go there."""
        leaves = any(is_indirect(a) or self.leaves_buffer(live, a) for a in live.touched)
        low, end = (self.whole(live) if leaves else self.held())[dimension]
        if not (end - low).is_constant:
            raise self.scope.error(
                f"what block '{block_of(access).block_name.data}' touches of %{self.buffer_name} "
                f"in loop '{self.at.loop_name.data}' is only known at run time, as is the size of "
                f"dimension {dimension}, and a tile has constant extents; choose a loop further in"
            )
        return low, (end - low).const

    def promote(self) -> None:
        """Rewrite."""
        self.check()
        live = Liveness(self.scope, self.buffer, self.at, self.shared_by)
        if not live.touched:
            raise self.scope.error(
                f"nothing below loop '{self.at.loop_name.data}' accesses %{self.buffer_name}"
            )
        check_threads(self.scope, self.buffer, self.memory, self.at)
        box = self.box(live)
        memory = memory_of(self.scope, self.memory)
        if memory is None:
            self.promote_by_loops(live, box)
        else:
            self.promote_by_moves(live, box, memory)

    def promote_by_moves(self, live: Liveness, box: Box, memory: Memory) -> None:
        """Rewrite, with one operation for all that is copied in, and one for all that goes out."""
        entry, leave = live.live_in, live.live_out
        name = f"%{self.buffer_name}"
        if entry or leave:
            raise self.scope.error(
                f"{name} goes into {self.memory} or out of it in some iterations of the loops "
                f"around '{self.at.loop_name.data}' only, and a move has no guard; choose a loop "
                "outside of the reduction"
            )
        partly = leave is not None and entry is None and not self.fills_box(live, box)
        entry = [] if partly else entry
        reason = "only a part of the tile is written" if partly else "it is needed there"
        into, out = f"moved into {self.memory}, as {reason}", f"moved out of {self.memory}"
        for needed, unit, verb, why, inside in (
            (entry is not None, memory.fill, "fills", into, list(live.missing)),
            (leave is not None, memory.drain, "drains", out, live.left),
        ):
            if needed and unit is None:
                raise self.scope.error(
                    f"{name} would have to be {why}, in loop '{self.at.loop_name.data}', but no "
                    f"unit of the target {verb} {self.memory}; choose a loop outside of all its "
                    "uses, or another scope",
                    *crossing(self.scope, self.buffer, self.at, inside, verb == "fills"),
                )
        beyond = [a for a in live.touched if self.leaves_buffer(live, a)]
        type = tile_type(self.scope, self.buffer, memory, box.origin, box.extents, bool(beyond))
        tile = self.tile(box, type)
        body = self.at.body.block
        place_behind(body, (loop_dialect.AllocOp,), tile)
        moves: list[Operation] = []
        if entry is not None:
            halo = [a for a in beyond if isinstance(a, loop_dialect.LoadOp)]
            pad = pad_of_move(self.scope, self.buffer, live.touched, halo)
            elide_guards(live.touched)
            moves.append(loop_dialect.CopyOp(self.buffer, tile.result, pad))
            place_behind(body, (loop_dialect.AllocOp, loop_dialect.CopyOp), moves[0])
        if leave is not None:
            moves.append(loop_dialect.CopyOp(tile.result, self.buffer))
            body.add_op(moves[-1])
        locate(self.at.location, tile, *moves)
        self.redirect(live, tile)
        self.remove_unused()

    def logical_box(self, live: Liveness, box: Sequence[tuple[Affine, Affine]]) -> isl.Set:
        """The elements of the buffer in a box (first coordinates and ends)."""
        coordinates = [Affine.variable(("coordinate", i)) for i in range(len(box))]
        conditions = bounds_of(self.outer)
        for coordinate, limits in zip(
            coordinates, [*zip(box, self.held(), strict=True)], strict=True
        ):
            for low, end in limits:
                conditions += [coordinate - low, end - coordinate - 1]
        hidden = {v for form in coordinates for v in form.variables()}
        return live.asks.names.points(coordinates, conditions, hidden)

    def held(self) -> list[tuple[Affine, Affine]]:
        """For each dimension the first logical coordinate that the buffer holds, and the end."""
        owner = self.buffer.owner
        sizes = [self.size(extent) for extent in logical_shape(self.buffer.type)]
        if isinstance(owner, loop_dialect.AllocOp):
            origin = forms_of(owner, "origin")
            return [(low, low + size) for low, size in zip(origin, sizes, strict=True)]
        return [(Affine({}), size) for size in sizes]

    def fills_box(self, live: Liveness, box: Box) -> bool:
        """Whether the stores below the loop write all of the box that is in the buffer."""
        ends = [start + size for start, size in zip(box.origin, box.extents, strict=True)]
        wanted = self.logical_box(live, list(zip(box.origin, ends, strict=True)))
        sure = [write for write in live.left if not is_indirect(write)]
        written = [live.asks.elements(write, self.outer) for write in sure]
        return bool(written) and wanted.is_subset(reduce(isl.Set.union, written))

    def leaves_buffer(self, live: Liveness, access: Access) -> bool:
        """Whether an access touches cells of the buffer that hold no element."""
        touched = live.asks.elements(access, self.outer)
        return not touched.is_subset(self.logical_box(live, self.held()))

    def filler(self, live: Liveness) -> tuple[loop_dialect.StoreOp, list[Affine]] | None:
        """A store whose place is copied in with the loops of its block, and the guards for that."""
        for write in reversed(live.left) if not live.is_scattered else ():
            where = live.fills(write)
            if where is not None and self.stays_inside(live, write, where):
                return write, where
        return None

    def stays_inside(
        self, live: Liveness, write: loop_dialect.StoreOp, where: Sequence[Affine]
    ) -> bool:
        """Whether the elements that a store writes under some of its guards are in the buffer."""
        owner = self.buffer.owner
        if not isinstance(owner, loop_dialect.AllocOp) or not owner.has_origin:
            return True
        without = [f for f in forms_of(block_of(write), "where") if f not in where]
        reached = live.asks.elements(write, self.outer, without)
        return reached.is_subset(self.logical_box(live, self.held()))

    def redirect(self, live: Liveness, tile: loop_dialect.AllocOp) -> None:
        """Let all accesses use the tile."""
        for access in live.touched:
            access.operands[access.operands.index(self.buffer)] = tile.result

    def promote_by_loops(self, live: Liveness, box: Box) -> None:
        """Rewrite, with a nest of loops for each copy."""
        entry = live.live_in
        filler = None if entry is None else self.filler(live)
        tile = self.allocate(box, self.lane_dimension(live.touched))
        name = self.tile_name
        before: list[Operation] = [tile]
        source, target = self.buffer, tile.result
        if entry is not None and filler is not None:
            write, where = filler
            kept, where = live.kept_loops(write), [*where, *entry]
            before.append(self.clone(write, kept, f"{name}_in", source, target, where))
        elif entry is not None:
            limits = self.whole(live)
            before.append(self.fresh(box, limits, f"{name}_in", (source, target), entry))
        after = [] if live.live_out is None else self.copies_out(live, box, target, live.live_out)
        self.redirect(live, tile)
        self.place(before, after)

    def copies_out(
        self, live: Liveness, box: Box, tile: SSAValue, leave: Sequence[Affine]
    ) -> list[Operation]:
        """The nests that write a tile back: all of it if only a run knows where it was written."""
        name = f"{self.tile_name}_out"
        if live.is_scattered:
            held = self.held()
            ends = [start + size for start, size in zip(box.origin, box.extents, strict=True)]
            limits = [*zip(box.origin, ends, strict=True)], held
            refuse_races(self.scope, self.buffer, self.at, self.outer, limits, name)
            return [self.fresh(box, held, name, (tile, self.buffer), leave)]
        found: list[Operation] = []
        for write in live.left:
            dropped = live.dropped(write)
            where = [f for f in forms_of(block_of(write), "where") if f not in dropped]
            kept, where = live.kept_loops(write), [*where, *leave]
            found.append(self.clone(write, kept, name, tile, self.buffer, where))
        return found

    def check(self) -> None:
        """Refuse a loop that cannot hold the tile."""
        name = self.at.loop_name.data
        owner = self.buffer.owner
        if isinstance(owner, loop_dialect.AllocOp) and is_below(owner, self.at):
            raise self.scope.error(
                f"%{self.buffer_name} only lives inside loop '{name}'; choose a loop further in"
            )
        for use in self.buffer.uses:
            op = use.operation
            opaque = isinstance(op, loop_dialect.IntrinsicOp | loop_dialect.CopyOp)
            if opaque and is_below(op, self.at):
                raise self.scope.error(
                    f"%{self.buffer_name} is used by {op.name}; promote the tiles from the "
                    "outermost loop inwards, and before blocks are tensorized"
                )
        refuse_other_names(self.scope, self.buffer, self.at, self.outer)
        for op in self.outer:
            if op.kind.data == "vectorized":
                raise self.scope.error(
                    f"loop '{op.loop_name.data}' is vectorized, and lanes share their buffers; "
                    "choose a loop around it"
                )

    def place(self, before: list[Operation], after: list[Operation]) -> None:
        """Put the new operations around the body of the loop."""
        locate(self.at.location, *before, *after)
        body = self.at.body.block
        assert body.first_op is not None
        body.insert_ops_before(before, body.first_op)
        body.add_ops(after)
        self.remove_unused()

    def remove_unused(self) -> None:
        """Take away the buffer's allocation, if nothing is left of its uses."""
        owner = self.buffer.owner
        if isinstance(owner, loop_dialect.AllocOp) and not self.buffer.uses.get_length():
            owner.detach()
            owner.erase()

    def lane_dimension(self, touched: Sequence[Access]) -> int | None:
        """The dimension that all vectorized loops below move, if they move one and the same."""
        found: set[int] = set()
        for access in touched:
            for op in loops_around(block_of(access)):
                if op.kind.data == "vectorized":
                    moved = [form.coefficient(op.induction) for form in place_of(access)]
                    found |= {i for i, coefficient in enumerate(moved) if coefficient}
        return found.pop() if len(found) == 1 else None

    def allocate(self, box: Box, lanes: int | None) -> loop_dialect.AllocOp:
        """The allocation of the tile; the dimension that lanes move is its innermost one."""
        assert isinstance(self.buffer.type, MemRefType)
        layout: LayoutAttr | NoneAttr = NoneAttr()
        rank = len(box.extents)
        if lanes not in (None, rank - 1):
            order = [*(i for i in range(rank) if i != lanes), lanes]
            map = AffineMap(rank, 0, tuple(AffineExpr.dimension(i) for i in order))
            layout = LayoutAttr.of(map, [box.extents[i] for i in order])
        memory = StringAttr(self.memory)
        type = MemRefType(self.buffer.type.element_type, box.extents, layout, memory)
        return self.tile(box, type)

    def tile(self, box: Box, type: MemRefType) -> loop_dialect.AllocOp:
        """The allocation of the tile."""
        values: list[SSAValue] = []
        exprs = map_of(box.origin, values)
        tile = loop_dialect.AllocOp(type, values, AffineMap(len(values), 0, tuple(exprs)))
        tile.result.name_hint = self.tile_name
        if self.shared_by:
            tile.shared_by = ArrayAttr([StringAttr(axis) for axis in self.shared_by])
        check_room(self.scope, tile, self.at)
        return tile

    def clone(
        self,
        write: loop_dialect.StoreOp,
        kept: Sequence[loop_dialect.ForOp],
        prefix: str,
        source: SSAValue,
        target: SSAValue,
        where: Sequence[Affine],
    ) -> Operation:
        """A nest that copies what a store writes, with the loops `kept` of its block."""
        block = block_of(write)
        (name,) = self.scope.fresh(prefix)
        loops, values = clone_loops(self.scope, kept, name)
        places = coordinates(write)
        used = {v for form in places for v in form.variables()}
        arguments = [v for v in block.variables if v in used]
        variables = [
            (hint, domain, binding)
            for v, (hint, domain, binding) in zip(
                block.variables, block_variables(block, values), strict=True
            )
            if v in used
        ]

        def fill(inner: Block) -> None:
            stand: dict[Hashable, Affine] = {
                old: Affine.variable(new) for old, new in zip(arguments, inner.args, strict=True)
            }
            operands: list[SSAValue] = []
            exprs = map_of([p.substitute(stand, {}) for p in places], operands)
            move(inner, source, target, operands, AffineMap(len(operands), 0, tuple(exprs)))

        conditions = [form.substitute(values, {}) for form in where]
        root = put_block(loops, name, variables, conditions, fill)
        locate(block.location, root)
        return root

    def fresh(
        self,
        box: Box,
        limits: Sequence[tuple[Affine, Affine]],
        prefix: str,
        ends: tuple[SSAValue, SSAValue],
        where: Sequence[Affine],
    ) -> Operation:
        """A nest that copies the box, as far as it is inside the limits, with loops over it."""
        (name,) = self.scope.fresh(prefix)
        loops, ranges = self.loops_over(box, name), ranges_of(self.outer)
        variables: list[tuple[str | None, Affine, Affine]] = []
        inside: list[Affine] = []
        shifts: list[int] = []
        for i, (op, start, (low, end)) in enumerate(zip(loops, box.origin, limits, strict=True)):
            coordinate = start + Affine.variable(op.induction)
            shifts.append(low.const if low.is_constant else min(0, low.interval(ranges)[0] or 0))
            if not low.is_constant:
                inside.append(coordinate - low)
            variables.append((f"v_d{i}", end - shifts[-1], coordinate - shifts[-1]))

        def fill(inner: Block) -> None:
            rank = len(inner.args)
            exprs = tuple(
                AffineExpr.dimension(i) + s if s else AffineExpr.dimension(i)
                for i, s in enumerate(shifts)
            )
            move(inner, *ends, inner.args, AffineMap(rank, 0, exprs))

        return put_block(loops, name, variables, [*where, *inside], fill)

    def loops_over(self, box: Box, name: str) -> list[loop_dialect.ForOp]:
        """Nested loops over the tile."""
        return box_loops(self.scope, box.extents, name)

    def whole(self, live: Liveness) -> list[tuple[Affine, Affine]]:
        """For each dimension the first logical coordinate of the buffer, and the end of them."""
        type = self.buffer.type
        assert isinstance(type, MemRefType)
        owner = self.buffer.owner
        if isinstance(owner, loop_dialect.AllocOp) and owner.has_origin:
            ranges = ranges_of(self.outer)
            origin = forms_of(owner, "origin")
            for form in origin:
                if form.interval(ranges)[0] is None and any(
                    isinstance(a, loop_dialect.LoadOp) and a.otherwise is None for a in live.touched
                ):
                    raise self.scope.error(
                        f"%{self.buffer_name} is a tile that may begin at any negative "
                        "coordinates; promote the whole buffer instead of the tile"
                    )
            return [(f, f + s) for f, s in zip(origin, type.get_shape(), strict=True)]
        sizes = [self.size(extent) for extent in logical_shape(type)]
        return [
            (Affine({}), size)
            if frame is None
            else (Affine({}, frame[0]), Affine({}, frame[1] + 1))
            for size, frame in zip(sizes, frame_of(type), strict=True)
        ]

    def size(self, extent: int | str) -> Affine:
        """The size of a dimension of the buffer."""
        if isinstance(extent, int):
            return Affine({}, extent)
        for op in self.scope.function.body.block.ops:
            if isinstance(op, loop_dialect.DimOp) and op.symbol.data == extent:
                return Affine.variable(op.result)
        known = loop_dialect.DimOp(extent)
        known.result.name_hint = extent
        first = self.scope.function.body.block.first_op
        assert first is not None
        insert_before(first, known)
        return Affine.variable(known.result)


def move(
    block: Block,
    source: SSAValue,
    target: SSAValue,
    indices: Sequence[SSAValue],
    map: AffineMap,
) -> None:
    """Fill a block that copies one element."""
    load = loop_dialect.LoadOp(source, indices, map)
    block.add_ops([load, loop_dialect.StoreOp(load.result, target, indices, map)])


@dataclass(frozen=True)
class PromoteMemoryScopePass(Primitive):
    """Let all accesses of a buffer below a loop use a tile in a memory scope."""

    name = "promote-memory-scope"

    buffer: str
    scope: str
    at: str
    tile: str | None = None
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        buffer, at = scope.find_buffer(self.buffer), scope.find_loop(self.at)
        if self.tile in scope.buffers:
            raise scope.error(f"the name '{self.tile}' is that of another buffer; choose another")
        Promotion(scope, buffer, at, self.scope, self.tile).promote()
