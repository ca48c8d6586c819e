"""Schedules as recipes: functions that return the primitives of a schedule, in order.

A recipe takes the names of loops and the sizes of tiles; it looks at no IR and decides nothing. So
it serves `schedule-kernels`, which takes the sizes from the model of the machine, as well as a
schedule written by hand:

    for step in matmul(Nest("C", ("C",), lanes=x, points=(y,), reduction=(k,), width=16),
                       Tile(6, 1, 4), order=("x", "y")):
        schedule.apply(step)

Steps of the kinds in `OPTIONAL` only make a kernel faster; where one is refused, what follows it
still makes sense.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.passes import ModulePass

from passes.loop.decompose_reduction import DecomposeReductionPass
from passes.loop.library.cuts import Cut, Loop, cut_all, cut_lanes, cut_reduction, unroll_all
from passes.loop.library.tile_model import Tile
from passes.loop.parallelize_loop import ParallelizeLoopPass
from passes.loop.peel_loop import PeelLoopPass
from passes.loop.prefetch_buffer import PrefetchBufferPass
from passes.loop.promote_memory_scope import PromoteMemoryScopePass
from passes.loop.reorder_loops import ReorderLoopsPass
from passes.loop.reverse_compute_at import ReverseComputeAtPass
from passes.loop.vectorize_loop import VectorizeLoopPass

OPTIONAL = (ParallelizeLoopPass, PeelLoopPass, PrefetchBufferPass, ReverseComputeAtPass)
"""Steps whose refusal leaves a kernel that is right, and only slower."""

Steps = tuple[ModulePass, ...]


@dataclass(frozen=True)
class Nest:
    """A block in naive loops, as recipes see it.

    `lanes` is the loop that vectors of `width` elements run along, `points` are the others of the
    result, slowest first, `reduction` those of the sum. `results` are the buffers that the block
    writes, `consumers` the blocks that only work on its results, element by element. `begins`:
    the block has an init region.
    """

    block: str
    results: tuple[str, ...]
    lanes: Loop
    points: tuple[Loop, ...]
    reduction: tuple[Loop, ...]
    width: int
    consumers: tuple[str, ...] = ()
    begins: bool = True

    @property
    def loops(self) -> tuple[Loop, ...]:
        """Those of the result."""
        return (self.lanes, *self.points)


def matmul(nest: Nest, tile: Tile, order: Iterable[str], unroll: int = 2) -> Steps:
    """A product: each element of one operand serves a row of vectors of the other.

    for x_o (panels of vectors), y_o (rows)
      C_register = 0
      for k_m
        for k_u, y_i, x_r unrolled, x_v vectorized
          C_register += A * B
      C = C_register
    """
    columns = cut_lanes(nest.lanes, tile.vectors, nest.width)
    rows = cut_all(nest.points, tile.sizes(nest.points))
    depth = cut_reduction(nest.reduction, unroll)
    outer = sort_outer(columns + rows, order)
    return (
        *columns.steps,
        *rows.steps,
        *depth.steps,
        *reorder(outer, depth.outer, depth.inner, rows.inner, columns.inner),
        *unroll_all((*depth.inner, *rows.inner, *columns.inner[:-1])),
        VectorizeLoopPass(columns.inner[-1]),
        *keep_in_registers(nest, outer, (*depth.outer, *depth.inner)),
        *peel(outer, columns + rows),
    )


def direct_convolution(
    nest: Nest, tile: Tile, order: Iterable[str], unroll: int = 2, early: str | None = None
) -> Steps:
    """A convolution of a blocked image: pixels times vectors of channels in registers.

    for oc_o, oh, ow_o in the given order
      O_register = 0
      for ic_o, kh, kw, ic_m
        prefetch the next ic_o of an operand that has to come `early`
        for ic_u, ow_i, oc_r unrolled, oc_v vectorized
          O_register += X * W
      O = epilogue(O_register)
    """
    channels = cut_lanes(nest.lanes, tile.vectors, nest.width)
    pixels = cut_all(nest.points, tile.sizes(nest.points))
    taps = cut_reduction(nest.reduction, unroll)
    outer = sort_outer(channels + pixels, order)
    return (
        *channels.steps,
        *pixels.steps,
        *taps.steps,
        *reorder(outer, taps.outer, taps.inner, pixels.inner, channels.inner),
        *unroll_all((*taps.inner, *pixels.inner, *channels.inner[:-1])),
        VectorizeLoopPass(channels.inner[-1]),
        *keep_in_registers(nest, outer, (*taps.outer, *taps.inner)),
        *prefetch(early, taps.outer[:1], taps.outer[1:]),
        *peel(outer, channels + pixels),
    )


def streaming_convolution(
    nest: Nest, tile: Tile, early: str | None, unroll: int = 2, order: Iterable[str] = ()
) -> Steps:
    """A sum whose weights do not fit the cache: a chunk of them serves all points before the next
    one comes. Accumulators wait in memory meanwhile. `order` is that of the points.

        for oc_o, ic_o
          for oh, ow_o
            O_register = 0 if ic_o is the first one else S
            for kh, kw, ic_m
              prefetch a part of the next ic_o of an operand that has to come `early`
              for ic_u, ow_i, oc_r unrolled, oc_v vectorized
                O_register += X * W
            S = O_register, or O = epilogue(O_register) if ic_o is the last one
    """
    channels = cut_lanes(nest.lanes, tile.vectors, nest.width)
    pixels = cut_all(nest.points, tile.sizes(nest.points))
    taps = cut_reduction(nest.reduction, unroll)
    chunk, inside = taps.outer[:1], taps.outer[1:]
    points = sort_outer(pixels, order)
    return (
        *channels.steps,
        *pixels.steps,
        *taps.steps,
        *reorder(channels.outer, chunk, points, inside, taps.inner, pixels.inner, channels.inner),
        *unroll_all((*taps.inner, *pixels.inner, *channels.inner[:-1])),
        VectorizeLoopPass(channels.inner[-1]),
        *keep_in_registers(nest, points, (*inside, *taps.inner)),
        *prefetch(early, chunk, (*points, *inside)),
        *peel((*channels.outer, *chunk, *points), channels + taps + pixels),
    )


@dataclass(frozen=True)
class Held:
    """A buffer of `rank` dimensions that is kept in registers; lanes move its dimension `lanes`."""

    buffer: str
    rank: int
    lanes: int

    def at(self, loop: str) -> Steps:
        """A tile that is filled at the beginning of a loop's body, without loops."""
        loops = [f"{self.buffer}_register_in_d{i}" for i in range(self.rank)]
        vector = loops.pop(self.lanes)
        return (
            PromoteMemoryScopePass(self.buffer, "register", loop),
            *unroll_all(loops),
            VectorizeLoopPass(vector),
        )


def depthwise(nest: Nest, tile: Tile, order: Iterable[str], held: Iterable[Held] = ()) -> Steps:
    """A reduction over a small window of each channel: its taps are unrolled, so that a vector of
    the input is loaded once for all taps that need it.

        for c_o, oh, ow_o
          W_register = W, for operands that are `held`, outside of the last loop
          O_register = 0
          for kh, kw, ow_i unrolled, c_v vectorized
            O_register += X * W_register
          O = epilogue(O_register)
    """
    channels = cut_lanes(nest.lanes, tile.vectors, nest.width)
    pixels = cut_all(nest.points, tile.sizes(nest.points))
    taps = tuple(loop.name for loop in nest.reduction)
    outer = sort_outer(channels + pixels, order)
    return (
        *channels.steps,
        *pixels.steps,
        *reorder(outer, taps, pixels.inner, channels.inner),
        *unroll_all((*taps, *pixels.inner, *channels.inner[:-1])),
        VectorizeLoopPass(channels.inner[-1]),
        *keep_in_registers(nest, outer, taps),
        *(step for operand in held for step in operand.at(outer[-2])),
        *peel(outer, channels + pixels),
    )


def reduction(
    block: str, results: Iterable[str], points: Iterable[str], reduced: Iterable[str]
) -> Steps:
    """A reduction without lanes: one accumulator a point."""
    at = tuple(points)[-1:]
    return (
        DecomposeReductionPass(block, next(iter(reduced))),
        *(PromoteMemoryScopePass(name, "register", loop) for loop in at for name in results),
    )


def elementwise(
    order: tuple[str, ...], lanes: Loop | None, width: int, ones: Iterable[str] = ()
) -> Steps:
    """Independent points, in the `order` in which they lie in memory; loops of one iteration
    (`ones`) are unrolled, the lanes innermost."""
    ones = tuple(ones)
    kept = tuple(name for name in order if name not in ones)
    if lanes is None:
        return (*unroll_all(ones), *reorder(kept, ones))
    vectors = cut_lanes(lanes, 1, width)
    outer = tuple(n for name in kept for n in ((name,) if name != lanes.name else vectors.outer))
    return (
        *unroll_all(ones),
        *vectors.steps,
        *reorder(outer, ones, vectors.inner),
        VectorizeLoopPass(vectors.inner[-1]),
        *peel(outer, vectors),
    )


def sort_outer(tiles: Cut, order: Iterable[str]) -> tuple[str, ...]:
    """The loops over tiles in the order of the loops that they were cut from; others first."""
    ranks = {name: rank for rank, name in enumerate(order)}

    def rank(name: str) -> int:
        return ranks.get(name, ranks.get(name.removesuffix("_o"), -1))

    return tuple(sorted(tiles.outer, key=rank))


def reorder(*parts: Iterable[str]) -> Steps:
    """The loops of all parts in this order."""
    names = tuple(name for part in parts for name in part)
    return (ReorderLoopsPass(names),) if len(names) > 1 else ()


def keep_in_registers(nest: Nest, outer: tuple[str, ...], inside: tuple[str, ...]) -> Steps:
    """The init before the reduction, what follows behind it, the accumulators in registers."""
    at = outer[-1:]
    begin = nest.begins and inside
    return (
        *((DecomposeReductionPass(nest.block, inside[0]),) if begin else ()),
        *(ReverseComputeAtPass(name, loop) for loop in at for name in nest.consumers),
        *(PromoteMemoryScopePass(name, "register", loop) for loop in at for name in nest.results),
    )


def prefetch(buffer: str | None, ahead: tuple[str, ...], over: tuple[str, ...]) -> Steps:
    """Ask for what the next iteration of the loop `ahead` reads while the loops `over` run."""
    if buffer is None or not over:
        return ()
    return tuple(PrefetchBufferPass(buffer, loop, over) for loop in ahead)


def peel(outer: tuple[str, ...], tiles: Cut) -> Steps:
    """Part the iterations that need guards from those that do not, innermost loops first."""
    return tuple(PeelLoopPass(name) for name in reversed(outer) if name in tiles.ragged)
