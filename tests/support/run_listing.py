"""Runs the listing of a function of loops as the Python that it looks like.

Loop kinds are ranges and scopes are fresh arrays of garbage. Arrays have logical shapes, and an
index outside them, a negative one too, is an error: a listing that forgot a guard fails.
"""

import math
import re

import numpy as np
from xdsl.dialects.func import FuncOp

from backends.interpreter.scalars import dtype_of
from dialects.layout import logical_shape
from dovetail.printing.pseudo import listing_of

ALLOCATION = re.compile(r"^( *)(?!return |if |for |def )([a-z]\w*) (\w+\[.*?)(?:  # (.*))?$")
TYPES = {
    "f16": np.float16,
    "f32": np.float32,
    "f64": np.float64,
    "i1": np.bool_,
    "i8": np.int8,
    "i32": np.int32,
    "i64": np.int64,
}


class Buffer:
    """An array that refuses what lies outside of it."""

    def __init__(self, array):
        self.array = array

    def check(self, place):
        place = place if isinstance(place, tuple) else (place,)
        assert len(place) == self.array.ndim, f"{place} in {self.array.shape}"
        for index, extent in zip(place, self.array.shape, strict=True):
            if isinstance(index, slice):
                low, high = index.start or 0, extent if index.stop is None else index.stop
                assert low >= 0 and max(low, high) <= extent, f"{place} in {self.array.shape}"
            else:
                assert 0 <= index < extent, f"{place} in {self.array.shape}"

    def __getitem__(self, place):
        self.check(place)
        return self.array[place]

    def __setitem__(self, place, value):
        self.check(place)
        assert np.shape(value) in ((), np.shape(self.array[place]))
        self.array[place] = value


def allocation(match):
    """The statement that a line of allocations stands for."""
    indent, _, buffers, comment = match.groups()
    kind = next((w for w in re.findall(r"\w+", comment or "") if w in TYPES), "f32")
    made = [
        f"{name} = fresh(({sizes}{',' if sizes else ''}), '{kind}')"
        for name, sizes in re.findall(r"(\w+)\[(.*?)\]", buffers)
    ]
    return indent + "; ".join(made)


def fresh(shape, kind):
    """A buffer of garbage."""
    dtype = np.dtype(TYPES[kind])
    return Buffer(
        np.full(shape, np.nan if dtype.kind == "f" else 1 << (dtype.itemsize * 8 - 2), dtype)
    )


def run_listing(module, inputs):
    """What a function of loops, listed, makes of inputs of logical shape; its last arguments."""
    (function,) = (op for op in module.ops if isinstance(op, FuncOp))
    lines = [line for line in listing_of(module).splitlines() if "prefetch(" not in line]
    text = "\n".join(ALLOCATION.sub(allocation, line) for line in lines)
    dims = {}
    for argument, array in zip(function.args, inputs, strict=False):
        sizes = zip(logical_shape(argument.type), array.shape, strict=True)
        dims.update((name, size) for name, size in sizes if isinstance(name, str))
    buffers = [Buffer(array.copy()) for array in inputs]
    for argument in function.args[len(inputs) :]:
        shape = [dims.get(e, e) for e in logical_shape(argument.type)]
        buffers.append(Buffer(np.zeros(shape, dtype_of(argument.type))))
    names = {
        **dict.fromkeys(("parallel", "unrolled", "vectorized"), range),
        **TYPES,
        **dims,
        "exp": lambda x: np.float32(math.exp(x)),
        "fresh": fresh,
        "inf": math.inf,
    }
    exec(compile("from __future__ import annotations\n" + text, "<listing>", "exec"), names)
    with np.errstate(over="ignore"):
        names[function.sym_name.data](*buffers)
    return [b.array for b in buffers[len(inputs) :]], text
