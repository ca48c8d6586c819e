"""The text of a function as lines that know the nodes of the model they come from, and blame.

Texts of a function after successive steps are compared line by line. Indentation does not count,
nor do the numbers that the printer gives to values: a line counts as changed by a step if it says
something new. A closing brace goes with the line that opens it. `blame` finds for each line of the
last text the step that made it, like `git blame`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property
from io import StringIO

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation
from xdsl.printer import Printer

from dovetail.printing.listing import Listing
from dovetail.printing.pseudo import all_forms
from passes.locations import nodes_of
from passes.loop.schedule_kernels import SCHEDULE

PRINTED_NUMBER = re.compile(r"%([A-Za-z_]\w*?)_\d+\b(?!\[)|%\d+\b")
LONG_CONTENTS = re.compile(r"dense<[^>]{60,}>")
LAYOUT = "#loop.layout<"


@dataclass(frozen=True)
class Line:
    """A line of IR, the nodes of the model that its op stands for, and where the op begins."""

    text: str
    nodes: tuple[str, ...]
    begin: int

    @cached_property
    def key(self) -> str:
        """What counts when lines are compared."""
        return PRINTED_NUMBER.sub(r"%\1", self.text.strip())


Lines = tuple[Line, ...]


@dataclass(frozen=True)
class Version:
    """A function after a step: a pass, or a schedule primitive."""

    step: str
    level: str
    lines: Lines


class LinePrinter(Printer):
    """A printer that notes the op that each line belongs to."""

    def __init__(self) -> None:
        self.text = StringIO()
        super().__init__(stream=self.text)
        self.owners: dict[int, tuple[Operation, int]] = {}

    def print_op(self, op: Operation) -> None:
        begin = self._current_line
        super().print_op(op)
        for line in range(begin, self._current_line + 1):
            self.owners.setdefault(line, (op, begin))


def listing(function: func.FuncOp) -> Lines:
    """The lines of a function; the record of its schedule is left out."""
    record: Attribute | None = function.attributes.pop(SCHEDULE, None)
    printer = LinePrinter()
    printer.print_op(function)
    if record is not None:
        function.attributes[SCHEDULE] = record
    text = LONG_CONTENTS.sub("dense<...>", printer.text.getvalue())
    return located(text.split("\n"), printer.owners)


def located(texts: Sequence[str], owners: Mapping[int, tuple[Operation, int]]) -> Lines:
    """Lines with the nodes of the ops that own them; the function itself stands for none."""
    lines: list[Line] = []
    for number, text in enumerate(texts):
        op, begin = owners[number]
        nodes = () if isinstance(op, func.FuncOp) else nodes_of(op.location)
        lines.append(Line(text, nodes, begin))
    return tuple(lines)


@dataclass
class LocatedListing(Listing):
    """A Python-like listing that notes the op that each line is of."""

    owners: dict[int, tuple[Operation, int]] = field(
        default_factory=dict[int, tuple[Operation, int]]
    )

    def operation(self, op: Operation) -> None:
        begin = len(self.lines)
        super().operation(op)
        for number in range(begin, len(self.lines)):
            self.owners.setdefault(number, (op, begin))


def pseudo(module: ModuleOp) -> Lines:
    """The lines of a module's Python-like listing, which may change the module."""
    found = LocatedListing(all_forms())
    found.block(module.body.block)
    return located(found.lines, found.owners)


def matches(old: Sequence[Line], new: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """The pairs of line numbers that say the same in two texts."""
    left, right = heads(old), heads(new)
    ends = min(len(left), len(right))
    same = 0
    while same < ends and old[left[same]].key == new[right[same]].key:
        same += 1
    yield from zip(left[:same], right[:same], strict=True)
    left, right = left[same:], right[same:]
    keys = [old[i].key for i in left], [new[i].key for i in right]
    for a, b, size in SequenceMatcher(None, *keys, autojunk=False).get_matching_blocks():
        yield from zip(left[a : a + size], right[b : b + size], strict=True)


def heads(lines: Sequence[Line]) -> list[int]:
    """The numbers of the lines on which ops begin."""
    return [i for i, line in enumerate(lines) if line.begin == i]


def changed(old: Sequence[Line], new: Sequence[Line]) -> tuple[int, ...]:
    """The numbers of the lines of `new` on which an op begins and that `old` does not have."""
    kept = {number for _, number in matches(old, new)}
    return tuple(i for i in heads(new) if i not in kept)


def blame(versions: Sequence[Version]) -> tuple[str, ...]:
    """For each line of the last version, the step that made it or changed it last."""
    if not versions:
        return ()
    first, *rest = versions
    found = [first.step] * len(first.lines)
    lines = first.lines
    for version in rest:
        steps = [version.step] * len(version.lines)
        for old, new in matches(lines, version.lines):
            steps[new] = found[old]
        found, lines = steps, version.lines
    return tuple(found[line.begin] for line in lines)


@dataclass
class Aliases:
    """Short names of layouts, which make most of a line's length: `#layout1`."""

    names: dict[str, str] = field(default_factory=dict[str, str])

    def shorten(self, text: str) -> str:
        """The text with aliases in the places of layouts."""
        out: list[str] = []
        rest = text
        while (begin := rest.find(LAYOUT)) >= 0:
            end = closing_bracket(rest, begin + len(LAYOUT))
            name = self.names.setdefault(rest[begin:end], f"#layout{len(self.names) + 1}")
            out += [rest[:begin], name]
            rest = rest[end:]
        return "".join([*out, rest])


def closing_bracket(text: str, begin: int) -> int:
    """Where the angle bracket that is open at `begin` has been closed; `->` is none."""
    depth, place = 1, begin
    while depth:
        if text[place] == "<":
            depth += 1
        elif text[place] == ">" and text[place - 1] != "-":
            depth -= 1
        place += 1
    return place
