"""The default schedule of a kernel: good without tuning, for any function of loops.

1. Computations that only feed others are inlined.
2. A reduction that an instruction of the module computes is tiled for it (tensor_tile.py), any
   other for the registers (reductions.py); what follows it is in its epilogue.
3. Everything else is vectorized along an axis that is contiguous (points.py).
4. The outermost loop is shared among threads.

The sizes come from the tile model; no shape and no operator is named anywhere.
"""

from collections.abc import Mapping
from types import MappingProxyType

from analysis.errors import ScheduleError
from dialects import loop
from passes.loop.library.axes import is_naive
from passes.loop.library.inlining import inline_all, share_layouts
from passes.loop.library.points import vectorize_points
from passes.loop.library.recipe import Recipe
from passes.loop.library.reductions import Plan, tile_reduction
from passes.loop.library.tensor_tile import tile_by_instruction
from passes.loop.parallelize_loop import ParallelizeLoopPass

NONE: Mapping[str, Plan] = MappingProxyType({})


def default_schedule(recipe: Recipe, plans: Mapping[str, Plan] = NONE) -> None:
    """Schedule every nest of the function; reductions as their `plans` say, if they have one."""
    inline_all(recipe)
    share_layouts(recipe)
    for name in recipe.block_names():
        found = recipe.find(name)
        if found is None or not is_naive(found):
            continue  # it became part of another nest
        if any(found.is_reduce):
            plan = plans.get(name)
            if plan is not None or not tile_by_instruction(recipe, name):
                tile_reduction(recipe, name, plan)
        else:
            vectorize_points(recipe, name)
    share_among_threads(recipe)


def share_among_threads(recipe: Recipe) -> None:
    """Make the outermost loop of every nest parallel where its iterations are independent."""
    for op in recipe.nests():
        if isinstance(op, loop.ForOp) and op.kind.data == "serial" and (op.extent or 2) > 1:
            try:
                recipe.do(ParallelizeLoopPass(op.loop_name.data))
            except ScheduleError:
                continue
