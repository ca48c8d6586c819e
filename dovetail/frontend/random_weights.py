"""Random weights for models that ship with constant ones, which hide permuted elements.

The scale of a weight with several dimensions is that of He et al. 2015, "Delving deep into
rectifiers".
"""

import numpy as np
import onnx
from onnx import numpy_helper


def random_weights(model: onnx.ModelProto, seed: int = 0) -> onnx.ModelProto:
    """A copy of a model whose float weights are random: vectors in [0.5, 1.5], else He's.

    Weights are no inputs of the copy, so that every runtime may treat them as constants.
    """
    generator = np.random.default_rng(seed)
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    changed.ir_version = 8  # from 4 on, initializers need not be inputs
    graph = changed.graph
    arrays = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    filled = {n.output[0]: arrays[n.input[0]] for n in graph.node if n.op_type == "ConstantOfShape"}
    shapes = {name: tuple(int(e) for e in shape) for name, shape in filled.items()}
    shapes |= {name: a.shape for name, a in arrays.items() if a.dtype == np.float32}
    nodes = [n for n in graph.node if n.output[0] not in filled]
    kept = [t for t in graph.initializer if t.name not in shapes]
    for name, shape in shapes.items():
        if len(shape) < 2:
            array = generator.uniform(0.5, 1.5, shape)
        else:
            array = generator.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        kept.append(numpy_helper.from_array(array.astype(np.float32), name))
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    constants = {tensor.name for tensor in kept}
    inputs = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)
    return changed
