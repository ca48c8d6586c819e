"""Calls of tensor instructions: the emitter's part that knows no instruction.

A call passes the functions of an instruction (instructions.py) the addresses and strides that they
ask for. They are inlined when code is generated, so that operands in registers stay there.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from llvmlite import ir
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.traits import SymbolTable

from analysis.affine import Affine, Interval
from analysis.errors import UnsupportedError
from backends.llvm.accesses import Accesses
from backends.llvm.addresses import Buffer, Offset, Product, compose
from backends.llvm.instructions import Instruction, Operand
from backends.llvm.types import I64, byte_size
from dialects import loop, te


@dataclass(frozen=True)
class Place:
    """Where an operand of a call lies: its first element, and the step of each of its dimensions.

    A step counts elements: a sum of numbers, each times symbolic dimensions.
    """

    buffer: Buffer
    offset: Offset
    steps: tuple[Mapping[Product, int], ...]


class Calls(Accesses):
    """Emits calls of tensor instructions."""

    def __init__(self, module: ir.Module, function: func.FuncOp) -> None:
        super().__init__(module, function)
        self.places: dict[tuple[Operation, int], Place] = {}

    def call(
        self,
        op: loop.IntrinsicOp,
        variables: dict[SSAValue, Affine],
        values: dict[SSAValue, ir.Value],
    ) -> None:
        """Emit one call."""
        instruction = self.instruction(op)
        if self.lane is not None:
            raise UnsupportedError(
                f"llvm: {instruction.name} is called in the vectorized loop "
                f"{self.lane.name_hint}; an instruction has vectors of its own"
            )
        function = instruction.function_of(op.form.data)
        parameters = instruction.parameters(function)
        scalars = dict(zip(instruction.scalars, op.immediate_values, strict=False))
        places = {
            operand.name: self.place(instruction, operand, op, number, variables, values)
            for number, operand in enumerate(instruction.operands[: len(op.tiles)])
        }
        arguments: list[ir.Value] = []
        for parameter in parameters:
            if parameter.name in scalars:
                arguments.append(ir.Constant(parameter.type, scalars[parameter.name]))
                continue
            place = places[parameter.name]
            if parameter.stride is None:
                arguments.append(self.address(place.buffer, place.offset)[0])
            else:
                arguments.append(self.bytes_of(place, parameter.stride))
        strided = {(p.name, p.stride) for p in parameters}
        for operand in instruction.operands[: len(op.tiles)]:
            if (operand.name, None) in strided:
                require_dense(instruction, operand, op, places[operand.name], strided)
        self.builder.call(instruction.define(self.builder.function.module, function), arguments)

    def instruction(self, op: loop.IntrinsicOp) -> Instruction:
        """The instruction that a call names, which the processor must have."""
        module = self.source.parent_op()
        declared = None if module is None else SymbolTable.lookup_symbol(module, op.callee)
        if not isinstance(module, ModuleOp) or not isinstance(declared, te.IntrinsicOp):
            raise UnsupportedError(
                f"llvm: the module declares no te.intrinsic @{op.callee.string_value()}"
            )
        instruction = Instruction(declared)
        instruction.text()
        instruction.check_target(module)
        return instruction

    def place(
        self,
        instruction: Instruction,
        operand: Operand,
        op: loop.IntrinsicOp,
        number: int,
        variables: dict[SSAValue, Affine],
        values: dict[SSAValue, ir.Value],
    ) -> Place:
        """Where an operand lies, composed once for each call."""
        if (op, number) in self.places:
            return self.places[op, number]
        buffer, map = self.buffers[op.tiles[number]], op.places[number]
        axes: list[Hashable] = [("axis", i) for i in range(len(operand.shape))]
        extents: dict[Hashable, Interval] = {
            axis: (0, extent - 1) for axis, extent in zip(axes, operand.shape, strict=True)
        }
        indices = [self.index(v, variables, values) for v in op.indices]
        if map is None:
            if any(not start.is_constant or start.const for start in buffer.origin):
                raise UnsupportedError(
                    f"llvm: {instruction.name} takes the whole of %{op.tiles[number].name_hint}, "
                    "which has an origin: write the coordinates of its elements"
                )
            indices, map = [], AffineMap.identity(len(axes))
        else:
            dims = [AffineExpr.dimension(i) for i in range(map.num_dims + len(axes))]
            map = map.replace_dims_and_symbols(
                dims[: map.num_dims], dims[map.num_dims :][: map.num_symbols], len(dims), 0
            )
        indices += [Affine.variable(axis) for axis in axes]
        offset = compose(buffer, indices, map, {**self.ranges, **extents})
        steps: list[dict[Product, int]] = [{} for _ in axes]
        parts: dict[Product, Affine] = {}
        for symbols, part in offset.parts.items():
            for axis, step in zip(axes, steps, strict=True):
                if coefficient := part.coefficient(axis):
                    step[symbols] = coefficient
                    part = part - Affine.variable(axis) * coefficient
            if part.variables() & set(axes):
                raise UnsupportedError(
                    f"llvm: {instruction.name} takes {operand.name} with one step along each "
                    f"dimension; its elements in %{op.tiles[number].name_hint} have several"
                )
            parts[symbols] = part
        place = Place(buffer, Offset(parts, offset.inside), tuple(steps))
        self.places[op, number] = place
        return place

    def bytes_of(self, place: Place, dimension: int) -> ir.Value:
        """The step of a dimension in bytes."""
        size = byte_size(place.buffer.type.element_type)
        total: ir.Value | None = None
        for symbols, number in place.steps[dimension].items():
            value: ir.Value = I64(number * size)
            for symbol in symbols:
                value = self.builder.mul(value, self.dims[symbol])
            total = value if total is None else self.builder.add(total, value)
        return I64(0) if total is None else total


def require_dense(
    instruction: Instruction,
    operand: Operand,
    op: loop.IntrinsicOp,
    place: Place,
    strided: set[tuple[str, int | None]],
) -> None:
    """Refuse elements that do not lie side by side along a dimension whose stride nobody asks."""
    wanted = 1
    for dimension in reversed(range(len(operand.shape))):
        step = place.steps[dimension]
        free = (operand.name, dimension) in strided or operand.shape[dimension] == 1
        if not free and step != {(): wanted}:
            number = instruction.operands.index(operand)
            raise UnsupportedError(
                f"llvm: {instruction.name} takes {operand.name} with its elements along dimension "
                f"{dimension} {wanted} apart, and those in %{op.tiles[number].name_hint} lie "
                f"{step.get((), 0) if set(step) <= {()} else 'a run-time distance'} apart; "
                "transform-layout puts them so"
            )
        wanted *= operand.shape[dimension]
