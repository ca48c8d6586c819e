"""Calls of tensor instructions as instructions of the vta dialect.

The name of a call in `lower` of its te.intrinsic says which instruction it is. The scopes of its
operands, and whether it takes an immediate, follow from that name.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from xdsl.dialects.builtin import IntegerType, MemRefType, ModuleOp, StringAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.ir.affine import AffineMap

from analysis.affine import Affine, Quotient
from analysis.errors import ScheduleError
from dialects import loop, te, vta
from dialects.layout import scope_of
from dialects.target import Machine
from passes.loop.forms import map_of
from passes.vta.elements import base_of, buffer_name, check_element, operand_address
from passes.vta.micro_ops import Axis, Kernel, Steps, plan
from passes.vta.nests import NAME, Nest, boxes, call_of, nest_of

SHIFTS = (-16, 15)
"""The amounts of a shift to the right that all implementations have."""

IMMEDIATES = (-(1 << 15), (1 << 15) - 1)

COMMUTES = ("add", "min", "max", "mul")


@dataclass(frozen=True)
class Limits:
    """What a kernel must keep to on every implementation."""

    uops: int
    gemm_distance: int
    alu_distance: int


@dataclass(frozen=True)
class Call:
    """One nest and the call in it: what the instruction is told about operands."""

    nest: Nest
    op: loop.IntrinsicOp
    hardware: str
    addresses: tuple[Affine, ...]

    @property
    def name(self) -> str:
        return self.nest.block.block_name.data

    def error(self, message: str, *details: str) -> ScheduleError:
        return ScheduleError(f"{NAME}: block '{self.name}': {message}", *details)

    def without_repetition(self) -> "Call":
        """The call without the loops in which its first operand stays: for what is done once."""
        moving = self.addresses[0].variables()
        spans = tuple(s if s[0] in moving else (s[0], s[1], s[1] + 1) for s in self.nest.spans)
        return replace(self, nest=replace(self.nest, spans=spans))

    def elements(self, position: int) -> set[int]:
        """The elements that an operand is; loops around the nest are at their first iteration."""
        first = {v: low or 0 for v, (low, _) in self.nest.outside.items()}
        names = [v for v, _, _ in self.nest.spans]
        form = self.addresses[position]
        points = product(*(range(low, high) for _, low, high in self.nest.spans))
        return {form.evaluate(first | dict(zip(names, point, strict=True))) for point in points}

    def are_apart(self, first: int, second: int) -> bool:
        """Whether two operands are never the same element, in whatever iterations."""
        ranges = self.nest.ranges
        intervals = [self.addresses[i].interval(ranges) for i in (first, second)]
        (low, high), (low_2, high_2) = intervals
        assert low is not None and high is not None and low_2 is not None and high_2 is not None
        if high < low_2 or high_2 < low:
            return True
        distance = self.addresses[first] - self.addresses[second]
        if distance.variables() & set(self.nest.outside):
            return False
        return not self.elements(first) & self.elements(second)


def hardware_name(op: loop.IntrinsicOp, module: ModuleOp) -> str:
    """The name of the hardware call that the form of a call has."""
    for symbol in module.ops:
        if isinstance(symbol, te.IntrinsicOp) and symbol.sym_name == op.callee.root_reference:
            form = op.form.data
            calls = {
                "compute": symbol.compute_call,
                "reset": symbol.reset_call,
                "update": symbol.update_call,
            }
            if (found := calls[form]) is not None:
                return found.data
            raise ScheduleError(f"{NAME}: te.intrinsic {op.callee} has no form '{form}'")
    raise ScheduleError(
        f"{NAME}: the module declares no te.intrinsic {op.callee}; import-intrinsics brings a "
        "library"
    )


def operand_scopes(hardware: str, count: int) -> tuple[str, ...]:
    """The scopes that the operands of a hardware call lie in."""
    if hardware == "gemm":
        return ("acc", "inp", "wgt")
    if hardware == "gemm.reset":
        return ("acc",)
    if hardware in ("out", "out.saturate"):
        return ("out", "acc")
    return ("acc",) * count


def calls_of(block: loop.BlockOp, module: ModuleOp, machine: Machine) -> Iterator[Call]:
    """The calls of a nest, one for each box of iterations."""
    op = call_of(block)
    hardware = hardware_name(op, module)
    name = block.block_name.data
    scopes = operand_scopes(hardware, len(op.tiles))
    if len(scopes) != len(op.tiles):
        raise ScheduleError(
            f"{NAME}: block '{name}': {op.callee} has {len(op.tiles)} operands; '{hardware}' has "
            f"{len(scopes)}"
        )
    addresses: list[Affine] = []
    for position, (tile, wanted) in enumerate(zip(op.tiles, scopes, strict=True)):
        if scope_of(tile.type) != wanted:
            raise ScheduleError(
                f"{NAME}: block '{name}': {buffer_name(tile)} of {op.callee} lies in "
                f"{scope_of(tile.type)}, not in {wanted}: promote-memory-scope gives it a tile "
                "there"
            )
        scope = machine.scope(wanted)
        check_element(NAME, tile, scope)
        addresses.append(operand_address(NAME, op, position, scope) + base_of(tile))
    for nest in boxes(nest_of(block)):
        ranges = nest.ranges
        forms = [form.substitute({}, ranges) for form in addresses]
        yield Call(nest, op, hardware, tuple(forms))


def split_address(form: Affine, nest: Nest) -> tuple[Affine, dict[Hashable, int], Affine]:
    """An address as a sum: what the nest does not move, steps of its loops, and what is no sum."""
    mine = {v for v, _, _ in nest.spans}
    base, rest = Affine({}, form.const), Affine({})
    steps: dict[Hashable, int] = {}
    uneven = {
        v for a in form.terms if isinstance(a, Quotient) for v in a.numerator.variables() & mine
    }
    for atom, factor in form.terms.items():
        inside = atom.numerator.variables() if isinstance(atom, Quotient) else {atom}
        if not inside & mine:
            base = base + Affine({atom: factor})
        elif inside & uneven:
            rest = rest + Affine({atom: factor})
        else:
            steps[atom] = factor
    return base, steps, rest


def kernels_of(
    call: Call, addresses: Sequence[Affine], distance: int, limit: int
) -> tuple[list[Kernel], list[Affine]]:
    """The kernels of a nest, and what is added to the addresses of each."""
    nest = call.nest
    parts = [split_address(form, nest) for form in addresses]
    uneven = {v for _, _, rest in parts for v in rest.variables()}
    outer = uneven - {v for v, _, _ in nest.spans}
    if outer:
        raise call.error(
            "its address is no sum of its loops and of those around it: its tile begins inside a "
            "block of its layout"
        )
    axes: list[Axis] = []
    bases = [base for base, _, _ in parts]
    for variable, low, high in nest.spans:
        if variable in uneven:
            continue
        steps = tuple(part[1].get(variable, 0) for part in parts)
        axes.append(Axis(steps, high - low))
        bases = [base + step * low for base, step in zip(bases, steps, strict=True)]
    points = list(_points(nest, parts, uneven))
    return plan(axes, points, distance, limit), bases


def _points(
    nest: Nest,
    parts: Sequence[tuple[Affine, dict[Hashable, int], Affine]],
    uneven: set[Hashable],
) -> Iterator[Steps]:
    """The indices at all iterations of the loops that move an address by uneven steps."""
    spans = [span for span in nest.spans if span[0] in uneven]
    for values in product(*(range(low, high) for _, low, high in spans)):
        at = {v: value for (v, _, _), value in zip(spans, values, strict=True)}
        found: list[int] = []
        for _, steps, rest in parts:
            even = sum(factor * at.get(v, 0) for v, factor in steps.items())
            found.append(even + rest.evaluate(at))
        yield tuple(found)


@dataclass
class Emitter:
    """Makes the operations of calls; kernels with the same micro-ops are one."""

    limits: Limits
    spare: int | None
    """The first accumulator that no tile holds."""
    depth: int
    names: Callable[[str, Sequence[Steps]], str]
    computed: set[SSAValue] = field(default_factory=set[SSAValue])
    """The tiles that some instruction computes, rather than a load alone."""
    spare_used: int = 0

    def emit(self, call: Call) -> list[Operation]:
        """The instructions that a call is."""
        match call.hardware:
            case "gemm":
                found = self.gemm(call, reset=False)
                if call.op.form.data == "compute":
                    found = [*self.gemm(call, reset=True), *found]
                return found
            case "gemm.reset":
                return self.gemm(call, reset=True)
            case "out":
                self.require_view(call)
                if call.op.tiles[1] in self.computed:
                    return []
                # what a load brought is not seen by a store before an operation has touched it
                return self.alu(call, "add", call.addresses[1:] * 2, 0)
            case "out.saturate":
                self.require_view(call)
                acc = (call.addresses[1],) * 2
                low, high = integer_range(call.op.tiles[0].type)
                return [*self.alu(call, "max", acc, low), *self.alu(call, "min", acc, high)]
            case name if name.startswith("alu."):
                return self.arithmetic(call, name.removeprefix("alu."))
            case name:
                raise call.error(f"the accelerator has no instruction '{name}'")

    def require_view(self, call: Call) -> None:
        """Refuse a cast whose result does not lie where its operand does."""
        if call.addresses[0] != call.addresses[1]:
            raise call.error(
                f"{buffer_name(call.op.tiles[0])} does not lie where "
                f"{buffer_name(call.op.tiles[1])} does, whose view it is; allocate-sram puts it "
                "there"
            )

    def gemm(self, call: Call, reset: bool) -> list[Operation]:
        """GEMM, or its reset, which has only accumulators."""
        if reset:
            call = call.without_repetition()
        addresses = call.addresses[:1] if reset else call.addresses
        distance = self.limits.gemm_distance
        ops: list[Operation] = []
        for kernel, bases in self.kernels(call, addresses, distance):
            forms, uops, factors = _padded(kernel, bases, 3)
            base, values = _address(forms)
            op = vta.GemmOp(
                self.names("uops", uops),
                base,
                kernel.counts,
                factors,
                values,
                reset,
            )
            ops.append(_labelled(op, call, kernel))
        return ops

    def alu(
        self, call: Call, opcode: str, addresses: Sequence[Affine], imm: int | None
    ) -> list[Operation]:
        """One operation of the ALU."""
        ops: list[Operation] = []
        for kernel, bases in self.kernels(
            call, addresses, self.limits.alu_distance, imm is not None
        ):
            forms, uops, factors = _padded(kernel, bases, 2)
            base, values = _address(forms)
            op = vta.AluOp(
                opcode,
                self.names("uops", uops),
                base,
                kernel.counts,
                factors,
                values,
                imm,
            )
            ops.append(_labelled(op, call, kernel))
        return ops

    def kernels(
        self, call: Call, addresses: Sequence[Affine], distance: int, immediate: bool = False
    ) -> Iterator[tuple[Kernel, list[Affine]]]:
        """The kernels of a nest with their base addresses; spare accumulators have numbers."""
        kernels, bases = kernels_of(call, addresses, distance, self.limits.uops)
        for kernel in kernels:
            forms = [base + shift for base, shift in zip(bases, kernel.base, strict=True)]
            if kernel.dummies:
                kernel = self.placed(call, kernel, forms, immediate)
            yield kernel, forms

    def placed(
        self, call: Call, kernel: Kernel, forms: Sequence[Affine], immediate: bool
    ) -> Kernel:
        """A kernel whose spare accumulators are numbers counted from its base."""
        if self.spare is None or self.spare + kernel.spare > self.depth:
            raise call.error(
                f"it writes too few accumulators in turn for the pipeline, and acc has no "
                f"{kernel.spare} elements left to write to in between; a larger tile, or smaller "
                "ones beside it"
            )
        low, high = forms[0].interval(call.nest.ranges)
        if low is None or low != high:
            raise call.error(
                "it writes too few accumulators in turn for the pipeline, and where they are "
                "depends on a loop around it; a larger tile"
            )
        self.spare_used = max(self.spare_used, kernel.spare)
        uops = list(kernel.uops)
        for position in kernel.dummies:
            number, *others = uops[position]
            target = self.spare + number - low
            uops[position] = (target, target) if immediate else (target, *others)
        return Kernel(tuple(uops), kernel.counts, kernel.factors, kernel.base, kernel.dummies)

    def arithmetic(self, call: Call, name: str) -> list[Operation]:
        """An operation of the ALU by its name in a library."""
        immediates = call.op.immediate_values
        target, first, *others = call.addresses
        if immediates:
            self.require_in_place(call, target == first)
            return [
                op
                for opcode, imm in immediate_steps(call, name, immediates[0])
                for op in self.alu(call, opcode, (target, target), imm)
            ]
        if name not in vta.ALU_OPCODES or not others:
            raise call.error(f"the accelerator has no operation '{name}' of accumulators")
        in_place = 2 if name in COMMUTES and target != first else 1
        self.require_in_place(call, target == call.addresses[in_place])
        read = 3 - in_place
        self.require_apart(call, read)
        return self.alu(call, name, (target, call.addresses[read]), None)

    def require_apart(self, call: Call, read: int) -> None:
        """Refuse an operation that reads what other iterations of its nest write."""
        if call.addresses[read] != call.addresses[0] and not call.are_apart(0, read):
            raise call.error(
                f"it reads elements of {buffer_name(call.op.tiles[read])} that it also writes, so "
                "that the result depends on the order of its loops; two tiles are needed"
            )

    def require_in_place(self, call: Call, holds: bool) -> None:
        if not holds:
            raise call.error(
                f"{buffer_name(call.op.tiles[0])} is not {buffer_name(call.op.tiles[1])}, but an "
                "operation of the ALU overwrites its first operand: compute-in-place"
            )


def immediate_steps(call: Call, name: str, imm: int) -> list[tuple[str, int]]:
    """The operations with an immediate that a call is; none where nothing changes."""
    if name == "mul" and imm > 0 and imm & (imm - 1) == 0:
        name, imm = "shl", imm.bit_length() - 1
    if name in ("shr", "shl"):
        if not 0 <= imm <= 31:
            raise call.error(f"{call.op.callee} shifts 32-bit numbers by {imm}, not by 0 to 31")
        amount = imm if name == "shr" else -imm
        steps: list[tuple[str, int]] = []
        while amount:
            step = max(SHIFTS[0], min(SHIFTS[1], amount))
            steps.append(("shr", step))
            amount -= step
        return steps
    if name not in vta.ALU_OPCODES:
        raise call.error(f"the accelerator has no operation '{name}' with an immediate")
    if not IMMEDIATES[0] <= imm <= IMMEDIATES[1]:
        raise call.error(
            f"the immediate {imm} of {call.op.callee} is outside {IMMEDIATES[0]} to "
            f"{IMMEDIATES[1]}; a tensor of it, in acc, can be used instead"
        )
    return [(name, imm)]


def integer_range(type: Attribute) -> tuple[int, int]:
    """The least and the greatest number of the elements of a memref."""
    assert isinstance(type, MemRefType) and isinstance(type.element_type, IntegerType)
    half = 1 << (type.element_type.width.data - 1)
    return -half, half - 1


def _padded(
    kernel: Kernel, bases: Sequence[Affine], count: int
) -> tuple[list[Affine], list[Steps], list[Steps]]:
    """Zeros for the indices that an instruction has but does not use."""
    more = count - len(bases)
    forms = [*bases, *([Affine({})] * more)]
    uops = [uop + (0,) * (3 - len(uop)) for uop in kernel.uops]
    return forms, uops, [f + (0,) * more for f in kernel.factors]


def _address(forms: Sequence[Affine]) -> tuple[AffineMap, list[SSAValue]]:
    """Forms of loops as a map and its operands."""
    values: list[SSAValue] = []
    exprs = map_of(forms, values)
    return AffineMap(len(values), 0, tuple(exprs)), values


def _labelled(op: Operation, call: Call, kernel: Kernel) -> Operation:
    op.attributes["label"] = StringAttr(call.name)
    if kernel.dummies:
        op.attributes["remark"] = StringAttr(
            f"{len(kernel.dummies)} of {len(kernel.uops)} micro-ops write spare accumulators: the "
            "pipeline needs more of them in turn than the tile has"
        )
    op.location = call.nest.block.location
    return op
