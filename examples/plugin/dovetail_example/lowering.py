"""How the ops of `sample` become tensor expressions. Everything below te comes by itself."""

from xdsl.ir import SSAValue

from dialects.graph.base import integer
from dovetail_example.dialect import GluOp
from passes.graph.expressions import Kernel, Point, Scalar, axis, extents
from passes.graph.scalars import mul, sigmoid


def glu(k: Kernel, op: GluOp) -> SSAValue:
    """One point of the result reads `x` at its own place and half an axis further."""
    shape, at = extents(op.result), integer(op.axis)
    half = k.number(shape[at])

    def body(p: Point) -> Scalar:
        place = [axis(i) for i in range(len(shape))]
        a = p.read(op.x, place)
        place[at] = axis(at) + half
        b = p.read(op.x, place)
        return mul(p, a, sigmoid(p, op, b))

    return k.compute("", shape, body)[0]
