"""What a supervisor and its child say to each other: frames on a pipe.

A frame is a header of JSON, and arrays behind it as raw bytes:

    | bytes of the header, 8, little-endian | header | array | array ...
    {"do": "task", ..., "arrays": [{"dtype": "float32", "shape": [128, 128]}, ...]}

Nothing is pickled, so what a broken child writes can be no more than wrong.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SIZE_BYTES = 8
LARGEST_HEADER = 1 << 28
"""A header that claims to be longer is none."""


class BrokenFrameError(Exception):
    """Bytes that are no frame."""


@dataclass(frozen=True)
class Frame:
    """A header, and the arrays that belong to it."""

    header: dict[str, Any]
    arrays: Sequence[Array] = field(default=())

    def parts(self) -> Iterator[bytes]:
        """The bytes of the frame."""
        said = [{"dtype": str(a.dtype), "shape": list(a.shape)} for a in self.arrays]
        header = json.dumps({**self.header, "arrays": said}).encode()
        yield len(header).to_bytes(SIZE_BYTES, "little") + header
        for array in self.arrays:
            yield np.ascontiguousarray(array).tobytes()


class FrameReader:
    """Puts a frame together from pieces; `missing` is how many bytes the next one may have."""

    def __init__(self) -> None:
        self.frame: Frame | None = None
        self._data = bytearray()
        self._steps = self._read()
        self.missing = next(self._steps)

    def feed(self, data: bytes) -> None:
        """Take the next bytes, at most `missing`; the last of them make `frame`."""
        self._data += data
        self.missing -= len(data)
        if not self.missing:
            self.missing = next(self._steps, 0)

    def _read(self) -> Iterator[int]:
        yield SIZE_BYTES
        size = int.from_bytes(self._take(), "little")
        if not 0 < size <= LARGEST_HEADER:
            raise BrokenFrameError(f"a header of {size} bytes")
        yield size
        header = parsed(self._take())
        arrays: list[Array] = []
        for dtype, shape in header.pop("arrays"):
            if size := dtype.itemsize * prod(shape):
                yield size
            arrays.append(np.frombuffer(bytearray(self._take()), dtype).reshape(shape))
        self.frame = Frame(header, arrays)

    def _take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data


def parsed(data: bytes) -> dict[str, Any]:
    """The header that bytes are, `arrays` as element types and shapes."""
    try:
        header: dict[str, Any] = json.loads(data)
        said: list[dict[str, Any]] = header["arrays"]
        arrays = [(dtype_of(a["dtype"]), tuple(int(e) for e in a["shape"])) for a in said]
    except (ValueError, TypeError, KeyError) as error:
        raise BrokenFrameError(str(error)) from None
    return {**header, "arrays": arrays}


def dtype_of(name: str) -> np.dtype[Any]:
    """The element type of that name, bfloat16 among them."""
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)
