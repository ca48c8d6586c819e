"""What the ops of `sample` mean, on NumPy arrays. The tests compare compiled code with this."""

import numpy as np

from dialects.graph.base import integer
from dialects.graph.weights import Array
from dovetail_example.dialect import GluOp


def glu(op: GluOp, x: Array) -> Array:
    a, b = np.split(x, 2, axis=integer(op.axis))
    return a / (1 + np.exp(-b))
