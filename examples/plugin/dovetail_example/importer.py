"""How operators of ONNX models become ops of `sample`."""

from dovetail.frontend.onnx_import import Node, Tensor
from dovetail_example.dialect import GluOp


def glu(n: Node) -> Tensor:
    """`org.example.GLU`; a negative axis counts from the end."""
    x = n.input()
    axis = n.integer("axis", -1)
    return n.emit(GluOp, x, axis=axis % len(x.shape))
