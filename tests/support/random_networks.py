"""Random small networks of ONNX, from a seed."""

from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper
from onnx_models import make_model


@dataclass
class Network:
    """A network that grows; the last tensors are there to be read again."""

    generator: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    tensors: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    def pick(self, *choices):
        return choices[self.generator.integers(len(choices))]

    def number(self, low: int, high: int) -> int:
        return int(self.generator.integers(low, high, endpoint=True))

    def weight(self, *shape: int, positive: bool = False) -> str:
        name = f"w{len(self.constants)}"
        scale = np.sqrt(2 / max(1, np.prod(shape[1:])))
        values = self.generator.normal(0, scale, shape)
        values = np.abs(values) + 0.5 if positive else values
        self.constants[name] = values.astype(np.float32)
        return name

    def add(self, op: str, inputs: list[str], shape: tuple[int, ...], **attributes) -> None:
        name = f"t{len(self.tensors)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        self.tensors.append((name, shape))

    def grow(self) -> None:
        """Add a random node that reads one of the last tensors."""
        name, shape = self.pick(*self.tensors[-3:])
        self.pick(
            self.conv,
            self.conv,
            self.activation,
            self.sum,
            self.pool,
            self.concat,
            self.normalize,
            self.softmax,
        )(name, shape)

    def conv(self, name: str, shape: tuple[int, ...]) -> None:
        _, channels, height, width = shape
        kind = self.pick("full", "full", "grouped", "depthwise")
        groups = {"full": 1, "depthwise": channels}.get(kind, self.pick(1, 2, 3))
        groups = groups if channels % groups == 0 else 1
        filters = groups * self.number(1, 40 // groups + 1)
        size, stride, pad = self.pick(1, 3), self.pick(1, 1, 2), self.pick(0, 1)
        if min(height, width) + 2 * pad < size:
            size = 1
        out = [(extent + 2 * pad - size) // stride + 1 for extent in (height, width)]
        inputs = [name, self.weight(filters, channels // groups, size, size)]
        inputs += [self.weight(filters)] if self.pick(True, False) else []
        self.add(
            "Conv",
            inputs,
            (shape[0], filters, *out),
            group=groups,
            strides=[stride] * 2,
            pads=[pad] * 4,
        )

    def activation(self, name: str, shape: tuple[int, ...]) -> None:
        self.add(self.pick("Relu", "Sigmoid", "Tanh", "LeakyRelu"), [name], shape)

    def sum(self, name: str, shape: tuple[int, ...]) -> None:
        same = [other for other, its in self.tensors if its == shape]
        self.add(self.pick("Add", "Mul", "Max"), [name, self.pick(*same)], shape)

    def pool(self, name: str, shape: tuple[int, ...]) -> None:
        if min(shape[2:]) < 2:
            return self.activation(name, shape)
        out = tuple((extent + 1) // 2 for extent in shape[2:])
        attributes = {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}
        self.add(self.pick("MaxPool", "AveragePool"), [name], (*shape[:2], *out), **attributes)

    def concat(self, name: str, shape: tuple[int, ...]) -> None:
        fitting = [t for t in self.tensors if t[1][2:] == shape[2:]]
        other, its = self.pick(*fitting)
        channels = shape[1] + its[1]
        self.add("Concat", [name, other], (shape[0], channels, *shape[2:]), axis=1)

    def normalize(self, name: str, shape: tuple[int, ...]) -> None:
        parts = [self.weight(shape[1], positive=True) for _ in range(4)]
        self.add("BatchNormalization", [name, *parts], shape)

    def softmax(self, name: str, shape: tuple[int, ...]) -> None:
        self.add("Softmax", [name], shape, axis=self.pick(1, -1))

    def classify(self) -> None:
        """End with a Gemm of what is left."""
        name, shape = self.tensors[-1]
        size = int(np.prod(shape[1:]))
        self.add("Flatten", [name], (shape[0], size))
        classes = self.number(1, 20)
        inputs = [self.tensors[-1][0], self.weight(classes, size), self.weight(classes)]
        self.add("Gemm", inputs, (shape[0], classes), transB=1)


def random_network(seed: int) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """A model with one input, and values for it; it returns its last tensor and one before."""
    generator = np.random.default_rng(seed)
    network = Network(generator)
    shape = (
        network.number(1, 2), network.number(1, 20), network.number(4, 13), network.number(4, 13)
    )  # fmt: skip
    network.tensors.append(("x", shape))
    for _ in range(network.number(3, 9)):
        network.grow()
    network.classify()
    outputs = dict.fromkeys([network.tensors[-1][0], network.pick(*network.tensors[1:])[0]])
    inputs = {"x": generator.normal(size=shape).astype(np.float32)}
    return make_model(network.nodes, inputs, list(outputs), network.constants), inputs
