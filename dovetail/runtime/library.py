"""Compiled code, loaded into this process.

Where a system linker made a shared library, the system's loader loads it and nothing else is
needed. Otherwise llvmlite links the object file in memory.
"""

import ctypes
import os
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Callable
from ctypes.util import find_library
from pathlib import Path
from typing import Protocol

from analysis.errors import UserError


class Library(Protocol):
    """Code in memory. Addresses stay valid as long as the library object lives."""

    def address(self, symbol: str) -> int | None:
        """Where the exported function `symbol` begins, if there is one."""
        ...


class SharedLibrary:
    """A shared library that the system's loader loaded from bytes."""

    def __init__(self, data: bytes) -> None:
        load_math()
        descriptor, path = _file_in_memory(data)
        try:
            self._library = ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_LOCAL)
        except OSError as error:
            os.close(descriptor)
            raise UserError(f"its shared library cannot be loaded: {error}") from None
        finally:
            if not path.startswith("/proc/"):
                os.unlink(path)
        handle: int = self._library._handle  # pyright: ignore[reportPrivateUsage]
        weakref.finalize(self, _unload, handle, descriptor).atexit = False

    def address(self, symbol: str) -> int | None:
        if not hasattr(self._library, symbol):
            return None
        return ctypes.cast(self._library[symbol], ctypes.c_void_p).value


def _file_in_memory(data: bytes) -> tuple[int, str]:
    """A file with this content that only this process sees, and a path to it.

    The descriptor stays open as long as the library: the loader takes a path that it has seen for
    the library that it has loaded.
    """
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("dovetail")
        path = f"/proc/{os.getpid()}/fd/{descriptor}"
    else:
        descriptor, path = tempfile.mkstemp(suffix=".so")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(data)
    return descriptor, path


def _unload(handle: int, descriptor: int) -> None:
    close: Callable[[ctypes.c_void_p], int] = ctypes.CDLL(None).dlclose
    close(ctypes.c_void_p(handle))
    os.close(descriptor)


def load_math() -> None:
    """Make the C library's mathematical functions visible to code that is loaded later."""
    name = find_math()
    if name is not None:
        ctypes.CDLL(name, mode=os.RTLD_NOW | os.RTLD_GLOBAL)


def find_math() -> str | None:
    """The file name of the C library's mathematical functions, if they are apart."""
    for name in ("libm.so.6", "libm.dylib"):
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return name
    return find_library("m")


class JitLibrary:
    """An object file that llvmlite linked in memory; the engine is kept alive with it."""

    def __init__(self, object_code: bytes) -> None:
        try:
            import llvmlite.binding as llvm  # noqa: PLC0415  (not needed for shared libraries)
        except ImportError:
            raise UserError(
                "it holds an object file but no shared library for this system, and llvmlite, "
                "which could link it, is not installed"
            ) from None
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        name = find_math()
        if name is not None:
            llvm.load_library_permanently(name)
        machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(object_code))
        self._engine.finalize_object()

    def address(self, symbol: str) -> int | None:
        return self._engine.get_function_address(symbol) or None


def open_library(shared: bytes | None, object_code: bytes | None) -> Library:
    """Load `shared` if there is one, else link `object_code`."""
    if shared is not None:
        return SharedLibrary(shared)
    if object_code is None:
        raise UserError("it holds no code")
    return JitLibrary(object_code)


def link_shared(object_code: bytes) -> bytes | None:
    """The shared library that the system's linker makes of `object_code`; None without a linker.

    What the code calls from the C library is left open: the process has it.
    """
    for linker in ("ld", "cc"):
        command = shutil.which(linker)
        if command is None:
            continue
        with tempfile.TemporaryDirectory(prefix="dovetail-") as folder:
            source, result = Path(folder, "program.o"), Path(folder, "library.so")
            source.write_bytes(object_code)
            options = ["-shared", "-o", str(result), str(source)]
            options += ["-nostdlib", "-Wl,-Bsymbolic"] if linker == "cc" else ["-Bsymbolic"]
            done = subprocess.run([command, *options], capture_output=True, check=False)
            if done.returncode == 0:
                return result.read_bytes()
    return None
