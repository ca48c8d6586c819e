"""The instances of one block below a chain of loops, as the axes of whole arrays.

Loops that meet in one variable or one condition of the block form a component; the components are
independent of each other, so the instances are the product of the points of each. A component
is one axis: a flat list of those of its loop points that the guards let through.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from xdsl.dialects import arith, math
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineExpr

from backends.interpreter.arrays import Function, compile_expression, compile_map
from backends.interpreter.scalars import Array
from dialects.loop import BlockOp, ForOp, LoadOp, StoreOp
from dialects.loop_hardware import IntrinsicOp, PrefetchOp

UFUNCS: dict[type[Operation], np.ufunc] = {
    arith.AddfOp: np.add,
    arith.AddiOp: np.add,
    arith.MulfOp: np.multiply,
    arith.MuliOp: np.multiply,
    arith.MaximumfOp: np.maximum,
    arith.MinimumfOp: np.minimum,
    arith.MaxnumfOp: np.fmax,
    arith.MinnumfOp: np.fmin,
    arith.MaxSIOp: np.maximum,
    arith.MinSIOp: np.minimum,
    arith.AndIOp: np.bitwise_and,
    arith.OrIOp: np.bitwise_or,
    arith.XOrIOp: np.bitwise_xor,
    math.FmaOp: np.add,
}
"""The combinations of a reduction `store(combine(load, rest))` whose order does not matter."""


@dataclass(frozen=True)
class Reduction:
    """`store(combine(load(cell), product of factors), cell)`, found in a block's body."""

    store: StoreOp
    load: LoadOp
    ufunc: np.ufunc
    factors: tuple[SSAValue, ...]
    skipped: frozenset[Operation]


def match_reduction(body: Block) -> Reduction | None:
    """The reduction that a body is, if it is one."""
    stores = [op for op in body.ops if isinstance(op, StoreOp)]
    if len(stores) != 1:
        return None
    store = stores[0]
    combine = store.value.owner
    if combine.__class__ not in UFUNCS or not store.value.has_one_use():
        return None
    if any(index.owner is not body for index in store.indices):
        return None  # the body computes where it stores
    assert isinstance(combine, Operation)
    loads = [o.owner for o in combine.operands if _same_cell(o.owner, store)]
    if len(loads) != 1 or not isinstance(loads[0], LoadOp) or not loads[0].result.has_one_use():
        return None
    rest = [o for o in combine.operands if o is not loads[0].result]
    if isinstance(combine, math.FmaOp) and combine.operands[2] is not loads[0].result:
        return None
    skipped: set[Operation] = {store, combine, loads[0]}
    if UFUNCS[combine.__class__] is np.add:
        rest = [f for value in rest for f in _factors(value, body, skipped)]
    return Reduction(store, loads[0], UFUNCS[combine.__class__], tuple(rest), frozenset(skipped))


def _same_cell(load: Any, store: StoreOp) -> bool:
    return (
        isinstance(load, LoadOp)
        and load.memref is store.memref
        and load.otherwise is None
        and tuple(load.indices) == tuple(store.indices)
        and load.map == store.map
    )


def _factors(value: SSAValue, body: Block, skipped: set[Operation]) -> list[SSAValue]:
    op = value.owner
    if (
        not isinstance(op, arith.MulfOp | arith.MuliOp)
        or op.parent is not body
        or not value.has_one_use()
    ):
        return [value]
    skipped.add(op)
    return [*_factors(op.lhs, body, skipped), *_factors(op.rhs, body, skipped)]


@dataclass(frozen=True)
class Component:
    """Loops of a nest (by position) whose points are one axis, and the guards on them alone."""

    loops: tuple[int, ...]
    guards: tuple[Function, ...]


@dataclass(frozen=True)
class Nest:
    """What does not change from one run of a chain of loops with one block to the next."""

    loops: tuple[ForOp, ...]
    block: BlockOp
    outer: tuple[SSAValue, ...]
    """What the maps of the block, and then other conditions, are over."""
    bounds: tuple[tuple[Function, Function], ...]
    components: tuple[Component, ...]
    guards: tuple[Function, ...]
    """Conditions on outer values only."""
    bindings: tuple[Function, ...]
    domains: tuple[Function, ...]
    reduction: Reduction | None
    whole: bool
    """Whether the body may run on arrays at all."""

    @cached_property
    def inner(self) -> frozenset[SSAValue]:
        """The variables of the loops."""
        return frozenset(loop.induction for loop in self.loops)

    @property
    def is_reduce(self) -> tuple[bool, ...]:
        return self.block.is_reduce


@dataclass
class Instances:
    """The instances of one run of a nest: an array for each loop and variable."""

    extents: tuple[int, ...]
    loops: list[Array]
    operands: list[Any]
    variables: list[Array]

    @property
    def count(self) -> int:
        return int(np.prod(self.extents, dtype=object)) if self.extents else 1


def chain_of(loop: ForOp) -> tuple[list[ForOp], BlockOp] | None:
    """The loops from `loop` down to the only block below it, or None if there is more."""
    loops: list[ForOp] = []
    op: Operation = loop
    while isinstance(op, ForOp):
        if any(bound is outer.induction for bound in op.bounds for outer in loops):
            return None
        loops.append(op)
        inner = [o for o in op.body.block.ops if not isinstance(o, PrefetchOp)]
        if len(inner) != 1:
            return None
        op = inner[0]
    return (loops, op) if isinstance(op, BlockOp) else None


def plan_nest(
    loops: Sequence[ForOp],
    block: BlockOp,
    same: Mapping[SSAValue, SSAValue] | None = None,
    given: Sequence[tuple[AffineExpr, Sequence[SSAValue]]] = (),
) -> Nest:
    """Everything about a chain that its text alone decides.

    `same` has values that others stand for, `given` more conditions, each with its operands.
    """
    position: dict[SSAValue, int] = {loop.induction: n for n, loop in enumerate(loops)}
    values = [*block.outer, *(v for _, operands in given for v in operands)]
    outer = tuple((same or {}).get(v, v) for v in values)

    def used(expr: AffineExpr) -> frozenset[int]:
        return frozenset(position[outer[d]] for d in expr.used_dims() if outer[d] in position)

    bindings, domains = block.bindings.data.results, block.domains.data.results
    conditions = [*block.where.data.results]
    for binding, domain in zip(bindings, domains, strict=True):
        conditions += [binding, domain - binding - 1]
    first = len(block.outer)
    for condition, operands in given:
        dims = [AffineExpr.dimension(first + i) for i in range(len(operands))]
        conditions.append(condition.replace_dims_and_symbols(dims, ()))
        first += len(operands)
    groups = [used(b) for b in bindings] + [used(c) for c in conditions]
    components = _components(len(loops), groups)
    guards: list[list[Function]] = [[] for _ in components]
    free: list[Function] = []
    for condition in conditions:
        loops_used = used(condition)
        where = next((n for n, c in enumerate(components) if loops_used & set(c)), None)
        (free if where is None else guards[where]).append(compile_expression(condition))
    inside = [op for r in (block.body, block.init) if r is not None for op in r.block.ops]
    return Nest(
        tuple(loops),
        block,
        outer,
        tuple((compile_map(x.lower.data)[0], compile_map(x.upper.data)[0]) for x in loops),
        tuple(Component(c, tuple(g)) for c, g in zip(components, guards, strict=True)),
        tuple(free),
        compile_map(block.bindings.data),
        compile_map(block.domains.data),
        match_reduction(block.body.block),
        not any(isinstance(op, IntrinsicOp) for op in inside)
        and not any(o in position for op in inside for o in op.operands),
    )


def _components(count: int, groups: Sequence[frozenset[int]]) -> list[tuple[int, ...]]:
    """The loops joined by the groups that hold two of them; a loop in no group is its own."""
    joined = [{n} for n in range(count)]
    for group in groups:
        touched = [c for c in joined if c & group]
        if len(touched) > 1:
            joined = [c for c in joined if not c & group]
            joined.append(set[int]().union(*touched))
    return sorted(tuple(sorted(c)) for c in joined)


def enumerate_instances(
    nest: Nest, lookup: Callable[[SSAValue], Any], ranges: Sequence[tuple[int, int]]
) -> Instances | None:
    """The instances of a run with these loop ranges; None if there are none."""
    values: dict[SSAValue, Any] = {}
    rank = len(nest.components)
    extents: list[int] = []
    scalars = [0 if v in nest.inner else lookup(v) for v in nest.outer]
    if any(guard(scalars) < 0 for guard in nest.guards):
        return None
    for axis, component in enumerate(nest.components):
        points = _points(nest, component, ranges, scalars)
        size = len(points[0])
        if size == 0:
            return None
        extents.append(size)
        shape = [size if a == axis else 1 for a in range(rank)]
        for loop, array in zip(component.loops, points, strict=True):
            values[nest.loops[loop].induction] = array.reshape(shape)
    operands = [values.get(v, s) for v, s in zip(nest.outer, scalars, strict=True)]
    variables = [np.asarray(f(operands)) for f in nest.bindings]
    loops = [values[loop.induction] for loop in nest.loops]
    return Instances(tuple(extents), loops, operands, variables)


def _points(
    nest: Nest,
    component: Component,
    ranges: Sequence[tuple[int, int]],
    scalars: Sequence[Any],
) -> list[Array]:
    """The loop points of a component that its guards let through, in the loops' order."""
    sizes = [max(0, ranges[n][1] - ranges[n][0]) for n in component.loops]
    mesh = np.indices(sizes).reshape(len(sizes), -1)
    points = [row + ranges[n][0] for row, n in zip(mesh, component.loops, strict=True)]
    if not component.guards:
        return points
    found: Mapping[SSAValue, Array] = {
        nest.loops[n].induction: p for n, p in zip(component.loops, points, strict=True)
    }
    operands = [found.get(v, s) for v, s in zip(nest.outer, scalars, strict=True)]
    keep = np.ones(mesh.shape[1], np.bool_)
    for guard in component.guards:
        keep &= np.asarray(guard(operands)) >= 0
    return points if keep.all() else [p[keep] for p in points]
