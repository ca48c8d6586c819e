"""A report as plain data, for `--json` and for the page.

Names of nodes are numbers in lists of lines: they index the list of all nodes.
"""

from collections.abc import Sequence

from dovetail.explain.listing import Aliases, Line, Version, changed
from dovetail.explain.report import Kernel, Report
from dovetail.explain.text import in_order


def summary(report: Report) -> dict[str, object]:
    """Everything but the texts of the functions."""
    return {
        "model": report.model,
        "target": report.target,
        "nodes": [
            {
                "name": node.name,
                "operator": node.operator,
                "fate": node.fate,
                "story": node.story,
                "calls": node.calls,
            }
            for node in report.nodes.values()
        ],
        "calls": [
            {"kernel": c.kernel, "nodes": list(c.nodes), "ms": c.milliseconds} for c in report.calls
        ],
        "fusion": [
            {
                "producer": list(edge.producer),
                "reader": list(edge.reader),
                "joined": edge.joined,
                "reason": edge.reason,
            }
            for edge in report.edges
        ],
        "kernels": [kernel_summary(kernel) for kernel in in_order(report)],
        "memory": {
            "arena_bytes": report.arena_bytes,
            "buffer_bytes": report.buffer_bytes,
            "buffers": [vars(buffer) for buffer in report.buffers],
        },
    }


def kernel_summary(kernel: Kernel) -> dict[str, object]:
    """What is known about a kernel but its text."""
    return {
        "name": kernel.name,
        "nodes": list(kernel.nodes),
        "flops": kernel.flops,
        "bytes": kernel.bytes,
        "layout": kernel.layout,
        "schedule": kernel.schedule,
        "summary": kernel.summary,
        "arguments": [vars(argument) for argument in kernel.arguments],
    }


def with_loops(report: Report) -> dict[str, object]:
    """What `--json` writes: the summary, and the final loops of each kernel with blame."""
    data = summary(report)
    loops: dict[str, object] = {}
    for kernel in in_order(report):
        lines = kernel.versions[-1].lines
        loops[kernel.name] = [
            {"text": line.text, "nodes": list(line.nodes), "step": step}
            for line, step in zip(lines, kernel.blame, strict=True)
        ]
    data["loops"] = loops
    return data


class Table:
    """Different lines by number; texts are lists of numbers, because most lines recur."""

    def __init__(self, nodes: dict[str, int], aliases: Aliases) -> None:
        self.nodes = nodes
        self.aliases = aliases
        self.texts: dict[str, int] = {}

    def add(self, text: str) -> int:
        """The number of a line."""
        return self.texts.setdefault(self.aliases.shorten(text), len(self.texts))

    def lines(self, lines: Sequence[Line]) -> list[list[int]]:
        """For each line its number and those of its nodes."""
        return [
            [self.add(line.text), *(self.nodes[n] for n in line.nodes if n in self.nodes)]
            for line in lines
        ]

    def versions(self, versions: Sequence[Version]) -> list[dict[str, object]]:
        """The texts of a function, and which lines each step changed within a level."""
        found: list[dict[str, object]] = []
        before: Version | None = None
        for version in versions:
            same = before is not None and before.level == version.level
            new = changed(before.lines, version.lines) if before is not None and same else ()
            found.append(
                {
                    "step": version.step,
                    "level": version.level,
                    "lines": self.lines(version.lines),
                    "changed": list(new),
                }
            )
            before = version
        return found


def function_data(
    versions: Sequence[Version], nodes: dict[str, int], kernel: Kernel | None = None
) -> dict[str, object]:
    """The texts of one function for the page, every different line once."""
    aliases = Aliases()
    table = Table(nodes, aliases)
    data: dict[str, object] = {"versions": table.versions(versions)}
    if kernel is not None:
        steps = list(dict.fromkeys(kernel.blame))
        data["steps"] = steps
        data["blame"] = [steps.index(step) for step in kernel.blame]
        data["pseudo"] = table.lines(kernel.pseudo)
        data["llvm"] = kernel.llvm
        data["assembly"] = kernel.assembly
    data["texts"] = list(table.texts)
    data["layouts"] = [[alias, text] for text, alias in aliases.names.items()]
    return data
