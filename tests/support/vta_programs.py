"""From tensor programs to results on the simulated accelerator, for tests."""

import random

from parse import parse_module
from xdsl.context import Context

from backends.vta.emission import program_of
from backends.vta.launch import run
from dialects.target import Target, TargetAttr
from dovetail.pipeline_parser import Source, parse_passes
from dovetail.universe import installed
from vta.implementations import IMPLEMENTATIONS


def lowered(text, pipeline, target="vta"):
    """The module of a text after a pipeline."""
    module = parse_module(text)
    module.attributes["target"] = TargetAttr.of(Target.parse(target))
    for step in parse_passes(Source.of("-p", pipeline), installed().all_passes):
        step.apply(Context(), module)
    module.verify()
    return module


def check_program(program, arrays, expected, verified=True, orders=2):
    """Every implementation, every order of units and any noise in SRAM give what is expected."""
    for mode in IMPLEMENTATIONS:
        (found,), _ = run(program, arrays, mode, "error", verified)
        assert (found == expected).all(), mode
    for seed in range(orders if verified else 0):
        (found,), _ = run(
            program, arrays, "hls", f"poison:{seed}", choose=random.Random(seed).choice
        )
        assert (found == expected).all(), f"order {seed}"


def check(text, pipeline, arrays, expected, target="vta", verified=True):
    """Lower a program, run it everywhere, and return it."""
    program = program_of(lowered(text, pipeline, target))
    check_program(program, arrays, expected, verified)
    return program
