"""The nodes of a model, and what becomes of each before there are kernels.

A node may vanish early: while the model is imported, because its value is known by then or is its
input; in a pass that folds it into a weight or into another op; or because nobody reads its result.
`Fates` compares the network before and after such a pass.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import onnx
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, NameLoc, NoneAttr, StringAttr, UnknownLoc
from xdsl.ir import Operation
from xdsl.parser import Parser
from xdsl.universe import XDSL_UNIVERSE
from xdsl.utils.exceptions import ParseError, VerifyException

from analysis.errors import UserError
from dialects import te
from dialects.graph.base import GraphOp
from dialects.graph.structure import WeightOp
from dovetail.frontend.onnx import Importer, inline_functions, read_model
from dovetail.frontend.onnx_import import Tensor
from dovetail.universe import DOVETAIL_UNIVERSE
from passes.locations import locate, nodes_of


@dataclass
class Node:
    """A node of the model: `story` says what happened to it before there were kernels.

    `calls` are the kernel calls of the network that compute it; `readers` the nodes that read the
    weight which it became.
    """

    name: str
    operator: str
    story: list[str] = field(default_factory=list[str])
    readers: tuple[str, ...] = ()
    calls: list[int] = field(default_factory=list[int])

    @property
    def fate(self) -> str:
        """`kernel`, `removed`, or `lost`, which would be a bug."""
        if self.calls:
            return "kernel"
        return "removed" if self.story else "lost"


def read_source(path: Path, dims: Mapping[str, int]) -> tuple[ModuleOp, dict[str, Node]]:
    """The module in a file, and the nodes of its model by name."""
    if path.suffix == ".mlir":
        module = parse_file(path)
        return module, {node.name: node for node in located_ops(module, path.name)}
    model = inline_functions(read_model(path, str(path)))
    importer = Importer(model, path, dims, {})
    module = importer.run()
    ops = node_ops(module)
    nodes: dict[str, Node] = {}
    for proto in model.graph.node:
        name = proto.name or next(iter(proto.output), "")
        node = nodes.setdefault(name, Node(name, proto.op_type))
        if name not in ops and not node.story:
            node.story.append(import_story(proto, importer.values))
    return module, nodes


def import_story(proto: onnx.NodeProto, values: Mapping[str, Tensor]) -> str:
    """Why the importer wrote no op for a node."""
    results = [values[name] for name in proto.output if name in values]
    inputs = [values[name] for name in proto.input if name in values]
    if any(result.weight is not None for result in results):
        return "import: its value is known, so it is a constant"
    if any(result.extents is not None for result in results):
        return "import: shape arithmetic, which the types know"
    if any(
        result.value is not None and result.value is i.value for result in results for i in inputs
    ):
        return "import: its result is its input"
    return "import: other ops say the same"


def parse_file(path: Path) -> ModuleOp:
    """The module that a text file holds."""
    context = Context()
    for name, factory in {**XDSL_UNIVERSE.all_dialects, **DOVETAIL_UNIVERSE.all_dialects}.items():
        context.register_dialect(name, factory)
    try:
        module = Parser(context, path.read_text(), str(path)).parse_module()
        module.verify()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except (ParseError, UnicodeDecodeError) as error:
        lines = str(error).strip().splitlines()
        raise UserError(f"{path} is not IR that parses: {lines[-1].strip()}", *lines) from None
    except VerifyException as error:
        lines = str(error).strip().splitlines()
        raise UserError(f"{path} is not valid IR: {lines[-1].strip()}", *lines) from None
    return module


def located_ops(module: ModuleOp, file: str) -> Iterator[Node]:
    """The nodes that locations of a text name; an op without a location is a node by its result."""
    seen: set[str] = set()
    for op in computing_ops(module):
        if isinstance(op.location, UnknownLoc):
            name, number = base_name(op), 0
            while (unique := f"{name}_{number}" if number else name) in seen:
                number += 1
            locate(NameLoc(StringAttr(file), NameLoc(StringAttr(unique), NoneAttr())), op)
        for name in nodes_of(op.location):
            if name not in seen:
                seen.add(name)
                yield Node(name, op.name)


def base_name(op: Operation) -> str:
    """What to call an op of a text."""
    if isinstance(op, te.ComputeOp | te.ScatterOp):
        return op.compute_name.data
    hint = op.results[0].name_hint if op.results else None
    return hint or op.name.partition(".")[2]


def computing_ops(module: ModuleOp) -> Iterator[Operation]:
    """The graph ops and tensor expressions of all functions."""
    for function in module.ops:
        if isinstance(function, func.FuncOp) and function.body.blocks:
            for op in function.body.block.ops:
                if isinstance(op, GraphOp | te.ComputeOp | te.ScatterOp):
                    yield op


def node_ops(module: ModuleOp) -> dict[str, set[tuple[str, ...]]]:
    """For each node that an op stands for: the nodes that each such op stands for."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for op in computing_ops(module):
        nodes = nodes_of(op.location)
        for name in nodes:
            found.setdefault(name, set()).add(nodes)
    return found


@dataclass
class Fates:
    """The network before a pass; `after` tells the nodes what the pass did to them."""

    ops: dict[str, set[tuple[str, ...]]]
    weights: set[Operation]

    @staticmethod
    def before(module: ModuleOp) -> "Fates":
        """Remember a network."""
        weights: set[Operation] = {op for op in module.walk() if isinstance(op, WeightOp)}
        return Fates(node_ops(module), weights)

    def after(self, step: str, module: ModuleOp, nodes: Mapping[str, Node]) -> None:
        """Note what the pass `step` did."""
        ops = node_ops(module)
        made: dict[str, WeightOp] = {}
        for op in module.walk():
            if isinstance(op, WeightOp) and op not in self.weights:
                made |= dict.fromkeys(nodes_of(op.location), op)
        for name, old in self.ops.items():
            node = nodes.get(name)
            if node is None or ops.get(name) == old:
                continue
            if name in ops:
                together = dict.fromkeys(n for group in ops[name] for n in group if n != name)
                if together:
                    node.story.append(f"{step}: one op with {', '.join(together)}")
            elif name in made:
                self.became_weight(step, node, made[name])
            else:
                node.story.append(f"{step}: nobody reads its result")

    def became_weight(self, step: str, node: Node, weight: WeightOp) -> None:
        """Note that a pass computed a node."""
        readers = [use.operation for use in weight.result.uses]
        names = dict.fromkeys(n for reader in readers for n in nodes_of(reader.location))
        node.readers = tuple(names)
        who = f", which {', '.join(names)} read{'s' * (len(names) == 1)}" if names else ""
        node.story.append(f"{step}: its value is the weight @{weight.label.data}{who}")
