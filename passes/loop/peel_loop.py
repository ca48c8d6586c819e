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
Refuses: a loop without a guard that fails in its last iterations (one that divides the loop may
fail in any, and stays); one whose first iteration
already needs the guard, or whose cut would lie outside it in some iteration of an outer loop;
several guards that are only known at run time; a loop that is not serial or parallel.
"""

from dataclasses import dataclass

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation

from analysis.affine import Affine, Quotient
from analysis.integer_sets import Names
from dialects import loop as loop_dialect
from dialects.layout import scope_of
from passes.loop.dma import memory_of
from passes.loop.expand_unrolled_loops import erase_with_loops
from passes.loop.forms import Ranges, forms_of, ranges_of, set_forms
from passes.loop.primitive import Primitive, Scope, blocks_in, insert_before, loops_around


def guards_of(block: loop_dialect.BlockOp, ranges: Ranges) -> list[Affine]:
    """The forms that must not be negative for an instance of the block to run."""
    domains = forms_of(block, "domains", ranges)
    bindings = forms_of(block, "bindings", ranges)
    ends = [domain - binding - 1 for domain, binding in zip(domains, bindings, strict=True)]
    return [*ends, *forms_of(block, "where", ranges)]


def divides(form: Affine, op: loop_dialect.ForOp) -> bool:
    """Whether a form has a quotient of the loop, so that it need not rise or fall with it."""
    return op.induction in {
        v for atom in form.terms if isinstance(atom, Quotient) for v in atom.numerator.variables()
    }


def full_iterations(op: loop_dialect.ForOp) -> list[Affine]:
    """For each guard that depends on the loop, how many first iterations fulfil it."""
    counts: list[Affine] = []
    for block in blocks_in(op):
        around = loops_around(block)
        ranges = ranges_of(around)
        inside = {o.induction for o in around[around.index(op) + 1 :]}
        for guard in guards_of(block, ranges):
            step = -guard.coefficient(op.induction)
            low = guard.interval(ranges)[0]
            if step <= 0 or (low is not None and low >= 0) or divides(guard, op):
                continue
            fixed = Affine({}, guard.const)
            moving = Affine({})
            for atom, coefficient in guard.terms.items():
                part = Affine({atom: coefficient})
                if atom is op.induction:
                    continue
                if part.variables() & inside:
                    moving = moving + part
                else:
                    fixed = fixed + part
            worst = moving.interval(ranges)[0]
            if worst is None:
                continue
            count = (fixed + worst).floordiv(step, ranges) + 1
            if count not in counts:
                counts.append(count)
    return counts


def is_inside(op: loop_dialect.ForOp, count: Affine) -> bool:
    """Whether a loop can be cut at `count` in every iteration of the loops around it."""
    around = loops_around(op)
    low, high = forms_of(op, "lower")[0], forms_of(op, "upper")[0]
    conditions: list[Affine] = []
    for outer in around:
        value = Affine.variable(outer.induction)
        conditions += [value - forms_of(outer, "lower")[0], forms_of(outer, "upper")[0] - value - 1]
    used = {v for form in (*conditions, low, high, count) for v in form.variables()}
    conditions += [Affine.variable(v) for v in used - {o.induction for o in around}]
    for outside in (low - count - 1, count - high - 1):
        if not Names().points([], [*conditions, outside], used).is_empty():
            return False
    return True


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
        if op.kind.data not in ("serial", "parallel"):
            raise scope.error(f"loop '{self.loop}' is {op.kind.data}; peel a serial loop")
        counts = full_iterations(op)
        if not counts:
            raise scope.error(
                f"no guard below loop '{self.loop}' fails in its last iterations; "
                "there is nothing to peel"
            )
        if len(counts) > 1 and not all(c.is_constant for c in counts):
            raise scope.error(
                f"loop '{self.loop}' has several guards that are only known at run time; "
                "peel an inner loop first"
            )
        count = min(counts, key=lambda c: c.const)
        if count.is_constant and count.const <= (forms_of(op, "lower")[0].const):
            raise scope.error(
                f"every iteration of loop '{self.loop}' needs its guard; there is no full one"
            )
        if not is_inside(op, count):
            raise scope.error(
                f"where loop '{self.loop}' must be cut depends on the loops around it; "
                "peel one of those first"
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
