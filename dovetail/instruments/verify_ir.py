"""The verifiers of the IR, run on what was read and on what each pass left.

A verifier says what is wrong with an operation; here the pass that left it so, the function and
the operation's name go in front.
"""

from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import VerifyException

from dovetail.instruments.instrument import Instrument


class VerifyIR(Instrument):
    """Refuses a module that does not verify."""

    def __call__(
        self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None
    ) -> None:
        try:
            module.verify()
        except VerifyException as error:
            error.args = (describe(error, module, previous),)
            raise


def describe(error: VerifyException, module: ModuleOp, previous: ModulePass | None) -> str:
    """One line: which operation of `module` is wrong, where, since when, and why."""
    message = str(error).replace(":\n", ": ")
    op = guilty(module)
    place = "" if op is None else symbol_of(op)
    since = "" if previous is None else f" after {previous}"
    if op is not None and not message.startswith(op.name):
        message = f"{op.name}: {message}"
    return f"invalid IR{place}{since}: {message}"


def guilty(module: ModuleOp) -> Operation | None:
    """The first operation, inner ones before outer ones, that does not verify by itself."""
    for op in inner_first(module):
        try:
            op.verify(verify_nested_ops=False)
        except VerifyException:
            return op
    return None


def inner_first(op: Operation) -> Iterator[Operation]:
    """`op` and all below it, each after what it holds."""
    for region in op.regions:
        for block in region.blocks:
            for inner in block.ops:
                yield from inner_first(inner)
    yield op


def symbol_of(op: Operation) -> str:
    """` in @f`, for the innermost symbol around `op`; empty if there is none."""
    around: Operation | None = op
    while around is not None:
        name = around.get_attr_or_prop("sym_name")
        if isinstance(name, StringAttr):
            return f" in @{name.data}"
        around = around.parent_op()
    return ""
