"""The graph dialect: a network as functional ops on ranked tensors, with ONNX's semantics."""

from xdsl.ir import Dialect

from dialects.graph import base, elements, elementwise, movement, nn, structure, weights

__all__ = ["Graph", "base", "elements", "elementwise", "movement", "nn", "structure", "weights"]

Graph = Dialect(
    "graph",
    [
        *elementwise.ELEMENTWISE_OPS,
        *nn.NN_OPS,
        *movement.MOVEMENT_OPS,
        structure.CallOp,
        structure.WeightOp,
    ],
    [weights.WeightAttr],
)
