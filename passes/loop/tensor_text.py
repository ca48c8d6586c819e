"""A block and a tensor instruction next to each other, for a message that says how they differ."""

from collections.abc import Callable, Mapping, Sequence
from io import StringIO

from xdsl.dialects import arith
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.printer import Printer

from dialects import loop, te
from dialects.affine_syntax import print_expression
from passes.loop.primitive import loops_around
from passes.loop.tensor_axes import shown
from passes.loop.tensor_match import Pattern, summands

INFIX = {
    "arith.addf": ("+", 1),
    "arith.addi": ("+", 1),
    "arith.subf": ("-", 1),
    "arith.subi": ("-", 1),
    "arith.mulf": ("*", 2),
    "arith.muli": ("*", 2),
    "arith.divf": ("/", 2),
    "arith.shrsi": (">>", 0),
    "arith.shli": ("<<", 0),
}
"""Operators and how tightly they bind."""

CALLS = {"maxsi": "max", "minsi": "min", "maximumf": "max", "minimumf": "min"}

CASTS = ("arith.extsi", "arith.extui", "arith.trunci", "arith.extf", "arith.truncf")

Reading = Callable[[te.ReadOp | loop.LoadOp], str]


class NamePrinter(Printer):
    """Prints values by names of its own."""

    def __init__(self, names: Mapping[SSAValue, str]) -> None:
        self.text = StringIO()
        self.names = names
        super().__init__(stream=self.text)

    def print_operand(self, operand: SSAValue) -> None:
        self.print_string(self.names.get(operand) or operand.name_hint or "?")


def access_text(
    buffer: SSAValue, indices: Sequence[SSAValue], map: AffineMap, names: Mapping[SSAValue, str]
) -> str:
    """An access: `X[n, ic, oh + kh]`."""
    printer = NamePrinter(names)
    printer.print_list(map.results, lambda expr: print_expression(printer, expr, indices))
    return f"{buffer.name_hint}[{printer.text.getvalue()}]"


def text_of(value: SSAValue, read: Reading, level: int = 0) -> str:
    """A tree of arithmetic as a line of text, in parentheses if it binds less than `level`."""
    op = value.owner
    if not isinstance(op, Operation):
        return value.name_hint or "?"
    if isinstance(op, te.ReadOp | loop.LoadOp):
        return read(op)
    if isinstance(op, arith.ConstantOp):
        number = getattr(op.value, "value", op.value)
        return str(getattr(number, "data", number))
    if op.name in INFIX:
        sign, mine = INFIX[op.name]
        left, right = (text_of(o, read, mine + i) for i, o in enumerate(op.operands))
        return f"({left} {sign} {right})" if mine < level else f"{left} {sign} {right}"
    name = op.name.rpartition(".")[2]
    name = str(op.results[0].type) if op.name in CASTS else CALLS.get(name, name)
    return f"{name}({', '.join(text_of(operand, read) for operand in op.operands)})"


def statement(reducer: str | None, target: str, value: str) -> str:
    """One statement; a reduction is an assignment with an operator."""
    if reducer is None:
        return f"{target} = {value}"
    operator = {"sum": "+=", "prod": "*="}.get(reducer)
    if operator is None:
        return f"{target} = {reducer}({target}, {value})"
    return f"{target} {operator} {value}"


def types_text(inputs: Sequence[SSAValue], result: SSAValue) -> str:
    """The element types that are read and written."""
    return f"{', '.join(str(v.type) for v in inputs)} -> {result.type}".lstrip()


def declared_text(pattern: Pattern) -> list[str]:
    """What an instruction computes, of which types, and over which axes."""
    compute = pattern.compute
    body = compute.body.block
    names: dict[SSAValue, str] = {
        v: axis.name for v, axis in zip(body.args, pattern.axes, strict=True)
    }

    def read(op: te.ReadOp | loop.LoadOp) -> str:
        assert isinstance(op, te.ReadOp)
        return access_text(op.tensor, op.indices, op.map.data, names)

    place = ", ".join(axis.name for axis in pattern.spatial)
    value = text_of(pattern.root, read)
    reads = [op.results[0] for op in body.ops if isinstance(op, te.ReadOp)]
    axes = ", ".join(f"{axis.name} < {axis.extent}" for axis in pattern.axes)
    return [
        statement(pattern.reducer, f"{compute.compute_name.data}[{place}]", value),
        types_text(reads, pattern.root),
        f"axes {axes}" if axes else "no axes",
    ]


def block_text(pattern: Pattern, block: loop.BlockOp, region: Block) -> list[str]:
    """What a region of a block computes, of which types, and in which loops."""
    names: dict[SSAValue, str] = {v: shown(v) for v in block.variables}
    names |= {a: names[v] for a, v in zip(region.args, block.variables, strict=True)}

    def place(op: loop.LoadOp | loop.StoreOp) -> str:
        return access_text(op.memref, op.indices, op.map.data, names)

    def read(op: te.ReadOp | loop.LoadOp) -> str:
        assert isinstance(op, loop.LoadOp)
        return place(op)

    lines: list[str] = []
    for store in (op for op in region.ops if isinstance(op, loop.StoreOp)):
        found = [] if pattern.reducer is None else summands(pattern.reducer, store)
        value = text_of(found[0] if found else store.value, read)
        lines.append(statement(pattern.reducer if found else None, place(store), value))
        old = found and next(v for v in store.value.owner.operands if v is not found[0])  # pyright: ignore
        reads = [op.result for op in region.ops if isinstance(op, loop.LoadOp)]
        lines.append(types_text([v for v in reads if v is not old], store.value))
    loops = ", ".join(f"{op.loop_name.data} < {op.extent}" for op in loops_around(block))
    return [*lines, f"loops {loops}" if loops else "no loops"]


def side_by_side(pattern: Pattern, block: loop.BlockOp, region: Block) -> list[str]:
    """Both, in two columns."""
    left = [pattern.name, *declared_text(pattern)]
    right = [f"block '{block.block_name.data}'", *block_text(pattern, block, region)]
    width = max(len(line) for line in left) + 4
    height = max(len(left), len(right))
    rows = zip(
        [*left, *[""] * (height - len(left))], [*right, *[""] * (height - len(right))], strict=True
    )
    return [f"{a:<{width}}{b}".rstrip() for a, b in rows]
