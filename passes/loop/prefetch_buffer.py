"""prefetch-buffer: the cache is asked early for what the next iteration of a loop reads.

    for ic_o                          for ic_o
      for oh_o                          for oh_o
        for kh                   ->       for kh
          ... W[.., ic_o * 16 + ..]         prefetch the (oh_o, kh)-th lines of W's next chunk
                                            ... W[.., ic_o * 16 + ..]

What one iteration of `ahead` reads of the buffer is one run of cache lines; the lines of the next
iteration are shared out evenly among the iterations of the loops `over`, which are inside `ahead`.
Of more iterations than lines, the innermost loops are left out, so that nothing beyond them is
asked for. Of several reads, the one that goes over most memory is asked for.

Arguments: `buffer`, `ahead`, `over` (loops, outermost first), `line` (bytes of a cache line),
`locality` (0 to 3), `function`.
Refuses: loops of `over` that are not inside `ahead`; a buffer that is not read below the innermost
of them, or only lives inside `ahead`; reads of which no address moves with `ahead`, or all are only
known at run time; a loop of `over` whose extent is.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from xdsl.dialects.builtin import FixedBitwidthType, MemRefType
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineMap

from analysis.affine import Affine, from_expression
from dialects import loop as loop_dialect
from dialects.layout import layout_map, physical_shape
from passes.loop.forms import coordinates, forms_of, map_of, ranges_of, variables_of
from passes.loop.primitive import (
    Primitive,
    Scope,
    accesses,
    block_of,
    is_below,
    loops_around,
)

INDEX_BYTES = 8


def buffer_owner(buffer: SSAValue) -> Operation:
    """The operation that allocates a buffer, or the function that takes it."""
    owner = buffer.owner
    parent = owner.parent_op() if isinstance(owner, Block) else owner
    assert parent is not None
    return parent


@dataclass(frozen=True)
class Reach:
    """What the next iteration of a loop reads: where that begins, and over how many elements of
    memory it goes."""

    load: loop_dialect.LoadOp
    places: list[Affine]
    elements: int


@dataclass(frozen=True)
class PrefetchBufferPass(Primitive):
    """Ask the cache early for what the next iteration of a loop reads."""

    name = "prefetch-buffer"

    buffer: str
    ahead: str
    over: tuple[str, ...]
    line: int = 64
    locality: int = 2
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        ahead = scope.find_loop(self.ahead)
        over = [scope.find_loop(name) for name in self.over]
        for outer, inner in zip([ahead, *over], over, strict=False):
            if not is_below(inner, outer):
                raise scope.error(
                    f"loop '{inner.loop_name.data}' is not inside loop '{outer.loop_name.data}'; "
                    "over= names loops inside ahead=, outermost first"
                )
        buffer = scope.find_buffer(self.buffer)
        if is_below(buffer_owner(buffer), ahead):
            raise scope.error(f"%{self.buffer} only lives inside loop '{self.ahead}'")
        loads = [a for a in accesses(over[-1], buffer) if isinstance(a, loop_dialect.LoadOp)]
        if not loads:
            raise scope.error(f"%{self.buffer} is not read below loop '{self.over[-1]}'")
        found = [self.reach(load, ahead) for load in loads]
        fitting = [reach for reach in found if isinstance(reach, Reach)]
        if not fitting:
            raise scope.error(str(found[0]))
        self.insert(scope, max(fitting, key=lambda reach: reach.elements), over)

    def reach(self, load: loop_dialect.LoadOp, ahead: loop_dialect.ForOp) -> Reach | str:
        """What the next iteration of a loop reads, or why that is not known."""
        around = loops_around(block_of(load))
        ranges = ranges_of(around)
        inside = around[around.index(ahead) + 1 :]
        variables = variables_of(block_of(load))
        logical = [form.substitute(variables, ranges) for form in coordinates(load)]
        outside = {op.induction for op in around} | {*block_of(load).outer}
        if any(form.variables() - outside for form in logical):
            return f"%{self.buffer} is indexed by a value that is only known at run time"
        elements = self.physical_span(load, logical, inside)
        if isinstance(elements, str):
            return elements
        first: dict[Hashable, Affine] = {op.induction: forms_of(op, "lower")[0] for op in inside}
        step: dict[Hashable, Affine] = {ahead.induction: Affine.variable(ahead.induction) + 1}
        places = [form.substitute(first, ranges).substitute(step, ranges) for form in logical]
        if all(ahead.induction not in form.variables() for form in places):
            return f"what is read of %{self.buffer} does not move with '{self.ahead}'"
        return Reach(load, places, elements)

    def insert(self, scope: Scope, reach: Reach, over: list[loop_dialect.ForOp]) -> None:
        """Insert the prefetches at the head of the innermost loop of `over`."""
        load = reach.load
        assert isinstance(load.memref.type, MemRefType)
        element = load.memref.type.element_type
        size = element.size if isinstance(element, FixedBitwidthType) else INDEX_BYTES
        per_line = max(1, self.line // size)
        lines = -(-reach.elements // per_line)
        over = self.shared_among(scope, over, lines)
        total, flat = 1, Affine({})
        for op in over:
            extent = op.extent
            assert extent is not None
            flat = flat * extent + Affine.variable(op.induction)
            total *= extent
        each = -(-lines // total)
        body = over[-1].body.block
        assert body.first_op is not None
        for number in reversed(range(each)):
            distance = (flat * each + number) * per_line
            values: list[SSAValue] = []
            exprs = map_of([*reach.places, distance], values)
            maps = (
                AffineMap(len(values), 0, tuple(exprs[:-1])),
                AffineMap(len(values), 0, (exprs[-1],)),
            )
            prefetch = loop_dialect.PrefetchOp(load.memref, values, *maps, self.locality)
            prefetch.location = load.location
            body.insert_op_before(prefetch, body.first_op)

    def shared_among(
        self, scope: Scope, over: list[loop_dialect.ForOp], lines: int
    ) -> list[loop_dialect.ForOp]:
        """The outermost loops of `over`, at least one, that have no more iterations than lines."""
        total, kept = 1, list[loop_dialect.ForOp]()
        for op in over:
            extent = op.extent
            if extent is None:
                raise scope.error(f"the extent of loop '{op.loop_name.data}' is not a constant")
            total *= extent
            if total <= lines or not kept:
                kept.append(op)
        return kept

    def physical_span(
        self,
        load: loop_dialect.LoadOp,
        logical: list[Affine],
        inside: list[loop_dialect.ForOp],
    ) -> int | str:
        """How many elements of memory are between the first one and the last one that is read
        while the loops `inside` run, or why that is not known."""
        ranges = ranges_of(loops_around(block_of(load)))
        moving = {op.induction for op in inside}
        still = {v: Affine({}) for form in logical for v in form.variables() if v not in moving}
        places = [form.substitute(still, ranges) for form in logical]
        offset = Affine({})
        shape = physical_shape(load.memref.type)
        for expr, extent in zip(layout_map(load.memref.type).results, shape, strict=True):
            if isinstance(extent, int):
                offset = offset * extent
            elif offset != Affine({}):
                return (
                    f"the size '{extent}' of %{self.buffer} is only known at run time, so its "
                    "lines cannot be shared out"
                )
            offset = offset + from_expression(expr, places, ranges)
        low, high = offset.interval(ranges)
        if low is None or high is None:
            return f"how much loop '{self.ahead}' reads of %{self.buffer} is only known at run time"
        return high - low + 1
