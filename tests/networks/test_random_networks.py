"""Random networks: native code against ONNX's evaluator, and the plan of their memory."""

from dataclasses import dataclass
from itertools import combinations
from math import prod

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
from xdsl.ir import Attribute
from xdsl.passes import PassPipeline

from backends.llvm.host import host_target
from backends.llvm.network import network_function
from dialects import loop
from dialects.layout import pad_of, physical_shape, symbolic_extents
from dialects.target import TargetAttr
from dovetail.compiler import compile_model
from dovetail.frontend.onnx import import_model
from dovetail.pipelines import CPU
from passes.loop.plan_memory import arena_of

SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_native_code(seed):
    model, inputs = random_network(seed)
    expected = ReferenceEvaluator(model).run(None, inputs)
    assert_all_close(run_native(model, inputs, threads=1 + seed % 2), expected)


@pytest.mark.parametrize("seed", range(20, 28))
def test_native_code_for_any_batch(seed):
    model, inputs = random_network(seed)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"
    program = compile_model(import_model(model)).program(1 + seed % 2)
    for n in (1, 4):
        x = np.random.default_rng(n).normal(size=(n, *inputs["x"].shape[1:])).astype(np.float32)
        expected = ReferenceEvaluator(model).run(None, {"x": x})
        assert_all_close(list(program.run([x]).values()), expected)


def planned(model: onnx.ModelProto) -> func.FuncOp:
    module = import_model(model)
    module.attributes["target"] = TargetAttr.of(host_target())
    PassPipeline(CPU).apply(Context(), module)
    main = network_function(module)
    assert main is not None
    return main


@dataclass
class Buffer:
    """The bytes of a buffer and the calls between which it is live."""

    type: Attribute
    begin: int
    end: int
    first: int
    last: int


@pytest.mark.parametrize(
    ("seed", "batch"), [*((seed, "") for seed in SEEDS), *((seed, "n") for seed in range(20, 28))]
)
def test_live_buffers_never_overlap(seed, batch):
    """But for a result over an operand that its call is the last to read; halos stay intact.

    Places of symbolic size are compared in multiples of the batch.
    """
    model = random_network(seed)[0]
    if batch:
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = batch
    main = planned(model)
    calls = [op for op in main.body.block.ops if isinstance(op, func.CallOp)]
    buffers: list[Buffer] = []
    for op in main.body.block.ops:
        if isinstance(op, loop.AllocOp):
            type, offset = op.result.type, op.attributes["offset"].value.data
            assert offset % 64 == 0
            assert symbolic_extents(type) == (batch,) * bool(batch)
            size = prod(e for e in physical_shape(type) if isinstance(e, int))
            size *= type.element_type.size
            uses = [i for i, call in enumerate(calls) if op.result in call.arguments]
            buffers.append(Buffer(type, offset, offset + size, min(uses), max(uses)))
    for a, b in combinations(buffers, 2):
        if a.begin < b.end and b.begin < a.end:
            in_place = a.begin == b.begin and (a.last == b.first or b.last == a.first)
            assert a.last < b.first or b.last < a.first or in_place
            assert a.type == b.type or (pad_of(a.type) is None and pad_of(b.type) is None)
    if batch:
        return
    assert arena_of(main).size >= max((buffer.end for buffer in buffers), default=0)
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
