"""Operations of a block's body, put into another body where other variables stand for its own."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from xdsl.builder import Builder
from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineMap

from analysis.affine import Affine, Quotient, from_expression
from dialects import loop
from passes.locations import locate
from passes.loop.forms import coordinates, map_of


def index_value(form: Affine, builder: Builder) -> SSAValue:
    """Operations that compute a form of index values."""

    def number(value: int) -> SSAValue:
        return builder.insert(arith.ConstantOp(IntegerAttr(value, IndexType()))).result

    total: SSAValue | None = number(form.const) if form.const or not form.terms else None
    for atom, coefficient in form.terms.items():
        if isinstance(atom, Quotient):
            top = index_value(atom.numerator, builder)
            value = builder.insert(arith.FloorDivSIOp(top, number(atom.divisor))).result
        else:
            assert isinstance(atom, SSAValue)
            value = atom
        if coefficient != 1:
            value = builder.insert(arith.MuliOp(value, number(coefficient))).result
        total = value if total is None else builder.insert(arith.AddiOp(total, value)).result
    assert total is not None
    return total


@dataclass
class Rebuilding:
    """Inserts copies of operations by a builder.

    `known` has forms for the variables of the body that they come from; `values` what stands for
    values, which grows by the results of the copies. Copies of loads touch memory only where no
    form of `guard` is negative, elsewhere they give a value of `pads`.
    """

    builder: Builder
    known: dict[Hashable, Affine]
    values: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    guard: Sequence[Affine] = ()
    pads: dict[loop.LoadOp, SSAValue] = field(default_factory=dict["loop.LoadOp", SSAValue])

    def insert(self, op: Operation) -> None:
        """Insert a copy of an operation."""
        match op:
            case loop.LoadOp():
                new: Operation = self.load(op)
            case loop.StoreOp():
                operands, place = self.place(op)
                new = loop.StoreOp(self.value(op.value), op.memref, operands, place)
            case _:
                for operand in op.operands:
                    self.value(operand)
                new = op.clone(self.values)
        self.builder.insert(new)
        locate(op.location, new)
        for old, result in zip(op.results, new.results, strict=True):
            self.values[old] = result
            result.name_hint = old.name_hint

    def value(self, value: SSAValue) -> SSAValue:
        """What stands for a value; a variable is computed from its form."""
        if value in self.known and value not in self.values:
            self.values[value] = index_value(self.known[value], self.builder)
        return self.values.get(value, value)

    def load(self, op: loop.LoadOp) -> loop.LoadOp:
        """A load over the other variables, with its guard."""
        indices = [Affine.variable(v) for v in op.indices]
        guards = [from_expression(e, indices, {}) for e in op.where.data.results]
        operands: list[SSAValue] = []
        place = map_of([self.form(f, op.indices) for f in coordinates(op)], operands)
        inner = [self.form(f, op.indices) for f in guards]
        guard = map_of(list(dict.fromkeys([*self.guard, *inner])), operands)
        maps = [AffineMap(len(operands), 0, tuple(exprs)) for exprs in (place, guard)]
        otherwise = self.pads.get(op) if op.otherwise is None else self.value(op.otherwise)
        return loop.LoadOp(op.memref, operands, maps[0], maps[1], otherwise)

    def place(self, op: loop.StoreOp) -> tuple[list[SSAValue], AffineMap]:
        """Where a store goes, over the other variables."""
        operands: list[SSAValue] = []
        exprs = map_of([self.form(f, op.indices) for f in coordinates(op)], operands)
        return operands, AffineMap(len(operands), 0, tuple(exprs))

    def form(self, form: Affine, indices: Sequence[SSAValue]) -> Affine:
        """A form over the other variables; an index that was computed is its copy."""
        forms: dict[Hashable, Affine] = {
            v: self.known[v] if v in self.known else Affine.variable(self.values.get(v, v))
            for v in indices
        }
        return form.substitute(forms, {})
