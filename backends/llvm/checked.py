"""The unoptimised emitter: every access is checked, memory begins as poison, loops run in order.

It is for finding out what a program does, not for speed: a loop of any kind runs one iteration
after the other, and a load or store that leaves its buffer ends the function with the number of
the access and its logical indices in place of touching memory. Where intervals prove that an
access stays inside there is no check. So any function of loops runs here as the interpreter would
run it, a thousand times faster.
"""

from llvmlite import ir
from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, StringAttr
from xdsl.ir import SSAValue

from analysis.affine import Affine, from_expression
from backends.llvm.addresses import is_within
from backends.llvm.emitter import FunctionEmitter
from backends.llvm.numbers import BARRIER_BYTES
from backends.llvm.scalars import call_function
from backends.llvm.types import I1, I8, I32, I64, byte_size, memory_type, value_type
from dialects import loop
from dialects.layout import layout_map, logical_shape, pad_of, physical_shape

ALIGNMENT = 64
POISON_BYTE = 0xFF
"""What fresh memory is filled with: NaN as a float, -1 as an integer."""


class CheckedEmitter(FunctionEmitter):
    """Emits one function with checks; `accesses` are those that can fail, by their number."""

    def __init__(self, module: ir.Module, function: func.FuncOp) -> None:
        super().__init__(module, function)
        self.accesses: list[loop.LoadOp | loop.StoreOp] = []
        self.inner_bytes = 0
        inner = [
            op
            for op in function.walk()
            if isinstance(op, loop.AllocOp) and op.memory is None and op.parent_op() is not function
        ]
        self.inner_places: dict[SSAValue, int] = {}
        for op in inner:
            self.inner_places[op.result] = BARRIER_BYTES + self.inner_bytes
            self.inner_bytes += static_bytes(op.result.type)
        self.workspace_used = ir.Constant(I64, BARRIER_BYTES + self.inner_bytes)

    def check(
        self,
        op: loop.LoadOp | loop.StoreOp,
        variables: dict[SSAValue, Affine],
        values: dict[SSAValue, ir.Value],
    ) -> None:
        """Leave the function unless an access stays inside its buffer.

        A load may touch any cell of it, a store must leave those alone that hold a pad.
        """
        buffer = self.buffers[op.memref]
        indices = [self.index(v, variables, values) for v in op.indices]
        logical = [from_expression(e, indices, self.ranges) for e in op.map.data.results]
        local = [place - start for place, start in zip(logical, buffer.origin, strict=True)]
        physical = [from_expression(e, local, self.ranges) for e in layout_map(buffer.type).results]
        limits = list(zip(physical, physical_shape(buffer.type), strict=True))
        if isinstance(op, loop.StoreOp) and pad_of(buffer.type) is not None:
            limits += zip(local, logical_shape(buffer.type), strict=True)
        tests: list[ir.Value] = []
        for place, extent in limits:
            if is_within(place, extent, self.ranges):
                continue
            upper = I64(extent) if isinstance(extent, int) else self.dims[extent]
            # a negative index is a large unsigned one
            tests.append(self.builder.icmp_unsigned("<", self.number(place), upper))
        if not tests:
            return
        self.accesses.append(op)
        inside = tests[0]
        for test in tests[1:]:
            inside = self.builder.and_(inside, test)
        numbers = [self.number(place) for place in logical]
        with self.builder.if_then(self.builder.not_(inside), likely=False):
            for i, number in enumerate(numbers[: BARRIER_BYTES // 8]):
                place = self.builder.gep(self.function.args[2], [I64(i)], source_etype=I64)
                self.builder.store(number, place, align=8)
            self.builder.ret(I32(len(self.accesses)))

    def plain_load(
        self,
        op: loop.LoadOp,
        variables: dict[SSAValue, Affine],
        values: dict[SSAValue, ir.Value],
        mask: ir.Value | None,
        otherwise: ir.Value | None,
    ) -> ir.Value:
        self.check(op, variables, values)
        return super().plain_load(op, variables, values, mask, otherwise)

    def store(
        self,
        op: loop.StoreOp,
        variables: dict[SSAValue, Affine],
        values: dict[SSAValue, ir.Value],
        mask: ir.Value | None,
    ) -> None:
        self.check(op, variables, values)
        super().store(op, variables, values, mask)

    def on_stack(self, op: loop.AllocOp, type: MemRefType) -> ir.Value:
        """Buffers inside loops lie in the workspace, whatever their size."""
        if op.result not in self.inner_places:
            return self.in_workspace(type)
        place = [I64(self.inner_places[op.result])]
        return self.builder.gep(self.function.args[2], place, source_etype=I8)

    def allocate(self, op: loop.AllocOp) -> None:
        """Make a buffer, and fill it with poison, or with the pad if its layout has one."""
        super().allocate(op)
        if op.memory is not None:
            return
        buffer = self.buffers[op.result]
        count: ir.Value = I64(1)
        for extent in physical_shape(buffer.type):
            factor = I64(extent) if isinstance(extent, int) else self.dims[extent]
            count = self.builder.mul(count, factor)
        known = pad_of(buffer.type)
        if known is None:
            size = self.builder.mul(count, I64(byte_size(buffer.type.element_type)))
            args = [buffer.pointer, I8(POISON_BYTE), size, I1(0)]
            call_function(self.builder, "llvm.memset.p0.i64", ir.VoidType(), args)
            return
        element = memory_type(buffer.type.element_type)
        pad = ir.Constant(value_type(buffer.type.element_type), known.value.data)
        value = pad if pad.type == element else self.builder.zext(pad, element)
        self.fill(buffer.pointer, count, value)

    def fill(self, pointer: ir.Value, count: ir.Value, value: ir.Value) -> None:
        """Store `value` to `count` elements, at least one."""
        builder = self.builder
        before = builder.block
        header = builder.append_basic_block("fill")
        after = builder.append_basic_block("fill.after")
        builder.branch(header)
        builder.position_at_end(header)
        counter = builder.phi(I64)
        counter.add_incoming(I64(0), before)
        place = builder.gep(pointer, [counter], source_etype=value.type)
        builder.store(value, place, align=1)
        following = builder.add(counter, I64(1))
        counter.add_incoming(following, header)
        builder.cbranch(builder.icmp_signed("<", following, count), header, after)
        builder.position_at_end(after)


def static_bytes(type: MemRefType) -> int:
    """The aligned size of a buffer of constant extents."""
    size = byte_size(type.element_type)
    for extent in physical_shape(type):
        assert isinstance(extent, int), f"{type} inside a loop"
        size *= extent
    return -(-size // ALIGNMENT) * ALIGNMENT


def in_order(function: func.FuncOp) -> func.FuncOp:
    """A copy of a function whose loops are all serial."""
    clone = function.clone()
    for op in clone.walk():
        if isinstance(op, loop.ForOp):
            op.kind = StringAttr("serial")
    return clone


def emit_checked(function: func.FuncOp) -> tuple[ir.Module, CheckedEmitter]:
    """The LLVM module of one function of loops, and the emitter that knows its accesses."""
    module = ir.Module("checked")
    emitter = CheckedEmitter(module, in_order(function))
    emitter.emit()
    return module, emitter
