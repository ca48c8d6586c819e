"""lower-loop-to-vta: copies, calls and tokens become instructions of the accelerator.

    loop.copy %X to %X_inp pad 0 : i8              vta.load inp %X[%o * 784] at [0] rows 14 of 14 ..
    loop.for .. loop.for {                   ->    vta.gemm @C at [0, 0, %k * 9] outer .. inner ..
      loop.block "C" { loop.intrinsic @gemm .. }
    loop.push_dep "ld" to "ex"                     vta.push_dep "load" to "compute"

All of it follows from the affine addresses of the operands, never from how the nest is written:
permuted loops give the same instruction. The micro-ops of a nest are `vta.uop_kernel`s of the
module. Loops outside of nests stay, with addresses that are forms of them. Those that decide what
an instruction is (the pads of the first rows, the size of the last tile) are cut into stretches.
`vta.finish` stands at the end.

Where a nest writes too few accumulators in turn for the pipeline, it also writes spare ones, which
no tile holds; a `remark` of the instruction says so.

Takes loops after allocate-sram, with tokens if there are to be any; leaves what emission flattens.

Refuses, naming the copy or the block: blocks that are no call of an instruction, operands in
another scope, copies that are not pieces of rows, pads that a load cannot have, operations of the
ALU that are not in place, sizes and places that are not numbers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.passes import ModulePass
from xdsl.traits import SymbolOpInterface

from analysis.affine import Affine
from analysis.errors import ScheduleError
from dialects import loop, vta
from dialects.layout import scope_of
from dialects.target import Machine, target_of
from passes.locations import locate
from passes.loop.forms import map_of
from passes.loop.primitive import insert_before
from passes.vta.calls import Emitter, Limits, calls_of, hardware_name
from passes.vta.elements import base_of, depth_of, outer_extents
from passes.vta.micro_ops import Steps
from passes.vta.nests import NAME, root_of
from passes.vta.specialize import specialize
from passes.vta.transfers import Transfer, rows_to_move
from vta.implementations import IMPLEMENTATIONS

UNITS = {"ld": "load", "ex": "compute", "st": "store"}

ORDERED = ("serial", "unrolled")
"""The kinds of loops that instructions stand in, one iteration after the other."""


def limits_of(machine: Machine) -> Limits:
    """What holds for all implementations of the accelerator."""
    known = IMPLEMENTATIONS.values()
    depths = [i.uop_depth for i in known if i.uop_depth is not None]
    return Limits(
        min([depth_of(machine.scope("uop")), *depths]),
        max(i.gemm_distance for i in known),
        max(i.alu_distance for i in known),
    )


@dataclass
class Kernels:
    """The micro-op kernels of a module, by what they are."""

    module: ModuleOp
    known: dict[tuple[Steps, ...], str] = field(default_factory=dict[tuple[Steps, ...], str])
    new: list[vta.UopKernelOp] = field(default_factory=list[vta.UopKernelOp])

    def name_of(self, wish: str, uops: Sequence[Steps]) -> str:
        """The name of the kernel with these micro-ops; a new one is called after its block."""
        key = tuple(uops)
        if key not in self.known:
            taken = {*self.known.values(), *self._symbols()}
            name, number = wish, 0
            while name in taken:
                number += 1
                name = f"{wish}_{number}"
            self.known[key] = name
            self.new.append(vta.UopKernelOp(name, [(u[0], u[1], u[2]) for u in key]))
        return self.known[key]

    def _symbols(self) -> Iterable[str]:
        for op in self.module.ops:
            if (trait := op.get_trait(SymbolOpInterface)) is not None:
                symbol = trait.get_sym_attr_name(op)
                if symbol is not None:
                    yield symbol.data


@dataclass
class Lowering:
    """The lowering of one function."""

    module: ModuleOp
    function: func.FuncOp
    machine: Machine
    kernels: Kernels

    def run(self) -> None:
        """Put instructions in the place of everything but the loops around them."""
        self.check_loops()
        specialize(self.function, self.machine)
        acc = self.machine.scope("acc")
        emitter = Emitter(
            limits_of(self.machine), self.first_spare(), depth_of(acc), self.kernels.name_of
        )
        emitter.computed = self.computed_tiles()
        self.lower(self.function.body.block, emitter)
        self.remove_tiles()
        last = self.function.body.block.last_op
        assert isinstance(last, func.ReturnOp)
        insert_before(last, vta.FinishOp())
        self.reset_spare(emitter)

    def check_loops(self) -> None:
        for op in self.function.walk():
            if isinstance(op, loop.ForOp) and op.kind.data not in ORDERED:
                name, kind = op.loop_name.data, op.kind.data
                way = "lower-virtual-threads" if kind == "vthread" else "make it serial"
                raise ScheduleError(
                    f"{NAME}: loop '{name}' is {kind}; instructions follow each other: {way}"
                )

    def tiles(self) -> list[loop.AllocOp]:
        return [
            op
            for op in self.function.walk()
            if isinstance(op, loop.AllocOp) and scope_of(op.result.type) != "global"
        ]

    def computed_tiles(self) -> set[SSAValue]:
        """The tiles that instructions compute; a reset alone does not count."""
        return {
            op.tiles[0]
            for op in self.function.walk()
            if isinstance(op, loop.IntrinsicOp)
            and hardware_name(op, self.module) not in ("gemm.reset", "out", "out.saturate")
        }

    def first_spare(self) -> int:
        """The first accumulator that no tile holds."""
        element = self.machine.scope("acc").element
        assert element is not None
        ends = [0]
        for op in self.tiles():
            if scope_of(op.result.type) == "acc":
                size = 1
                for extent in outer_extents(op.result, element[0]):
                    size *= extent
                ends.append(base_of(op.result) + size)
        return max(ends)

    def lower(self, block: Block, emitter: Emitter) -> None:
        """Lower the operations of a block, those of loops in it first."""
        for op in list(block.ops):
            match op:
                case loop.ForOp() if not is_nest(op):
                    self.lower(op.body.block, emitter)
                    continue
                case loop.ForOp() | loop.BlockOp():
                    inner = next(o for o in op.walk() if isinstance(o, loop.BlockOp))
                    calls = calls_of(inner, self.module, self.machine)
                    new = [made for call in calls for made in emitter.emit(call)]
                case loop.CopyOp():
                    new = self.copy(op)
                case loop.PushDepOp():
                    new = [vta.PushDepOp(*units(op))]
                case loop.PopDepOp():
                    new = [vta.PopDepOp(*units(op))]
                case loop.AllocOp() | func.ReturnOp():
                    continue
                case _:
                    raise ScheduleError(f"{NAME}: the accelerator has nothing for {op.name}")
            locate(op.location, *new)
            insert_before(op, *new)
            op.detach()
            op.erase()

    def copy(self, op: loop.CopyOp) -> list[Operation]:
        """The loads or stores of a copy, with loops around them."""
        transfer = Transfer.of(op, self.machine, NAME)
        rows = rows_to_move(transfer)
        if rows is None:
            return []
        loops = [
            loop.ForOp(f"{transfer.name}_d{i}", 0, extent.count)
            for i, extent in enumerate(rows.loops)
        ]
        sram = Affine.constant(base_of(transfer.tile) + rows.box.sram)
        dram = rows.box.dram
        for around, extent in zip(loops, rows.loops, strict=True):
            sram = sram + Affine.variable(around.induction) * extent.sram
            dram = dram + Affine.variable(around.induction) * extent.dram
        values: list[SSAValue] = []
        exprs = map_of([dram, sram], values)
        from_dram, on_chip = (AffineMap(len(values), 0, (expr,)) for expr in exprs)
        kind = vta.LoadOp if transfer.fills else vta.StoreOp
        name, whole = transfer.scope.name, transfer.whole
        moved = kind(name, from_dram, on_chip, rows.sizes, rows.pads, values, whole)
        moved.attributes["label"] = StringAttr(transfer.name)
        body: Operation = moved
        for around in reversed(loops):
            around.body.block.add_op(body)
            body = around
        return [body]

    def remove_tiles(self) -> None:
        for op in reversed(self.tiles()):
            op.detach()
            op.erase()

    def reset_spare(self, emitter: Emitter) -> None:
        """Give spare accumulators a value, once, so that nothing reads what was never written."""
        if not emitter.spare_used:
            return
        assert emitter.spare is not None
        name = self.kernels.name_of("uops", [(i, 0, 0) for i in range(emitter.spare_used)])
        base = AffineMap(0, 0, tuple(map(AffineExpr.constant, (emitter.spare, 0, 0))))
        reset = vta.GemmOp(name, base, (1, 1), [(0, 0, 0)] * 2, reset=True)
        reset.attributes["label"] = StringAttr("spare")
        first = self.function.body.block.first_op
        assert first is not None
        insert_before(first, reset)


def is_nest(op: loop.ForOp) -> bool:
    """Whether a loop is the root of a nest around one block."""
    blocks = [inner for inner in op.walk() if isinstance(inner, loop.BlockOp)]
    return len(blocks) == 1 and root_of(blocks[0]) is op


def units(op: loop.PushDepOp | loop.PopDepOp) -> tuple[str, str]:
    """The units of a token in the words of the vta dialect."""
    for unit in (op.source.data, op.target.data):
        if unit not in UNITS:
            raise ScheduleError(f"{NAME}: no unit is called '{unit}'; there are {', '.join(UNITS)}")
    return UNITS[op.source.data], UNITS[op.target.data]


def is_for_accelerator(function: func.FuncOp) -> bool:
    """Whether a function of loops has tiles on the accelerator."""
    return any(
        isinstance(op, loop.AllocOp) and scope_of(op.result.type) != "global"
        for op in function.walk()
    )


@dataclass(frozen=True)
class LowerLoopToVtaPass(ModulePass):
    """Lower copies, calls and tokens to instructions of the accelerator."""

    name = NAME

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        machine, kernels = target_of(op).machine, Kernels(op)
        for inner in list(op.ops):
            if isinstance(inner, func.FuncOp) and is_for_accelerator(inner):
                Lowering(op, inner, machine, kernels).run()
        for kernel in kernels.new:
            op.body.block.add_op(kernel)
