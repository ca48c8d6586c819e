"""The shape rules of tensor operators, on tuples.

A shape is a tuple of extents; an extent is an `int`, or a `str` that names a symbolic dimension.
Every rule takes shapes and the operator's numbers (one entry per dimension unless said
otherwise) and returns the result's shape, or raises `ShapeError` with the reason. A rule that has
to compute with an extent (a stride, a sum) refuses a symbol; one that only compares extents or
moves them accepts it. The numbers mean what they mean in ONNX, which writes pads as all low ends
followed by all high ends.
"""

from collections.abc import Sequence
from math import prod
from shlex import quote

Extent = int | str
Shape = tuple[Extent, ...]


class ShapeError(ValueError):
    """Shapes that do not fit together; the message says which and why."""


class SymbolError(ShapeError):
    """A symbolic dimension, `symbol`, where a number is needed."""

    def __init__(self, symbol: str, message: str) -> None:
        super().__init__(message)
        self.symbol = symbol


def size_option(symbol: str) -> str:
    """The option of the command line that gives a symbolic dimension a size."""
    return f"--dim {quote(f'{symbol}=SIZE')}"


def text(shape: Sequence[Extent]) -> str:
    """A shape as people write it: `1x3xN`; a scalar is `scalar`."""
    return "x".join(map(str, shape)) if shape else "scalar"


def fixed(extent: Extent, what: str = "extent") -> int:
    """The extent as a number."""
    if isinstance(extent, str):
        raise SymbolError(extent, f"{what} '{extent}' is symbolic, but a number is needed here")
    return extent


def is_static(shape: Sequence[Extent]) -> bool:
    return all(isinstance(extent, int) for extent in shape)


def element_count(shape: Sequence[Extent]) -> int:
    return prod(fixed(extent) for extent in shape)


def axis(index: int, rank: int) -> int:
    """A possibly negative axis as one in `[0, rank)`."""
    if not -rank <= index < rank:
        raise ShapeError(f"axis {index} is out of range for rank {rank}")
    return index % rank


def axes(indices: Sequence[int], rank: int) -> tuple[int, ...]:
    """Several axes, sorted; naming one twice is an error."""
    found = sorted(axis(index, rank) for index in indices)
    if len(set(found)) != len(found):
        raise ShapeError(f"axes {list(indices)} name an axis twice")
    return tuple(found)


def same_length(numbers: Sequence[int], length: int, what: str) -> None:
    if len(numbers) != length:
        raise ShapeError(f"{what} has {len(numbers)} entries, expected {length}")


def broadcast(*shapes: Sequence[Extent]) -> Shape:
    """NumPy's multidirectional broadcasting; a symbol broadcasts against itself and 1 only."""
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    out: list[Extent] = []
    for extents in zip(*padded, strict=True):
        wide = {extent for extent in extents if extent != 1}
        if len(wide) > 1:
            raise ShapeError(f"{' and '.join(map(text, shapes))} do not broadcast")
        out.append(wide.pop() if wide else 1)
    return tuple(out)


def window(
    extent: Extent,
    kernel: Extent,
    stride: int = 1,
    dilation: int = 1,
    pads: tuple[int, int] = (0, 0),
    ceil_mode: bool = False,
) -> Extent:
    """How many places a sliding window has along one dimension."""
    if (kernel, stride, *pads) == (1, 1, 0, 0):
        return extent
    if stride < 1 or dilation < 1:
        raise ShapeError(f"stride {stride} and dilation {dilation} must be positive")
    padded = fixed(extent) + sum(pads)
    room = padded - (dilation * (fixed(kernel) - 1) + 1)
    if room < 0:
        raise ShapeError(
            f"a window of {kernel} with dilation {dilation} does not fit in {extent} "
            f"padded to {padded}"
        )
    if not ceil_mode:
        return room // stride + 1
    places = -(-room // stride) + 1
    # A place that would start in the padding after the end does not count.
    return places - 1 if (places - 1) * stride >= fixed(extent) + pads[0] else places


def auto_pads(
    mode: str,
    extents: Sequence[Extent],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> tuple[int, ...]:
    """Explicit pads for `auto_pad` VALID, SAME_UPPER or SAME_LOWER."""
    if mode == "VALID":
        return (0,) * (2 * len(extents))
    low: list[int] = []
    high: list[int] = []
    for extent, k, stride, dilation in zip(extents, kernel, strides, dilations, strict=True):
        if (k, stride) == (1, 1):
            total = 0
        else:
            size = fixed(extent)
            total = max((-(-size // stride) - 1) * stride + dilation * (k - 1) + 1 - size, 0)
        small, large = total // 2, total - total // 2
        low.append(large if mode == "SAME_LOWER" else small)
        high.append(small if mode == "SAME_LOWER" else large)
    return (*low, *high)


def windows(
    extents: Sequence[Extent],
    kernel: Sequence[Extent],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    ceil_mode: bool = False,
) -> Shape:
    """`window` along every spatial dimension."""
    rank = len(extents)
    same_length(strides, rank, "strides")
    same_length(dilations, rank, "dilations")
    same_length(pads, 2 * rank, "pads")
    if len(kernel) != rank:
        raise ShapeError(f"the kernel has {len(kernel)} dimensions, expected {rank}")
    return tuple(
        window(
            extents[i], kernel[i], strides[i], dilations[i], (pads[i], pads[rank + i]), ceil_mode
        )
        for i in range(rank)
    )


def conv(
    x: Shape,
    weight: Shape,
    bias: Shape | None,
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    groups: int,
) -> Shape:
    """`x` is N, C, spatial; `weight` is M, C / groups, kernel; `bias` is M."""
    if len(x) < 3 or len(weight) != len(x):
        raise ShapeError(f"input {text(x)} and weight {text(weight)} must have one rank >= 3")
    channels, out_channels = weight[1], fixed(weight[0], "the number of output channels")
    if groups < 1 or out_channels % groups:
        raise ShapeError(f"{out_channels} output channels do not divide into {groups} groups")
    if x[1] != (channels if groups == 1 else fixed(channels) * groups):
        raise ShapeError(
            f"input {text(x)} has {x[1]} channels, weight {text(weight)} with {groups} "
            f"groups needs {channels if groups == 1 else fixed(channels) * groups}"
        )
    if bias is not None and bias != (out_channels,):
        raise ShapeError(f"bias is {text(bias)}, expected {out_channels}")
    return (x[0], out_channels, *windows(x[2:], weight[2:], strides, dilations, pads))


def pool(
    x: Shape,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    ceil_mode: bool,
) -> Shape:
    if len(x) < 3:
        raise ShapeError(f"input {text(x)} must have rank >= 3")
    return (x[0], x[1], *windows(x[2:], kernel, strides, dilations, pads, ceil_mode))


def matmul(a: Shape, b: Shape) -> Shape:
    """NumPy's matmul: vectors are promoted, leading dimensions broadcast."""
    if not a or not b:
        raise ShapeError("a scalar has no matrix product")
    left = (1, *a) if len(a) == 1 else a
    right = (*b, 1) if len(b) == 1 else b
    if left[-1] != right[-2]:
        raise ShapeError(f"{text(a)} by {text(b)}: {left[-1]} columns meet {right[-2]} rows")
    out = list(broadcast(left[:-2], right[:-2]))
    if len(a) > 1:
        out.append(left[-2])
    if len(b) > 1:
        out.append(right[-1])
    return tuple(out)


def gemm(a: Shape, b: Shape, c: Shape | None, trans_a: bool, trans_b: bool) -> Shape:
    if len(a) != 2 or len(b) != 2:
        raise ShapeError(f"{text(a)} and {text(b)} must be matrices")
    out = matmul(a[::-1] if trans_a else a, b[::-1] if trans_b else b)
    if c is not None and broadcast(out, c) != out:
        raise ShapeError(f"{text(c)} does not broadcast to {text(out)}")
    return out


def reduce(x: Shape, over: Sequence[int], keepdims: bool) -> Shape:
    gone = axes(over, len(x))
    if keepdims:
        return tuple(1 if i in gone else extent for i, extent in enumerate(x))
    return tuple(extent for i, extent in enumerate(x) if i not in gone)


def transpose(x: Shape, perm: Sequence[int]) -> Shape:
    if sorted(perm) != list(range(len(x))):
        raise ShapeError(f"{list(perm)} is not a permutation of the {len(x)} dimensions")
    return tuple(x[i] for i in perm)


def resolve_reshape(x: Shape, target: Sequence[Extent], allow_zero: bool = False) -> Shape:
    """ONNX's target shape with its 0 (copy) and -1 (the rest) filled in."""
    out = list(target)
    for i, extent in enumerate(out):
        if extent == 0 and not allow_zero:
            if i >= len(x):
                raise ShapeError(f"entry {i} of {list(target)} copies a dimension {text(x)} lacks")
            out[i] = x[i]
    if out.count(-1) > 1:
        raise ShapeError(f"{list(target)} has more than one -1")
    if -1 in out:
        out[out.index(-1)] = _rest(x, [extent for extent in out if extent != -1])
    return reshape(x, tuple(out))


def _rest(x: Shape, others: Sequence[Extent]) -> Extent:
    """The extent that makes `others` hold as many elements as `x`; equal symbols cancel."""
    symbols = [extent for extent in x if isinstance(extent, str)]
    for extent in others:
        if isinstance(extent, str):
            if extent not in symbols:
                raise ShapeError(f"{text(x)} has no dimension '{extent}'")
            symbols.remove(extent)
    have = prod(extent for extent in x if isinstance(extent, int))
    given = prod(extent for extent in others if isinstance(extent, int))
    if not symbols:
        if given == 0 or have % given:
            raise ShapeError(f"{text(x)} does not divide into {text(others)}")
        return have // given
    if len(symbols) == 1 and have == given:
        return symbols[0]
    raise ShapeError(f"{text(x)} over {text(others)} is not one dimension")


def reshape(x: Shape, target: Shape) -> Shape:
    """Checks that `target` holds the elements of `x`."""
    counts = [prod(e for e in shape if isinstance(e, int)) for shape in (x, target)]
    symbols = [sorted(e for e in shape if isinstance(e, str)) for shape in (x, target)]
    if counts[0] != counts[1] or symbols[0] != symbols[1]:
        raise ShapeError(f"{text(x)} and {text(target)} hold different numbers of elements")
    return target


def concat(shapes: Sequence[Shape], at: int) -> Shape:
    first = shapes[0]
    at = axis(at, len(first))
    for shape in shapes[1:]:
        if len(shape) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(first, shape, strict=False)) if i != at
        ):
            raise ShapeError(f"{text(first)} and {text(shape)} differ outside axis {at}")
    total = sum(fixed(shape[at]) for shape in shapes) if len(shapes) > 1 else first[at]
    return (*first[:at], total, *first[at + 1 :])


def clamp_slice(extent: int, start: int, end: int, step: int) -> tuple[int, int]:
    """ONNX's start and end of one dimension as the first index and the number of elements."""
    if step == 0:
        raise ShapeError("a slice has step 0")
    first, last = (0, extent) if step > 0 else (-1, extent - 1)
    low, high = (0, extent) if step > 0 else (0, extent - 1)
    start = min(max(start + extent if start < 0 else start, low), high)
    end = min(max(end + extent if end < 0 else end, first), last if step < 0 else high)
    count = max(0, -(-(end - start) // step))
    return (start, count) if count else (0, 0)


def slice_(x: Shape, starts: Sequence[int], sizes: Sequence[int], steps: Sequence[int]) -> Shape:
    """`sizes[i]` elements `starts[i], starts[i] + steps[i], ...` of each dimension.

    A size of -1 takes all of a (perhaps symbolic) dimension.
    """
    for numbers, what in ((starts, "starts"), (sizes, "sizes"), (steps, "steps")):
        same_length(numbers, len(x), what)
    out: list[Extent] = []
    for extent, start, size, step in zip(x, starts, sizes, steps, strict=True):
        if size == -1:
            if (start, step) != (0, 1):
                raise ShapeError("a whole dimension is taken from 0 in steps of 1")
            out.append(extent)
            continue
        last = start + (size - 1) * step
        if size and not (0 <= start < fixed(extent) and 0 <= last < fixed(extent)):
            raise ShapeError(f"elements {start} to {last} are not in a dimension of {extent}")
        out.append(size)
    return tuple(out)


def pad(x: Shape, pads: Sequence[int]) -> Shape:
    rank = len(x)
    same_length(pads, 2 * rank, "pads")
    sums = [pads[i] + pads[rank + i] for i in range(rank)]
    out = tuple(e if s == 0 else fixed(e) + s for e, s in zip(x, sums, strict=True))
    if any(isinstance(extent, int) and extent < 0 for extent in out):
        raise ShapeError(f"pads {list(pads)} take more away than {text(x)} has")
    return out


def expand(x: Shape, target: Sequence[Extent]) -> Shape:
    """ONNX's Expand: broadcasting in both directions."""
    return broadcast(x, tuple(target))


def tile(x: Shape, repeats: Sequence[int]) -> Shape:
    same_length(repeats, len(x), "repeats")
    return tuple(e if r == 1 else fixed(e) * r for e, r in zip(x, repeats, strict=True))


def gather(x: Shape, indices: Shape, at: int) -> Shape:
    at = axis(at, len(x))
    return (*x[:at], *indices, *x[at + 1 :])


def squeeze(x: Shape, at: Sequence[int] | None) -> Shape:
    gone = axes(at, len(x)) if at is not None else [i for i, e in enumerate(x) if e == 1]
    for i in gone:
        if x[i] != 1:
            raise ShapeError(f"dimension {i} of {text(x)} is not 1")
    return tuple(extent for i, extent in enumerate(x) if i not in gone)


def unsqueeze(x: Shape, at: Sequence[int]) -> Shape:
    new = axes(at, len(x) + len(at))
    rest = iter(x)
    return tuple(1 if i in new else next(rest) for i in range(len(x) + len(at)))


def flatten(x: Shape, at: int) -> Shape:
    at = at if at == len(x) else axis(at, len(x))
    sides = (x[:at], x[at:])
    return tuple(
        side[0] if len(side) == 1 and isinstance(side[0], str) else element_count(side)
        for side in sides
    )
