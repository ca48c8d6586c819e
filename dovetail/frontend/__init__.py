"""Models of other frameworks become modules of the graph dialect."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from dialects.graph.weights import Array
    from dovetail.frontend.onnx import Source


def from_onnx(
    model: "Source", dims: Mapping[str, int] | None = None
) -> "tuple[ModuleOp, dict[str, Array]]":
    """The network of an ONNX model (a path, bytes or a ModelProto), and its weights by name.

    `dims` gives symbolic dimensions a size. The weights are those of the network: they are passed
    to the compiler to be replaced, or left out.
    """
    from dialects.graph.structure import WeightOp  # noqa: PLC0415
    from dovetail.frontend.onnx import import_model  # noqa: PLC0415  (onnx takes long to load)

    module = import_model(model, dims=dims)
    weights = (op for op in module.walk() if isinstance(op, WeightOp))
    return module, {op.label.data: op.weight.array for op in weights}
