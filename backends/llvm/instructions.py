"""The LLVM IR that a tensor instruction of a CPU brings: a function for each form of it.

The parameters of a function ask for what they are by their names: `%a` is the address of the first
element of operand a, `%a_stride_0` the bytes from one element to the next along its dimension 0,
and a scalar argument has its own name. The elements along a dimension without such a stride lie
side by side. The result has the name of its te.compute. docs/cpu-instructions.md has an example.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm
from llvmlite import ir
from xdsl.dialects.builtin import ModuleOp, TensorType

from analysis.errors import UnsupportedError, UserError
from backends.llvm.host import features_of, host_target
from backends.llvm.types import I64, POINTER
from dialects import loop, te
from dialects.target import Target, target_of

ITEM = re.compile(r"\s*(declare|define)\b[^@]*@([\w.$-]+)\s*\(")
STRIDE = re.compile(r"(.+)_stride_(\d+)")


@dataclass(frozen=True)
class Operand:
    """An operand of an instruction: its name, and the extents of its element."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Parameter:
    """What a parameter of a function is: an address, a stride or a scalar of the instruction."""

    name: str
    type: ir.Type
    stride: int | None = None
    """The dimension whose stride it is."""


@dataclass(frozen=True)
class Text:
    """The functions in a text of LLVM IR, by their names, and the parameters of those it defines"""

    declared: Mapping[str, str]
    defined: Mapping[str, str]
    parameters: Mapping[str, tuple[tuple[str, str], ...]]


@cache
def read_text(owner: str, text: str) -> Text:
    """The parts of the LLVM IR of an instruction; a line that declares may be there twice."""
    parts: dict[str, dict[str, str]] = {"declare": {}, "define": {}}
    lines = iter(text.splitlines())
    order: list[str] = []
    for line in lines:
        if not line.strip() or line.lstrip().startswith(";"):
            continue
        found = ITEM.match(line)
        if found is None:
            raise UserError(
                f"{owner}: its llvm text has the line '{line.strip()}', but holds functions only, "
                "declared or defined"
            )
        whole = [line]
        while found[1] == "define" and whole[-1].strip() != "}":
            whole.append(next(lines, "}"))
        if found[1] == "define" or line not in order:
            order += whole
        parts[found[1]][found[2]] = "\n".join(whole)
    try:
        module = llvm.parse_assembly("\n".join(order))
    except RuntimeError as error:
        raise UserError(f"{owner}: its llvm text is no LLVM IR", str(error).strip()) from None
    parameters = {
        function.name: tuple((a.name, str(a.type)) for a in function.arguments)
        for function in module.functions
        if function.name in parts["define"]
    }
    return Text(parts["declare"], parts["define"], parameters)


class Definition(ir.Function):
    """A function whose text an instruction brings."""

    def __init__(self, module: ir.Module, type: ir.FunctionType, name: str, text: str) -> None:
        super().__init__(module, type, name)
        self.text = text

    def __str__(self) -> str:
        return self.text


class Declaration:
    """A declaration that an instruction brings, left out where the module has one of its own."""

    def __init__(self, module: ir.Module, function: str, text: str) -> None:
        self.module, self.function, self.text = module, function, text
        self.name = f"declare {function}"

    def __str__(self) -> str:
        return "" if self.function in self.module.globals else self.text


@dataclass(frozen=True)
class Instruction:
    """A declared instruction, as calls of it are emitted."""

    declared: te.IntrinsicOp

    @property
    def name(self) -> str:
        return f"@{self.declared.sym_name.data}"

    @property
    def operands(self) -> list[Operand]:
        """Its operands as a call has them: the results, then the tensors that it reads."""
        block = self.declared.behaviour.block
        last = block.last_op
        assert isinstance(last, te.YieldOp)
        found: list[Operand] = []
        for value in (*last.values, *block.args):
            if isinstance(value.type, TensorType):
                owner = value.owner
                name = owner.compute_name.data if isinstance(owner, te.ComputeOp) else None
                found.append(Operand(name or value.name_hint or "", value.type.get_shape()))
        return found

    @property
    def scalars(self) -> list[str]:
        """The names of its scalar arguments."""
        args = self.declared.behaviour.block.args
        return [a.name_hint or "" for a in args if not isinstance(a.type, TensorType)]

    @property
    def calls(self) -> dict[str, str]:
        """The names of its functions, by form."""
        declared = self.declared
        found = {
            "compute": declared.compute_call,
            "reset": declared.reset_call,
            "update": declared.update_call,
        }
        return {form: name.data for form, name in found.items() if name is not None}

    def function_of(self, form: str) -> str:
        """The name of the function that makes a call of this form."""
        if form not in self.calls:
            raise UnsupportedError(f"llvm: {self.name} has no form {form}")
        return self.calls[form]

    def text(self) -> Text:
        """Its LLVM IR."""
        text = self.declared.llvm_text
        if text is None:
            raise UnsupportedError(
                f"llvm: {self.name} has no llvm text that says what a call of it is; "
                "expand-intrinsics makes loops of its calls"
            )
        return read_text(f"te.intrinsic {self.name}", text)

    def check_target(self, module: ModuleOp) -> None:
        """Refuse a processor that lacks what the instruction needs."""
        target = processor_of(module)
        missing = sorted(self.declared.needed_features - features_of(target))
        if missing:
            raise UserError(
                f"{self.name} needs a processor with {', '.join(missing)}, which the target "
                f"'{target}' lacks; expand-intrinsics makes loops of its calls"
            )

    def parameters(self, function: str) -> list[Parameter]:
        """The parameters of one of its functions."""
        text = self.text()
        if function not in text.parameters:
            raise UserError(
                f"te.intrinsic {self.name}: its llvm text defines no function @{function}; "
                f"it defines {', '.join(text.defined) or 'none'}"
            )
        ranks = {operand.name: len(operand.shape) for operand in self.operands}
        found: list[Parameter] = []
        for name, type in text.parameters[function]:
            stride = STRIDE.fullmatch(name)
            if name in ranks and type == "ptr":
                found.append(Parameter(name, POINTER))
            elif name in self.scalars and re.fullmatch(r"i\d+", type):
                found.append(Parameter(name, ir.IntType(int(type[1:]))))
            elif stride and int(stride[2]) < ranks.get(stride[1], 0) and type == "i64":
                found.append(Parameter(stride[1], I64, int(stride[2])))
            else:
                addresses = ", ".join(f"ptr %{name}" for name in ranks)
                scalars = "".join(f", %{name}" for name in self.scalars)
                raise UserError(
                    f"te.intrinsic {self.name}: parameter {type} %{name} of @{function} is "
                    f"unknown; there are {addresses}{scalars}, and strides such as "
                    f"i64 %{next(iter(ranks))}_stride_0"
                )
        return found

    def define(self, module: ir.Module, function: str) -> ir.Function:
        """One of its functions, in a module that gets its text."""
        text = self.text()
        for name, line in text.declared.items():
            if f"declare {name}" not in module.globals:
                module.add_global(Declaration(module, name, line))
        for name, lines in text.defined.items():
            there = module.globals.get(name)
            if there is None:
                called = name in self.calls.values()
                types = [p.type for p in self.parameters(name)] if called else []
                Definition(module, ir.FunctionType(ir.VoidType(), types), name, lines)
            elif not isinstance(there, Definition) or there.text != lines:
                raise UserError(
                    f"te.intrinsic {self.name}: its llvm text defines @{name}, which the module "
                    "has with another content; rename it"
                )
        return module.globals[function]


def processor_of(module: ModuleOp) -> Target:
    """The CPU that a module is compiled for: its target, or this machine."""
    return target_of(module) if "target" in module.attributes else host_target()


def features_in(module: ModuleOp) -> frozenset[str]:
    """The features that the calls of instructions in a module need."""
    called = {op.callee.string_value() for op in module.walk() if isinstance(op, loop.IntrinsicOp)}
    declared = [op for op in module.ops if isinstance(op, te.IntrinsicOp)]
    needed = [op.needed_features for op in declared if op.sym_name.data in called]
    return frozenset[str]().union(*needed)
