"""Reading `model.dove`: a zip of plain data.

    manifest.json   what the program is (see manifest.py)
    library.so      its code, linked by the system linker where there was one
    program.o       its code as an object file
    weights.bin     the weights, raw, each at a multiple of 64 bytes

Entries are stored, not compressed, and `weights.bin` begins at a multiple of 64 bytes of the file,
so weights are mapped and not read. Nothing is unpacked. All checksums are checked: the checks
protect against damage, not malice, for the code in it is run.
"""

import mmap
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from analysis.errors import UserError
from dovetail.runtime.buffers import ALIGNMENT, Array, aligned_empty
from dovetail.runtime.features import check_machine
from dovetail.runtime.library import Library, open_library
from dovetail.runtime.manifest import Manifest, Weight, storage_dtype
from dovetail.runtime.program import Program

MANIFEST, LIBRARY, OBJECT, WEIGHTS = "manifest.json", "library.so", "program.o", "weights.bin"
DAMAGE = (
    zipfile.BadZipFile,
    struct.error,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What zipfile raises, depending on which byte is wrong."""

LOCAL_HEADER = struct.Struct("<4s5H3L2H")


def load(path: str | Path, threads: int | None = None) -> Program:
    """The program in the file `path`, to run on `threads` threads (default: as it was compiled)."""
    path = Path(path)
    try:
        with _open(path) as file:
            manifest, library, weights = _read(file)
    except UserError as error:
        raise UserError(f"{path}: {error.message}", *error.details) from None
    return Program(manifest, library, weights, threads, str(path))


def _open(path: Path) -> BinaryIO:
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise UserError("there is no such file") from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}") from None


def _read(file: BinaryIO) -> tuple[Manifest, Library, list[Array]]:
    """What is in the archive, all of it checked."""
    if not zipfile.is_zipfile(file):
        raise UserError("it is not a .dove file, or it is truncated")
    try:
        with zipfile.ZipFile(file) as archive:
            _check_names(archive)
            manifest = Manifest.from_json(_entry(archive, MANIFEST).decode())
            check_machine(manifest.architecture, manifest.features)
            shared = _optional_entry(archive, LIBRARY)
            object_code = _optional_entry(archive, OBJECT)
            weights = _weights(file, archive, manifest.weights)
    except DAMAGE as error:
        raise UserError(f"it is damaged: {error}") from None
    return manifest, open_library(shared, object_code), weights


def _check_names(archive: zipfile.ZipFile) -> None:
    """Refuse names that an unpacker could be tricked by, though nothing is unpacked here."""
    seen: set[str] = set()
    for info in archive.infolist():
        name = PurePosixPath(info.filename)
        if name.is_absolute() or ".." in name.parts or "\\" in info.filename or ":" in name.name:
            raise UserError(f"its entry {info.filename!r} escapes from the archive")
        if info.filename in seen:
            raise UserError(f"it is damaged: it has two entries {info.filename!r}")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise UserError(f"it is damaged: its entry {info.filename!r} is compressed")
        seen.add(info.filename)


def _optional_entry(archive: zipfile.ZipFile, name: str) -> bytes | None:
    return _entry(archive, name) if name in archive.namelist() else None


def _entry(archive: zipfile.ZipFile, name: str) -> bytes:
    """The content of an entry; its checksum is checked."""
    if name not in archive.namelist():
        raise UserError(f"it is damaged: it has no {name}")
    return archive.read(name)


def _weights(file: BinaryIO, archive: zipfile.ZipFile, table: Sequence[Weight]) -> list[Array]:
    """The weights, mapped from the file."""
    if not table:
        return []
    if WEIGHTS not in archive.namelist():
        raise UserError(f"it is damaged: it has no {WEIGHTS}")
    info = archive.getinfo(WEIGHTS)
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _, *_, name_size, extra_size = LOCAL_HEADER.unpack_from(mapped, info.header_offset)
    start = info.header_offset + LOCAL_HEADER.size + name_size + extra_size
    content = memoryview(mapped)[start : start + info.file_size]
    if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
        raise UserError(f"it is damaged: the checksum of {WEIGHTS} is wrong")
    return [_weight(content, weight) for weight in table]


def _weight(content: memoryview, weight: Weight) -> Array:
    end = weight.offset + weight.nbytes
    if weight.offset % ALIGNMENT or end > len(content):
        raise UserError(f"it is damaged: a weight at byte {weight.offset} of {WEIGHTS}")
    if weight.nbytes == 0:
        return aligned_empty(weight.shape, storage_dtype(weight.dtype))
    raw: Array = np.frombuffer(content[weight.offset : end], np.uint8)
    return raw.view(storage_dtype(weight.dtype)).reshape(weight.shape)
