"""Emission: a function of vta operations becomes a flat list of instructions.

Loops are run, addresses become numbers, tokens become dependence bits (`tokens.py`), and kernels
become micro-ops at their base addresses, which a cache keeps in the micro-op memory
(`uop_cache.py`). Buffers follow each other in DRAM; then come micro-ops, then instructions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, cast

from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, ModuleOp, StringAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineMap

from analysis.errors import UserError, nearest
from backends.interpreter.arrays import compile_map
from backends.interpreter.scalars import dtype_of
from backends.vta.program import Buffer, Program, aligned, alignment
from backends.vta.target import config_of
from backends.vta.tokens import Stream
from backends.vta.uop_cache import UopCache
from dialects import loop, vta
from dialects.layout import physical_shape, scope_of
from dialects.target import target_of
from dialects.vta_syntax import integer_values
from vta import isa, queues
from vta.config import Config
from vta.implementations import IMPLEMENTATIONS
from vta.isa import Alu, AluOpcode, Finish, Gemm, Load, MemoryType, MicroOp, Store, Unit
from vta.verify import happens_before

UNITS = {unit.word: unit for unit in Unit}

MEMORIES = {
    "uop": MemoryType.UOP,
    "wgt": MemoryType.WGT,
    "inp": MemoryType.INP,
    "acc": MemoryType.ACC,
    "acc8": MemoryType.ACC_8BIT,
    "out": MemoryType.OUT,
}

Address = Callable[[Sequence[int]], int]


def is_program(function: func.FuncOp) -> bool:
    """Whether a function consists of instructions."""
    return any(isinstance(op, vta.FinishOp) for op in function.walk())


def program_of(module: ModuleOp, name: str | None = None) -> Program:
    """The program of the module's function of instructions; `name` chooses among several."""
    functions = [op for op in module.ops if isinstance(op, func.FuncOp) and is_program(op)]
    names = [f.sym_name.data for f in functions]
    if name is not None and name not in names:
        raise UserError(
            f"vta: no function of instructions is called '{name}': {nearest(name, names)}"
        )
    if not functions:
        raise UserError(
            "vta: the module has no function of vta instructions that ends in vta.finish; "
            "lower-loop-to-vta makes them of loops"
        )
    if name is None and len(functions) > 1:
        raise UserError(f"vta: the module has several functions: {', '.join(names)}; choose one")
    chosen = functions[0 if name is None else names.index(name)]
    return Emission(module, chosen, config_of(target_of(module))).run()


def usable_uops(config: Config) -> int:
    """How many micro-ops every implementation holds."""
    return min(i.usable_uops(config) for i in IMPLEMENTATIONS.values())


@dataclass
class Emission:
    """One function on its way to a program."""

    module: ModuleOp
    function: func.FuncOp
    config: Config
    stream: Stream = field(default_factory=Stream)
    starts: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    environment: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    around: list[loop.ForOp] = field(default_factory=list[loop.ForOp])
    maps: dict[tuple[Operation, str], list[Address]] = field(
        default_factory=dict[tuple[Operation, str], list[Address]]
    )
    placed: dict[tuple[object, ...], tuple[MicroOp, ...]] = field(
        default_factory=dict[tuple[object, ...], tuple[MicroOp, ...]]
    )

    def __post_init__(self) -> None:
        self.cache = UopCache(usable_uops(self.config))
        self.kernels = {
            op.sym_name.data: op.values for op in self.module.ops if isinstance(op, vta.UopKernelOp)
        }

    def run(self) -> Program:
        """Emit everything."""
        buffers = self.place_buffers()
        end = max((b.start + b.size for b in buffers), default=0)
        self.uop_start = aligned(end, alignment(self.config))
        self.block(self.function.body.block)
        return Program(
            self.function.sym_name.data,
            self.config,
            tuple(buffers),
            tuple(self.cache.image),
            self.uop_start,
            tuple(self.stream.instructions),
        )

    def place_buffers(self) -> list[Buffer]:
        """Put the arguments and the allocations in global memory one after the other."""
        values: list[SSAValue] = list(self.function.body.block.args)
        values += [op.result for op in self.function.walk() if isinstance(op, loop.AllocOp)]
        written = {op.dram_buffer for op in self.function.walk() if isinstance(op, vta.StoreOp)}
        step, start = alignment(self.config), 0
        buffers: list[Buffer] = []
        for number, value in enumerate(values):
            name = value.name_hint or f"arg{number}"
            size = self._bytes(value, name)
            is_argument = not isinstance(value.owner, Operation)
            assert isinstance(value.type, MemRefType)
            buffers.append(Buffer(name, value.type, start, size, is_argument, value in written))
            self.starts[value] = start
            start = aligned(start + size, step)
        return buffers

    def _bytes(self, value: SSAValue, name: str) -> int:
        if not isinstance(value.type, MemRefType) or scope_of(value.type) != "global":
            raise UserError(
                f"vta: {name} of @{self.function.sym_name.data} is {value.type}; the accelerator "
                "reads and writes buffers in global memory"
            )
        extents = physical_shape(value.type)
        sizes = [e for e in extents if isinstance(e, int)]
        if len(sizes) != len(extents):
            raise UserError(f"vta: {name} has a symbolic extent: {value.type}")
        return prod(sizes) * dtype_of(value.type).itemsize

    def block(self, block: Block) -> None:
        """Emit the operations of a block in order."""
        for op in block.ops:
            match op:
                case loop.ForOp():
                    self.loop(op)
                case vta.LoadOp() | vta.StoreOp():
                    self.transfer(op)
                case vta.GemmOp() | vta.AluOp():
                    self.micro_coded(op)
                case vta.PushDepOp():
                    self.stream.push(UNITS[op.source.data], UNITS[op.target.data])
                case vta.PopDepOp():
                    self.stream.pop(UNITS[op.source.data], UNITS[op.target.data])
                case vta.FinishOp():
                    self.finish()
                case func.ReturnOp() | loop.AllocOp():
                    pass
                case _:
                    raise UserError(
                        f"vta: @{self.function.sym_name.data} has {op.name}, which is no "
                        "instruction; lower-loop-to-vta lowers loops"
                    )

    def loop(self, op: loop.ForOp) -> None:
        """Run a loop."""
        low, high = (self.values(op, which, op.bounds)[0] for which in ("lower", "upper"))
        self.around.append(op)
        for value in range(low, high):
            self.environment[op.induction] = value
            self.block(op.body.block)
        self.around.pop()

    def values(self, op: Operation, name: str, operands: Sequence[SSAValue]) -> list[int]:
        """What a map of an operation is in this iteration."""
        key = (op, name)
        if key not in self.maps:
            map: AffineMap = op.properties[name].data  # pyright: ignore[reportAttributeAccessIssue]
            self.maps[key] = cast(list[Address], compile_map(map))
        at = [self.environment[operand] for operand in operands]
        return [int(f(at)) for f in self.maps[key]]

    def label(self, op: Operation) -> str:
        """The operation's label, or name, with the loops around it: `X_inp_k1`."""
        given = op.attributes.get("label")
        name = given.data if isinstance(given, StringAttr) else op.name.partition(".")[2]
        loops = (f"{o.loop_name.data}{self.environment[o.induction]}" for o in self.around)
        return "_".join([name, *loops])

    def transfer(self, op: vta.LoadOp | vta.StoreOp) -> None:
        """Emit a load or a store."""
        memory = MEMORIES[op.memory.data]
        if memory is MemoryType.UOP:
            raise UserError("vta: vta.load uop: emission loads the micro-ops of kernels itself")
        (dram,) = self.values(op, "dram", op.indices)
        (sram,) = self.values(op, "sram", op.indices)
        if op.dram_buffer is not None:
            dram += self.starts[op.dram_buffer] // self.element_bytes(memory)
        rows, columns, stride = integer_values(op.sizes)
        pads = integer_values(op.pads)
        kind = Load if isinstance(op, vta.LoadOp) else Store
        self.stream.add(
            kind(
                memory_type=memory,
                sram_base=sram,
                dram_base=dram,
                y_size=rows,
                x_size=columns,
                x_stride=stride,
                y_pad_0=pads[0],
                y_pad_1=pads[1],
                x_pad_0=pads[2],
                x_pad_1=pads[3],
                label=self.label(op),
            )
        )

    def element_bytes(self, memory: MemoryType) -> int:
        """The bytes of an element in DRAM."""
        if memory is MemoryType.ACC_8BIT:
            return self.config.acc.element_bytes * 8 // self.config.acc_width
        return {m.name: m.element_bytes for m in self.config.memories}[memory.name.lower()]

    def micro_coded(self, op: vta.GemmOp | vta.AluOp) -> None:
        """Emit a GEMM or an ALU instruction, and the load of its micro-ops where it needs one."""
        label = self.label(op)
        start, dram = self.cache.find(uops := self.uops(op))
        if dram is not None:
            # it touches nothing that a token guards
            self.stream.add(self.uop_load(start, dram, len(uops), label), pops=False)
        outer, inner = integer_values(op.outer), integer_values(op.inner)
        fields: dict[str, Any] = {
            "uop_bgn": start,
            "uop_end": start + len(uops),
            "iter_out": op.trips[0],
            "iter_in": op.trips[1],
            "dst_factor_out": outer[0],
            "dst_factor_in": inner[0],
            "src_factor_out": outer[1],
            "src_factor_in": inner[1],
            "label": label,
        }
        if isinstance(op, vta.GemmOp):
            weights: dict[str, Any] = {"wgt_factor_out": outer[2], "wgt_factor_in": inner[2]}
            self.stream.add(Gemm(**fields, **weights, reset=op.reset is not None))
            return
        opcode = AluOpcode[op.opcode.data.upper()]
        imm = None if op.imm is None else op.imm.data
        self.stream.add(Alu(**fields, alu_opcode=opcode, use_imm=imm is not None, imm=imm or 0))

    def uops(self, op: vta.GemmOp | vta.AluOp) -> tuple[MicroOp, ...]:
        """The micro-ops of a kernel at the addresses of this iteration."""
        name = op.kernel.string_value()
        base = tuple(self.values(op, "base", op.indices))
        key = (name, *base)
        if key not in self.placed:
            full = (*base, *((0,) * (3 - len(base))))
            self.placed[key] = tuple(
                MicroOp(uop[0] + full[0], uop[1] + full[1], uop[2] + full[2])
                for uop in self.kernels[name]
            )
        return self.placed[key]

    def uop_load(self, start: int, dram: int, count: int, label: str) -> Load:
        """The load of some micro-ops."""
        return Load(
            memory_type=MemoryType.UOP,
            sram_base=start,
            dram_base=self.uop_start // self.config.uop.element_bytes + dram,
            y_size=1,
            x_size=count,
            x_stride=count,
            label=f"{label}_uops",
        )

    def finish(self) -> None:
        """Emit FINISH; what it must know of the other units and does not gets tokens."""
        for unit in (Unit.LOAD, Unit.STORE):
            self.stream.flush(unit)
        for unit in self.unproven():
            self.stream.push(unit, Unit.COMPUTE)
            self.stream.pop(unit, Unit.COMPUTE)
        self.stream.add(Finish())

    def unproven(self) -> list[Unit]:
        """The units of which FINISH, as the stream stands, would not know that they are done."""
        pops: dict[str, Any] = dict.fromkeys(self.stream.waiting[Unit.COMPUTE], True)
        whole = [*self.stream.instructions, Finish(**pops)]
        try:
            clock = happens_before(whole, list(queues.run_order(whole)))[-1]
        except isa.StreamError:
            clock = [0, 0, 0] if not pops and not _has_tokens(whole) else None
        if clock is None:
            return []
        return [
            unit
            for unit in (Unit.LOAD, Unit.STORE)
            if clock[unit] < sum(op.unit is unit for op in whole)
        ]


def _has_tokens(stream: Sequence[isa.Instruction]) -> bool:
    return any(queues.pops(op) or queues.pushes(op) for op in stream)
