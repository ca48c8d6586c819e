"""The schedule of independent points: lanes along a contiguous axis, remainders peeled off."""

from passes.loop.library.axes import axes_of, element_bits, lane_axis, physical_order
from passes.loop.library.cuts import Loop
from passes.loop.library.recipe import Recipe
from passes.loop.library.recipes import elementwise


def vectorize_points(recipe: Recipe, name: str) -> None:
    """Schedule a block of independent points: lanes along a contiguous axis, innermost."""
    block = recipe.find(name)
    assert block is not None
    axes = axes_of(block)
    width = recipe.lanes(element_bits(block))
    lane = lane_axis(block, axes, width, packs_weights=False)
    order = tuple(physical_order(block, axes))
    if lane is None and order == tuple(a.name for a in axes) and all(a.extent != 1 for a in axes):
        return
    ones = [a.name for a in axes if a.extent == 1]
    lanes = None if lane is None else Loop(lane.name, lane.extent)
    recipe.do_all(elementwise(order, lanes, width, ones))
