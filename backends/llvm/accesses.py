"""Loads, stores, prefetches and buffers: the emitter's part that touches memory."""

from collections.abc import Generator
from contextlib import contextmanager

from llvmlite import ir
from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Operation, SSAValue

from analysis.affine import Affine, from_expression
from analysis.errors import UnsupportedError
from backends.llvm.addresses import Buffer, Offset, compose
from backends.llvm.numbers import BARRIER_BYTES, Numbers, symbols_of
from backends.llvm.scalars import call_function, filled, intrinsic_suffix
from backends.llvm.types import (
    I1,
    I32,
    I64,
    POINTER,
    byte_size,
    memory_type,
    splat,
    value_type,
    widened,
)
from dialects import loop
from dialects.layout import physical_shape, scope_of

ALIGNMENT = 64


class Accesses(Numbers):
    """Emits accesses of buffers."""

    def __init__(self, module: ir.Module, function: func.FuncOp) -> None:
        super().__init__(module, function)
        self.offsets: dict[Operation, Offset] = {}
        self.is_parallel = any(
            isinstance(op, loop.ForOp) and op.kind.data == "parallel" for op in function.walk()
        )
        self.workspace_used: ir.Value = ir.Constant(I64, BARRIER_BYTES)

    def operand(
        self, value: SSAValue, variables: dict[SSAValue, Affine], values: dict[SSAValue, ir.Value]
    ) -> ir.Value:
        """A value of a body: computed in it, outside it, or one of its variables."""
        if value in values:
            return values[value]
        if value in self.scalars:
            return self.scalars[value]
        form, step = self.instance().of(self.index(value, variables, values), self.ranges)
        return self.with_lanes(form, step) if step else self.number(form)

    def index(
        self, value: SSAValue, variables: dict[SSAValue, Affine], values: dict[SSAValue, ir.Value]
    ) -> Affine:
        """An index as a form: a variable's, or that of a value which the body computed."""
        if value in variables:
            return variables[value]
        if value in values:
            if isinstance(values[value].type, ir.VectorType):
                raise UnsupportedError(
                    "llvm: an index differs from lane to lane of a vectorized loop; "
                    "vectorize a loop that the index does not depend on"
                )
            self.runtime[value] = values[value]
            self.ranges[value] = (None, None)
        outside = self.scalars.get(value)
        if outside is not None:
            assert isinstance(outside, ir.Constant), "only constants stand outside of loops"
            return Affine({}, outside.constant)
        return Affine.variable(value)

    def offset(
        self,
        op: loop.LoadOp | loop.StoreOp,
        variables: dict[SSAValue, Affine],
        values: dict[SSAValue, ir.Value],
    ) -> Offset:
        """The offset of an access, composed once; indices the body computes are never cached."""
        indices = [self.index(v, variables, values) for v in op.indices]
        if op not in self.offsets:
            buffer = self.buffers[op.memref]
            self.offsets[op] = compose(buffer, indices, op.map.data, self.ranges)
        return self.offsets[op]

    def address(self, buffer: Buffer, offset: Offset) -> tuple[ir.Value, int]:
        """The address of an offset for lane 0, and the elements it moves by a lane."""
        base, step, fixed = buffer.pointer, 0, 0
        element = memory_type(buffer.type.element_type)
        moving: list[tuple[tuple[str, ...], Affine]] = []
        instance = self.instance()
        for symbols, part in offset.parts.items():
            form, lane = instance.of(part, self.ranges)
            if instance.depends_on_lane(form) or (lane and symbols):
                step = -1
            elif not symbols:
                step = lane if step == 0 else step
                fixed = form.const
                form = Affine(form.terms)
            if form.terms or (form.const and symbols):
                moving.append((symbols, form))
        pointer = self.moved(base, element, moving)
        if fixed:
            pointer = self.builder.gep(pointer, [ir.Constant(I64, fixed)], source_etype=element)
        return pointer, step

    def moved(
        self, base: ir.Value, element: ir.Type, parts: list[tuple[tuple[str, ...], Affine]]
    ) -> ir.Value:
        """`base` plus the run-time parts of an offset; one address computation serves many."""
        if not parts:
            return base
        lasting = all(form.variables() <= self.bound for _, form in parts)
        key = (id(base), *((symbols, form) for symbols, form in parts))
        for known in self.addresses if lasting else ():
            if key in known:
                return known[key]
        total: ir.Value | None = None
        for symbols, form in parts:
            value = self.number(form)
            for symbol in symbols:
                value = self.builder.mul(value, self.dims[symbol])
            total = value if total is None else self.builder.add(total, value)
        assert total is not None
        pointer = self.builder.gep(base, [total], source_etype=element)
        if lasting:
            self.addresses[-1][key] = pointer
        return pointer

    def refuse_step(self, op: Operation, step: int, memref: SSAValue) -> None:
        lane = self.lane
        name = lane.name_hint if lane is not None else None
        moves = "by varying distances" if step < 0 else f"by {step} elements"
        raise UnsupportedError(
            f"llvm: {op.name} of %{memref.name_hint}: its address moves {moves} a lane of the "
            f"vectorized loop {name}; 0 (a splat) and 1 (a vector) can be vectorized"
        )

    def load(
        self,
        op: loop.LoadOp,
        variables: dict[SSAValue, Affine],
        values: dict[SSAValue, ir.Value],
        mask: ir.Value | None,
    ) -> ir.Value:
        """Emit a load, perhaps guarded by its own `where`."""
        if op.otherwise is None:
            return self.plain_load(op, variables, values, mask, None)
        otherwise = self.operand(op.otherwise, variables, values)
        if not isinstance(otherwise, ir.Constant):
            otherwise = splat(self.builder, otherwise, self.width)
        indices = [self.index(v, variables, values) for v in op.indices]
        tests: list[ir.Value] = []
        for expr in op.where.data.results:
            guard = from_expression(expr, indices, self.ranges)
            form, step = self.instance().of(guard, self.ranges)
            span = 0 if self.width is None else step * (self.width - 1)
            low = (form + min(0, span)).interval(self.ranges)[0]
            high = (form + max(0, span)).interval(self.ranges)[1]
            if high is not None and high < 0:
                return otherwise
            if low is not None and low >= 0:
                continue
            if step:
                part = self.lanes_where(form, step)
                mask = part if mask is None else self.builder.and_(mask, part)
            else:
                tests.append(self.builder.icmp_signed(">=", self.number(form), I64(0)))
        if not tests:
            return self.plain_load(op, variables, values, mask, otherwise)
        condition = tests[0]
        for test in tests[1:]:
            condition = self.builder.and_(condition, test)
        before = self.builder.block
        with self.builder.if_then(condition):
            self.addresses.append({})
            loaded = self.plain_load(op, variables, values, mask, otherwise)
            if isinstance(otherwise.type, ir.VectorType):
                loaded = splat(self.builder, loaded, self.width)
            self.addresses.pop()
            inside = self.builder.block
        count = loaded.type.count if isinstance(loaded.type, ir.VectorType) else None
        if count is not None and not isinstance(otherwise.type, ir.VectorType):
            assert isinstance(otherwise, ir.Constant)
            otherwise = filled(loaded.type, otherwise.constant)
        result = self.builder.phi(loaded.type)
        result.add_incoming(otherwise, before)
        result.add_incoming(loaded, inside)
        return result

    def plain_load(
        self,
        op: loop.LoadOp,
        variables: dict[SSAValue, Affine],
        values: dict[SSAValue, ir.Value],
        mask: ir.Value | None,
        otherwise: ir.Value | None,
    ) -> ir.Value:
        """Emit the access of a load: scalar or vector, of all lanes or of those in the mask.

        What lies in the buffer may be loaded by lanes that do not use it.
        """
        buffer = self.buffers[op.memref]
        offset = self.offset(op, variables, values)
        pointer, step = self.address(buffer, offset)
        if offset.inside and otherwise is None:
            mask = None
        element = memory_type(buffer.type.element_type)
        align = byte_size(buffer.type.element_type)
        if step not in (0, 1):
            self.refuse_step(op, step, op.memref)
        if step == 0:
            value = self.builder.load(pointer, typ=element, align=align)
        elif mask is None:
            value = self.builder.load(pointer, typ=widened(element, self.width), align=align)
        else:
            vector = widened(element, self.width)
            passed = filled(vector, 0) if otherwise is None else self.as_memory(otherwise, element)
            name = f"llvm.masked.load.{intrinsic_suffix(vector)}.p0"
            args = [pointer, ir.Constant(I32, align), mask, splat(self.builder, passed, self.width)]
            value = call_function(self.builder, name, vector, args)
        if value_type(buffer.type.element_type) == I1:
            value = self.builder.trunc(value, widened(I1, self.width if step else None))
        if step == 0 and mask is not None and otherwise is not None:
            both = splat(self.builder, value, self.width)
            return self.builder.select(mask, both, splat(self.builder, otherwise, self.width))
        return value

    def as_memory(self, value: ir.Value, element: ir.Type) -> ir.Value:
        """A value in the type that its element has in memory."""
        count = value.type.count if isinstance(value.type, ir.VectorType) else None
        scalar = value.type.element if isinstance(value.type, ir.VectorType) else value.type
        return value if scalar == element else self.builder.zext(value, widened(element, count))

    def store(
        self,
        op: loop.StoreOp,
        variables: dict[SSAValue, Affine],
        values: dict[SSAValue, ir.Value],
        mask: ir.Value | None,
    ) -> None:
        """Emit a store; in a register tile, lanes without an element may be written too."""
        buffer = self.buffers[op.memref]
        element = memory_type(buffer.type.element_type)
        align = byte_size(buffer.type.element_type)
        value = self.as_memory(self.operand(op.value, variables, values), element)
        offset = self.offset(op, variables, values)
        pointer, step = self.address(buffer, offset)
        if offset.inside and scope_of(buffer.type) == "register":
            mask = None
        if step not in (0, 1) or (step == 0 and self.width is not None):
            self.refuse_step(op, step, op.memref)
        value = splat(self.builder, value, self.width)
        if mask is None:
            self.builder.store(value, pointer, align=align)
            return
        name = f"llvm.masked.store.{intrinsic_suffix(value.type)}.p0"
        args = [value, pointer, ir.Constant(I32, align), mask]
        call_function(self.builder, name, ir.VoidType(), args)

    def prefetch(self, op: loop.PrefetchOp) -> None:
        """Emit a prefetch."""
        if op not in self.offsets:
            self.full_ranges(op)
            indices = [Affine.variable(v) for v in op.indices]
            place = compose(self.buffers[op.memref], indices, op.map.data, self.ranges)
            distance = from_expression(op.distance.data.results[0], indices, self.ranges)
            self.offsets[op] = place.shifted(distance)
        pointer, _ = self.address(self.buffers[op.memref], self.offsets[op])
        args = [pointer, I32(0), I32(op.locality.data), I32(1)]
        call_function(self.builder, "llvm.prefetch.p0", ir.VoidType(), args)

    def allocate(self, op: loop.AllocOp) -> None:
        """Give a buffer its memory: the stack inside loops, the workspace at the top."""
        type = op.result.type
        assert isinstance(type, MemRefType)
        self.full_ranges(op)
        operands = [Affine.variable(v) for v in op.outer]
        origin = tuple(from_expression(e, operands, self.ranges) for e in op.origin.data.results)
        shared = scope_of(type) != "register" or self.is_parallel
        if op.memory is not None:
            self.buffers[op.result] = self.part_of(op, operands, origin)
            return
        if op.parent_op() is self.source and shared:
            pointer = self.in_workspace(type)
        else:
            pointer = self.on_stack(op, type)
        self.buffers[op.result] = Buffer(pointer, type, origin)

    def part_of(
        self, op: loop.AllocOp, operands: list[Affine], origin: tuple[Affine, ...]
    ) -> Buffer:
        """A tile that lies in a part of another buffer."""
        assert op.memory is not None and isinstance(op.result.type, MemRefType)
        whole = self.buffers[op.memory]
        size = 1
        for extent in physical_shape(op.result.type):
            if not isinstance(extent, int):
                raise UnsupportedError(
                    f"llvm: {op.result.type} lies in a part of a buffer; only tiles of constant "
                    "sizes can"
                )
            size *= extent
        (number,) = (from_expression(e, operands, self.ranges) for e in op.part.data.results)
        return Buffer(whole.pointer, op.result.type, origin, whole.start + number * size)

    @contextmanager
    def at_allocations(self) -> Generator[ir.IRBuilder]:
        """A builder for the block that every other one follows."""
        yield ir.IRBuilder(self.allocations)

    def on_stack(self, op: loop.AllocOp, type: MemRefType) -> ir.Value:
        """A block of the stack; `sroa` turns what is only indexed by constants into registers."""
        count = 1
        for extent in physical_shape(type):
            if not isinstance(extent, int):
                raise UnsupportedError(
                    f"llvm: {type} is allocated inside a loop; only constant sizes can be there"
                )
            count *= extent
        with self.at_allocations() as builder:
            array = ir.ArrayType(memory_type(type.element_type), count)
            slot = builder.alloca(array, name=op.result.name_hint or "")
            slot.align = ALIGNMENT
            slot.type = POINTER
        return slot

    def in_workspace(self, type: MemRefType) -> ir.Value:
        """The next part of the workspace, aligned."""
        pointer = self.builder.gep(
            self.function.args[2], [self.workspace_used], source_etype=ir.IntType(8)
        )
        size = emit_bytes(self.builder, type, self.dims)
        self.workspace_used = self.builder.add(self.workspace_used, size)
        return pointer


def emit_bytes(builder: ir.IRBuilder, type: MemRefType, dims: dict[str, ir.Value]) -> ir.Value:
    """The bytes of a buffer, rounded up to the alignment."""
    fixed = byte_size(type.element_type)
    total: ir.Value | None = None
    for extent in physical_shape(type):
        if isinstance(extent, int):
            fixed *= extent
        else:
            total = dims[extent] if total is None else builder.mul(total, dims[extent])
    if total is None:
        return ir.Constant(I64, -(-fixed // ALIGNMENT) * ALIGNMENT)
    size = builder.add(builder.mul(total, I64(fixed)), I64(ALIGNMENT - 1))
    return builder.and_(size, I64(-ALIGNMENT))


def emit_workspace_bytes(module: ir.Module, function: func.FuncOp) -> None:
    """Emit `i64 <function>_workspace_bytes(ptr dims, i32 nthreads)`."""
    name = f"{function.sym_name.data}_workspace_bytes"
    new = ir.Function(module, ir.FunctionType(I64, [POINTER, I32]), name)
    builder = ir.IRBuilder(new.append_basic_block("entry"))
    dims: dict[str, ir.Value] = {}
    for i, symbol in enumerate(symbols_of(function)):
        place = builder.gep(new.args[0], [I64(i)], source_etype=I64)
        dims[symbol] = builder.load(place, typ=I64, align=8)
    total: ir.Value = I64(BARRIER_BYTES)
    for op in function.body.block.ops:
        if isinstance(op, loop.AllocOp) and op.memory is None:
            total = builder.add(total, emit_bytes(builder, op.result.type, dims))
    builder.ret(total)
