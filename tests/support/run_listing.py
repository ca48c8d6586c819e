"""Runs the listings of kernels as the Python that they look like.

Loop kinds are ranges and scopes are fresh arrays of garbage. Arrays have logical shapes, and an
index outside them, a negative one too, is an error: a listing that forgot a guard fails.
"""

import itertools
import math
import re

import numpy as np
from xdsl.dialects.func import FuncOp

from backends.interpreter.scalars import dtype_of
from dialects import te
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
        if not isinstance(place, tuple | slice) and self.array.ndim > 1:
            assert 0 <= place < len(self.array), f"{place} in {self.array.shape}"
            return Buffer(self.array[place])  # one of the copies of a tile
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
    dims = dims_of(function, inputs)
    buffers = [Buffer(array.copy()) for array in inputs]
    for argument in function.args[len(inputs) :]:
        shape = [dims.get(e, e) for e in logical_shape(argument.type)]
        buffers.append(Buffer(np.zeros(shape, dtype_of(argument.type))))
    run(text, function.sym_name.data, dims, buffers)
    return [b.array for b in buffers[len(inputs) :]], text


def run_expressions(module, inputs):
    """What a function of tensor expressions, listed, makes of its inputs.

    A line is a loop over the points of its tensor; what follows `where` is one more, of one step.
    """
    (function,) = (op for op in module.ops if isinstance(op, FuncOp))
    lines = listing_of(module).splitlines()
    computes = iter(op for op in function.body.block.ops if isinstance(op, te.ComputeOp))
    done = []
    for number, line in enumerate(lines):
        statement = line.partition("  # ")[0]
        found = re.match(r"    (\w+)\[([^\]]*)\].*? = ", statement)
        if line.startswith("        "):
            done += [] if line.startswith(("        where", "              ")) else [line]
        elif found is None:
            done.append(statement)
        else:
            where = itertools.takewhile(
                lambda text: text.startswith("        "), lines[number + 1 :]
            )
            done += points(statement, found[2].split(", "), next(computes), list(where))
    dims = dims_of(function, inputs)
    buffers = [Buffer(array.copy()) for array in inputs]
    results = run("\n".join(done), function.sym_name.data, dims, buffers)
    results = results if isinstance(results, tuple) else (results,)
    return [b.array for b in results], "\n".join([*lines, *done])


def points(statement, axes, compute, where):
    """The loops that fill the tensors of one line."""
    kinds = [str(result.type.element_type) for result in compute.results]
    shape = [str(e) for e in logical_shape(compute.results[0].type)]
    left, _, right = statement.strip().partition(" = ")
    steps = "".join(
        f" for {name} in [{value}]"
        for name, value in (w.strip().removeprefix("where ").split(" = ", 1) for w in where)
    )
    if steps and compute.reducer is not None:
        right = f"{right.removesuffix(')')}{steps})"
    elif steps:
        right = f"[{right}{steps}][0]"
    names = re.findall(r"(\w+)\[", left)
    lines = [
        f"    {name} = fresh(({', '.join(shape)},), '{kind}')"
        for name, kind in zip(names, kinds, strict=True)
    ]
    for depth, (axis, extent) in enumerate(zip(axes, shape, strict=True)):
        lines.append(f"{'    ' * (depth + 1)}for {axis} in range({extent}):")
    return [*lines, f"{'    ' * (len(axes) + 1)}{left} = {right}"]


def dims_of(function, inputs):
    """The sizes of the symbolic dimensions."""
    dims = {}
    for argument, array in zip(function.args, inputs, strict=False):
        sizes = zip(logical_shape(argument.type), array.shape, strict=True)
        dims.update((name, size) for name, size in sizes if isinstance(name, str))
    return dims


def run(text, name, dims, buffers):
    """Call a function of a listing."""
    names = {
        **dict.fromkeys(("parallel", "unrolled", "vectorized"), range),
        **TYPES,
        **dims,
        "argmax": lambda pairs: max(pairs, key=lambda pair: (pair[0], -pair[1])),
        "argmin": lambda pairs: min(pairs),
        "copy": lambda buffer: Buffer(buffer.array.copy()),
        "exp": lambda x: np.float32(math.exp(x)),
        "fresh": fresh,
        "inf": math.inf,
    }
    exec(compile("from __future__ import annotations\n" + text, "<listing>", "exec"), names)
    with np.errstate(over="ignore"):
        return names[name](*buffers)
