"""promote-memory-scope: all accesses of a buffer below a loop use a tile in a memory scope.

    for y_o                              for y_o
      for k                                C_register = alloc at [y_o * 8, 0]
        C[y_o * 8 + y_i, x] += ...  ->     for k
                                             C_register[y_o * 8 + y_i, x] += ...
                                           for y_i
                                             C_register_out: C[...] = C_register[...]

The tile is the box of the elements that one iteration of `at` touches; it is called
`<buffer>_<scope>`. It is copied in only where it is live in (blocks `<buffer>_<scope>_in`), and
copied out only where it is live out (`<buffer>_<scope>_out`). A copy of elements that a block
writes is a clone of that block's loops; a copy of elements that are only read has fresh loops
`<buffer>_<scope>_in_d0`, ... over the box.

Arguments: `buffer`, `scope`, `at` (a loop), `function`.
Refuses: a loop without an access of the buffer below; an index that is only known at run time;
accesses whose boxes begin at different places; a box that is not constant in size.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import MemRefType, NoneAttr, StringAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineMap

from analysis.affine import Affine, Quotient
from dialects import loop as loop_dialect
from dialects.layout import LayoutAttr, layout_of
from passes.loop.forms import coordinates, forms_of, map_of, ranges_of, variables_of
from passes.loop.nests import (
    box_loops,
    clone_loops,
    last_iteration,
    loops_inside,
    loops_used,
    put_block,
    spatial_variables,
)
from passes.loop.primitive import (
    Primitive,
    Scope,
    accesses,
    block_of,
    body_accesses,
    is_below,
    loops_around,
)
from passes.loop.transform_layout import extent_of

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

    @property
    def buffer_name(self) -> str:
        assert self.buffer.name_hint is not None
        return self.buffer.name_hint

    def outer(self) -> list[loop_dialect.ForOp]:
        """The loops whose iteration is fixed while the tile lives."""
        return [*loops_around(self.at), self.at]

    def span(self, access: Access) -> list[tuple[Affine, int, int]]:
        """For each dimension the part that is fixed below the loop and the interval of the rest."""
        block = block_of(access)
        around = loops_around(block)
        ranges = ranges_of(around)
        fixed = {op.induction for op in self.outer()}
        variables = variables_of(block)
        spans: list[tuple[Affine, int, int]] = []
        for form in coordinates(access):
            form = form.substitute(variables, ranges)
            base, rest = Affine({}), Affine({}, form.const)
            for atom, coefficient in form.terms.items():
                part = Affine({atom: coefficient})
                inside = atom.numerator.variables() if isinstance(atom, Quotient) else {atom}
                if inside <= fixed:
                    base = base + part
                else:
                    rest = rest + part
            low, high = rest.interval(ranges)
            if low is None or high is None:
                raise self.scope.error(
                    f"%{self.buffer_name} is indexed in block '{block.block_name.data}' by a value "
                    f"that is only known at run time, so what loop "
                    f"'{self.at.loop_name.data}' touches has no constant size"
                )
            spans.append((base, low, high))
        return spans

    def box(self, touched: Sequence[Access]) -> Box:
        """The box that holds what all accesses touch."""
        spans = [self.span(access) for access in touched]
        origin: list[Affine] = []
        extents: list[int] = []
        for dimension, first in enumerate(spans[0]):
            for access, span in zip(touched, spans, strict=True):
                if span[dimension][0] != first[0]:
                    blocks = [block_of(a).block_name.data for a in (access, touched[0])]
                    raise self.scope.error(
                        f"the box that block '{blocks[0]}' touches of %{self.buffer_name} begins "
                        f"elsewhere than that of block '{blocks[1]}' (dimension {dimension}); "
                        "choose a loop further out or in"
                    )
            low = min(span[dimension][1] for span in spans)
            high = max(span[dimension][2] for span in spans)
            origin.append(first[0] + low)
            extents.append(high - low + 1)
        return Box(tuple(origin), tuple(extents))

    def live_in(self, touched: Sequence[Access]) -> list[Affine] | None:
        """Where the tile must be filled: under these conditions, [] everywhere, None nowhere."""
        first = block_of(touched[0])
        here = list(body_accesses(first, self.buffer))
        reads = any(isinstance(a, loop_dialect.LoadOp) for a in here)
        if first.init is not None:
            started = loops_used(first, reduce=True)
            outer = [op for op in self.outer() if op.induction in started]
            if not outer:
                return None
            total = Affine({})
            for op in outer:
                total = total + Affine.variable(op.induction) - forms_of(op, "lower")[0]
            return [total - 1]
        if reads:
            return []
        where = forms_of(first, "where")
        if not where:
            return None
        return [where[0] * -1 - 1] if len(where) == 1 else []

    def live_out(
        self, touched: Sequence[Access], entry: list[Affine] | None
    ) -> list[Affine] | None:
        """Where the tile must be written back, said like `live_in`."""
        if not any(isinstance(a, loop_dialect.StoreOp) for a in touched):
            return None
        if not isinstance(self.buffer.owner, loop_dialect.AllocOp):
            return []
        if any(not is_below(a, self.at) for a in accesses(self.scope.function, self.buffer)):
            return []
        if entry is None:
            return None
        carried = {v for form in entry for v in form.variables()}
        loops = [op for op in self.outer() if op.induction in carried]
        if not loops:
            return []
        remaining = Affine({})
        for op in loops:
            remaining = remaining - last_iteration(op)
        return [remaining - 1]

    def promote(self) -> None:
        """Rewrite."""
        touched = list(accesses(self.at, self.buffer))
        if not touched:
            raise self.scope.error(
                f"nothing below loop '{self.at.loop_name.data}' accesses %{self.buffer_name}"
            )
        box = self.box(touched)
        entry = self.live_in(touched)
        leave = self.live_out(touched, entry)
        tile = self.allocate(box)
        writers = [block_of(a) for a in touched if isinstance(a, loop_dialect.StoreOp)]
        for access in touched:
            access.operands[access.operands.index(self.buffer)] = tile.result
        name = f"{self.buffer_name}_{self.memory}"
        body = self.at.body.block
        nests: list[Operation] = []
        if entry is not None:
            if writers:
                nests = [self.clone(writers[-1], f"{name}_in", self.buffer, tile.result, entry)]
            else:
                nests = [self.fresh(box, f"{name}_in", tile.result, entry)]
        assert body.first_op is not None
        body.insert_ops_before([tile, *nests], body.first_op)
        if leave is not None:
            body.add_op(self.clone(writers[-1], f"{name}_out", tile.result, self.buffer, leave))
        owner = self.buffer.owner
        if isinstance(owner, loop_dialect.AllocOp) and not self.buffer.uses.get_length():
            owner.detach()
            owner.erase()

    def allocate(self, box: Box) -> loop_dialect.AllocOp:
        """The allocation of the tile."""
        assert isinstance(self.buffer.type, MemRefType)
        memory = StringAttr(self.memory)
        layout = tile_layout(self.buffer.type, box.extents)
        type = MemRefType(self.buffer.type.element_type, box.extents, layout, memory)
        values: list[SSAValue] = []
        exprs = map_of(box.origin, values)
        tile = loop_dialect.AllocOp(type, values, AffineMap(len(values), 0, tuple(exprs)))
        tile.result.name_hint = f"{self.buffer_name}_{self.memory}"
        return tile

    def clone(
        self,
        writer: loop_dialect.BlockOp,
        prefix: str,
        source: SSAValue,
        target: SSAValue,
        conditions: list[Affine],
    ) -> Operation:
        """A nest that copies what `writer` writes, with the loops of `writer`."""
        spatial = loops_used(writer, reduce=False)
        kept = [op for op in loops_inside(writer, self.at) if op.induction in spatial]
        (name,) = self.scope.fresh(prefix)
        loops, values = clone_loops(self.scope, kept, name)
        where = [
            form.substitute(values, {})
            for form in forms_of(writer, "where")
            if form.variables() <= spatial
        ]
        tile_store = next(
            a
            for a in body_accesses(writer)
            if isinstance(a, loop_dialect.StoreOp) and a.memref in (source, target)
        )
        places = coordinates(tile_store)

        def fill(inner: Block) -> None:
            arguments = [
                v for v, r in zip(writer.variables, writer.is_reduce, strict=True) if not r
            ]
            stand: dict[Hashable, Affine] = {
                old: Affine.variable(new) for old, new in zip(arguments, inner.args, strict=True)
            }
            used: list[SSAValue] = []
            exprs = map_of([p.substitute(stand, {}) for p in places], used)
            move(inner, source, target, used, AffineMap(len(used), 0, tuple(exprs)))

        variables = spatial_variables(writer, values)
        return put_block(loops, name, variables, [*where, *conditions], fill)

    def fresh(self, box: Box, prefix: str, target: SSAValue, conditions: list[Affine]) -> Operation:
        """A nest that fills the tile, with loops over the box."""
        assert isinstance(self.buffer.type, MemRefType)
        (name,) = self.scope.fresh(prefix)
        loops = box_loops(self.scope, box.extents, name)
        variables: list[tuple[str | None, Affine, Affine]] = []
        for i, (op, start, size) in enumerate(
            zip(loops, box.origin, self.buffer.type.get_shape(), strict=True)
        ):
            binding = start + Affine.variable(op.induction)
            variables.append((f"v_d{i}", Affine({}, size), binding))

        def fill(inner: Block) -> None:
            rank = len(inner.args)
            move(inner, self.buffer, target, inner.args, AffineMap.identity(rank))

        return put_block(loops, name, variables, conditions, fill)


def tile_layout(type: MemRefType, extents: Sequence[int]) -> LayoutAttr | NoneAttr:
    """The layout of a buffer, cut down to a box: its fastest dimension stays the fastest."""
    layout = layout_of(type)
    if layout is None:
        return NoneAttr()
    sizes = [extent_of(expr, extents)[1] + 1 for expr in layout.map.data.results]
    return LayoutAttr.of(layout.map.data, sizes)


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
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        buffer, at = scope.find_buffer(self.buffer), scope.find_loop(self.at)
        Promotion(scope, buffer, at, self.scope).promote()
