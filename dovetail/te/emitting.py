"""From tensors to a module of the te dialect: one function, one te.compute a tensor.

The result is ordinary IR: it verifies, prints, and is what dovetail-opt reads. Where an expression
is computed only if a condition holds, its reads carry that condition as their guard.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import AnyFloat, IndexType, IntegerAttr, IntegerType, ModuleOp, i64
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.rewriter import InsertPoint

from analysis.affine import Affine, Quotient, to_expression
from analysis.errors import UserError
from dialects import te
from dialects.graph.base import AnyTensor, tensor
from dialects.graph.elements import element_of
from dovetail.te.bounds import Path, branches, inside
from dovetail.te.expressions import (
    BOOL,
    INDEX,
    Binary,
    Call,
    Cast,
    Compare,
    Const,
    Expr,
    Index,
    Read,
    Reduce,
    Select,
    Var,
    conjuncts,
    is_float,
)
from dovetail.te.tensors import Compute, Tensor
from passes.te.lower_te_to_loop import constant_of

Make = Callable[[SSAValue, SSAValue], Operation]

FLOATS: dict[str, Make] = {
    "+": arith.AddfOp,
    "-": arith.SubfOp,
    "*": arith.MulfOp,
    "/": arith.DivfOp,
    "max": arith.MaximumfOp,
    "min": arith.MinimumfOp,
}
INTEGERS: dict[str, Make] = {
    "+": arith.AddiOp,
    "-": arith.SubiOp,
    "*": arith.MuliOp,
    "//": arith.FloorDivSIOp,
    ">>": arith.ShRSIOp,
    "<<": arith.ShLIOp,
    "&": arith.AndIOp,
    "|": arith.OrIOp,
    "^": arith.XOrIOp,
    "max": arith.MaxSIOp,
    "min": arith.MinSIOp,
}
COMPARISONS = {
    "<": ("olt", "slt"),
    "<=": ("ole", "sle"),
    ">": ("ogt", "sgt"),
    ">=": ("oge", "sge"),
    "==": ("oeq", "eq"),
    "!=": ("une", "ne"),
}
CALLS: dict[str, Callable[[SSAValue], Operation]] = {
    "ceil": math.CeilOp,
    "erf": math.ErfOp,
    "exp": math.ExpOp,
    "floor": math.FloorOp,
    "log": math.LogOp,
    "sqrt": math.SqrtOp,
    "tanh": math.TanhOp,
}


def element_type(dtype: str) -> Attribute:
    """The builtin type of a dtype."""
    return IndexType() if dtype == INDEX else element_of(np.dtype(dtype))


def tensor_type(value: Tensor) -> AnyTensor:
    """The type of a tensor; symbolic sizes are named in its encoding."""
    shape = [size if isinstance(size, int) else size.name for size in value.shape]
    return tensor(element_type(value.dtype), shape)


@dataclass
class Body:
    """The body of one te.compute while it is written."""

    builder: Builder
    tensors: dict[Tensor, SSAValue]
    indices: dict[Hashable, SSAValue]
    """The axes and symbolic sizes."""
    begin: dict[Hashable, Affine]
    """The axes that do not begin at zero, as they are when they are counted from zero."""
    computed: dict[Expr, SSAValue] = field(default_factory=dict[Expr, SSAValue])
    done: dict[tuple[Expr, Path], SSAValue] = field(
        default_factory=dict[tuple[Expr, Path], SSAValue]
    )

    def add(self, op: Operation) -> SSAValue:
        return self.builder.insert(op).results[0]

    def value(self, expr: Expr, path: Path = ()) -> SSAValue:
        """What an expression is where the conditions of `path` hold."""
        key = expr, path
        if key not in self.done:
            self.done[key] = self.emit(expr, path)
        return self.done[key]

    def emit(self, expr: Expr, path: Path) -> SSAValue:
        """Write an expression."""
        match expr:
            case Const():
                return self.constant(expr.value, expr.dtype)
            case Index():
                return self.index_value(self.counted(expr.form), path)
            case Read():
                return self.read(expr, path)
            case Cast():
                return self.converted(self.value(expr.value, path), expr.value.dtype, expr.dtype)
            case Binary():
                return self.binary(expr, path)
            case Compare():
                operands = self.value(expr.left, path), self.value(expr.right, path)
                on_floats, on_integers = COMPARISONS[expr.op]
                if is_float(expr.left.dtype):
                    return self.add(arith.CmpfOp(*operands, on_floats))
                return self.add(arith.CmpiOp(*operands, on_integers))
            case Call():
                return self.call(expr, path)
            case Select():
                return self.select(expr, path)
            case _:
                raise AssertionError(f"{type(expr).__name__} cannot stand inside an expression")

    def constant(self, value: float, dtype: str) -> SSAValue:
        return self.add(constant_of(element_type(dtype), value))

    def binary(self, expr: Binary, path: Path) -> SSAValue:
        """Arithmetic; the remainder has the sign of the divisor, as in Python."""
        left, right = self.value(expr.left, path), self.value(expr.right, path)
        if is_float(expr.dtype):
            return self.add(FLOATS[expr.op](left, right))
        if expr.op == "%":
            quotient = self.add(arith.FloorDivSIOp(left, right))
            return self.add(arith.SubiOp(left, self.add(arith.MuliOp(quotient, right))))
        return self.add(INTEGERS[expr.op](left, right))

    def call(self, expr: Call, path: Path) -> SSAValue:
        value = self.value(expr.value, path)
        if expr.function == "abs":
            return self.add(math.AbsFOp(value) if is_float(expr.dtype) else math.AbsIOp(value))
        return self.add(CALLS[expr.function](value))

    def converted(self, value: SSAValue, old: str, dtype: str) -> SSAValue:
        """A conversion; indices go through 64-bit integers."""
        new = element_type(dtype)
        if old == INDEX:
            if dtype.startswith("int"):
                return self.add(arith.IndexCastOp(value, new))
            value, old = self.add(arith.IndexCastOp(value, i64)), "int64"
        if dtype == BOOL:
            zero = self.constant(0, old)
            if is_float(old):
                return self.add(arith.CmpfOp(value, zero, "une"))
            return self.add(arith.CmpiOp(value, zero, "ne"))
        if is_float(old) and is_float(dtype):
            wider = int(dtype[5:]) > int(old[5:])
            return self.add((arith.ExtFOp if wider else arith.TruncFOp)(value, new))
        if is_float(dtype):
            assert isinstance(new, AnyFloat)
            return self.add((arith.UIToFPOp if old == BOOL else arith.SIToFPOp)(value, new))
        assert isinstance(new, IntegerType)
        if is_float(old):
            return self.add(arith.FPToSIOp(value, new))
        if old == BOOL:
            return self.add(arith.ExtUIOp(value, new))
        wider = int(dtype[3:]) > int(old[3:])
        return self.add((arith.ExtSIOp if wider else arith.TruncIOp)(value, new))

    def select(self, expr: Select, path: Path) -> SSAValue:
        """A choice; one between an element and a constant by indices alone is a guarded read."""
        forms = conjuncts(expr.condition)
        then, otherwise = branches(expr, path)
        if forms is not None and isinstance(expr.otherwise, Const):
            first, zero = expr.then, expr.otherwise
            if isinstance(first, Read):
                return self.read(first, then, self.value(zero, path))
            if isinstance(first, Cast) and isinstance(first.value, Read) and not zero.value:
                element = self.constant(0, first.value.dtype)
                return self.converted(
                    self.read(first.value, then, element), first.value.dtype, first.dtype
                )
        return self.add(
            arith.SelectOp(
                self.value(expr.condition, path),
                self.value(expr.then, then),
                self.value(expr.otherwise, otherwise),
            )
        )

    def read(self, expr: Read, path: Path, otherwise: SSAValue | None = None) -> SSAValue:
        """An element; guarded where it would lie outside without the conditions of `path`."""
        operands: list[SSAValue] = []
        position = self.positions(operands, path)
        places = [to_expression(self.counted(i.form), position) for i in expr.indices]
        guards: list[Affine] = []
        if otherwise is not None or not inside(expr, ()):
            guards = list(dict.fromkeys(path))
        if guards and otherwise is None:
            otherwise = self.constant(0, expr.dtype)
        where = [to_expression(self.counted(form), position) for form in guards]
        count = len(operands)
        value = self.add(
            te.ReadOp(
                self.tensors[expr.tensor],
                operands,
                AffineMap(count, 0, tuple(places)),
                AffineMap(count, 0, tuple(where)),
                otherwise if guards else None,
            )
        )
        value.name_hint = hint(expr.tensor.name)
        return value

    def counted(self, form: Affine) -> Affine:
        """A form with all axes counted from zero, as te counts them."""
        return form.substitute(self.begin, {}) if self.begin else form

    def positions(self, operands: list[SSAValue], path: Path) -> Callable[[Hashable], int]:
        """The positions of the variables of forms among `operands`, which grows."""

        def position(variable: Hashable) -> int:
            value = self.variable(variable, path)
            if value not in operands:
                operands.append(value)
            return operands.index(value)

        return position

    def variable(self, variable: Hashable, path: Path) -> SSAValue:
        """An axis, a symbolic size, or an integer that is computed."""
        if variable in self.indices:
            return self.indices[variable]
        assert isinstance(variable, Expr) and not isinstance(variable, Index)
        if variable not in self.computed:
            value = self.value(variable, path)
            self.computed[variable] = self.add(arith.IndexCastOp(value, IndexType()))
        return self.computed[variable]

    def index_value(self, form: Affine, path: Path) -> SSAValue:
        """The number that a form is."""
        total: SSAValue | None = None
        for atom, factor in form.terms.items():
            if isinstance(atom, Quotient):
                inner = self.index_value(atom.numerator, path)
                divisor = self.add(arith.ConstantOp(IntegerAttr(atom.divisor, IndexType())))
                value = self.add(arith.FloorDivSIOp(inner, divisor))
            else:
                value = self.variable(atom, path)
            if factor != 1:
                times = self.add(arith.ConstantOp(IntegerAttr(factor, IndexType())))
                value = self.add(arith.MuliOp(value, times))
            total = value if total is None else self.add(arith.AddiOp(total, value))
        if total is None or form.const:
            const = self.add(arith.ConstantOp(IntegerAttr(form.const, IndexType())))
            total = const if total is None else self.add(arith.AddiOp(total, const))
        return total


def hint(name: str) -> str:
    """The name of an element of a tensor."""
    return name.lower() if name.lower() != name else f"{name}_element"


def compute_op(
    op: Compute,
    tensors: dict[Tensor, SSAValue],
    sizes: dict[Hashable, SSAValue],
    name: str | None = None,
) -> te.ComputeOp:
    """The te.compute that a tensor is, called `name` instead of like the tensor."""
    body = op.body
    axes = [*op.axis, *op.reduce_axis]
    block = Block(arg_types=[IndexType()] * len(axes))
    builder = Builder(InsertPoint.at_end(block))
    begin: dict[Hashable, Affine] = {
        axis: Affine.variable(axis) + axis.lower for axis in axes if axis.lower != Affine({})
    }
    indices = {**sizes, **dict(zip(axes, block.args, strict=True))}
    inner = Body(builder, tensors, indices, begin)
    value = inner.value(body.value if isinstance(body, Reduce) else body)
    builder.insert(te.YieldOp(value))
    bounds: list[SSAValue] = []

    def position(variable: Hashable) -> int:
        value = sizes[variable]
        if value not in bounds:
            bounds.append(value)
        return bounds.index(value)

    extents = [to_expression(axis.upper - axis.lower, position) for axis in axes]
    return te.ComputeOp(
        name or op.name,
        [axis.name for axis in axes],
        AffineMap(len(bounds), 0, tuple(extents)),
        len(op.axis),
        Region(block),
        [tensor_type(op.tensor)],
        body.reducer if isinstance(body, Reduce) else None,
        bounds,
    )


def module_of(
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    name: str,
    order: Sequence[Compute] | None = None,
    intrinsics: Iterable[te.IntrinsicOp] = (),
) -> ModuleOp:
    """A module with one function of tensors, behind the intrinsics that it may call.

    The tensors are computed in `order`, each after what it reads. What they are called depends on
    `order` alone.
    """
    order = computes(outputs, inputs) if order is None else order
    names = unique_names(order)
    values: dict[Tensor, SSAValue] = {}
    function = FuncOp(name, ([tensor_type(v) for v in inputs], [tensor_type(v) for v in outputs]))
    builder = Builder(InsertPoint.at_end(function.body.block))
    for given, argument in zip(inputs, function.body.block.args, strict=True):
        argument.name_hint = names.get(given, given.name)
        values[given] = argument
    sizes: dict[Hashable, SSAValue] = {}
    for size in symbols_of([*inputs, *(op.tensor for op in order)]):
        sizes[size] = builder.insert(te.DimOp(size.name)).result
    for op in order:
        made = builder.insert(compute_op(op, values, sizes, names[op.tensor]))
        made.results[0].name_hint = names[op.tensor]
        values[op.tensor] = made.results[0]
    builder.insert(ReturnOp(*(values[v] for v in outputs)))
    module = ModuleOp([*(op.clone() for op in intrinsics), function])
    module.verify()
    return module


def unique_names(order: Sequence[Compute]) -> dict[Tensor, str]:
    """A name for each tensor in computations: its own, without `_` and a number at the end.

    xDSL cuts those off. One that another tensor has gets a number.
    """
    tensors = dict.fromkeys(t for op in order for t in (*op.inputs, op.tensor))
    names: dict[Tensor, str] = {}
    for value in tensors:
        wish = re.sub(r"_(\d+)$", r"\1", value.name)
        tries = (f"{wish}{number or ''}" for number in count())
        names[value] = next(n for n in tries if n not in names.values())
    return names


def computes(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Compute]:
    """The computations behind tensors, each after what it reads."""
    found: dict[Compute, None] = {}

    def visit(value: Tensor) -> None:
        op = value.op
        if isinstance(op, Compute) and op not in found and value not in inputs:
            for read in op.inputs:
                visit(read)
            found[op] = None

    for output in outputs:
        visit(output)
    return list(found)


def symbols_of(values: Sequence[Tensor]) -> list[Var]:
    """The symbolic sizes in shapes and axes, in order; two of one name are refused."""
    found: dict[str, Var] = {}
    forms = [form for value in values for form in value.extents]
    for value in values:
        if isinstance(value.op, Compute):
            forms += [f for axis in value.op.reduce_axis for f in (axis.lower, axis.upper)]
    for form in forms:
        for size in sorted((v for v in form.variables() if isinstance(v, Var)), key=str):
            if found.setdefault(size.name, size) is not size:
                raise UserError(f"two symbolic sizes are named '{size}': give one another name=")
    return list(found.values())
