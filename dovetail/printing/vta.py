"""Instructions of the VTA accelerator: transfers as calls, GEMM and ALU as the loops they are.

Every index of a micro-op is affine in the two loops of its instruction, so it is written out:
`acc[t*196 + y*14 + x] += gemm(inp[...], wgt[...])`.
"""

from collections.abc import Sequence

from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.traits import SymbolTable

from analysis.affine import Affine, from_expression
from dialects import vta
from dialects.vta_syntax import integer_values
from dovetail.printing.expressions import Expression, affine, atom
from dovetail.printing.listing import Form, Listing, identifier

LOOPS = ("y", "x")
SHOWN = 8
"""A kernel with more micro-ops is shown as a loop over them."""

OPERATIONS = {
    "min": "{d} = min({d}, {s})",
    "max": "{d} = max({d}, {s})",
    "add": "{d} += {s}",
    "mul": "{d} *= {s}",
    "shr": "{d} >>= {s}",
}


def forms(listing: Listing, map: AffineMap, operands: Sequence[SSAValue]) -> list[Affine]:
    """The addresses of an instruction."""
    dims = [listing.form(v) for v in operands]
    return [from_expression(e, dims, listing.ranges) for e in map.results]


def list_transfer(listing: Listing, op: vta.TransferOp) -> None:
    """`load(inp[t*256], X[o*784], rows=14, columns=14, stride=56)`: target and source."""
    (dram,) = forms(listing, op.dram.data, op.indices)
    (sram,) = forms(listing, op.sram.data, op.indices)
    buffer = "dram" if op.dram_buffer is None else listing.value(op.dram_buffer)
    outside = f"{buffer}[{affine(dram, listing.atom).text}]"
    inside = f"{op.memory.data}[{affine(sram, listing.atom).text}]"
    is_load = isinstance(op, vta.LoadOp)
    arguments = [inside, outside] if is_load else [outside, inside]
    rows, columns, stride = integer_values(op.sizes)
    arguments += [f"rows={rows}", f"columns={columns}"]
    if stride != columns:
        arguments.append(f"stride={stride}")
    if op.has_pads:
        arguments.append(f"pad={list(integer_values(op.pads))}")
    listing.line(f"{'load' if is_load else 'store'}({', '.join(arguments)})")


def list_kernel(listing: Listing, op: vta.UopKernelOp) -> None:
    """The micro-ops of a kernel: accumulator, source, weight."""
    uops = ", ".join(f"({', '.join(map(str, uop))})" for uop in op.values)
    listing.line(f"{identifier(op.sym_name.data)} = [{uops}]", "micro-ops: acc, source, wgt")


def list_instruction(listing: Listing, op: vta.GemmOp | vta.AluOp) -> None:
    """The loops of an instruction around its micro-ops."""
    names, listing.names = listing.names, listing.names.inner()
    loops = [listing.names.fresh(name) for name in LOOPS]
    depth = listing.depth
    index = forms(listing, op.base.data, op.indices)
    for name, count, factors in zip(loops, op.trips, (op.outer, op.inner), strict=True):
        if count == 1:
            continue
        listing.line(f"for {name} in range({count}):")
        listing.depth += 1
        steps = integer_values(factors)
        index = [f + Affine({name: s} if s else {}) for f, s in zip(index, steps, strict=True)]
    kernel = SymbolTable.lookup_symbol(op, op.kernel)
    uops = kernel.values if isinstance(kernel, vta.UopKernelOp) else ()
    if 0 < len(uops) <= SHOWN:
        for uop in uops:
            list_uop(listing, op, [f + u for f, u in zip(index, uop, strict=False)])
    else:
        parts = [listing.names.fresh(name) for name in ("a", "s", "w")]
        listing.line(f"for {', '.join(parts)} in {identifier(op.kernel.string_value())}:")
        listing.depth += 1
        moved = [f + Affine({p: 1}) for f, p in zip(index, parts, strict=False)]
        list_uop(listing, op, moved)
    listing.depth, listing.names = depth, names


def list_uop(listing: Listing, op: vta.GemmOp | vta.AluOp, index: Sequence[Affine]) -> None:
    """What one micro-op does."""

    def of(variable: object) -> Expression:
        return atom(variable) if isinstance(variable, str) else listing.atom(variable)

    texts = [affine(form, of).text for form in index]
    target = f"acc[{texts[0]}]"
    if isinstance(op, vta.AluOp):
        source = f"acc[{texts[1]}]" if op.imm is None else str(op.imm.data)
        listing.line(OPERATIONS[op.opcode.data].format(d=target, s=source))
    elif op.reset is not None:
        listing.line(f"{target} = 0")
    else:
        listing.line(f"{target} += gemm(inp[{texts[1]}], wgt[{texts[2]}])")


def list_push(listing: Listing, op: vta.PushDepOp) -> None:
    listing.line(f"{op.source.data}.push_dep_to({op.target.data})")


def list_pop(listing: Listing, op: vta.PopDepOp) -> None:
    listing.line(f"{op.target.data}.pop_dep_from({op.source.data})")


def list_finish(listing: Listing, op: vta.FinishOp) -> None:
    listing.line("finish()")


FORMS: dict[type[Operation], Form] = {
    vta.AluOp: list_instruction,
    vta.FinishOp: list_finish,
    vta.GemmOp: list_instruction,
    vta.LoadOp: list_transfer,
    vta.PopDepOp: list_pop,
    vta.PushDepOp: list_push,
    vta.StoreOp: list_transfer,
    vta.UopKernelOp: list_kernel,
}
