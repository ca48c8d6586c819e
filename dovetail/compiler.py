"""The compiler: from a model, or a module of the graph dialect, to machine code and weights.

model.onnx --import--> graph --pipeline--> loop --emit--> LLVM --> object code
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, MemRefType, ModuleOp, StringAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
)
from xdsl.passes import PassPipeline

from analysis.errors import UserError, nearest
from backends.llvm.cache import ObjectCache
from backends.llvm.host import features_of, generated, host_target
from backends.llvm.instructions import features_in
from backends.llvm.machine import CodeGenerator
from backends.llvm.network import NetworkEmitter, network_function, output_arguments
from backends.llvm.numbers import symbols_of
from dialects.graph.structure import WeightOp
from dialects.graph.weights import Weight, WeightAttr
from dialects.layout import layout_of, logical_shape
from dialects.target import Target, TargetAttr
from dovetail.frontend.onnx import import_model
from dovetail.pipelines import CPU, around_schedules
from dovetail.program import CompiledModel
from dovetail.runtime.buffers import Array, aligned_empty
from dovetail.runtime.manifest import Kernel, Tensor
from passes.graph.mark_weights import WEIGHT

Indices = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]
"""Told how many kernels are compiled, and how many there are."""

Tuning = Callable[[ModuleOp], object]
"""Schedules some kernels of a module of naive loops."""


def compile_model(
    source: str | Path | ModuleOp,
    target: Target | None = None,
    progress: Progress | None = None,
    cache: ObjectCache | None = None,
    tuning: Tuning | None = None,
) -> CompiledModel:
    """Compile an ONNX file or a module of the graph dialect for a target (default: this machine).

    Kernels get the schedules of `tuning`, where it has some. A module is consumed. Errors:
    UserError, in one line.
    """
    target = target or host_target()
    module = source if isinstance(source, ModuleOp) else import_model(source)
    module.attributes["target"] = TargetAttr.of(target)
    before, after = around_schedules(CPU)
    PassPipeline(before).apply(Context(), module)
    if tuning is not None:
        tuning(module)
    PassPipeline(after).apply(Context(), module)
    module.verify()
    main = network_function(module)
    if main is None:
        raise UserError("the model has no outputs")
    return finish(module, main, target, progress, cache)


def build(
    graph: ModuleOp, target: Target, params: Mapping[str, Array] | None = None
) -> tuple[ModuleOp, CompiledModel, dict[str, Array]]:
    """Compile a network: the lowered module, its code, and the parameters left to be set.

    `params` takes the place of weights with these names. All of them are packed into the code's
    own arrays, so that none is left to be set. `graph` stays as it is.
    """
    module = graph.clone()
    replace_weights(module, params or {})
    compiled = compile_model(module, target)
    return module, compiled, {}


def replace_weights(module: ModuleOp, params: Mapping[str, Array]) -> None:
    """Put arrays in the place of the weights of their names."""
    weights = {op.label.data: op for op in module.walk() if isinstance(op, WeightOp)}
    for name, array in params.items():
        if name not in weights:
            raise UserError(f"no weight is called '{name}': {nearest(name, weights)}")
        old = weights[name].weight
        if array is old.array:
            continue
        new = Weight.of(array)
        if new.type != old.type:
            raise UserError(f"weight '{name}' is {old.type}, not {new.type}")
        weights[name].content = WeightAttr(new)


def finish(
    module: ModuleOp,
    main: func.FuncOp,
    target: Target,
    progress: Progress | None,
    cache: ObjectCache | None,
) -> CompiledModel:
    """Emit a lowered network and pack its weights."""
    emitter = NetworkEmitter(module, main)
    text = str(emitter.emit(progress))
    generator = CodeGenerator.of(target)
    code = (cache or ObjectCache()).compile(generator, text)
    marks = argument_marks(main)
    outputs = output_arguments(main)
    inputs = [
        argument
        for argument in main.body.block.args
        if argument not in outputs and WEIGHT not in marks[argument]
    ]
    names = list(emitter.kernels)
    callees = [call.callee.root_reference.data for call in emitter.calls]
    return CompiledModel(
        object_code=code,
        entry=main.sym_name.data,
        cpu=target.machine.cpu,
        features=tuple(sorted(generated(features_of(target)) | features_in(module))),
        inputs=tuple(tensor_of(value, marks, f"input{i}") for i, value in enumerate(inputs)),
        outputs=tuple(tensor_of(value, marks, f"output{i}") for i, value in enumerate(outputs)),
        weights=tuple(
            packed(marks[argument][WEIGHT], argument.type)
            for argument in main.body.block.args
            if WEIGHT in marks[argument]
        ),
        dims=tuple(symbols_of(main)),
        kernels=tuple(Kernel(name) for name in names),
        calls=tuple(names.index(callee) for callee in callees),
        threads=target.number("num-threads"),
    )


def argument_marks(main: func.FuncOp) -> dict[SSAValue, dict[str, Attribute]]:
    """What the attributes of a network's arguments say."""
    arguments = main.body.block.args
    attributes: ArrayAttr[DictionaryAttr] | None = main.arg_attrs
    marks = list(attributes) if attributes is not None else [DictionaryAttr({})] * len(arguments)
    return {a: dict(mark.data) for a, mark in zip(arguments, marks, strict=True)}


def tensor_of(value: SSAValue, marks: dict[SSAValue, dict[str, Attribute]], default: str) -> Tensor:
    """The name, element type and shape of an input or output."""
    name = marks[value].get("dovetail.name")
    assert isinstance(value.type, MemRefType)
    text = name.data if isinstance(name, StringAttr) else default
    return Tensor(text, dtype_name(value.type.element_type), logical_shape(value.type))


def dtype_name(element: Attribute) -> str:
    """NumPy's name of an element type."""
    names = {"f16": "float16", "f32": "float32", "f64": "float64", "i1": "bool", "bf16": "bfloat16"}
    text = str(element)
    if text in names:
        return names[text]
    return f"uint{text[2:]}" if text.startswith("ui") else f"int{text.lstrip('si')}"


def packed(content: Attribute, type: Attribute) -> Array:
    """A weight, its elements where its layout puts them."""
    assert isinstance(content, WeightAttr)
    array = content.data.array
    layout = layout_of(type)
    if layout is None:
        return array
    extents = tuple(e for e in layout.physical if isinstance(e, int))
    result = aligned_empty(extents, array.dtype)
    result[...] = 0
    grid: Sequence[Indices] = np.indices(array.shape, np.int64, sparse=True)
    result[tuple(place(e, grid) for e in layout.map.data.results)] = array
    return result


def place(expr: AffineExpr, grid: Sequence[Indices]) -> Indices:
    """The values of a layout's expression at all logical coordinates."""
    match expr:
        case AffineConstantExpr():
            return np.array(expr.value, np.int64)
        case AffineDimExpr():
            return grid[expr.position]
        case AffineBinaryOpExpr():
            left, right = place(expr.lhs, grid), place(expr.rhs, grid)
            match expr.kind:
                case AffineBinaryOpKind.Add:
                    return left + right
                case AffineBinaryOpKind.Mul:
                    return left * right
                case AffineBinaryOpKind.Mod:
                    return left % right
                case AffineBinaryOpKind.FloorDiv:
                    return left // right
                case AffineBinaryOpKind.CeilDiv:
                    return -(-left // right)
        case _:
            raise AssertionError(f"{expr} has a symbol")
