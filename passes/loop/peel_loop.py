"""peel-loop: the iterations that need no guard become a loop of their own.

    for i in 0..ceil(n / 8)          for i in 0..n / 8
      if i * 8 + j < n: ...    ->      ...
                                     for i_tail in n / 8..ceil(n / 8)
                                       if i_tail * 8 + j_tail < n: ...

The guards below stay where they are; in the first loop they always hold, so nothing is emitted
for them; a block that runs in one of the two loops only is not in the other one. Every loop, block
and buffer in the remainder is called `<name>_tail`. Tiles in a memory that the target fills or
drains are one memory in both loops (`share` of loop.alloc).

Arguments: `loop`, `function`.
Refuses: a loop without a guard that fails in its last iterations (one on a remainder of the loop
fails in others, too, and stays); one whose first iteration already needs the guard, or whose cut
would lie outside it in some iteration of an outer loop; several guards of which it depends on the
run, or on a loop around, which one fails first; a loop that is vectorized or over threads.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation, SSAValue

from analysis.affine import Affine, Quotient
from analysis.integer_sets import solve
from dialects import loop as loop_dialect
from dialects.layout import scope_of
from passes.loop.dma import memory_of
from passes.loop.expand_unrolled_loops import erase_with_loops
from passes.loop.forms import Ranges, forms_of, ranges_of, set_forms
from passes.loop.instances import bounds_of
from passes.loop.primitive import Primitive, Scope, blocks_in, insert_before, loops_around


def guards_of(block: loop_dialect.BlockOp, ranges: Ranges) -> list[Affine]:
    """The forms that must not be negative for an instance of the block to run."""
    domains = forms_of(block, "domains", ranges)
    bindings = forms_of(block, "bindings", ranges)
    ends = [domain - binding - 1 for domain, binding in zip(domains, bindings, strict=True)]
    return [*ends, *forms_of(block, "where", ranges)]


def digit_of(guard: Affine, op: loop_dialect.ForOp) -> tuple[Hashable, int] | None:
    """The term of a guard by which it falls in the iterations of a loop, and how far at once.

    That is the loop itself, or its quotient where nothing of its remainder is there, too: the
    outer one of two loops that were fused.
    """
    terms = [(a, c) for a, c in guard.terms.items() if op.induction in Affine({a: c}).variables()]
    if len(terms) != 1 or terms[0][1] >= 0:
        return None
    atom, coefficient = terms[0]
    if isinstance(atom, Quotient) and atom.numerator.terms != {op.induction: 1}:
        return None
    return atom, -coefficient


def full_iterations(op: loop_dialect.ForOp) -> list[Affine]:
    """For each guard that depends on the loop, how many first iterations fulfil it."""
    counts: list[Affine] = []
    for block in blocks_in(op):
        around = loops_around(block)
        ranges = ranges_of(around)
        inside = {o.induction for o in around[around.index(op) + 1 :]}
        for guard in guards_of(block, ranges):
            low = guard.interval(ranges)[0]
            digit = digit_of(guard, op)
            if digit is None or (low is not None and low >= 0):
                continue
            atom, step = digit
            fixed = Affine({}, guard.const)
            moving = Affine({})
            for other, coefficient in guard.terms.items():
                part = Affine({other: coefficient})
                if other is atom:
                    continue
                if part.variables() & inside:
                    moving = moving + part
                else:
                    fixed = fixed + part
            worst = moving.interval(ranges)[0]
            if worst is None:
                continue
            count = (fixed + worst).floordiv(step, ranges) + 1
            if isinstance(atom, Quotient):
                count = count * atom.divisor - atom.numerator.const
            if count not in counts:
                counts.append(count)
    return counts


def known_of(op: loop_dialect.ForOp, forms: Sequence[Affine]) -> list[Affine]:
    """What holds around a loop: forms that are not negative."""
    around = loops_around(op)
    conditions = bounds_of(around)
    used = {v for form in (*conditions, *forms) for v in form.variables()}
    return [*conditions, *(Affine.variable(v) for v in used - {o.induction for o in around})]


def first_of(op: loop_dialect.ForOp, counts: Sequence[Affine]) -> Affine | None:
    """The smallest one of some forms; None if that is another one in different iterations."""
    known = known_of(op, counts)
    for count in counts:
        if all(solve([*known, count - other - 1]) is None for other in counts):
            return count
    return None


def cut_outside(op: loop_dialect.ForOp, count: Affine) -> str | None:
    """An iteration of the loops around in which a loop would be cut outside of its bounds."""
    low, high = forms_of(op, "lower")[0], forms_of(op, "upper")[0]
    for outside in (low - count - 1, count - high - 1):
        point = solve([*known_of(op, (low, high, count)), outside])
        if point is not None:
            values = {v: 0 for form in (low, high, count) for v in form.variables()} | point
            where = ", ".join(
                f"{v.name_hint}={values[v]}"
                for v in values
                if isinstance(v, SSAValue) and v in count.variables()
            )
            return (
                f"for {where} it would be cut at {count.evaluate(values)}, and it goes from "
                f"{low.evaluate(values)} to {high.evaluate(values)}"
            )
    return None


def rename(scope: Scope, op: Operation, end: str) -> None:
    """Give all loops, blocks and buffers in a clone names that end with `_<end>`."""

    def ended(name: str) -> StringAttr:
        return StringAttr(scope.fresh(f"{name}_{end}")[0])

    for inner in op.walk():
        match inner:
            case loop_dialect.ForOp():
                inner.loop_name = ended(inner.loop_name.data)
                inner.induction.name_hint = inner.loop_name.data
            case loop_dialect.BlockOp():
                inner.block_name = ended(inner.block_name.data)
            case loop_dialect.AllocOp():
                inner.result.name_hint = f"{inner.result.name_hint}_{end}"
            case _:
                pass


def drop_idle_blocks(op: loop_dialect.ForOp) -> None:
    """Erase the blocks in a loop that never run, and the inner loops that hold nothing then."""

    def is_idle(block: loop_dialect.BlockOp) -> bool:
        ranges = ranges_of(loops_around(block))
        highs = [guard.interval(ranges)[1] for guard in guards_of(block, ranges)]
        return any(high is not None and high < 0 for high in highs)

    found = list(blocks_in(op))
    idle = [block for block in found if is_idle(block)]
    for block in idle if len(idle) < len(found) else ():
        erase_with_loops(block)


def share_tiles(scope: Scope, op: loop_dialect.ForOp) -> None:
    """Let what is allocated in a loop be one memory with its clones."""
    for inner in op.walk():
        if not isinstance(inner, loop_dialect.AllocOp) or inner.share or inner.memory:
            continue
        if memory_of(scope, scope_of(inner.result.type)) is not None:
            inner.share = StringAttr(inner.result.name_hint or "")


@dataclass(frozen=True)
class PeelLoopPass(Primitive):
    """Make the iterations of a loop that need no guard a loop of their own."""

    name = "peel-loop"

    loop: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        op = scope.find_loop(self.loop)
        if op.kind.data not in ("serial", "parallel", "unrolled"):
            raise scope.error(
                f"loop '{self.loop}' is {op.kind.data}, and its iterations belong together; peel "
                "it before it is given that kind"
            )
        counts = full_iterations(op)
        if not counts:
            raise scope.error(
                f"no guard below loop '{self.loop}' fails in its last iterations; "
                "there is nothing to peel"
            )
        count = first_of(op, counts)
        if count is None:
            raise scope.error(
                f"which of the guards below loop '{self.loop}' fails first is only known at run "
                "time, or differs between iterations around it; peel an inner loop first"
            )
        if count.is_constant and count.const <= (forms_of(op, "lower")[0].const):
            raise scope.error(
                f"every iteration of loop '{self.loop}' needs its guard; there is no full one"
            )
        outside = cut_outside(op, count)
        if outside is not None:
            raise scope.error(
                f"where loop '{self.loop}' must be cut depends on the loops around it; "
                "peel one of those first",
                outside,
            )
        self.cut(scope, op, count)

    def cut(self, scope: Scope, op: loop_dialect.ForOp, count: Affine) -> None:
        """Cut the loop at `count`."""
        share_tiles(scope, op)
        rest = op.clone()
        rename(scope, rest, "tail")
        insert_before(op, rest)
        op.detach()
        insert_before(rest, op)
        set_forms(op, upper=[count])
        set_forms(rest, lower=[count])
        for part in (op, rest):
            drop_idle_blocks(part)
