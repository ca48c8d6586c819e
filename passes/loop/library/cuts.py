"""How recipes cut loops: the passes that do it, and the names of the loops that come out."""

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.passes import ModulePass

from passes.loop.split_loop import SplitLoopPass
from passes.loop.unroll_loop import UnrollLoopPass


@dataclass(frozen=True)
class Loop:
    """A loop of a naive nest; an extent of None is known at run time only.

    `chunk` is what a layout cuts the coordinate that runs along it into, such as blocks of 16
    channels; 1 where none does.
    """

    name: str
    extent: int | None = None
    chunk: int = 1


@dataclass(frozen=True)
class Cut:
    """Loops over tiles (`outer`), those inside a tile (`inner`), and the passes that make them.

    The last iteration of a `ragged` one of the outer loops is no whole tile.
    """

    steps: tuple[ModulePass, ...] = ()
    outer: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()
    ragged: frozenset[str] = frozenset()

    def __add__(self, other: "Cut") -> "Cut":
        return Cut(
            self.steps + other.steps,
            self.outer + other.outer,
            self.inner + other.inner,
            self.ragged | other.ragged,
        )


def cut(loop: Loop, size: int) -> Cut:
    """Tiles of `size` iterations."""
    if loop.extent == size:
        return Cut(inner=(loop.name,))
    if size == 1:
        return Cut(outer=(loop.name,))
    outer, inner = f"{loop.name}_o", f"{loop.name}_i"
    return Cut((SplitLoopPass(loop.name, size),), (outer,), (inner,), rest_of(loop, size))


def rest_of(loop: Loop, size: int) -> frozenset[str]:
    """The loop over tiles of `size`, if they do not divide the loop."""
    divides = loop.extent is not None and loop.extent % size == 0
    return frozenset() if divides else frozenset((f"{loop.name}_o",))


def cut_all(loops: Iterable[Loop], sizes: dict[str, int]) -> Cut:
    """Tiles of several loops; a loop without a size is not tiled."""
    total = Cut()
    for loop in loops:
        total += cut(loop, sizes.get(loop.name, 1))
    return total


def is_vector(extent: int | None, width: int) -> bool:
    """Whether an extent is that of a vector which the machine has; others are masked ones."""
    return extent is not None and extent <= width and extent & (extent - 1) == 0


def cut_lanes(loop: Loop, vectors: int, width: int) -> Cut:
    """Tiles of `vectors` vectors; the last loop inside is that of the lanes."""
    name, extent = loop.name, loop.extent
    if is_vector(extent, width):
        return Cut(inner=(name,))
    if vectors == 1:
        return cut(loop, width)
    inner = (f"{name}_r", f"{name}_v")
    if extent is not None and extent <= vectors * width:
        return Cut((SplitLoopPass(name, width, names=inner),), (), inner)
    steps = (SplitLoopPass(name, vectors * width), SplitLoopPass(f"{name}_i", width, names=inner))
    return Cut(steps, (f"{name}_o",), inner, rest_of(loop, vectors * width))


def cut_reduction(loops: Iterable[Loop], unroll: int = 1) -> Cut:
    """The loops over chunks, then whole loops, then those inside chunks; the last `unroll`ed.

    The first loop that `unroll` divides is cut by it.
    """
    ragged: frozenset[str] = frozenset()
    steps: list[ModulePass] = []
    outer: list[str] = []
    chunked: list[str] = []
    unrolled: list[str] = []
    for loop in loops:
        last, extent, place = loop.name, loop.extent or 0, outer
        if loop.chunk > 1 and extent > loop.chunk:
            steps.append(SplitLoopPass(loop.name, loop.chunk))
            ragged |= rest_of(loop, loop.chunk)
            outer.append(f"{loop.name}_o")
            last, extent, place = f"{loop.name}_i", loop.chunk, chunked
        if unroll > 1 and not unrolled and extent > unroll and extent % unroll == 0:
            steps.append(SplitLoopPass(last, unroll, names=(f"{last}_m", f"{last}_u")))
            unrolled.append(f"{last}_u")
            last = f"{last}_m"
        place.append(last)
    return Cut(tuple(steps), (*outer, *chunked), tuple(unrolled), ragged)


def unroll_all(names: Iterable[str]) -> tuple[ModulePass, ...]:
    """Unroll loops."""
    return tuple(UnrollLoopPass(name) for name in names)
