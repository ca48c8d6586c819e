"""lower-virtual-threads: the virtual threads of a loop become one stream, interleaved.

    for t in 0..2 vthread {           alloc T0, T1
      alloc T                         push ex -> ld,  push ex -> ld
      push ex -> ld                   for k {
      for k {                   ->      pop ex -> ld,  copy A[0] to T0,  push ld -> ex
        pop ex -> ld                    pop ex -> ld,  copy A[1] to T1,  push ld -> ex
        copy A[t] to T                  ...
        push ld -> ex                 }
        ...                           pop ex -> ld,  pop ex -> ld

A maximal run of operations of one unit is repeated, thread by thread; loops in which several units
work are shared by the threads, those of one unit are part of a run. So while one unit is at the run
of one thread, the next unit is at that of another one. Each thread has its own copy of what is
allocated in it.

A run has at most one push to a queue and one pop from it. Then the first tokens of all threads
stand before the second ones of all threads, in the pushes of a queue as in its pops, and each pop
gets the token that its own thread pushed. In each thread operations stay in order, so a push stands
before its pop in the whole stream if it does in the thread.

Takes loops of copies and calls of tensor instructions, with tokens or without; leaves no virtual
threads. It stands after insert-dependence-tokens, which works inside each thread, and before
everything that places tiles in memory.

Arguments: `function` (all functions of loops if it is left out).
Names: tiles `<tile>0`, `<tile>1`, ... by thread; of loops and blocks the first keeps the name,
others get `_1`, `_2`, ...
Refuses: a loop of several units whose bounds depend on the thread; a number of threads that is not
a constant; an operation that no unit runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from analysis.affine import Affine
from dialects import loop
from passes.loop.expand_unrolled_loops import decide, number_names
from passes.loop.forms import forms_of, replace_variables
from passes.loop.primitive import Scope, insert_before
from passes.loop.units import Units, scheduled_functions


@dataclass
class Threads:
    """The threads of one loop while their stream is written."""

    scope: Scope
    op: loop.ForOp
    numbers: range
    units: dict[Operation, frozenset[str]]
    """The units of each operation, which could not be found once it is taken out."""
    tiles: list[dict[SSAValue, SSAValue]] = field(init=False)
    """For each thread what stands for the buffers that are allocated in it."""
    allocs: list[loop.AllocOp] = field(default_factory=list[loop.AllocOp])
    copies: list[Operation] = field(default_factory=list[Operation])

    def __post_init__(self) -> None:
        self.tiles = [{} for _ in self.numbers]

    def stream(self, body: Block) -> Iterator[Operation]:
        """The stream of all threads, of the operations of each one, which are used up."""
        run: list[Operation] = []
        for op in list(body.ops):
            op.detach()
            units = self.units[op]
            shared = is_shared(op, units)
            if run and (shared or not self.continues(run, op)):
                yield from self.repeat(run)
                run = []
            if isinstance(op, loop.AllocOp):
                yield from self.allocate(op)
            elif shared:
                yield self.share(op)
            elif units:
                run.append(op)
        yield from self.repeat(run)

    def continues(self, run: Sequence[Operation], op: Operation) -> bool:
        """Whether a run goes on: with the same unit, and no second token to or from a queue."""
        if isinstance(op, loop.AllocOp):
            return True
        same = self.units[op] == self.units[run[0]]
        return same and token_of(op) not in {token_of(other) for other in run} - {None}

    def repeat(self, run: Sequence[Operation]) -> Iterator[Operation]:
        """A run, once for each thread."""
        for number in range(len(self.numbers)):
            for op in run:
                yield self.copy_for(number, op)
        for op in run:
            op.erase()

    def allocate(self, op: loop.AllocOp) -> Iterator[Operation]:
        """A buffer for each thread."""
        hint = op.result.name_hint
        self.allocs.append(op)
        for number in range(len(self.numbers)):
            copy = self.copy_for(number, op)
            copy.results[0].name_hint = None if hint is None else f"{hint}{number}"
            if isinstance(copy, loop.AllocOp) and op.share is not None:
                copy.share = StringAttr(f"{op.share.data}{number}")
            yield copy

    def copy_for(self, number: int, op: Operation) -> Operation:
        """An operation as one thread runs it."""
        copy = op.clone(self.tiles[number])
        replace_variables(copy, {self.op.induction: Affine({}, self.numbers[number])})
        self.copies.append(copy)
        return copy

    def share(self, op: Operation) -> Operation:
        """A loop that all threads go through together, with their stream in it."""
        assert isinstance(op, loop.ForOp)
        for bound in ("lower", "upper"):
            if self.op.induction in forms_of(op, bound)[0].variables():
                raise self.scope.error(
                    f"the bounds of loop '{op.loop_name.data}', in which units wait for each "
                    f"other, depend on the virtual thread '{self.op.loop_name.data}'; threads go "
                    "through such a loop together"
                )
        body = op.body.block
        body.add_ops(list(self.stream(body)))
        return op


def token_of(op: Operation) -> tuple[type[Operation], str, str] | None:
    """What must not be twice in a run, for a push or a pop."""
    if isinstance(op, loop.PushDepOp | loop.PopDepOp):
        return type(op), op.source.data, op.target.data
    return None


def is_shared(op: Operation, units: frozenset[str]) -> bool:
    """Whether all threads go through an operation together: a loop of several units, or of tokens.

    A unit's loop with tokens in it would push those of one thread before those of the next one.
    """
    tokens = (token_of(inner) for inner in op.walk())
    return isinstance(op, loop.ForOp) and (len(units) > 1 or any(tokens))


def body_of(op: Operation) -> list[Operation]:
    """The operations in the body of a loop."""
    return list(op.body.block.ops) if isinstance(op, loop.ForOp) else []


def lower(units: Units, op: loop.ForOp) -> None:
    """Put the stream of its threads in the place of a loop."""
    bounds = op.constant_bounds
    if bounds is None:
        raise units.scope.error(
            f"the extent of loop '{op.loop_name.data}' is only known at run time; there is a "
            "constant number of virtual threads"
        )
    inside = {inner: units.units_in(inner) for o in op.walk() for inner in body_of(o)}
    threads = Threads(units.scope, op, range(*bounds), inside)
    insert_before(op, *threads.stream(op.body.block))
    for alloc in threads.allocs:
        alloc.erase()
    op.detach()
    op.erase()
    for copy in threads.copies:
        decide(copy)


def lower_function(scope: Scope, module: ModuleOp) -> None:
    """Lower the virtual threads of a function, inner ones first."""
    loops = [op for op in scope.function.walk() if isinstance(op, loop.ForOp)]
    threads = [op for op in loops if op.kind.data == "vthread"]
    if threads:
        units = Units.of(scope, module)
        for op in reversed(threads):
            lower(units, op)
        number_names(scope.function)


@dataclass(frozen=True)
class LowerVirtualThreadsPass(ModulePass):
    """Interleave the virtual threads of loops into one stream."""

    name = "lower-virtual-threads"

    function: str | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for scope in scheduled_functions(self.name, op, self.function):
            lower_function(scope, op)
