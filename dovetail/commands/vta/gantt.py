"""`dovetail vta gantt STREAM -o g.svg`: when each instruction runs, as a picture.

Units are lanes. Below the instructions of a lane stands, in the colour of its cause, why the unit
stood still; lines lead from who pushed a token to who popped it. The drawing depends on nothing
but the stream, so that it can be compared as text.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.errors import UserError
from dovetail.commands.arguments import Parser
from dovetail.commands.vta.files import add_stream, write_file
from dovetail.commands.vta.time import add_timing, read_timing
from vta.isa import Instruction, Opcode, Unit, kind
from vta.timing import Cause, Span, Timing

Bar = tuple[float, float]
"""Where a bar begins and how wide it is."""

SETTINGS: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "dovetail", "font.size": 8}
INSTRUCTION_COLOURS = {
    "LOAD": "#7fb3d5",
    "GEMM": "#82c08a",
    "ALU": "#b5d99c",
    "STORE": "#f0b27a",
    "NOP": "#bfc4c9",
    "FINISH": "#5d6d7e",
}
STALL_COLOURS = {
    Cause.FETCH: "#d7bde2",
    Cause.QUEUE_FULL: "#af7ac5",
    Cause.LOAD: "#2e86c1",
    Cause.COMPUTE: "#229954",
    Cause.STORE: "#d35400",
    Cause.ROOM: "#7d6608",
    Cause.TURN: "#909497",
    Cause.BUS: "#c0392b",
    Cause.END: "#eaecee",
}
LANE, STALLS = 0.44, 0.12
"""Heights of the bars of instructions and of stalls; lanes are 1 apart."""

CHARACTER_INCHES = 0.09
NARROWEST_INCHES, WIDEST_INCHES = 9.0, 60.0


def parse_range(text: str, cycles: int) -> tuple[int, int]:
    """The cycles that `FIRST:LAST` means; either may be missing."""
    first, colon, last = text.partition(":")
    numbers = [first or "0", last or str(cycles)]
    if not colon or not all(n.isascii() and n.isdigit() for n in numbers):
        raise UserError(f"--cycles is FIRST:LAST, as in --cycles 0:5000, not '{text}'")
    begin, end = int(numbers[0]), min(int(numbers[1]), cycles)
    if begin >= end:
        raise UserError(f"--cycles {text}: there is nothing; the stream takes cycles 0 to {cycles}")
    return begin, end


def run(args: Sequence[str]) -> int:
    """Draw the timing of a stream."""
    parser = Parser("dovetail vta gantt", description="Draw when each instruction runs.")
    add_stream(parser)
    add_timing(parser)
    parser.add_argument("--cycles", metavar="FIRST:LAST", default=":", help="a part of the time")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE.svg", help="where it goes"
    )
    options = parser.parse_args(args)
    if options.output.suffix != ".svg":
        raise UserError(f"{options.output}: the picture is SVG, so give a file *.svg")
    stream, _, timing = read_timing(options)
    window = parse_range(options.cycles, timing.cycles)
    write_file(options.output, draw(stream, timing, window))
    return 0


def draw(stream: Sequence[Instruction], timing: Timing, window: tuple[int, int]) -> bytes:
    """The SVG of the cycles [first, last)."""
    shown = [s for s in timing.spans if s.start < window[1] and s.end > window[0]]
    inches = min(WIDEST_INCHES, max(NARROWEST_INCHES, 0.3 * len(shown)))
    with rc_context(SETTINGS):
        figure = Figure(figsize=(inches, 3.2), layout="constrained")
        axes = figure.add_subplot()
        axes.set_xlim(*window)
        axes.set_ylim(2.75, -0.45)
        axes.set_yticks([unit + LANE / 2 for unit in Unit], [_lane_name(u, timing) for u in Unit])
        axes.set_xlabel(f"cycle ({timing.preset}, {timing.cycles} in all)")
        characters = inches / CHARACTER_INCHES / (window[1] - window[0])
        _draw_instructions(axes, stream, shown, characters)
        causes = _draw_stalls(axes, timing, window)
        _draw_tokens(axes, timing, window)
        kinds = dict.fromkeys(_colour_name(stream[span.position]) for span in shown)
        handles = [Patch(color=INSTRUCTION_COLOURS[name], label=name) for name in kinds]
        handles += [Patch(color=STALL_COLOURS[cause], label=_stall_name(cause)) for cause in causes]
        figure.legend(handles=handles, loc="outside lower center", ncols=8, frameon=False)
        out = BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": "dovetail"})
        return out.getvalue()


def _lane_name(unit: Unit, timing: Timing) -> str:
    return f"{unit.word}\n{timing.utilisation(unit):.0%} busy"


def _stall_name(cause: Cause) -> str:
    return f"waits: {cause}" if cause is not Cause.END else "done"


def _colour_name(op: Instruction) -> str:
    return "NOP" if op.is_nop else Opcode(op.OPCODE).name


def _draw_instructions(
    axes: Axes, stream: Sequence[Instruction], spans: Sequence[Span], characters: float
) -> None:
    """Bars, with names in those that are wide enough: `characters` fit into a cycle."""
    bars: dict[tuple[Unit, str], list[Bar]] = {}
    for span in spans:
        op = stream[span.position]
        bars.setdefault((span.unit, _colour_name(op)), []).append((span.start, span.cycles))
        name = op.label or kind(op)
        if len(name) <= span.cycles * characters:
            place = (span.start + span.cycles / 2, span.unit + LANE / 2)
            axes.text(*place, name, ha="center", va="center", clip_on=True)
    for (unit, name), found in bars.items():
        colour = INSTRUCTION_COLOURS[name]
        axes.broken_barh(found, (unit, LANE), facecolors=colour, edgecolor="white", linewidth=0.4)


def _draw_stalls(axes: Axes, timing: Timing, window: tuple[int, int]) -> list[Cause]:
    """Bars below each lane; returns the causes that there are."""
    seen: set[Cause] = set()
    for unit in Unit:
        spans = timing.of(unit)
        bars: dict[Cause, list[Bar]] = {}
        for span in spans:
            for wait in span.waits:
                bars.setdefault(wait.cause, []).append((wait.start, wait.cycles))
            if span.bus_cycles:
                start = span.end - span.bus_cycles
                bars.setdefault(Cause.BUS, []).append((start, span.bus_cycles))
        end = spans[-1].end if spans else 0
        bars.setdefault(Cause.END, []).append((end, timing.cycles - end))
        for cause, found in bars.items():
            inside = [(s, n) for s, n in found if n and s < window[1] and s + n > window[0]]
            if inside:
                place = (unit + LANE + 0.03, STALLS)
                axes.broken_barh(inside, place, facecolors=STALL_COLOURS[cause])
                seen.add(cause)
    return [cause for cause in Cause if cause in seen]


def _draw_tokens(axes: Axes, timing: Timing, window: tuple[int, int]) -> None:
    """A line for each token, with its head at who popped it."""
    lines: list[list[tuple[float, float]]] = []
    for token in timing.tokens:
        pushed, popped = timing.spans[token.pushed_by], timing.spans[token.popped_by]
        if pushed.end > window[1] or popped.start < window[0]:
            continue
        down = popped.unit > pushed.unit
        lines.append(
            [
                (pushed.end, pushed.unit + (LANE if down else 0)),
                (popped.start, popped.unit + (0 if down else LANE)),
            ]
        )
    axes.add_collection(LineCollection(lines, colors="#555555", linewidths=0.6, alpha=0.7))
    for marker, down in (("v", True), ("^", False)):
        heads = [line[1] for line in lines if (line[1][1] > line[0][1]) == down]
        axes.scatter(
            [x for x, _ in heads], [y for _, y in heads], 9, "#333333", marker=marker, zorder=3
        )
