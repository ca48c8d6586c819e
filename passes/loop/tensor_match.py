"""Whether the body of a block is one element of what a tensor instruction computes.

Both are trees of arithmetic over reads: of tensors in the declaration, of buffers in the block.
They match if the trees are equal, reads aside, and each tensor stands for one access of the block.
What is computed from constants alone is the number that comes out, and a number that is widened
twice is widened. Operands of a commutative operation may stand in either order, so there can be
several matches; which one is meant, and which loops are the axes of the instruction, the
coordinates decide (tensor_axes).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import IndexType, IntegerType, TensorType
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineConstantExpr, AffineDimExpr
from xdsl.traits import Commutative

from dialects import loop, te
from passes.loop.forms import coordinates
from passes.loop.tensor_values import number_of, same_number, widening
from passes.te.lower_te_to_loop import combine_op, identity_of

REDUCERS = ("sum", "prod", "max", "min")
"""The reducers that an instruction can continue from one call to the next."""

COMMUTATIVE = frozenset(
    f"arith.{name}"
    for name in (
        *("addf", "mulf", "maximumf", "minimumf", "maxnumf", "minnumf"),
        *("maxsi", "minsi", "maxui", "minui"),
    )
)
"""Operations that commute but have no trait that says so."""


@dataclass(frozen=True)
class Axis:
    """An axis of an instruction: its number in the declaration, where spatial ones come first."""

    number: int
    extent: int
    reduce: bool
    name: str = field(compare=False)


@dataclass(frozen=True)
class Pattern:
    """What an instruction declares: its one computation, and the expression of an element."""

    declared: te.IntrinsicOp
    compute: te.ComputeOp

    @staticmethod
    def of(declared: te.IntrinsicOp) -> "Pattern | str":
        """The pattern of a declaration, or why it has none."""
        last = declared.behaviour.block.last_op
        assert isinstance(last, te.YieldOp)
        if len(last.values) != 1 or not isinstance(last.values[0].owner, te.ComputeOp):
            return "it does not yield one te.compute"
        pattern = Pattern(declared, last.values[0].owner)
        return pattern.unfit() or pattern

    def unfit(self) -> str | None:
        """Why no block can be compared with the declaration; None if one can."""
        compute = self.compute
        if compute.reducer is not None and compute.reducer.data not in REDUCERS:
            return f"its reducer is {compute.reducer.data}, not one of {', '.join(REDUCERS)}"
        if len(compute.yielded) != 1:
            return f"its computation yields {len(compute.yielded)} values"
        if any(not isinstance(e, AffineConstantExpr) for e in compute.extents.data.results):
            return "its extents are not constants"
        read: dict[SSAValue, tuple[Axis, ...]] = {}
        for op in (o for o in compute.body.block.ops if isinstance(o, te.ReadOp)):
            name = f"%{op.tensor.name_hint}"
            axes = self.plain_axes(op)
            if op.tensor not in self.tensors:
                return f"it computes with {name}, which is itself computed"
            if axes is None or read.get(op.tensor, axes) != axes:
                return f"it reads {name} elsewhere than at one axis for each dimension"
            read[op.tensor] = axes
        used = {operand for op in self.declared.walk() for operand in op.operands}
        unused = [a for a in (*self.tensors, *self.scalars) if a not in used]
        return f"it does not use %{unused[0].name_hint}" if unused else None

    def plain_axes(self, read: te.ReadOp) -> tuple[Axis, ...] | None:
        """The axis that indexes each dimension of a tensor; None if there is none, or a guard."""
        by_value = dict(zip(self.compute.body.block.args, self.axes, strict=True))
        found: list[Axis] = []
        for expr in read.map.data.results:
            value = read.indices[expr.position] if isinstance(expr, AffineDimExpr) else None
            if value not in by_value:
                return None
            found.append(by_value[value])  # pyright: ignore[reportArgumentType]
        assert isinstance(read.tensor.type, TensorType)
        whole = [axis.extent for axis in found] == list(read.tensor.type.get_shape())
        fits = whole and len(set(found)) == len(found) and read.otherwise is None
        return tuple(found) if fits else None

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
        return self.compute.yielded[0]

    @property
    def axes(self) -> list[Axis]:
        """The axes of the computation: spatial, then reduce."""
        rank = self.compute.rank.data
        extents = [e.value for e in self.compute.extents.data.results]  # pyright: ignore
        names = [axis.data for axis in self.compute.axes.data]
        return [
            Axis(i, extent, i >= rank, name)
            for i, (extent, name) in enumerate(zip(extents, names, strict=True))
        ]

    @property
    def spatial(self) -> list[Axis]:
        """The axes of the result."""
        return [axis for axis in self.axes if not axis.reduce]

    @property
    def tensors(self) -> list[SSAValue]:
        """The tensors that it reads, in order."""
        return [a for a in self.declared.behaviour.block.args if isinstance(a.type, TensorType)]

    @property
    def scalars(self) -> list[SSAValue]:
        """The scalar arguments, in order."""
        return [a for a in self.declared.behaviour.block.args if a not in self.tensors]

    def element(self, tensor: SSAValue) -> tuple[Axis, ...]:
        """The axes that index a tensor."""
        for op in self.compute.body.block.ops:
            if isinstance(op, te.ReadOp) and op.tensor is tensor:
                axes = self.plain_axes(op)
                assert axes is not None
                return axes
        raise AssertionError(f"{self.name} does not read %{tensor.name_hint}")


@dataclass(frozen=True)
class Part:
    """A region of a block as a form of an instruction: its store, and what the arguments are."""

    form: str
    store: loop.StoreOp
    reads: Mapping[SSAValue, loop.LoadOp] = field(default_factory=dict[SSAValue, loop.LoadOp])
    scalars: Mapping[SSAValue, int] = field(default_factory=dict[SSAValue, int])

    def having(self, tensor: SSAValue, load: loop.LoadOp) -> "Part":
        return Part(self.form, self.store, {**self.reads, tensor: load}, self.scalars)

    def having_scalar(self, scalar: SSAValue, value: int) -> "Part":
        return Part(self.form, self.store, self.reads, {**self.scalars, scalar: value})


def parts_of(pattern: Pattern, region: Block) -> list[Part]:
    """All that a region of a block can be to an instruction."""
    stores = [op for op in region.ops if isinstance(op, loop.StoreOp)]
    if len(stores) != 1 or stores[0] is not region.last_op:
        return []
    (store,) = stores
    if pattern.reducer is None:
        return list(matches(pattern, pattern.root, store.value, Part("compute", store)))
    if is_identity(pattern.reducer, store.value):
        return [Part("reset", store)]
    return [
        part
        for value in summands(pattern.reducer, store)
        for part in matches(pattern, pattern.root, value, Part("update", store))
    ]


def is_identity(reducer: str, value: SSAValue) -> bool:
    """Whether a value is what a reducer begins with."""
    number = number_of(value)
    return number is not None and number.item() == identity_of(reducer, value.type)


def summands(reducer: str, store: loop.StoreOp) -> list[SSAValue]:
    """What a store may be adding to the element that it writes, in the sense of a reducer."""
    op = store.value.owner
    if not isinstance(op, Operation) or len(op.operands) != 2:
        return []
    step = combine_op(reducer, *op.operands)
    same = equal_operations(step, op)
    step.erase()
    pairs = (op.operands, op.operands[::-1]) if same else ()
    return [new for old, new in pairs if is_old_value(old.owner, store)]


def is_old_value(op: Operation | Block, store: loop.StoreOp) -> bool:
    """Whether an operation loads the element that a store then writes."""
    return (
        isinstance(op, loop.LoadOp)
        and op.memref is store.memref
        and op.otherwise is None
        and coordinates(op) == coordinates(store)
    )


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


def matches(pattern: Pattern, wanted: SSAValue, value: SSAValue, part: Part) -> Iterator[Part]:
    """All ways in which a value of a block is a value of the declaration, added to `part`."""
    if wanted in pattern.scalars:
        number = integer_of(value)
        if value.type == wanted.type and number is not None:
            known = part.scalars.get(wanted, number)
            yield from [part.having_scalar(wanted, number)] if known == number else []
        return
    if same_number(wanted, value):
        yield part
        return
    theirs, ours = wanted.owner, value.owner
    if not isinstance(theirs, Operation) or not isinstance(ours, Operation):
        return
    wide, found = widening(wanted), widening(value)
    if wide is not None and found is not None:
        if wide[0] is found[0] and wanted.type == value.type:
            yield from matches(pattern, wide[1], found[1], part)
        return
    if isinstance(theirs, te.ReadOp):
        if isinstance(ours, loop.LoadOp) and theirs.result.type == ours.result.type:
            known = part.reads.get(theirs.tensor, ours)
            yield from [part.having(theirs.tensor, ours)] if same_access(known, ours) else []
        return
    if not equal_operations(theirs, ours):
        return
    orders = [tuple(ours.operands)]
    if theirs.has_trait(Commutative) or theirs.name in COMMUTATIVE:
        orders.append(orders[0][::-1])
    for operands in orders:
        yield from match_all(pattern, theirs.operands, operands, part)


def match_all(
    pattern: Pattern, wanted: Sequence[SSAValue], values: Sequence[SSAValue], part: Part
) -> Iterator[Part]:
    """All ways in which values of a block are those of the declaration, one by one."""
    if not wanted:
        yield part
        return
    for first in matches(pattern, wanted[0], values[0], part):
        yield from match_all(pattern, wanted[1:], values[1:], first)


def integer_of(value: SSAValue) -> int | None:
    """The integer that a value always is."""
    if not isinstance(value.type, IndexType | IntegerType):
        return None
    number = number_of(value)
    return None if number is None else int(number.item())


def same_access(first: loop.LoadOp, second: loop.LoadOp) -> bool:
    """Whether two loads of a block read one element."""
    return first is second or (
        first.memref is second.memref
        and first.otherwise is None
        and second.otherwise is None
        and coordinates(first) == coordinates(second)
    )
