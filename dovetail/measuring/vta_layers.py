"""The convolutions of ResNet-18 on VTA: compiled, proven, compared with what is possible.

docs/vta-isa.md, sections 10 and 11: the cycles that a dense program and the hardware itself need,
and what the schedules that TVM's tuner found took on a Pynq board.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.passes import ModulePass
from xdsl.universe import Universe

from backends.vta.emission import program_of
from backends.vta.launch import run
from backends.vta.program import Program
from dialects.target import Target, TargetAttr, target_of
from dovetail.measuring.convolutions import Convolution, program, random_inputs, reference
from dovetail.pipelines import VTA_BACKEND, VTA_FRONTEND
from passes.loop.library.accelerator import Tiling, accelerate, default_problem, default_tiling
from passes.loop.library.accelerator_model import serial_tiles
from passes.loop.library.recipe import Recipe
from vta.config import Config
from vta.timing import PRESETS, Preset, time_stream

ALU_STEPS = 4
"""Shift, bias, maximum, minimum: two cycles each for an element of the result."""

PYNQ = {
    "C2": 569_933,
    "C4": 296_553,
    "C5": 134_872,
    "C6": 518_339,
    "C7": 266_910,
    "C8": 102_877,
    "C9": 493_359,
    "C10": 399_373,
    "C11": 108_090,
    "C12": 734_809,
}
"""Cycles measured on a Pynq with the schedules that TVM's tuner found (docs/vta-isa.md, 11)."""

TUNED = {
    "C2": (8, 56, 1, 2, "oc"),
    "C4": (7, 28, 1, 4, "oc"),
    "C5": (7, 28, 1, 4, "oh"),
    "C6": (14, 28, 1, 2, "oh"),
    "C7": (14, 14, 1, 4, "oc"),
    "C8": (7, 14, 1, 8, "oc"),
    "C9": (14, 14, 1, 4, "oc"),
    "C10": (7, 7, 1, 16, "oc"),
    "C11": (7, 7, 1, 16, "oc"),
    "C12": (7, 7, 1, 16, "oc"),
}
"""Those schedules: rows, columns, blocks of input and of output channels of a tile, the axis of
two virtual threads (docs/vta-isa.md, 10)."""


SERIAL_CANDIDATES = 4
"""How many of the tiles that the model likes are compiled to find the best without overlap."""


def tuned(layer: Convolution, config: Config) -> Tiling | None:
    """The schedule that TVM's tuner found for a layer, on the usual configuration."""
    if layer.name not in TUNED or config != Config():
        return None
    rows, columns, inputs, outputs, thread = TUNED[layer.name]
    sizes = {
        "n": config.batch,
        "oc": outputs * config.block,
        "oh": rows,
        "ow": columns,
        "ic": inputs * config.block,
    }
    return Tiling(sizes, thread, order=("oh", "oc", "ow"))


@dataclass(frozen=True)
class Bounds:
    """Cycles that follow from a layer alone, by docs/vta-isa.md, section 11."""

    gemm: int
    dense: int
    floor: int

    @staticmethod
    def of(layer: Convolution, batch: int, config: Config) -> "Bounds":
        blocks = (layer.ic // config.block) * (layer.oc // config.block) * (batch // config.batch)
        elements = layer.out**2 * (layer.oc // config.block) * (batch // config.batch)
        taps = sum(
            0 <= o * layer.stride + k - layer.pad < layer.size
            for o in range(layer.out)
            for k in range(layer.kernel)
        )
        gemm = layer.out**2 * layer.kernel**2 * blocks
        work = 2 * ALU_STEPS * elements
        return Bounds(gemm, gemm + elements + work, taps**2 * blocks + work)


def loops_of(text: str, config: Config) -> tuple[ModuleOp, Recipe]:
    """A tensor program as naive loops, and a recipe to schedule them with."""
    context = Context()
    for name, factory in Universe.get_multiverse().all_dialects.items():
        context.register_dialect(name, factory)
    module = Parser(context, text).parse_module()
    target = Target.parse(f"vta -config={config.name}")
    module.attributes["target"] = TargetAttr.of(target)
    apply(VTA_FRONTEND, module, context)
    (function,) = [op for op in module.ops if isinstance(op, func.FuncOp)]
    return module, Recipe(module, function, target_of(module).machine)


def apply(passes: Sequence[ModulePass], module: ModuleOp, context: Context | None = None) -> None:
    """Run a pipeline."""
    for step in passes:
        step.apply(context or Context(), module)


def compile_program(text: str, config: Config, tiling: Tiling | None = None) -> Program:
    """The instructions of a tensor program, by a schedule or the default one."""
    return compile_and_record(text, config, tiling)[0]


def compile_and_record(
    text: str, config: Config, tiling: Tiling | None = None
) -> tuple[Program, str]:
    """The instructions of a tensor program, and the schedule as pipeline text."""
    module, recipe = loops_of(text, config)
    accelerate(recipe, tiling)
    apply(VTA_BACKEND, module)
    return program_of(module), ",".join(str(step) for step in recipe.steps)


def compile_layer(layer: Convolution, config: Config, tiling: Tiling | None = None) -> Program:
    """The instructions of a layer, by a schedule or the default one."""
    return compile_program(program(layer, config.batch), config, tiling)


def check(layer: Convolution, compiled: Program, config: Config, mode: str) -> None:
    """Run a program, proven, and compare it with NumPy bit by bit."""
    x, w, b = random_inputs(layer, config.batch)
    (found,), _ = run(compiled, [x, w, b, None], mode, verified=True)
    assert np.array_equal(found, reference(layer, x, w, b)), f"{layer.name}: other results"


def cycles(compiled: Program, preset: Preset, serial: bool = False) -> int:
    """How long a program takes."""
    return time_stream(compiled.instructions, compiled.config, preset, serial).cycles


def best_serial(layer: Convolution, config: Config, preset: Preset) -> int:
    """The cycles of the best tiles where each instruction waits for the one before it."""
    _, recipe = loops_of(program(layer, config.batch), config)
    found: list[int] = []
    for sizes in serial_tiles(default_problem(recipe), SERIAL_CANDIDATES):
        compiled = compile_layer(layer, config, Tiling(sizes))
        found.append(cycles(compiled, preset, serial=True))
    return min(found)


def measure(layer: Convolution, config: Config, preset: Preset) -> dict[str, object]:
    """One row: cycles of the default schedule, of one context, and of TVM's schedule."""
    text = program(layer, config.batch)
    tiling = default_tiling(loops_of(text, config)[1])
    bounds = Bounds.of(layer, config.batch, config)
    compiled, schedule = compile_and_record(text, config, tiling)
    check(layer, compiled, config, preset.implementation.name)
    alone = compile_program(text, config, replace(tiling, thread=None))
    row: dict[str, object] = {
        "layer": layer.name,
        "gemm": bounds.gemm,
        "dense": bounds.dense,
        "floor": bounds.floor,
        "cycles": cycles(compiled, preset),
        "cycles_serial": cycles(alone, preset, serial=True),
        "best_serial": best_serial(layer, config, preset),
        "pynq": PYNQ.get(layer.name) if config == Config() else None,
        "schedule": schedule,
        "tuned_pynq": None,
        "tuned_schedule": None,
    }
    theirs = tuned(layer, config)
    if theirs is not None:
        compiled, row["tuned_schedule"] = compile_and_record(text, config, theirs)
        row["tuned_pynq"] = cycles(compiled, PRESETS["pynq"])
    return row
