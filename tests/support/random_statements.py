"""Random loops of statements that touch two buffers, and what binding them to threads must do.

What is right is found by enumerating all instances, from the description of a program alone.
"""

import random
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from native import parse
from xdsl.dialects.builtin import ModuleOp

SIZE = 40
"""Elements of a buffer: more than any index."""


@dataclass(frozen=True)
class Place:
    """The element `t * step + s * inner + shift` of a buffer."""

    buffer: str
    step: int
    inner: int
    shift: int

    def at(self, t: int, s: int) -> int:
        return t * self.step + s * self.inner + self.shift

    def text(self) -> str:
        terms = [f"%v_t * {self.step}"] if self.step else []
        terms += [f"%v_s * {self.inner}"] if self.inner else []
        return f"%{self.buffer}[{' + '.join([*terms, str(self.shift)])}]"


@dataclass(frozen=True)
class Statement:
    """`target = source + amount`, named, in a loop over s or not."""

    name: str
    source: Place
    target: Place
    amount: int


@dataclass(frozen=True)
class Program:
    """Statements in a loop over t, some of them in loops over s inside of it."""

    threads: int
    steps: int
    items: tuple[tuple[bool, tuple[Statement, ...]], ...]
    """For each part of the body whether it is a loop over s, and its statements."""

    @staticmethod
    def ordered(seed: int) -> "Program":
        """One of which two iterations touch one element, always in one order."""
        rng = random.Random(seed)
        while True:
            found = Program.random(rng)
            if found.can_be_threads() and found.meets():
                return found

    @staticmethod
    def random(rng: random.Random) -> "Program":
        def place(inner: bool) -> Place:
            steps = [0, 1, 1, 1, 2]
            factor = rng.choice([0, 1, 1, 3]) if inner else 0
            return Place(rng.choice("PQ"), rng.choice(steps), factor, rng.randrange(4))

        items: list[tuple[bool, tuple[Statement, ...]]] = []
        for number in range(rng.randint(1, 3)):
            inner = rng.random() < 0.5
            found = tuple(
                Statement(f"S{number}{i}", place(inner), place(inner), rng.randint(1, 9))
                for i in range(rng.randint(1, 2) if inner else 1)
            )
            items.append((inner, found))
        return Program(rng.randint(2, 4), rng.randint(2, 3), tuple(items))

    def instances(self):
        """The statements with their t and s and their places in time, in the order of the text."""
        for t in range(self.threads):
            for number, (inner, statements) in enumerate(self.items):
                for s in range(self.steps if inner else 1):
                    for i, statement in enumerate(statements):
                        yield statement, t, s, (number, s, i)

    def run(self, buffers: dict[str, np.ndarray]) -> None:
        """The meaning: one instance after the other."""
        for statement, t, s, _ in self.instances():
            value = buffers[statement.source.buffer][statement.source.at(t, s)]
            buffers[statement.target.buffer][statement.target.at(t, s)] = value + statement.amount

    def meets(self) -> bool:
        """Whether two iterations touch one element."""
        pairs = combinations(self.instances(), 2)
        return any(a[1] != b[1] and conflict(a, b) for a, b in pairs)

    def can_be_threads(self) -> bool:
        """Whether all that two iterations touch keeps its order when all threads are in step."""
        every = list(self.instances())
        for first, second in combinations(every, 2):
            if first[1] != second[1] and first[3] >= second[3] and conflict(first, second):
                return False
        return True

    def module(self) -> ModuleOp:
        """The program as loops."""
        lines = [
            'builtin.module attributes {target = #target.target<"nvptx -mcpu=sm_90">} {',
            f"func.func @f(%P: memref<{SIZE}xi32>, %Q: memref<{SIZE}xi32>) {{",
            f"loop.for %t = 0 to {self.threads} {{",
        ]
        for number, (inner, statements) in enumerate(self.items):
            lines += [f"loop.for %s{number} = 0 to {self.steps} {{"] if inner else []
            for statement in statements:
                moved = f", %v_s < {self.steps} = %s{number}" if inner else ""
                lines += [
                    f'loop.block "{statement.name}" (%v_t < {self.threads} = %t{moved}) {{',
                    f"%c = arith.constant {statement.amount} : i32",
                    f"%x = loop.load {statement.source.text()} : memref<{SIZE}xi32>",
                    "%y = arith.addi %x, %c : i32",
                    f"loop.store %y, {statement.target.text()} : memref<{SIZE}xi32>",
                    "}",
                ]
            lines += ["}"] if inner else []
        return parse("\n".join([*lines, "}", "func.return", "}", "}"]))


def conflict(first, second) -> bool:
    """Whether two instances touch one element, one of them writing."""
    (one, t, s, _), (two, u, r, _) = first, second
    mine = [(one.source, t, s, False), (one.target, t, s, True)]
    theirs = [(two.source, u, r, False), (two.target, u, r, True)]
    return any(
        (a[3] or b[3]) and a[0].buffer == b[0].buffer and a[0].at(a[1], a[2]) == b[0].at(b[1], b[2])
        for a in mine
        for b in theirs
    )
