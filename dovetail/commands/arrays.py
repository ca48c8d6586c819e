"""Reading and writing `.npz` files: named arrays, no pickles."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
from numpy.lib import format as npy

from analysis.errors import UserError
from analysis.files import atomic_file
from dovetail.runtime.buffers import Array


def read_npz(path: Path) -> dict[str, Array]:
    """The arrays in the file `path`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy"): _read(archive, name) for name in archive.namelist()}
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        raise UserError(f"{path}: it is not an .npz file of arrays: {error}") from None


def _read(archive: zipfile.ZipFile, name: str) -> Array:
    with archive.open(name) as file:
        return cast(Array, npy.read_array(file, allow_pickle=False))


def write_npz(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write the arrays to the file `path`, whole or not at all."""
    try:
        with atomic_file(path) as file, zipfile.ZipFile(file, "w") as archive:
            for name, array in arrays.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                    npy.write_array(entry, np.asanyarray(array), allow_pickle=False)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
