"""Targets by name: `t.target.llvm()` is this machine, `t.target.vta()` the accelerator."""

from backends.llvm.host import host_target
from dialects.target import Target


def llvm(mcpu: str | None = None, **options: str | int) -> Target:
    """A CPU: this machine, or the one that LLVM calls `mcpu`; options as `num_threads=4`."""
    base = host_target() if mcpu is None else Target("llvm", (("mcpu", mcpu),))
    return base.having(**options)


def vta(config: str | None = None) -> Target:
    """The VTA accelerator in a configuration: its name, or a JSON file."""
    return Target("vta").having(config=config)
