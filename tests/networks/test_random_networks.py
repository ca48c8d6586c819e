"""Random networks: native code against ONNX's evaluator, and the plan of their memory."""

from itertools import combinations

import numpy as np
import onnx
import pytest
from native_models import run_native
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnx_models import assert_all_close, make_model
from random_networks import random_network
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.passes import PassPipeline

from backends.llvm.host import host_target
from backends.llvm.network import network_function
from dialects import loop
from dialects.layout import physical_shape
from dialects.target import TargetAttr
from dovetail.frontend.onnx import import_model
from dovetail.pipelines import CPU
from passes.loop.plan_memory import arena_of, has_halo

SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_native_code(seed):
    model, inputs = random_network(seed)
    expected = ReferenceEvaluator(model).run(None, inputs)
    assert_all_close(run_native(model, inputs, threads=1 + seed % 2), expected)


def planned(model: onnx.ModelProto) -> func.FuncOp:
    module = import_model(model)
    module.attributes["target"] = TargetAttr.of(host_target())
    PassPipeline(CPU).apply(Context(), module)
    main = network_function(module)
    assert main is not None
    return main


@pytest.mark.parametrize("seed", SEEDS)
def test_live_buffers_never_overlap(seed):
    """But for a result over an operand that its call is the last to read; halos live always."""
    main = planned(random_network(seed)[0])
    calls = [op for op in main.body.block.ops if isinstance(op, func.CallOp)]
    buffers: list[tuple[int, int, int, int]] = []
    for op in main.body.block.ops:
        if isinstance(op, loop.AllocOp):
            offset = op.attributes["offset"].value.data
            assert offset % 64 == 0
            size = int(np.prod(physical_shape(op.result.type))) * op.result.type.element_type.size
            uses = [i for i, call in enumerate(calls) if op.result in call.arguments]
            times = (0, len(calls)) if has_halo(op.result.type) else (min(uses), max(uses))
            buffers.append((offset, offset + size, *times))
    for (a, b, first, last), (c, d, begin, end) in combinations(buffers, 2):
        if a < d and c < b:  # they overlap
            in_place = a == c and (last == begin or end == first or (first, last) == (begin, end))
            assert last < begin or end < first or in_place
    assert arena_of(main).size >= max((b for _, b, _, _ in buffers), default=0)
    assert arena_of(main).size <= arena_of(main).buffers


@pytest.mark.parametrize("channels", [16, 21])
def test_a_residual_sum_lies_over_its_operand(channels):
    """Three blocks of x + conv(relu(conv(x))): the sums of all share one place."""
    generator = np.random.default_rng(0)
    inputs = {"x": generator.normal(size=(1, channels, 7, 9)).astype(np.float32)}
    shape = (channels, channels, 1, 1)
    names = [f"w{i}" for i in range(8)]
    weights = {name: generator.normal(0, 0.2, shape).astype(np.float32) for name in names}
    nodes = [helper.make_node("Conv", ["x", "w6"], ["s0"])]
    for i in range(3):
        nodes += [
            helper.make_node("Conv", [f"s{i}", f"w{2 * i}"], [f"a{i}"]),
            helper.make_node("Relu", [f"a{i}"], [f"r{i}"]),
            helper.make_node("Conv", [f"r{i}", f"w{2 * i + 1}"], [f"b{i}"]),
            helper.make_node("Add", [f"b{i}", f"s{i}"], [f"s{i + 1}"]),
        ]
    nodes.append(helper.make_node("Conv", ["s3", "w7"], ["y"]))
    model = make_model(nodes, inputs, ["y"], weights)
    main = planned(model)
    places = {
        op.attributes["offset"].value.data
        for op in main.body.block.ops
        if isinstance(op, loop.AllocOp) and (op.result.name_hint or "").startswith("s")
    }
    assert len(places) == 1
    expected = ReferenceEvaluator(model).run(None, inputs)
    for threads in (1, 2):
        assert_all_close(run_native(model, inputs, threads), expected)
