"""Where a record comes from: the machine and the versions of what made it."""

import os
import platform
from functools import cache
from importlib.metadata import version

import llvmlite.binding as llvm

PACKAGES = ("dovetail", "xdsl", "llvmlite", "scikit-learn", "numpy")


@cache
def machine_facts() -> dict[str, str]:
    """What tells this machine from others."""
    return {
        "cpu": llvm.get_host_cpu_name(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
    }


@cache
def versions() -> dict[str, str]:
    """The versions of this package and of those that decide what comes out."""
    return {name: version(name) for name in PACKAGES}
