"""Where the weights of a module go when it becomes text.

Text refers to weights. Those that came from a file still refer to it; those that are new and too
large for text go to a sidecar beside the output, `x.weights.npz` for `x.mlir`, which appears
whole or not at all. Without an output file there is nowhere to put them.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from analysis.errors import UserError
from dialects.graph.structure import WeightOp
from dialects.graph.weights import Array, Elided, Stored, Weight, WeightAttr


def settle_weights(module: ModuleOp, output: Path | None, elide: bool) -> None:
    """Give every weight of `module` a form that text can hold, writing the sidecar if needed."""
    ops = [op for op in module.walk() if isinstance(op, WeightOp)]
    sidecar = output.with_suffix(".weights.npz").resolve() if output else None
    new = [op for op in ops if must_be_written(op.weight, sidecar)]
    changed = [op for op in new if not op.weight.in_text]
    if elide:
        for op in changed:
            op.content = WeightAttr(Weight(op.weight.type, Elided(op.weight.sha)))
    elif changed and sidecar is None:
        plural = "s" * (len(changed) > 1)
        raise UserError(f"{len(changed)} weight{plural} changed: give -o FILE, or --weights=elide")
    elif changed and sidecar is not None:
        write_sidecar(new, sidecar)
    base = (output.resolve().parent if output else Path.cwd()).resolve()
    for op in ops:
        refer_from(op, base)


def must_be_written(weight: Weight, sidecar: Path | None) -> bool:
    """Whether the sidecar, if there is one, has to hold `weight`."""
    stored_there = isinstance(weight.source, Stored) and weight.source.path == sidecar
    return stored_there or not weight.in_text


def write_sidecar(ops: Sequence[WeightOp], path: Path) -> None:
    """Write the weights of `ops` to `path` and make them refer to it."""
    keys: dict[str, str] = {}
    arrays: dict[str, Array] = {}
    for op in ops:
        if op.weight.sha not in keys:
            key, number = op.label.data, 0
            while key in arrays:
                number += 1
                key = f"{op.label.data}_{number}"
            keys[op.weight.sha], arrays[key] = key, op.weight.array
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(partial, "wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    for op in ops:
        weight = op.weight
        source = Stored(path, keys[weight.sha], weight.sha, path.name)
        op.content = WeightAttr(Weight(weight.type, source, weight.array))


def refer_from(op: WeightOp, base: Path) -> None:
    """Make the text of a stored weight name its file as seen from the folder `base`."""
    source = op.weight.source
    if isinstance(source, Stored):
        shown = os.path.relpath(source.path, base)
        op.content = WeightAttr(op.weight.at(Stored(source.path, source.key, source.sha, shown)))
