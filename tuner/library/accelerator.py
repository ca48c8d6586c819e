"""Spaces of kernels on an accelerator: the tiles of its memories, threads and the order of tiles.

A tiling is feasible if the tiles of all virtual threads are in the memories at the same time. What
an axis is cut into are the sizes that divide it, in whole calls of the instruction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dialects.target import Machine
from passes.loop.library.accelerator import Tiling, accelerate, default_problem, default_tiling
from passes.loop.library.accelerator_model import Problem, divisors
from passes.loop.library.axes import Axis
from passes.loop.library.recipe import Recipe
from tuner.space import Condition, Configuration, Hole, Space, Value

THREADS = 2
NO_THREAD = "none"
"""The value of the hole for the axis that threads share, where there are no threads."""

MOST_ORDERED = 4
"""So many axes change places; of more, the first ones stay where they are."""


@dataclass(frozen=True)
class Accelerated:
    """The one reduction of a kernel, and what follows it; `module` has the kernel's naive loops.

    Raises ScheduleError where the accelerator does not compute it.
    """

    module: ModuleOp
    machine: Machine

    def recipe(self) -> Recipe:
        """A copy of the kernel to schedule."""
        return Recipe.of_copy(self.module, self.machine)

    @cached_property
    def problem(self) -> Problem:
        return default_problem(self.recipe())

    @property
    def free(self) -> list[Axis]:
        """The axes that tiles may cut."""
        return [a for a in self.problem.axes if not a.reduce or a.name in self.problem.steps]

    @property
    def spatial(self) -> list[Axis]:
        return [a for a in self.problem.axes if not a.reduce]

    @cached_property
    def moving(self) -> tuple[str, ...]:
        """The axes of the result that there may be several tiles along."""
        steps = self.problem.steps
        several = (a.name for a in self.spatial if (a.extent or 1) > steps.get(a.name, 1))
        return tuple(several)[-MOST_ORDERED:]

    @cached_property
    def holes(self) -> tuple[Hole, ...]:
        """The sizes of tiles, the axis that threads share, the order of the loops over tiles."""
        found = [
            Hole(axis.name, tuple(sizes), "factor")
            for axis in self.free
            if len(sizes := divisors(axis.extent or 1, self.problem.steps.get(axis.name, 1))) > 1
        ]
        found.append(Hole("thread", (NO_THREAD, *self.moving)))
        if len(self.moving) > 1:
            found.append(Hole("order", tuple(permutations(self.moving)), "order"))
        return tuple(found)

    def sizes(self, configuration: Configuration) -> dict[str, int]:
        """The tile's elements along each axis."""
        found: dict[str, int] = {}
        for axis in self.problem.axes:
            value = configuration.get(axis.name, axis.extent)
            assert isinstance(value, int)
            found[axis.name] = value
        return found

    def trips(self, axis: str, sizes: dict[str, int]) -> int:
        """How many tiles there are along an axis."""
        extent = next(a.extent for a in self.problem.axes if a.name == axis)
        return (extent or 1) // sizes[axis]

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """What is worth a trial."""
        factors = tuple(hole.name for hole in self.holes if hole.kind == "factor")

        def sizes_of(values: Sequence[Value]) -> dict[str, int]:
            return self.sizes(dict(zip(factors, values, strict=True)))

        def fits(*values: Value) -> bool:
            *given, thread = values
            return self.problem.fits(sizes_of(given), 1 if thread == NO_THREAD else THREADS)

        def shares(*values: Value) -> bool:
            *given, thread = values
            return thread == NO_THREAD or not self.trips(str(thread), sizes_of(given)) % THREADS

        def settled(*values: Value) -> bool:
            *given, order = values
            assert isinstance(order, tuple)
            sizes = sizes_of(given)
            still = [name for name in order if self.trips(name, sizes) == 1]
            at_end = [name for name in self.moving if name in still]
            return list(order[len(order) - len(still) :]) == at_end

        found = [
            Condition("the tiles of all threads fit the memories", (*factors, "thread"), fits),
            Condition("the threads have equal shares", (*factors, "thread"), shares),
        ]
        if len(self.moving) > 1:
            found.append(
                Condition(
                    "loops of one iteration have no place in the order",
                    (*factors, "order"),
                    settled,
                )
            )
        return tuple(found)

    def tiling(self, configuration: Configuration) -> Tiling:
        """What a configuration stands for."""
        thread, order = configuration["thread"], configuration.get("order", ())
        assert isinstance(order, tuple)
        return Tiling(
            self.sizes(configuration), None if thread == NO_THREAD else str(thread), THREADS, order
        )

    def steps(self, configuration: Configuration) -> Sequence[ModulePass]:
        """The primitives of a configuration."""
        recipe = self.recipe()
        accelerate(recipe, self.tiling(configuration))
        return recipe.steps

    def prior(self, configuration: Configuration) -> float:
        """The cycles that the model of the accelerator expects."""
        threads = 1 if configuration["thread"] == NO_THREAD else THREADS
        return self.problem.cycles(self.sizes(configuration), threads)

    def default(self) -> dict[str, Value] | None:
        """The configuration that is the default schedule; None where its tiles have tails."""
        tiling = default_tiling(self.recipe())
        values: dict[str, Value] = {
            **tiling.sizes,
            "thread": tiling.thread or NO_THREAD,
            "order": self.moving,
        }
        if len(self.moving) > 1:
            sizes = dict(tiling.sizes)
            still = [name for name in self.moving if self.trips(name, sizes) == 1]
            values["order"] = (*(n for n in self.moving if n not in still), *still)
        found = {hole.name: values[hole.name] for hole in self.holes}
        known = all(found[hole.name] in hole.choices for hole in self.holes)
        return found if known else None


def accelerator_space(module: ModuleOp, machine: Machine) -> Space:
    """The space of the one kernel of a module, in naive loops."""
    kernel = Accelerated(module, machine)
    reduced = [axis for axis in kernel.problem.axes if axis.reduce]
    return Space(
        "matmul" if len(reduced) == 1 else "convolution",
        kernel.holes,
        kernel.conditions,
        kernel.steps,
        kernel.prior,
        kernel.default(),
    )
