"""Which recipe a reduction gets, and with what sizes.

Lanes run along an axis that is contiguous in the result, points of the tile along the next axes;
accumulators stay in registers for the whole reduction. What is asked is only how operands move
with the axes: whether one is shared by all lanes of a point (matrix products, convolutions), or
each lane reads its own channel (depthwise convolutions, pooling). Nothing here knows what is
reduced.
"""

from dialects import loop
from passes.loop.library.axes import axes_of
from passes.loop.library.cache_model import choose_order, prefetched, streamed
from passes.loop.library.facts import Facts, results_of
from passes.loop.library.recipe import Recipe
from passes.loop.library.recipes import (
    Steps,
    depthwise,
    direct_convolution,
    matmul,
    reduction,
    streaming_convolution,
)
from passes.loop.library.tile_model import Tile, Window, rank_tiles, window_tile

UNROLL = 2
UNROLL_LIMIT = 64
"""The most accumulator updates that the body of a loop is unrolled to beyond its tile."""

WINDOW_LIMIT = 512
"""The most accumulator updates of a window that is unrolled as a whole."""

CANDIDATES = 24
SLACK = 1.06
"""So many tiles are looked at closer, which the registers alone make at most so much slower."""


def tile_reduction(recipe: Recipe, name: str) -> None:
    """Schedule a reduction: a register tile, its epilogue, guards peeled off."""
    block = recipe.find(name)
    assert block is not None
    facts = Facts.of(recipe, block)
    if facts is None:
        recipe.do_all(schedule_without_lanes(block))
    else:
        window = None if facts.window is None else schedule_window(facts, facts.window)
        recipe.do_all(schedule_product(facts) if window is None else window)


def schedule_without_lanes(block: loop.BlockOp) -> Steps:
    """One accumulator a point; nothing for what is reduced over no axis."""
    axes = axes_of(block)
    reduced = [axis.name for axis in axes if axis.reduce]
    points = [axis.name for axis in axes if not axis.reduce]
    name = block.block_name.data
    return reduction(name, results_of(block), points, reduced) if reduced else ()


def schedule_window(facts: Facts, window: Window) -> Steps | None:
    """A sum that is unrolled as a whole; None where it is too large for that."""
    held = facts.held
    tile = window_tile(facts.machine, facts.extents, window, bool(held))
    if tile is None and held:
        held, tile = (), window_tile(facts.machine, facts.extents, window, False)
    if tile is None or tile.columns * window.taps > WINDOW_LIMIT:
        return None
    busy = facts.vectors * window.taps / facts.machine.multiply_adds
    _, order = choose_order(facts.traffic(tile), busy)
    kept = held if len(order) > 1 else ()
    return (*facts.pack_weights(tile), *depthwise(facts.nest, tile, order, kept))


def schedule_product(facts: Facts) -> Steps:
    """A sum in which scalars serve vectors, or that is too long to be unrolled."""
    busy, tile, order = plan(facts)
    updates = tile.rows * tile.columns * tile.vectors
    unroll = UNROLL if updates * UNROLL <= UNROLL_LIMIT else 1
    packed, nest = facts.pack_weights(tile), facts.nest
    if len(nest.reduction) == 1:
        return (*packed, *matmul(nest, tile, order, unroll))
    first, chunk = facts.reduced[0], facts.chunk_sizes(tile)
    chunks = -(-facts.size(first) // facts.chunk(first))
    weights = streamed(facts.traffic(tile), order, busy, chunk, chunks, facts.vectors)
    if weights is not None:
        return (*packed, *streaming_convolution(nest, tile, weights, unroll))
    early = prefetched(facts.machine, facts.operands, chunk)
    return (*packed, *direct_convolution(nest, tile, order, unroll, early))


def plan(facts: Facts) -> tuple[float, Tile, tuple[str, ...]]:
    """The tile, and the order of the loops over tiles, in which the nest is done soonest; the first
    figure is the cycles that it takes on registers alone."""
    ranked = rank_tiles(facts.machine, facts.extents)
    best: tuple[float, float, Tile, tuple[str, ...]] | None = None
    for time, tile in ranked[:CANDIDATES]:
        if time > SLACK * ranked[0][0]:
            break
        busy = time * facts.steps
        total, order = choose_order(facts.traffic(tile), busy)
        if best is None or total < best[0]:
            best = total, busy, tile, order
    assert best is not None
    return best[1:]
