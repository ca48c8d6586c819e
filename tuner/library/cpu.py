"""Spaces of kernels on a CPU: the recipes of the schedule library with holes instead of decisions.

The reduction that does most of a kernel's work has the holes; all else is scheduled as by default.
Conditions are those of the machine: the tile fits the vector registers, the unrolled body its
limit. What would make the same kernel twice is left out by conditions as well, so that no trial is
spent on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from analysis.errors import UserError
from dialects.target import Machine
from passes.loop.library.axes import axes_of, is_weight, works_in_lanes
from passes.loop.library.cache_model import Traffic
from passes.loop.library.default import default_schedule
from passes.loop.library.facts import Facts
from passes.loop.library.inlining import inline_all, share_layouts
from passes.loop.library.recipe import Recipe
from passes.loop.library.reductions import (
    WINDOW_LIMIT,
    Plan,
    busy_cycles,
    memory_cycles,
    model_plan,
)
from passes.loop.library.tile_model import LONGEST, Tile, window_registers
from tuner.space import Condition, Configuration, Hole, Space, Value, optional

UNROLLS = (1, 2, 4, 8)
CHUNKS = (32, 64, 128, 256, 512)
"""How long a part of the sum is that serves all points before the next one."""

NOTHING = "nothing"
"""The value of a hole for a buffer, where there is none."""


def main_reduction(recipe: Recipe) -> str:
    """The reduction that does most of a kernel's work."""
    work: dict[str, int] = {}
    for name in recipe.block_names():
        block = recipe.find(name)
        if block is not None and any(block.is_reduce):
            work[name] = prod(axis.extent or 1 for axis in axes_of(block))
    if not work:
        raise UserError(
            f"@{recipe.function.sym_name.data} has no space: it reduces nothing, and its default "
            "schedule has no decisions"
        )
    return max(work, key=lambda name: work[name])


@dataclass(frozen=True)
class Reduction:
    """The reduction of a kernel whose schedule is searched; `module` has the kernel's naive loops.

    Raises UserError where it has no space.
    """

    module: ModuleOp
    machine: Machine
    _traffic: dict[tuple[Tile, int], Traffic] = field(
        default_factory=dict[tuple[Tile, int], Traffic]
    )
    _facts: dict[int, Facts] = field(default_factory=dict[int, Facts])
    _memory: dict[Plan, float] = field(default_factory=dict[Plan, float])

    def recipe(self) -> Recipe:
        """A copy of the kernel to schedule."""
        return Recipe.of_copy(self.module, self.machine)

    @cached_property
    def prepared(self) -> Recipe:
        """The kernel as the default schedule finds it when it comes to reductions."""
        recipe = self.recipe()
        inline_all(recipe)
        share_layouts(recipe)
        return recipe

    @cached_property
    def name(self) -> str:
        return main_reduction(self.prepared)

    @cached_property
    def facts(self) -> Facts:
        block = self.prepared.find(self.name)
        assert block is not None
        found = Facts.of(self.prepared, block)
        if found is None:
            raise UserError(
                f"@{self.prepared.function.sym_name.data} has no space: no axis of block "
                f"'{self.name}' lies in memory as vectors do"
            )
        if any(axis.extent is None for axis in found.axes):
            raise UserError(
                f"@{self.prepared.function.sym_name.data} has no space: block '{self.name}' has "
                "extents that are known at run time only; fix them with --dim"
            )
        return found

    @cached_property
    def window(self) -> bool:
        """Whether the default schedule unrolls the whole sum."""
        return model_plan(self.facts).window

    def steps(self, configuration: Configuration) -> Sequence[ModulePass]:
        """The primitives of a configuration."""
        recipe = self.recipe()
        default_schedule(recipe, {self.name: self.plan(configuration)})
        return recipe.steps

    def prior(self, configuration: Configuration) -> float:
        """The cycles that the models of the schedule library expect."""
        plan = self.plan(configuration)
        alike = replace(plan, unroll=1, peeled=True, unrolled=True, kept=True)
        if alike not in self._memory:
            self._memory[alike] = memory_cycles(self.wide(plan.width), alike)
        cycles = busy_cycles(self.wide(plan.width), plan) + self._memory[alike]
        return cycles * self.traffic(plan.tile, plan.width).imbalance(plan.order)

    def wide(self, width: int) -> Facts:
        """The facts with vectors of so many elements."""
        if width not in self._facts:
            self._facts[width] = replace(self.facts, width=width)
        return self._facts[width]

    def plan(self, configuration: Configuration) -> Plan:
        """The decisions that a configuration stands for."""
        tile = Tile(
            number(configuration.get("rows", 1)),
            number(configuration["columns"]),
            number(configuration.get("vectors", 1)),
        )
        order = names(configuration.get("order", self.orders[0]))
        common = Plan(
            tile,
            order,
            peeled=bool(configuration["peeled"]),
            width=number(configuration["width"]),
            unrolled=bool(configuration["unrolled"]),
            kept=bool(configuration["kept"]),
        )
        if self.window:
            held = bool(configuration.get("held", False))
            return replace(common, window=True, held=held)
        early = configuration.get("early", NOTHING)
        chunk = number(configuration.get("chunk", 0))
        return replace(
            common,
            unroll=number(configuration["unroll"]),
            sums=names(configuration.get("sums", ())),
            chunk=chunk,
            streamed=chunk > 0 or bool(configuration.get("streamed", False)),
            early=None if early == NOTHING else str(early),
            packed=bool(configuration.get("packed", True)),
        )

    def default(self) -> dict[str, Value]:
        """The configuration that is the default schedule."""
        plan = model_plan(self.facts)
        values: dict[str, Value] = {
            "rows": plan.tile.rows,
            "columns": plan.tile.columns,
            "vectors": plan.tile.vectors,
            "order": self.settled(plan.order, plan.tile, self.facts.width),
            "unroll": self.unrolled(plan),
            "held": plan.held,
            "sums": self.sums[0],
            "streamed": plan.streamed,
            "early": plan.early or NOTHING,
            "chunk": plan.chunk,
            "packed": plan.packed,
            "peeled": plan.peeled,
            "width": self.facts.width,
            "unrolled": plan.unrolled,
            "kept": plan.kept,
        }
        return {hole.name: values[hole.name] for hole in self.holes}

    def unrolled(self, plan: Plan) -> int:
        """What the sum of a plan is unrolled by in fact: 1 where no loop can be cut so."""
        return plan.unroll if self.divides(plan.unroll, (), plan.chunk) else 1

    @property
    def loops(self) -> tuple[str, ...]:
        """The loops over tiles of more than one point, those of the lanes first."""
        facts = self.facts
        return (facts.lane.name, *(axis.name for axis in facts.points))

    @cached_property
    def orders(self) -> list[tuple[str, ...]]:
        """The lanes at each place among the loops of the points."""
        return at_each_place(self.loops)

    @cached_property
    def sums(self) -> list[tuple[str, ...]]:
        """The first loop of the sum at each place among the others."""
        return at_each_place(tuple(axis.name for axis in self.facts.reduced))

    def traffic(self, tile: Tile, width: int) -> Traffic:
        """The loops over tiles of that size."""
        key = tile, width
        if key not in self._traffic:
            self._traffic[key] = self.wide(width).traffic(tile)
        return self._traffic[key]

    def settled(self, order: tuple[str, ...], tile: Tile, width: int) -> tuple[str, ...]:
        """An order in which the loops of one iteration come last, as they have no place."""
        traffic = self.traffic(tile, width)
        real = [name for name in order if traffic.trips(name) > 1]
        return next(o for o in self.orders if [n for n in o if n in real] == real)

    def divides(self, unroll: int, sums: tuple[str, ...], chunk: int) -> bool:
        """Whether a loop of the sum can be cut for unrolling (see `cut_reduction`)."""
        if unroll == 1:
            return True
        facts = self.facts
        first = (sums or tuple(axis.name for axis in facts.reduced))[0]
        for axis in facts.reduced:
            size, part = facts.size(axis), facts.chunk(axis)
            if axis.name == first and chunk:
                part = chunk
            if 1 < part < size:
                size = part
            if size > unroll and size % unroll == 0:
                return True
        return False

    @property
    def widths(self) -> list[int]:
        """The elements of vectors that the machine has, narrow ones first."""
        width = self.facts.width
        return [width // parts for parts in (4, 2, 1) if width % parts == 0 and width // parts > 1]

    @cached_property
    def holes(self) -> tuple[Hole, ...]:
        """The decisions that there are to make."""
        facts, extents = self.facts, self.facts.extents
        vectors = -(-facts.size(facts.lane) // facts.width) if self.window else extents.vectors
        found = [
            Hole("width", tuple(self.widths), "factor"),
            up_to("rows", min(extents.rows, LONGEST)),
            up_to("columns", min(extents.columns, self.machine.vector_registers)),
            up_to("vectors", min(vectors, LONGEST)),
        ]
        if self.window and facts.held:
            found.append(optional("held"))
        found.extend((optional("unrolled"), optional("kept")))
        if not self.window:
            found.append(Hole("unroll", UNROLLS, "factor"))
            found += self.holes_of_the_sum()
        found.append(Hole("order", tuple(self.orders), "order"))
        found.append(optional("peeled"))
        return tuple(found)

    def holes_of_the_sum(self) -> Iterator[Hole]:
        """How a sum that is too long to be unrolled goes on."""
        facts = self.facts
        first = facts.reduced[0]
        if len(facts.reduced) > 1:
            yield Hole("sums", tuple(self.sums), "order")
            yield optional("streamed")
            yield Hole("early", (NOTHING, *dict.fromkeys(o.name for o in facts.operands)))
        elif facts.chunk(first) == 1:
            yield Hole("chunk", (0, *(c for c in CHUNKS if c < facts.size(first))), "factor")
        weights = [a for a in facts.loads if is_weight(a.memref)]
        if weights and all(
            works_in_lanes(facts.block, access, facts.lane, facts.width) for access in weights
        ):
            yield optional("packed")

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """What is worth a trial."""
        given = {hole.name for hole in self.holes}
        return tuple(c for c in self.all_conditions() if set(c.over) <= given)

    def all_conditions(self) -> Iterator[Condition]:
        """All conditions; those over holes that are not there do not count."""
        whole, registers = self.facts.extents.columns, self.machine.vector_registers
        window, lane = self.facts.window, self.facts.lane.name

        def is_ragged(rows: int, columns: int, vectors: int, width: int) -> bool:
            facts, e = self.facts, self.facts.extents
            lanes = (facts.size(facts.lane), vectors * width)
            parts = ((e.rows, rows), (e.columns, columns), lanes)
            return any(extent % size for extent, size in parts)

        tile = ("rows", "columns", "vectors")
        yield Condition(
            "the sum is unrolled beyond a tile that is unrolled and in registers",
            ("unroll", "unrolled", "kept"),
            lambda unroll, unrolled, kept: unroll == 1 or (unrolled and kept),
        )
        yield Condition(
            "loops of one iteration have no place in the order",
            (*tile, "width", "order"),
            lambda r, c, v, width, order: self.settled(order, Tile(r, c, v), width) == order,
        )
        yield Condition(
            "there are guards to part from",
            (*tile, "width", "peeled"),
            lambda r, c, v, width, peeled: peeled or is_ragged(r, c, v, width),
        )
        if self.window:
            assert window is not None
            yield Condition(
                "operands are held beside accumulators that are kept in registers",
                ("held", "kept"),
                lambda held, kept: kept or not held,
            )
            yield Condition(
                "the tile fits the vector registers",
                (*tile, "held"),
                lambda r, c, v, held: window_registers(window, held, Tile(r, c, v)) <= registers,
            )
            yield Condition(
                f"at most {WINDOW_LIMIT} multiply-adds are unrolled",
                tile,
                lambda r, c, v: r * c * v * window.taps <= WINDOW_LIMIT,
            )
            return
        yield Condition(
            "the tile fits the vector registers",
            tile,
            lambda r, c, v: Tile(r, c, v).registers < registers,
        )
        yield Condition(
            "a tile of several rows has whole ones",
            ("rows", "columns"),
            lambda rows, columns: rows == 1 or columns == whole,
        )
        yield Condition(
            f"at most {WINDOW_LIMIT} multiply-adds are unrolled",
            (*tile, "unroll"),
            lambda r, c, v, unroll: r * c * v * unroll <= WINDOW_LIMIT,
        )
        yield Condition(
            "a loop of the sum can be unrolled so",
            ("unroll", "sums"),
            lambda unroll, sums: self.divides(unroll, sums, 0),
        )
        yield Condition(
            "a loop of the sum can be unrolled so",
            ("unroll", "chunk"),
            lambda unroll, chunk: self.divides(unroll, (), chunk),
        )
        for hole in ("streamed", "chunk"):
            yield Condition(
                "lanes are outside of parts of the sum that come one after the other",
                (hole, "order"),
                lambda parts, order: not parts or order[0] == lane,
            )


def up_to(name: str, most: int) -> Hole:
    """A number from 1 to `most`."""
    return Hole(name, tuple(range(1, most + 1)), "factor")


def at_each_place(loops: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The first of some loops at each place among the others."""
    first, rest = loops[:1], loops[1:]
    return [(*rest[:place], *first, *rest[place:]) for place in range(len(rest) + 1)]


def number(value: Value) -> int:
    assert isinstance(value, int)
    return value


def names(value: Value) -> tuple[str, ...]:
    assert isinstance(value, tuple)
    return value


def cpu_space(module: ModuleOp, machine: Machine) -> Space:
    """The space of the one kernel of a module, in naive loops; UserError where it has none."""
    reduction = Reduction(module, machine)
    facts = reduction.facts
    kind = "depthwise" if reduction.window else "matmul"
    if not reduction.window and len(facts.reduced) > 1:
        kind = "convolution"
    return Space(
        kind,
        reduction.holes,
        reduction.conditions,
        reduction.steps,
        reduction.prior,
        reduction.default(),
    )
