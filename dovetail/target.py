"""Targets by name: `t.target.llvm()` is this machine, `t.target.vta()` the accelerator.

`t.target.nvptx()` is a GPU, for schedules.
"""

from backends.llvm.host import host_target
from dialects.target import Target


def llvm(mcpu: str | None = None, **options: str | int) -> Target:
    """A CPU: this machine, or the one that LLVM calls `mcpu`; options as `num_threads=4`."""
    base = host_target() if mcpu is None else Target("llvm", (("mcpu", mcpu),))
    return base.having(**options)


def vta(config: str | None = None) -> Target:
    """The VTA accelerator in a configuration: its name, or a JSON file."""
    return Target("vta").having(config=config)


def nvptx(mcpu: str = "sm_90", **options: str | int) -> Target:
    """A GPU by the name of its architecture; options as `shared=48 * 1024`."""
    return Target("nvptx", (("mcpu", mcpu),)).having(**options)
