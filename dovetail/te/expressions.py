"""Expressions: what is computed at one point of a tensor, written with Python's operators.

An expression has a dtype. Those of dtype "index" are affine forms of axes and symbolic sizes; as
values they are cast first (`i.astype("float32")`). Both sides of an operator have one dtype, which
Python's numbers take on; nothing is converted silently. Conditions are expressions of dtype "bool".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analysis.affine import Affine, Quotient
from analysis.errors import UserError, nearest
from dovetail.te.names import Named

if TYPE_CHECKING:
    from dovetail.te.tensors import Tensor

DTYPES = ("float32", "float64", "float16", "int8", "int16", "int32", "int64", "bool")
INDEX, BOOL = "index", "bool"

Number = int | float


def check_dtype(dtype: str) -> str:
    """Refuse an element type that there is not."""
    if dtype not in DTYPES:
        raise UserError(f"dtype '{dtype}': {nearest(str(dtype), DTYPES)}")
    return dtype


def is_float(dtype: str) -> bool:
    return dtype.startswith("float")


class Expr:
    """A scalar expression. Comparisons give conditions, so `==` does not compare objects."""

    dtype: str
    __hash__ = object.__hash__

    def __add__(self, other: Expr | Number) -> Expr:
        return binary("+", self, other)

    def __radd__(self, other: Number) -> Expr:
        return binary("+", other, self)

    def __sub__(self, other: Expr | Number) -> Expr:
        return binary("-", self, other)

    def __rsub__(self, other: Number) -> Expr:
        return binary("-", other, self)

    def __mul__(self, other: Expr | Number) -> Expr:
        return binary("*", self, other)

    def __rmul__(self, other: Number) -> Expr:
        return binary("*", other, self)

    def __truediv__(self, other: Expr | Number) -> Expr:
        return binary("/", self, other)

    def __rtruediv__(self, other: Number) -> Expr:
        return binary("/", other, self)

    def __floordiv__(self, other: Expr | Number) -> Expr:
        return binary("//", self, other)

    def __mod__(self, other: Expr | Number) -> Expr:
        return binary("%", self, other)

    def __rshift__(self, other: Expr | Number) -> Expr:
        return binary(">>", self, other)

    def __lshift__(self, other: Expr | Number) -> Expr:
        return binary("<<", self, other)

    def __and__(self, other: Expr | Number) -> Expr:
        return binary("&", self, other)

    def __or__(self, other: Expr | Number) -> Expr:
        return binary("|", self, other)

    def __xor__(self, other: Expr | Number) -> Expr:
        return binary("^", self, other)

    def __neg__(self) -> Expr:
        return binary("-", 0, self)

    def __abs__(self) -> Expr:
        return call("abs", self)

    def __lt__(self, other: Expr | Number) -> Expr:
        return compare("<", self, other)

    def __le__(self, other: Expr | Number) -> Expr:
        return compare("<=", self, other)

    def __gt__(self, other: Expr | Number) -> Expr:
        return compare(">", self, other)

    def __ge__(self, other: Expr | Number) -> Expr:
        return compare(">=", self, other)

    def __eq__(self, other: object) -> Expr:  # pyright: ignore[reportIncompatibleMethodOverride]
        return compare("==", self, other)

    def __ne__(self, other: object) -> Expr:  # pyright: ignore[reportIncompatibleMethodOverride]
        return compare("!=", self, other)

    def __bool__(self) -> bool:
        raise UserError(
            f"{self} has no truth value before it is computed: join conditions with t.all and "
            "t.any, choose between values with t.if_then_else"
        )

    def astype(self, dtype: str) -> Expr:
        """This value converted; an integer `astype("index")` can stand in an index."""
        if dtype == INDEX:
            return as_index(self)
        check_dtype(dtype)
        return self if dtype == self.dtype else Cast(self, dtype)


@dataclass(frozen=True, eq=False)
class Const(Expr):
    """A number."""

    value: Number
    dtype: str

    def __str__(self) -> str:
        return str(self.value)


class Index(Expr):
    """An affine form of axes, symbolic sizes and computed integers."""

    def __init__(self, form: Affine) -> None:
        self.form = form
        self.dtype = INDEX

    def __str__(self) -> str:
        return spell(self.form)


class Variable(Index, Named):
    """A name in indices: an axis, or a symbolic size."""

    def __init__(self, name: str | None) -> None:
        Named.__init__(self, name)
        Index.__init__(self, Affine.variable(self))

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return self.name


class Var(Variable):
    """A symbolic size, which the arrays of a call decide."""

    default = "n"


class Axis(Variable):
    """An axis of a computation: the integers from `lower` to `upper`, the end left out."""

    default = "k"

    def __init__(self, lower: Affine, upper: Affine, name: str | None, reduce: bool) -> None:
        super().__init__(name)
        self.lower = lower
        self.upper = upper
        self.reduce = reduce


@dataclass(frozen=True, eq=False)
class Cast(Expr):
    """A value converted to another dtype."""

    value: Expr
    dtype: str

    def __str__(self) -> str:
        return f"{self.value}.astype('{self.dtype}')"


@dataclass(frozen=True, eq=False)
class Binary(Expr):
    """Two values of one dtype and what they make."""

    op: str
    left: Expr
    right: Expr
    dtype: str

    def __str__(self) -> str:
        if self.op in ("max", "min"):
            return f"{self.op}({self.left}, {self.right})"
        return f"({self.left} {self.op} {self.right})"


@dataclass(frozen=True, eq=False)
class Compare(Expr):
    """A condition on two values of one dtype."""

    op: str
    left: Expr
    right: Expr
    dtype: str = field(default=BOOL, init=False)

    def __str__(self) -> str:
        return f"{self.left} {self.op} {self.right}"

    def forms(self) -> list[Affine] | None:
        """The forms that are not negative where it holds; None if it is about no indices."""
        if not isinstance(self.left, Index) or not isinstance(self.right, Index):
            return None
        difference = self.right.form - self.left.form
        match self.op:
            case "<":
                return [difference - 1]
            case "<=":
                return [difference]
            case ">":
                return [difference * -1 - 1]
            case ">=":
                return [difference * -1]
            case "==":
                return [difference, difference * -1]
            case _:
                return None


@dataclass(frozen=True, eq=False)
class Call(Expr):
    """A function of one value, such as exp."""

    function: str
    value: Expr
    dtype: str

    def __str__(self) -> str:
        return f"{self.function}({self.value})"


@dataclass(frozen=True, eq=False)
class Select(Expr):
    """One of two values; the other one is not looked at."""

    condition: Expr
    then: Expr
    otherwise: Expr
    dtype: str

    def __str__(self) -> str:
        return f"if_then_else({self.condition}, {self.then}, {self.otherwise})"


@dataclass(frozen=True, eq=False)
class Read(Expr):
    """An element of a tensor; `where` is the user's line."""

    tensor: Tensor
    indices: tuple[Index, ...]
    where: str
    dtype: str

    def __str__(self) -> str:
        return f"{self.tensor.name}[{', '.join(map(str, self.indices))}]"


@dataclass(frozen=True, eq=False)
class Reduce(Expr):
    """A value combined over reduced axes."""

    reducer: str
    value: Expr
    axes: tuple[Axis, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{self.reducer}({self.value}, axis={', '.join(map(str, self.axes))})"


def spell(form: Affine) -> str:
    """A form as a user writes it: `y*2 + k - 1`."""
    text = ""
    for atom, factor in form.terms.items():
        if isinstance(atom, Quotient):
            name = f"({spell(atom.numerator)})//{atom.divisor}"
        else:
            name = str(atom)
        term = name if abs(factor) == 1 else f"{name}*{abs(factor)}"
        sign = "-" if factor < 0 else "+"
        text = f"{text} {sign} {term}" if text else (f"-{term}" if factor < 0 else term)
    if not text:
        return str(form.const)
    return text if not form.const else f"{text} {'-' if form.const < 0 else '+'} {abs(form.const)}"


def as_index(value: Expr | int) -> Index:
    """A value that can stand in an index: affine as it is, else a computed integer."""
    if isinstance(value, Index):
        return value
    if isinstance(value, Const) and isinstance(value.value, int):
        return Index(Affine({}, value.value))
    if isinstance(value, int) and not isinstance(value, bool):
        return Index(Affine({}, value))
    if isinstance(value, Expr) and value.dtype.startswith("int"):
        return Index(Affine.variable(value))
    what = value.dtype if isinstance(value, Expr) else type(value).__name__
    raise UserError(f"{value}: an index is an integer, not {what}")


def constant(value: object, dtype: str) -> Expr:
    """A Python number as a constant of a dtype that can hold it."""
    if not isinstance(value, int | float):
        raise UserError(f"{value!r} is no number and no expression of tensors")
    if dtype == INDEX:
        return as_index(value) if isinstance(value, int) else Const(value, "float32")
    if not is_float(dtype) and not float(value).is_integer():
        raise UserError(f"{value} is no {dtype}: convert the other side with .astype('float32')")
    if dtype.startswith("int"):
        width = int(dtype[3:]) - 1
        if not -(1 << width) <= value < 1 << width:
            raise UserError(f"{value} is out of the range of {dtype}")
        return Const(int(value), dtype)
    return Const(value, dtype)


def lift(value: object) -> Expr:
    """An expression; a bare number is a float32, an int32 or a bool."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, bool):
        return Const(value, BOOL)
    return constant(value, "int32" if isinstance(value, int) else "float32")


def matched(op: str, left: object, right: object) -> tuple[Expr, Expr]:
    """Two operands of one dtype; a number takes on that of the other one."""
    if isinstance(left, Expr) and not isinstance(right, Expr):
        right = constant(right, left.dtype)
    elif isinstance(right, Expr) and not isinstance(left, Expr):
        left = constant(left, right.dtype)
    a, b = lift(left), lift(right)
    if a.dtype != b.dtype:
        index = a if a.dtype == INDEX else b if b.dtype == INDEX else None
        other = b if index is a else a
        advice = (
            f"convert one with .astype('{a.dtype}')"
            if index is None
            else f"write ({index}).astype('{other.dtype}')"
        )
        raise UserError(f"{a} {op} {b}: the dtypes are {a.dtype} and {b.dtype}; {advice}")
    return a, b


def binary(op: str, left: object, right: object) -> Expr:
    """`left op right`."""
    a, b = matched(op, left, right)
    if isinstance(a, Index) and isinstance(b, Index):
        return index_arithmetic(op, a, b)
    if op == "/" and not is_float(a.dtype):
        raise UserError(f"{a} / {b}: integers are divided with //; or convert with .astype")
    if op in (">>", "<<", "&", "|", "^", "//", "%") and is_float(a.dtype):
        raise UserError(f"{a} {op} {b}: {a.dtype} has no {op}; it is for integers")
    if a.dtype == BOOL and op not in ("&", "|", "^"):
        raise UserError(f"{a} {op} {b}: a condition has no {op}; convert it with .astype")
    return Binary(op, a, b, a.dtype)


def index_arithmetic(op: str, left: Index, right: Index) -> Expr:
    """Arithmetic of indices, which stays affine."""
    a, b = left.form, right.form
    if op == "+":
        return Index(a + b)
    if op == "-":
        return Index(a - b)
    if op == "*" and (a.is_constant or b.is_constant):
        return Index(a * b.const if b.is_constant else b * a.const)
    if op in ("//", "%") and b.is_constant and b.const > 0:
        return Index(a.floordiv(b.const, {}) if op == "//" else a.mod(b.const, {}))
    raise UserError(
        f"({left}) {op} ({right}) is not affine: compute it with .astype('int32') on both sides"
    )


def compare(op: str, left: object, right: object) -> Expr:
    """The condition `left op right`."""
    a, b = matched(op, left, right)
    if a.dtype == BOOL:
        raise UserError(f"{a} {op} {b}: conditions are joined with t.all and t.any")
    return Compare(op, a, b)


FUNCTIONS = ("abs", "ceil", "erf", "exp", "floor", "log", "sqrt", "tanh")


def call(function: str, value: Expr | Number) -> Expr:
    """A function of one value."""
    expr = lift(value)
    if not is_float(expr.dtype) and not (function == "abs" and expr.dtype.startswith("int")):
        raise UserError(f"{function}({expr}): it is for floats, not {expr.dtype}")
    return Call(function, expr, expr.dtype)


def unary(function: str) -> Callable[[Expr | Number], Expr]:
    """The function of that name."""

    def apply(value: Expr | Number) -> Expr:
        return call(function, value)

    apply.__name__ = apply.__qualname__ = function
    apply.__doc__ = f"The {function} of a float, point by point."
    return apply


def conditions(given: Sequence[object]) -> list[Expr]:
    """Expressions that are conditions."""
    found = [lift(value) for value in given]
    for value in found:
        if value.dtype != BOOL:
            raise UserError(f"{value} is a {value.dtype}, no condition: compare it with something")
    if not found:
        raise UserError("no conditions are given")
    return found


def joined(op: str, given: Sequence[object]) -> Expr:
    """Conditions joined by `&` or `|`."""
    result, *rest = conditions(given)
    for other in rest:
        result = Binary(op, result, other, BOOL)
    return result


def conjuncts(condition: Expr) -> list[Affine] | None:
    """The forms that are not negative where a condition holds, if such forms say all of it."""
    if isinstance(condition, Binary) and condition.op == "&":
        left, right = conjuncts(condition.left), conjuncts(condition.right)
        return None if left is None or right is None else [*left, *right]
    return condition.forms() if isinstance(condition, Compare) else None
