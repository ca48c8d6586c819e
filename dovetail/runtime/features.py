"""Whether this machine's processor has what a program needs."""

import ctypes
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

from analysis.errors import UserError

CPUINFO = Path("/proc/cpuinfo")

KERNEL_NAMES = {
    "64bit": "lm",
    "bmi": "bmi1",
    "lzcnt": "abm",
    "pclmul": "pclmulqdq",
    "prfchw": "3dnowprefetch",
    "rdrnd": "rdrand",
    "sahf": "lahf_lm",
    "sha": "sha_ni",
    "sse3": "pni",
}
"""Features that Linux lists under another name than LLVM; others differ in punctuation only."""

ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA = 158, 0x1023, 18


def _plain(name: str) -> str:
    return "".join(char for char in name if char.isalnum())


def missing_features(features: Iterable[str], cpuinfo: Path = CPUINFO) -> list[str]:
    """Which of `features` (LLVM's names, x86) this machine lacks; none where it cannot tell."""
    try:
        text = cpuinfo.read_text()
    except OSError:
        return []
    flags = next((line for line in text.splitlines() if line.startswith("flags")), None)
    if flags is None:
        return []
    there = {_plain(flag) for flag in flags.partition(":")[2].split()}
    return sorted(f for f in features if _plain(KERNEL_NAMES.get(f, f)) not in there)


def check_machine(architecture: str, features: Iterable[str], cpuinfo: Path = CPUINFO) -> None:
    """Refuse a program that this machine cannot run, and ask for what must be asked for."""
    if architecture != platform.machine():
        raise UserError(f"it is compiled for {architecture}, this machine is {platform.machine()}")
    missing = missing_features(features, cpuinfo)
    if missing:
        raise UserError(f"it needs a processor with {', '.join(missing)}, which this one lacks")
    if "amx-tile" in features and sys.platform == "linux":
        _allow_tiles()


def _allow_tiles() -> None:
    """Linux gives a process the AMX tile registers when it asks, before its threads start."""
    libc = ctypes.CDLL(None)
    if libc.syscall(ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA) != 0:
        raise UserError("it needs AMX tiles, which the system does not let this process use")
