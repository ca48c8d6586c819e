"""What a call gives a function: arrays that fit its types, and the sizes of its dimensions."""

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import BlockArgument, Operation, OpResult, SSAValue

from analysis.errors import UserError
from backends.interpreter.scalars import Array, dtype_of

Shape = Sequence[int | str]


def spell_shape(shape: Shape) -> str:
    """`32xm` for (32, "m")."""
    return "x".join(map(str, shape)) or "scalar"


def value_name(value: SSAValue) -> str:
    """How a message names a value."""
    if value.name_hint is not None:
        return f"%{value.name_hint}"
    return f"%{value.index}" if isinstance(value, BlockArgument | OpResult) else "%?"


def check_arguments(func: FuncOp, arrays: Sequence[Array]) -> None:
    """Refuse arrays that differ from the function's parameters in number or element type."""
    name, parameters = func.sym_name.data, func.body.block.args
    if len(arrays) != len(parameters):
        raise UserError(f"@{name} takes {len(parameters)} arrays, not {len(arrays)}")
    for parameter, array in zip(parameters, arrays, strict=True):
        expected = dtype_of(parameter.type)
        if array.dtype != expected:
            raise UserError(
                f"@{name}: {value_name(parameter)} is an array of {expected}, not {array.dtype}"
            )


def solve_dims(
    func: FuncOp,
    shapes: Sequence[Shape],
    arrays: Sequence[Array],
    given: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """The size of each named dimension; all shapes must agree on it, and with the arrays."""
    name = func.sym_name.data
    found: dict[str, int] = {}
    origin: dict[str, str] = {}
    for parameter, shape, array in zip(func.body.block.args, shapes, arrays, strict=True):
        where = value_name(parameter)
        fits = len(shape) == array.ndim and all(
            isinstance(size, str) or size == actual
            for size, actual in zip(shape, array.shape, strict=True)
        )
        if not fits:
            raise UserError(
                f"@{name}: {where} has the shape {spell_shape(shape)}, "
                f"not {spell_shape(array.shape)}"
            )
        for size, actual in zip(shape, array.shape, strict=True):
            if not isinstance(size, str):
                continue
            if found.setdefault(size, actual) != actual:
                raise UserError(
                    f"@{name}: the dimension '{size}' is {found[size]} in {origin[size]} "
                    f"but {actual} in {where}"
                )
            origin.setdefault(size, where)
    for symbol, size in (given or {}).items():
        if found.setdefault(symbol, size) != size:
            raise UserError(
                f"@{name}: the dimension '{symbol}' is {found[symbol]} in {origin[symbol]} "
                f"but was given as {size}"
            )
    return found


def dim_size(symbol: str, dims: Mapping[str, int]) -> int:
    """The size of one named dimension."""
    if symbol not in dims:
        known = ", ".join(dims) or "none"
        raise UserError(
            f"nothing gives the dimension '{symbol}' a size: no argument has it, "
            f"and dims names {known}"
        )
    return dims[symbol]


def sizes_of(shape: Shape, dims: Mapping[str, int]) -> tuple[int, ...]:
    """A shape with its named dimensions replaced by their sizes."""
    return tuple(dim_size(s, dims) if isinstance(s, str) else s for s in shape)


def find_function(caller: Operation, name: str) -> FuncOp:
    """The function called `name` of the module around `caller`."""
    symbol = find_symbol(caller, name)
    if not isinstance(symbol, FuncOp) or symbol.is_declaration:
        raise UserError(f"the module has no function @{name} with a body")
    return symbol


def find_symbol(inside: Operation, name: str) -> Operation | None:
    """The operation that `name` is the symbol of, in the outermost operation."""
    top = inside
    while (parent := top.parent_op()) is not None:
        top = parent
    for region in top.regions:
        for op in region.block.ops:
            symbol = op.properties.get("sym_name")
            if isinstance(symbol, StringAttr) and symbol.data == name:
                return op
    return None
