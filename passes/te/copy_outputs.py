"""copy-outputs: every output of the network is the result of a kernel, and of one output only.

    func.func @main(%x) -> (..., ...) {             func.func @main(%x) -> (..., ...) {
      %y = graph.call @relu(%x) on "cpu"              %y = graph.call @relu(%x) on "cpu"
      func.return %x, %y, %y                 ->       %0 = graph.call @copy_x(%x) on "cpu"
                                                      %1 = graph.call @copy_y(%y) on "cpu"
                                                      func.return %0, %y, %1

The caller of a network gives it one buffer for each output, and a kernel must write each of them.
So an output that is an input, a weight or another output too is copied by a kernel of its own.

Takes a network of `graph.call`; it stands after lower-graph-to-te, because its kernels are
functions of te, and before the network becomes a function of buffers.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import FunctionType, IndexType, ModuleOp, StringAttr, TensorType
from xdsl.ir import Block, Region, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.passes import ModulePass

from dialects import te
from dialects.graph.structure import CallOp, WeightOp
from dialects.layout import logical_shape
from passes.locations import locate, location_of

AXES = ("n", "c", "h", "w")


def copy_kernel(name: str, value: SSAValue) -> func.FuncOp:
    """A function that returns its argument, of the type and location of a tensor."""
    type = value.type
    assert isinstance(type, TensorType)
    entry = Block(arg_types=[type])
    entry.args[0].name_hint = "source"
    shape = logical_shape(type)
    symbols = list(dict.fromkeys(e for e in shape if isinstance(e, str)))
    dims = [te.DimOp(symbol) for symbol in symbols]
    rank = len(shape)
    body = Block(arg_types=[IndexType()] * rank)
    read = te.ReadOp(entry.args[0], body.args, AffineMap.identity(rank))
    body.add_ops([read, te.YieldOp(read.result)])
    extents = [
        AffineExpr.constant(e) if isinstance(e, int) else AffineExpr.dimension(symbols.index(e))
        for e in shape
    ]
    copy = te.ComputeOp(
        "copy",
        AXES if rank == len(AXES) else [f"i{n}" for n in range(rank)],
        AffineMap(len(symbols), 0, tuple(extents)),
        rank,
        Region(body),
        [type],
        bounds=[dim.result for dim in dims],
    )
    entry.add_ops([*dims, copy, func.ReturnOp(copy.results[0])])
    signature = FunctionType.from_lists([type], [type])
    kernel = func.FuncOp(name, signature, Region(entry), visibility="private")
    locate(location_of(value), kernel)
    return kernel


def is_network(function: func.FuncOp) -> bool:
    """Whether a function is a network: public, and nothing but weights and calls."""
    if function.sym_visibility == StringAttr("private") or not function.body.blocks:
        return False
    return all(isinstance(op, CallOp | WeightOp | func.ReturnOp) for op in function.body.block.ops)


def free_name(module: ModuleOp, base: str) -> str:
    """`base`, with a number if there is a function of that name."""
    taken = {op.sym_name.data for op in module.ops if isinstance(op, func.FuncOp)}
    name, number = base, 0
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name


def copied(module: ModuleOp, network: func.FuncOp, value: SSAValue) -> SSAValue:
    """The result of a new call at the end of a network that copies a tensor."""
    last = network.body.block.last_op
    assert last is not None
    kernel = copy_kernel(free_name(module, f"copy_{value.name_hint or 'output'}"), value)
    module.body.block.insert_op_after(kernel, network)
    call = CallOp(kernel.sym_name.data, "cpu", [value], [value.type])
    call.location = kernel.location
    call.results[0].name_hint = value.name_hint
    network.body.block.insert_op_before(call, last)
    return call.results[0]


def copy_outputs(module: ModuleOp, network: func.FuncOp) -> None:
    """Make every output of a network the result of a kernel of its own."""
    last = network.body.block.last_op
    assert isinstance(last, func.ReturnOp)
    written: set[SSAValue] = set()
    for i, value in enumerate(last.arguments):
        if not isinstance(value.owner, CallOp) or value in written:
            last.operands[i] = copied(module, network, value)
        written.add(value)


@dataclass(frozen=True)
class CopyOutputsPass(ModulePass):
    """Copy the outputs that no kernel writes for them alone."""

    name = "copy-outputs"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in list(op.ops):
            if isinstance(function, func.FuncOp) and is_network(function):
                copy_outputs(op, function)
