"""Which step between a model and its machine code changes a result?

The steps are the import (against ONNX's own reference implementation), the passes one by one
(against the program before each), and the emitter (its optimised code against the loops that it is
made from). The first one that changes something is the culprit.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, version_converter
from onnx.reference import ReferenceEvaluator
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass, PassPipeline

from analysis.errors import UserError
from backends.interpreter.scalars import Array
from dovetail.execution.comparing import compare
from dovetail.execution.inputs import Inputs, possible_inputs
from dovetail.execution.native import MachineCode
from dovetail.execution.runner import NotRunError, Runner, is_network
from dovetail.execution.signature import signature_of
from dovetail.frontend.onnx import import_model, read_model
from dovetail.frontend.random_weights import random_weights
from dovetail.frontend.text import text_context
from dovetail.instruments.instrument import Instruments
from dovetail.instruments.verify_ir import VerifyIR
from dovetail.instruments.verify_run import Mismatch, MismatchError, VerifyRun
from dovetail.reducing.strategies import functions

REFERENCE_OPSET = 17
"""The opset from which on ONNX's reference implementation is taken at its word."""


@dataclass(frozen=True, eq=False)
class NodeMismatch:
    """A node of a model whose result the import changes; `model` has this node only."""

    model: onnx.ModelProto
    inputs: Mapping[str, Array]
    node: str
    place: str

    def __str__(self) -> str:
        return f"the import changes the result of node '{self.node}': {self.place}"


def import_mismatch(
    path: Path, dims: Mapping[str, int], seed: int, weights_seed: int | None = None
) -> NodeMismatch | None:
    """The first node of a model whose result ONNX's reference implementation computes otherwise.

    With a seed for them, the weights are random. UserError where the imported model does not run.
    """
    model = read_model(path, str(path))
    if weights_seed is not None:
        model = random_weights(model, weights_seed)
    opened = with_all_outputs(model)
    main = functions(import_model(opened, dims=dims))[0]
    ran = run_first(Runner(budget_seconds=float("inf")), main, seed)
    if ran is None:
        raise UserError(f"{path}: --against onnx: the imported model does not run on random inputs")
    inputs, found = ran
    feeds = dict(zip(input_names(main), inputs.arrays, strict=True))
    reference = evaluate(opened, feeds)
    producers = {name: node for node in opened.graph.node for name in node.output}
    constants = {t.name: numpy_helper.to_array(t) for t in opened.graph.initializer}
    for output, ours in zip(opened.graph.output, found, strict=True):
        name = output.name
        place = differing(name, reference[name], ours)
        if place is not None:
            node = producers[name]
            known = {**constants, **feeds, **reference}
            used = {n: np.asarray(known[n]) for n in dict.fromkeys(node.input) if n}
            fixed = {n for n in used if n in constants and used[n].dtype.kind == "i"}
            single = alone(opened, node, used, fixed)
            return NodeMismatch(single, used, node.name or name, place)
    return None


def evaluate(model: onnx.ModelProto, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs of a model by ONNX's reference implementation.

    It takes some operators of old opsets (Softmax) for the new ones of their name, so the model is
    converted first.
    """
    if any(o.domain == "" and o.version < REFERENCE_OPSET for o in model.opset_import):
        model = version_converter.convert_version(model, REFERENCE_OPSET)
    results = ReferenceEvaluator(model).run(None, dict(feeds))
    assert isinstance(results, list)
    return {o.name: np.asarray(r) for o, r in zip(model.graph.output, results, strict=True)}


def differing(name: str, reference: Array, ours: Array) -> str | None:
    """Where a result differs from the reference, in words; None if it does not."""
    found = compare([reference], [ours], exact=False).difference
    if found is None:
        return None
    if found.index is None:
        return f"{name} has the shape {list(found.before)} there and {list(found.after)} here"
    return f"{name}{list(found.index)} is {found.before} in ONNX's reference and {found.after} here"


def smaller_node(found: NodeMismatch) -> NodeMismatch:
    """The same node with the smallest extents that still show a difference.

    An extent is made smaller in all arrays of floats that have it, which are cut off.
    """
    improved = True
    while improved:
        improved = False
        for inputs in cut_inputs(found.inputs):
            try:
                place = mismatch_of_node(found.model, inputs)
            except Exception:
                continue  # what does not fit together fails in any way
            if place is not None:
                node = found.model.graph.node[0]
                fixed = {t.name for t in found.model.graph.initializer}
                single = alone(found.model, node, inputs, fixed)
                found, improved = NodeMismatch(single, inputs, found.node, place), True
                break
    return found


def cut_inputs(inputs: Mapping[str, Array]) -> Iterator[dict[str, Array]]:
    """Inputs with one extent made smaller wherever it stands, by much first."""
    sizes = {e for a in inputs.values() if a.dtype.kind == "f" for e in a.shape if e > 1}
    for size in sorted(sizes, reverse=True):
        for target in sorted({1, 2, 3, size // 2, size - 1}):
            if target < size:
                yield {
                    name: a[tuple(slice(target if e == size else e) for e in a.shape)]
                    if a.dtype.kind == "f"
                    else a
                    for name, a in inputs.items()
                }


def mismatch_of_node(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> str | None:
    """Where the import of a model of one node differs on these inputs."""
    fixed = {t.name for t in model.graph.initializer}
    single = alone(model, model.graph.node[0], inputs, fixed)
    feeds = {name: a for name, a in inputs.items() if name not in fixed}
    main = functions(import_model(single))[0]
    arrays = tuple(np.ascontiguousarray(feeds[name]) for name in input_names(main))
    found = Runner().run(main, Inputs(arrays, (), {}, exact=False))
    places = (
        differing(name, result, ours)
        for (name, result), ours in zip(evaluate(single, feeds).items(), found, strict=True)
    )
    return next((place for place in places if place is not None), None)


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
    model: onnx.ModelProto, node: onnx.NodeProto, inputs: Mapping[str, Array], fixed: Set[str]
) -> onnx.ModelProto:
    """A model of one node; the inputs in `fixed` (shapes, axes) are constants of it."""
    values = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in inputs.items()
        if n not in fixed
    ]
    outputs = [
        helper.make_tensor_value_info(o.name, o.type.tensor_type.elem_type, None)
        for o in model.graph.output
        if o.name in node.output
    ]
    constants = [numpy_helper.from_array(a, n) for n, a in inputs.items() if n in fixed]
    graph = helper.make_graph([node], "one_node", values, outputs, constants)
    single = helper.make_model(graph, opset_imports=list(model.opset_import))
    single.ir_version = min(model.ir_version, 10)
    return onnx.shape_inference.infer_shapes(single)


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


def run_first(
    runner: Runner, function: FuncOp, seed: int
) -> tuple[Inputs, tuple[Array, ...]] | None:
    """The first inputs that a function takes, and its results; None if it takes none."""
    for inputs in possible_inputs(signature_of(function), seed):
        try:
            return inputs, runner.run(function, inputs)
        except (NotRunError, UserError):
            continue
    return None


def emission_mismatch(module: ModuleOp, seed: int, budget: float) -> EmissionMismatch | None:
    """The first function whose machine code computes something else than its loops."""
    runner, optimized = Runner(budget), OptimizedRunner(budget)
    for function in functions(module):
        if function.function_type.outputs.data or is_network(function):
            continue
        ran = run_first(runner, function, seed)
        if ran is None:
            continue
        inputs, expected = ran
        found = optimized.run(function, inputs)
        difference = compare(expected, found, inputs.exact).difference
        if difference is not None:
            names = [v.name_hint or "result" for v in signature_of(function).results]
            place = difference.describe(f"%{names[difference.result]}")
            return EmissionMismatch(module, function.sym_name.data, place)
    return None
