"""Operations of a block's body, put into another body where other variables stand for its own."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from xdsl.builder import Builder
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineMap

from analysis.affine import Affine, from_expression
from dialects import loop
from passes.locations import locate
from passes.loop.forms import coordinates, map_of
from passes.loop.inline_compute import index_value


@dataclass
class Rebuilding:
    """Inserts copies of operations by a builder.

    `known` has forms for the variables of the body that they come from; `values` what stands for
    values, which grows by the results of the copies.
    """

    builder: Builder
    known: dict[Hashable, Affine]
    values: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])

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
        guard = map_of([self.form(f, op.indices) for f in guards], operands)
        maps = [AffineMap(len(operands), 0, tuple(exprs)) for exprs in (place, guard)]
        otherwise = None if op.otherwise is None else self.value(op.otherwise)
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
