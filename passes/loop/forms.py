"""The affine forms in the maps of loop operations: read, replaced, composed.

Operations hold index operands and maps over them. A primitive works on forms of the values
themselves and writes them back, so that operands which are no longer used disappear.
"""

from collections.abc import Hashable, Mapping, Sequence

from xdsl.dialects.builtin import AffineMapAttr, DenseArrayBase, i32
from xdsl.ir import Operation, Region, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from analysis.affine import Affine, Interval, from_expression, to_expression
from dialects import loop
from passes.loop.primitive import loops_around

Ranges = dict[Hashable, Interval]

SEGMENTS = "operandSegmentSizes"

MAPS: dict[type[Operation], tuple[str, ...]] = {
    loop.AllocOp: ("origin", "part"),
    loop.BlockOp: ("domains", "bindings", "where"),
    loop.ForOp: ("lower", "upper"),
    loop.PrefetchOp: ("map", "distance"),
}
"""The maps of the operations that see loop variables."""


def index_operands(op: Operation) -> Sequence[SSAValue]:
    """The operands that the maps of `op` are over."""
    match op:
        case loop.AllocOp() | loop.BlockOp():
            return op.outer
        case loop.ForOp():
            return op.bounds
        case loop.PrefetchOp():
            return op.indices
        case _:
            raise AssertionError(f"{op.name} has no maps over loops")


def forms_of(op: Operation, name: str, ranges: Ranges | None = None) -> list[Affine]:
    """The results of one map of `op` as forms of its operands."""
    map: AffineMap = op.properties[name].data  # pyright: ignore[reportAttributeAccessIssue]
    operands = [Affine.variable(v) for v in index_operands(op)]
    return [from_expression(e, operands, ranges or {}) for e in map.results]


def set_forms(op: Operation, **maps: Sequence[Affine]) -> None:
    """Write maps of `op`; maps that are not given keep their forms."""
    forms = {name: maps.get(name) for name in MAPS[type(op)]}
    full = {name: forms_of(op, name) if f is None else f for name, f in forms.items()}
    values: list[SSAValue] = []

    def position(variable: Hashable) -> int:
        assert isinstance(variable, SSAValue)
        if variable not in values:
            values.append(variable)
        return values.index(variable)

    exprs = {name: [to_expression(f, position) for f in fs] for name, fs in full.items()}
    others = len(op.operands) - len(index_operands(op))
    op.operands = [*op.operands[:others], *values]
    if isinstance(op, loop.AllocOp):
        op.properties[SEGMENTS] = DenseArrayBase.from_list(i32, [others, len(values)])
    for name, results in exprs.items():
        op.properties[name] = AffineMapAttr(AffineMap(len(values), 0, tuple(results)))


def map_of(forms: Sequence[Affine], values: list[SSAValue]) -> list[AffineExpr]:
    """Expressions over `values`, which grows by the variables that are new."""

    def position(variable: Hashable) -> int:
        assert isinstance(variable, SSAValue)
        if variable not in values:
            values.append(variable)
        return values.index(variable)

    return [to_expression(f, position) for f in forms]


def replace_variables(
    root: Operation, values: Mapping[Hashable, Affine], ranges: Ranges | None = None
) -> None:
    """Put forms in the place of loop variables in every map of the operations in `root`."""
    for op in root.walk():
        if type(op) not in MAPS or not any(v in values for v in index_operands(op)):
            continue
        set_forms(
            op,
            **{
                name: [f.substitute(values, ranges or {}) for f in forms_of(op, name)]
                for name in MAPS[type(op)]
            },
        )


def ranges_of(loops: Sequence[loop.ForOp], known: Ranges | None = None) -> Ranges:
    """The intervals of the variables of loops, outermost first, beside those that are `known`."""
    ranges: Ranges = dict(known or {})
    for op in loops:
        low = forms_of(op, "lower", ranges)[0].interval(ranges)[0]
        high = forms_of(op, "upper", ranges)[0].interval(ranges)[1]
        ranges[op.induction] = (low, None if high is None else high - 1)
    return ranges


def variables_of(block: loop.BlockOp) -> dict[Hashable, Affine]:
    """For each variable of a block, in body and init, the form of the loops it is bound to."""
    ranges = ranges_of(loops_around(block))
    bindings = forms_of(block, "bindings", ranges)
    found: dict[Hashable, Affine] = dict(zip(block.variables, bindings, strict=True))
    if block.init is not None:
        found.update(zip(block.init.block.args, bindings, strict=True))
    return found


def coordinates(access: loop.LoadOp | loop.StoreOp) -> list[Affine]:
    """The logical coordinates of an access, as forms of the block's variables."""
    indices = [Affine.variable(v) for v in access.indices]
    return [from_expression(e, indices, {}) for e in access.map.data.results]


def block_with(
    name: str,
    iterators: Sequence[str],
    domains: Sequence[Affine],
    bindings: Sequence[Affine],
    where: Sequence[Affine],
    body: Region,
    init: Region | None = None,
) -> loop.BlockOp:
    """A block whose maps are given as forms."""
    values: list[SSAValue] = []
    exprs = [map_of(forms, values) for forms in (domains, bindings, where)]
    maps = [AffineMap(len(values), 0, tuple(e)) for e in exprs]
    return loop.BlockOp(name, values, iterators, maps[0], maps[1], maps[2], body, init)


def for_with(name: str, lower: Affine, upper: Affine, kind: str) -> loop.ForOp:
    """An empty loop whose bounds are given as forms."""
    values: list[SSAValue] = []
    low, high = map_of([lower, upper], values)
    count = len(values)
    bounds = AffineMap(count, 0, (low,)), AffineMap(count, 0, (high,))
    return loop.ForOp(name, *bounds, kind=kind, bounds=values)
