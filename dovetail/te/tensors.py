"""Tensors: those that are given, and those that an expression says, point by point.

A = t.placeholder((m, h), name="A")
k = t.reduce_axis((0, h), name="k")
C = t.compute((m, n), lambda y, x: t.sum(A[y, k] * B[x, k], axis=k))
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from analysis.affine import Affine
from analysis.errors import UserError
from dovetail.te.bounds import check, children, reads
from dovetail.te.expressions import (
    Axis,
    Expr,
    Index,
    Number,
    Read,
    Reduce,
    Var,
    as_index,
    check_dtype,
    lift,
)
from dovetail.te.names import Named, caller, place

Extent = int | Var


class Tensor(Named):
    """A tensor: a placeholder, or what an operation computes."""

    default = "T"

    def __init__(
        self, shape: tuple[Extent, ...], dtype: str, name: str | None, op: Compute | None = None
    ) -> None:
        super().__init__(name)
        self.shape = shape
        self.dtype = dtype
        self._op = op

    @property
    def op(self) -> Operation:
        """The operation that makes it."""
        return self._op or Placeholder(self)

    @property
    def extents(self) -> tuple[Affine, ...]:
        """The sizes as forms."""
        return tuple(as_index(extent).form for extent in self.shape)

    def __getitem__(self, indices: Expr | int | tuple[Expr | int, ...]) -> Expr:
        given = indices if isinstance(indices, tuple) else (indices,)
        if len(given) != len(self.shape):
            spelled = ", ".join(map(str, given))
            raise UserError(
                f"{self.name}[{spelled}]: {len(given)} {'index' if len(given) == 1 else 'indices'} "
                f"for {self}, which has {len(self.shape)} dimensions"
            )
        return Read(self, tuple(map(as_index, given)), place(caller()), self.dtype)

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype}[{', '.join(map(str, self.shape))}]"


class Operation:
    """What makes a tensor."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    @property
    def name(self) -> str:
        return self.tensor.name

    def output(self, number: int) -> Tensor:
        """The tensor that it makes."""
        if number != 0:
            raise UserError(f"{self.name} makes one tensor, not {number + 1}")
        return self.tensor


class Placeholder(Operation):
    """A tensor that is given."""


class Compute(Operation):
    """A tensor that an expression says: `body` at each point of `axis`."""

    def __init__(
        self,
        shape: tuple[Extent, ...],
        axes: tuple[Axis, ...],
        body: Expr,
        name: str | None,
    ) -> None:
        super().__init__(Tensor(shape, body.dtype, name, self))
        self.axis = axes
        self.body = body

    @property
    def reduce_axis(self) -> tuple[Axis, ...]:
        """The axes that are reduced."""
        return self.body.axes if isinstance(self.body, Reduce) else ()

    @property
    def inputs(self) -> list[Tensor]:
        """The tensors that are read, in the order of the expression."""
        return list({read.tensor: None for read, _ in reads(self.body)})


def shape_of(shape: object) -> tuple[Extent, ...]:
    """A shape of whole numbers and symbolic sizes."""
    sizes: Sequence[object] = shape if isinstance(shape, tuple | list) else (shape,)
    for size in sizes:
        whole = isinstance(size, int) and not isinstance(size, bool) and size >= 0
        if not whole and not isinstance(size, Var):
            raise UserError(f"a size is a whole number or a t.var, not {size}")
    return tuple(size for size in sizes if isinstance(size, int | Var))


def var(name: str | None = None) -> Var:
    """A symbolic size: the same in all shapes that name it."""
    return Var(name)


def placeholder(
    shape: Sequence[Extent] | Extent, dtype: str = "float32", name: str | None = None
) -> Tensor:
    """A tensor that is given."""
    return Tensor(shape_of(shape), check_dtype(dtype), name)


def reduce_axis(dom: tuple[Expr | int, Expr | int], name: str | None = None) -> Axis:
    """An axis that a computation reduces over, from `dom[0]` to `dom[1]`, the end left out."""
    lower, upper = (as_index(bound).form for bound in dom)
    return Axis(lower, upper, name, reduce=True)


def axis_names(function: Callable[..., Any], rank: int) -> list[str | None]:
    """The names that a function of axes gives them."""
    kinds = inspect.Parameter
    names: list[str | None] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is kinds.VAR_POSITIONAL:
            return [*names, *(f"i{i}" for i in range(len(names), rank))]
        optional = parameter.default is not kinds.empty
        if parameter.kind is not kinds.KEYWORD_ONLY and not optional:
            names.append(parameter.name if parameter.name.strip("_") else None)
    if len(names) != rank:
        raise UserError(
            f"the function takes {', '.join(map(str, names)) or 'nothing'} "
            f"for the axes of a shape of {rank} dimensions"
        )
    return [name or f"i{i}" for i, name in enumerate(names)]


def compute(
    shape: Sequence[Extent] | Extent,
    fcompute: Callable[..., Expr | Number],
    name: str | None = None,
    dtype: str | None = None,
) -> Tensor:
    """The tensor whose element at each point is what `fcompute` says of its axes.

    `dtype` converts the elements; those that are reduced are converted before.
    """
    sizes = shape_of(shape)
    axes = tuple(
        Axis(Affine({}), as_index(size).form, name, reduce=False)
        for name, size in zip(axis_names(fcompute, len(sizes)), sizes, strict=True)
    )
    body = lift(fcompute(*axes))
    if isinstance(body, Index):
        raise UserError(f"{body} is an index: as an element, convert it with .astype('int32')")
    if isinstance(body, Reduce):
        inner = body.value if dtype is None else body.value.astype(dtype)
        body = Reduce(body.reducer, inner, body.axes, inner.dtype)
    elif dtype is not None:
        body = body.astype(dtype)
    refuse_inner_reductions(body)
    refuse_foreign_axes(body, axes)
    check(body)
    return Compute(sizes, axes, body, name).tensor


def expressions(expr: Expr) -> Iterator[Expr]:
    """The expressions in an expression, itself first."""
    seen: set[Expr] = set()
    waiting = [expr]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            yield current
            waiting.extend(child for child, _ in children(current, ()))


def refuse_inner_reductions(body: Expr) -> None:
    """A reduction is the whole of what a tensor is."""
    for inner in expressions(body):
        if isinstance(inner, Reduce) and inner is not body:
            raise UserError(
                f"{inner} is a part of an expression: a reduction is a tensor of its own, "
                "which another t.compute reads"
            )


def refuse_foreign_axes(body: Expr, axes: Sequence[Axis]) -> None:
    """Axes come from the function's arguments and from the reduction."""
    known = {*axes, *(body.axes if isinstance(body, Reduce) else ())}
    for inner in expressions(body):
        for variable in inner.form.variables() if isinstance(inner, Index) else ():
            if isinstance(variable, Axis) and variable not in known:
                advice = (
                    f"reduce over it: t.sum(..., axis={variable})"
                    if variable.reduce
                    else "it belongs to another tensor"
                )
                raise UserError(f"{variable} is no axis of this tensor: {advice}")
