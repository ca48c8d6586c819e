"""Where tokens go so that units which run at their own pace keep the order of the program.

Each unit runs its operations in order; a token that one unit pushes and another one pops is what
orders two units. A level is the body of a function or a loop, its items are operations and loops; a
loop that one unit runs alone is one item. The plan of a level is made from what its items do to
memory, the levels inside first.

Within a level (`forward`): for each item j and each two units u and v, let i be the last item
before j of which a u-part conflicts with a v-part of j. Unless v knows by then that u has finished
i, u pushes a token after i and v pops it before j. What is known follows the tokens, from unit to
unit (`Knowledge`). Units without a queue between them go through others.

From one iteration of a loop to later ones (`carry`): let a u-part of item i conflict with a v-part
of item j. If i stands before j, the forward token of the later iteration orders them, because u is
done with i in the earlier iteration before it comes to i in the later one. If i stands after j, or
is j itself, one token of the queue from u to v goes around: pushed before the loop, popped before
the first such j, pushed after the last such i, popped after the loop. A loop i = j needs none, as
what is in it is in order by its own tokens: those within its level, and those that it pops at its
end. A loop of virtual threads has no tokens from thread to thread and counts as an operation here.

A queue hands out tokens in the order in which they come. So the pushes and the pops of a queue must
be in the same order in the program. Tokens of one level are: a token is only sent where those there
do not tell enough, so i and j grow together from one to the next of a queue; the token that goes
around is popped before all others of its queue and pushed after them. Tokens of different
levels are, because none is left in a queue where a loop begins that uses the queue itself: it is
popped before the loop. With that, each pop finds the push that is meant for it, and that push
stands earlier in the program: there is no deadlock.

The token that goes around may be popped and pushed once for a whole nest instead of for each time
that the inner loop is begun (`hoist`), if nothing else in the outer loop uses the queue. Then there
is always one token, and a pop always gets the push that stands last before it, so it orders at
least what it did. The unit that waits for it no longer waits for what the other one does at the end
of the outer loop's iteration.

Where a token that is popped before a loop is followed by the push that begins the loop's own round,
the two cancel (`join`): the first pop in the loop gets what was pushed before the loop. So do the
pop that ends the round and the push of the token that goes around the level. What the loop's first
pop tells comes no later than what the cancelled one told, if the unit does nothing in the loop
before it; and the loop's last push tells no less than the cancelled one, if the other unit does
nothing in the loop after it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from xdsl.ir import Operation

from dialects import loop
from passes.loop.units import Effect

Queue = tuple[str, str]
"""From the unit that pushes to the unit that pops."""


@dataclass(frozen=True)
class Token:
    """One push to a queue, or one pop from it."""

    queue: Queue
    push: bool

    @property
    def unit(self) -> str:
        """The unit that does it."""
        return self.queue[0] if self.push else self.queue[1]


@dataclass
class Item:
    """An operation of a level, or a loop; `level` is the inside of a loop of several units."""

    op: Operation
    units: frozenset[str]
    effects: frozenset[Effect]
    level: "Level | None" = None
    before: list[Token] = field(default_factory=list[Token])
    after: list[Token] = field(default_factory=list[Token])
    around: dict[Queue, frozenset[str]] = field(default_factory=dict[Queue, frozenset[str]])
    """Queues of which a token is pushed before this loop and popped after it, and of which units
    the last push proves that they are done with the loop."""

    def conflicts(self, unit: str, other: "Item", others: str) -> bool:
        """Whether what `unit` does here must be in order with what `others` does there."""
        return any(
            a.conflicts(b)
            for a in self.effects
            if a.unit == unit
            for b in other.effects
            if b.unit == others
        )

    enters: set[Queue] = field(default_factory=set[Queue])
    """Queues around this loop of which the token is pushed by an item before it."""
    leaves: set[Queue] = field(default_factory=set[Queue])
    """Queues around this loop of which the last token is popped in the next round of the level."""

    @property
    def is_threads(self) -> bool:
        """Whether this is a loop of virtual threads."""
        return isinstance(self.op, loop.ForOp) and self.op.kind.data == "vthread"

    @property
    def runs(self) -> bool:
        """Whether it is sure that the operation is run, or the loop has an iteration."""
        return not isinstance(self.op, loop.ForOp) or bool(self.op.extent)

    @property
    def queues(self) -> set[Queue]:
        """The queues that tokens inside a loop, or right around it, use."""
        return self.around.keys() | (set() if self.level is None else self.level.queues)


@dataclass
class Level:
    """The items of a body, and the tokens between them."""

    items: list[Item]
    repeated: bool
    """Whether the body is run again and again on the same memory, as that of a loop is."""
    carried: dict[Queue, tuple[int, int]] = field(default_factory=dict[Queue, tuple[int, int]])
    """For each token that goes around, before which item it is popped and after which pushed."""
    hoisted: dict[Queue, frozenset[str]] = field(default_factory=dict[Queue, frozenset[str]])
    """Tokens that go around all of the level's loops that use the queue, and what the last push
    proves."""

    @property
    def queues(self) -> set[Queue]:
        """The queues that tokens of this level, or inside its items, use."""
        own = {token.queue for item in self.items for token in (*item.before, *item.after)}
        return own.union(self.carried, *(item.queues for item in self.items))

    def last(self, unit: str) -> int:
        """The last item that a unit runs, -1 if there is none."""
        return max((n for n, item in enumerate(self.items) if unit in item.units), default=-1)

    def before(self, number: int) -> list[Token]:
        """The tokens before an item, with the pops of those that go around."""
        popped = [Token(q, False) for q, (first, _) in self.carried.items() if first == number]
        return popped + self.items[number].before

    def after(self, number: int) -> list[Token]:
        """The tokens after an item, with the pushes of those that go around."""
        item = self.items[number]
        pushed = [
            Token(q, True)
            for q, (_, last) in self.carried.items()
            if last == number and q not in item.leaves
        ]
        return item.after + pushed


Clock = dict[str, int]
"""For each unit the last item that it is known to be done with."""


@dataclass
class Knowledge:
    """What each unit knows of the others while it goes through the items of a level.

    Items are numbered on from one round of a loop to the next. What tokens inside and around loops
    tell is used where the loop is sure to have an iteration; what those around it tell only with
    `drained`, because `hoist` may take them away.
    """

    level: Level
    units: tuple[str, ...]
    drained: bool = False
    now: dict[str, Clock] = field(init=False)
    known: list[dict[str, Clock]] = field(init=False)
    """For each item what is known before it."""
    waiting: dict[Queue, deque[Clock]] = field(init=False)

    def __post_init__(self) -> None:
        self.now = {u: dict.fromkeys(self.units, -1) for u in self.units}
        self.known = []
        nothing = dict.fromkeys(self.units, -1)
        self.waiting = {queue: deque([nothing]) for queue in self.level.carried}

    def round(self) -> "Knowledge":
        """Go through the items once."""
        first = len(self.known)
        for number, item in enumerate(self.level.items):
            self._pass(self.level.before(number))
            self.known.append({unit: dict(clock) for unit, clock in self.now.items()})
            self._run(item, first + number)
            self._pass(self.level.after(number))
        return self

    def _pass(self, tokens: list[Token]) -> None:
        for token in tokens:
            mine = self.now[token.unit]
            if token.push:
                self.waiting.setdefault(token.queue, deque()).append(dict(mine))
            else:
                for unit, done in self.waiting[token.queue].popleft().items():
                    mine[unit] = max(mine[unit], done)

    def _run(self, item: Item, number: int) -> None:
        self._pass([Token(queue, push=False) for queue in item.enters])
        for unit in item.units:
            self.now[unit][unit] = number
        self._settle(item, number)
        self._pass([Token(queue, push=True) for queue in item.leaves])

    def _settle(self, item: Item, number: int) -> None:
        """What units know of each other after a loop, by its own tokens."""
        if item.level is None or not item.runs:
            return
        for done, by in settled(item.level, self.units):
            self.now[by][done] = number
        if self.drained:
            for queue, proven in item.around.items():
                by = queue[1]
                if queue in item.leaves:
                    continue
                self.now[by].update(dict.fromkeys(proven, number))


def settled(level: Level, units: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Pairs of units of which the second one knows, at the end, that the first one is done."""
    known = Knowledge(level, units, drained=True).round().now
    for done in units:
        last = level.last(done)
        for by in units:
            if done != by and last >= 0 and known[by][done] >= last:
                yield done, by


def proofs(level: Level, units: tuple[str, ...], queue: Queue) -> frozenset[str]:
    """The units of which the last push of a token that goes around proves that they are done."""
    told = Knowledge(level, units, drained=True).round().waiting[queue][-1]
    return frozenset(u for u in units if level.last(u) >= 0 and told[u] >= level.last(u))


@dataclass(frozen=True)
class Planner:
    """Plans tokens for the units and queues of a machine."""

    units: tuple[str, ...]
    queues: tuple[Queue, ...]

    @cached_property
    def routes(self) -> dict[Queue, tuple[Queue, ...]]:
        """For each two units the fewest queues that lead from the first to the second."""
        found: dict[Queue, tuple[Queue, ...]] = {queue: (queue,) for queue in self.queues}
        for _ in self.units:
            for (a, b), way in list(found.items()):
                for queue in self.queues:
                    if queue[0] == b and queue[1] != a:
                        found.setdefault((a, queue[1]), (*way, queue))
        return found

    @cached_property
    def meeting(self) -> str | None:
        """The unit that all others can send tokens to."""
        for unit in self.units:
            if all((other, unit) in self.queues for other in self.units if other != unit):
                return unit
        return None

    def plan(self, level: Level) -> None:
        """Put the tokens of a level, whose inner levels are planned."""
        hops = self.carried_hops(level) if level.repeated else {}
        self.forward(level, hops)
        if level.repeated:
            self.carry(level)
            hoist(level)
            join(level)

    def around(self, level: Level) -> dict[Queue, frozenset[str]]:
        """The tokens that are pushed before a loop and popped after it, and what these prove."""
        own = {queue: proofs(level, self.units, queue) for queue in level.carried}
        return own | level.hoisted

    def backward(self, level: Level, pair: Queue) -> list[tuple[int, int]]:
        """The items (i, j), j not after i, of which i conflicts with j of a later iteration."""
        return [
            (i, j)
            for i, source in enumerate(level.items)
            for j, target in enumerate(level.items[: i + 1])
            if (i != j or source.is_threads) and source.conflicts(pair[0], target, pair[1])
        ]

    def carried_hops(self, level: Level) -> dict[int, list[Queue]]:
        """The queues after the first one of what goes around a loop through other units.

        They are passed within an iteration, right before the item that waits.
        """
        found: dict[int, list[Queue]] = {}
        for pair, way in self.routes.items():
            for _, j in self.backward(level, pair) if len(way) > 1 else ():
                found.setdefault(j, [])
                found[j] += [queue for queue in way[1:] if queue not in found[j]]
        return found

    def forward(self, level: Level, hops: dict[int, list[Queue]]) -> None:
        """Order each item after those before it in the same iteration."""
        for j, target in enumerate(level.items):
            for queue in hops.get(j, ()):
                target.before += [Token(queue, True), Token(queue, False)]
            for pair, way in self.routes.items():
                conflicting = [
                    i
                    for i, source in enumerate(level.items[:j])
                    if source.conflicts(pair[0], target, pair[1])
                ]
                if conflicting and not self.knows(level, j, pair, conflicting[-1]):
                    self.send(level, way, conflicting[-1], j)

    def knows(self, level: Level, j: int, pair: Queue, i: int) -> bool:
        """Whether before item j the second unit knows that the first one is done with item i."""
        known = Knowledge(level, self.units).round().known
        return known[j][pair[1]][pair[0]] >= i

    def send(self, level: Level, way: tuple[Queue, ...], i: int, j: int) -> None:
        """Tell a unit before item j that another one is done with item i.

        A unit on the way that knows it by then passes it on.
        """
        source = way[0][0]
        told = [n for n, (_, by) in enumerate(way) if self.knows(level, j, (source, by), i)]
        rest = way[told[-1] + 1 :] if told else way[1:]
        if not told:
            users = (n for n in range(i + 1, j) if way[0] in level.items[n].queues)
            level.items[i].after.append(Token(way[0], True))
            level.items[next(users, j)].before.append(Token(way[0], False))
        for queue in rest:
            level.items[j].before += [Token(queue, True), Token(queue, False)]

    def carry(self, level: Level) -> None:
        """Order items after those of earlier iterations, by one token a queue that goes around."""
        for pair, way in self.routes.items():
            found = self.backward(level, pair)
            if not found or self.knows_around(level, pair, found):
                continue
            queue = way[0]
            used = [
                n
                for n, item in enumerate(level.items)
                if queue in item.queues
                or any(token.queue == queue for token in (*item.before, *item.after))
            ]
            mine = level.carried.get(queue, (len(level.items), -1))
            level.carried[queue] = (
                min(mine[0], *(j for _, j in found), *used),
                max(mine[1], *(i for i, _ in found), *used),
            )

    def knows_around(self, level: Level, pair: Queue, found: list[tuple[int, int]]) -> bool:
        """Whether the tokens there are order items of two iterations."""
        known = Knowledge(level, self.units).round().round().known
        count = len(level.items)
        return all(known[count + j][pair[1]][pair[0]] >= i for i, j in found)

    def finish(self, level: Level) -> None:
        """Let the unit where all meet know at the end that the others are done."""
        meeting = self.meeting
        if meeting is None or not level.items:
            return
        for unit in self.units:
            known = Knowledge(level, self.units, drained=True).round().now[meeting]
            if unit != meeting and known[unit] < level.last(unit):
                queue = (unit, meeting)
                level.items[-1].after += [Token(queue, True), Token(queue, False)]


def hoist(level: Level) -> None:
    """Let a token that goes around inner loops go around the loop of this level instead."""
    own = {token.queue for item in level.items for token in (*item.before, *item.after)}
    for queue in {queue: None for item in level.items for queue in item.around}:
        users = [item for item in level.items if queue in item.queues]
        if queue in own or queue in level.carried or any(queue not in i.around for i in users):
            continue
        last = users[-1]
        proven = last.around[queue] if last.runs else frozenset[str]()
        for later in level.items[level.items.index(last) + 1 :]:
            proven -= later.units
        for item in users:
            del item.around[queue]
        level.hoisted[queue] = proven


def join(level: Level) -> None:
    """Let loops go on with the token that comes to them, and pass theirs on."""
    for number, item in enumerate(level.items):
        if item.level is None or item.is_threads or not item.runs:
            continue
        for queue in item.around:
            if queue not in item.level.carried:
                continue
            first, last = item.level.carried[queue]
            inner = [other.units for other in item.level.items]
            arriving = [token for token in item.before if token.queue == queue]
            waits = any(queue[1] in units for units in inner[:first])
            if arriving == [Token(queue, push=False)] and not waits:
                item.before.remove(arriving[0])
                item.enters.add(queue)
            leaving = any(token.queue == queue for token in item.after)
            works = any(queue[0] in units for units in inner[last + 1 :])
            around = queue in level.carried and level.carried[queue][1] == number
            if around and not leaving and not works:
                item.leaves.add(queue)
