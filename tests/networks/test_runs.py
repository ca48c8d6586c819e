"""Runs of one compiled network: at the same time, on any number of threads, a thousand of them."""

import gc
import os
import threading

import numpy as np
import pytest
from light_models import load_light_model, random_input, random_weights
from onnx import helper
from onnx_models import make_model

from backends.llvm.cache import ObjectCache
from dovetail.compiler import compile_model
from dovetail.frontend.onnx import import_model
from dovetail.program import CompiledModel


@pytest.fixture(scope="module")
def squeezenet(tmp_path_factory) -> CompiledModel:
    module = import_model(random_weights(load_light_model("squeezenet")))
    return compile_model(module, cache=ObjectCache(tmp_path_factory.mktemp("objects")))


def result(program, x) -> np.ndarray:
    (y,) = program.run([x]).values()
    return y


def test_threads_give_equal_bits(squeezenet):
    x = random_input(squeezenet.inputs[0].shape)
    one, *others = [result(squeezenet.program(threads), x) for threads in (1, 2, 3)]
    assert np.ptp(one) > 0
    for other in others:
        np.testing.assert_array_equal(other, one)


def test_concurrent_runs_of_one_program(squeezenet):
    """Four threads, each with its own inputs, on programs of one thread and of two."""
    shape = squeezenet.inputs[0].shape
    inputs = [random_input(shape) * np.float32(scale) for scale in (0.5, 1, 2, 3)]
    programs = [squeezenet.program(threads) for threads in (1, 2)]
    expected = [result(programs[0], x) for x in inputs]
    wrong: list[int] = []

    def work(number: int) -> None:
        for program in programs * 3:
            if not np.array_equal(result(program, inputs[number]), expected[number]):
                wrong.append(number)

    callers = [threading.Thread(target=work, args=(i,)) for i in range(len(inputs))]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert wrong == []
    assert len({y.tobytes() for y in expected}) == len(expected)


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads Linux's /proc")
def test_a_thousand_runs_take_no_more_memory():
    """The arena has 200 kB and the output 100 kB: a leak of one a run would show."""
    weight = np.random.default_rng(0).normal(0, 0.1, (16, 16, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "w"], ["y"], pads=[1, 1, 1, 1]),
    ]
    x = np.ones((1, 16, 40, 40), np.float32)
    program = compile_model(
        import_model(make_model(nodes, {"x": x}, ["y"], {"w": weight}))
    ).program(1)
    first = result(program, x)
    for _ in range(50):
        result(program, x)
    gc.collect()
    before = resident()
    for _ in range(1000):
        last = result(program, x)
    gc.collect()
    assert resident() - before < 8 << 20
    np.testing.assert_array_equal(last, first)


def test_equal_nodes_share_a_kernel_and_different_layouts_do_not():
    """Three convolutions of one shape; the last reads what has no halo."""
    weights = {name: np.ones((32, 32, 3, 3), np.float32) for name in ("u", "v", "w")}
    x = np.ones((1, 32, 9, 9), np.float32)
    pads = {"pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["x", "u"], ["a"], **pads),
        helper.make_node("Conv", ["a", "v"], ["b"], **pads),
        helper.make_node("Conv", ["b", "w"], ["c"], **pads),
        helper.make_node("Conv", ["c", "u"], ["d"]),
    ]
    model = compile_model(import_model(make_model(nodes, {"x": x}, ["d"], weights)))
    # the copy of the input, the first three (%a, %b with halo; %c without), the last
    copy, first, second, third, last = model.calls
    assert first == second
    assert len({copy, first, third, last}) == 4
