"""Which threads have touched which cells, and what of it nothing orders.

A ledger has, for each cell of a memory, the thread that wrote it last and up to two threads that
have read it, since the last point at which all of them waited for each other. A thread that writes
what another one has touched since, or touches what another one has written, races with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from xdsl.ir import Operation

from analysis.errors import UserError
from backends.interpreter.scalars import Array

NOBODY = -1


class RaceError(UserError):
    """Two threads touch a cell, one of them writing, in no order."""


@dataclass(frozen=True)
class Touch:
    """Cells that the threads of one statement touch: one of each for each instance."""

    statement: Operation
    writes: bool
    cells: Array
    threads: Array
    place: Callable[[int], str]
    """How a message names the cell of an instance."""
    when: str
    """The iterations of the loops around, for a message."""


@dataclass(frozen=True)
class Meeting:
    """Two threads that touch one cell: the one that came first, and the instance of the other."""

    thread: int
    statement: Operation
    when: str
    writes: bool
    touch: Touch
    instance: int

    @property
    def second(self) -> int:
        """The thread of the second one."""
        return int(self.touch.threads[self.instance])


@dataclass
class Ledger:
    """Who has touched the cells of one memory."""

    size: int
    writer: Array = field(init=False)
    readers: tuple[Array, Array] = field(init=False)
    wrote: Array = field(init=False)
    """The number of the touch that wrote."""
    read: tuple[Array, Array] = field(init=False)
    notes: list[tuple[Operation, str]] = field(default_factory=list[tuple[Operation, str]])
    """The statement and the iterations of each touch."""

    def __post_init__(self) -> None:
        def column() -> Array:
            return np.full(self.size, NOBODY, np.int64)

        self.writer, self.wrote = column(), column()
        self.readers, self.read = (column(), column()), (column(), column())

    def clear(self) -> None:
        """All threads have waited for each other."""
        if self.notes:
            for column in (self.writer, *self.readers):
                column.fill(NOBODY)
            self.notes.clear()

    def enter(self, touch: Touch) -> Meeting | None:
        """Note what threads touch; the first that meets another one, if there is one."""
        number = len(self.notes)
        self.notes.append((touch.statement, touch.when))
        cells, threads = touch.cells, touch.threads
        writer = self.writer[cells]
        found = self.meeting(touch, (writer != NOBODY) & (writer != threads), self.writer, True)
        if found is not None:
            return found
        if not touch.writes:
            self.note_readers(cells, threads, number)
            return None
        for reader, column in enumerate(self.readers):
            before = column[cells]
            bad = (before != NOBODY) & (before != threads)
            found = self.meeting(touch, bad, column, False, reader)
            if found is not None:
                return found
        self.writer[cells], self.wrote[cells] = threads, number
        return self.meeting(touch, self.writer[cells] != threads, self.writer, True)

    def note_readers(self, cells: Array, threads: Array, number: int) -> None:
        """Keep two readers of each cell that are not the same, if there are."""
        (first, second), (one, two) = self.readers, self.read
        new = first[cells] == NOBODY
        first[cells[new]], one[cells[new]] = threads[new], number
        other = first[cells] != threads
        second[cells[other]], two[cells[other]] = threads[other], number

    def meeting(
        self, touch: Touch, bad: Array, column: Array, wrote: bool, reader: int = 0
    ) -> Meeting | None:
        """What the first of some bad instances meets."""
        if not bad.any():
            return None
        instance = int(np.argmax(bad))
        cell = touch.cells[instance]
        number = int((self.wrote if wrote else self.read[reader])[cell])
        return Meeting(int(column[cell]), *self.notes[number], wrote, touch, instance)
