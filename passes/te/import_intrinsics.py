"""import-intrinsics: the tensor instructions of a library become symbols of the module.

    builtin.module { ... }   ->   builtin.module { te.intrinsic @gemm8x8 ...; ... }

A library is a text of `te.intrinsic` that a package ships and names in the entry point group
`dovetail.intrinsics` (`vdla = "passes.te.intrinsics:vdla.mlir"`). Its instructions come first in
the module, in the order of the text; one that is there already stays as it is. So a pipeline that
uses an instruction begins with this pass, and needs nothing beside the module.

In the text `$inp0` stands for the first extent of an element of the scope `inp` of the module's
target (`$inp1` for the second, `${inp0}x...` inside a word), so that one library serves every
configuration of an accelerator. Other numbers have a line of their own, `// $rows = 16, 14`, that
says what they are where `values` does not, here a version of the library for each of the two:
`import-intrinsics{library="amx" values="rows=7"}`. Several libraries are joined by `+`.

With `fitting`, only those instructions come that the module's target, a CPU, can run, and whose
operands have types that the module's functions widen before they multiply, or those that they
widen them to. So a pipeline for any kernel can ask for all libraries of CPUs, and costs nothing
where there are no narrow numbers.

Arguments: `library`, `values` (texts NAME=NUMBER), `fitting`.
Refuses: a library that no package ships; a text that is no library; an extent that the target does
not have; a value that the library does not ask for; a symbol that the module has with another
content.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from string import Template

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.arith import Arith
from xdsl.dialects.builtin import Builtin, ModuleOp, TensorType
from xdsl.dialects.math import Math
from xdsl.ir import Attribute, Operation
from xdsl.parser import Parser
from xdsl.passes import ModulePass
from xdsl.traits import SymbolTable
from xdsl.utils.exceptions import ParseError, VerifyException

from analysis.errors import UserError, nearest
from analysis.extensions import entries, extension_text
from dialects.target import target_of
from dialects.te import IntrinsicOp, Te

GROUP = "dovetail.intrinsics"

DEFAULT = re.compile(r"^// \$(\w+) = (\d+(?:, \d+)*)\n", re.MULTILINE)


def with_numbers(name: str, text: str, values: Sequence[str], module: ModuleOp) -> list[str]:
    """The texts of a library with the numbers of `values`, or its own, and of the target."""
    own = {word: numbers.split(", ") for word, numbers in DEFAULT.findall(text)}
    own |= {word: [number] for word, number in values_of(name, values, own).items()}
    template = Template(DEFAULT.sub("", text))
    asked = [word for word in template.get_identifiers() if word not in own]
    numbers = extents_of(name, asked, module) if asked else {}
    if not own and not numbers:
        return [text]
    chosen = [dict(zip(own, numbers, strict=True)) for numbers in product(*own.values())]
    return [template.substitute(numbers | some) for some in chosen]


def extents_of(name: str, asked: Sequence[str], module: ModuleOp) -> dict[str, str]:
    """The extents of elements of the module's target that a library asks for."""
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
    return extents


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
    found: dict[str, IntrinsicOp] = {}
    for version in with_numbers(name, text, values, module):
        for op in parse_library(ctx, name, version):
            found.setdefault(op.sym_name.data, op)
    return list(found.values())


def parse_library(ctx: Context, name: str, text: str) -> list[IntrinsicOp]:
    """The instructions in a text, detached."""
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


WIDENING = (arith.ExtFOp, arith.ExtSIOp, arith.ExtUIOp)


def widened_types(module: ModuleOp) -> set[Attribute]:
    """The types of factors that functions of a module widen, and those that they become."""
    products = [op for op in module.walk() if isinstance(op, arith.MulfOp | arith.MuliOp)]
    factors = {v.owner for op in products if not is_declared(op) for v in op.operands}
    widened = [op for op in factors if isinstance(op, WIDENING)]
    return {value.type for op in widened for value in (*op.operands, *op.results)}


def is_declared(op: Operation) -> bool:
    """Whether an operation stands in the declaration of an instruction."""
    parent = op.parent_op()
    while parent is not None and not isinstance(parent, IntrinsicOp):
        parent = parent.parent_op()
    return parent is not None


def fits(op: IntrinsicOp, types: set[Attribute], module: ModuleOp) -> bool:
    """Whether the module's target can run an instruction, and its functions have its types."""
    tensors = [a.type for a in op.behaviour.block.args if isinstance(a.type, TensorType)]
    runs = op.llvm_text is not None and op.needed_features <= target_of(module).machine.features
    return runs and all(tensor.element_type in types for tensor in tensors)


@dataclass(frozen=True)
class ImportIntrinsicsPass(ModulePass):
    """Copy a library of tensor instructions into the module."""

    name = "import-intrinsics"

    library: str
    values: tuple[str, ...] = ()
    fitting: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        types = widened_types(op) if self.fitting else set[Attribute]()
        if self.fitting and not types:
            return
        new: list[Operation] = []
        for name in self.library.split("+"):
            found = read_library(ctx, name, self.values, op)
            wanted = [new for new in found if not self.fitting or fits(new, types, op)]
            new += new_symbols(op, name, wanted)
        if op.body.block.first_op is None:
            op.body.block.add_ops(new)
        else:
            op.body.block.insert_ops_before(new, op.body.block.first_op)
