"""lower-graph-to-loop: the network becomes a function of buffers that calls its kernels in order.

    func.func @main(%x: tensor) -> tensor {          func.func @main(%x: memref, %w: memref
      %w = graph.weight @w ...                            {dovetail.weight = ...}, %y: memref) {
      %t = graph.call @k0(%x, %w) on "cpu"      ->     %t = loop.alloc : memref
      %y = graph.call @k1(%t) on "cpu"                 func.call @k0(%x, %w, %t)
      func.return %y                                   func.call @k1(%t, %y)

The arguments are the inputs, then the weights, then the outputs. A buffer has the type that the
kernels want; a weight that two kernels want in different layouts is two arguments.

Takes a network whose kernels are functions of loops; it stands before plan-memory.
"""

from dataclasses import dataclass, field

from xdsl.builder import Builder
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    i64,
)
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint
from xdsl.traits import SymbolTable

from analysis.errors import UnsupportedError
from dialects import loop
from dialects.graph.structure import CallOp, WeightOp
from passes.graph.mark_weights import WEIGHT
from passes.locations import locate
from passes.te.lower_te_to_loop import memref_type
from passes.te.transform_network_layout import network_of


@dataclass
class Network:
    """The lowering of one network; `buffers` has the buffer of each tensor."""

    old: func.FuncOp
    new: func.FuncOp
    builder: Builder
    buffers: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    weights: dict[tuple[SSAValue, Attribute], SSAValue] = field(
        default_factory=dict[tuple[SSAValue, Attribute], SSAValue]
    )

    def kernel(self, call: CallOp) -> func.FuncOp:
        """The function that a call names."""
        kernel = SymbolTable.lookup_symbol(self.old, call.callee)
        assert isinstance(kernel, func.FuncOp)
        return kernel

    def operand(self, value: SSAValue, type: Attribute) -> SSAValue:
        """The buffer of an argument of a call."""
        if isinstance(value.owner, WeightOp):
            return self.weights[value, type]
        return self.buffers[value]

    def call(self, op: CallOp) -> None:
        """Lower a call: its results and its scratch memory become further arguments."""
        kernel = self.kernel(op)
        wanted = [a.type for a in kernel.body.block.args]
        count = len(op.arguments)
        arguments = [self.operand(v, t) for v, t in zip(op.arguments, wanted, strict=False)]
        results = list(op.results)
        for i, type in enumerate(wanted[count:]):
            value = results[i] if i < len(results) else None
            if value is not None and value in self.buffers:
                arguments.append(self.buffers[value])
                continue
            assert isinstance(type, MemRefType)
            alloc = self.builder.insert(loop.AllocOp(type))
            alloc.location = op.location
            alloc.result.name_hint = None if value is None else value.name_hint
            arguments.append(alloc.result)
            if value is not None:
                self.buffers[value] = alloc.result
        new = self.builder.insert(func.CallOp(op.callee, arguments, []))
        new.location = op.location
        new.attributes["device"] = op.device


def weight_uses(network: func.FuncOp) -> list[tuple[SSAValue, Attribute]]:
    """Each weight with each type that a kernel wants it in, in program order."""
    found: list[tuple[SSAValue, Attribute]] = []
    for op in network.walk():
        if not isinstance(op, CallOp):
            continue
        kernel = SymbolTable.lookup_symbol(network, op.callee)
        assert isinstance(kernel, func.FuncOp)
        for value, argument in zip(op.arguments, kernel.body.block.args, strict=False):
            pair = (value, argument.type)
            if isinstance(value.owner, WeightOp) and pair not in found:
                found.append(pair)
    return found


def output_type(network: func.FuncOp, value: SSAValue) -> Attribute:
    """The memref type in which a kernel writes a result of the network."""
    call = value.owner
    assert isinstance(call, CallOp)
    kernel = SymbolTable.lookup_symbol(network, call.callee)
    assert isinstance(kernel, func.FuncOp)
    index = next(i for i, result in enumerate(call.results) if result is value)
    return kernel.body.block.args[len(call.arguments) + index].type


def check(network: func.FuncOp, results: list[SSAValue]) -> None:
    """Refuse what is not a network of kernels that write its results."""
    name = f"lower-graph-to-loop: @{network.sym_name.data}"
    for op in network.body.block.ops:
        if not isinstance(op, CallOp | WeightOp | func.ReturnOp):
            raise UnsupportedError(
                f"lower-graph-to-loop: {op.name} is not in a kernel; run fuse-operators first"
            )
    if not all(isinstance(value.owner, CallOp) for value in results):
        raise UnsupportedError(
            f"{name} returns a tensor that no kernel computes; run copy-outputs first"
        )
    if len(set(results)) < len(results):
        raise UnsupportedError(f"{name} returns one tensor twice; run copy-outputs first")


def lower(old: func.FuncOp) -> func.FuncOp:
    """The loop form of a network."""
    last = old.body.block.last_op
    assert isinstance(last, func.ReturnOp)
    results = list(last.arguments)
    check(old, results)
    inputs = [memref_type(a.type) for a in old.body.block.args]
    weights = weight_uses(old)
    outputs = [output_type(old, v) for v in results]
    types = [*inputs, *(t for _, t in weights), *outputs]
    new = func.FuncOp(old.sym_name.data, FunctionType.from_lists(types, []))
    new.location = old.location
    new.attributes |= old.attributes
    block: Block = new.body.block
    network = Network(old, new, Builder(InsertPoint.at_end(block)))
    marks = list(old.arg_attrs or [DictionaryAttr({})] * len(inputs))
    for value, argument in zip(old.body.block.args, block.args, strict=False):
        argument.name_hint = value.name_hint
        network.buffers[value] = argument
    for pair, argument in zip(weights, block.args[len(inputs) :], strict=False):
        argument.name_hint = pair[0].name_hint
        network.weights[pair] = argument
        owner = pair[0].owner
        assert isinstance(owner, WeightOp)
        marks.append(DictionaryAttr({WEIGHT: owner.content}))
    for value, argument in zip(results, block.args[len(inputs) + len(weights) :], strict=True):
        argument.name_hint = value.name_hint
        network.buffers[value] = argument
    marks += list(old.res_attrs or [DictionaryAttr({})] * len(outputs))
    new.arg_attrs = ArrayAttr(marks)
    new.attributes["dovetail.outputs"] = IntegerAttr(len(outputs), i64)
    for op in old.body.block.ops:
        if isinstance(op, CallOp):
            network.call(op)
    end = network.builder.insert(func.ReturnOp())
    locate(last.location, end)
    return new


@dataclass(frozen=True)
class LowerGraphToLoopPass(ModulePass):
    """Make the network a function of buffers that calls its kernels in order."""

    name = "lower-graph-to-loop"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        old = network_of(op)
        if old is not None:
            op.body.block.insert_op_before(lower(old), old)
            old.detach()
            old.erase(safe_erase=False)
