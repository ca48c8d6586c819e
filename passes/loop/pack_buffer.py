"""pack-buffer: what loops read and write of a buffer lies in memory in the order they need it in.

    for x_o                           for x_o
      for y                             B_packed = alloc at [0, x_o * 32] with the layout
        for k                           for k', x'
          ... B[k, x_o * 32 + x_i]  ->    B_packed[k', x_o * 32 + x'] = B[k', x_o * 32 + x']
                                        for y
                                          for k
                                            ... B_packed[k, x_o * 32 + x_i]

With `at`, what one iteration of that loop touches is copied into a tile with the layout: this is
promote-memory-scope with a layout. Without it, the whole buffer is packed, in the cheapest way
there is: a constant of the network (an argument marked `dovetail.weight`) and a buffer of the
function's own get the layout, as by transform-layout; the former is packed when the network is
compiled. Any other argument is copied before the first statement that uses it, and what was
written of it is copied back behind the last one. Whoever calls the function notices nothing.

Bodies stay as they are. `map` takes the logical coordinates, counted from the beginning of the
tile. The copy is serial loops `<tile>_in_d0`, ... around the block `<tile>_in`, to be scheduled
like any others; what is copied back has clones of the writers' loops, or such loops, too, where it
is only known at run time what was written, around `<tile>_out`.

With `pads` the copy also holds what guarded reads find outside of the buffer, and the guards go: so
what pad-block has made reads whole tiles, as tensor instructions do.

Arguments: `buffer`, `map` (text such as "(k,x)->(x floordiv 32, k, x mod 32)"), `extents`, `at` (a
loop), `scope` (of the packed buffer; by default `local` in a loop and global memory outside),
`tile` (a name, by default `<buffer>_packed`), `pads`, `function`.
Refuses: the maps that transform-layout refuses; without `at`, a weight or a buffer of the function
that has a layout already, a scope for these, and of an argument uses other than loads and stores,
or stores to cells that hold no element; with it, what promote-memory-scope refuses; a memory into
which the target moves boxes, because tiles there have the layout of their buffer; a name that
another buffer has; with `pads`, a buffer that is written or whose reads find different pads, a
guard that is about anything but leaving the buffer, a box that begins where only a run knows.
"""

from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import DYNAMIC_INDEX, FloatAttr, IntegerAttr, MemRefType, StringAttr
from xdsl.ir import Block, Operation, OpResult, SSAValue
from xdsl.ir.affine import AffineMap

from analysis.affine import Affine
from dialects import loop as loop_dialect
from dialects.layout import logical_shape
from passes.loop.dma import elide_guards, is_guarded, memory_of, pad_of_move
from passes.loop.forms import map_of, ranges_of
from passes.loop.instances import Instances, place_of, run_conditions, uses_of
from passes.loop.library.axes import is_weight
from passes.loop.liveness import Liveness
from passes.loop.nests import box_loops, put_block
from passes.loop.primitive import Primitive, Scope, block_of, insert_before, is_below
from passes.loop.promote_memory_scope import Access, Box, Promotion
from passes.loop.transform_layout import LayoutRequest, lay_out


def at_least(value: Affine | int, limit: Affine | int) -> bool:
    """Whether a form is a number that is not less than another one."""
    apart = (Affine({}, value) if isinstance(value, int) else value) - limit
    return apart.is_constant and apart.const >= 0


@dataclass(frozen=True)
class Packing(Promotion):
    """A promotion whose tile has a given layout."""

    map: str = ""
    extents: tuple[int, ...] | None = None
    pads: bool = False

    def promote_by_loops(self, live: Liveness, box: Box) -> None:
        """Rewrite; with `pads` what guarded reads find outside of the buffer is in the tile."""
        if not self.pads or not any(is_guarded(access) for access in live.touched):
            super().promote_by_loops(live, box)
            return
        for op in self.scope.function.walk():
            for use in uses_of(op):
                if use.writes and use.buffer is self.buffer:
                    raise self.scope.error(
                        f"{use.subject} writes %{self.buffer_name}, and only what is never written "
                        "is copied with its pads; pack it without pads=true"
                    )
        halo = [
            access
            for access in live.touched
            if isinstance(access, loop_dialect.LoadOp) and self.leaves_buffer(live, access)
        ]
        pad = pad_of_move(self.scope, self.buffer, live.touched, halo)
        assert pad is not None
        tile = self.allocate(box, None)
        entry = self.fill(box, tile.result, pad)
        elide_guards(live.touched)
        self.redirect(live, tile)
        self.place([tile, entry], [])

    def fill(self, box: Box, target: SSAValue, pad: FloatAttr | IntegerAttr) -> Operation:
        """A nest that fills the box, with the pad where it leaves the buffer."""
        (name,) = self.scope.fresh(f"{self.tile_name}_in")
        loops = box_loops(self.scope, box.extents, name)
        ranges = ranges_of(self.outer)
        variables: list[tuple[str | None, Affine, Affine]] = []
        shifts: list[int] = []
        for i, (op, start, extent) in enumerate(zip(loops, box.origin, box.extents, strict=True)):
            low, high = start.interval(ranges)
            if low is None or high is None:
                raise self.scope.error(
                    f"only a run knows where the box of %{self.buffer_name} begins that loop "
                    f"'{self.at.loop_name.data}' reads; pack it without pads=true"
                )
            shifts.append(low)
            place = start + Affine.variable(op.induction) - low
            variables.append((f"v_d{i}", Affine({}, high - low + extent), place))

        def fill(inner: Block) -> None:
            place = [Affine.variable(v) + n for v, n in zip(inner.args, shifts, strict=True)]
            guard: list[Affine] = []
            for form, (_, end, _), low, (first, last) in zip(
                place, variables, shifts, self.held(), strict=True
            ):
                guard += [form - first] if not at_least(low, first) else []
                guard += [last - form - 1] if not at_least(last, end + low) else []
            values: list[SSAValue] = []
            exprs = [tuple(map_of(forms, values)) for forms in (place, guard)]
            maps = [AffineMap(len(values), 0, e) for e in exprs]
            constant = arith.ConstantOp(pad)
            otherwise = constant.result if guard else None
            load = loop_dialect.LoadOp(self.buffer, values, maps[0], maps[1], otherwise)
            inner.add_ops([constant] if guard else [])
            inner.add_ops([load, loop_dialect.StoreOp(load.result, target, values, maps[0])])

        return put_block(loops, name, variables, [], fill)

    def allocate(self, box: Box, lanes: int | None) -> loop_dialect.AllocOp:
        """The allocation of the tile, with the layout that is asked for."""
        assert isinstance(self.buffer.type, MemRefType)
        request = LayoutRequest(self.scope, self.tile_name, self.map, self.extents)
        layout = request.of(self.shape(box))
        memory = [] if self.memory == "global" else [StringAttr(self.memory)]
        type = MemRefType(self.buffer.type.element_type, box.extents, layout, *memory)
        return self.tile(box, type)

    def shape(self, box: Box) -> tuple[int | str, ...]:
        """The logical shape of the tile."""
        return box.extents


@dataclass(frozen=True)
class WholePacking(Packing):
    """Packs a whole buffer; `at` stands for the statements that use it, as a loop run once."""

    def box(self, live: Liveness) -> Box:
        """All of the buffer, and the frame around it if a read may go there."""
        assert isinstance(self.buffer.type, MemRefType)
        shape = self.buffer.type.get_shape()
        if self.pads and any(is_guarded(access) for access in live.touched):
            return super().box(live)
        if not any(self.leaves_buffer(live, access) for access in live.touched):
            return Box((Affine({}),) * len(shape), tuple(shape))
        limits = self.whole(live)
        sizes = [end - low for low, end in limits]
        extents = [form.const if form.is_constant else DYNAMIC_INDEX for form in sizes]
        return Box(tuple(low for low, _ in limits), tuple(extents))

    def shape(self, box: Box) -> tuple[int | str, ...]:
        if DYNAMIC_INDEX not in box.extents:
            return box.extents
        named = logical_shape(self.buffer.type)
        return tuple(
            name if isinstance(name, str) else extent
            for name, extent in zip(named, box.extents, strict=True)
        )

    def loops_over(self, box: Box, name: str) -> list[loop_dialect.ForOp]:
        return box_loops(self.scope, [self.size(e) for e in self.shape(box)], name)


def uses(op: Operation, buffer: SSAValue) -> bool:
    """Whether a statement of a function uses a buffer."""
    return any(op is use.operation or is_below(use.operation, op) for use in buffer.uses)


def gather(scope: Scope, buffer: SSAValue) -> loop_dialect.ForOp:
    """A loop that is run once, in the place of the statements from the first use to the last."""
    body = scope.function.body.block
    statements = list(body.ops)
    numbers = [i for i, op in enumerate(statements) if uses(op, buffer)]
    once = loop_dialect.ForOp("once", 0, 1)
    once.location = statements[numbers[0]].location
    insert_before(statements[numbers[0]], once)
    for op in statements[numbers[0] : numbers[-1] + 1]:
        op.detach()
        if isinstance(op, loop_dialect.DimOp):
            insert_before(once, op)
        else:
            once.body.block.add_op(op)
    return once


def leaves_shape(store: loop_dialect.StoreOp) -> bool:
    """Whether a store writes cells that hold no element of its buffer."""
    asks, place = Instances(), place_of(store)
    for form, extent in zip(place, logical_shape(store.memref.type), strict=True):
        if not isinstance(extent, int) or any(isinstance(v, OpResult) for v in form.variables()):
            continue  # as large as its loops are, or only known when it runs
        for outside in (form - extent, form * -1 - 1):
            conditions = [*run_conditions(store), outside]
            hidden = {v for condition in conditions for v in condition.variables()}
            if not asks.names.points([], conditions, hidden).is_empty():
                return True
    return False


def scatter(once: loop_dialect.ForOp) -> None:
    """Put what is in the loop in its place."""
    for op in list(once.body.block.ops):
        op.detach()
        insert_before(once, op)
    once.detach()
    once.erase()


@dataclass(frozen=True)
class PackBufferPass(Primitive):
    """Let what loops use of a buffer lie in memory in the order they need it in."""

    name = "pack-buffer"

    buffer: str
    map: str
    extents: tuple[int, ...] | None = None
    at: str | None = None
    scope: str | None = None
    tile: str | None = None
    pads: bool | None = None
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        buffer = scope.find_buffer(self.buffer)
        if self.tile in scope.buffers:
            raise scope.error(f"the name '{self.tile}' is that of another buffer; choose another")
        if self.scope is not None and memory_of(scope, self.scope) is not None:
            raise scope.error(
                f"tiles in {self.scope} have the layout of their buffer, which the target moves; "
                f"give %{self.buffer} the layout with transform-layout"
            )
        if self.at is not None:
            at, memory = scope.find_loop(self.at), self.scope or "local"
            self.packing(Packing, scope, buffer, at, memory).promote()
        elif isinstance(buffer.owner, loop_dialect.AllocOp) or is_weight(buffer):
            self.lay_out(scope, buffer)
        else:
            self.copy(scope, buffer)

    @property
    def tile_name(self) -> str:
        """The name of the packed buffer."""
        return self.tile or f"{self.buffer}_packed"

    def lay_out(self, scope: Scope, buffer: SSAValue) -> None:
        """Give the buffer itself the layout."""
        if self.scope is not None or self.tile is not None or self.pads:
            raise scope.error(
                f"%{self.buffer} is packed where it is, as nobody else sees it in its old layout; "
                "scope=, tile= and pads= are for a copy, which at= makes in a loop"
            )
        lay_out(buffer, LayoutRequest(scope, self.buffer, self.map, self.extents))

    def copy(self, scope: Scope, buffer: SSAValue) -> None:
        """Let the function work on a packed copy of an argument."""
        for use in buffer.uses:
            op = use.operation
            if not isinstance(op, Access | loop_dialect.PrefetchOp):
                raise scope.error(
                    f"%{self.buffer} is used by {op.name}, which would see it in its old layout; "
                    "pack it in a loop with at=, or before that is there"
                )
        if not any(isinstance(use.operation, Access) for use in buffer.uses):
            raise scope.error(f"nothing in @{scope.function.sym_name.data} uses %{self.buffer}")
        for use in buffer.uses:
            if isinstance(use.operation, loop_dialect.StoreOp) and leaves_shape(use.operation):
                raise scope.error(
                    f"block '{block_of(use.operation).block_name.data}' also writes cells of "
                    f"%{self.buffer} that hold no element, for which the copy has no room; pack "
                    "it before pad-block"
                )
        once = gather(scope, buffer)
        memory = self.scope or "global"
        self.packing(WholePacking, scope, buffer, once, memory).promote()
        scatter(once)

    def packing(
        self,
        kind: type[Packing],
        scope: Scope,
        buffer: SSAValue,
        at: loop_dialect.ForOp,
        memory: str,
    ) -> Packing:
        """What is copied in a loop."""
        pads = bool(self.pads)
        name = self.tile_name
        return kind(scope, buffer, at, memory, name, map=self.map, extents=self.extents, pads=pads)
