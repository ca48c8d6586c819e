"""What the compiler hands over: a compiled model, to be run here or saved as one file."""

import platform
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from analysis.errors import UserError
from analysis.files import atomic_file
from dovetail.runtime.archive import LIBRARY, LOCAL_HEADER, MANIFEST, OBJECT, WEIGHTS
from dovetail.runtime.buffers import ALIGNMENT, Array, aligned
from dovetail.runtime.features import check_machine
from dovetail.runtime.library import link_shared, open_library
from dovetail.runtime.manifest import Kernel, Manifest, Tensor, Weight
from dovetail.runtime.program import Program

ALIGNMENT_FIELD = 0xD935
"""The kind of zip's extra field that pads a header."""

ZIP64_FIELD_SIZE = 20
"""What the field for sizes over 4 GiB adds to a header; it is always there."""


@dataclass(frozen=True, eq=False)
class CompiledModel:
    """A network after its pipeline: machine code, weights, and what the runtime must know.

    `object_code` is an object file that exports `entry` and the other functions of the kernel ABI
    (dovetail/runtime/program.py); `features` are LLVM's names of what the code may use; `dims` the
    symbolic dimensions in order of first appearance in the inputs; `kernels` the compiled
    functions, `calls` their indices in the order in which the network calls them; `weights` in
    the order and physical layout of the buffers.
    """

    object_code: bytes
    entry: str
    cpu: str
    features: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    weights: tuple[Array, ...] = ()
    dims: tuple[str, ...] = ()
    kernels: tuple[Kernel, ...] = ()
    calls: tuple[int, ...] = ()
    threads: int | None = None

    @cached_property
    def shared_library(self) -> bytes | None:
        """The code as the system linker links it; None where there is no linker."""
        return link_shared(self.object_code)

    @cached_property
    def manifest(self) -> Manifest:
        """What the runtime must know."""
        return Manifest(
            entry=self.entry,
            architecture=platform.machine(),
            cpu=self.cpu,
            features=tuple(sorted(self.features)),
            dims=self.dims,
            inputs=self.inputs,
            outputs=self.outputs,
            weights=weight_table(self.weights),
            kernels=self.kernels,
            calls=self.calls,
            threads=self.threads,
        )

    def program(self, threads: int | None = None, name: str = "program") -> Program:
        """The program, loaded into this process; refused if this machine cannot run it."""
        try:
            check_machine(self.manifest.architecture, self.manifest.features)
            library = open_library(self.shared_library, self.object_code)
        except UserError as error:
            raise UserError(f"{name}: {error.message}", *error.details) from None
        return Program(self.manifest, library, self.weights, threads, name)

    def save(self, path: str | Path) -> None:
        """Write the program to `path`, whole or not at all."""
        try:
            with atomic_file(Path(path)) as file, zipfile.ZipFile(file, "w") as archive:
                archive.writestr(_info(MANIFEST), self.manifest.to_json())
                if self.shared_library is not None:
                    archive.writestr(_info(LIBRARY), self.shared_library)
                archive.writestr(_info(OBJECT), self.object_code)
                if self.weights:
                    _write_weights(file, archive, self.weights, self.manifest.weights)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from None


def weight_table(weights: Sequence[Array]) -> tuple[Weight, ...]:
    """Where each weight lies in `weights.bin`."""
    table: list[Weight] = []
    end = 0
    for array in weights:
        offset = end + -end % ALIGNMENT
        table.append(Weight(array.dtype.name, array.shape, offset))
        end = offset + array.nbytes
    return tuple(table)


def _info(name: str) -> zipfile.ZipInfo:
    """An entry that does not depend on when it is written."""
    return zipfile.ZipInfo(name)


def _write_weights(
    file: BinaryIO, archive: zipfile.ZipFile, weights: Sequence[Array], table: Sequence[Weight]
) -> None:
    """Write the weights as an entry whose content begins at a multiple of ALIGNMENT."""
    info = _info(WEIGHTS)
    info.file_size = table[-1].offset + weights[-1].nbytes
    field = struct.Struct("<HH")
    begin = file.tell() + LOCAL_HEADER.size + len(WEIGHTS) + field.size + ZIP64_FIELD_SIZE
    padding = -begin % ALIGNMENT
    info.extra = field.pack(ALIGNMENT_FIELD, padding) + bytes(padding)
    with archive.open(info, "w", force_zip64=True) as entry:
        written = 0
        for array, weight in zip(weights, table, strict=True):
            entry.write(bytes(weight.offset - written))
            entry.write(aligned(array).reshape(-1).view("uint8").data)
            written = weight.offset + weight.nbytes
