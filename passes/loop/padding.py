"""What a block touches at points that are added to it, as exact sets.

For pad-block. A point of a block is a value of each of its variables; the sets here are over those,
so that loops play no part, but for tiles, which begin where loops say.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import islpy as isl

from analysis.affine import Affine, Interval, from_expression
from analysis.integer_sets import Names
from dialects import loop
from dialects.layout import layout_map, layout_of, physical_shape
from passes.loop.boxes import bounding_box
from passes.loop.forms import Ranges, coordinates, forms_of
from passes.loop.instances import Access, marked
from passes.loop.primitive import Scope, accesses, loops_around
from passes.loop.regions import inside, origin_of
from passes.loop.signatures import place_by_number

Conditions = list[Affine]
"""Forms of which none is negative."""


def guard_of(access: Access) -> Conditions:
    """The guard of an access, over the variables of its region."""
    if not isinstance(access, loop.LoadOp):
        return []
    indices = [Affine.variable(v) for v in access.indices]
    return [from_expression(e, indices, {}) for e in access.where.data.results]


def is_computed_at(access: Access) -> bool:
    """Whether only a run knows the element that an access touches."""
    region = access.parent_block()
    assert region is not None
    return any(index not in region.args for index in access.indices)


@dataclass(frozen=True)
class Padding:
    """The points that a block gets where domains of its variables become larger."""

    scope: Scope
    block: loop.BlockOp
    domains: Mapping[int, Affine]
    """The new extents, by the numbers of the variables."""
    uppers: Mapping[loop.ForOp, Affine]
    """The loops that get longer, and their new ends."""
    names: Names = field(default_factory=Names)

    @cached_property
    def old(self) -> list[Affine]:
        """The domains before."""
        return forms_of(self.block, "domains")

    @cached_property
    def new(self) -> list[Affine]:
        """The domains after."""
        return [self.domains.get(i, form) for i, form in enumerate(self.old)]

    @cached_property
    def reduction(self) -> list[int]:
        """The variables of the reduction that get new points."""
        return [i for i in self.domains if self.block.is_reduce[i]]

    @cached_property
    def stores(self) -> list[loop.StoreOp]:
        """The stores, those of the init region too."""
        return [a for a in accesses(self.block) if isinstance(a, loop.StoreOp)]

    @cached_property
    def reads(self) -> list[loop.LoadOp]:
        """The loads of anything but what the block writes."""
        written = {store.memref for store in self.stores}
        loads = [a for a in accesses(self.block) if isinstance(a, loop.LoadOp)]
        return [load for load in loads if load.memref not in written]

    def points(
        self, access: Access, domains: Sequence[Affine], beyond: int | None = None
    ) -> Conditions:
        """Where an access is made at points in `domains`; `beyond` the old end of one variable."""
        region = access.parent_block()
        assert region is not None
        found: Conditions = []
        for i, (argument, domain) in enumerate(zip(region.args, domains, strict=True)):
            value = Affine.variable(argument)
            found += [value - self.old[i] if i == beyond else value, domain - value - 1]
        sizes = {v for form in domains for v in form.variables()}
        found += [*guard_of(access), *(Affine.variable(v) for v in sizes)]
        return [*found, *self.bound(access)]

    def old_points(self, access: Access) -> Conditions:
        """That an access is made at a point that was there before."""
        region = access.parent_block()
        assert region is not None
        return [self.old[i] - Affine.variable(region.args[i]) - 1 for i in self.domains]

    def bound(self, access: Access) -> Conditions:
        """For a tile, that the variables have values which iterations of the loops give them."""
        if not self.is_moving(access):
            return []
        region = access.parent_block()
        assert region is not None
        found: Conditions = []
        for argument, form in zip(region.args, forms_of(self.block, "bindings"), strict=True):
            apart = form - Affine.variable(argument)
            found += [apart, apart * -1]
        return [*found, *self.iterations, *forms_of(self.block, "where")]

    @staticmethod
    def is_moving(access: Access) -> bool:
        """Whether the buffer of an access is a tile that begins where loops say."""
        return any(form.variables() for form in origin_of(access.memref))

    @cached_property
    def iterations(self) -> Conditions:
        """The iterations of the loops around the block, the new ones too."""
        found: Conditions = []
        for op in loops_around(self.block):
            value = Affine.variable(op.induction)
            end = self.uppers.get(op)
            upper = forms_of(op, "upper")[0] if end is None else end
            found += [value - forms_of(op, "lower")[0], upper - value - 1]
        return found

    def exists(self, conditions: Sequence[Affine]) -> bool:
        """Whether some numbers make no condition negative."""
        used = {v for form in conditions for v in form.variables()}
        return not self.names.points([], conditions, used).is_empty()

    def fails(
        self,
        access: Access,
        form: Affine,
        domains: Sequence[Affine],
        beyond: int | None = None,
    ) -> bool:
        """Whether a form is negative at some point in `domains` at which an access is made."""
        low = form.interval(self.intervals(access, domains))[0]
        if low is not None and low >= 0:
            return False
        return self.exists([*self.points(access, domains, beyond), form * -1 - 1])

    @staticmethod
    def intervals(access: Access, domains: Sequence[Affine]) -> Ranges:
        """What is known of the variables of an access in `domains`."""
        region = access.parent_block()
        assert region is not None
        return {
            argument: (0, domain.const - 1 if domain.is_constant else None)
            for argument, domain in zip(region.args, domains, strict=True)
        }

    def witness(self, conditions: Sequence[Affine]) -> dict[Hashable, int]:
        """Numbers that make no condition negative; asked where there are some."""
        used = list({v: None for form in conditions for v in form.variables()})
        found = self.names.points([Affine.variable(v) for v in used], conditions, used)
        point = found.lexmin().sample_point()
        values = [point.get_coordinate_val(isl.dim_type.set, i) for i in range(len(used))]
        return {v: n.to_python() for v, n in zip(used, values, strict=True)}

    def hull(self, access: Access, domains: Sequence[Affine]) -> list[Interval]:
        """The least and the largest coordinates that an access touches, where constants."""
        place, conditions = coordinates(access), self.points(access, domains)
        used = {v for form in (*place, *conditions) for v in form.variables()}
        return bounding_box(self.names.points(place, conditions, used), len(place))

    def reaches_memory(self, access: Access) -> bool:
        """Whether the layout of the buffer has a cell for all that an access touches."""
        if layout_of(access.memref.type) is None or self.is_moving(access):
            return False
        place = coordinates(access)
        results = layout_map(access.memref.type).results
        for expr, extent in zip(results, physical_shape(access.memref.type), strict=True):
            form = from_expression(expr, place, {})
            if isinstance(extent, str):
                if form not in place or self.is_longer(access, place.index(form)):
                    return False
            elif any(self.fails(access, f, self.new) for f in (form, form * -1 + (extent - 1))):
                return False
        return True

    def is_longer(self, access: Access, dimension: int) -> bool:
        """Whether an access leaves its buffer along a dimension at new points."""
        whole = inside(access.memref, coordinates(access), self.block)
        limits = whole[2 * dimension : 2 * dimension + 2]
        return any(self.fails(access, f, self.new, i) for i in self.domains for f in limits)

    def overwrites(self, store: loop.StoreOp, other: Access) -> dict[Hashable, int] | None:
        """A new spatial point that writes what another access touches at an old point."""
        spatial = set(self.domains) - set(self.reduction)
        mine = place_by_number(store)
        if mine is not None and mine == place_by_number(other):
            spatial -= {number for number, _ in mine}  # which tell the points apart
        if not spatial:
            return None
        kept = {v for form in self.old for v in form.variables()}
        theirs = [marked(f, kept) for f in self.points(other, self.old)]
        place = [marked(f, kept) for f in coordinates(other)]
        apart = [f - g for f, g in zip(coordinates(store), place, strict=True)]
        for i in spatial:
            made = self.points(store, self.new, i)
            conditions = [*made, *theirs, *apart, *(f * -1 for f in apart)]
            if self.exists(conditions):
                return self.witness(conditions)
        return None

    @property
    def name(self) -> str:
        return self.block.block_name.data
