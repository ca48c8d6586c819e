"""CPU targets: what `llvm -mcpu=...` means, and the target that is this machine.

LLVM says which features a CPU has (see probe.py); vector width and registers follow from the
features. Cache sizes come from the target's text, and `host_target` writes those of this machine
into it; where neither says, they are those of a common server core.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import llvmlite.binding as llvm

from analysis.errors import UserError
from backends.llvm.probe import cpu_features, host_features
from dialects.target import Machine, Scope, Target

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
DEFAULT_CACHES = {"l1": 32 << 10, "l2": 1 << 20, "l3": 32 << 20}

CLOCK = 3.5
"""Cycles a nanosecond of a common server core, in which its bandwidths are told."""


@dataclass(frozen=True)
class Core:
    """What kinds of processors differ in, beside features: vectors that are multiplied and added,
    and loaded, in a cycle; what one core reads from the third cache and from DRAM, in GB/s."""

    multiply_adds: int = 2
    loads: int = 2
    l3: float = 28.0
    dram: float = 14.0


CORES: Mapping[str, Core] = MappingProxyType(
    {
        # vectors of 64 bytes are worked on in two halves
        "znver4": Core(multiply_adds=1, loads=1, l3=110.0, dram=25.0),
        "znver5": Core(l3=110.0, dram=25.0),
    }
)

GENERATED = re.compile(
    "64bit|adx|aes|avx|bmi|cmov|f16c|fma|gfni|lzcnt|mmx|movbe|pclmul|popcnt|prfchw|sha|sse|ssse"
    "|vaes|vpclmul|xop"
)
"""On x86, the families of features whose instructions compiled kernels may contain. The others
(`clzero`, `pku`, `fsgsbase`, ...) are for operating systems, and virtual machines hide some; AMX
is used by kernels that ask for it alone, and only they must say so."""


def generated(features: frozenset[str]) -> frozenset[str]:
    """The features among `features` that a processor must have to run compiled kernels."""
    if not is_x86():
        return features
    return frozenset(f for f in features if GENERATED.match(f))


def offered(features: frozenset[str]) -> frozenset[str]:
    """The features among `features` that code may use where it asks for them: AMX as well."""
    return generated(features) | {f for f in features if f.startswith("amx")}


def is_x86() -> bool:
    """Whether LLVM compiles for x86-64 here."""
    return llvm.get_default_triple().startswith("x86_64")


def features_of(target: Target) -> frozenset[str]:
    """The features that code for `target` may use."""
    cpu = target.get("mcpu")
    if cpu is None:
        raise UserError(f"target '{target}' names no CPU: write llvm -mcpu=NAME")
    try:
        return cpu_features(cpu, target.get("mattr") or "")
    except UserError as error:
        raise UserError(f"target '{target}': {error.message}") from None


def vector_shape(features: frozenset[str]) -> tuple[int, int]:
    """Bytes in the widest vector register, and how many such registers there are."""
    if "avx512f" in features:
        return 64, 32
    if "avx" in features:
        return 32, 16
    return (16, 16) if is_x86() else (16, 32)


def describe(target: Target) -> Machine:
    """The facts about the CPU target `target`."""
    features = features_of(target)
    width, registers = vector_shape(features)
    caches = {name: target.number(name) or size for name, size in DEFAULT_CACHES.items()}
    core = CORES.get(target.get("mcpu") or "", Core())
    return Machine(
        device="llvm",
        cpu=target.get("mcpu") or "",
        features=features,
        units=(),
        vector_bytes=width,
        vector_registers=registers,
        scopes=(Scope("global"), Scope("local"), Scope("register", width * registers)),
        l1_bytes=caches["l1"],
        l2_bytes=caches["l2"],
        l3_bytes=caches["l3"],
        cores=target.number("num-threads") or 1,
        tile_registers=8 if "amx-tile" in features else 0,
        bandwidths=(("l1", 300.0), ("l2", 120.0), ("l3", core.l3), ("dram", core.dram)),
        clock=CLOCK,
        multiply_adds=core.multiply_adds,
        loads=core.loads,
    )


def cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cache_sizes(folder: Path = CACHES) -> dict[str, int]:
    """The sizes of the data caches that `folder` (Linux's description of a core) tells."""
    sizes: dict[str, int] = {}
    for entry in sorted(folder.glob("index*")):
        try:
            level = (entry / "level").read_text().strip()
            kind = (entry / "type").read_text().strip()
            text = (entry / "size").read_text().strip()
        except OSError:
            continue
        scale = {"K": 1 << 10, "M": 1 << 20}.get(text[-1:], 1)
        digits = text.rstrip("KM")
        if kind in ("Data", "Unified") and level in "123" and digits.isdigit() and int(digits):
            sizes[f"l{level}"] = int(digits) * scale
    return sizes


def host_target(
    threads: int | None = None, read_caches: Callable[[], dict[str, int]] = cache_sizes
) -> Target:
    """The target that is this machine, with `threads` threads (default: all cores it may use)."""
    cpu = llvm.get_host_cpu_name()
    named, there = offered(cpu_features(cpu)), offered(host_features())
    differing = [f"-{f}" for f in sorted(named - there)] + [f"+{f}" for f in sorted(there - named)]
    target = Target("llvm", (("mcpu", cpu),)).having(
        mattr=",".join(differing) or None, num_threads=threads or cores()
    )
    sizes = {**DEFAULT_CACHES, **read_caches()}
    return target.having(**sizes)
