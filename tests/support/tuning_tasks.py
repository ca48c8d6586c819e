"""Small tasks for the tuner's tests."""

from xdsl.dialects import func
from xdsl.parser import Parser
from xdsl.passes import PassPipeline

from backends.llvm.host import host_target
from dialects.target import Target, TargetAttr
from dovetail.frontend.text import text_context
from dovetail.pipelines import CPU_KERNEL, VTA_FRONTEND
from passes.structural_hash import structural_hash
from tuner.task import Task

MATMUL = """
func.func @matmul(%A: tensor<13x17xf32>, %B: tensor<17x21xf32> {dovetail.weight})
    -> tensor<13x21xf32> {
  %C = te.compute "C" (%y = 0 to 13, %x = 0 to 21) sum (%k = 0 to 17) {
    %a = te.read %A[%y, %k] : tensor<13x17xf32>
    %b = te.read %B[%k, %x] : tensor<17x21xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } : tensor<13x21xf32>
  func.return %C : tensor<13x21xf32>
}
"""
VTA_MATMUL = """
func.func @product(%A: tensor<4x32xi8>, %B: tensor<32x32xi8>) -> tensor<4x32xi8> {
  %C = te.compute "C" (%n = 0 to 4, %m = 0 to 32) sum (%k = 0 to 32) {
    %a = te.read %A[%n, %k] : tensor<4x32xi8>
    %b = te.read %B[%m, %k] : tensor<32x32xi8>
    %a32 = arith.extsi %a : i8 to i32
    %b32 = arith.extsi %b : i8 to i32
    %p = arith.muli %a32, %b32 : i32
    te.yield %p : i32
  } : tensor<4x32xi32>
  %D = te.compute "D" (%n = 0 to 4, %m = 0 to 32) {
    %c = te.read %C[%n, %m] : tensor<4x32xi32>
    %r = arith.trunci %c : i32 to i8
    te.yield %r : i8
  } : tensor<4x32xi8>
  func.return %D : tensor<4x32xi8>
}
"""

SUMS = """
func.func @sums(%A: tensor<9x7xf32>) -> (tensor<9xf32>, tensor<9xf32>) {
  %S = te.compute "S" (%y = 0 to 9) sum (%k = 0 to 7) {
    %a = te.read %A[%y, %k] : tensor<9x7xf32>
    te.yield %a : f32
  } : tensor<9xf32>
  %T = te.compute "T" (%y = 0 to 9) {
    %s = te.read %S[%y] : tensor<9xf32>
    %t = math.exp %s : f32
    te.yield %t : f32
  } : tensor<9xf32>
  func.return %S, %T : tensor<9xf32>, tensor<9xf32>
}
"""

SYMBOLIC = """
func.func @rows(%A: tensor<?xf32, #loop.layout<["n"]>>) -> tensor<?xf32, #loop.layout<["n"]>> {
  %n = te.dim "n"
  %C = te.compute "C" (%y = 0 to %n) {
    %a = te.read %A[%y] : tensor<?xf32, #loop.layout<["n"]>>
    te.yield %a : f32
  } : tensor<?xf32, #loop.layout<["n"]>>
  func.return %C : tensor<?xf32, #loop.layout<["n"]>>
}
"""


def task_of(text, target, passes):
    """The task of a function of te, in naive loops."""
    context = text_context()
    module = Parser(context, text).parse_module()
    module.attributes["target"] = TargetAttr.of(target)
    PassPipeline(passes).apply(context, module)
    (function,) = [op for op in module.ops if isinstance(op, func.FuncOp)]
    return Task(function.sym_name.data, structural_hash(function), target, str(module))


def cpu_task(text=MATMUL):
    """A task of this machine, for one thread."""
    return task_of(text, host_target().having(num_threads=None), CPU_KERNEL[:-1])


def vta_task(text=VTA_MATMUL, target="vta"):
    return task_of(text, Target.parse(target), VTA_FRONTEND)
