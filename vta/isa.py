"""Instructions and micro-ops as values, and their bits.

docs/vta-isa.md, sections 2 to 7. An instruction is a frozen value whose fields are the fields of
its encoding, so that nothing of a word is lost but its unused bits, which are written as zeros
and read as anything. Where a field lies follows from the configuration: `layout` is the one table,
and encoding and decoding both walk it.

Two kinds of mistake are kept apart. A field that no word can hold is refused when encoding, one
that means nothing (opcode 7) when decoding. What can be encoded but must not be executed, such as
a token towards a unit that is not there, is what `illegality` tells.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from typing import ClassVar

from analysis.errors import UserError
from vta.config import UOP_BYTES, Config

INSTRUCTION_BYTES = 16

TOKEN_FIELDS: tuple[str, ...] = ("pop_prev", "pop_next", "push_prev", "push_next")


class StreamError(UserError):
    """An instruction, or a stream of them, that no VTA can be given."""


class Unit(IntEnum):
    """The units in the order in which data flows through them."""

    LOAD = 0
    COMPUTE = 1
    STORE = 2

    @property
    def word(self) -> str:
        return self.name.lower()


class Opcode(IntEnum):
    LOAD = 0
    STORE = 1
    GEMM = 2
    FINISH = 3
    ALU = 4


class MemoryType(IntEnum):
    """What a transfer names; ACC_8BIT is ACC, filled from bytes."""

    UOP = 0
    WGT = 1
    INP = 2
    ACC = 3
    OUT = 4
    ACC_8BIT = 5


class AluOpcode(IntEnum):
    MIN = 0
    MAX = 1
    ADD = 2
    SHR = 3
    MUL = 4


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """The dependence bits, which all have, and a name for messages, which is no part of the value.

    "prev" and "next" are the units before and after the executing one: load, compute, store.
    """

    OPCODE: ClassVar[Opcode]

    pop_prev: bool = False
    pop_next: bool = False
    push_prev: bool = False
    push_next: bool = False
    label: str | None = field(default=None, compare=False)

    @property
    def unit(self) -> Unit:
        """The unit that executes it."""
        return Unit.COMPUTE

    @property
    def is_nop(self) -> bool:
        """Whether it moves tokens only."""
        return False


@dataclass(frozen=True, kw_only=True)
class Transfer(Instruction):
    """A box between DRAM and an on-chip memory; addresses, sizes and the stride count elements."""

    memory_type: MemoryType
    sram_base: int = 0
    dram_base: int = 0
    y_size: int = 0
    x_size: int = 0
    x_stride: int = 0
    y_pad_0: int = 0
    y_pad_1: int = 0
    x_pad_0: int = 0
    x_pad_1: int = 0

    @property
    def is_nop(self) -> bool:
        return self.x_size == 0

    @property
    def pads(self) -> tuple[int, int, int, int]:
        """Rows of zeros before and after, elements of zeros before and after each row."""
        return self.y_pad_0, self.y_pad_1, self.x_pad_0, self.x_pad_1

    @property
    def width(self) -> int:
        """Elements of a row on the chip."""
        return self.x_pad_0 + self.x_size + self.x_pad_1

    @property
    def sram_size(self) -> int:
        """Elements on the chip that it reads or writes, one after the other from sram_base."""
        if self.is_nop:
            return 0
        return (self.y_pad_0 + self.y_size + self.y_pad_1) * self.width


@dataclass(frozen=True, kw_only=True)
class Load(Transfer):
    OPCODE: ClassVar[Opcode] = Opcode.LOAD

    @property
    def unit(self) -> Unit:
        by_load_unit = self.memory_type in (MemoryType.INP, MemoryType.WGT)
        return Unit.LOAD if by_load_unit else Unit.COMPUTE


@dataclass(frozen=True, kw_only=True)
class Store(Transfer):
    OPCODE: ClassVar[Opcode] = Opcode.STORE

    memory_type: MemoryType = MemoryType.OUT

    @property
    def unit(self) -> Unit:
        return Unit.STORE


@dataclass(frozen=True, kw_only=True)
class MicroCoded(Instruction):
    """Micro-ops [uop_bgn, uop_end) inside two loops, each of which advances their indices."""

    uop_bgn: int
    uop_end: int
    iter_out: int = 1
    iter_in: int = 1
    dst_factor_out: int = 0
    dst_factor_in: int = 0
    src_factor_out: int = 0
    src_factor_in: int = 0

    @property
    def steps(self) -> int:
        """How many micro-ops it executes."""
        return self.iter_out * self.iter_in * max(0, self.uop_end - self.uop_bgn)


@dataclass(frozen=True, kw_only=True)
class Gemm(MicroCoded):
    OPCODE: ClassVar[Opcode] = Opcode.GEMM

    reset: bool = False
    wgt_factor_out: int = 0
    wgt_factor_in: int = 0


@dataclass(frozen=True, kw_only=True)
class Alu(MicroCoded):
    OPCODE: ClassVar[Opcode] = Opcode.ALU

    alu_opcode: AluOpcode
    use_imm: bool = False
    imm: int = 0


@dataclass(frozen=True, kw_only=True)
class Finish(Instruction):
    OPCODE: ClassVar[Opcode] = Opcode.FINISH


@dataclass(frozen=True)
class MicroOp:
    """The indices of one step: accumulator, source (an input, or in ALU an accumulator), weight."""

    dst_idx: int
    src_idx: int
    wgt_idx: int = 0


CLASSES: dict[Opcode, type[Instruction]] = {c.OPCODE: c for c in (Load, Store, Gemm, Finish, Alu)}


@dataclass(frozen=True)
class Field:
    """Some bits of a word; the enumeration is what its numbers stand for."""

    name: str
    start: int
    width: int
    signed: bool = False
    kind: type[int] = int

    @property
    def low(self) -> int:
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return self.low + (1 << self.width) - 1


_KINDS: dict[str, type[int]] = {
    "reset": bool,
    "use_imm": bool,
    "memory_type": MemoryType,
    "alu_opcode": AluOpcode,
}


def _packed(start: int, *widths: tuple[str, int]) -> tuple[Field, ...]:
    """Fields that follow each other without gaps."""
    fields: list[Field] = []
    for name, width in widths:
        fields.append(Field(name, start, width, name == "imm", _KINDS.get(name, int)))
        start += width
    return tuple(fields)


_TOKENS = tuple(Field(name, 3 + i, 1, kind=bool) for i, name in enumerate(TOKEN_FIELDS))

_TRANSFER = (
    *_packed(7, ("memory_type", 3), ("sram_base", 16), ("dram_base", 32)),
    *_packed(64, ("y_size", 16), ("x_size", 16), ("x_stride", 16)),
    *_packed(112, ("y_pad_0", 4), ("y_pad_1", 4), ("x_pad_0", 4), ("x_pad_1", 4)),
)


def _factors(dst: int, src: int) -> tuple[tuple[str, int], ...]:
    return (
        ("dst_factor_out", dst),
        ("dst_factor_in", dst),
        ("src_factor_out", src),
        ("src_factor_in", src),
    )


@cache
def layout(opcode: Opcode, config: Config) -> tuple[Field, ...]:
    """The fields of an instruction, its opcode aside."""
    if opcode is Opcode.FINISH:
        return _TOKENS
    if opcode in (Opcode.LOAD, Opcode.STORE):
        return _TOKENS + _TRANSFER
    uop, acc, inp, wgt = (m.index_bits for m in (config.uop, config.acc, config.inp, config.wgt))
    loops = _packed(8, ("uop_bgn", uop), ("uop_end", uop + 1), ("iter_out", 14), ("iter_in", 14))
    if opcode is Opcode.GEMM:
        factors = (*_factors(acc, inp), ("wgt_factor_out", wgt), ("wgt_factor_in", wgt))
        return (*_TOKENS, *_packed(7, ("reset", 1)), *loops, *_packed(64, *factors))
    operation = (("alu_opcode", 3), ("use_imm", 1), ("imm", 16))
    return (*_TOKENS, *loops, *_packed(64, *_factors(acc, acc), *operation))


@cache
def uop_layout(config: Config) -> tuple[Field, ...]:
    """The fields of a micro-op."""
    acc, inp, wgt = (m.index_bits for m in (config.acc, config.inp, config.wgt))
    return _packed(0, ("dst_idx", acc), ("src_idx", max(acc, inp)), ("wgt_idx", wgt))


def _operation(instruction: Instruction) -> str:
    if isinstance(instruction, Load):
        return f"{instruction.OPCODE.name} {instruction.memory_type.name}"
    if isinstance(instruction, Alu):
        return f"{instruction.OPCODE.name} {instruction.alu_opcode.name}"
    return instruction.OPCODE.name


def kind(instruction: Instruction) -> str:
    """`LOAD INP`, `GEMM`, `ALU MAX`, `NOP`: what an instruction is for, in a word or two."""
    return "NOP" if instruction.is_nop else _operation(instruction)


def describe(instruction: Instruction, position: int | None = None) -> str:
    """`instruction 3, GEMM "tile"`: how messages name an instruction."""
    label = "" if instruction.label is None else f' "{instruction.label}"'
    name = f"{_operation(instruction)}{label}"
    return name if position is None else f"instruction {position}, {name}"


def _pack(value: object, fields: Sequence[Field], what: str, config: Config) -> int:
    word = 0
    for f in fields:
        number = int(getattr(value, f.name))
        if not f.low <= number <= f.high:
            raise StreamError(
                f"vta: {what}: {f.name} is {number}, outside {f.low} to {f.high}, "
                f"what {f.width} bits hold in configuration {config.name}"
            )
        word |= (number & ((1 << f.width) - 1)) << f.start
    return word


def _unpack(word: int, fields: Sequence[Field], what: str) -> dict[str, int]:
    values: dict[str, int] = {}
    for f in fields:
        number = word >> f.start & ((1 << f.width) - 1)
        if f.signed and number > f.high:
            number -= 1 << f.width
        try:
            values[f.name] = f.kind(number)
        except ValueError:
            assert issubclass(f.kind, IntEnum), "only an enumeration refuses a number"
            known = ", ".join(f"{k.name} {k.value}" for k in f.kind)
            raise StreamError(
                f"vta: {what}: {f.name} is {number}, which means nothing; there are {known}"
            ) from None
    return values


def encode(instruction: Instruction, config: Config, position: int | None = None) -> bytes:
    """The 16 bytes of an instruction; `position` is for messages."""
    fields = layout(instruction.OPCODE, config)
    word = _pack(instruction, fields, describe(instruction, position), config)
    return (word | instruction.OPCODE).to_bytes(INSTRUCTION_BYTES, "little")


def decode(data: bytes, config: Config, position: int | None = None) -> Instruction:
    """The instruction that 16 bytes are."""
    assert len(data) == INSTRUCTION_BYTES
    word = int.from_bytes(data, "little")
    what = "instruction" if position is None else f"instruction {position}"
    try:
        opcode = Opcode(word & 7)
    except ValueError:
        known = ", ".join(f"{o.name} {o.value}" for o in Opcode)
        raise StreamError(
            f"vta: {what}: opcode is {word & 7}, which means nothing; there are {known}"
        ) from None
    values = _unpack(word, layout(opcode, config), f"{what}, {opcode.name}")
    return CLASSES[opcode](**values)  # pyright: ignore[reportArgumentType]


def encode_stream(instructions: Iterable[Instruction], config: Config) -> bytes:
    """The instructions one after the other."""
    return b"".join(encode(op, config, i) for i, op in enumerate(instructions))


def decode_stream(data: bytes, config: Config) -> list[Instruction]:
    """What `encode_stream` wrote."""
    if len(data) % INSTRUCTION_BYTES:
        raise StreamError(
            f"vta: a stream of {len(data)} bytes ends inside an instruction; "
            f"each has {INSTRUCTION_BYTES} bytes"
        )
    starts = range(0, len(data), INSTRUCTION_BYTES)
    return [decode(data[s : s + INSTRUCTION_BYTES], config, i) for i, s in enumerate(starts)]


def encode_uop(uop: MicroOp, config: Config, position: int | None = None) -> bytes:
    """The 4 bytes of a micro-op."""
    what = "micro-op" if position is None else f"micro-op {position}"
    return _pack(uop, uop_layout(config), what, config).to_bytes(UOP_BYTES, "little")


def decode_uop(data: bytes, config: Config) -> MicroOp:
    """The micro-op that 4 bytes are."""
    assert len(data) == UOP_BYTES
    return MicroOp(**_unpack(int.from_bytes(data, "little"), uop_layout(config), "micro-op"))


def nop(
    unit: Unit,
    *,
    pop_prev: bool = False,
    pop_next: bool = False,
    push_prev: bool = False,
    push_next: bool = False,
) -> Transfer:
    """The instruction of a unit that only moves tokens."""
    memory = (MemoryType.INP, MemoryType.UOP, MemoryType.OUT)[unit]
    return (Store if unit is Unit.STORE else Load)(
        memory_type=memory,
        pop_prev=pop_prev,
        pop_next=pop_next,
        push_prev=push_prev,
        push_next=push_next,
    )


def _transfer_illegality(op: Transfer) -> str | None:
    memory = op.memory_type
    if isinstance(op, Store) and memory is not MemoryType.OUT:
        return f"memory_type is {memory.name}; a store reads OUT"
    if isinstance(op, Load) and memory is MemoryType.OUT:
        return "memory_type is OUT, which no load fills; there are UOP, WGT, INP, ACC, ACC_8BIT"
    if op.is_nop:
        return None
    if memory is MemoryType.UOP and op.y_size != 1:
        return f"y_size is {op.y_size}; micro-ops are loaded as one row"
    if memory in (MemoryType.UOP, MemoryType.WGT, MemoryType.OUT):
        for name in ("y_pad_0", "y_pad_1", "x_pad_0", "x_pad_1"):
            if getattr(op, name):
                return f"{name} is {getattr(op, name)}; a transfer of {memory.name} has no pads"
    return None


def illegality(op: Instruction) -> str | None:
    """What is wrong with an instruction under every configuration and implementation."""
    if isinstance(op, Transfer):
        found = _transfer_illegality(op)
        if found is not None:
            return found
    absent = {Unit.LOAD: "prev", Unit.COMPUTE: None, Unit.STORE: "next"}[op.unit]
    for name in TOKEN_FIELDS:
        if getattr(op, name) and absent is not None and name.endswith(absent):
            return (
                f"{name} is set, but the {op.unit.word} unit has no {absent} unit: "
                "load and store meet only compute"
            )
    return None
