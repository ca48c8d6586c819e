"""Nests of instruction calls: loops around one block with one call, as a value.

The addresses of a call's operands are forms of the loops. Guards make the ranges of loops smaller;
one that speaks of several loops cuts the nest into several. What is left is a box of iterations.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace

from xdsl.ir import Operation

from analysis.affine import Affine, Interval, Quotient
from analysis.errors import ScheduleError
from dialects import loop
from passes.loop.forms import Ranges, ranges_of
from passes.loop.instances import conditions_of
from passes.loop.primitive import loops_around, only_child

NAME = "lower-loop-to-vta"


@dataclass(frozen=True)
class Nest:
    """The loops that an instruction runs: variables with half-open ranges; the rest is outside."""

    block: loop.BlockOp
    root: Operation
    spans: tuple[tuple[Hashable, int, int], ...]
    conditions: tuple[Affine, ...]
    outside: Ranges

    @property
    def ranges(self) -> dict[Hashable, Interval]:
        """The ranges of all loops around the block."""
        return {**self.outside, **{v: (low, high - 1) for v, low, high in self.spans}}

    def within(self, variable: Hashable, low: int, high: int) -> "Nest":
        """The iterations in which a variable lies in a smaller range."""
        spans = [
            (v, max(a, low), min(b, high)) if v == variable else (v, a, b) for v, a, b in self.spans
        ]
        return replace(self, spans=tuple(spans))


def call_of(block: loop.BlockOp) -> loop.IntrinsicOp:
    """The call that is all of a block; a block that is something else is refused."""
    name = block.block_name.data
    call = block.body.block.first_op
    if not isinstance(call, loop.IntrinsicOp) or call is not block.body.block.last_op:
        raise ScheduleError(
            f"{NAME}: block '{name}' computes numbers one by one, which the accelerator cannot: "
            "tensorize it"
        )
    if block.init is not None:
        raise ScheduleError(
            f"{NAME}: block '{name}' resets and updates in one; decompose-reduction makes two "
            "blocks of it"
        )
    return call


def root_of(block: loop.BlockOp) -> Operation:
    """The outermost of the loops around a block that have nothing else in them."""
    root: Operation = block
    while isinstance(parent := root.parent_op(), loop.ForOp) and only_child(parent) is root:
        root = parent
    return root


def nest_loops(block: loop.BlockOp) -> tuple[list[loop.ForOp], list[loop.ForOp]]:
    """The loops around a block: those outside its nest, and those of the nest."""
    around = loops_around(block)
    root = root_of(block)
    position = around.index(root) if isinstance(root, loop.ForOp) else len(around)
    return around[:position], around[position:]


def nest_conditions(block: loop.BlockOp) -> list[Affine]:
    """The forms that are not negative where the nest's call runs, as far as they can be."""
    outside, inside = nest_loops(block)
    ranges = ranges_of([*outside, *inside])
    constant = {op.induction for op in inside if op.constant_bounds is not None}
    loops = [op for op in inside if op.induction not in constant]
    found = conditions_of(block, loops)
    return [form for form in found if not always(form, ranges)]


def always(form: Affine, ranges: Ranges) -> bool:
    """Whether a form is never negative."""
    low = form.interval(ranges)[0]
    return low is not None and low >= 0


def never(form: Affine, ranges: Ranges) -> bool:
    """Whether a form is always negative."""
    high = form.interval(ranges)[1]
    return high is not None and high < 0


def nest_of(block: loop.BlockOp) -> Nest:
    """The nest of a block, whose guards speak of its own loops only."""
    outside, inside = nest_loops(block)
    ranges = ranges_of([*outside, *inside])
    spans: list[tuple[Hashable, int, int]] = []
    for op in inside:
        low, high = ranges[op.induction]
        if low is None or high is None:
            raise ScheduleError(
                f"{NAME}: the bounds of loop '{op.loop_name.data}' are only known at run time; "
                "the accelerator is programmed for constant ones"
            )
        spans.append((op.induction, low, high + 1))
    return Nest(
        block,
        root_of(block),
        tuple(spans),
        tuple(nest_conditions(block)),
        ranges_of(outside),
    )


def boxes(nest: Nest) -> Iterator[Nest]:
    """Nests without conditions that together are the nest."""
    if any(low >= high for _, low, high in nest.spans):
        return
    ranges = nest.ranges
    if any(never(form, ranges) for form in nest.conditions):
        return
    open_forms = [form for form in nest.conditions if not always(form, ranges)]
    nest = replace(nest, conditions=tuple(open_forms))
    for form in open_forms:
        if (found := bound_of(form)) is not None:
            yield from boxes(nest.within(*found))
            return
    if not open_forms:
        yield nest
        return
    involved = set[Hashable]().union(*(form.variables() for form in open_forms))
    lengths = {v: high - low for v, low, high in nest.spans if v in involved and high > low + 1}
    variable = min(lengths, key=lambda v: (lengths[v], list(lengths).index(v)))
    span = next(s for s in nest.spans if s[0] == variable)
    for value in range(span[1], span[2]):
        number = {variable: Affine({}, value)}
        fixed = [form.substitute(number, ranges) for form in open_forms]
        yield from boxes(replace(nest.within(variable, value, value + 1), conditions=tuple(fixed)))


def bound_of(form: Affine) -> tuple[Hashable, int, int] | None:
    """The range of the variable for which a form of one variable is not negative."""
    if len(form.terms) != 1:
        return None
    ((atom, factor),) = form.terms.items()
    if isinstance(atom, Quotient):
        return None
    far = 1 << 40
    if factor > 0:
        return atom, -(form.const // factor), far
    return atom, -far, form.const // -factor + 1
