"""Emits the functions of a module of the loop dialect as LLVM IR.

It walks the loops once. A serial loop becomes a loop, an unrolled one is walked for each of its
iterations, a vectorized one is walked once with a lane in the place of its variable: an access
whose address moves by one element a lane is a vector access, one whose address stays is a scalar
access and a splat. A guard is dropped where intervals prove it, decided once at the outermost
place where everything in it is known and everything below shares it, and taken as known below.

Each function has the kernel's calling convention:

    i32 kernel(ptr buffers, ptr dims, ptr workspace, i32 tid, i32 nthreads)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from llvmlite import ir
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import Block, Operation, SSAValue

from analysis.affine import Affine, Quotient, Ranges, from_expression
from analysis.errors import UnsupportedError
from backends.llvm.accesses import emit_workspace_bytes
from backends.llvm.addresses import Buffer
from backends.llvm.calls import Calls
from backends.llvm.numbers import symbols_of
from backends.llvm.scalars import call_function, constant, emit_scalar
from backends.llvm.types import (
    I32,
    I64,
    POINTER,
)
from dialects import loop


@dataclass(frozen=True)
class BlockPlan:
    """What is composed once for a block: its variables and guards as forms of the loops."""

    variables: tuple[Affine, ...]
    guards: tuple[Affine, ...]
    init_guards: tuple[Affine, ...]


@dataclass
class Facts:
    """The guards that are known to hold where code is being emitted."""

    known: list[Affine] = field(default_factory=list[Affine])

    def hold(self, form: Affine) -> bool:
        """Whether `form >= 0` follows from one of them."""
        return any(k.terms == form.terms and k.const <= form.const for k in self.known)


class FunctionEmitter(Calls):
    """Emits one function."""

    def __init__(self, module: ir.Module, function: func.FuncOp) -> None:
        super().__init__(module, function)
        self.plans: dict[Operation, BlockPlan] = {}
        self.shared_guards: dict[Operation, frozenset[Affine]] = {}
        self.facts = Facts()

    def emit(self) -> ir.Function:
        """Emit the whole function."""
        buffers, dims, *_ = self.function.args
        for name, argument in zip(
            ("buffers", "dims", "workspace", "tid", "nthreads"), self.function.args, strict=True
        ):
            argument.name = name
        for i, symbol in enumerate(symbols_of(self.source)):
            place = self.builder.gep(dims, [ir.Constant(I64, i)], source_etype=I64)
            self.dims[symbol] = self.builder.load(place, typ=I64, align=8, name=symbol)
        for i, argument in enumerate(self.source.body.block.args):
            if not isinstance(argument.type, MemRefType):
                raise UnsupportedError(
                    f"llvm: @{self.source.sym_name.data} takes {argument.type}; "
                    "a kernel's arguments are memrefs, which lower-te-to-loop makes of tensors"
                )
            place = self.builder.gep(buffers, [ir.Constant(I64, i)], source_etype=POINTER)
            pointer = self.builder.load(place, typ=POINTER, align=8)
            rank = argument.type.get_num_dims()
            self.buffers[argument] = Buffer(pointer, argument.type, (Affine({}),) * rank)
        self.top_level(self.source.body.block)
        self.builder.ret(ir.Constant(I32, 0))
        with self.at_allocations() as builder:
            builder.branch(self.function.blocks[1])
        return self.function

    def top_level(self, block: Block) -> None:
        """Emit the statements of the function: threads share parallel ones, one does the others."""
        statements = [op for op in block.ops if isinstance(op, loop.ForOp | loop.BlockOp)]
        for op in block.ops:
            if op not in statements:
                self.simple(op)
                continue
            if contains_parallel(op):
                self.guarded(op)
            else:
                first = self.builder.icmp_signed("==", self.function.args[3], ir.Constant(I32, 0))
                with self.conditional([first]):
                    self.guarded(op)
            if op is not statements[-1]:
                self.barrier()

    def barrier(self) -> None:
        """Wait for all threads."""
        workspace, nthreads = self.function.args[2], self.function.args[4]
        args = [workspace, nthreads]
        call_function(self.builder, "dovetail_barrier", ir.VoidType(), args)

    def simple(self, op: Operation) -> None:
        """Emit an operation that is neither a loop nor a block."""
        match op:
            case loop.AllocOp():
                self.allocate(op)
            case loop.DimOp():
                if op.symbol.data not in self.dims:
                    raise UnsupportedError(
                        f"llvm: @{self.source.sym_name.data}: no argument has the dimension "
                        f"'{op.symbol.data}'; there are {', '.join(self.dims) or 'none'}"
                    )
                self.runtime[op.result] = self.dims[op.symbol.data]
                self.ranges[op.result] = (0, None)
                self.bound.add(op.result)
            case arith.ConstantOp():
                self.scalars[op.result] = constant(op)
            case loop.PrefetchOp():
                self.prefetch(op)
            case loop.BarrierOp():
                self.barrier()
            case func.ReturnOp() | loop.PopDepOp() | loop.PushDepOp():
                pass
            case _:
                raise UnsupportedError(f"llvm: {op.name} cannot stand between loops")

    def statements(self, block: Block) -> None:
        """Emit the operations of a loop's body."""
        for op in block.ops:
            if isinstance(op, loop.ForOp | loop.BlockOp):
                self.guarded(op)
            else:
                self.simple(op)

    def guarded(self, op: Operation) -> None:
        """Emit a loop or block, inside the tests of those guards that all below it share."""
        tests: list[Affine] = []
        for guard in self.guards_below(op):
            if not guard.variables() <= self.bound:
                continue
            form, step = self.instance().of(guard, self.ranges)
            if step and self.width is not None:
                form = form + max(0, step * (self.width - 1))
            low, high = form.interval(self.ranges)
            if high is not None and high < 0:
                return
            if self.differs(form):
                continue
            if (low is None or low < 0) and not self.facts.hold(form) and form not in tests:
                tests.append(form)
        if not tests:
            self.loop_or_block(op)
            return
        conditions = [
            self.builder.icmp_signed(">=", self.number(form), ir.Constant(I64, 0)) for form in tests
        ]
        with self.conditional(conditions):
            self.facts.known.extend(tests)
            self.loop_or_block(op)
            del self.facts.known[-len(tests) :]

    def loop_or_block(self, op: Operation) -> None:
        if isinstance(op, loop.BlockOp):
            self.computation(op)
        else:
            assert isinstance(op, loop.ForOp)
            self.for_loop(op)

    def for_loop(self, op: loop.ForOp) -> None:
        """Emit a loop according to its kind."""
        induction, extent = op.induction, op.extent
        kind = op.kind.data
        if extent == 0:
            return
        self.bound.add(induction)
        if kind in ("unrolled", "vectorized") and extent is None:
            raise UnsupportedError(
                f"llvm: loop {op.loop_name.data} is {kind}, but its extent is not a constant"
            )
        if kind == "unrolled":
            assert extent is not None and op.constant_bounds is not None
            low = op.constant_bounds[0]
            for value in range(low, low + extent):
                self.constants[induction] = value
                self.statements(op.body.block)
            self.constants.pop(induction, None)
        elif kind == "vectorized":
            self.vector_loop(op)
        elif kind in ("serial", "parallel", "vthread"):
            self.serial_loop(op, parallel=kind == "parallel")
        else:
            raise UnsupportedError(
                f"llvm: loop {op.loop_name.data} is {kind}; "
                "a CPU runs serial, parallel, vectorized and unrolled loops and virtual threads "
                "(lower-threads-to-loops makes loops of a GPU's threads)"
            )
        self.bound.discard(induction)

    def vector_loop(self, op: loop.ForOp) -> None:
        """Emit a loop whose iterations are the lanes of vectors."""
        assert op.constant_bounds is not None and op.extent is not None
        low = op.constant_bounds[0]
        if self.lane is not None:
            raise UnsupportedError(
                f"llvm: loop {op.loop_name.data} is vectorized inside another vectorized loop"
            )
        if low != 0:
            raise UnsupportedError(f"llvm: vectorized loop {op.loop_name.data} begins at {low}")
        self.lane, self.width = op.induction, op.extent
        self.ranges[op.induction] = (0, op.extent - 1)
        self.statements(op.body.block)
        self.lane, self.width = None, None

    def serial_loop(self, op: loop.ForOp, parallel: bool) -> None:
        """Emit a loop with a counter; the iterations of a parallel one are cut by thread."""
        builder = self.builder
        outer = op.parent_op()
        if parallel and isinstance(outer, loop.ForOp):
            raise UnsupportedError(
                f"llvm: loop {op.loop_name.data} is parallel inside loop {outer.loop_name.data}; "
                "threads share the iterations of outermost loops only"
            )
        operands = [Affine.variable(v) for v in op.bounds]
        lower = self.number(self.instantiate(op.lower.data, operands))
        end = self.instantiate(op.upper.data, operands)
        upper = self.number(end)
        self.ranges[op.induction] = self.loop_range(op)
        if parallel:
            lower, upper = self.share(lower, upper)
        never_empty = not parallel and (op.extent or 0) > 0
        before = builder.block
        header = body = builder.append_basic_block(op.loop_name.data)
        if not never_empty:
            body = builder.append_basic_block(f"{op.loop_name.data}.body")
        after = builder.append_basic_block(f"{op.loop_name.data}.after")
        builder.branch(header)
        builder.position_at_end(header)
        counter = builder.phi(I64, op.loop_name.data)
        counter.add_incoming(lower, before)
        if not never_empty:
            builder.cbranch(builder.icmp_signed("<", counter, upper), body, after)
            builder.position_at_end(body)
        self.runtime[op.induction] = counter
        self.addresses.append({})
        facts = facts_below(end, Affine.variable(op.induction))
        self.facts.known.extend(facts)
        self.statements(op.body.block)
        del self.facts.known[len(self.facts.known) - len(facts) :]
        self.addresses.pop()
        following = builder.add(counter, I64(1))
        counter.add_incoming(following, builder.block)
        if never_empty:
            builder.cbranch(builder.icmp_signed("<", following, upper), header, after)
        else:
            builder.branch(header)
        builder.position_at_end(after)

    def share(self, lower: ir.Value, upper: ir.Value) -> tuple[ir.Value, ir.Value]:
        """The part of [lower, upper) that is this thread's."""
        builder = self.builder
        tid = builder.sext(self.function.args[3], I64)
        count = builder.sext(self.function.args[4], I64)
        total = builder.sub(upper, lower)
        begin = builder.sdiv(builder.mul(total, tid), count)
        end = builder.sdiv(builder.mul(total, builder.add(tid, ir.Constant(I64, 1))), count)
        return builder.add(lower, begin), builder.add(lower, end)

    def plan(self, op: loop.BlockOp) -> BlockPlan:
        """Compose a block's variables and guards, once; guards that always hold are left out."""
        if op in self.plans:
            return self.plans[op]
        ranges = self.full_ranges(op)
        operands = [Affine.variable(v) for v in op.outer]
        bindings = tuple(from_expression(e, operands, ranges) for e in op.bindings.data.results)
        domains = [from_expression(e, operands, ranges) for e in op.domains.data.results]
        guards = [from_expression(e, operands, ranges) for e in op.where.data.results]
        for binding, domain in zip(bindings, domains, strict=True):
            guards += [domain - binding - 1, binding]
        init = [b * -1 for b, reduce in zip(bindings, op.is_reduce, strict=True) if reduce]
        plan = BlockPlan(
            bindings,
            tuple(
                g
                for g in guards
                if (g.interval(ranges)[0] or 0) < 0 or g.interval(ranges)[0] is None
            ),
            tuple(init),
        )
        self.plans[op] = plan
        return plan

    def guards_below(self, op: Operation) -> frozenset[Affine]:
        """The guards that every block in `op` has."""
        if op not in self.shared_guards:
            if isinstance(op, loop.BlockOp):
                found = frozenset(self.plan(op).guards)
            else:
                assert isinstance(op, loop.ForOp)
                inner = [
                    self.guards_below(child)
                    for child in op.body.block.ops
                    if isinstance(child, loop.ForOp | loop.BlockOp)
                ]
                found = frozenset[Affine]().union(*inner[:1]).intersection(*inner[1:])
            self.shared_guards[op] = found
        return self.shared_guards[op]

    def computation(self, op: loop.BlockOp) -> None:
        """Emit one computation: its init region where the reduction begins, then its body."""
        plan = self.plan(op)
        mask = self.mask(plan.guards)
        if op.init is not None:
            self.init(op.init.block, plan, mask)
        self.body(op.body.block, plan, mask)

    def init(self, block: Block, plan: BlockPlan, mask: ir.Value | None) -> None:
        """Emit an init region, inside a test that the reduction begins here."""
        tests: list[ir.Value] = []
        for guard in plan.init_guards:
            form, step = self.instance().of(guard, self.ranges)
            if step or self.differs(form):
                raise UnsupportedError("llvm: a reduction is vectorized across its own lanes")
            low, high = form.interval(self.ranges)
            if high is not None and high < 0:
                return
            if low is None or low < 0:
                zero = ir.Constant(I64, 0)
                tests.append(self.builder.icmp_signed(">=", self.number(form), zero))
        if not tests:
            self.body(block, plan, mask)
            return
        with self.conditional(tests):
            self.body(block, plan, mask)

    def mask(self, guards: Sequence[Affine]) -> ir.Value | None:
        """The lanes whose guards hold, None where all do."""
        if self.lane is None or self.width is None:
            return None
        mask: ir.Value | None = None
        for guard in guards:
            form, step = self.instance().of(guard, self.ranges)
            if not step and not self.differs(form):
                continue
            worst = form + min(0, step * (self.width - 1))
            if is_never_negative(worst, self.ranges) or self.facts.hold(worst):
                continue
            part = self.lanes_where(form, step)
            mask = part if mask is None else self.builder.and_(mask, part)
        return mask

    def body(self, block: Block, plan: BlockPlan, mask: ir.Value | None) -> None:
        """Emit the operations of a block for the present instance."""
        values: dict[SSAValue, ir.Value] = {}
        variables: dict[SSAValue, Affine] = dict(zip(block.args, plan.variables, strict=True))
        for op in block.ops:
            match op:
                case loop.LoadOp():
                    values[op.result] = self.load(op, variables, values, mask)
                case loop.StoreOp():
                    self.store(op, variables, values, mask)
                case loop.IntrinsicOp():
                    self.call(op, variables, values)
                case _:
                    operands = [self.operand(v, variables, values) for v in op.operands]
                    values[op.results[0]] = emit_scalar(self.builder, op, operands)


def facts_below(end: Affine, counter: Affine) -> list[Affine]:
    """What is not negative where a loop's variable is less than `end`, beyond intervals.

    With n // 8 in the end, 8 times the variable is less than n.
    """
    if end.is_constant:
        return []
    facts = [end - counter - 1]
    for atom, coefficient in end.terms.items():
        if isinstance(atom, Quotient) and coefficient == 1:
            rest = end - Affine.variable(atom) - counter - 1
            facts.append(atom.numerator + rest * atom.divisor)
    return facts


def is_never_negative(form: Affine, ranges: Ranges) -> bool:
    """Whether the interval of a form proves it."""
    low = form.interval(ranges)[0]
    return low is not None and low >= 0


def contains_parallel(op: Operation) -> bool:
    """Whether a parallel loop is in `op`."""
    return any(isinstance(o, loop.ForOp) and o.kind.data == "parallel" for o in op.walk())


def emit_module(module: ModuleOp, triple: str = "") -> ir.Module:
    """The LLVM module of all functions of loops in `module`."""
    result = ir.Module("dovetail")
    result.triple = triple
    for op in module.ops:
        if isinstance(op, func.FuncOp) and op.body.blocks:
            FunctionEmitter(result, op).emit()
            emit_workspace_bytes(result, op)
    return result
