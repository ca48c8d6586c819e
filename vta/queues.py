"""Who may run when: the units' instruction queues and the tokens between them.

docs/vta-isa.md, section 7. Instructions are fetched in order into the queue of their unit; each
unit runs its own in order, pops tokens before and pushes tokens after. What an instruction does
plays no part here.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from vta.implementations import FSIM, Implementation
from vta.isa import Finish, Instruction, StreamError, Unit, describe

Queue = tuple[Unit, Unit]
"""The unit that pushes and the one that pops."""

QUEUES: tuple[Queue, ...] = (
    (Unit.LOAD, Unit.COMPUTE),
    (Unit.COMPUTE, Unit.LOAD),
    (Unit.COMPUTE, Unit.STORE),
    (Unit.STORE, Unit.COMPUTE),
)

Choose = Callable[[Sequence[int]], int]
"""Which of the instructions that may run next does: `min` keeps the order of the stream."""


def show_queue(queue: Queue) -> str:
    return f"{queue[0].word}->{queue[1].word}"


def pops(op: Instruction) -> list[Queue]:
    """The queues that a legal instruction takes a token from."""
    sides = ((op.pop_prev, op.unit - 1), (op.pop_next, op.unit + 1))
    return [(Unit(other), op.unit) for asked, other in sides if asked]


def pushes(op: Instruction) -> list[Queue]:
    """The queues that a legal instruction puts a token into."""
    sides = ((op.push_prev, op.unit - 1), (op.push_next, op.unit + 1))
    return [(op.unit, Unit(other)) for asked, other in sides if asked]


def check_finish(stream: Sequence[Instruction]) -> None:
    """Raise StreamError unless the last instruction, and no other, is FINISH."""
    for position, op in enumerate(stream[:-1]):
        if isinstance(op, Finish):
            raise StreamError(
                f"vta: {describe(op, position)}: FINISH ends a stream, but this one has "
                f"{len(stream)} instructions"
            )
    if not stream or not isinstance(stream[-1], Finish):
        last = describe(stream[-1], len(stream) - 1) if stream else "nothing"
        raise StreamError(f"vta: FINISH is missing: the stream ends with {last}")


class _Run:
    """The state of the queues during one run."""

    def __init__(self, stream: Sequence[Instruction], implementation: Implementation) -> None:
        self.stream, self.implementation = stream, implementation
        self.tokens: dict[Queue, deque[int]] = {queue: deque() for queue in QUEUES}
        self.waiting: dict[Unit, deque[int]] = {unit: deque() for unit in Unit}
        self.fetched = 0

    def fetch(self) -> None:
        limit = self.implementation.instruction_queue
        while self.fetched < len(self.stream):
            queue = self.waiting[self.stream[self.fetched].unit]
            if limit is not None and len(queue) >= limit:
                break
            queue.append(self.fetched)
            self.fetched += 1

    def obstacle(self, position: int) -> str | None:
        """Why an instruction at the head of its queue cannot run."""
        op = self.stream[position]
        for queue in pops(op):
            if not self.tokens[queue]:
                return f"waits for a token in {show_queue(queue)}"
        limit = self.implementation.token_queue
        for queue in pushes(op):
            if limit is not None and len(self.tokens[queue]) >= limit:
                return f"waits for room in {show_queue(queue)}, which holds {limit} tokens"
        return None

    def retire(self, position: int) -> None:
        op = self.stream[position]
        self.waiting[op.unit].popleft()
        for queue in pops(op):
            self.tokens[queue].popleft()
        for queue in pushes(op):
            self.tokens[queue].append(position)

    def check_end(self) -> None:
        for unit in (Unit.LOAD, Unit.STORE):
            for position in list(self.waiting[unit])[:1]:
                finish = len(self.stream) - 1
                raise StreamError(
                    f"vta: {describe(self.stream[finish], finish)}: it retires before "
                    f"{describe(self.stream[position], position)}, has run; compute must pop a "
                    f"token of {unit.word} first"
                )
        for queue, tokens in self.tokens.items():
            if tokens:
                raise StreamError(
                    f"vta: {describe(self.stream[tokens[0]], tokens[0])}: the token that it pushes "
                    f"into {show_queue(queue)} is left over; it would mislead the next launch"
                )

    def deadlock(self) -> StreamError:
        heads = sorted(queue[0] for queue in self.waiting.values() if queue)
        stuck = [f"{describe(self.stream[p], p)}, {self.obstacle(p)}" for p in heads]
        if self.fetched < len(self.stream):
            stuck.append(
                f"{describe(self.stream[self.fetched], self.fetched)}, waits for room in the "
                f"queue of instructions, which holds {self.implementation.instruction_queue}"
            )
        return StreamError(f"vta: deadlock: {stuck[0]}", *stuck[1:])


def run_order(
    stream: Sequence[Instruction], implementation: Implementation = FSIM, choose: Choose = min
) -> Iterator[int]:
    """The positions of legal instructions in an order in which the units can run them.

    Raises StreamError, naming instructions, where FINISH is missing or retires too early, where
    no unit can go on, and where a token is left over.
    """
    check_finish(stream)
    run = _Run(stream, implementation)
    done = 0
    while done < len(stream):
        run.fetch()
        heads = [queue[0] for queue in run.waiting.values() if queue]
        ready = [position for position in heads if run.obstacle(position) is None]
        if not ready:
            raise run.deadlock()
        position = choose(ready)
        if position == len(stream) - 1:
            run.retire(position)
            run.check_end()
        else:
            run.retire(position)
        yield position
        done += 1
