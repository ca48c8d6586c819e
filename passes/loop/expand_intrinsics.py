"""expand-intrinsics: each call of a tensor instruction becomes loops that compute what it computes.

    loop.block "C" (%y = ..., reduce %k = ...)          for C_i, C_j, C_k
      init { loop.intrinsic @gemm "reset"(%T[...]) }      loop.block "C": T[.. i, .. j] +=
      { loop.intrinsic @gemm "update"(%T[...], ...) }  ->   A[.. k, .. i] * B[.. k, .. j]

What an instruction computes stands in its te.intrinsic, so that any machine can run a program for
an accelerator, and a result can be compared. Calls that the module's target, a CPU, can run by
itself stay. The pass stands behind everything that looks for calls, before code is emitted.
`compute` writes the result, `reset` the identity of its reducer, `update` combines the result with
what is there; a reset in an init region becomes a nest of its own that runs where the reduction
begins. A result whose buffer the instruction also reads is computed into a buffer of its own first,
but for elementwise instructions in place.

Names: loops `<block>_<axis>` around the block; what stands before it are blocks `<block>_init` and
`<block>_<compute>`, and the block `<block>_result` writes a result that had a buffer of its own.
Refuses: an instruction that the module does not declare; a whole tile that has an origin; updates
of what no sum, prod, max or min is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    IndexType,
    ModuleOp,
    TensorType,
)
from xdsl.ir import Block, BlockArgument, Region, SSAValue
from xdsl.ir.affine import AffineConstantExpr, AffineExpr, AffineMap
from xdsl.passes import ModulePass
from xdsl.traits import SymbolTable

from analysis.affine import Affine, from_expression
from analysis.errors import UserError
from dialects import loop, te
from dialects.target import target_of
from passes.locations import locate
from passes.loop.forms import block_with, forms_of, map_of
from passes.loop.primitive import Scope, insert_before
from passes.te.lower_te_to_loop import combine_op, constant_of, identity_of, memref_type

REDUCERS = ("sum", "prod", "max", "min")


@dataclass(frozen=True)
class Operand:
    """Where the elements of an operand lie: `place` is over index values, then its element."""

    buffer: SSAValue
    place: AffineMap
    values: tuple[SSAValue, ...]
    """The index values of the call that the first dimensions of `place` stand for."""

    @staticmethod
    def of(scope: Scope, call: loop.IntrinsicOp, number: int, rank: int) -> "Operand":
        """The operand of a call with this number, of so many dimensions."""
        tile, place = call.tiles[number], call.places[number]
        if place is None:
            if isinstance(tile.owner, loop.AllocOp) and tile.owner.has_origin:
                raise scope.error(
                    f"loop.intrinsic @{call.callee.string_value()} takes the whole of "
                    f"%{tile.name_hint}, which has an origin: write the coordinates of its elements"
                )
            return Operand(tile, AffineMap.identity(rank), ())
        count = len(call.indices)
        dims = [AffineExpr.dimension(i) for i in range(count + rank)]
        whole = place.replace_dims_and_symbols(dims[:count], dims[count:], len(dims), 0)
        return Operand(tile, whole, tuple(call.indices))

    def access(
        self, element: Sequence[Affine], variables: dict[SSAValue, SSAValue]
    ) -> tuple[list[SSAValue], AffineMap]:
        """The indices of an element, its own index given as forms of a new block's variables."""
        dims = [*(Affine.variable(variables.get(v, v)) for v in self.values), *element]
        forms = [from_expression(e, dims, {}) for e in self.place.results]
        operands: list[SSAValue] = []
        exprs = tuple(map_of(forms, operands))
        return operands, AffineMap(len(operands), 0, exprs)


@dataclass
class Body:
    """A region of a new block while it is written; `mapping` has what stands for old values."""

    expansion: "Expansion"
    block: Block
    mapping: dict[SSAValue, SSAValue]
    outer: dict[SSAValue, SSAValue]
    """The variables of the block that made the call, as this one sees them."""

    def form(self, value: SSAValue) -> Affine:
        return Affine.variable(self.mapping.get(value, value))

    def load(self, operand: Operand, element: Sequence[Affine]) -> SSAValue:
        indices, place = operand.access(element, self.outer)
        load = loop.LoadOp(operand.buffer, indices, place)
        self.block.add_op(load)
        return load.result

    def store(self, value: SSAValue, operand: Operand, element: Sequence[Affine]) -> None:
        indices, place = operand.access(element, self.outer)
        self.block.add_op(loop.StoreOp(value, operand.buffer, indices, place))

    def values(self, source: Block) -> list[SSAValue]:
        """Clone the body of a te.compute, its reads as loads; returns what it yields."""
        for op in source.ops:
            match op:
                case te.YieldOp():
                    return [self.scalar(v) for v in op.values]
                case te.ReadOp():
                    self.mapping[op.result] = self.read(op)
                case _:
                    for operand in op.operands:
                        self.scalar(operand)
                    new = op.clone(self.mapping)
                    self.mapping.update(zip(op.results, new.results, strict=True))
                    self.block.add_op(new)
        raise AssertionError("a te body ends with te.yield")

    def scalar(self, value: SSAValue) -> SSAValue:
        """What a scalar of the behaviour is here; immediates become constants."""
        if value not in self.mapping and value in self.expansion.immediates:
            number = self.expansion.immediates[value]
            self.block.add_op(constant := constant_of(value.type, number))
            self.mapping[value] = constant.result
        return self.mapping.get(value, value)

    def read(self, op: te.ReadOp) -> SSAValue:
        """An element of an operand or of what has been computed before."""
        dims = [self.form(v) for v in op.indices]
        element = [from_expression(e, dims, {}) for e in op.map.data.results]
        operand = self.expansion.operands[op.tensor]
        if op.otherwise is None:
            return self.load(operand, element)
        indices, place = operand.access(element, self.outer)
        guards = [from_expression(e, dims, {}) for e in op.where.data.results]
        exprs = tuple(map_of(guards, indices))
        count = len(indices)
        load = loop.LoadOp(
            operand.buffer,
            indices,
            AffineMap(count, 0, place.results),
            AffineMap(count, 0, exprs),
            self.scalar(op.otherwise),
        )
        self.block.add_op(load)
        return load.result


@dataclass
class Expansion:
    """One call while it becomes loops."""

    scope: Scope
    block: loop.BlockOp
    call: loop.IntrinsicOp
    declared: te.IntrinsicOp
    in_init: bool = False
    operands: dict[SSAValue, Operand] = field(default_factory=dict[SSAValue, Operand])
    immediates: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])

    @property
    def name(self) -> str:
        return self.block.block_name.data

    def run(self) -> None:
        """Put loops before the block that makes the call."""
        behaviour = self.declared.behaviour.block
        last = behaviour.last_op
        assert isinstance(last, te.YieldOp)
        outputs = [
            Operand.of(self.scope, self.call, i, rank_of(value))
            for i, value in enumerate(last.values)
        ]
        if self.call.form.data == "reset":
            for value, output in zip(last.values, outputs, strict=True):
                self.begin(self.compute_of(value), output)
            return
        tensors = [a for a in behaviour.args if isinstance(a.type, TensorType)]
        scalars = [a for a in behaviour.args if not isinstance(a.type, TensorType)]
        if len(self.call.tiles) != len(outputs) + len(tensors):
            raise self.error(f"{len(self.call.tiles)} operands, not {len(outputs) + len(tensors)}")
        for i, value in enumerate(tensors):
            self.operands[value] = Operand.of(
                self.scope, self.call, len(outputs) + i, rank_of(value)
            )
        self.immediates = dict(zip(scalars, self.call.immediate_values, strict=True))
        results: dict[SSAValue, Operand] = dict(zip(last.values, outputs, strict=True))
        for op in behaviour.ops:
            if isinstance(op, te.ComputeOp):
                target = results.get(op.results[0])
                if target is None:
                    self.inner(op)
                else:
                    self.result(op, target)

    def error(self, reason: str) -> UserError:
        return self.scope.error(
            f"loop.intrinsic @{self.call.callee.string_value()} in block '{self.name}': {reason}"
        )

    def compute_of(self, value: SSAValue) -> te.ComputeOp:
        """The reduction whose identity a reset writes, or to which an update adds."""
        op = value.owner
        reducer = op.reducer if isinstance(op, te.ComputeOp) else None
        if not isinstance(op, te.ComputeOp) or reducer is None or reducer.data not in REDUCERS:
            raise self.error(
                f"the form {self.call.form.data} needs a result that is one of "
                f"{', '.join(REDUCERS)}"
            )
        return op

    def begin(self, op: te.ComputeOp, output: Operand) -> None:
        """Write the identity of a reduction."""
        assert op.reducer is not None
        reducer, type = op.reducer.data, op.yielded[0].type

        def fill(body: Body, axes: Sequence[Affine]) -> None:
            body.block.add_op(value := constant_of(type, identity_of(reducer, type)))
            body.store(value.result, output, axes)

        name = f"{self.name}_init" if self.in_init else self.name
        self.nest(name, op, op.spatial, fill, begin=self.in_init)

    def inner(self, op: te.ComputeOp) -> None:
        """Compute what only the instruction itself sees into a buffer of its own."""
        name = f"{self.name}_{op.compute_name.data}"
        buffer = loop.AllocOp(memref_type(op.results[0].type, "local"))
        buffer.result.name_hint = name
        rank = op.rank.data
        self.operands[op.results[0]] = Operand(buffer.result, AffineMap.identity(rank), ())
        insert_before(self.block, buffer)
        self.computation(op, self.operands[op.results[0]], name, fresh=True)

    def result(self, op: te.ComputeOp, target: Operand) -> None:
        """Compute a result of the call."""
        update = self.call.form.data == "update"
        if update:
            self.compute_of(op.results[0])
        if not self.is_overwritten(op, target):
            self.computation(op, target, self.name, fresh=not update)
            return
        self.inner(op)
        own = self.operands[op.results[0]]

        def fill(body: Body, axes: Sequence[Affine]) -> None:
            value = body.load(own, axes)
            if update:
                assert op.reducer is not None
                old = body.load(target, axes)
                body.block.add_op(step := combine_op(op.reducer.data, old, value))
                value = step.results[0]
            body.store(value, target, axes)

        self.nest(f"{self.name}_result", op, op.spatial, fill)

    def is_overwritten(self, op: te.ComputeOp, target: Operand) -> bool:
        """Whether writing the result may change what the call has still to read."""
        reads = [r for r in self.declared.behaviour.walk() if isinstance(r, te.ReadOp)]
        for read in reads:
            operand = self.operands.get(read.tensor)
            if operand is None or operand.buffer is not target.buffer:
                continue
            own = read.parent_block() is op.body.block and list(read.indices) == list(op.spatial)
            plain = own and read.map.data == AffineMap.identity(op.rank.data)
            same = operand.place == target.place and operand.values == target.values
            if not plain or not same or op.reducer is not None:
                return True
        return False

    def computation(self, op: te.ComputeOp, target: Operand, name: str, fresh: bool) -> None:
        """Compute a te.compute; one that is not `fresh` goes on from what is there."""
        reducer = None if op.reducer is None else op.reducer.data
        if reducer is not None and reducer not in REDUCERS:
            raise self.error(f"it reduces by {reducer}; {', '.join(REDUCERS)} can be expanded")
        rank = op.rank.data

        def fill(body: Body, axes: Sequence[Affine]) -> None:
            (value,) = body.values(op.body.block)
            if reducer is not None:
                old = body.load(target, axes[:rank])
                body.block.add_op(step := combine_op(reducer, old, value))
                value = step.results[0]
            body.store(value, target, axes[:rank])

        def fill_init(body: Body, axes: Sequence[Affine]) -> None:
            assert reducer is not None
            type = op.yielded[0].type
            body.block.add_op(value := constant_of(type, identity_of(reducer, type)))
            body.store(value.result, target, axes[:rank])

        axes = [*op.spatial, *op.reduction]
        init = fill_init if fresh and reducer is not None else None
        self.nest(name, op, axes, fill, init)

    def nest(
        self,
        wish: str,
        op: te.ComputeOp,
        axes: Sequence[BlockArgument],
        fill: Callable[[Body, Sequence[Affine]], None],
        fill_init: Callable[[Body, Sequence[Affine]], None] | None = None,
        begin: bool = False,
    ) -> None:
        """Put loops over axes of a te.compute around a block with the variables of the call's.

        `begin` lets it run only where the block's reduction begins.
        """
        old = self.block
        bindings = forms_of(old, "bindings")
        goes_on = self.call.form.data == "update" and not begin and fill_init is None
        iterators = [i.data if goes_on else "spatial" for i in old.iterators.data]
        domains, where = [*forms_of(old, "domains")], [*forms_of(old, "where")]
        if begin:
            where += [b * -1 for b, r in zip(bindings, old.is_reduce, strict=True) if r]
        name = wish if wish == self.name else self.scope.fresh(wish)[0]
        loops: list[loop.ForOp] = []
        extents = op.extents.data.results
        for axis in axes:
            extent = extents[axis.index]
            assert isinstance(extent, AffineConstantExpr), "operands have constant sizes"
            label = axis.name_hint or op.axes.data[axis.index].data
            inner = loop.ForOp(self.scope.fresh(f"{name}_{label}")[0], 0, extent.value)
            if loops:
                loops[-1].body.block.add_op(inner)
            loops.append(inner)
            bindings.append(Affine.variable(inner.induction))
            domains.append(Affine({}, extent.value))
            iterators.append("reduce" if axis.index >= op.rank.data else "spatial")
        count = len(old.variables)

        def region(write: Callable[[Body, Sequence[Affine]], None]) -> Region:
            block = Block(arg_types=[IndexType()] * len(bindings))
            for argument, source in zip(block.args, [*old.variables, *axes], strict=True):
                argument.name_hint = source.name_hint
            outer: dict[SSAValue, SSAValue] = dict(
                zip(old.variables, block.args[:count], strict=True)
            )
            if old.init is not None:
                outer.update(zip(old.init.block.args, block.args[:count], strict=True))
            mapping: dict[SSAValue, SSAValue] = dict(zip(axes, block.args[count:], strict=True))
            places = [Affine.variable(a) for a in block.args[count:]]
            write(Body(self, block, mapping, outer), places)
            return Region(block)

        new = block_with(name, iterators, domains, bindings, where, region(fill))
        if fill_init is not None:
            new.add_region(region(fill_init))
        locate(old.location, *loops, new)
        if loops:
            loops[-1].body.block.add_op(new)
        insert_before(old, *loops[:1], *([] if loops else [new]))


def rank_of(value: SSAValue) -> int:
    assert isinstance(value.type, TensorType)
    return value.type.get_num_dims()


def declaration_of(scope: Scope, call: loop.IntrinsicOp) -> te.IntrinsicOp:
    """What a call means."""
    found = SymbolTable.lookup_symbol(call, call.callee)
    if not isinstance(found, te.IntrinsicOp):
        raise scope.error(f"the module declares no te.intrinsic @{call.callee.string_value()}")
    return found


def only_call(block: Block) -> loop.IntrinsicOp | None:
    """The call that is all of a region."""
    first = block.first_op
    if not isinstance(first, loop.IntrinsicOp) or first is not block.last_op:
        return None
    return first


def expand(scope: Scope, block: loop.BlockOp) -> None:
    """Put loops in the place of a block that calls an instruction."""
    for region in (block.init, block.body):
        call = None if region is None else only_call(region.block)
        if call is not None:
            declared = declaration_of(scope, call)
            Expansion(scope, block, call, declared, in_init=region is block.init).run()
    block.detach()
    block.erase()


def instructions_of_target(module: ModuleOp) -> frozenset[str]:
    """The instructions that the module's target can run by itself."""
    if "target" not in module.attributes:
        return frozenset()
    machine = target_of(module).machine
    return frozenset(
        op.sym_name.data
        for op in module.ops
        if isinstance(op, te.IntrinsicOp)
        and op.llvm_text is not None
        and machine.device == "llvm"
        and op.needed_features <= machine.features
    )


@dataclass(frozen=True)
class ExpandIntrinsicsPass(ModulePass):
    """Replace calls of tensor instructions by what they compute."""

    name = "expand-intrinsics"
    reassociates: ClassVar = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        known = instructions_of_target(op)
        for function in op.ops:
            if isinstance(function, func.FuncOp):
                scope = Scope(self.name, function)
                for inner in [o for o in function.walk() if isinstance(o, loop.BlockOp)]:
                    call = only_call(inner.body.block)
                    if call is not None and call.callee.string_value() not in known:
                        expand(scope, inner)
