"""What is known about a compiled model: values without IR, which text, JSON and a page show."""

from dataclasses import dataclass, field

from dovetail.explain.listing import Lines, Version
from dovetail.explain.nodes import Node


@dataclass(frozen=True)
class FusionEdge:
    """A result that one op computes and another one reads, and why they share a kernel or not."""

    producer: tuple[str, ...]
    reader: tuple[str, ...]
    producer_op: str
    reader_op: str
    joined: bool
    reason: str

    def sentence(self) -> str:
        """`relu_1 joins conv_1: elementwise, its only reader`."""
        reader = "+".join(self.reader) or self.reader_op
        producer = "+".join(self.producer) or self.producer_op
        return f"{reader} {'joins' if self.joined else 'not joined with'} {producer}: {self.reason}"


@dataclass
class Call:
    """One kernel call of the network; `milliseconds` if it was timed."""

    kernel: str
    nodes: tuple[str, ...]
    milliseconds: float | None = None


@dataclass(frozen=True)
class Argument:
    """A buffer that a kernel gets, and its layout in words."""

    name: str
    type: str
    layout: str
    kind: str


@dataclass
class Kernel:
    """A compiled function: its text after each step, from operators to scheduled loops.

    `blame` names for each line of the last text the step that made it. `flops` and `bytes` are of
    one call; None where sizes are symbolic. `pseudo` is a Python-like listing of the final loops.
    """

    name: str
    nodes: tuple[str, ...]
    versions: tuple[Version, ...]
    blame: tuple[str, ...]
    schedule: str
    summary: str
    layout: str
    flops: int | None
    bytes: int | None
    arguments: tuple[Argument, ...]
    pseudo: Lines = ()
    llvm: str = ""
    assembly: str = ""


@dataclass(frozen=True)
class Buffer:
    """A buffer between kernels: its place in the arena, and the first and last call it is for.

    `offset` and `size` count products of `symbols`; `stays` if its halo keeps its place for good.
    """

    name: str
    offset: int | None
    size: int
    first: int
    last: int
    stays: bool
    symbols: tuple[str, ...] = ()


@dataclass
class Report:
    """A compiled model; `network` is the text of the function that calls the kernels."""

    model: str
    target: str
    nodes: dict[str, Node]
    edges: tuple[FusionEdge, ...] = ()
    calls: list[Call] = field(default_factory=list[Call])
    kernels: dict[str, Kernel] = field(default_factory=dict[str, Kernel])
    network: tuple[Version, ...] = ()
    buffers: tuple[Buffer, ...] = ()
    arena_bytes: int = 0
    buffer_bytes: int = 0

    @property
    def lost(self) -> list[str]:
        """The nodes of which nothing is known: always none."""
        return [node.name for node in self.nodes.values() if node.fate == "lost"]

    def calls_of(self, kernel: str) -> list[Call]:
        """The calls of one kernel."""
        return [call for call in self.calls if call.kernel == kernel]

    def milliseconds_of(self, kernel: str) -> float | None:
        """The time of all calls of a kernel, if they were timed."""
        times = [call.milliseconds for call in self.calls_of(kernel)]
        known = [time for time in times if time is not None]
        return sum(known) if known and len(known) == len(times) else None
