"""Reads a module from its text, with every dialect that is installed."""

from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError, VerifyException

from analysis.errors import UserError
from dovetail.frontend.parse_errors import parse_error
from dovetail.universe import installed

SUFFIX = ".mlir"


def text_context() -> Context:
    """A context that knows every dialect that is installed; each is loaded when it is met."""
    context = Context()
    for name, factory in installed().all_dialects.items():
        context.register_dialect(name, factory)
    return context


def read_module(path: Path, context: Context | None = None) -> ModuleOp:
    """The verified module in the file `path`; the weights that it names lie beside it."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: it is no text") from None
    context = context or text_context()
    try:
        module = Parser(context, text, str(path)).parse_module()
        module.verify()
    except ParseError as error:
        raise parse_error(error, context) from None
    except VerifyException as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: it is not valid: {reason}", str(error)) from None
    return module
