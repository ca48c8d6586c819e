"""Functions: headers and returns; init regions are moved before the loops of their reductions."""

from xdsl.dialects import func
from xdsl.ir import Operation, SSAValue

from analysis.errors import ScheduleError
from dialects import loop
from dovetail.printing.listing import Form, Listing, identifier, type_text
from dovetail.printing.loops import layout_comment
from passes.loop.decompose_reduction import DecomposeReductionPass, decompose
from passes.loop.nests import loops_used
from passes.loop.primitive import Scope, blocks_in, is_below, loops_around

WIDTH = 100


def list_function(listing: Listing, op: func.FuncOp) -> None:
    """`def name(A: f32[64, 32]) -> f32[64]:` and the body; a declaration has none."""
    if listing.lines:
        listing.lines.append("")
    names, listing.names = listing.names, listing.names.inner()
    if not op.body.blocks:
        types = ", ".join(map(type_text, op.function_type.inputs.data))
        listing.line(f"def {identifier(op.sym_name.data)}({types}){result_text(op)}: ...")
    else:
        for block in blocks_in(op):
            move_init(listing, Scope("pseudo", op), block)
        *begin, last = header_of(listing, op)
        for line in begin:
            listing.line(line)
        with listing.indented(last):
            for argument in op.body.block.args:
                comment = layout_comment(listing.value(argument), argument.type)
                if comment:
                    listing.line(f"# {comment}")
            listing.block(op.body.block)
    listing.names = names


def header_of(listing: Listing, op: func.FuncOp) -> list[str]:
    """The lines up to the colon; an argument a line where one line would be long."""
    arguments: list[str] = []
    for i, value in enumerate(op.body.block.args):
        name = listing.names.define(value, value.name_hint or f"arg{i}")
        arguments.append(f"{name}: {type_text(value.type)}")
    name = identifier(op.sym_name.data)
    one = f"def {name}({', '.join(arguments)}){result_text(op)}:"
    if len(one) <= WIDTH:
        return [one]
    return [f"def {name}(", *(f"    {a}," for a in arguments), f"){result_text(op)}:"]


def result_text(op: func.FuncOp) -> str:
    """` -> f32[64]`, or nothing for a function without results."""
    types = [type_text(t) for t in op.function_type.outputs.data]
    if not types:
        return ""
    return f" -> {types[0]}" if len(types) == 1 else f" -> ({', '.join(types)})"


def list_return(listing: Listing, op: func.ReturnOp) -> None:
    if op.arguments:
        listing.line(f"return {', '.join(listing.value(v) for v in op.arguments)}")


def move_init(listing: Listing, scope: Scope, block: loop.BlockOp) -> None:
    """Give the init region of a block a nest before its outermost reduction loop, if it may."""
    used = loops_used(block, reduce=True)
    reductions = [op for op in loops_around(block) if op.induction in used]
    if block.init is None or not reductions or calls_on_tiles_below(block, reductions[0]):
        return
    try:
        names = block.block_name.data, reductions[0].loop_name.data
        DecomposeReductionPass(*names).check(scope, block, reductions[0])
    except ScheduleError:
        return
    decompose(scope, block, reductions[0])
    root = reductions[0].prev_op
    assert root is not None
    listing.inits.add(root)


def calls_on_tiles_below(block: loop.BlockOp, at: loop.ForOp) -> bool:
    """Whether init calls an intrinsic on a tile that lives, or has other users, below a loop."""
    assert block.init is not None
    calls = [op for op in block.init.block.ops if isinstance(op, loop.IntrinsicOp)]
    written: set[SSAValue] = {tile for op in calls for tile in op.tiles[: op.writes.data]}

    def outside(user: Operation) -> bool:
        return is_below(user, at) and not is_below(user, block)

    return any(
        (isinstance(tile.owner, Operation) and is_below(tile.owner, at))
        or any(outside(use.operation) for use in tile.uses)
        for tile in written
    )


FORMS: dict[type[Operation], Form] = {
    func.FuncOp: list_function,
    func.ReturnOp: list_return,
}
