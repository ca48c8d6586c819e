"""`dovetail-opt -t dot`: the networks of a module as a picture for Graphviz; `-t svg` draws it.

An operator is a box: what it does, the node of the model that it comes from, the shapes of its
weights. An edge is a tensor with its shape. After fuse-operators a kernel is a frame around its
operators; once it is lowered it is one box, whose schedule is the tooltip. Before, `groups=true`
colours the operators by the kernels that fuse-operators would make.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import IO

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    MemRefType,
    ModuleOp,
    NameLoc,
    StringAttr,
)
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue
from xdsl.traits import SymbolTable
from xdsl.utils.target import Target

from analysis.errors import UserError
from dialects import loop
from dialects.graph.base import FusionClass, GraphOp
from dialects.graph.structure import CallOp, WeightOp
from dialects.layout import logical_shape
from dovetail.printing.listing import element_comment
from passes.graph.fuse_operators import fusion_of
from passes.graph.mark_weights import WEIGHT
from passes.loop.schedule_kernels import SCHEDULE

COLOURS = {
    "out_fusable": "#cfe2ff",
    "reduction": "#d8f0d2",
    "injective": "#f1f1f1",
    "opaque": "#ffe3c2",
}
"""By fusion class."""

GROUPS = ("#cfe2ff", "#d8f0d2", "#ffe3c2", "#f6d5e5", "#e4dcf7", "#d3efef", "#fff3b8", "#e6e6e6")

SETTINGS = (
    'graph [fontname="Helvetica" fontsize=11 ranksep=0.3 nodesep=0.25 newrank=true]',
    'node [shape=box style="rounded,filled" fontname="Helvetica" fontsize=11 color="#888888"'
    ' fillcolor="#f1f1f1" margin="0.12,0.05" height=0.3]',
    'edge [fontname="Helvetica" fontsize=9 fontcolor="#555555" color="#777777" arrowsize=0.6]',
)

TOOLTIP = 300
"""The characters of a schedule that a tooltip has room for."""

MISSING = (
    "-t svg draws with the program 'dot', which is not installed: install the package graphviz, "
    "or print -t dot and draw it elsewhere"
)


def tensor_text(type: Attribute) -> str:
    """`1x64x56x56`, with the element type if it is not f32."""
    shape = "x".join(map(str, logical_shape(type))) or "scalar"
    kind = element_comment(type)
    return f"{shape} {kind}" if kind else shape


def node_name(op: Operation) -> str:
    """The name of the model's node that an op comes from, if it has one."""
    location = op.location
    if isinstance(location, NameLoc) and isinstance(location.location, NameLoc):
        return location.location.desc.data
    return ""


def quoted(text: str) -> str:
    """A string of the dot language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@dataclass
class Picture:
    """The text of one picture, and the box that each tensor comes from."""

    module: ModuleOp
    groups: bool
    lines: list[str] = field(default_factory=list[str])
    links: list[str] = field(default_factory=list[str])
    """The edges, which stand last: a box that is named inside a frame belongs to it."""
    depth: int = 1
    boxes: int = 0
    frames: int = 0
    sources: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    weights: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    colours: dict[Operation, str] = field(default_factory=dict[Operation, str])

    def line(self, text: str) -> None:
        self.lines.append("  " * self.depth + text)

    def box(self, texts: Sequence[str], **attributes: str) -> str:
        """A node: the first text is bold, the others are small lines below it."""
        self.boxes += 1
        name = f"n{self.boxes}"
        rows = [f"<b>{escape(texts[0])}</b>"]
        rows += [f'<font point-size="9">{escape(t)}</font>' for t in texts[1:] if t]
        said = "".join(f" {key}={quoted(value)}" for key, value in attributes.items())
        self.line(f"{name} [label=<{'<br/>'.join(rows)}>{said}]")
        return name

    def edges(self, values: Sequence[SSAValue], target: str) -> None:
        """What a box reads, but for weights."""
        for value in values:
            if value in self.sources:
                text = quoted(tensor_text(value.type))
                self.links.append(f"  {self.sources[value]} -> {target} [label={text}]")

    def sizes(self, values: Sequence[SSAValue]) -> str:
        """The shapes of the weights among some values."""
        return ", ".join(self.weights[v] for v in values if v in self.weights)

    def network(self, function: func.FuncOp) -> None:
        """A function of operators or of calls."""
        if self.groups:
            for number, ops in enumerate(fusion_of(function).kernels):
                self.colours.update(dict.fromkeys(ops, GROUPS[number % len(GROUPS)]))
        written = written_arguments(function)
        for argument in function.body.block.args:
            if is_weight(function, argument):
                self.weights[argument] = tensor_text(argument.type)
            elif argument not in written:
                self.sources[argument] = self.end(argument)
        for op in function.body.block.ops:
            self.operation(op)
        for argument in written:
            self.edges([argument], self.end(argument))

    def end(self, value: SSAValue) -> str:
        """An input or output of the network."""
        return self.box([value.name_hint or "tensor", tensor_text(value.type)], shape="ellipse")

    def operation(self, op: Operation) -> None:
        """What one op of a network adds."""
        match op:
            case WeightOp():
                self.weights[op.result] = tensor_text(op.result.type)
            case GraphOp():
                self.operator(op)
            case CallOp():
                self.call(op)
            case func.CallOp():
                self.kernel_call(op)
            case func.ReturnOp():
                for value in op.arguments:
                    self.edges([value], self.end(value))
            case _:
                pass

    def operator(self, op: GraphOp) -> None:
        """One operator as a box."""
        trait = op.get_trait(FusionClass)
        kind = trait.kind if isinstance(trait, FusionClass) else "opaque"
        texts = [op.name.partition(".")[2], node_name(op), self.sizes(op.operands)]
        name = self.box(texts, fillcolor=self.colours.get(op, COLOURS[kind]))
        self.edges(op.operands, name)
        self.sources[op.result] = name

    def call(self, op: CallOp) -> None:
        """A kernel: a frame around its operators, or a box if it is lowered."""
        kernel = SymbolTable.lookup_symbol(self.module, op.callee)
        if not isinstance(kernel, func.FuncOp) or not has_operators(kernel):
            name = self.kernel(op.callee.string_value(), op, kernel)
            self.edges(op.arguments, name)
            self.sources.update(dict.fromkeys(op.results, name))
            return
        for outer, inner in zip(op.arguments, kernel.body.block.args, strict=True):
            for known in (self.sources, self.weights):
                known.pop(inner, None)
                if outer in known:
                    known[inner] = known[outer]
        self.frames += 1
        self.line(f"subgraph cluster_{self.frames} {{")
        self.depth += 1
        self.line(f"label={quoted(op.callee.string_value())}")
        self.line('style="rounded,filled" fillcolor="#fbfbfb" color="#bbbbbb" labeljust=l')
        for inner in kernel.body.block.ops:
            if not isinstance(inner, func.ReturnOp):
                self.operation(inner)
        self.depth -= 1
        self.line("}")
        last = kernel.body.block.last_op
        assert isinstance(last, func.ReturnOp)
        for result, inner in zip(op.results, last.arguments, strict=True):
            self.sources[result] = self.sources[inner]

    def kernel_call(self, op: func.CallOp) -> None:
        """A call of a function of loops; what it writes is among its arguments."""
        kernel = SymbolTable.lookup_symbol(self.module, op.callee)
        name = self.kernel(op.callee.string_value(), op, kernel)
        results = written_arguments(kernel) if isinstance(kernel, func.FuncOp) else []
        given = list(op.arguments)
        made = [given[argument.index] for argument in results]
        self.edges([v for v in dict.fromkeys(given) if v not in made], name)
        self.sources.update(dict.fromkeys(made, name))

    def kernel(self, callee: str, op: Operation, kernel: Operation | None) -> str:
        """A lowered kernel as a box; the tooltip has the beginning of its schedule."""
        schedule = kernel.attributes.get(SCHEDULE) if kernel is not None else None
        attributes: dict[str, str] = {"fillcolor": COLOURS["out_fusable"]}
        if isinstance(schedule, StringAttr):
            text = schedule.data
            attributes["tooltip"] = text if len(text) <= TOOLTIP else f"{text[:TOOLTIP]} ..."
        return self.box([callee, node_name(op), self.sizes(op.operands)], **attributes)


def has_operators(function: func.FuncOp) -> bool:
    return any(isinstance(op, GraphOp) for op in function.walk())


def is_weight(function: func.FuncOp, argument: BlockArgument) -> bool:
    """Whether an argument of a lowered network is a weight."""
    marks: ArrayAttr[DictionaryAttr] | None = function.arg_attrs
    return marks is not None and WEIGHT in marks.data[argument.index].data


def written_arguments(function: func.FuncOp) -> list[BlockArgument]:
    """The arguments that a function of loops stores to, itself or in a function it calls."""
    if not function.body.blocks:
        return []
    found: list[BlockArgument] = []
    for argument in function.body.block.args:
        if isinstance(argument.type, MemRefType) and any(
            is_write(use.operation, use.index) for use in argument.uses
        ):
            found.append(argument)
    return found


def is_write(user: Operation, index: int) -> bool:
    """Whether an operation writes the operand of that number."""
    if isinstance(user, loop.StoreOp):
        return index == 1
    if isinstance(user, loop.CopyOp):
        return index == 1
    if isinstance(user, loop.IntrinsicOp):
        return index < user.writes.data
    if isinstance(user, func.CallOp):
        callee = SymbolTable.lookup_symbol(user, user.callee)
        return isinstance(callee, func.FuncOp) and any(
            argument.index == index for argument in written_arguments(callee)
        )
    return False


def is_network(function: func.FuncOp) -> bool:
    """Whether a function is called by no other, and has operators or calls kernels."""
    private = function.sym_visibility is not None and function.sym_visibility.data == "private"
    kinds = (GraphOp, CallOp, func.CallOp)
    return not private and any(isinstance(op, kinds) for op in function.walk())


def dot_text(module: ModuleOp, groups: bool = False) -> str:
    """All networks of a module as one graph of the dot language."""
    networks = [op for op in module.ops if isinstance(op, func.FuncOp) and is_network(op)]
    if not networks:
        raise UserError(
            "-t dot draws networks, and the module has none: no public function has operators of "
            "the graph dialect or calls kernels; -t pseudo lists kernels"
        )
    picture = Picture(module, groups)
    picture.lines.append(f"digraph {quoted(networks[0].sym_name.data)} {{")
    for setting in SETTINGS:
        picture.line(setting)
    for network in networks:
        picture.network(network)
    return "\n".join([*picture.lines, *picture.links, "}"]) + "\n"


@dataclass(frozen=True)
class DotTarget(Target):
    """The networks of a module in the language of Graphviz."""

    name = "dot"

    groups: bool = False

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        output.write(dot_text(module, self.groups))


@dataclass(frozen=True)
class SvgTarget(Target):
    """The same as a picture, drawn by Graphviz."""

    name = "svg"

    groups: bool = False

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        text = dot_text(module, self.groups)
        try:
            done = subprocess.run(
                ["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            raise UserError(MISSING) from None
        if done.returncode != 0:
            raise UserError(f"-t svg: dot failed: {done.stderr.strip()}")
        output.write(done.stdout)
