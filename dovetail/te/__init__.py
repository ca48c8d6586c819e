"""Tensor expressions in Python: `import dovetail as t`, then `t.placeholder`, `t.compute`, ..."""

from dovetail.te.function import Function, build, listing, lower, module
from dovetail.te.intrinsics import MemoryScope, TensorIntrinsic, decl_tensor_intrin, hardware_intrin
from dovetail.te.operators import (
    abs,
    all,
    any,
    ceil,
    erf,
    exp,
    floor,
    if_then_else,
    log,
    max,
    min,
    prod,
    sqrt,
    sum,
    tanh,
)
from dovetail.te.schedule import Schedule, create_schedule
from dovetail.te.tensors import Tensor, compute, placeholder, reduce_axis, var

__all__ = [
    "Function",
    "MemoryScope",
    "Schedule",
    "Tensor",
    "TensorIntrinsic",
    "abs",
    "all",
    "any",
    "build",
    "ceil",
    "compute",
    "create_schedule",
    "decl_tensor_intrin",
    "erf",
    "exp",
    "floor",
    "hardware_intrin",
    "if_then_else",
    "listing",
    "log",
    "lower",
    "max",
    "min",
    "module",
    "placeholder",
    "prod",
    "reduce_axis",
    "sqrt",
    "sum",
    "tanh",
    "var",
]
