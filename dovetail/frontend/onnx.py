"""ONNX models become modules of the graph dialect.

`import_model` takes a path, the bytes of a file or a `ModelProto` and returns a module with one
function, `@main`; its arguments and results keep the model's names in `dovetail.name`. Nodes
without an op of their own are written with others (HardSwish is a product with a hard sigmoid),
and operators that ONNX itself defines by a function body are inlined. Operators of other domains
are imported by packages that add to the entry point group `dovetail.importers`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

import onnx
from google.protobuf.message import DecodeError
from onnx import defs, inliner, shape_inference
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region

from analysis.errors import UnsupportedError, UserError, nearest
from analysis.extensions import extension
from analysis.shapes import Extent, ShapeError, SymbolError, size_option
from dialects.graph.base import AnyTensor, tensor
from dialects.graph.elements import element_of
from dialects.graph.weights import Array, Stored, Weight, content_hash
from dovetail.frontend.onnx_elementwise import ELEMENTWISE
from dovetail.frontend.onnx_extents import move_extents, moves_extents
from dovetail.frontend.onnx_import import (
    Builder,
    Handler,
    Node,
    Refusal,
    Tensor,
    constant,
    identifier,
    to_array,
)
from dovetail.frontend.onnx_movement import MOVEMENT
from dovetail.frontend.onnx_nn import NN
from dovetail.frontend.random_weights import random_weights

HANDLERS: dict[str, Handler] = {**ELEMENTWISE, **NN, **MOVEMENT}
DEFAULT_DOMAINS = ("", "ai.onnx")
Source = str | Path | bytes | onnx.ModelProto


class Importer:
    """One import: the model, the values found so far and the nodes that were refused."""

    def __init__(
        self,
        model: onnx.ModelProto,
        path: Path | None,
        dims: Mapping[str, int],
        constants: Mapping[str, Array],
    ) -> None:
        self.model = model
        self.path = path
        self.dims = dims
        self.block = Block()
        self.builder = Builder(self.block, path.name if path else model.graph.name or "model")
        self.values: dict[str, Tensor] = {
            name: constant(array, name) for name, array in constants.items()
        }
        self.missing: set[str] = set()
        self.refused: list[str] = []
        self.unsized: list[str] = []
        self.symbols: list[str] = []
        versions = {o.domain: o.version for o in model.opset_import}
        self.opset = next((versions[d] for d in DEFAULT_DOMAINS if d in versions), 1)

    def run(self) -> ModuleOp:
        graph = self.model.graph
        for initializer in graph.initializer:
            self.values[initializer.name] = self.weight(initializer)
        names = [i.name for i in graph.input if i.name not in self.values]
        for value in graph.input:
            if value.name in names:
                self.argument(value)
        for node in graph.node:
            self.node(node)
        if self.refused:
            raise UnsupportedError(self.summary(), *self.refused)
        self.check_dims()
        return self.finish(names, [o.name for o in graph.output])

    def summary(self) -> str:
        """Why the model cannot be imported, in one line."""
        model, count, many = self.builder.model, len(self.refused), len(self.refused) > 1
        others = " and others" * many
        if len(self.unsized) == count:
            return f"{model}: {self.unsized[0]}{others}"
        first = self.refused[0].partition(",")[0]
        return f"{model} has {count} node{'s' * many} that cannot be imported: {first}{others}"

    def check_dims(self) -> None:
        """Refuse a size for a dimension that the model does not have."""
        for name in self.dims:
            if name not in self.symbols:
                raise UserError(
                    f"{self.builder.model} has no symbolic dimension '{name}': "
                    f"{nearest(name, self.symbols)}"
                )

    def weight(self, proto: onnx.TensorProto) -> Tensor:
        array = to_array(proto)
        if self.path is None:
            return constant(array, proto.name)
        held = Weight.of(array)
        source = Stored(self.path.resolve(), proto.name, content_hash(array), str(self.path))
        return Tensor(held.type, proto.name, weight=Weight(held.type, source, held.array))

    def argument(self, value: onnx.ValueInfoProto) -> None:
        type = self.tensor_type(value)
        argument = self.block.insert_arg(type, len(self.block.args))
        argument.location = self.builder.location(value.name)
        argument.name_hint = identifier(value.name)
        self.values[value.name] = Tensor(type, value.name, argument)

    def tensor_type(self, value: onnx.ValueInfoProto) -> AnyTensor:
        if not value.type.HasField("tensor_type"):
            raise UnsupportedError(f"input '{value.name}' of the model is not a tensor")
        proto, shape = value.type.tensor_type, list[Extent]()
        for i, dim in enumerate(proto.shape.dim):
            name = dim.dim_param or f"{value.name}_{i}"
            if dim.HasField("dim_value"):
                shape.append(dim.dim_value)
            else:
                self.symbols += [] if name in self.symbols else [name]
                shape.append(self.dims.get(name, name))
        return tensor(element_of(onnx.helper.tensor_dtype_to_np_dtype(proto.elem_type)), shape)

    def node(self, proto: onnx.NodeProto) -> None:
        """Import one node, or note why not."""
        handler = handler_of(proto)
        if handler is None:
            self.refuse(proto, f"no operator like it; the nearest: {nearest_operators(proto)}")
            return
        if any(name in self.missing for name in proto.input):
            self.missing.update(proto.output)
            return
        self.builder.node = proto.name or next(iter(proto.output), "")
        node = Node(proto, [self.lookup(name) for name in proto.input], self.opset, self.builder)
        try:
            results = move_extents(node, handler) if moves_extents(node) else handler(node)
        except Refusal as reason:
            self.refuse(proto, f"would need {reason}")
            return
        except ShapeError as reason:
            self.refuse(proto, str(reason), self.symbols_behind(reason, node))
            return
        tensors = [results] if isinstance(results, Tensor) else list(results)
        self.values.update(zip(proto.output, tensors, strict=False))

    def lookup(self, name: str) -> Tensor | None:
        if not name:
            return None
        if name not in self.values:
            raise UserError(f"the model reads '{name}' before anything computes it")
        return self.values[name]

    def symbols_behind(self, reason: ShapeError, node: Node) -> list[str]:
        """The symbolic dimensions whose sizes may make a node possible."""
        if isinstance(reason, SymbolError):
            return [reason.symbol]
        found = [e for t in node.present() for e in (*t.shape, *(t.extents or ()))]
        return list(dict.fromkeys(e for e in found if isinstance(e, str)))

    def refuse(self, proto: onnx.NodeProto, reason: str, symbols: Sequence[str] = ()) -> None:
        found = [self.values.get(name) for name in proto.input if name]
        operands = ", ".join("?" if t is None else str(t.type) for t in found)
        domain = f"{proto.domain or 'ai.onnx'} {self.opset}"
        name = proto.name or next(iter(proto.output), "")
        if symbols:
            sizes = " ".join(size_option(symbol) for symbol in symbols)
            reason = f"{reason}; give {sizes}"
            self.unsized.append(f"{proto.op_type}, node '{name}': {reason}")
        self.refused.append(f"{proto.op_type}, node '{name}' ({domain}) of ({operands}): {reason}")
        self.missing.update(proto.output)

    def finish(self, inputs: Sequence[str], outputs: Sequence[str]) -> ModuleOp:
        self.builder.node = ""
        results = [self.values[name] for name in outputs]
        values = [self.builder.value_of(result) for result in results]
        end = ReturnOp(*values)
        self.block.add_op(end)
        function = FuncOp(
            "main",
            ([a.type for a in self.block.args], [v.type for v in values]),
            Region(self.block),
            arg_attrs=names_attribute(inputs),
            res_attrs=names_attribute(outputs),
        )
        function.location = end.location = self.builder.whole_model
        return ModuleOp([function])


def names_attribute(names: Sequence[str]) -> ArrayAttr[DictionaryAttr]:
    return ArrayAttr([DictionaryAttr({"dovetail.name": StringAttr(name)}) for name in names])


def handler_of(proto: onnx.NodeProto) -> Handler | None:
    """What imports a node; other packages import theirs, by `domain.operator`."""
    if proto.domain in DEFAULT_DOMAINS:
        return HANDLERS.get(proto.op_type)
    found = extension("dovetail.importers", f"{proto.domain}.{proto.op_type}")
    return cast(Handler | None, found)


def nearest_operators(proto: onnx.NodeProto) -> str:
    return nearest(proto.op_type, HANDLERS).partition(";")[0].partition(" and ")[0]


def read_model(source: Source, what: str) -> onnx.ModelProto:
    """The model in `source`; one line for what is not one."""
    if isinstance(source, onnx.ModelProto):
        return source
    try:
        if isinstance(source, bytes):
            model = onnx.load_model_from_string(source)
        else:
            model = onnx.load_model(str(source))
    except DecodeError:
        raise UserError(f"{what} is not an ONNX model") from None
    except OSError as error:
        raise UserError(f"cannot read {what}: {error.strerror or error}") from None
    if not model.graph.node and not model.graph.output:
        raise UserError(f"{what} is not an ONNX model: it has no graph")
    return model


def function_schema(node: onnx.NodeProto, versions: Mapping[str, int]) -> Any:
    """The schema of an operator without a handler that ONNX defines by a function body."""
    domain = "" if node.domain == "ai.onnx" else node.domain
    if (domain == "" and node.op_type in HANDLERS) or domain not in versions:
        return None
    if not defs.has(node.op_type, versions[domain], domain):
        return None
    schema: Any = defs.get_schema(node.op_type, versions[domain], domain)
    return schema if schema.has_function or schema.has_context_dependent_function else None


def spell_out_defaults(node: onnx.NodeProto, schema: Any) -> None:
    """Give `node` the attributes that have a default: the inliner forgets them."""
    given = {attribute.name for attribute in node.attribute}
    for name, attribute in schema.attributes.items():
        if name not in given and attribute.default_value.type:
            node.attribute.append(attribute.default_value)


def inline_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its own functions, and operators defined by a function body, inlined."""
    if model.functions:
        model = inliner.inline_local_functions(model)
    versions = {o.domain or "": o.version for o in model.opset_import}
    schemas = [function_schema(node, versions) for node in model.graph.node]
    if not any(schemas):
        return model
    inlined = onnx.ModelProto()
    inlined.CopyFrom(model)
    wanted: set[tuple[str, str]] = set()
    for node, schema in zip(inlined.graph.node, schemas, strict=True):
        if schema is not None:
            wanted.add((schema.domain, node.op_type))
            spell_out_defaults(node, schema)
    try:
        # The bodies depend on element types.
        inlined = shape_inference.infer_shapes(inlined)
        return inliner.inline_selected_functions(
            inlined, sorted(wanted), inline_schema_functions=True
        )
    except RuntimeError:  # a body that depends on types which nothing tells
        return model


def import_model(
    source: Source,
    *,
    name: str | None = None,
    dims: Mapping[str, int] | None = None,
    constants: Mapping[str, Array] | None = None,
) -> ModuleOp:
    """The module of an ONNX model.

    `source` is a path, bytes or a `ModelProto`; `name` is the file that weights and locations
    refer to when `source` is not a path; `dims` gives symbolic dimensions a size (one without a
    name is called INPUT_AXIS), all others stay symbolic;
    `constants` gives inputs of the model a value, so that they are no arguments of `@main`.
    Raises `UserError`, or `UnsupportedError` with every node that cannot be imported.
    """
    path = Path(source) if isinstance(source, str | Path) else Path(name) if name else None
    model = inline_functions(read_model(source, str(path) if path else "the model"))
    return Importer(model, path, dims or {}, constants or {}).run()


def import_stream(
    stream: IO[bytes], dims: Mapping[str, int], weights_seed: int | None = None
) -> ModuleOp:
    """The module of the ONNX model in an open file, with random weights if they have a seed."""
    name: Any = getattr(stream, "name", None)
    path = name if isinstance(name, str) else None
    data: Source = stream.read()
    if weights_seed is None:
        return import_model(data, name=path, dims=dims)
    model = read_model(data, path or "the model")
    return import_model(random_weights(model, weights_seed), dims=dims)
