"""import-intrinsics: the tensor instructions of a library become symbols of the module.

    builtin.module { ... }   ->   builtin.module { te.intrinsic @gemm8x8 ...; ... }

A library is a text of `te.intrinsic` that a package ships and names in the entry point group
`dovetail.intrinsics` (`vdla = "passes.te.intrinsics:vdla.mlir"`). Its instructions come first in
the module, in the order of the text; one that is there already stays as it is. So a pipeline that
uses an instruction begins with this pass, and needs nothing beside the module.

In the text `$inp0` stands for the first extent of an element of the scope `inp` of the module's
target (`$inp1` for the second, `${inp0}x...` inside a word), so that one library serves every
configuration of an accelerator. Other numbers have a line of their own, `// $rows = 16`, that says
what they are where `values` does not: `import-intrinsics{library="amx" values="rows=14"}`.

Arguments: `library`, `values` (texts NAME=NUMBER).
Refuses: a library that no package ships; a text that is no library; an extent that the target does
not have; a value that the library does not ask for; a symbol that the module has with another
content.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import Template

from xdsl.context import Context
from xdsl.dialects.arith import Arith
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.math import Math
from xdsl.ir import Operation
from xdsl.parser import Parser
from xdsl.passes import ModulePass
from xdsl.traits import SymbolTable
from xdsl.utils.exceptions import ParseError, VerifyException

from analysis.errors import UserError, nearest
from analysis.extensions import entries, extension_text
from dialects.target import target_of
from dialects.te import IntrinsicOp, Te

GROUP = "dovetail.intrinsics"

DEFAULT = re.compile(r"^// \$(\w+) = (\d+)\n", re.MULTILINE)


def with_numbers(name: str, text: str, values: Sequence[str], module: ModuleOp) -> str:
    """The text of a library with the numbers of `values` and of the module's target."""
    numbers = dict(DEFAULT.findall(text)) | values_of(name, values, dict(DEFAULT.findall(text)))
    template = Template(DEFAULT.sub("", text))
    asked = [word for word in template.get_identifiers() if word not in numbers]
    if asked:
        target = target_of(module)
        extents = {
            f"{scope.name}{i}": str(extent)
            for scope in target.machine.scopes
            if scope.element is not None
            for i, extent in enumerate(scope.element[0])
        }
        for word in asked:
            if word not in extents:
                raise UserError(
                    f"import-intrinsics: library '{name}' needs the extent ${word} of an element, "
                    f"which the target '{target}' does not have: {nearest(word, extents)}"
                )
        numbers = {**extents, **numbers}
    return template.substitute(numbers) if numbers else text


def values_of(name: str, values: Sequence[str], known: Iterable[str]) -> dict[str, str]:
    """The numbers that `values` gives, by name."""
    found: dict[str, str] = {}
    for text in values:
        word, _, number = text.partition("=")
        if word not in known:
            raise UserError(
                f"import-intrinsics: library '{name}' asks for no value '{word}': "
                f"{nearest(word, known)}"
            )
        if not number.isdecimal() or int(number) < 1:
            raise UserError(
                f'import-intrinsics: values="{text}" is not of the form {word}=NUMBER, '
                "a whole number from 1"
            )
        found[word] = number
    return found


def read_library(
    ctx: Context, name: str, values: Sequence[str], module: ModuleOp
) -> list[IntrinsicOp]:
    """The instructions of a library, detached."""
    text = extension_text(GROUP, name)
    if text is None:
        raise UserError(
            f"import-intrinsics: no library is called '{name}': {nearest(name, entries(GROUP))}"
        )
    text = with_numbers(name, text, values, module)
    known = ctx.clone()
    for dialect in (Arith, Builtin, Math, Te):
        if dialect.name not in known.registered_dialect_names:
            known.load_dialect(dialect)
    try:
        library = Parser(known, text, name).parse_module()
        library.verify()
    except (ParseError, VerifyException) as error:
        raise UserError(f"import-intrinsics: library '{name}' is not valid", str(error)) from None
    found: list[IntrinsicOp] = []
    for op in list(library.ops):
        if not isinstance(op, IntrinsicOp):
            raise UserError(
                f"import-intrinsics: library '{name}' holds {op.name}; "
                "a library holds te.intrinsic alone"
            )
        op.detach()
        found.append(op)
    return found


def new_symbols(module: ModuleOp, library: str, ops: list[IntrinsicOp]) -> list[Operation]:
    """The instructions that the module does not have yet."""
    found: list[Operation] = []
    for op in ops:
        there = SymbolTable.lookup_symbol(module, op.sym_name)
        if there is None:
            found.append(op)
        elif not there.is_structurally_equivalent(op):
            raise UserError(
                f"import-intrinsics: library '{library}' has another @{op.sym_name.data} than "
                f"the {there.name} of that name in the module; rename that one",
                f"library:\n{op}",
                f"module:\n{there}",
            )
    return found


@dataclass(frozen=True)
class ImportIntrinsicsPass(ModulePass):
    """Copy a library of tensor instructions into the module."""

    name = "import-intrinsics"

    library: str
    values: tuple[str, ...] = ()

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        new = new_symbols(op, self.library, read_library(ctx, self.library, self.values, op))
        if op.body.block.first_op is None:
            op.body.block.add_ops(new)
        else:
            op.body.block.insert_ops_before(new, op.body.block.first_op)
