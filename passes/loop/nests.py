"""New nests made of the loops of another block: init nests, epilogues, copies.

A clone keeps the order, bounds and kind of the loops it is made of, so that an epilogue is
unrolled and vectorized exactly like the computation whose tile it works on.
"""

from collections.abc import Callable, Hashable, Sequence

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, Region, SSAValue

from analysis.affine import Affine
from dialects import loop
from passes.loop.forms import block_with, for_with, forms_of, ranges_of
from passes.loop.primitive import Scope, loops_around


def loops_inside(block: loop.BlockOp, at: loop.ForOp, including: bool = False) -> list[loop.ForOp]:
    """The loops around `block` that are inside `at`, outermost first."""
    around = loops_around(block)
    return around[around.index(at) + (0 if including else 1) :]


def loops_for(used: set[Hashable], loops: Sequence[loop.ForOp]) -> list[loop.ForOp]:
    """Those of nested loops that move one of the values `used`, or the bounds of such a loop."""
    needed = set(used)
    kept: list[loop.ForOp] = []
    for op in reversed(loops):
        if op.induction in needed:
            kept.append(op)
            for which in ("lower", "upper"):
                needed |= forms_of(op, which)[0].variables()
    return kept[::-1]


def clone_loops(
    scope: Scope, loops: Sequence[loop.ForOp], prefix: str, producer: str = ""
) -> tuple[list[loop.ForOp], dict[Hashable, Affine]]:
    """Empty copies of loops, nested, and what stands for the old variables in them.

    They are called `<prefix>_<axis>`, where a loop `<producer>_<axis>` is one of the axis.
    """
    axes = [op.loop_name.data.removeprefix(f"{producer}_") for op in loops]
    names = scope.fresh(*(f"{prefix}_{axis}" for axis in axes))
    values: dict[Hashable, Affine] = {}
    clones: list[loop.ForOp] = []
    for op, name in zip(loops, names, strict=True):
        bounds = [forms_of(op, which)[0].substitute(values, {}) for which in ("lower", "upper")]
        clone = for_with(name, bounds[0], bounds[1], op.kind.data)
        clone.location = op.location
        values[op.induction] = Affine.variable(clone.induction)
        if clones:
            clones[-1].body.block.add_op(clone)
        clones.append(clone)
    return clones, values


def box_loops(scope: Scope, extents: Sequence[int | Affine], prefix: str) -> list[loop.ForOp]:
    """Nested serial loops over a box."""
    names = scope.fresh(*(f"{prefix}_d{i}" for i in range(len(extents))))
    loops: list[loop.ForOp] = []
    for name, extent in zip(names, extents, strict=True):
        upper = extent if isinstance(extent, Affine) else Affine({}, extent)
        op = for_with(name, Affine({}), upper, "serial")
        if loops:
            loops[-1].body.block.add_op(op)
        loops.append(op)
    return loops


def put_block(
    loops: Sequence[loop.ForOp],
    name: str,
    variables: Sequence[tuple[str | None, Affine, Affine]],
    where: Sequence[Affine],
    fill: Callable[[Block], None],
) -> Operation:
    """A block of spatial variables (hint, domain, binding) in the last loop; returns the root."""
    inner = Block(arg_types=[IndexType()] * len(variables))
    for argument, (hint, _, _) in zip(inner.args, variables, strict=True):
        argument.name_hint = hint
    fill(inner)
    block = block_with(
        name,
        ["spatial"] * len(variables),
        [domain for _, domain, _ in variables],
        [binding for _, _, binding in variables],
        where,
        Region(inner),
    )
    if not loops:
        return block
    loops[-1].body.block.add_op(block)
    return loops[0]


def block_variables(
    block: loop.BlockOp, values: dict[Hashable, Affine]
) -> list[tuple[str | None, Affine, Affine]]:
    """The variables of a block (hint, domain, binding), with its loops replaced by `values`."""
    ranges = ranges_of(loops_around(block))
    domains, bindings = forms_of(block, "domains"), forms_of(block, "bindings")
    return [
        (variable.name_hint, domain, binding.substitute(values, ranges))
        for variable, domain, binding in zip(block.variables, domains, bindings, strict=True)
    ]


def spatial_variables(
    block: loop.BlockOp, values: dict[Hashable, Affine]
) -> list[tuple[str | None, Affine, Affine]]:
    """The spatial variables of a block, with its loops replaced by `values`."""
    parts = zip(block_variables(block, values), block.is_reduce, strict=True)
    return [part for part, reduce in parts if not reduce]


def loops_used(block: loop.BlockOp, reduce: bool) -> set[Hashable]:
    """The values that the reduce (or the spatial) variables of a block are bound to."""
    used: set[Hashable] = set()
    for binding, is_reduce in zip(forms_of(block, "bindings"), block.is_reduce, strict=True):
        if is_reduce == reduce:
            used |= binding.variables()
    return used


def begin_forms(block: loop.BlockOp, inside: Sequence[loop.ForOp]) -> list[Affine]:
    """Forms of the loops outside `inside` that are all zero where the reduction begins.

    There is one for each reduce variable that such loops move: its value where all loops of
    `inside` are at their beginning.
    """
    ranges = ranges_of(loops_around(block))
    found: list[Affine] = []
    for binding, reduce in zip(forms_of(block, "bindings"), block.is_reduce, strict=True):
        for op in reversed(inside):
            lower = forms_of(op, "lower")[0]
            binding = binding.substitute({op.induction: lower}, ranges)
        if reduce and binding != Affine({}):
            found.append(binding)
    return found


def last_iteration(op: loop.ForOp) -> Affine:
    """A form that is zero in the last iteration of a loop and negative before."""
    return Affine.variable(op.induction) - forms_of(op, "upper")[0] + 1


def place_behind(block: Block, kinds: tuple[type[Operation], ...], op: Operation) -> None:
    """Put an operation behind those of some kinds that a block begins with."""
    at = block.first_op
    while isinstance(at, kinds):
        at = at.next_op
    if at is None:
        block.add_op(op)
    else:
        block.insert_op_before(op, at)


def clone_into(source: Block, target: Block, values: dict[SSAValue, SSAValue]) -> None:
    """Clone the operations of a block's region behind those of another."""
    for op in source.ops:
        target.add_op(op.clone(values))
