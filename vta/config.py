"""The parameters of one VTA: what can be chosen, what follows from it, and what is not valid.

docs/vta-isa.md, section 1. A configuration is a frozen value: two equal ones are the same hardware.
"""

import json
import re
from dataclasses import asdict, dataclass

from analysis.errors import UserError

UOP_BYTES = 4
"""A micro-op is one 32-bit word."""

_NAME = re.compile(r"(\d+)x(\d+)_i(\d+)w(\d+)a(\d+)_(\d+)_(\d+)_(\d+)_(\d+)")


class ConfigError(UserError, ValueError):
    """A configuration that no hardware can have."""


@dataclass(frozen=True)
class Memory:
    """One on-chip memory: the size of an element and how many there are."""

    name: str
    element_bytes: int
    depth: int

    @property
    def index_bits(self) -> int:
        """The bits of an element's index."""
        return self.depth.bit_length() - 1


@dataclass(frozen=True)
class Config:
    """Widths in bits, buffer sizes in bytes, all as exponents of two; the default is the usual one.

    A batch of input rows is multiplied with a square block of weights.
    """

    log_inp_width: int = 3
    log_wgt_width: int = 3
    log_acc_width: int = 5
    log_batch: int = 0
    log_block: int = 4
    log_uop_buff_size: int = 15
    log_inp_buff_size: int = 15
    log_wgt_buff_size: int = 18
    log_acc_buff_size: int = 17

    def __post_init__(self) -> None:
        for field, value in asdict(self).items():
            if value < 0:
                raise ConfigError(f"vta configuration: {field} is {value}, below 0")
        self._check_widths()
        self._check_memories()
        self._check_encoding()

    def _check_widths(self) -> None:
        for what, width in (("inp", self.inp_width), ("wgt", self.wgt_width)):
            if width != 8:
                raise ConfigError(f"vta configuration: {what} elements have 8 bits, not {width}")
        if self.acc_width != 32:
            raise ConfigError(f"vta configuration: accumulators have 32 bits, not {self.acc_width}")

    def _check_memories(self) -> None:
        for memory in self.memories:
            if memory.element_bytes > 4096:
                raise ConfigError(
                    f"vta configuration: an element of {memory.name} has {memory.element_bytes} "
                    "bytes; the most is 4096"
                )
            if memory.depth < 1:
                raise ConfigError(
                    f"vta configuration: the {memory.name} buffer is smaller than its element of "
                    f"{memory.element_bytes} bytes"
                )

    def _check_encoding(self) -> None:
        uop, inp, wgt, acc = (m.index_bits for m in (self.uop, self.inp, self.wgt, self.acc))
        rules = (
            ("a micro-op", f"{acc} + {max(acc, inp)} + {wgt}", acc + max(acc, inp) + wgt, 32),
            ("a micro-op index", f"{uop}", uop, 13),
            ("the second word of an ALU instruction", f"4 * {acc} + 20", 4 * acc + 20, 64),
            (
                "the second word of a GEMM instruction",
                f"2 * ({acc} + {inp} + {wgt})",
                2 * (acc + inp + wgt),
                64,
            ),
        )
        for what, sum, bits, most in rules:
            if bits > most:
                shown = sum if sum == str(bits) else f"{sum} = {bits}"
                raise ConfigError(
                    f"vta configuration {self.name}: {what} needs {shown} bits; it has {most}"
                )

    @property
    def inp_width(self) -> int:
        return 1 << self.log_inp_width

    @property
    def wgt_width(self) -> int:
        return 1 << self.log_wgt_width

    @property
    def acc_width(self) -> int:
        return 1 << self.log_acc_width

    @property
    def out_width(self) -> int:
        return self.inp_width

    @property
    def batch(self) -> int:
        return 1 << self.log_batch

    @property
    def block(self) -> int:
        """Input channels and output channels of one block of weights."""
        return 1 << self.log_block

    @property
    def log_out_buff_size(self) -> int:
        """The OUT buffer shadows ACC: as many elements, each narrower."""
        return self.log_acc_buff_size + self.log_inp_width - self.log_acc_width

    def _memory(self, name: str, element_bits: int, log_size: int) -> Memory:
        element_bytes = element_bits // 8
        return Memory(name, element_bytes, (1 << log_size) // element_bytes)

    @property
    def uop(self) -> Memory:
        return self._memory("uop", UOP_BYTES * 8, self.log_uop_buff_size)

    @property
    def inp(self) -> Memory:
        bits = self.batch * self.block * self.inp_width
        return self._memory("inp", bits, self.log_inp_buff_size)

    @property
    def wgt(self) -> Memory:
        bits = self.block * self.block * self.wgt_width
        return self._memory("wgt", bits, self.log_wgt_buff_size)

    @property
    def acc(self) -> Memory:
        bits = self.batch * self.block * self.acc_width
        return self._memory("acc", bits, self.log_acc_buff_size)

    @property
    def out(self) -> Memory:
        bits = self.batch * self.block * self.out_width
        return self._memory("out", bits, max(0, self.log_out_buff_size))

    @property
    def memories(self) -> tuple[Memory, ...]:
        """All on-chip memories."""
        return (self.uop, self.inp, self.wgt, self.acc, self.out)

    @property
    def name(self) -> str:
        """Such as `1x16_i8w8a32_15_15_18_17`: shape, widths, logarithms of buffer sizes."""
        return (
            f"{self.batch}x{self.block}_i{self.inp_width}w{self.wgt_width}a{self.acc_width}"
            f"_{self.log_uop_buff_size}_{self.log_inp_buff_size}"
            f"_{self.log_wgt_buff_size}_{self.log_acc_buff_size}"
        )

    @staticmethod
    def from_name(name: str) -> "Config":
        """The configuration that `name` is the name of."""
        match = _NAME.fullmatch(name)
        if match is None:
            raise ConfigError(
                f"'{name}' is no vta configuration; one is written 1x16_i8w8a32_15_15_18_17"
            )
        numbers = [int(n) for n in match.groups()]
        for number in numbers[:5]:
            if number < 1 or number & (number - 1):
                raise ConfigError(f"vta configuration {name}: {number} is no power of two")
        batch, block, inp, wgt, acc = (n.bit_length() - 1 for n in numbers[:5])
        return Config(inp, wgt, acc, batch, block, *numbers[5:])

    def to_json(self) -> str:
        """The text of a configuration file, with VTA's own spelling of the fields."""
        return json.dumps({field.upper(): value for field, value in asdict(self).items()}, indent=2)

    @staticmethod
    def from_json(text: str) -> "Config":
        """Read a configuration file; fields that are not there have their default.

        What else such files hold (TARGET, HW_VER) is not a property of the instruction set.
        """
        try:
            read = json.loads(text)
        except json.JSONDecodeError as error:
            raise ConfigError(f"the vta configuration is no JSON: {error}") from None
        if not isinstance(read, dict):
            raise ConfigError("a vta configuration is a JSON object")
        known = Config.__dataclass_fields__
        found: dict[str, int] = {}
        for key, value in read.items():
            field = str(key).lower()
            if field not in known:
                if field.startswith("log_"):
                    raise ConfigError(
                        f"a vta configuration has no field {key}; "
                        f"there are {', '.join(known).upper()}"
                    )
                continue
            if not isinstance(value, int) or isinstance(value, bool):
                raise ConfigError(f"vta configuration: {key} is {value!r}, not an integer")
            found[field] = value
        return Config(**found)
