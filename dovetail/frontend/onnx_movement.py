"""ONNX operators that move elements, make constants or speak about shapes."""

import numpy as np

from analysis import shapes
from dialects.graph import movement as mv
from dialects.graph.base import tensor
from dialects.graph.elements import element_of
from dialects.graph.elementwise import WhereOp
from dialects.graph.weights import decimal
from dovetail.frontend.onnx_elementwise import reshape
from dovetail.frontend.onnx_extents import shape_tensor
from dovetail.frontend.onnx_import import (
    Handler,
    Node,
    Refusal,
    Tensor,
    constant,
    to_array,
)


def identity(n: Node) -> Tensor:
    return n.input()


def dropout(n: Node) -> Tensor | list[Tensor]:
    training = n.optional(2)
    if training is not None and (training.array is None or bool(training.array)):
        raise Refusal("training_mode")
    x = n.input()
    if len(n.proto.output) < 2 or not n.proto.output[1]:
        return x
    mask = np.dtype(np.bool_) if n.opset >= 10 else None
    element = x.element if mask is None else element_of(mask)
    return [x, n.splat(tensor(element, x.shape), 1)]


def constant_value(n: Node) -> Tensor:
    for name, dtype in (("value_int", "int64"), ("value_ints", "int64"), ("value_float", "float32"),
                        ("value_floats", "float32")):  # fmt: skip
        if name in n.attributes:
            return constant(np.asarray(n.attributes[name], dtype), n.name)
    if "value" not in n.attributes:
        raise Refusal(f"a constant given by {', '.join(n.attributes) or 'no attribute'}")
    return constant(to_array(n.attributes["value"]), n.name)


def constant_of_shape(n: Node) -> Tensor:
    shape = n.known_extents(0, "the shape") or ()
    value = n.attributes.get("value")
    array = np.zeros(1, np.float32) if value is None else to_array(value).reshape(-1)
    type = tensor(element_of(array.dtype), shape)
    if shapes.is_static(shape):
        return n.splat(type, decimal(array[0]))
    return n.emit_as(mv.ExpandOp, type, n.constant(array[0]))


def shape(n: Node) -> Tensor:
    extents = n.input().shape
    start, end = n.integer("start", 0), n.integer("end", len(extents))
    return shape_tensor(extents[slice(start, end)], n.name)


def size(n: Node) -> Tensor:
    return constant(np.asarray(np.prod(n.input().static, dtype=np.int64)), n.name)


def arange(n: Node) -> Tensor:
    start, limit, delta = (n.known(i, what) for i, what in enumerate(("start", "limit", "delta")))
    count = max(0, int(np.ceil((limit - start) / delta)))
    values = start + delta * np.arange(count).astype(start.dtype)
    return constant(np.asarray(values).astype(start.dtype), n.name)


def reshape_node(n: Node) -> Tensor:
    target = n.ints("shape") if n.opset < 5 else n.known_extents(1, "the target shape")
    allow_zero = bool(n.integer("allowzero", 0))
    x = n.input()
    return reshape(n, x, shapes.resolve_reshape(x.shape, target or (), allow_zero))


def flatten(n: Node) -> Tensor:
    return reshape(n, n.input(), shapes.flatten(n.input().shape, n.integer("axis", 1)))


def squeeze(n: Node) -> Tensor:
    return reshape(n, n.input(), shapes.squeeze(n.input().shape, n.axes()))


def unsqueeze(n: Node) -> Tensor:
    return reshape(n, n.input(), shapes.unsqueeze(n.input().shape, n.axes() or ()))


def transpose(n: Node) -> Tensor:
    x = n.input()
    return n.emit(mv.TransposeOp, x, perm=n.ints("perm") or tuple(range(x.rank))[::-1])


def concat(n: Node) -> Tensor:
    return n.emit(mv.ConcatOp, *n.present(), axis=n.integer("axis", 1))


def take(n: Node, x: Tensor, at: int, start: int, count: int, step: int = 1) -> Tensor:
    """`count` elements along dimension `at`, the whole of the others."""
    starts, sizes, steps = [0] * x.rank, [-1] * x.rank, [1] * x.rank
    starts[at], sizes[at], steps[at] = start, count, step
    return n.emit(mv.SliceOp, x, starts=starts, sizes=sizes, steps=steps)


def split(n: Node) -> list[Tensor]:
    x, outputs = n.input(), len(n.proto.output)
    at = shapes.axis(n.integer("axis", 0), x.rank)
    extent = shapes.fixed(x.shape[at])
    sizes = n.ints("split") if n.opset < 13 else n.known_ints(1, "the split sizes")
    if sizes is None:
        chunk = -(-extent // outputs)
        sizes = tuple(min(chunk, extent - i * chunk) for i in range(outputs))
    ends = np.cumsum(sizes)
    return [take(n, x, at, int(end) - s, s) for end, s in zip(ends, sizes, strict=True)]


def slice_node(n: Node) -> Tensor:
    x = n.input()
    if n.opset < 10:
        starts, ends, axes, steps = n.ints("starts"), n.ints("ends"), n.ints("axes"), None
    else:
        starts, ends, axes, steps = (
            n.known_ints(i + 1, what) for i, what in enumerate(("starts", "ends", "axes", "steps"))
        )
    starts, ends = starts or (), ends or ()
    axes = tuple(range(len(starts))) if axes is None else axes
    steps = (1,) * len(starts) if steps is None else steps
    out = [[0] * x.rank, [-1] * x.rank, [1] * x.rank]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        at = shapes.axis(axis, x.rank)
        first, count = shapes.clamp_slice(shapes.fixed(x.shape[at]), start, end, step)
        out[0][at], out[1][at], out[2][at] = first, count, step
    return n.emit(mv.SliceOp, x, starts=out[0], sizes=out[1], steps=out[2])


def pad(n: Node) -> Tensor:
    x, mode = n.input(), n.word("mode", "constant")
    if n.opset < 11:
        pads = n.ints("pads") or n.ints("paddings") or ()
        return n.emit(mv.PadOp, x, pads=pads, mode=mode, value=n.real("value", 0.0))
    given = n.known_ints(1, "the pads") or ()
    value = 0.0 if n.optional(2) is None else float(n.known(2, "the pad value").reshape(-1)[0])
    axes = n.known_ints(3, "axes")
    axes = tuple(range(x.rank)) if axes is None else axes
    pads = [0] * (2 * x.rank)
    for i, axis in enumerate(axes):
        at = shapes.axis(axis, x.rank)
        pads[at], pads[x.rank + at] = given[i], given[len(axes) + i]
    return n.emit(mv.PadOp, x, pads=pads, mode=mode, value=value)


def expand(n: Node) -> Tensor:
    x = n.input()
    target = shapes.expand(x.shape, n.known_extents(1, "the target shape") or ())
    return n.emit_as(mv.ExpandOp, tensor(x.element, target), x)


def tile(n: Node) -> Tensor:
    return n.emit(mv.TileOp, n.input(), repeats=n.known_ints(1, "the repeats") or ())


def gather(n: Node) -> Tensor:
    return n.emit(mv.GatherOp, n.input(0), n.input(1), axis=n.integer("axis", 0))


def gather_elements(n: Node) -> Tensor:
    return n.emit(mv.GatherElementsOp, n.input(0), n.input(1), axis=n.integer("axis", 0))


def trilu(n: Node) -> Tensor:
    x = n.input()
    diagonal = (n.known_ints(1, "the diagonal") or (0,))[0]
    rows, columns = x.static[-2:]
    mask = np.tri(rows, columns, diagonal - bool(n.integer("upper", 1)), dtype=np.bool_)
    kept = n.constant(~mask if n.integer("upper", 1) else mask)
    return n.emit(WhereOp, kept, x, n.constant(0, like=x))


def depth_to_space(n: Node) -> Tensor:
    x, block = n.input(), n.integer("blocksize", 1)
    batch, depth, height, width = x.static
    inner = depth // (block * block)
    if n.word("mode", "DCR") == "DCR":
        parts, perm = (batch, block, block, inner, height, width), (0, 3, 4, 1, 5, 2)
    else:
        parts, perm = (batch, inner, block, block, height, width), (0, 1, 4, 2, 5, 3)
    moved = n.emit(mv.TransposeOp, reshape(n, x, parts), perm=perm)
    return reshape(n, moved, (batch, inner, height * block, width * block))


def space_to_depth(n: Node) -> Tensor:
    x, block = n.input(), n.integer("blocksize", 1)
    batch, depth, height, width = x.static
    parts = (batch, depth, height // block, block, width // block, block)
    perm = (0, 3, 5, 1, 2, 4) if n.word("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
    moved = n.emit(mv.TransposeOp, reshape(n, x, parts), perm=perm)
    return reshape(n, moved, (batch, depth * block * block, height // block, width // block))


MOVEMENT: dict[str, Handler] = {
    "Concat": concat,
    "Constant": constant_value,
    "ConstantOfShape": constant_of_shape,
    "DepthToSpace": depth_to_space,
    "Dropout": dropout,
    "Expand": expand,
    "Flatten": flatten,
    "Gather": gather,
    "GatherElements": gather_elements,
    "Identity": identity,
    "Pad": pad,
    "Range": arange,
    "Reshape": reshape_node,
    "Shape": shape,
    "Size": size,
    "Slice": slice_node,
    "SpaceToDepth": space_to_depth,
    "Split": split,
    "Squeeze": squeeze,
    "Tile": tile,
    "Transpose": transpose,
    "Trilu": trilu,
    "Unsqueeze": unsqueeze,
}
