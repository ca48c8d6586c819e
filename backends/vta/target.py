"""The accelerator as a target: what `vta -config=...` means to passes.

The option is the name of a configuration, such as `1x16_i8w8a32_15_15_18_17`, or a JSON file; the
usual configuration where there is none. `-preset=pynq` names the timing by which the tuner counts
cycles. The units are called `ld`, `ex` and `st`.
"""

from dataclasses import replace
from pathlib import Path

from analysis.errors import UserError
from dialects.target import Costs, Machine, Scope, Target
from vta.config import Config, ConfigError, Memory
from vta.timing import find_preset

DEFAULT_PRESET = "hls"
"""The timing (vta/timing.py) of a target that names none."""

UNITS = ("ld", "ex", "st")
QUEUES = (("ld", "ex"), ("ex", "ld"), ("ex", "st"), ("st", "ex"))
COSTS = Costs(move=8, nest=8, step=2, store=3)
"""docs/vta-isa.md, section 10, of the HLS design."""


def config_of(target: Target) -> Config:
    """The configuration that a target names."""
    named = target.get("config")
    try:
        if named is None:
            return Config()
        if named.endswith(".json"):
            return Config.from_json(Path(named).read_text(encoding="utf-8"))
        return Config.from_name(named)
    except OSError as error:
        raise UserError(f"target '{target}': cannot read {named}: {error.strerror}") from None
    except ConfigError as error:
        raise UserError(f"target '{target}': {error.message}", *error.details) from None


def scopes_of(config: Config) -> tuple[Scope, ...]:
    """The memories, with the shape of an element."""
    rows = (config.batch, config.block)

    def scope(memory: Memory, shape: tuple[int, ...], type: str, fill: str | None) -> Scope:
        size = memory.depth * memory.element_bytes
        return Scope(memory.name, size, (shape, type), fill=fill)

    return (
        Scope("global"),
        scope(config.uop, (), "i32", "ex"),
        scope(config.inp, rows, "i8", "ld"),
        scope(config.wgt, (config.block, config.block), "i8", "ld"),
        scope(config.acc, rows, "i32", "ex"),
        replace(scope(config.out, rows, "i8", None), drain="st", shadow="acc"),
    )


def describe(target: Target) -> Machine:
    """The facts about the accelerator `target`."""
    config = config_of(target)
    find_preset(target.get("preset") or DEFAULT_PRESET)
    return Machine(
        device="vta",
        cpu=config.name,
        features=frozenset(),
        units=UNITS,
        vector_bytes=config.inp.element_bytes,
        vector_registers=config.acc.depth,
        scopes=scopes_of(config),
        l1_bytes=0,
        l2_bytes=0,
        l3_bytes=0,
        cores=1,
        bandwidths=(("dram", 0.8),),
        clock=0.1,
        queues=QUEUES,
        costs=COSTS,
    )
