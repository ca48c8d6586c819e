"""Parsing IR text with every dialect of the project, for tests."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.parser import Parser
from xdsl.universe import Universe


def parse_module(text: str) -> ModuleOp:
    """The verified module of `text`."""
    context = Context()
    for name, factory in Universe.get_multiverse().all_dialects.items():
        context.register_dialect(name, factory)
    module = Parser(context, text).parse_module()
    module.verify()
    return module


def parse_function(text: str, name: str | None = None) -> FuncOp:
    """The function called `name` of `text`, or its first."""
    functions = [op for op in parse_module(text).body.block.ops if isinstance(op, FuncOp)]
    return next(f for f in functions if name in (None, f.sym_name.data))
