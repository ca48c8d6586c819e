"""Passes that break what they are given, each in one way, and functions that show it."""

from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import AffineMapAttr, FloatAttr, FunctionType, MemRefType
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.passes import ModulePass

from dialects import loop
from dialects.graph.elementwise import ReluOp
from dialects.layout import LayoutAttr

MATMUL = """
func.func @f(%A: tensor<13x13xf32>, %B: tensor<13x13xf32>) -> tensor<13x13xf32> {
  %C = te.compute "C" (%y = 0 to 13, %x = 0 to 13) sum (%k = 0 to 13) {
    %a = te.read %A[%y, %k] : tensor<13x13xf32>
    %b = te.read %B[%k, %x] : tensor<13x13xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<13x13xf32>
  func.return %C : tensor<13x13xf32>
}
"""
MAXIMUM = """
func.func @f(%A: tensor<13x7xf32>) -> tensor<13xf32> {
  %C = te.compute "C" (%y = 0 to 13) max (%k = 0 to 7) {
    %a = te.read %A[%y, %k] : tensor<13x7xf32>
    te.yield %a : f32
  } : tensor<13xf32>
  func.return %C : tensor<13xf32>
}
"""
DIFFERENCE = """
func.func @f(%A: tensor<13xf32>, %B: tensor<13xf32>) -> tensor<13xf32> {
  %C = te.compute "C" (%y = 0 to 13) {
    %a = te.read %A[%y] : tensor<13xf32>
    %b = te.read %B[%y] : tensor<13xf32>
    %p = arith.subf %a, %b : f32
    te.yield %p : f32
  } : tensor<13xf32>
  func.return %C : tensor<13xf32>
}
"""
LARGE = MATMUL.replace("13", "160")
NETWORK = """
func.func @main(%x: tensor<1x3x9x9xf32>) -> tensor<1x4x7x7xf32> {
  %w = graph.weight @w random(1, -1.0, 1.0) : tensor<4x3x3x3xf32>
  %c = graph.conv(%x, %w) strides = [1, 1] dilations = [1, 1] pads = [0, 0, 0, 0]
    : (tensor<1x3x9x9xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x7x7xf32>
  %y = graph.relu(%c) : (tensor<1x4x7x7xf32>) -> tensor<1x4x7x7xf32>
  func.return %y : tensor<1x4x7x7xf32>
}
"""


def blocks(module):
    return [op for op in module.walk() if isinstance(op, loop.BlockOp)]


@dataclass(frozen=True)
class ShortTailPass(ModulePass):
    """The guard of a tail is off by one."""

    name = "short-tail"

    def apply(self, ctx, op):
        for block in blocks(op):
            first, *others = block.domains.data.results
            block.domains = AffineMapAttr(
                AffineMap(block.domains.data.num_dims, 0, (first - 1, *others))
            )


@dataclass(frozen=True)
class SwapIndicesPass(ModulePass):
    """Two indices of a load change places."""

    name = "swap-indices"

    def apply(self, ctx, op):
        load = next(o for o in op.walk() if isinstance(o, loop.LoadOp) and len(o.indices) == 2)
        first, second = load.map.data.results
        load.map = AffineMapAttr(AffineMap(2, 0, (second, first)))


@dataclass(frozen=True)
class DropInitPass(ModulePass):
    """Reductions begin with what memory holds."""

    name = "drop-init"

    def apply(self, ctx, op):
        for block in blocks(op):
            body = block.detach_region(block.body)
            maps = block.domains.data, block.bindings.data, block.where.data
            names = [i.data for i in block.iterators.data]
            new = loop.BlockOp(block.block_name.data, block.outer, names, *maps, body)
            block.parent.insert_op_before(new, block)
            block.detach()


@dataclass(frozen=True)
class WrongIdentityPass(ModulePass):
    """A maximum begins with zero."""

    name = "wrong-identity"

    def apply(self, ctx, op):
        for block in blocks(op):
            for inner in block.init.walk():
                if isinstance(inner, arith.ConstantOp):
                    inner.properties["value"] = FloatAttr(0.0, inner.result.type)


@dataclass(frozen=True)
class SwapOperandsPass(ModulePass):
    """Differences are taken the other way round."""

    name = "swap-operands"

    def apply(self, ctx, op):
        for inner in op.walk():
            if isinstance(inner, arith.SubfOp):
                inner.operands = inner.operands[::-1]


@dataclass(frozen=True)
class WrongLayoutPass(ModulePass):
    """Two columns of the first buffer share a place."""

    name = "wrong-layout"

    def apply(self, ctx, op):
        function = next(iter(op.ops))
        argument = function.body.block.args[0]
        d0, d1 = AffineExpr.dimension(0), AffineExpr.dimension(1)
        layout = LayoutAttr.of(AffineMap(2, 0, (d0, d1 // 4, d1 % 3)), [13, 4, 4])
        old = argument.type
        argument._type = MemRefType(old.element_type, old.shape, layout)
        types = [a.type for a in function.body.block.args]
        function.function_type = FunctionType.from_lists(types, [])


@dataclass(frozen=True)
class ForgetLocationsPass(ModulePass):
    """A constant appears from nowhere."""

    name = "forget-locations"

    def apply(self, ctx, op):
        function = next(iter(op.ops))
        function.body.block.insert_op_before(
            arith.ConstantOp(FloatAttr(0.0, 32)), function.body.block.first_op
        )


@dataclass(frozen=True)
class DropReluPass(ModulePass):
    """A network without its activations."""

    name = "drop-relu"

    def apply(self, ctx, op):
        for inner in list(op.walk()):
            if isinstance(inner, ReluOp):
                inner.result.replace_all_uses_with(inner.operands[0])
                inner.detach()
                inner.erase()


BROKEN = {
    cls.name: cls
    for cls in (
        DropInitPass,
        DropReluPass,
        ForgetLocationsPass,
        ShortTailPass,
        SwapIndicesPass,
        SwapOperandsPass,
        WrongIdentityPass,
        WrongLayoutPass,
    )
}
