"""The body of a computation as few lines: operations are folded into the line that needs them.

A value gets a line of its own where it is needed more than once, where a line would get long, and
where a store stands between a load and what needs it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from xdsl.dialects import arith
from xdsl.ir import Block, Operation, SSAValue

from analysis.affine import Affine, Ranges, from_expression
from dialects import loop, te
from dovetail.printing.expressions import Expression, affine, atom, choice, conditions
from dovetail.printing.listing import Listing
from dovetail.printing.scalars import INFIX, scalar

LONG = 100
"""A line that is longer has its longest operands on lines before it."""

COMMUTATIVE = (arith.AddfOp, arith.AddiOp, arith.MulfOp, arith.MuliOp)
AUGMENTED = (*COMMUTATIVE, arith.SubfOp, arith.SubiOp)
"""The operations that are written as `a += b`."""


@dataclass
class Body:
    """The folding of one block.

    `variables` has the forms that stand for index values and `domains` their ranges, `origins`
    has where tiles begin; `holds` says whether a form is known not to be negative, `define`
    lists a line for a value.
    """

    listing: Listing
    variables: dict[SSAValue, Affine]
    origins: dict[SSAValue, list[Affine]]
    domains: Ranges
    holds: Callable[[Affine], bool]
    define: Callable[[str, Expression], None]
    values: dict[SSAValue, Expression] = field(default_factory=dict[SSAValue, Expression])
    named: set[SSAValue] = field(default_factory=set[SSAValue])

    def form(self, value: SSAValue) -> Affine:
        """What an index value is in terms of the loops."""
        return self.variables.get(value) or self.listing.form(value)

    def index(self, value: object) -> Expression:
        """The text of a variable of forms."""
        assert isinstance(value, SSAValue)
        return self.values[value] if value in self.values else self.listing.atom(value)

    def place(self, op: loop.LoadOp | loop.StoreOp | te.ReadOp) -> list[Affine]:
        """The coordinates of an access in its buffer."""
        base = op.tensor if isinstance(op, te.ReadOp) else op.memref
        dims = [self.form(v) for v in op.indices]
        forms = [from_expression(e, dims, self.listing.ranges) for e in op.map.data.results]
        origin = self.origins.get(base)
        if origin is None:
            return forms
        return [form - start for form, start in zip(forms, origin, strict=True)]

    def element(self, op: loop.LoadOp | loop.StoreOp | te.ReadOp) -> Expression:
        """`X[c, h + kh - 1]`."""
        base = op.tensor if isinstance(op, te.ReadOp) else op.memref
        texts = [affine(form, self.index).text for form in self.place(op)]
        return atom(f"{self.listing.value(base)}[{', '.join(texts) or '()'}]", reads=True)

    def read(self, op: loop.LoadOp | te.ReadOp) -> Expression:
        """An element, or what stands for it where the guard fails."""
        element = self.element(op)
        if op.otherwise is None:
            return element
        dims = [self.form(v) for v in op.indices]
        forms = [from_expression(e, dims, self.listing.ranges) for e in op.where.data.results]
        given = [Affine.variable(v) for v in op.indices]
        lows = [
            from_expression(e, given, self.domains).interval(self.domains)[0]
            for e in op.where.data.results
        ]
        tests = [
            form
            for form, low in zip(forms, lows, strict=True)
            if not self.holds(form) and (low is None or low < 0)
        ]
        if not tests:
            return element
        guard = conditions(tests, self.index, self.listing.ranges)
        return choice(guard, element, self.text(op.otherwise))

    def text(self, value: SSAValue) -> Expression:
        """What a value is, as an operand."""
        if value in self.values:
            return self.values[value]
        if value in self.variables:
            return affine(self.variables[value], self.listing.atom)
        return self.listing.atom(value)

    def fold(self, op: Operation) -> Expression:
        """The value of one operation, its operands folded in."""
        if isinstance(op, loop.LoadOp | te.ReadOp):
            return self.read(op)
        return scalar(op, [self.text(v) for v in op.operands])

    def value(self, op: Operation) -> None:
        """Take in an operation that has a value."""
        (result,) = op.results
        text = self.fold(op)
        uses = len(list(result.uses))
        if len(text.text) > LONG and not self.is_update(result):
            self.shorten(op.operands)
            text = self.fold(op)
        self.values[result] = text
        plain = isinstance(op, loop.LoadOp | te.ReadOp) and op.otherwise is None
        once = uses <= 1 or isinstance(op, arith.ConstantOp | arith.IndexCastOp)
        if not once and not (plain and uses == 2 and len(text.text) < LONG // 4):
            self.name(result)

    def is_update(self, value: SSAValue) -> bool:
        """Whether all that is done with a value is to store it, as `a += b`."""
        users = [use.operation for use in value.uses]
        return (
            len(users) == 1
            and isinstance(users[0], loop.StoreOp)
            and self.rest(users[0]) is not None
        )

    def shorten(self, values: Sequence[SSAValue]) -> None:
        """Give the long ones of some operands lines of their own."""
        for value in values:
            if (
                value not in self.named
                and value in self.values
                and len(self.values[value].text) > LONG // 3
            ):
                self.name(value)

    def name(self, value: SSAValue) -> None:
        """Give a value a line of its own."""
        name = self.listing.names.fresh(value.name_hint)
        self.define(name, self.values[value])
        self.named.add(value)
        self.values[value] = atom(name)

    def run(self, block: Block) -> None:
        """List a block: values, and what is done with them."""
        order = {op: i for i, op in enumerate(block.ops)}
        for op in block.ops:
            if isinstance(op, loop.StoreOp):
                self.keep(order, order[op])
                self.store(op)
            elif isinstance(op, te.YieldOp):
                pass
            elif len(op.results) == 1 and not op.regions:
                self.value(op)
            else:
                self.listing.operation(op)

    def keep(self, order: dict[Operation, int], now: int) -> None:
        """Name what was read before a store and is needed after it."""
        for value, text in list(self.values.items()):
            if text.reads and any(order.get(use.operation, now) > now for use in value.uses):
                self.name(value)

    def store(self, op: loop.StoreOp) -> None:
        """`C[y, x] += a * b`, or a plain assignment."""
        target = self.element(op).text
        rest = self.rest(op)
        if rest is None:
            self.listing.line(f"{target} = {self.text(op.value).text}")
        else:
            assert isinstance(op.value.owner, Operation)
            symbol = INFIX[type(op.value.owner)][0]
            self.listing.line(f"{target} {symbol}= {self.text(rest).text}")

    def rest(self, store: loop.StoreOp) -> SSAValue | None:
        """The other operand, where a value is an operation on the element it is stored to."""
        combine = store.value.owner
        if not isinstance(combine, AUGMENTED) or store.value in self.named:
            return None
        sides = [(combine.lhs, combine.rhs), (combine.rhs, combine.lhs)]
        for old, rest in sides[: 2 if isinstance(combine, COMMUTATIVE) else 1]:
            load = old.owner
            if (
                isinstance(load, loop.LoadOp)
                and load.memref is store.memref
                and load.otherwise is None
                and old not in self.named
                and self.place(load) == self.place(store)
            ):
                return rest
        return None
