"""The story of a compiled model as text: the whole in one table, one kernel, or one node."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.errors import UserError, nearest
from dovetail.explain.listing import Aliases
from dovetail.explain.nodes import Node
from dovetail.explain.report import Buffer, FusionEdge, Kernel, Report
from dovetail.printing.tables import plain_table

SHOWN_NODES = 4
GAP = 3
"""The blanks between two columns."""

SHORTEST = 12
"""To how many characters a cell of the table of kernels is cut at most."""


def quantity(number: int | None, unit: int, digits: int = 1) -> str:
    """A number in a unit; a dash if it depends on symbolic dimensions."""
    return "-" if number is None else f"{number / unit:.{digits}f}"


def names(nodes: Sequence[str], limit: int = SHOWN_NODES) -> str:
    """Some names, and how many more."""
    more = len(nodes) - limit
    return ", ".join(nodes[:limit]) + (f" +{more}" if more > 0 else "")


def count(number: int, what: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{number} {what}{'s' * (number != 1)}"


def show_model(out: Console, report: Report) -> None:
    """One line for each kernel, and what became of the other nodes."""
    timed = any(call.milliseconds is not None for call in report.calls)
    out.print(f"{report.model} for {report.target}", markup=False)
    out.print(
        f"{count(len(report.nodes), 'node')}, {count(len(report.calls), 'call')} of "
        f"{count(len(report.kernels), 'kernel')}, {memory_line(report)}"
    )
    out.print()
    numbers = ("calls", "MFLOP", "KiB", "ms")
    columns = ["kernel", "calls", "MFLOP", "KiB", *(["ms"] if timed else [])]
    table = plain_table(*columns, "nodes", "layout", "schedule", right=numbers)
    rows: list[list[str]] = []
    for kernel in in_order(report):
        calls = report.calls_of(kernel.name)
        row = [kernel.name, str(len(calls))]
        row += [quantity(kernel.flops, 10**6), quantity(kernel.bytes, 1024, 0)]
        if timed:
            time = report.milliseconds_of(kernel.name)
            row.append("" if time is None else f"{time:.3f}")
        row.append(names(calls[0].nodes if calls else kernel.nodes))
        row += [kernel.layout, kernel.summary]
        rows.append(row)
    for row in fitted([table_titles(table), *rows], out.width)[1:]:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table, no_wrap=True, crop=False)
    removed = [node for node in report.nodes.values() if node.fate == "removed"]
    if removed:
        out.print()
        show_removed(out, report)
    out.print()
    out.print(
        "--kernel NAME and --op NAME tell one story; --html FILE has everything", markup=False
    )


def table_titles(table: Table) -> list[str]:
    """The titles of a table's columns."""
    return [str(column.header) for column in table.columns]


def fitted(rows: list[list[str]], width: int) -> list[list[str]]:
    """The rows with their long cells cut, so that each is one line of `width`."""
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    while sum(sizes) + GAP * len(sizes) > width and max(sizes) > SHORTEST:
        sizes[sizes.index(max(sizes))] -= 1
    return [
        [
            cell if len(cell) <= size else f"{cell[: size - 1]}…"
            for cell, size in zip(row, sizes, strict=True)
        ]
        for row in rows
    ]


def memory_line(report: Report) -> str:
    """How much memory the plan needs."""
    if not report.buffers:
        return "no memory between kernels"
    fixed = [buffer for buffer in report.buffers if not buffer.symbols]
    symbols = sorted({symbol for buffer in report.buffers for symbol in buffer.symbols})
    told: list[str] = []
    if fixed:
        arena, sizes = report.arena_bytes / 1024, report.buffer_bytes / 1024
        told.append(
            f"{arena:.0f} KiB of memory for {count(len(fixed), 'buffer')} of {sizes:.0f} KiB"
        )
    if symbols:
        others = count(len(report.buffers) - len(fixed), "buffer")
        told.append(f"{others} with sizes that depend on {', '.join(symbols)}")
    return ", ".join(told)


def in_order(report: Report) -> list[Kernel]:
    """The kernels by their first call."""
    called = [report.kernels[name] for name in dict.fromkeys(call.kernel for call in report.calls)]
    return called + [kernel for kernel in report.kernels.values() if kernel not in called]


def show_removed(out: Console, report: Report) -> None:
    """The nodes that no kernel computes, together where the same happened to them."""
    why: dict[str, list[str]] = {}
    for node in report.nodes.values():
        if node.fate == "removed":
            story = node.story[-1].partition(", which ")[0]
            why.setdefault(story.partition(" @")[0], []).append(node.name)
    table = plain_table("no kernel computes", "because", right=())
    for story, nodes in why.items():
        table.add_row(Text(names(nodes, 8)), Text(story))
    out.print(table)


def find_kernel(report: Report, name: str) -> Kernel:
    """The kernel of that name."""
    if name not in report.kernels:
        known = nearest(name, report.kernels)
        raise UserError(f"{report.model} has no kernel '{name}': {known}")
    return report.kernels[name]


def show_kernel(out: Console, report: Report, name: str) -> None:
    """The story of one kernel."""
    kernel = find_kernel(report, name)
    calls = report.calls_of(name)
    heading(out, f"kernel {name}")
    for number, call in enumerate(report.calls):
        if call.kernel == name:
            time = "" if call.milliseconds is None else f", {call.milliseconds:.3f} ms"
            line(out, f"call {number}: {', '.join(call.nodes) or 'no node'}{time}")
    flops, size = quantity(kernel.flops, 10**6, 3), quantity(kernel.bytes, 1024, 0)
    line(out, f"{flops} MFLOP, {size} KiB a call")
    nodes = {node for call in calls for node in call.nodes} or set(kernel.nodes)
    show_edges(out, [e for e in report.edges if nodes & {*e.producer, *e.reader}])
    aliases = show_arguments(out, kernel)
    show_schedule(out, kernel)
    show_loops(out, kernel, aliases, nodes=())
    numbers = [i for i, call in enumerate(report.calls) if call.kernel == name]
    show_buffers(out, report, [b for b in report.buffers if any(touches(b, i) for i in numbers)])


def check_node(model: str, nodes: Mapping[str, Node], name: str) -> None:
    """Refuse a node that the model does not have."""
    if name not in nodes:
        raise UserError(f"{model} has no node '{name}': {nearest(name, nodes)}")


def show_node(out: Console, report: Report, name: str) -> None:
    """The story of one node of the model."""
    node = report.nodes[name]
    heading(out, f"{name}: {node.operator}")
    for story in node.story:
        line(out, story)
    show_edges(out, [e for e in report.edges if name in (*e.producer, *e.reader)])
    if not node.calls:
        line(out, "no kernel computes it")
        return
    for number in node.calls:
        call = report.calls[number]
        kernel = report.kernels[call.kernel]
        heading(out, f"call {number}, kernel {call.kernel}: {', '.join(call.nodes)}")
        line(out, f"layout of the result: {kernel.layout}")
        mine: tuple[str, ...] = (name,)
        if name not in kernel.nodes:
            firsts = ", ".join(kernel.nodes)
            line(out, f"the kernel is shared; its lines name the nodes of its first call: {firsts}")
            mine = ()
        show_schedule(out, kernel)
        aliases = Aliases()
        show_loops(out, kernel, aliases, mine)
        show_aliases(out, aliases)
        show_buffers(out, report, [b for b in report.buffers if touches(b, number)])


def touches(buffer: Buffer, call: int) -> bool:
    """Whether a buffer is live at a call and begins or ends there."""
    return call in (buffer.first, buffer.last)


def heading(out: Console, text: str) -> None:
    """A title with some air."""
    out.print()
    out.print(Text(text, style="bold"))


def line(out: Console, text: str) -> None:
    """A line of plain text; it is not wrapped where a file reads it."""
    out.print(Text(f"  {text}"), soft_wrap=not out.is_terminal)


def show_edges(out: Console, edges: Sequence[FusionEdge]) -> None:
    """What was fused and what was not, and why."""
    if edges:
        heading(out, "fusion")
    for sentence in dict.fromkeys(edge.sentence() for edge in edges):
        line(out, sentence)


def show_arguments(out: Console, kernel: Kernel) -> Aliases:
    """The buffers of a kernel and their layouts."""
    aliases = Aliases()
    heading(out, "buffers")
    table = plain_table("buffer", "", "type", "layout")
    for argument in kernel.arguments:
        type = aliases.shorten(argument.type)
        table.add_row(*(Text(t) for t in (argument.name, argument.kind, type, argument.layout)))
    out.print(table)
    show_aliases(out, aliases)
    return aliases


def show_aliases(out: Console, aliases: Aliases) -> None:
    """What the short names of layouts stand for."""
    for text, alias in aliases.names.items():
        line(out, f"{alias} = {text}")


def show_schedule(out: Console, kernel: Kernel) -> None:
    """The schedule in words and as a pipeline."""
    heading(out, f"schedule: {kernel.summary}")
    line(out, kernel.schedule)


def show_loops(out: Console, kernel: Kernel, aliases: Aliases, nodes: Sequence[str]) -> None:
    """The final loops, each line with the step that made it; only lines of `nodes` if any."""
    heading(out, "loops, and the step that made each line")
    last = kernel.versions[-1]
    wanted = set(nodes)
    width = min(56, max(len(step) for step in kernel.blame))
    gap = False
    for text, step in zip(last.lines, kernel.blame, strict=True):
        if wanted and not wanted & set(text.nodes):
            gap = True
            continue
        if gap:
            out.print(Text(f"  {'':{width}}   ...", style="dim"))
            gap = False
        shown = step if len(step) <= width else f"{step[: width - 3]}..."
        row = Text(f"  {shown:{width}}", style="cyan")
        row.append(f" | {aliases.shorten(text.text)}", style="not dim default")
        out.print(row, soft_wrap=True)


def show_buffers(out: Console, report: Report, buffers: Sequence[Buffer]) -> None:
    """Where the buffers lie in the arena, and when they live."""
    if not buffers:
        return
    heading(out, f"memory: {memory_line(report)}")
    table = plain_table("buffer", "offset", "bytes", "calls", right=("offset", "bytes"))
    for buffer in buffers:
        by = "".join(f" x {symbol}" for symbol in buffer.symbols)
        life = f"{buffer.first} to {buffer.last}" + (", place kept" if buffer.stays else "")
        offset = "-" if buffer.offset is None else f"{buffer.offset}{by}"
        table.add_row(*(Text(t) for t in (buffer.name, offset, f"{buffer.size}{by}", life)))
    out.print(table)
