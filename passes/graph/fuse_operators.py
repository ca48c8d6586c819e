"""fuse-operators: ops that belong together become kernels, called from the network.

Each op has a fusion class (`FusionClass`). Elementwise ops join the convolution or product before
them, and chains of injective ops join each other and the reduction they feed. An op joins its
immediate post-dominator - the first op that every path from its result runs through - together
with everything on the way, so a kernel has one result and no path leaves it and comes back. A
kernel holds at most one op that is not injective.

    %c = graph.conv(%x, %w)             %r = graph.call @conv_relu(%x, %w) on "cpu"
    %r = graph.relu(%c)            ->   func.func private @conv_relu(...) { graph.conv, graph.relu }

Afterwards a function with ops has only weights and calls. The method is Relay's (Roesch et al.,
"Relay: a high-level compiler for deep learning", 2019, section 4.4).
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
from passes.locations import locate

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


def join(
    op: Operation,
    tree: PostDominators,
    groups: Groups,
    may_pass: Callable[[Operation], bool],
    may_end: Callable[[Operation], bool],
) -> None:
    """Merge `op` with its post-dominator and what lies between, if the kernel stays legal."""
    end = tree.parent.get(op)
    if end is None or end not in groups.leader or not may_end(end):
        return
    way = between(op, end)
    if not all(may_pass(step) for step in way[1:]):
        return
    if len(groups.anchors([*way, end])) <= 1:
        groups.merge([*way, end])


def group_ops(func: FuncOp) -> list[list[Operation]]:
    """The kernels of `func`, each a list of ops in program order."""
    block = func.body.block
    ops = [op for op in block.ops if isinstance(op, GraphOp)]
    tree, groups = PostDominators.of(block), Groups.of(ops)
    for op in ops:
        if fusion_class(op) == "out_fusable" or keeps_places(op):
            join(op, tree, groups, keeps_places, keeps_places)
    for op in ops:
        if is_injective(op) and not groups.anchors([op]):
            join(op, tree, groups, is_injective, takes_producers)
    return list(groups.members().values())


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
    return FuncOp(name, types, Region(block), visibility="private")


def fuse_operators(module: ModuleOp, device: str) -> None:
    taken = {func.sym_name.data for func in functions(module)}
    for func in functions(module):
        if func.sym_visibility is not None and func.sym_visibility.data == "private":
            continue
        for ops in group_ops(func):
            kernel = outline(ops, kernel_name(ops, taken), device)
            kernel.location = ops[0].location
            module.body.block.add_op(kernel)


@dataclass(frozen=True)
class FuseOperatorsPass(ModulePass):
    """Group the ops of every public function into kernels that run on `device`."""

    name = "fuse-operators"

    device: str = "cpu"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        fuse_operators(op, self.device)
