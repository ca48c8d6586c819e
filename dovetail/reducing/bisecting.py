"""Which step between a model and its machine code changes a result?

The steps are the import (against ONNX's own reference implementation), the passes one by one
(against the program before each), and the emitter (its optimised code against the loops that it is
made from). The first one that changes something is the culprit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass, PassPipeline

from analysis.errors import UserError
from backends.interpreter.scalars import Array
from dovetail.execution.comparing import compare
from dovetail.execution.inputs import Inputs, make_inputs
from dovetail.execution.native import MachineCode
from dovetail.execution.runner import NotRunError, Runner, is_network
from dovetail.execution.signature import signature_of
from dovetail.frontend.onnx import import_model
from dovetail.frontend.text import text_context
from dovetail.instruments.instrument import Instruments
from dovetail.instruments.verify_ir import VerifyIR
from dovetail.instruments.verify_run import Mismatch, MismatchError, VerifyRun
from dovetail.reducing.strategies import functions


@dataclass(frozen=True, eq=False)
class NodeMismatch:
    """A node of a model whose result the import changes; `model` has this node only."""

    model: onnx.ModelProto
    inputs: Mapping[str, Array]
    node: str
    place: str

    def __str__(self) -> str:
        return f"the import changes the result of node '{self.node}': {self.place}"


def import_mismatch(path: Path, dims: Mapping[str, int], seed: int) -> NodeMismatch | None:
    """The first node of a model whose result ONNX's reference implementation computes otherwise."""
    model = onnx.load(path)
    opened = with_all_outputs(model)
    module = import_model(opened, dims=dims)
    main = functions(module)[0]
    signature = signature_of(main)
    inputs = make_inputs(signature, seed)
    names = input_names(main)
    feeds = dict(zip(names, inputs.arrays, strict=True))
    expected = ReferenceEvaluator(opened).run(None, feeds)
    assert isinstance(expected, list)
    found = Runner(budget_seconds=float("inf")).run(main, inputs)
    outputs = [o.name for o in opened.graph.output]
    reference = dict(zip(outputs, expected, strict=True))
    producers = {name: node for node in opened.graph.node for name in node.output}
    for name, ours in zip(outputs, found, strict=True):
        difference = compare([np.asarray(reference[name])], [ours], exact=False).difference
        if difference is not None:
            node = producers[name]
            constants = {t.name: numpy_helper.to_array(t) for t in opened.graph.initializer}
            known = {**constants, **feeds, **reference}
            place = difference.describe(name).replace(" was ", " is ").replace(
                " and is ", " in ONNX's reference and here "
            )  # fmt: skip
            return NodeMismatch(*alone(opened, node, known), node.name or name, place)
    return None


def input_names(main: FuncOp) -> list[str]:
    """The model's names of a function's arguments."""
    marks = main.arg_attrs
    assert marks is not None
    return [str(mark.data["dovetail.name"].data) for mark in marks]  # pyright: ignore


def with_all_outputs(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a model that gives the result of every node."""
    opened = onnx.shape_inference.infer_shapes(model)
    graph = opened.graph
    types = {v.name: v for v in (*graph.value_info, *graph.output)}
    del graph.output[:]
    for node in graph.node:
        graph.output.extend(types[name] for name in node.output if name in types)
    return opened


def alone(
    model: onnx.ModelProto, node: onnx.NodeProto, known: Mapping[str, Array]
) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """A model of one node, and its inputs."""
    used = [name for name in dict.fromkeys(node.input) if name]
    values = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(known[name].dtype), known[name].shape
        )
        for name in used
    ]
    outputs = [v for v in model.graph.output if v.name in node.output]
    graph = helper.make_graph([node], "one_node", values, outputs)
    single = helper.make_model(graph, opset_imports=list(model.opset_import))
    single.ir_version = min(model.ir_version, 10)
    return single, {name: np.asarray(known[name]) for name in used}


def pass_mismatch(
    module: ModuleOp, passes: Sequence[ModulePass], watcher: VerifyRun
) -> Mismatch | None:
    """The first pass that changes a result; `module` becomes what the passes make of it."""
    try:
        instruments = Instruments((VerifyIR(), watcher))
        PassPipeline(tuple(passes), instruments).apply(text_context(), module)
    except MismatchError as error:
        return error.mismatch
    return None


@dataclass(frozen=True, eq=False)
class EmissionMismatch:
    """A function of loops whose machine code computes something else."""

    module: ModuleOp
    function: str
    place: str

    def __str__(self) -> str:
        return f"the emitter changes the result of @{self.function}: {self.place}"


@dataclass
class OptimizedRunner(Runner):
    """Runs functions of loops as the machine code of the optimising emitter."""

    codes: list[MachineCode] = field(default_factory=list[MachineCode])

    def loops(self, function: FuncOp, arrays: Sequence[Array], dims: Mapping[str, int]) -> None:
        code = MachineCode(function)
        self.codes.append(code)  # it lives as long as its kernels may be called
        code.run(arrays, dims)


def emission_mismatch(module: ModuleOp, seed: int, budget: float) -> EmissionMismatch | None:
    """The first function whose machine code computes something else than its loops."""
    runner, optimized = Runner(budget), OptimizedRunner(budget)
    for function in functions(module):
        if function.function_type.outputs.data or is_network(function):
            continue
        inputs: Inputs = make_inputs(signature_of(function), seed)
        try:
            expected, found = runner.run(function, inputs), optimized.run(function, inputs)
        except (NotRunError, UserError):
            continue  # VerifyRun has told why
        difference = compare(expected, found, inputs.exact).difference
        if difference is not None:
            names = [v.name_hint or "result" for v in signature_of(function).results]
            place = difference.describe(f"%{names[difference.result]}")
            return EmissionMismatch(module, function.sym_name.data, place)
    return None
