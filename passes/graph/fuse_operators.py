"""fuse-operators: ops that belong together become kernels, called from the network.

Each op has a fusion class (`FusionClass`). Elementwise ops join the convolution or product before
them, and chains of injective ops join each other and the reduction they feed. An op joins its
immediate post-dominator - the first op that every path from its result runs through - together
with everything on the way, so a kernel has one result and no path leaves it and comes back. A
kernel holds at most one op that is not injective.

    %c = graph.conv(%x, %w)             %r = graph.call @conv_relu(%x, %w) on "cpu"
    %r = graph.relu(%c)            ->   func.func private @conv_relu(...) { graph.conv, graph.relu }

Afterwards a function with ops has only weights and calls. `fusion_of` says for each op that reads
another one's result why they are in one kernel or not; `dovetail explain` shows it. The method is
Relay's (Roesch et al., "Relay: a high-level compiler for deep learning", 2019, section 4.4).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from dialects.graph.base import FusionClass, GraphOp
from dialects.graph.elementwise import Elementwise
from dialects.graph.nn import BatchNormOp
from dialects.graph.structure import CallOp
from passes.graph.rewriting import functions, insert_before
from passes.locations import fused, locate, nodes_of

NAME_PARTS = 4


def fusion_class(op: Operation) -> str:
    trait = op.get_trait(FusionClass)
    assert isinstance(trait, FusionClass), op.name
    return trait.kind


def is_injective(op: Operation) -> bool:
    return isinstance(op, GraphOp) and fusion_class(op) == "injective"


def keeps_places(op: Operation) -> bool:
    """Whether each element of the result comes from its own place in the operands."""
    return isinstance(op, Elementwise | BatchNormOp)


def users(op: Operation) -> list[Operation]:
    """The ops that read a result of `op`, each once."""
    return list(dict.fromkeys(use.operation for result in op.results for use in result.uses))


@dataclass
class PostDominators:
    """The immediate post-dominator of each op of a block, by the order of reads."""

    parent: dict[Operation, Operation] = field(default_factory=dict[Operation, Operation])
    depth: dict[Operation, int] = field(default_factory=dict[Operation, int])

    @staticmethod
    def of(block: Block) -> "PostDominators":
        tree = PostDominators()
        for op in reversed(list(block.ops)):
            readers = users(op)
            if not readers:
                tree.depth[op] = 0
                continue
            common = readers[0]
            for reader in readers[1:]:
                common = tree.common(common, reader)
            tree.parent[op], tree.depth[op] = common, tree.depth[common] + 1
        return tree

    def common(self, a: Operation, b: Operation) -> Operation:
        """The first op that the paths from both run through."""
        while a is not b:
            if self.depth[a] < self.depth[b]:
                a, b = b, a
            if a not in self.parent:
                return a
            a = self.parent[a]
        return a


@dataclass
class Groups:
    """A partition of ops; each group knows the op in it that is not injective."""

    leader: dict[Operation, Operation]
    anchor: dict[Operation, Operation]

    @staticmethod
    def of(ops: Iterable[Operation]) -> "Groups":
        ops = list(ops)
        return Groups({op: op for op in ops}, {op: op for op in ops if not is_injective(op)})

    def find(self, op: Operation) -> Operation:
        while self.leader[op] is not op:
            self.leader[op] = self.leader[self.leader[op]]
            op = self.leader[op]
        return op

    def anchors(self, ops: Iterable[Operation]) -> set[Operation]:
        """The ops that are not injective in the groups of `ops`."""
        found = (self.anchor.get(self.find(op)) for op in ops)
        return {op for op in found if op is not None}

    def merge(self, ops: Iterable[Operation]) -> None:
        """Make one group of the groups of `ops`."""
        ops = list(ops)
        anchors = self.anchors(ops)
        first = self.find(ops[0])
        for op in ops[1:]:
            self.leader[self.find(op)] = first
        for anchor in anchors:
            self.anchor[first] = anchor

    def members(self) -> dict[Operation, list[Operation]]:
        """The groups by leader, each in program order."""
        found: dict[Operation, list[Operation]] = {}
        for op in self.leader:
            found.setdefault(self.find(op), []).append(op)
        return found


def between(start: Operation, end: Operation) -> list[Operation]:
    """The ops on the ways from `start` to its post-dominator `end`, `start` included."""
    found, work = dict[Operation, None](), [start]
    while work:
        op = work.pop()
        if op not in found and op is not end:
            found[op] = None
            work.extend(users(op))
    return list(found)


@dataclass(frozen=True)
class Decision:
    """Whether an op joined its post-dominator `end` with all on the `way` to it, and why or not."""

    joined: bool
    reason: str
    end: Operation | None = None
    way: tuple[Operation, ...] = ()


@dataclass(frozen=True)
class Edge:
    """A result that one op computes and another one reads: whether one kernel has both, and why."""

    producer: Operation
    reader: Operation
    joined: bool
    reason: str


@dataclass
class Fusion:
    """The kernels of a function as they grow, and what was decided for each op so far."""

    tree: PostDominators
    groups: Groups
    decisions: dict[Operation, Decision] = field(default_factory=dict[Operation, Decision])

    @property
    def kernels(self) -> list[list[Operation]]:
        """The kernels, each a list of ops in program order."""
        return list(self.groups.members().values())

    def join(
        self,
        op: Operation,
        may_pass: Callable[[Operation], bool],
        may_end: Callable[[Operation], bool],
        wanted: str,
    ) -> None:
        """Merge `op` with its post-dominator and what lies between, if the kernel stays legal.

        `wanted` says in words which ops may be between and at the end.
        """
        decision = self.decide(op, may_pass, may_end, wanted)
        self.decisions[op] = decision
        if decision.joined and decision.end is not None:
            self.groups.merge([*decision.way, decision.end])

    def decide(
        self,
        op: Operation,
        may_pass: Callable[[Operation], bool],
        may_end: Callable[[Operation], bool],
        wanted: str,
    ) -> Decision:
        """Whether `join` may merge, and the reason."""
        end = self.tree.parent.get(op)
        if end is None:
            return Decision(False, "nothing is read by all that its result runs through")
        if end not in self.groups.leader:
            several = len(users(op)) > 1
            return Decision(
                False,
                "its readers meet only where the network ends" if several else "it is an output",
            )
        meeting = f"its readers meet in {label(end)}, "
        if not may_end(end):
            where = f"{label(end)} is " if users(op) == [end] else f"{meeting}which is "
            return Decision(False, f"{where}{kind_of(end)}: {wanted}")
        way = tuple(between(op, end))
        for step in way[1:]:
            if not may_pass(step):
                return Decision(
                    False,
                    f"{meeting}on the way is {label(step)}, which is {kind_of(step)}: {wanted}",
                )
        anchors = self.groups.anchors([*way, end])
        if len(anchors) > 1:
            ordered = [op for op in self.groups.leader if op in anchors]
            names = " and ".join(f"{label(a)} ({fusion_class(a)})" for a in ordered[:2])
            return Decision(
                False, f"{names} would be in one kernel, which has one op that is not injective"
            )
        if len(way) > 1:
            reason = f"{kind_of(end)}, where all readers of {label(op)} meet"
        else:
            reason = f"{kind_of(end)}, its only reader"
        return Decision(True, reason, end, way)

    def edges(self) -> list[Edge]:
        """What was decided for each result and each op that reads it, in program order."""
        number = {op: i for i, op in enumerate(self.groups.leader)}
        return [
            self.edge(op, reader)
            for op in number
            for reader in sorted((r for r in users(op) if r in number), key=number.__getitem__)
        ]

    def edge(self, op: Operation, reader: Operation) -> Edge:
        """What was decided for one result and one of its readers."""
        decision = self.decisions.get(op)
        if self.groups.find(op) is self.groups.find(reader):
            return Edge(op, reader, True, self.reason_together(op, reader))
        if decision is None:
            return Edge(op, reader, False, f"{label(op)} is {kind_of(op)}: it ends its kernel")
        return Edge(op, reader, False, decision.reason)

    def reason_together(self, op: Operation, reader: Operation) -> str:
        """Why one kernel has both ops."""
        decision = self.decisions.get(op)
        if decision is not None and decision.joined:
            return decision.reason
        for other, found in self.decisions.items():
            if found.joined and op in found.way and reader in (*found.way, found.end):
                return f"on a way from {label(other)} to {label(found.end or other)}"
        return "both joined the same kernel"


def label(op: Operation) -> str:
    """What a reason calls an op: its node in the model, else the op and its result."""
    nodes = nodes_of(op.location)
    if nodes:
        return "+".join(nodes)
    hint = op.results[0].name_hint if op.results else None
    return f"{op.name} %{hint}" if hint else op.name


def kind_of(op: Operation) -> str:
    """The class of an op, in words."""
    if keeps_places(op):
        return "elementwise"
    words = {"injective": "injective", "reduction": "a reduction", "opaque": "opaque"}
    return words.get(fusion_class(op), "a convolution or product")


def fusion_of(func: FuncOp) -> Fusion:
    """The kernels of `func`, and why; nothing is changed."""
    block = func.body.block
    ops = [op for op in block.ops if isinstance(op, GraphOp)]
    fusion = Fusion(PostDominators.of(block), Groups.of(ops))
    for op in ops:
        if fusion_class(op) == "out_fusable" or keeps_places(op):
            fusion.join(
                op, keeps_places, keeps_places, f"only elementwise ops join what {label(op)} is in"
            )
    for op in ops:
        if is_injective(op) and not fusion.groups.anchors([op]):
            fusion.join(
                op,
                is_injective,
                takes_producers,
                "injective ops join each other and the reduction they feed",
            )
    return fusion


def takes_producers(op: Operation) -> bool:
    return fusion_class(op) in ("injective", "reduction")


def kernel_name(ops: list[Operation], taken: set[str]) -> str:
    """`conv_batch_norm_relu`, with a number if that is taken."""
    parts = [op.name.partition(".")[2] for op in ops]
    shown = parts[:NAME_PARTS] + ["and_more"] * (len(parts) > NAME_PARTS)
    base = name = "_".join(shown)
    number = 0
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    taken.add(name)
    return name


def outline(ops: list[Operation], name: str, device: str) -> FuncOp:
    """Move `ops` into a new function and call it where the last one stood."""
    last = ops[-1]
    inner = {result for op in ops for result in op.results}
    inputs = dict.fromkeys(v for op in ops for v in op.operands if v not in inner)
    block = Block(arg_types=[value.type for value in inputs])
    for value, argument in zip(inputs, block.args, strict=True):
        argument.name_hint = value.name_hint
    call = CallOp(name, device, list(inputs), [result.type for result in last.results])
    call.location = fused(op.location for op in ops)
    insert_before(last, call)
    for old, new in zip(last.results, call.results, strict=True):
        new.name_hint = old.name_hint
        old.replace_all_uses_with(new)
    replaced: dict[SSAValue, SSAValue] = dict(zip(inputs, block.args, strict=True))
    for op in ops:
        op.detach()
        for i, operand in enumerate(op.operands):
            op.operands[i] = replaced.get(operand, operand)
        block.add_op(op)
    end = ReturnOp(*last.results)
    locate(last.location, end)
    block.add_op(end)
    types = [value.type for value in inputs], list(last.result_types)
    kernel = FuncOp(name, types, Region(block), visibility="private")
    kernel.location = call.location
    return kernel


def fuse_operators(module: ModuleOp, device: str) -> None:
    taken = {func.sym_name.data for func in functions(module)}
    for func in functions(module):
        if func.sym_visibility is not None and func.sym_visibility.data == "private":
            continue
        for ops in fusion_of(func).kernels:
            kernel = outline(ops, kernel_name(ops, taken), device)
            module.body.block.add_op(kernel)


@dataclass(frozen=True)
class FuseOperatorsPass(ModulePass):
    """Group the ops of every public function into kernels that run on `device`."""

    name = "fuse-operators"

    device: str = "cpu"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        fuse_operators(op, self.device)
