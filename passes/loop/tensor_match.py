"""Whether the body of a block is one element of what a tensor instruction computes.

Both are trees of arithmetic over reads: of tensors in the declaration, of buffers in the block.
They match if the trees are equal, reads aside, and each tensor stands for one access of the block.
Which loops are the axes of the instruction is decided afterwards, by the coordinates.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr, TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.traits import Commutative

from dialects import loop, te

FOLDS = {
    "sum": ("arith.addf", "arith.addi"),
    "prod": ("arith.mulf", "arith.muli"),
    "max": ("arith.maximumf", "arith.maxnumf", "arith.maxsi", "arith.maxui"),
    "min": ("arith.minimumf", "arith.minnumf", "arith.minsi", "arith.minui"),
}
"""The operations that combine two partial results of a reducer."""


@dataclass(frozen=True)
class Pattern:
    """What an instruction declares: its one computation, and the expression of an element."""

    declared: te.IntrinsicOp
    compute: te.ComputeOp

    @staticmethod
    def of(declared: te.IntrinsicOp) -> "Pattern | None":
        """The pattern of a declaration that yields one te.compute of its tensors."""
        last = declared.behaviour.block.last_op
        assert isinstance(last, te.YieldOp)
        if len(last.values) != 1 or not isinstance(last.values[0].owner, te.ComputeOp):
            return None
        compute = last.values[0].owner
        known = compute.reducer is None or compute.reducer.data in FOLDS
        if not known or len(compute.body.block.last_op.operands) != 1:  # pyright: ignore
            return None
        return Pattern(declared, compute)

    @property
    def name(self) -> str:
        return f"@{self.declared.sym_name.data}"

    @property
    def reducer(self) -> str | None:
        found = self.compute.reducer
        return None if found is None else found.data

    @property
    def root(self) -> SSAValue:
        """The value of an element, or the summand of one."""
        last = self.compute.body.block.last_op
        assert isinstance(last, te.YieldOp)
        return last.values[0]

    @property
    def axes(self) -> Sequence[SSAValue]:
        """The variables of the computation: spatial, then reduce."""
        return self.compute.body.block.args

    @property
    def tensors(self) -> list[SSAValue]:
        """The tensors that it reads, in order."""
        return [a for a in self.declared.behaviour.block.args if isinstance(a.type, TensorType)]

    @property
    def scalars(self) -> list[SSAValue]:
        """The scalar arguments, in order."""
        return [a for a in self.declared.behaviour.block.args if a not in self.tensors]


@dataclass
class Bindings:
    """What the parts of a pattern stand for in a block."""

    reads: dict[SSAValue, tuple[te.ReadOp, loop.LoadOp]] = field(
        default_factory=dict[SSAValue, tuple[te.ReadOp, loop.LoadOp]]
    )
    scalars: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])

    def copy(self) -> "Bindings":
        return Bindings(dict(self.reads), dict(self.scalars))

    def take(self, other: "Bindings") -> None:
        """Become another one."""
        self.reads, self.scalars = other.reads, other.scalars


def constant_of(value: SSAValue) -> arith.ConstantOp | None:
    """The constant that a value is."""
    owner = value.owner
    return owner if isinstance(owner, arith.ConstantOp) else None


def equal_operations(pattern: Operation, op: Operation) -> bool:
    """Whether two operations do the same; what rounding they permit may differ."""

    def properties(op: Operation) -> dict[str, object]:
        return {k: v for k, v in op.properties.items() if k != "fastmath"}

    return (
        pattern.name == op.name
        and [r.type for r in pattern.results] == [r.type for r in op.results]
        and properties(pattern) == properties(op)
        and len(pattern.operands) == len(op.operands)
    )


def match(pattern: SSAValue, value: SSAValue, found: Bindings) -> bool:
    """Whether a value of a block is what the pattern says; `found` then knows its reads."""
    if (scalar := match_scalar(pattern, value, found)) is not None:
        return scalar
    theirs, ours = pattern.owner, value.owner
    if not isinstance(theirs, Operation) or not isinstance(ours, Operation):
        return False
    if isinstance(theirs, te.ReadOp):
        return isinstance(ours, loop.LoadOp) and match_read(theirs, ours, found)
    if not equal_operations(theirs, ours):
        return False
    orders = [list(ours.operands)]
    if theirs.has_trait(Commutative) and len(ours.operands) == 2:
        orders.append(orders[0][::-1])
    for operands in orders:
        attempt = found.copy()
        if all(match(p, v, attempt) for p, v in zip(theirs.operands, operands, strict=True)):
            found.take(attempt)
            return True
    return False


def match_scalar(pattern: SSAValue, value: SSAValue, found: Bindings) -> bool | None:
    """Whether an argument of the instruction that is no tensor stands for a constant."""
    if isinstance(pattern.owner, Operation):
        return None
    constant = constant_of(value)
    if constant is None or not isinstance(constant.value, IntegerAttr):
        return False
    number = constant.value.value.data
    return value.type == pattern.type and found.scalars.setdefault(pattern, number) == number


def match_read(pattern: te.ReadOp, load: loop.LoadOp, found: Bindings) -> bool:
    """Whether a load is a tensor of the instruction, wherever that is read."""
    if pattern.result.type != load.result.type or pattern.otherwise is not None:
        return False
    known = found.reads.setdefault(pattern.tensor, (pattern, load))
    return known[1] is load


# The text of both sides, for messages.

INFIX = {
    "arith.addf": "+",
    "arith.addi": "+",
    "arith.subf": "-",
    "arith.subi": "-",
    "arith.mulf": "*",
    "arith.muli": "*",
    "arith.shrsi": ">>",
    "arith.shli": "<<",
}


def text_of(value: SSAValue, read: Callable[[Operation], str]) -> str:
    """A tree of arithmetic as a line of text."""
    op = value.owner
    if not isinstance(op, Operation):
        return value.name_hint or "?"
    if isinstance(op, te.ReadOp | loop.LoadOp):
        return read(op)
    if isinstance(op, arith.ConstantOp):
        number = op.value
        return str(number.value.data) if hasattr(number, "value") else str(number)  # pyright: ignore
    parts = [text_of(operand, read) for operand in op.operands]
    if op.name in INFIX and len(parts) == 2:
        return f"{parts[0]} {INFIX[op.name]} {parts[1]}"
    if op.name in ("arith.extsi", "arith.extui", "arith.trunci", "arith.extf", "arith.truncf"):
        return f"{op.results[0].type}({parts[0]})"
    return f"{op.name.removeprefix('arith.').removeprefix('math.')}({', '.join(parts)})"


def reads_of(op: Operation) -> Iterator[te.ReadOp | loop.LoadOp]:
    """The reads in an operation, in order."""
    for inner in op.walk():
        if isinstance(inner, te.ReadOp | loop.LoadOp):
            yield inner
