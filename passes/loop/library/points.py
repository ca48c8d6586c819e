"""The schedule of independent points: lanes along a contiguous axis, remainders peeled off."""

from analysis.affine import Affine
from analysis.errors import ScheduleError
from dialects import loop
from passes.loop.forms import forms_of
from passes.loop.library.axes import (
    Axis,
    axes_of,
    element_bits,
    is_vector,
    lane_axis,
    physical_order,
)
from passes.loop.library.recipe import Recipe
from passes.loop.peel_loop import PeelLoopPass, full_iterations
from passes.loop.reorder_loops import ReorderLoopsPass
from passes.loop.split_loop import SplitLoopPass
from passes.loop.unroll_loop import UnrollLoopPass
from passes.loop.vectorize_loop import VectorizeLoopPass


def vectorize_points(recipe: Recipe, name: str) -> None:
    """Schedule a block of independent points: lanes along a contiguous axis, innermost."""
    block = recipe.find(name)
    assert block is not None
    axes = axes_of(block)
    width = recipe.lanes(element_bits(block))
    lane = lane_axis(block, axes, width, packs_weights=False)
    ones = [a.name for a in axes if a.extent == 1]
    order = [n for n in physical_order(block, axes) if n not in ones] + ones
    for one in ones:
        recipe.do(UnrollLoopPass(one))
    if lane is None:
        if [a.name for a in axes] != order and len(order) > 1:
            recipe.do(ReorderLoopsPass(tuple(order)))
        return
    inner = split_lane(recipe, lane, width)
    outer = [f"{lane.name}_o" if n == lane.name and inner != lane.name else n for n in order]
    wanted = [n for n in outer if n != inner] + [inner]
    if len(wanted) > 1:
        recipe.do(ReorderLoopsPass(tuple(wanted)))
    recipe.do(VectorizeLoopPass(inner))
    peel_where_needed(recipe, [n for n in wanted if n != inner and n not in ones])


def split_lane(recipe: Recipe, lane: Axis, width: int) -> str:
    """Cut vectors off an axis; returns the loop of the lanes."""
    if is_vector(lane.extent, width):
        return lane.name
    recipe.do(SplitLoopPass(lane.name, width))
    return f"{lane.name}_i"


def peel_where_needed(recipe: Recipe, names: list[str]) -> None:
    """Peel the loops whose last iterations need guards, innermost first."""
    for name in reversed(names):
        op = next(
            (
                o
                for o in recipe.function.walk()
                if isinstance(o, loop.ForOp) and o.loop_name.data == name
            ),
            None,
        )
        if op is None or op.kind.data != "serial":
            continue
        counts = full_iterations(op)
        lower = forms_of(op, "lower")[0]
        if is_worth_peeling(counts, lower):
            try:
                recipe.do(PeelLoopPass(name))
            except ScheduleError:  # the cut depends on loops around it
                continue


def is_worth_peeling(counts: list[Affine], lower: Affine) -> bool:
    """Whether a loop has a part without guards: known to have one, or of unknown size."""
    if len(counts) == 1 and not counts[0].is_constant:
        return True
    return bool(counts) and all(c.is_constant and c.const > lower.const for c in counts)
