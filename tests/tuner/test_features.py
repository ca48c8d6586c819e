"""Features: as many for any loops, right on a small matmul, the same whatever things are called."""

import json
import random
from math import inf, log2

import numpy as np
import pytest
import te_cases
from native import apply, parse
from random_programs import random_program, stencil
from random_schedules import attempts

from dialects.target import Target, TargetAttr
from dovetail.cli import run
from dovetail.measuring.convolutions import Convolution, program
from dovetail.measuring.vta_layers import loops_of
from passes.loop.library.accelerator import accelerate
from passes.loop.primitive import functions_of_loops
from tuner.features.vector import features_of, vector_of
from vta.config import Config

TARGET = Target.parse("llvm -mcpu=skylake-avx512 -num-threads=1")
MACHINE = TARGET.machine


def features(module, machine=MACHINE):
    (function,) = functions_of_loops(module)
    return {feature.name: feature.value for feature in features_of(function, machine)}


def scheduled(text, pipeline="schedule-kernels"):
    module = parse(text)
    module.attributes["target"] = TargetAttr.of(TARGET)
    return apply(module, f"lower-te-to-loop,{pipeline}" if pipeline else "lower-te-to-loop")


def tiled(rows):
    return features(
        scheduled(
            te_cases.matmul(8, 32, 16).text,
            f"split-loop{{loop=y factor={rows}}},split-loop{{loop=x factor=16}},"
            "reorder-loops{loops=y_o,x_o,k,y_i,x_i},unroll-loop{loop=y_i},vectorize-loop{loop=x_i}",
        )
    )


def logs(values):
    return {name: log2(1 + value) for name, value in values.items()}


ALL_BYTES = 4 * (8 * 16 + 16 * 32 + 8 * 32)


@pytest.mark.parametrize(
    ("rows", "jumps", "through_512", "through_2048"),
    [
        # lines of A, B and C: of two of four rows 2 + 1 + 2, of two rows and four steps 2 + 4 + 2
        (4, 64, 128 * 320, 4 * 1536),
        (2, 128, 32 * 512, 8 * 1280),
    ],
)
def test_a_matmul_by_hand(rows, jumps, through_512, through_2048):
    found = tiled(rows)
    same = {
        "operations": 2 * 4096,
        "executions": 4096,
        "executions of vectors": 256,
        "jumps": jumps,
        "traffic beyond 512 B": through_512,
        "traffic beyond 2 KiB": through_2048,
        "touched by 1 executions": 12,
        "touched by 16777216 executions": ALL_BYTES,
        "results side by side": rows,
        "most work, place 1: touched in all": 4 * 16 * 32,
        "most work, place 2: touched in all": 4 * 8 * 32,
        "most work, place 3: touched in all": 4 * 8 * 16,
        "most work, place 3: stride of the lanes": 0,
        "most work, place 3: times each is touched": 31,
        "most work, place 2: executions until touched again": 16 * rows,
    }
    wanted = logs(same)
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)
    # each element of A is loaded once and serves a vector; B is shared by the rows, C by none
    assert found["repeated loads"] == 1
    assert found["adjacent loads"] == 1 / rows + 1
    assert found["vectorized iterations"] == 4 and found["unrolled iterations"] == log2(rows)


def test_a_tile_changes_what_it_should():
    four, two = tiled(4), tiled(2)
    for name in ("operations", "executions", "touched by 1 executions", "special operations"):
        assert four[name] == two[name]
    for name in ("jumps", "code", "serial iterations", "traffic beyond 512 B"):
        assert four[name] != two[name]


def test_a_tile_in_registers_is_no_traffic():
    text = te_cases.matmul(8, 32, 16).text
    loops = "reorder-loops{loops=y,x_o,k,x_i},vectorize-loop{loop=x_i}"
    plain = f"split-loop{{loop=x factor=16}},{loops}"
    held = f"{plain},promote-memory-scope{{buffer=C scope=register at=x_o}}"
    without, tile = (features(scheduled(text, pipeline)) for pipeline in (plain, held))
    assert tile["vectors in register tiles"] == 1 and without["vectors in register tiles"] == 0
    assert tile["share of the registers"] == 1 / MACHINE.vector_registers
    assert tile["written beyond 8 KiB"] <= without["written beyond 8 KiB"]
    assert tile["adjacent loads"] == 1 and without["adjacent loads"] == 2


TWO = """
func.func @two(%{a}: tensor<9x7xf32>, %{b}: tensor<5x6xf32>) -> (tensor<9xf32>, tensor<5x6xf32>) {{
{first}{second}  func.return %{s}, %{t} : tensor<9xf32>, tensor<5x6xf32>
}}
"""
SUM = """  %{s} = te.compute "{s}" (%{i} = 0 to 9) sum (%{j} = 0 to 7) {{
    %x = te.read %{a}[%{i}, %{j}] : tensor<9x7xf32>
    te.yield %x : f32
  }} : tensor<9xf32>
"""
DOUBLE = """  %{t} = te.compute "{t}" (%{i} = 0 to 5, %{j} = 0 to 6) {{
    %x = te.read %{b}[%{i}, %{j}] : tensor<5x6xf32>
    %y = arith.addf %x, %x : f32
    te.yield %y : f32
  }} : tensor<5x6xf32>
"""


def two(first, second, **names):
    return TWO.format(first=first.format(**names), second=second.format(**names), **names)


def test_names_and_the_order_of_statements_do_not_matter():
    keys = "abstij"
    some, other = (dict(zip(keys, names, strict=True)) for names in ("ABSTij", "XPQRuw"))
    vectors = [
        vector_of(functions_of_loops(scheduled(text, ""))[0], MACHINE)
        for text in (two(SUM, DOUBLE, **some), two(DOUBLE, SUM, **some), two(SUM, DOUBLE, **other))
    ]
    assert np.array_equal(vectors[0], vectors[1]) and np.array_equal(vectors[0], vectors[2])


def test_a_loop_split_in_two_is_one():
    text = te_cases.matmul(8, 32, 16).text
    whole = features(scheduled(text, ""))
    parts = features(scheduled(text, "split-loop{loop=k factor=4}"))
    assert parts == pytest.approx(whole)


def accelerated():
    module, recipe = loops_of(program(Convolution("c", 4, 32, 32, 3, 1), 1), Config())
    accelerate(recipe)
    return module


KERNELS = {
    "matmul": te_cases.matmul(19, 35, 17).text,
    "matmul of bytes": te_cases.matmul(19, 35, 17, "i8").text,
    "convolution": te_cases.conv(4, 5, 7, 1, 2, 1, 3).text,
    "depthwise": te_cases.depthwise(6, 7).text,
    "softmax": te_cases.softmax(7, 9).text,
    "gather": te_cases.gather(11, 6, 5).text,
    "scatter": te_cases.scatter(17, 5).text,
    "symbolic": stencil(0, 0, symbolic=True),
}


@pytest.mark.parametrize("pipeline", ["", "schedule-kernels"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_as_many_for_any_kernel(kernel, pipeline):
    found = features(scheduled(KERNELS[kernel], pipeline))
    assert list(found) == list(tiled(4))
    assert all(0 <= value < inf for value in found.values())
    assert found["executions"] > 0


def test_as_many_for_an_accelerator():
    module = accelerated()
    machine = Target.parse("vta").machine
    found = features(module, machine)
    assert list(found) == list(tiled(4))
    # 4 x 4 pixels, 2 x 2 blocks of channels, 9 taps: a call each; each does 256 multiply-adds
    assert 2 ** found["calls of instructions"] - 1 >= 16 * 4 * 9
    assert 2 ** found["operations"] - 1 >= 2 * 4 * 4 * 32 * 32 * 9
    assert 0 < found["share of the memory that is first fullest"] <= 1
    assert found["bytes copied"] > 0 and found["barriers and tokens"] == 0


@pytest.mark.parametrize("seed", range(70_000, 70_010))
def test_random_schedules_have_features(seed):
    rng = random.Random(seed)
    module = apply(parse(random_program(rng)), "lower-te-to-loop")
    before = features(module)
    for attempt in attempts(module, rng, 6, 40):
        if attempt.after is not None:
            found = features(attempt.after)
            assert list(found) == list(before)
            assert all(0 <= value < inf for value in found.values())


def test_the_command(tmp_path, capsys):
    file, rows = tmp_path / "f.mlir", tmp_path / "f.json"
    file.write_text(te_cases.matmul(8, 32, 16).text)
    arguments = ["features", str(file), "-p", "lower-te-to-loop", "--json", str(rows)]
    assert run([*arguments, "--function", "matmul"]) == 0
    found = json.loads(rows.read_text())["matmul"]
    assert found["executions"] == {"value": pytest.approx(log2(4097)), "unit": "log2 executions"}
    assert list(found) == list(tiled(4))
    assert "share of the registers" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "it has no function of loops: give a pipeline that makes one"),
        (["-p", "lower-te-to-loop", "--function", "f"], "no function of loops is called 'f'"),
        (["-p", "lower-te-to-loop,split-loop{loop=q factor=2}"], "no loop is named 'q'"),
    ],
)
def test_mistakes(tmp_path, capsys, arguments, message):
    file = tmp_path / "f.mlir"
    file.write_text(te_cases.matmul(8, 32, 16).text)
    assert run(["features", str(file), *arguments]) == 2
    assert message in capsys.readouterr().err
