"""The limits of units that multiply narrow numbers, as LLVM IR that is measured beside a kernel.

As with multiply-adds (limits.py): instructions whose results do not depend on each other, more of
them than the unit has in flight, and nothing else. A loop names its instruction, because it must be
the fastest that the machine has, whatever compilers make of programs.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import BFloat16Type, IntegerType
from xdsl.ir import Attribute

from dialects.target import Machine
from dovetail.measuring.limits import ARGUMENTS, TURNS, independent_sums


@dataclass(frozen=True)
class ProductLimit:
    """The loop of one unit; `kind` is the feature that a processor with it has."""

    kind: str

    @staticmethod
    def of(machine: Machine, factor: Attribute | None) -> "ProductLimit | None":
        """The fastest unit of a machine for products of such factors; None if there is none."""
        known = [u for type, u in UNITS if type == factor and u.kind in machine.features]
        return known[0] if known else None

    @property
    def features(self) -> tuple[str, ...]:
        """What a processor must have for the loop, in LLVM's words."""
        return (self.kind,)

    @property
    @abstractmethod
    def operations(self) -> int:
        """What one step does."""

    @abstractmethod
    def ir(self, name: str) -> str:
        """The function `name`, with the arguments of a run; it uses no memory of the workspace."""


@dataclass(frozen=True)
class DotProducts(ProductLimit):
    """Sums of products of neighbours, a vector of 16 sums at once."""

    intrinsic: str
    sum: str
    factors: str
    per: int
    sums: int = 28

    @property
    def operations(self) -> int:
        return 2 * 16 * self.per * self.sums * TURNS

    def ir(self, name: str) -> str:
        v, f = f"<16 x {self.sum}>", self.factors
        steps = [
            f"  %n{i} = call {v} @{self.intrinsic}({v} %s{i}, {f} %a, {f} %b)"
            for i in range(self.sums)
        ]
        add = "fadd" if self.sum == "float" else "add"
        loop = independent_sums(name, v, f, "zeroinitializer", steps, add)
        return f"declare {v} @{self.intrinsic}({v}, {f}, {f})\n{loop}"


@dataclass(frozen=True)
class Tiles(ProductLimit):
    """Products of two tiles of 16 rows of 64 bytes: six sums, in tiles 0 to 5, of tiles 6 and 7."""

    intrinsic: str
    per: int

    SUMS: ClassVar = 6

    @property
    def features(self) -> tuple[str, ...]:
        return ("amx-tile", self.kind)

    @property
    def operations(self) -> int:
        return 2 * 16 * 16 * 16 * self.per * self.SUMS * TURNS

    def ir(self, name: str) -> str:
        body = "\n".join(
            f"  call void @{self.intrinsic}(i8 {i}, i8 6, i8 7)" for i in range(self.SUMS)
        )
        zeros = "\n".join(f"  call void @llvm.x86.tilezero(i8 {i})" for i in range(8))
        columns = ", ".join(["i16 64"] * 8 + ["i16 0"] * 8)
        rows = ", ".join(["i8 16"] * 8 + ["i8 0"] * 8)
        return f"""
@{name}_config = internal constant {{ [16 x i8], [16 x i16], [16 x i8] }} {{
  [16 x i8] [i8 1, {", ".join(["i8 0"] * 15)}], [16 x i16] [{columns}], [16 x i8] [{rows}] }},
  align 64
declare void @llvm.x86.ldtilecfg(ptr)
declare void @llvm.x86.tilerelease()
declare void @llvm.x86.tilezero(i8)
declare void @{self.intrinsic}(i8, i8, i8)
define i32 @{name}({ARGUMENTS}) {{
entry:
  call void @llvm.x86.ldtilecfg(ptr @{name}_config)
{zeros}
  %steps = zext i32 %step to i64
  %turns = mul i64 %steps, {TURNS}
  br label %turn
turn:
  %i = phi i64 [ 0, %entry ], [ %next, %turn ]
{body}
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %turns
  br i1 %more, label %turn, label %end
end:
  call void @llvm.x86.tilerelease()
  ret i32 0
}}
"""


BYTE, BFLOAT = IntegerType(8), BFloat16Type()

UNITS: tuple[tuple[Attribute, ProductLimit], ...] = (
    (BYTE, Tiles("amx-int8", "llvm.x86.tdpbusd", 4)),
    (BFLOAT, Tiles("amx-bf16", "llvm.x86.tdpbf16ps", 2)),
    (BYTE, DotProducts("avx512vnni", "llvm.x86.avx512.vpdpbusd.512", "i32", "<64 x i8>", 4)),
    (
        BFLOAT,
        DotProducts("avx512bf16", "llvm.x86.avx512bf16.dpbf16ps.512", "float", "<32 x bfloat>", 2),
    ),
)
"""The units that there are, by the type of their factors, the fastest ones first."""
