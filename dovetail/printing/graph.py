"""Networks: one line an operator, `y = conv(x, w, strides=[2, 2])`, with the shape as a comment."""

from io import StringIO

from xdsl.dialects.builtin import FloatAttr, StringAttr
from xdsl.ir import Attribute, Operation
from xdsl.printer import Printer

from dialects.graph.base import GraphOp, print_value
from dialects.graph.structure import CallOp, WeightOp
from dovetail.printing.listing import Form, Listing, identifier, type_text
from dovetail.printing.scalars import constant


def list_op(listing: Listing, op: GraphOp) -> None:
    """An operator; properties that have their default are not said."""
    arguments = [listing.value(v) for v in op.operands]
    for name, definition in op.get_irdl_definition().properties.items():
        value = op.properties.get(name)
        if value is not None and value != definition.default_value:
            arguments.append(f"{name}={value_text(value)}")
    list_result(listing, op, identifier(op.name.partition(".")[2]), arguments)


def value_text(value: Attribute) -> str:
    """A property in Python's words."""
    if isinstance(value, StringAttr):
        return f'"{value.data}"'
    if isinstance(value, FloatAttr):
        return constant(value).text
    stream = StringIO()
    print_value(Printer(stream), value)
    text = stream.getvalue()
    return {"true": "True", "false": "False"}.get(text, text)


def list_result(
    listing: Listing, op: Operation, callee: str, arguments: list[str], note: str = ""
) -> None:
    """`y = f(a, b)  # f32[64]`."""
    names = [listing.names.define(r, r.name_hint) for r in op.results]
    types = ", ".join(type_text(r.type) for r in op.results)
    listing.line(f"{', '.join(names)} = {callee}({', '.join(arguments)})", types + note)


def list_weight(listing: Listing, op: WeightOp) -> None:
    list_result(listing, op, "weight", [f'"{op.label.data}"'])


def list_call(listing: Listing, op: CallOp) -> None:
    arguments = [listing.value(v) for v in op.arguments]
    callee = identifier(op.callee.root_reference.data)
    list_result(listing, op, callee, arguments, f" on {op.device.data}")


FORMS: dict[type[Operation], Form] = {CallOp: list_call, WeightOp: list_weight}
