"""Emission and launch: tokens as bits, micro-ops in a cache, mistakes at the door."""

import numpy as np
import pytest
from parse import parse_module

from analysis.errors import UserError
from backends.vta.emission import program_of
from backends.vta.launch import run, simulate
from backends.vta.tokens import Stream
from backends.vta.uop_cache import UopCache
from dovetail.testing import call_dovetail_opt
from vta import isa
from vta.assembly import disassemble
from vta.isa import Finish, Gemm, Load, MemoryType, MicroOp, Store, Unit

LOAD = Load(memory_type=MemoryType.INP, x_size=1, y_size=1)
GEMM = Gemm(uop_bgn=0, uop_end=1)
STORE = Store(x_size=1, y_size=1)


def text_of(*steps):
    """The tokens of a stream, after instructions (`load`) and tokens (`load>compute`, `?` pops)."""
    stream = Stream()
    ops = {"load": LOAD, "compute": GEMM, "store": STORE}
    for step in steps:
        if step in ops:
            stream.add(ops[step])
            continue
        source, target = (Unit[name.upper()] for name in step.strip("?").split(">"))
        (stream.pop if step.endswith("?") else stream.push)(source, target)
    for unit in Unit:
        stream.flush(unit)
    lines = []
    for op in stream.instructions:
        bits = [name for name in isa.TOKEN_FIELDS if getattr(op, name)]
        lines.append(" ".join(["nop" if op.is_nop else "", op.unit.word, *bits]).strip())
    return lines


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # a push after an instruction and a pop before one are its bits
        (
            ["load", "load>compute", "load>compute?", "compute"],
            ["load push_next", "compute pop_prev"],
        ),
        # nothing to put a first push on
        (["compute>load", "load>compute"], ["nop compute push_prev", "nop load push_next"]),
        # a second token in one direction
        (
            ["load", "load>compute", "load>compute"],
            ["load push_next", "nop load push_next"],
        ),
        (
            ["load>compute?", "load>compute?", "compute"],
            ["nop compute pop_prev", "compute pop_prev"],
        ),
        # two directions share an instruction
        (
            ["load>compute?", "store>compute?", "compute", "compute>load", "compute>store"],
            ["compute pop_prev pop_next push_prev push_next"],
        ),
        # a push must not overtake the pop before it
        (
            ["compute", "store>compute?", "compute>load", "compute"],
            ["compute", "nop compute pop_next push_prev", "compute"],
        ),
        # a pop at the end waits for nothing more
        (["store", "compute>store?"], ["store", "nop store pop_prev"]),
    ],
)
def test_tokens(steps, expected):
    assert text_of(*steps) == expected


def uops(*numbers):
    return tuple(MicroOp(number, 0) for number in numbers)


def test_micro_ops_are_loaded_once():
    cache = UopCache(8)
    assert cache.find(uops(1, 2, 3)) == (0, 0)
    assert cache.find(uops(4, 5)) == (3, 3)
    assert cache.find(uops(1, 2, 3)) == (0, None)
    assert cache.image == [*uops(1, 2, 3, 4, 5)]


def test_a_full_micro_op_memory_begins_anew():
    cache = UopCache(8)
    for first in (0, 10):
        cache.find(uops(first, first + 1, first + 2))
    assert cache.find(uops(20, 21, 22)) == (0, 6)
    assert cache.find(uops(10, 11, 12)) == (3, None)
    assert cache.find(uops(0, 1, 2)) == (3, 0)
    assert cache.find(uops(20, 21, 22)) == (0, None)
    assert cache.find(uops(10, 11, 12)) == (0, 3)
    assert len(cache.image) == 9


PROGRAM = """
builtin.module attributes {target = #target.target<"vta -config=1x8_i8w8a32_14_14_16_16">} {
  vta.uop_kernel @pair {(0, 0, 0), (1, 1, 0)}
  func.func @double(%X: memref<6x8xi8>, %W: memref<8x8xi8>, %O: memref<6x8xi8>) {
    vta.load wgt %W[0] at [0] rows 1 of 1 : memref<8x8xi8>
    vta.load inp %X[0] at [2] rows 1 of 6 : memref<6x8xi8>
    vta.push_dep "load" to "compute"
    vta.pop_dep "load" to "compute"
    vta.gemm reset @pair at [1, 0, 0] inner 3 by [2, 0, 0]
    vta.gemm @pair at [1, 2, 0] outer 3 by [2, 2, 0] inner 2 by [0, 0, 0]
    vta.push_dep "compute" to "store"
    vta.pop_dep "compute" to "store"
    vta.store out %O[0] at [1] rows 1 of 6 : memref<6x8xi8>
    vta.finish
    func.return
  }
}
"""


def test_launch():
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 4, (6, 8)).astype(np.int8)
    w = rng.integers(-2, 3, (8, 8)).astype(np.int8)
    program = program_of(parse_module(PROGRAM))
    (found,), stats = run(program, [x, w, None], mode="fsim", verified=True)
    assert (found == 2 * (x.astype(np.int64) @ w.T)).all()
    assert (stats.nops, stats.uops, stats.steps) == (0, 4, 18)
    assert stats.dram_bytes == 6 * 8 + 64 + 6 * 8
    assert stats.cycles() <= stats.cycles(serial=True)
    assert (simulate(parse_module(PROGRAM), [x, w, None], "chisel")[0] == found).all()


def test_finish_waits_for_the_store_alone():
    """The load is known to be done, since the compute unit has its token."""
    lines = disassemble(program_of(parse_module(PROGRAM)).instructions).splitlines()
    assert lines[-2].endswith("pop_prev push_prev")
    assert lines[-1] == "finish pop_next"


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ([None, None], {}, "vta: @double takes 3 arrays (X, W, O), not 2"),
        (
            [np.zeros((6, 8), np.int32), None, None],
            {},
            "vta: @double: X is int8, but the array is int32",
        ),
        (
            [np.zeros((6, 9), np.int8), None, None],
            {},
            "memref<6x8xi8> has the shape 6x8, not 6x9",
        ),
        (
            [None] * 3,
            {"mode": "fsym"},
            "vta: no implementation is called 'fsym': did you mean fsim? there are: fsim, hls, "
            "chisel",
        ),
        (
            [None] * 3,
            {"sram_init": "noise"},
            "vta: SRAM cannot begin as 'noise'; there are error, zero, poison, poison:SEED",
        ),
    ],
)
def test_mistakes(arrays, options, message):
    with pytest.raises(UserError) as caught:
        run(program_of(parse_module(PROGRAM)), arrays, **options)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "vta.finish",
            "vta.load uop [0] at [0] rows 1 of 1\n vta.finish",
            "vta: vta.load uop: emission loads the micro-ops of kernels itself",
        ),
        (
            "%O: memref<6x8xi8>",
            '%O: memref<6x8xi8>, %T: memref<6x8xi8, "inp">',
            'vta: T of @double is memref<6x8xi8, "inp">; the accelerator reads and writes buffers '
            "in global memory",
        ),
        (
            "%O: memref<6x8xi8>",
            '%O: memref<6x8xi8>, %T: memref<?xi8, #loop.layout<["n"]>>',
            'vta: T has a symbolic extent: memref<?xi8, #loop.layout<["n"]>>',
        ),
    ],
)
def test_what_is_not_emitted(old, new, message):
    with pytest.raises(UserError) as caught:
        program_of(parse_module(PROGRAM.replace(old, new)))
    assert caught.value.message == message


def test_a_stream_that_races_is_not_proven():
    broken = PROGRAM.replace('vta.push_dep "load" to "compute"', "").replace(
        'vta.pop_dep "load" to "compute"', ""
    )
    with pytest.raises(UserError, match=r"vta: @double on fsim: race on (inp|wgt)\["):
        run(program_of(parse_module(broken)), [None] * 3, verified=True)


def test_files_of_bytes(tmp_path):
    source = tmp_path / "double.mlir"
    source.write_text(PROGRAM)
    program = program_of(parse_module(PROGRAM))
    for kind in ("bin", "dram"):
        command = [str(source), "-t", f"vta-{kind}", "-o", str(tmp_path / kind)]
        assert call_dovetail_opt(command) == 0
    stream = (tmp_path / "bin").read_bytes()
    assert isa.decode_stream(stream, program.config) == list(program.instructions)
    image = (tmp_path / "dram").read_bytes()
    assert image[program.instruction_start :] == stream
    uops = image[program.uop_start : program.uop_start + 4 * len(program.uops)]
    assert uops == program.uop_image


def test_finish_is_the_last_instruction():
    assert isinstance(program_of(parse_module(PROGRAM)).instructions[-1], Finish)
