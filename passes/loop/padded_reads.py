"""What a padded block reads at its new points: pads, by which a reduction stays what it is.

For pad-block. Where a read is outside of its buffer at all new points of a reduction, it may find
any value there. The values are looked for with which the body leaves what it accumulates as it is;
if there are none, a read may also find a pad in place of elements that it did not read before.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product

from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    AnyFloat,
    FloatAttr,
    IntegerAttr,
    MemRefType,
)
from xdsl.ir import Attribute, SSAValue

from analysis.affine import Affine
from analysis.errors import ScheduleError
from dialects import loop
from dialects.layout import pad_of
from passes.loop.forms import coordinates
from passes.loop.neutral import Number, attribute_of, changed_store, limits
from passes.loop.padding import Conditions, Padding, is_computed_at
from passes.loop.regions import inside

MOST_COMBINATIONS = 4096
"""How many choices of pads are tried."""


def otherwise_of(load: loop.LoadOp) -> Number | None:
    """What a load gives where its guard fails, if that is a constant."""
    owner = None if load.otherwise is None else load.otherwise.owner
    value = owner.value if isinstance(owner, arith.ConstantOp) else None
    return value if isinstance(value, FloatAttr | IntegerAttr) else None


@dataclass(frozen=True)
class Guard:
    """What keeps a read inside: conditions, and the value that it gives outside."""

    conditions: Sequence[Affine]
    pad: Number


def guards_of(padding: Padding) -> dict[loop.LoadOp, Guard]:
    """The guards that reads get; refuses a reduction that no pads keep as it is."""
    for tight in (False, True):
        reads = PaddedReads(padding, tight)
        pads = reads.find_pads()
        if pads is not None:
            return reads.guards(pads)
    raise PaddedReads(padding, True).not_neutral()


@dataclass(frozen=True)
class PaddedReads:
    """The reads of a padded block.

    With `tight` a read finds a pad outside of the box that it reads at old points, else outside of
    its buffer; if it reads cells around its buffer at old points, it is that box anyway.
    """

    padding: Padding
    tight: bool

    @cached_property
    def regions(self) -> dict[loop.LoadOp, Conditions]:
        """For each read where it finds elements; elsewhere it finds a pad."""
        found: dict[loop.LoadOp, Conditions] = {}
        for load in self.padding.reads:
            if is_computed_at(load):
                found[load] = self.padding.old_points(load)
                continue
            whole = inside(load.memref, coordinates(load), self.padding.block)
            around = any(self.padding.fails(load, form, self.padding.old) for form in whole)
            found[load] = self.box_of(load, whole) if around or self.tight else whole
        return found

    def box_of(self, load: loop.LoadOp, whole: Conditions) -> Conditions:
        """Where a read is in the box of what it reads at old points."""
        if self.padding.is_moving(load):
            return whole
        found: Conditions = []
        box = self.padding.hull(load, self.padding.old)
        for i, (form, (low, high)) in enumerate(zip(coordinates(load), box, strict=True)):
            if low is None or high is None:
                found += whole[2 * i : 2 * i + 2]
            else:
                found += [form - low, form * -1 + high]
        return found

    def is_pad(self, load: loop.LoadOp, variable: int) -> bool:
        """Whether a read finds a pad at all new points of a variable of the reduction."""
        made = self.padding.points(load, self.padding.new, variable)
        return not self.padding.exists([*made, *self.regions[load]])

    def guards(self, pads: Mapping[SSAValue, Number]) -> dict[loop.LoadOp, Guard]:
        """The guards that reads get; none where memory has the pad."""
        found: dict[loop.LoadOp, Guard] = {}
        for load in self.padding.reads:
            known = otherwise_of(load), pads.get(load.memref), pad_of(load.memref.type)
            pad = next((k for k in known if k is not None), zero_of(load))
            added = self.padding.domains
            conditions = [
                form
                for form in self.regions[load]
                if any(self.padding.fails(load, form, self.padding.new, i) for i in added)
            ]
            if not conditions or (self.padding.reaches_memory(load) and self.holds(load, pad)):
                continue
            if load.otherwise is not None and otherwise_of(load) is None:
                raise self.padding.scope.error(
                    f"block '{self.padding.name}' reads %{load.memref.name_hint} under a guard "
                    "whose other value is no constant, so that no pad can be given to it"
                )
            if self.padding.is_moving(load):
                raise self.padding.scope.error(
                    f"at new points block '{self.padding.name}' reads outside of the tile "
                    f"%{load.memref.name_hint}; pad the block before the tile is made"
                )
            found[load] = Guard(conditions, pad)
        return found

    def holds(self, load: loop.LoadOp, pad: Number) -> bool:
        """Whether memory has the pad wherever a read at new points must find it."""
        needed = [i for i, loads in self.outside.items() if load in loads]
        whole = inside(load.memref, coordinates(load), self.padding.block)
        made = [self.padding.points(load, self.padding.new, i) for i in needed]
        elements = any(self.padding.exists([*m, *whole]) for m in made)
        return not needed or (pad == pad_of(load.memref.type) and not elements)

    @cached_property
    def outside(self) -> dict[int, list[loop.LoadOp]]:
        """The reads that find a pad at all new points of each variable of the reduction."""
        return {
            i: [load for load in self.padding.reads if self.is_pad(load, i)]
            for i in self.padding.reduction
        }

    def find_pads(self) -> dict[SSAValue, Number] | None:
        """The pads of what is read without a guard; None if there are none."""
        buffers = list(
            {
                load.memref: None
                for loads in self.outside.values()
                for load in loads
                if load.otherwise is None
            }
        )
        choices = [self.candidates(buffer) for buffer in buffers]
        for chosen in islice(product(*choices), MOST_COMBINATIONS):
            pads = dict(zip(buffers, chosen, strict=True))
            if all(self.is_neutral(loads, pads) for loads in self.outside.values()):
                return pads
        return None

    def is_neutral(self, loads: Sequence[loop.LoadOp], pads: Mapping[SSAValue, Number]) -> bool:
        """Whether the block keeps what it accumulates where these loads find pads."""
        known = {
            load: pads.get(load.memref) if load.otherwise is None else otherwise_of(load)
            for load in loads
        }
        return changed_store(self.padding.block, known) is None

    def candidates(self, buffer: SSAValue) -> list[Number]:
        """The pads that are tried for a buffer.

        What memory has, 0, 1, the extremes, constants of the body; NaN, which wins no comparison.
        """
        type = element_of(buffer)
        known = pad_of(buffer.type)
        found = [] if known is None else [known]
        found += [attribute_of(type, n) for n in (0, 1, *limits(type))]
        for op in self.padding.block.body.walk():
            if isinstance(op, arith.ConstantOp) and isinstance(op.value, FloatAttr | IntegerAttr):
                value = op.value.value.data
                low, high = limits(type)
                if low <= value <= high:
                    found.append(attribute_of(type, value))
        if isinstance(type, AnyFloat):
            found.append(attribute_of(type, math.nan))
        return list(dict.fromkeys(found))

    def not_neutral(self) -> ScheduleError:
        """The refusal of a reduction, by an instance that would change the result."""
        block = self.padding.block
        first = next(iter(self.outside))
        bad = next((i for i, n in self.outside.items() if not self.can_be_neutral(n)), first)
        end = self.padding.old[bad]
        hint = block.variables[bad].name_hint
        details = self.first_instance(bad, end) if end.is_constant else []
        where = end.const if end.is_constant else "its old end"
        return self.padding.scope.error(
            f"block '{self.padding.name}' would change its result where %{hint} is {where} and "
            "more: no pads of what it reads let its body leave the result as it is",
            *details,
        )

    def first_instance(self, bad: int, end: Affine) -> list[str]:
        """What the first instance would read at which a variable has a new value."""
        block = self.padding.block
        values: dict[Hashable, Affine] = {v: Affine({}) for v in block.variables}
        values[block.variables[bad]] = end
        shown = ", ".join(f"{v.name_hint} = {values[v].const}" for v in block.variables)
        details = [f"it would run at ({shown})"]
        for load in self.padding.reads:
            if load.parent_block() is block.body.block and not is_computed_at(load):
                place = [form.substitute(values, {}).const for form in coordinates(load)]
                what = "a pad" if load in self.outside[bad] else "what may be an element"
                details.append(f"it would read {what} at %{load.memref.name_hint}{place}")
        return details

    def can_be_neutral(self, loads: Sequence[loop.LoadOp]) -> bool:
        """Whether some pads of these loads let the block keep what it accumulates."""
        buffers = list({load.memref: None for load in loads if load.otherwise is None})
        choices = [self.candidates(buffer) for buffer in buffers]
        return any(
            self.is_neutral(loads, dict(zip(buffers, chosen, strict=True)))
            for chosen in islice(product(*choices), MOST_COMBINATIONS)
        )


def element_of(buffer: SSAValue) -> Attribute:
    """The element type of a buffer."""
    assert isinstance(buffer.type, MemRefType)
    return buffer.type.element_type


def zero_of(load: loop.LoadOp) -> Number:
    """A zero of what a load reads."""
    return attribute_of(load.result.type, 0)
