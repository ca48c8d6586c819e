"""How a block combines terms with what it accumulates, and so how partial results are combined.

A reduction of the loop dialect is a body: it loads what was accumulated, computes a term and stores
both combined. Partial results need the same step with another partial result in the place of the
term. Two kinds of steps tell which value is the term:

- a chain of one operation that is associative and commutative, such as `old + a - b`: partial
  results are combined by that operation, and begin at its identity;
- a choice, `select(c, new, old)`, of each of the accumulated values, where `c` depends on the new
  and the old ones only, as in an argmax. Partial results begin where the whole one does: what was
  chosen there is chosen again.

That a choice may be made in any order is what a reducer of the te dialect declares. Any other step
of a reducer with several values, such as that of a count, a mean and a variance, is written into
the body, where constants of the term (a count of 1) cannot be told from those of the step.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.builder import Builder
from xdsl.dialects import arith, math
from xdsl.ir import Attribute, Operation, SSAValue

from dialects import loop
from passes.loop.forms import coordinates
from passes.loop.neutral import attribute_of, limits

Step = Callable[[SSAValue, SSAValue], Operation]
"""An operation of two operands, as the class that makes it."""

CHAINS: dict[type[Operation], tuple[Step, tuple[int, ...]]] = {
    arith.AddfOp: (arith.AddfOp, (0, 1)),
    arith.SubfOp: (arith.AddfOp, (0,)),
    math.FmaOp: (arith.AddfOp, (2,)),
    arith.MulfOp: (arith.MulfOp, (0, 1)),
    arith.DivfOp: (arith.MulfOp, (0,)),
    arith.MaximumfOp: (arith.MaximumfOp, (0, 1)),
    arith.MinimumfOp: (arith.MinimumfOp, (0, 1)),
    arith.AddiOp: (arith.AddiOp, (0, 1)),
    arith.SubiOp: (arith.AddiOp, (0,)),
    arith.MuliOp: (arith.MuliOp, (0, 1)),
    arith.MaxSIOp: (arith.MaxSIOp, (0, 1)),
    arith.MinSIOp: (arith.MinSIOp, (0, 1)),
    arith.AndIOp: (arith.AndIOp, (0, 1)),
    arith.OrIOp: (arith.OrIOp, (0, 1)),
    arith.XOrIOp: (arith.XOrIOp, (0, 1)),
}
"""For the steps of a chain the operation that combines partial results, and which operands may be
what was accumulated."""


def identity_of(operation: Step, type: Attribute) -> Any:
    """The operand with which an operation of a chain gives its other one."""
    low, high = limits(type)
    table: dict[Any, Any] = {
        arith.MulfOp: 1,
        arith.MuliOp: 1,
        arith.MaximumfOp: low,
        arith.MaxSIOp: low,
        arith.MinimumfOp: high,
        arith.MinSIOp: high,
        arith.AndIOp: 1 if high == 1 else -1,
    }
    return table.get(operation, 0)


@dataclass(frozen=True)
class Accumulator:
    """A cell that a body loads, combines with a term and stores."""

    load: loop.LoadOp
    store: loop.StoreOp

    @property
    def buffer(self) -> SSAValue:
        return self.store.memref


@dataclass(frozen=True)
class Combiner(ABC):
    """The accumulators of a block."""

    accumulators: tuple[Accumulator, ...]

    @abstractmethod
    def identities(self, block: loop.BlockOp, builder: Builder) -> list[SSAValue]:
        """The values with which partial results begin."""

    @abstractmethod
    def combine(
        self, old: Sequence[SSAValue], new: Sequence[SSAValue], builder: Builder
    ) -> list[SSAValue]:
        """Partial results, combined."""


@dataclass(frozen=True)
class Chain(Combiner):
    """Accumulators that are each combined by one operation."""

    operations: tuple[Step, ...]

    def identities(self, block: loop.BlockOp, builder: Builder) -> list[SSAValue]:
        found: list[SSAValue] = []
        for accumulator, operation in zip(self.accumulators, self.operations, strict=True):
            type = accumulator.load.result.type
            number = attribute_of(type, identity_of(operation, type))
            found.append(builder.insert(arith.ConstantOp(number)).result)
        return found

    def combine(
        self, old: Sequence[SSAValue], new: Sequence[SSAValue], builder: Builder
    ) -> list[SSAValue]:
        found: list[SSAValue] = []
        for operation, a, b in zip(self.operations, old, new, strict=True):
            found.append(builder.insert(operation(a, b)).results[0])
        return found


@dataclass(frozen=True)
class Choice(Combiner):
    """Accumulators that all stay or all become new values, by one decision."""

    news: tuple[SSAValue, ...]
    steps: tuple[Operation, ...]
    """The operations between old and new values and what is stored."""

    def identities(self, block: loop.BlockOp, builder: Builder) -> list[SSAValue]:
        assert block.init is not None
        values: dict[SSAValue, SSAValue] = {}
        stored: dict[SSAValue, SSAValue] = {}
        for op in block.init.block.ops:
            if isinstance(op, loop.StoreOp):
                stored[op.memref] = values[op.value]
            elif isinstance(op, arith.ConstantOp):
                values[op.result] = builder.insert(op.clone()).result
        return [stored[a.buffer] for a in self.accumulators]

    def combine(
        self, old: Sequence[SSAValue], new: Sequence[SSAValue], builder: Builder
    ) -> list[SSAValue]:
        loads = [a.load.result for a in self.accumulators]
        values: dict[SSAValue, SSAValue] = dict(
            zip([*loads, *self.news], [*old, *new], strict=True)
        )
        for op in self.steps:
            for operand in op.operands:
                if operand not in values:
                    assert isinstance(operand.owner, arith.ConstantOp)
                    constant = builder.insert(operand.owner.clone())
                    values[operand] = constant.result
            builder.insert(op.clone(values))
        return [values[a.store.value] for a in self.accumulators]


def combiner_of(block: loop.BlockOp) -> Combiner | str:
    """How a block combines, or why that cannot be told."""
    ops = list(block.body.block.ops)
    loads = [op for op in ops if isinstance(op, loop.LoadOp)]
    found: list[Accumulator] = []
    for store in (op for op in ops if isinstance(op, loop.StoreOp)):
        mine = [
            load
            for load in loads
            if load.memref is store.memref and coordinates(load) == coordinates(store)
        ]
        if len(mine) != 1 or mine[0].otherwise is not None:
            return f"it stores to %{store.memref.name_hint} what it has not accumulated there"
        found.append(Accumulator(mine[0], store))
    accumulators = tuple(found)
    if not accumulators:
        return "it stores nothing"
    carried = carried_by(ops, accumulators)
    operations = [chain_of(a, carried) for a in accumulators]
    known = [operation for operation in operations if operation is not None]
    if len(known) == len(operations):
        return Chain(accumulators, tuple(known))
    return choice_of(ops, accumulators, carried)


def begins_with_constants(block: loop.BlockOp) -> bool:
    """Whether a block has an init region that stores constants and does nothing else."""
    return block.init is not None and all(
        isinstance(op, loop.StoreOp | arith.ConstantOp) for op in block.init.block.ops
    )


def carried_by(ops: Sequence[Operation], accumulators: Sequence[Accumulator]) -> set[SSAValue]:
    """The values that depend on what was accumulated."""
    carried: set[SSAValue] = {a.load.result for a in accumulators}
    for op in ops:
        if any(v in carried for v in op.operands):
            carried.update(op.results)
    return carried


def chain_of(accumulator: Accumulator, carried: set[SSAValue]) -> Step | None:
    """The operation that combines an accumulator with its terms; None if it is no chain of one."""
    value = accumulator.store.value
    found: Step | None = None
    while value is not accumulator.load.result:
        op = value.owner
        if not isinstance(op, Operation) or op.__class__ not in CHAINS:
            return None
        operation, places = CHAINS[op.__class__]
        onward = [i for i, v in enumerate(op.operands) if v in carried]
        if found not in (None, operation) or len(onward) != 1 or onward[0] not in places:
            return None
        found, value = operation, op.operands[onward[0]]
    return found


def choice_of(
    ops: Sequence[Operation], accumulators: tuple[Accumulator, ...], carried: set[SSAValue]
) -> Choice | str:
    """The choice that a body makes, or why it makes none."""
    news: list[SSAValue] = []
    for accumulator in accumulators:
        name, op = f"%{accumulator.buffer.name_hint}", accumulator.store.value.owner
        if not isinstance(op, arith.SelectOp):
            return (
                f"what it stores to {name} is no chain of one associative operation and no choice "
                "between the old value and a new one"
            )
        others = [v for v in op.operands[1:] if v is not accumulator.load.result]
        if len(others) != 1 or others[0] in carried:
            return f"what it stores to {name} is no choice between the old value and a new one"
        news.append(others[0])
    steps = [
        op
        for op in ops
        if any(v in carried for v in op.operands) and not isinstance(op, loop.StoreOp)
    ]
    for op in steps:
        for operand in op.operands:
            known = operand in carried or operand in news
            if not known and not isinstance(operand.owner, arith.ConstantOp):
                name = operand.name_hint or "a value"
                return f"its choice also depends on %{name}, which is no part of a partial result"
    return Choice(accumulators, tuple(news), tuple(steps))
