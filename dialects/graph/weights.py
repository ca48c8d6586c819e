"""The constants of a network: arrays that text refers to instead of spelling them out.

A `Weight` is an immutable array that may not be in memory yet. Where it comes from decides its
text: `file("x.weights.npz", "w", "<sha>")`, `splat(0.02)`, `random(7, -1.0, 1.0)`,
`dense<...>` for small arrays, and `elided("<sha>")` for one whose contents were left out. Two
weights are equal when their contents are: the SHA-256 of element type, shape and bytes.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, TensorType
from xdsl.ir import Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

from analysis.errors import UserError, nearest
from dialects.graph.base import AnyTensor
from dialects.graph.elements import array_type, dtype_of, is_float

DENSE_LIMIT = 64 * 1024
Array = np.ndarray[Any, np.dtype[Any]]


def decimal(number: Any) -> float | int:
    """A NumPy scalar as a Python number: the shortest decimal that rounds to it."""
    return float(str(number)) if np.asarray(number).dtype.kind not in "iub" else int(number)


def is_uniform(array: Array) -> bool:
    """Whether all elements have the same bits."""
    rows = np.ascontiguousarray(array).reshape(-1).view(np.uint8).reshape(array.size, -1)
    return bool((rows == rows[0]).all())


def content_hash(array: Array) -> str:
    """SHA-256 of an array's element type, shape and bytes."""
    digest = hashlib.sha256(f"{array.dtype.name} {array.shape} ".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class Splat:
    """One value everywhere."""

    value: float | int

    def load(self, type: AnyTensor) -> Array:
        return np.full(type.get_shape(), self.value, dtype_of(type.element_type))


@dataclass(frozen=True)
class Random:
    """Uniform numbers in [low, high) from `numpy.random.default_rng(seed)`; integers include
    `high`."""

    seed: int
    low: float | int
    high: float | int

    def load(self, type: AnyTensor) -> Array:
        generator, shape = np.random.default_rng(self.seed), type.get_shape()
        dtype = dtype_of(type.element_type)
        if is_float(type.element_type):
            return np.asarray(generator.uniform(self.low, self.high, shape)).astype(dtype)
        numbers = generator.integers(int(self.low), int(self.high), shape, endpoint=True)
        return np.asarray(numbers).astype(dtype)


@dataclass(frozen=True)
class Stored:
    """An array in an .npz file or an initializer of a model; `shown` is how text names `path`."""

    path: Path
    key: str
    sha: str
    shown: str

    def load(self, type: AnyTensor) -> Array:
        array = read_array(self.path, self.key)
        if array.dtype.kind == "V":  # NumPy stores bfloat16 as bytes without a name
            array = array.view(dtype_of(type.element_type))
        if content_hash(array) != self.sha:
            raise UserError(
                f"weight '{self.key}' in {self.shown} is not the one the text refers to"
            )
        return array


@dataclass(frozen=True)
class Held:
    """An array in memory, of no file."""

    array: Array

    def load(self, type: AnyTensor) -> Array:
        return self.array


@dataclass(frozen=True)
class Elided:
    """A weight whose contents were left out of the text."""

    sha: str

    def load(self, type: AnyTensor) -> Array:
        raise UserError("the text was written with --weights=elide: it has no values to run with")


Source = Splat | Random | Stored | Held | Elided


@lru_cache(maxsize=4)
def _model_initializers(path: Path, stamp: int) -> dict[str, Any]:
    import onnx  # noqa: PLC0415

    model = onnx.load_model_from_string(path.read_bytes())
    return {tensor.name: tensor for tensor in model.graph.initializer}


def read_array(path: Path, key: str) -> Array:
    """The array `key` of an .npz file, or the initializer `key` of an .onnx file."""
    try:
        if path.suffix == ".onnx":
            from onnx import numpy_helper  # noqa: PLC0415

            tensors = _model_initializers(path, path.stat().st_mtime_ns)
            if key in tensors:
                return numpy_helper.to_array(tensors[key], base_dir=str(path.parent))
            names = list(tensors)
        else:
            with np.load(path, allow_pickle=False) as archive:
                if key in archive:
                    return cast(Array, archive[key])
                names = list(archive)
    except OSError as error:
        raise UserError(f"cannot read the weights file {path}: {error.strerror or error}") from None
    raise UserError(f"{path} has no weight '{key}': {nearest(key, names)}")


class Weight:
    """An immutable array of a tensor type, loaded when it is first asked for."""

    def __init__(self, type: AnyTensor, source: Source, array: Array | None = None) -> None:
        """`array` is the contents, where they are at hand already."""
        self.type = type
        self.source = source
        self._at_hand = array

    @staticmethod
    def of(array: Array) -> "Weight":
        """The weight that holds `array`; a number everywhere becomes a splat."""
        type, first = array_type(array), array.reshape(-1)[:1]
        if array.size > 1 and is_uniform(array) and np.isfinite(first).all():
            return Weight(type, Splat(decimal(first[0])))
        array = np.array(array, order="C")
        array.setflags(write=False)
        return Weight(type, Held(array))

    def at(self, source: Source) -> "Weight":
        """The same contents, found in `source`; what is loaded stays loaded."""
        return Weight(self.type, source, self.__dict__.get("array", self._at_hand))

    @cached_property
    def array(self) -> Array:
        array = self.source.load(self.type) if self._at_hand is None else self._at_hand
        expected = (self.type.get_shape(), dtype_of(self.type.element_type))
        if (array.shape, array.dtype) != expected:
            raise UserError(
                f"a weight of type {self.type} is stored as {array.dtype} {list(array.shape)}"
            )
        array = np.ascontiguousarray(array).reshape(array.shape)
        array.setflags(write=False)
        return array

    @cached_property
    def sha(self) -> str:
        if isinstance(self.source, Stored | Elided):
            return self.source.sha
        return content_hash(self.array)

    @property
    def in_text(self) -> bool:
        """Whether text can hold or refer to the contents without a new file."""
        return not isinstance(self.source, Held) or self.source.array.nbytes < DENSE_LIMIT

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Weight) or self.type != other.type:
            return False
        return self.source == other.source if self._by_rule(other) else self.sha == other.sha

    def _by_rule(self, other: "Weight") -> bool:
        return isinstance(self.source, Splat) and isinstance(other.source, Splat)

    def __hash__(self) -> int:
        return hash(self.type)

    @staticmethod
    def parse(parser: AttrParser) -> "Weight":
        """`splat(..)`, `random(..)`, `file(..)`, `elided(..)` or `dense<..>`, then `: type`."""
        word = parser.parse_keyword_in(("splat", "random", "file", "elided", "dense"))
        if word == "dense":
            dense = parser.parse_dense_int_or_fp_elements_attr(None)
            type = cast(AnyTensor, dense.type)
            values: Any = dense.get_values()
            return Weight(
                type, Held(np.array(values, dtype_of(type.element_type)).reshape(type.get_shape()))
            )
        with parser.in_parens():
            source = _SOURCES[word](parser)
        parser.parse_punctuation(":")
        type = parser.parse_type()
        if not isinstance(type, TensorType):
            parser.raise_error(f"a weight is a tensor, not {type}")
        return Weight(cast(AnyTensor, type), source)

    def print(self, printer: Printer) -> None:
        source = self.source
        if isinstance(source, Held) and self.in_text:
            values: Any = source.array.reshape(-1).tolist()
            type: Any = self.type
            printer.print_attribute(DenseIntOrFPElementsAttr.from_list(type, values))
            return
        match source:
            case Splat(value):
                printer.print_string(f"splat({_number(value)})")
            case Random(seed, low, high):
                printer.print_string(f"random({seed}, {_number(low)}, {_number(high)})")
            case Stored(_, key, sha, shown):
                printer.print_string("file")
                with printer.in_parens():
                    printer.print_list((shown, key, sha), printer.print_string_literal)
            case Held() | Elided():
                printer.print_string(f'elided("{self.sha}")')
        printer.print_string(" : ")
        printer.print_attribute(self.type)


def _number(value: float | int) -> str:
    """A number as MLIR reads it back: a float has a point."""
    digits = repr(value)
    if isinstance(value, float) and "." not in digits and "e" in digits:
        return digits.replace("e", ".0e")
    return digits


def _parse_splat(parser: AttrParser) -> Source:
    return Splat(parser.parse_number())


def _parse_random(parser: AttrParser) -> Source:
    seed = parser.parse_integer()
    parser.parse_punctuation(",")
    low = parser.parse_number()
    parser.parse_punctuation(",")
    return Random(seed, low, parser.parse_number())


def _parse_file(parser: AttrParser) -> Source:
    shown = parser.parse_str_literal()
    parser.parse_punctuation(",")
    key = parser.parse_str_literal()
    parser.parse_punctuation(",")
    folder = Path(parser.lexer.input.name).parent
    return Stored((folder / shown).resolve(), key, parser.parse_str_literal(), shown)


def _parse_elided(parser: AttrParser) -> Source:
    return Elided(parser.parse_str_literal())


_SOURCES = {
    "splat": _parse_splat,
    "random": _parse_random,
    "file": _parse_file,
    "elided": _parse_elided,
}


@irdl_attr_definition
class WeightAttr(Data[Weight]):
    """The contents of a `graph.weight`."""

    name = "graph.content"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Weight:
        with parser.in_angle_brackets():
            return Weight.parse(parser)

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            self.data.print(printer)
