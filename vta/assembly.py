"""A stream as text, and back.

One instruction a line; `#` and `//` begin comments. The words are those of the vta dialect, with
numbers for addresses:

    first: load inp 448 at 0 rows 14 of 14 stride 56 pad [1, 0, 1, 1] pop_next push_next
    gemm uop 0 to 4 outer 14 by [1, 1, 0] inner 3 by [0, 1, 1] pop_prev
    gemm reset uop 4 to 5
    alu max uop 0 to 1 outer 14 by [1, 1] imm 0 push_next
    store out 0 at 0 rows 1 of 16 pop_prev push_prev
    nop compute pop_next
    finish

A transfer has its DRAM address, its SRAM address, then rows and elements a row; the stride is the
row's length where none is given. A loop that is not there runs once. Factors are those of the
accumulator, the source and, in `gemm`, the weight. A `nop` is the instruction of a unit that moves
only tokens. `unused 5`, in an `alu` that reads registers, keeps the bits of an immediate that
nobody reads. Micro-ops are data in DRAM; their text is a triple a line, `(0, 3, 1)`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from analysis.errors import nearest
from vta import isa
from vta.config import Config
from vta.isa import (
    Alu,
    AluOpcode,
    Finish,
    Gemm,
    Instruction,
    Load,
    MemoryType,
    MicroCoded,
    MicroOp,
    Store,
    StreamError,
    Transfer,
    Unit,
)

T = TypeVar("T")

_MEMORIES = {
    "uop": MemoryType.UOP,
    "wgt": MemoryType.WGT,
    "inp": MemoryType.INP,
    "acc": MemoryType.ACC,
    "out": MemoryType.OUT,
    "acc8": MemoryType.ACC_8BIT,
}
_MEMORY_WORDS = {memory: word for word, memory in _MEMORIES.items()}
_UNITS = {unit.word: unit for unit in Unit}
_ALU_OPCODES = {opcode.name.lower(): opcode for opcode in AluOpcode}
_NUMBER = re.compile(r"-?(?:0x[0-9a-fA-F]+|\d+)")
_LABEL = re.compile(r"[A-Za-z_]\w*")
_WORD = re.compile(rf"{_NUMBER.pattern}\b|{_LABEL.pattern}|\S")
_COMMENT = re.compile(r"(#|//).*")


class _Line:
    """The words of one line; errors point at the word that is wrong."""

    def __init__(self, text: str, number: int, file: str) -> None:
        self.text, self.line, self.file = text, number, file
        code = _COMMENT.sub("", text)
        self.words = [(match[0], match.start()) for match in _WORD.finditer(code)]
        self.next = 0

    def error(self, message: str, word: int | None = None) -> StreamError:
        position = self.next if word is None else word
        last, start = self.words[-1]
        column = self.words[position][1] if position < len(self.words) else start + len(last)
        return StreamError(
            f"{self.file}:{self.line}:{column + 1}: {message}",
            f"{self.text}\n{' ' * column}^",
        )

    @property
    def word(self) -> str:
        """The next word; empty at the end of the line."""
        return self.words[self.next][0] if self.next < len(self.words) else ""

    @property
    def found(self) -> str:
        return f"'{self.word}'" if self.word else "the end of the line"

    def optional(self, word: str) -> bool:
        if self.word != word:
            return False
        self.next += 1
        return True

    def expect(self, word: str) -> None:
        if not self.optional(word):
            raise self.error(f"expected '{word}', not {self.found}")

    def number(self) -> int:
        if _NUMBER.fullmatch(self.word) is None:
            raise self.error(f"expected a number, not {self.found}")
        self.next += 1
        word = self.words[self.next - 1][0]
        return int(word, 16 if "x" in word else 10)

    def choice(self, what: str, choices: dict[str, T]) -> T:
        if self.word not in choices:
            raise self.error(f"expected {what}, not {self.found}; {nearest(self.word, choices)}")
        self.next += 1
        return choices[self.words[self.next - 1][0]]

    def numbers(self, count: int, brackets: str = "[]") -> tuple[int, ...]:
        self.expect(brackets[0])
        start = self.next
        values = [self.number()]
        while self.optional(","):
            values.append(self.number())
        self.expect(brackets[1])
        if len(values) != count:
            raise self.error(f"{count} numbers stand here, not {len(values)}", start)
        return tuple(values)


def _transfer(line: _Line) -> dict[str, object]:
    values: dict[str, object] = {"memory_type": line.choice("a memory", _MEMORIES)}
    values["dram_base"] = line.number()
    line.expect("at")
    values["sram_base"] = line.number()
    line.expect("rows")
    values["y_size"] = line.number()
    line.expect("of")
    values["x_size"] = values["x_stride"] = line.number()
    if line.optional("stride"):
        values["x_stride"] = line.number()
    if line.optional("pad"):
        pads = line.numbers(4)
        values |= zip(("y_pad_0", "y_pad_1", "x_pad_0", "x_pad_1"), pads, strict=True)
    return values


def _loops(line: _Line, factors: tuple[str, ...]) -> dict[str, object]:
    """What GEMM and ALU share; `factors` are the memories that are indexed."""
    values: dict[str, object] = {}
    line.expect("uop")
    values["uop_bgn"] = line.number()
    line.expect("to")
    values["uop_end"] = line.number()
    for word, end in (("outer", "out"), ("inner", "in")):
        if line.optional(word):
            values[f"iter_{end}"] = line.number()
            line.expect("by")
            steps = line.numbers(len(factors))
            values |= {f"{f}_factor_{end}": s for f, s in zip(factors, steps, strict=True)}
    return values


def _load(line: _Line) -> tuple[type[Instruction], dict[str, object]]:
    return Load, _transfer(line)


def _store(line: _Line) -> tuple[type[Instruction], dict[str, object]]:
    return Store, _transfer(line)


def _gemm(line: _Line) -> tuple[type[Instruction], dict[str, object]]:
    reset = line.optional("reset")
    return Gemm, {"reset": reset} | _loops(line, ("dst", "src", "wgt"))


def _alu(line: _Line) -> tuple[type[Instruction], dict[str, object]]:
    opcode = line.choice("an ALU operation", _ALU_OPCODES)
    values = {"alu_opcode": opcode} | _loops(line, ("dst", "src"))
    if line.optional("imm"):
        values |= {"use_imm": True, "imm": line.number()}
    elif line.optional("unused"):
        values |= {"imm": line.number()}
    return Alu, values


def _nop(line: _Line) -> tuple[type[Instruction], dict[str, object]]:
    unit = line.choice("a unit", _UNITS)
    kind = Store if unit is Unit.STORE else Load
    return kind, {"memory_type": isa.nop(unit).memory_type}


def _finish(line: _Line) -> tuple[type[Instruction], dict[str, object]]:
    return Finish, {}


_MNEMONICS: dict[str, Callable[[_Line], tuple[type[Instruction], dict[str, object]]]] = {
    "load": _load,
    "store": _store,
    "gemm": _gemm,
    "alu": _alu,
    "nop": _nop,
    "finish": _finish,
}


def _instruction(line: _Line, config: Config) -> Instruction:
    label = None
    if _LABEL.fullmatch(line.word) and len(line.words) > 1 and line.words[1][0] == ":":
        label = line.word
        line.next += 2
    start = line.next
    kind, values = line.choice("an instruction", _MNEMONICS)(line)
    tokens = dict.fromkeys(isa.TOKEN_FIELDS, False)
    while line.word:
        word = line.next
        name = line.choice("a dependence bit", {name: name for name in tokens})
        if tokens[name]:
            raise line.error(f"{name} stands here twice", word)
        tokens[name] = True
    instruction = kind(**values, **tokens, label=label)  # pyright: ignore[reportArgumentType]
    try:
        isa.encode(instruction, config)
    except StreamError as error:
        raise line.error(error.message, start) from None
    return instruction


def _lines(text: str, file: str) -> Iterator[_Line]:
    lines = (_Line(line, i, file) for i, line in enumerate(text.splitlines(), 1))
    return (line for line in lines if line.words)


def assemble(text: str, config: Config, file: str = "<text>") -> list[Instruction]:
    """The instructions that a text writes; `file` is for messages.

    Raises StreamError at the line and column of what cannot be read or encoded.
    """
    return [_instruction(line, config) for line in _lines(text, file)]


def assemble_uops(text: str, config: Config, file: str = "<text>") -> list[MicroOp]:
    """The micro-ops that a text writes, `(accumulator, source, weight)` each."""
    uops: list[MicroOp] = []
    for line in _lines(text, file):
        uop = MicroOp(*line.numbers(3, "()"))
        if line.word:
            raise line.error(f"expected the end of the line, not {line.found}")
        try:
            isa.encode_uop(uop, config)
        except StreamError as error:
            raise line.error(error.message, 0) from None
        uops.append(uop)
    return uops


def _show(values: Iterable[int]) -> str:
    return f"[{', '.join(map(str, values))}]"


def _show_transfer(op: Transfer) -> str:
    text = f"{_MEMORY_WORDS[op.memory_type]} {op.dram_base} at {op.sram_base}"
    text += f" rows {op.y_size} of {op.x_size}"
    if op.x_stride != op.x_size:
        text += f" stride {op.x_stride}"
    return f"{text} pad {_show(op.pads)}" if any(op.pads) else text


def _show_loops(op: MicroCoded, memories: tuple[str, ...]) -> str:
    text = f"uop {op.uop_bgn} to {op.uop_end}"
    for word, end in (("outer", "out"), ("inner", "in")):
        count: int = getattr(op, f"iter_{end}")
        factors: list[int] = [getattr(op, f"{memory}_factor_{end}") for memory in memories]
        if count != 1 or any(factors):
            text += f" {word} {count} by {_show(factors)}"
    return text


def _show_operation(op: Instruction) -> str:
    match op:
        case Transfer():
            tokens = {name: getattr(op, name) for name in isa.TOKEN_FIELDS}
            if op == isa.nop(op.unit, **tokens):
                return f"nop {op.unit.word}"
            return f"{'load' if isinstance(op, Load) else 'store'} {_show_transfer(op)}"
        case Gemm():
            reset = "reset " if op.reset else ""
            return f"gemm {reset}{_show_loops(op, ('dst', 'src', 'wgt'))}"
        case Alu():
            text = f"alu {op.alu_opcode.name.lower()} {_show_loops(op, ('dst', 'src'))}"
            if op.use_imm:
                return f"{text} imm {op.imm}"
            return f"{text} unused {op.imm}" if op.imm else text
        case _:
            return "finish"


def show(op: Instruction) -> str:
    """An instruction's line."""
    label = "" if op.label is None else f"{op.label}: "
    tokens = "".join(f" {name}" for name in isa.TOKEN_FIELDS if getattr(op, name))
    return f"{label}{_show_operation(op)}{tokens}"


def disassemble(instructions: Iterable[Instruction]) -> str:
    """The text that `assemble` reads back."""
    return "".join(f"{show(op)}\n" for op in instructions)


def disassemble_uops(uops: Iterable[MicroOp]) -> str:
    """The text that `assemble_uops` reads back."""
    return "".join(f"({uop.dst_idx}, {uop.src_idx}, {uop.wgt_idx})\n" for uop in uops)
