"""Which recipe a reduction gets, and with what sizes.

Lanes run along an axis that is contiguous in the result, points of the tile along the next axes;
accumulators stay in registers for the whole reduction. What is asked is only how operands move
with the axes: whether one is shared by all lanes of a point (matrix products, convolutions), or
each lane reads its own channel (depthwise convolutions, pooling). Nothing here knows what is
reduced.

A `Plan` is what is decided: `model_plan` takes what the analytic models find best, a tuner tries
others; `steps_of` are the primitives of either; `busy_cycles` and `memory_cycles` are what the
models expect, to be multiplied by the imbalance of the threads.
"""

from dataclasses import dataclass, replace
from math import prod

from dialects import loop
from passes.loop.library.axes import axes_of
from passes.loop.library.cache_model import HIDDEN, PARKED, choose_order, prefetched, streamed
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
from passes.loop.library.tile_model import (
    Tile,
    Window,
    cycles,
    rank_tiles,
    window_cycles,
    window_tile,
)
from passes.loop.peel_loop import PeelLoopPass
from passes.loop.promote_memory_scope import PromoteMemoryScopePass
from passes.loop.unroll_loop import UnrollLoopPass

UNROLL = 2
UNROLL_LIMIT = 64
"""The most accumulator updates that the body of a loop is unrolled to beyond its tile."""

WINDOW_LIMIT = 512
"""The most accumulator updates of a window that is unrolled as a whole."""

CANDIDATES = 24
SLACK = 1.06
"""So many tiles are looked at closer, which the registers alone make at most so much slower."""

TURN = 1.5
"""The cycles of an iteration of the innermost loop beside its work."""


@dataclass(frozen=True)
class Plan:
    """What is decided about a reduction with lanes, beside the loops that it has.

    `order` names the loops over tiles from the outermost one inwards. `unroll` is that of the sum;
    where it is a `window`, it is unrolled as a whole, and operands that `hold` a vector of channels
    stay in registers. `sums` is the order of the sum's loops (empty: as they are) and `chunk` what
    the first one is cut into (0: as layouts cut it). Where it is `streamed`, a chunk serves all
    points before the next one comes. The buffer `early` is prefetched, weights are laid out for the
    tile where they are `packed`, and iterations with guards are parted from others where `peeled`.
    `width` is how many elements a vector has (0: as many as the machine's), `unrolled` whether the
    loops inside a tile are, and `kept` whether the accumulators are in registers.
    """

    tile: Tile
    order: tuple[str, ...]
    unroll: int = 1
    window: bool = False
    held: bool = False
    sums: tuple[str, ...] = ()
    chunk: int = 0
    streamed: bool = False
    early: str | None = None
    packed: bool = True
    peeled: bool = True
    width: int = 0
    unrolled: bool = True
    kept: bool = True


def tile_reduction(recipe: Recipe, name: str, plan: Plan | None = None) -> None:
    """Schedule a reduction: a register tile, its epilogue, guards peeled off.

    Without a plan it is that of the models.
    """
    block = recipe.find(name)
    assert block is not None
    facts = Facts.of(recipe, block)
    if facts is None:
        recipe.do_all(schedule_without_lanes(block))
    else:
        recipe.do_all(steps_of(facts, plan or model_plan(facts)))


def schedule_without_lanes(block: loop.BlockOp) -> Steps:
    """One accumulator a point; nothing for what is reduced over no axis, or goes on with what is
    there already, as a scatter does."""
    axes = axes_of(block)
    reduced = [axis.name for axis in axes if axis.reduce]
    points = [axis.name for axis in axes if not axis.reduce]
    name = block.block_name.data
    return reduction(name, results_of(block), points, reduced) if reduced and block.init else ()


def steps_of(facts: Facts, plan: Plan) -> Steps:
    """The primitives of a plan."""
    facts = planned(facts, plan)
    packed = facts.pack_weights(plan.tile) if plan.packed else ()
    omitted = (
        *(() if plan.peeled else (PeelLoopPass,)),
        *(() if plan.unrolled else (UnrollLoopPass,)),
        *(() if plan.kept else (PromoteMemoryScopePass,)),
    )
    return (*packed, *(s for s in recipe_of(facts, plan) if not isinstance(s, omitted)))


def planned(facts: Facts, plan: Plan) -> Facts:
    """The facts with the loops of the sum cut, and vectors as wide, as a plan says."""
    if plan.width not in (0, facts.width):
        facts = replace(facts, width=plan.width)
    if plan.chunk:
        first = (plan.sums or (facts.reduced[0].name,))[0]
        facts = replace(facts, chunks={first: plan.chunk})
    return facts


def recipe_of(facts: Facts, plan: Plan) -> Steps:
    """The recipe that a plan is for."""
    nest, tile, order = facts.nest, plan.tile, plan.order
    if plan.sums:
        loops = {loop.name: loop for loop in nest.reduction}
        nest = replace(nest, reduction=tuple(loops[name] for name in plan.sums))
    if plan.window:
        return depthwise(nest, tile, order, facts.held if plan.held and len(order) > 1 else ())
    if plan.streamed:
        return streaming_convolution(nest, tile, plan.early, plan.unroll, order)
    if len(nest.reduction) == 1:
        return matmul(nest, tile, order, plan.unroll)
    return direct_convolution(nest, tile, order, plan.unroll, plan.early)


def model_plan(facts: Facts) -> Plan:
    """What the models find best."""
    window = None if facts.window is None else plan_window(facts, facts.window)
    return window or plan_product(facts)


def plan_window(facts: Facts, window: Window) -> Plan | None:
    """A sum that is unrolled as a whole; None where it is too large for that."""
    held = bool(facts.held)
    tile = window_tile(facts.machine, facts.extents, window, held)
    if tile is None and held:
        held, tile = False, window_tile(facts.machine, facts.extents, window, False)
    if tile is None or tile.columns * window.taps > WINDOW_LIMIT:
        return None
    busy = facts.vectors * window.taps / facts.machine.multiply_adds
    _, order = choose_order(facts.traffic(tile), busy)
    return Plan(tile, order, window=True, held=held)


def plan_product(facts: Facts) -> Plan:
    """A sum in which scalars serve vectors, or that is too long to be unrolled."""
    busy, tile, order = plan_tile(facts)
    updates = tile.rows * tile.columns * tile.vectors
    plan = Plan(tile, order, UNROLL if updates * UNROLL <= UNROLL_LIMIT else 1)
    if len(facts.reduced) == 1:
        return plan
    first, chunk = facts.reduced[0], facts.chunk_sizes(tile)
    chunks = -(-facts.size(first) // facts.chunk(first))
    weights = streamed(facts.traffic(tile), order, busy, chunk, chunks, facts.vectors)
    if weights is not None:
        lane, points = facts.lane.name, (name for name in order if name != facts.lane.name)
        return replace(plan, streamed=True, early=weights, order=(lane, *points))
    return replace(plan, early=prefetched(facts.machine, facts.operands, chunk))


def plan_tile(facts: Facts) -> tuple[float, Tile, tuple[str, ...]]:
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


def busy_cycles(facts: Facts, plan: Plan) -> float:
    """The cycles of a plan where all data is at hand."""
    facts = planned(facts, plan)
    machine, tile = facts.machine, plan.tile
    updates = facts.vectors * prod(facts.size(axis) for axis in facts.reduced)
    extra = 0 if plan.kept else updates * PARKED
    extra += 0 if plan.unrolled else updates * TURN
    if plan.window:
        assert facts.window is not None
        rows = facts.vectors / facts.extents.columns
        row = window_cycles(machine, facts.extents, facts.window, plan.held, tile)
        return rows * row + extra
    turns = updates / (tile.rows * tile.columns * tile.vectors * plan.unroll)
    return cycles(machine, tile, facts.extents) * facts.steps + TURN * turns + extra


def memory_cycles(facts: Facts, plan: Plan) -> float:
    """The cycles in which a plan waits for memory, whatever it unrolls, keeps and peels."""
    facts = planned(facts, plan)
    order, traffic, parked = plan.order, facts.traffic(plan.tile), 0.0
    if plan.streamed:
        first = (plan.sums or (facts.reduced[0].name,))[0]
        order = (*order[:1], first, *order[1:])
        parked = (traffic.trips(first) - 1) * facts.vectors * PARKED
    early = [operand for operand in facts.operands if operand.name == plan.early]
    saved = sum((1 - HIDDEN) * traffic.waiting(operand, order) for operand in early)
    return parked + traffic.cycles(order) - saved
