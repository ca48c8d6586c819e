"""What a compiled program says about itself: plain data, and its JSON form.

The runtime knows a program by this and by the functions that its library exports; nothing here
depends on the compiler.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from math import prod
from typing import cast

import numpy as np

from analysis.errors import UserError

FORMAT = 1
"""The version of everything a `.dove` file holds; a reader refuses any other."""

Shape = tuple[int | str, ...]
"""The extents of a tensor; a name stands for a symbolic dimension."""


@cache
def storage_dtype(name: str) -> np.dtype:
    """The NumPy type that holds elements of the type `name`.

    `bfloat16` is a type of its own where the package ml_dtypes was imported, else its bits.
    """
    try:
        return np.dtype(name)
    except TypeError:
        if name == "bfloat16":
            return np.dtype(np.uint16)
        raise UserError(f"no element type is called '{name}'") from None


def shape_text(shape: Sequence[int | str]) -> str:
    """`(n, 3, 224)`."""
    return f"({', '.join(str(extent) for extent in shape)})"


@dataclass(frozen=True)
class Tensor:
    """The name, element type and shape of an input or output."""

    name: str
    dtype: str
    shape: Shape

    def __str__(self) -> str:
        return f"'{self.name}' {self.dtype}{shape_text(self.shape)}"


@dataclass(frozen=True)
class Weight:
    """Where a weight lies in the file of weights, in its physical layout."""

    dtype: str
    shape: tuple[int, ...]
    offset: int

    @property
    def nbytes(self) -> int:
        """Its size."""
        return prod(self.shape) * storage_dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Kernel:
    """A compiled function and the device it runs on."""

    name: str
    device: str = "cpu"


@dataclass(frozen=True)
class Manifest:
    """A program without its code and weights.

    `features` are LLVM's names of what the processor must have; `dims` the symbolic dimensions in
    order of first appearance in the inputs; `calls` the kernels (as indices) that the network
    calls, in order; `threads` how many it was tuned for.
    """

    entry: str
    architecture: str
    cpu: str
    features: tuple[str, ...]
    dims: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    weights: tuple[Weight, ...]
    kernels: tuple[Kernel, ...]
    calls: tuple[int, ...]
    threads: int | None = None

    def __post_init__(self) -> None:
        solved = {e for tensor in self.inputs for e in tensor.shape if isinstance(e, str)}
        for dim in self.dims:
            if dim not in solved:
                raise UserError(f"no input tells the symbolic dimension '{dim}'")
        for dim in solved:
            if dim not in self.dims:
                raise UserError(f"the symbolic dimension '{dim}' of an input is not declared")
        for tensor in (*self.inputs, *self.outputs):
            storage_dtype(tensor.dtype)
        for call in self.calls:
            if not 0 <= call < len(self.kernels):
                raise UserError(f"a call of kernel {call} of {len(self.kernels)}")

    def to_json(self) -> str:
        """The text of `manifest.json`."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1)

    @staticmethod
    def from_json(text: str) -> "Manifest":
        """The manifest in `text`; what is wrong with it is a UserError of one line."""
        try:
            data: object = json.loads(text)
        except ValueError as error:
            raise UserError(f"manifest.json is not JSON: {error}") from None
        fields = _mapping(data, "manifest.json")
        if fields.get("format") != FORMAT:
            raise UserError(
                f"its format is {fields.get('format')!r}, this version of Dovetail reads {FORMAT}"
            )
        return Manifest(
            entry=_text(fields, "entry"),
            architecture=_text(fields, "architecture"),
            cpu=_text(fields, "cpu"),
            features=tuple(_texts(fields, "features")),
            dims=tuple(_texts(fields, "dims")),
            inputs=tuple(_tensor(f) for f in _mappings(fields, "inputs")),
            outputs=tuple(_tensor(f) for f in _mappings(fields, "outputs")),
            weights=tuple(_weight(f) for f in _mappings(fields, "weights")),
            kernels=tuple(
                Kernel(_text(f, "name"), _text(f, "device")) for f in _mappings(fields, "kernels")
            ),
            calls=tuple(_whole(v, "calls") for v in _list(fields, "calls")),
            threads=None if fields.get("threads") is None else _whole(fields["threads"], "threads"),
        )


def _bad(name: str, what: str, found: object) -> UserError:
    return UserError(f"manifest.json: '{name}' must be {what}, not {found!r:.60}")


def _mapping(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _bad(name, "an object", value)
    return cast(dict[str, object], value)


def _list(fields: Mapping[str, object], name: str) -> list[object]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise _bad(name, "a list", value)
    return cast(list[object], value)


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise _bad(name, "a text", value)
    return value


def _whole(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _bad(name, "a whole number", value)
    return value


def _texts(fields: Mapping[str, object], name: str) -> list[str]:
    values = _list(fields, name)
    return [_text({name: value}, name) for value in values]


def _mappings(fields: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    return [_mapping(value, name) for value in _list(fields, name)]


def _tensor(fields: Mapping[str, object]) -> Tensor:
    shape = [e if isinstance(e, str) else _whole(e, "shape") for e in _list(fields, "shape")]
    return Tensor(_text(fields, "name"), _text(fields, "dtype"), tuple(shape))


def _weight(fields: Mapping[str, object]) -> Weight:
    shape = tuple(_whole(extent, "shape") for extent in _list(fields, "shape"))
    weight = Weight(_text(fields, "dtype"), shape, _whole(fields.get("offset"), "offset"))
    storage_dtype(weight.dtype)
    return weight
