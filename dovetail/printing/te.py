"""Tensor expressions as comprehension-like lines: `C[y, x] = sum(A[y, k] * B[k, x] for k in ...)`.

What is used more than once, or is long, follows in lines that begin with `where`.
"""

from collections.abc import Sequence

from xdsl.ir import Block, BlockArgument, Operation, SSAValue
from xdsl.ir.affine import AffineExpr

from analysis.affine import Affine, from_expression
from dialects import te
from dovetail.printing.bodies import Body
from dovetail.printing.expressions import Expression, affine
from dovetail.printing.listing import Form, Listing, identifier, type_text


def list_dim(listing: Listing, op: te.DimOp) -> None:
    """A dimension is known by its name."""
    listing.ranges[op.result] = (0, None)


def extents(listing: Listing, op: te.ComputeOp | te.ScatterOp) -> list[Affine]:
    """The sizes of the axes; what is known of the axes is noted on the way."""
    dims = [Affine.variable(v) for v in op.bounds]
    exprs: Sequence[AffineExpr] = op.extents.data.results
    found = [from_expression(e, dims, listing.ranges) for e in exprs]
    for axis, extent in zip(op.body.block.args, found, strict=True):
        top = extent.interval(listing.ranges)[1]
        listing.ranges[axis] = (0, None if top is None else top - 1)
    return found


def fold(
    listing: Listing, block: Block, sizes: dict[SSAValue, Affine]
) -> tuple[list[str], list[str]]:
    """The texts of what a block yields, and the lines of values that have a name."""
    where: list[str] = []

    def holds(form: Affine) -> bool:
        for axis, size in sizes.items():
            factor = form.coefficient(axis)
            if factor < 0:
                form = form - Affine({axis: factor}) + (size - 1) * factor
        low = form.interval(listing.ranges)[0]
        return low is not None and low >= 0

    def define(name: str, value: Expression) -> None:
        where.append(f"{name} = {value.text}")

    body = Body(listing, {}, {}, {}, holds, define)
    body.run(block)
    last = block.last_op
    assert isinstance(last, te.YieldOp)
    return [body.text(value).text for value in last.values], where


def list_compute(listing: Listing, op: te.ComputeOp) -> None:
    """`C[y, x] = sum(A[y, k] * B[k, x] for k in range(512))`."""
    hints = [r.name_hint or op.compute_name.data for r in op.results]
    results = [listing.names.define(r, hint) for r, hint in zip(op.results, hints, strict=True)]
    names, listing.names = listing.names, listing.names.inner()
    sizes = extents(listing, op)
    axes = define_axes(listing, op.body.block.args, [a.data for a in op.axes.data])
    rank = op.rank.data
    indices = f"[{', '.join(axes[:rank])}]" if rank else ""
    left = ", ".join(f"{name}{indices}" for name in results)
    values, where = fold(listing, op.body.block, dict(zip(op.body.block.args, sizes, strict=True)))
    right = values[0] if len(values) == 1 else f"({', '.join(values)})"
    if op.reducer is not None:
        ranges = zip(axes[rank:], sizes[rank:], strict=True)
        loops = " ".join(f"for {n} in range({affine(s, listing.atom).text})" for n, s in ranges)
        if op.combiner is None:
            right = f"{op.reducer.data}({right} {loops})"
        else:
            right = reduction(listing, op, op.combiner.block, f"{right} {loops}")
    returned = all(use.operation.name == "func.return" for r in op.results for use in r.uses)
    listing.line(f"{left} = {right}", "" if returned else type_text(op.results[0].type))
    list_where(listing, where)
    listing.names = names


def define_axes(
    listing: Listing, arguments: Sequence[BlockArgument], wishes: Sequence[str | None]
) -> list[str]:
    return [listing.names.define(a, wish) for a, wish in zip(arguments, wishes, strict=True)]


def list_where(listing: Listing, lines: Sequence[str]) -> None:
    """What the names of a line stand for."""
    for number, line in enumerate(lines):
        listing.line(f"    {'where' if number == 0 else '     '} {line}")


def reduction(listing: Listing, op: te.ComputeOp, combiner: Block, values: str) -> str:
    """`reduce(lambda a, b: a | b, (A[y, k] for k in range(9)), False)`."""
    names = define_axes(listing, combiner.args, [a.name_hint for a in combiner.args])
    combined, _ = fold(listing, combiner, {})
    text = combined[0] if len(combined) == 1 else f"({', '.join(combined)})"
    identities = [listing.value(v) for v in op.identities]
    start = identities[0] if len(identities) == 1 else f"({', '.join(identities)})"
    return f"reduce(lambda {', '.join(names)}: {text}, ({values}), {start})"


def list_scatter(listing: Listing, op: te.ScatterOp) -> None:
    """A copy, and a loop whose lines change elements of it."""
    name = listing.names.define(op.result, op.result.name_hint or op.compute_name.data)
    listing.line(f"{name} = copy({listing.value(op.init)})", type_text(op.result.type))
    names, listing.names = listing.names, listing.names.inner()
    sizes = extents(listing, op)
    arguments = op.body.block.args
    axes = define_axes(listing, arguments, [a.data for a in op.axes.data])
    ranges = [f"range({affine(s, listing.atom).text})" for s in sizes]
    values, where = fold(listing, op.body.block, dict(zip(arguments, sizes, strict=True)))
    element = f"{name}[{', '.join(values[1:])}]"
    change = {
        "sum": f"{element} += {values[0]}",
        "prod": f"{element} *= {values[0]}",
        "max": f"{element} = max({element}, {values[0]})",
        "min": f"{element} = min({element}, {values[0]})",
    }[op.reducer.data]
    depth = listing.depth
    for axis, extent in zip(axes, ranges, strict=True):
        listing.line(f"for {axis} in {extent}:")
        listing.depth += 1
    for line in [*where, change]:
        listing.line(line)
    listing.depth, listing.names = depth, names


def list_intrinsic(listing: Listing, op: te.IntrinsicOp) -> None:
    """A declaration: what the instruction computes, and how its forms are called."""
    if listing.lines:
        listing.lines.append("")
    names, listing.names = listing.names, listing.names.inner()
    arguments = op.behaviour.block.args
    hints = [a.name_hint or f"arg{i}" for i, a in enumerate(arguments)]
    given = define_axes(listing, arguments, hints)
    typed = [f"{n}: {type_text(a.type)}" for n, a in zip(given, arguments, strict=True)]
    forms = (("compute", op.compute_call), ("reset", op.reset_call), ("update", op.update_call))
    calls = [f"{form} {call.data}" for form, call in forms if call is not None]
    header = f"def {identifier(op.sym_name.data)}({', '.join(typed)}):"
    with listing.indented(header, f"intrinsic: {', '.join(calls)}"):
        listing.block(op.behaviour.block)
    listing.names = names


def list_yield(listing: Listing, op: te.YieldOp) -> None:
    listing.line(f"return {', '.join(listing.value(v) for v in op.values)}")


FORMS: dict[type[Operation], Form] = {
    te.ComputeOp: list_compute,
    te.DimOp: list_dim,
    te.IntrinsicOp: list_intrinsic,
    te.ScatterOp: list_scatter,
    te.YieldOp: list_yield,
}
