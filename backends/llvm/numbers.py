"""What the emitter of a function knows at the place where it is emitting, and index arithmetic."""

from collections.abc import Generator, Hashable, Sequence
from contextlib import contextmanager

from llvmlite import ir
from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineMap

from analysis.affine import Affine, Interval, Quotient, Ranges, from_expression
from analysis.errors import UnsupportedError
from backends.llvm.addresses import Buffer, Instance
from backends.llvm.scalars import filled
from backends.llvm.types import I32, I64, POINTER, splat
from dialects import loop
from dialects.layout import logical_shape, physical_shape

KERNEL_TYPE = ir.FunctionType(I32, [POINTER, POINTER, POINTER, I32, I32])
BARRIER_BYTES = 128


def symbols_of(function: func.FuncOp) -> list[str]:
    """The symbolic dimensions of a function, in order of first appearance in its arguments."""
    names: list[str] = []
    for argument in function.body.block.args:
        if isinstance(argument.type, MemRefType):
            shapes = (*logical_shape(argument.type), *physical_shape(argument.type))
            names.extend(s for s in shapes if isinstance(s, str) and s not in names)
    return names


class Numbers:
    """The state of one function's emission, and the values of affine forms.

    `runtime` has the values of loop variables and dimensions that are known at run time only,
    `constants` those of unrolled loops, `lane` the variable of the vectorized loop of `width`
    lanes, `varying` the indices of which a body has computed one for each lane. `bound` are all
    index values that are known here; `ranges` bounds every loop's.
    """

    def __init__(self, module: ir.Module, function: func.FuncOp) -> None:
        self.source = function
        self.function = ir.Function(module, KERNEL_TYPE, function.sym_name.data)
        self.allocations = self.function.append_basic_block("allocations")
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.buffers: dict[SSAValue, Buffer] = {}
        self.scalars: dict[SSAValue, ir.Value] = {}
        self.runtime: dict[Hashable, ir.Value] = {}
        self.ranges: dict[Hashable, Interval] = {}
        self.constants: dict[Hashable, int] = {}
        self.lane: SSAValue | None = None
        self.width: int | None = None
        self.varying: set[Hashable] = set()
        self.bound: set[Hashable] = set()
        self.addresses: list[dict[Hashable, ir.Value]] = [{}]
        self.dims: dict[str, ir.Value] = {}

    def instance(self) -> Instance:
        return Instance(self.constants, self.lane)

    def instantiate(self, map: AffineMap, operands: Sequence[Affine]) -> Affine:
        """The only result of a map, with the constants of unrolled loops put in."""
        form = from_expression(map.results[0], operands, self.ranges)
        return self.instance().of(form, self.ranges)[0]

    def number(self, form: Affine) -> ir.Value:
        """Emit the value of a form of run-time variables."""
        total: ir.Value | None = None
        if self.differs(form):
            assert self.lane is not None
            raise UnsupportedError(
                f"llvm: a bound of a loop differs from lane to lane of the vectorized loop "
                f"{self.lane.name_hint}; vectorize a loop further in"
            )
        for atom, coefficient in form.terms.items():
            value = self.quotient(atom) if isinstance(atom, Quotient) else self.runtime[atom]
            if coefficient != 1:
                value = self.builder.mul(value, ir.Constant(I64, coefficient))
            total = value if total is None else self.builder.add(total, value)
        if total is None:
            return ir.Constant(I64, form.const)
        return total if not form.const else self.builder.add(total, ir.Constant(I64, form.const))

    def quotient(self, atom: Quotient) -> ir.Value:
        """Emit `floor(numerator / divisor)`."""
        return self.divide(self.number(atom.numerator), atom)

    def divide(self, numerator: ir.Value, atom: Quotient) -> ir.Value:
        """Divide the value of a numerator, or that of each lane."""
        low = atom.numerator.interval(self.ranges)[0]
        divisor = filled(numerator.type, atom.divisor)
        if low is not None and low >= 0:
            return self.builder.udiv(numerator, divisor)
        rest = self.builder.srem(numerator, divisor)
        negative = self.builder.icmp_signed("<", rest, filled(numerator.type, 0))
        truncated = self.builder.sdiv(numerator, divisor)
        return self.builder.sub(truncated, self.builder.zext(negative, numerator.type))

    def differs(self, form: Affine) -> bool:
        """Whether a form has another value in each lane."""
        return self.lane is not None and not form.variables().isdisjoint({self.lane, *self.varying})

    def vector(self, form: Affine) -> ir.Value:
        """The value of a form in each lane, whatever it does with the lane."""
        assert self.width is not None
        apart = {a: c for a, c in form.terms.items() if self.differs(Affine({a: c}))}
        same = Affine({a: c for a, c in form.terms.items() if a not in apart}, form.const)
        total = splat(self.builder, self.number(same), self.width)
        for atom, coefficient in apart.items():
            if isinstance(atom, Quotient):
                value = self.divide(self.vector(atom.numerator), atom)
            elif atom is self.lane:
                value = ir.Constant(ir.VectorType(I64, self.width), list(range(self.width)))
            else:
                value = self.runtime[atom]
            scaled = self.builder.mul(value, filled(value.type, coefficient))
            total = self.builder.add(total, scaled)
        return total

    def with_lanes(self, form: Affine, step: int) -> ir.Value:
        """The vector of `form + step * lane`."""
        assert self.width is not None
        if self.differs(form):
            return self.vector(form + Affine({self.lane: step} if step else {}))
        steps = ir.Constant(ir.VectorType(I64, self.width), [step * i for i in range(self.width)])
        return self.builder.add(splat(self.builder, self.number(form), self.width), steps)

    def lanes_where(self, form: Affine, step: int) -> ir.Value:
        """For each lane, whether `form + step * lane >= 0`."""
        assert self.width is not None
        values = self.with_lanes(form, step)
        return self.builder.icmp_signed(">=", values, filled(values.type, 0))

    def loop_range(self, op: loop.ForOp) -> Interval:
        """The interval of a loop's variable."""
        operands = [Affine.variable(v) for v in op.bounds]
        low, _ = from_expression(op.lower.data.results[0], operands, self.ranges).interval(
            self.ranges
        )
        _, high = from_expression(op.upper.data.results[0], operands, self.ranges).interval(
            self.ranges
        )
        return low, None if high is None else high - 1

    def full_ranges(self, op: Operation) -> Ranges:
        """The ranges of all loops around `op`, whether they are being emitted or not."""
        around: list[loop.ForOp] = []
        parent = op.parent_op()
        while isinstance(parent, loop.ForOp):
            around.append(parent)
            parent = parent.parent_op()
        for outer in reversed(around):
            if outer.induction not in self.ranges:
                self.ranges[outer.induction] = self.loop_range(outer)
        return self.ranges

    @contextmanager
    def conditional(self, conditions: Sequence[ir.Value]) -> Generator[None]:
        """Emit what the body of this context emits where all conditions hold."""
        condition = conditions[0]
        for other in conditions[1:]:
            condition = self.builder.and_(condition, other)
        with self.builder.if_then(condition):
            self.addresses.append({})
            yield
            self.addresses.pop()
