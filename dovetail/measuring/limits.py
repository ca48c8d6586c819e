"""What this machine can do at most, as LLVM IR that is measured beside a kernel.

Two loops, of the shape that runs at full speed everywhere: multiply-adds on vectors whose results
do not depend on each other, more of them than the units have in flight; and a copy by vectors. Both
take the arguments of a run (see backends/llvm/forkjoin.py) and repeat themselves `step` times.

Integers are multiplied and added in their own width. What units for products of narrow numbers can
do is measured by other loops (product_limits.py).

The copy moves as many bytes as the kernel touches, half of them read and half written, again and
again: so it runs in the cache that the kernel's data fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import Float64Type, IntegerType
from xdsl.ir import Attribute

from dialects.target import Machine

TURNS = 512
"""How often the loop of multiply-adds goes round in one step."""

OPERANDS = 4
"""Vector registers that the loop of multiply-adds needs for other things than sums."""

UNROLLED = 4
"""How many vectors a turn of the copy moves."""

ARGUMENTS = "ptr %buffers, ptr %dims, ptr %workspace, i32 %tid, i32 %nthreads, i32 %step"


@dataclass(frozen=True)
class MultiplyAdds:
    """The loop of multiply-adds for one element type on one machine."""

    element: str
    lanes: int
    sums: int

    @staticmethod
    def of(machine: Machine, type: Attribute | None) -> "MultiplyAdds":
        """In the widest vectors, at the type's precision; floats narrower than f32 count as f32."""
        element, bits = "float", 32
        if isinstance(type, Float64Type):
            element, bits = "double", 64
        elif isinstance(type, IntegerType):
            bits = max(8, type.width.data)
            element = f"i{bits}"
        lanes = max(1, machine.vector_bytes * 8 // bits)
        return MultiplyAdds(element, lanes, max(8, machine.vector_registers - OPERANDS))

    @property
    def operations(self) -> int:
        """What one step does."""
        return 2 * self.lanes * self.sums * TURNS

    @property
    def vector(self) -> str:
        return f"<{self.lanes} x {self.element}>"

    def multiply_add(self, number: int) -> str:
        """One multiply-add of the body: one instruction where the processor has it, else two."""
        v, mul, add = self.vector, "mul", "add"
        if not self.element.startswith("i"):
            mul, add = "fmul contract", "fadd contract"
        return f"  %p{number} = {mul} {v} %s{number}, %a\n  %n{number} = {add} {v} %p{number}, %b"

    def ir(self, name: str) -> str:
        """The function `name`; its workspace begins with two vectors and one for each thread."""
        body = [self.multiply_add(i) for i in range(self.sums)]
        add = "add" if self.element.startswith("i") else "fadd"
        return independent_sums(name, self.vector, self.vector, "%b", body, add)


def independent_sums(
    name: str, sum: str, factor: str, start: str, steps: Sequence[str], add: str
) -> str:
    """A function that goes round a loop of sums which do not depend on each other.

    `sum` and `factor` are LLVM's names of their types, `start` what the sums begin with. Step i
    computes `%n<i>` of `%s<i>` and of the factors `%a` and `%b`, which the workspace begins with;
    behind them is a slot for each thread, in which it leaves what the sums `add` up to.
    """
    count = range(len(steps))
    phis = "\n".join(f"  %s{i} = phi {sum} [ {start}, %entry ], [ %n{i}, %turn ]" for i in count)
    total = "\n".join(
        f"  %t{i} = {add} {sum} %{'n0' if i == 1 else f't{i - 1}'}, %n{i}" for i in count if i
    )
    body = "\n".join(steps)
    return f"""
define i32 @{name}({ARGUMENTS}) {{
entry:
  %a = load {factor}, ptr %workspace, align 64
  %b_at = getelementptr {factor}, ptr %workspace, i64 1
  %b = load {factor}, ptr %b_at, align 64
  %steps = zext i32 %step to i64
  %turns = mul i64 %steps, {TURNS}
  br label %turn
turn:
  %i = phi i64 [ 0, %entry ], [ %next, %turn ]
{phis}
{body}
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %turns
  br i1 %more, label %turn, label %end
end:
{total}
  %slot = add i32 %tid, 2
  %result = getelementptr {sum}, ptr %workspace, i32 %slot
  store {sum} %t{len(steps) - 1}, ptr %result, align 64
  ret i32 0
}}
"""


@dataclass(frozen=True)
class Copy:
    """The copy of `bytes` bytes, shared among threads; the source is the workspace's first half."""

    bytes: int
    vector_bytes: int
    threads: int

    @property
    def share(self) -> int:
        """The bytes that one thread copies in one step, a multiple of a turn's."""
        turn = UNROLLED * self.vector_bytes
        return max(1, -(-self.bytes // (turn * self.threads))) * turn

    @property
    def moved(self) -> int:
        """The bytes read and written in one step."""
        return 2 * self.share * self.threads

    def ir(self, name: str) -> str:
        """The function `name`; its workspace has 2 `share` bytes for each thread."""
        v = f"<{self.vector_bytes} x i8>"
        at = range(UNROLLED)
        places = "\n".join(
            f"  %at{i} = add i64 %i, {i * self.vector_bytes}\n"
            f"  %from{i} = getelementptr i8, ptr %source, i64 %at{i}\n"
            f"  %to{i} = getelementptr i8, ptr %target, i64 %at{i}"
            for i in at
        )
        loads = "\n".join(
            f"  %v{i} = load {v}, ptr %from{i}, align {self.vector_bytes}" for i in at
        )
        stores = "\n".join(f"  store {v} %v{i}, ptr %to{i}, align {self.vector_bytes}" for i in at)
        return f"""
define i32 @{name}({ARGUMENTS}) {{
entry:
  %wide = zext i32 %tid to i64
  %begin = mul i64 %wide, {self.share}
  %source = getelementptr i8, ptr %workspace, i64 %begin
  %target = getelementptr i8, ptr %source, i64 {self.share * self.threads}
  br label %again
again:
  %done = phi i32 [ 0, %entry ], [ %done_next, %copied ]
  br label %turn
turn:
  %i = phi i64 [ 0, %again ], [ %next, %turn ]
{places}
{loads}
{stores}
  %next = add i64 %i, {UNROLLED * self.vector_bytes}
  %more = icmp ult i64 %next, {self.share}
  br i1 %more, label %turn, label %copied
copied:
  %done_next = add i32 %done, 1
  %again_more = icmp ult i32 %done_next, %step
  br i1 %again_more, label %again, label %end
end:
  ret i32 0
}}
"""
