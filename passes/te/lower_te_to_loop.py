"""lower-te-to-loop: each tensor expression becomes the naive loop nest that computes it.

A function of tensors becomes a function of memrefs whose results are further arguments, in order;
intermediate tensors become allocations at the top of the function. A tensor's layout becomes its
memref's. Every axis becomes one serial loop around one block, whose variables `v_<axis>` equal the
loops. A loop keeps its axis' name if that is free in the function, else it is `<compute>_<axis>`.
The order of the loops is spatial, then reduction. Every
buffer gets a name that no other one has. Sums of floats are marked `contract`, so that a
product and the sum it goes into may become one fused multiply-add.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from xdsl.builder import Builder
from xdsl.context import Context
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import (
    AnyFloat,
    ArrayAttr,
    DictionaryAttr,
    FloatAttr,
    FunctionType,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    NoneAttr,
    StringAttr,
    TensorType,
)
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint

from analysis.errors import UnsupportedError
from dialects import loop, te
from dialects.layout import layout_of
from passes.locations import locate

CONTRACT = arith.FastMathFlagsAttr([FastMathFlag.ALLOW_CONTRACT])


def memref_type(type: Attribute, scope: str | None = None) -> MemRefType[Attribute]:
    """The memref that holds a tensor, in its layout."""
    assert isinstance(type, TensorType)
    layout = layout_of(type)
    space = NoneAttr() if scope is None else StringAttr(scope)
    return MemRefType(type.element_type, type.get_shape(), layout or NoneAttr(), space)


def constant_of(type: Attribute, value: float) -> arith.ConstantOp:
    """A constant of a float or integer element type."""
    if isinstance(type, IntegerType | IndexType):
        return arith.ConstantOp(IntegerAttr(int(value), type))
    assert isinstance(type, AnyFloat)
    return arith.ConstantOp(FloatAttr(value, type))


def extreme(type: Attribute, sign: int) -> float:
    """The smallest (sign -1) or largest value of an element type."""
    if isinstance(type, IntegerType):
        width = type.width.data
        return -(2 ** (width - 1)) if sign < 0 else 2 ** (width - 1) - 1
    return sign * float("inf")


def identity_of(reducer: str, type: Attribute) -> float:
    """The value that a reduction of no elements has."""
    match reducer:
        case "sum":
            return 0
        case "prod":
            return 1
        case "max" | "argmax":
            return extreme(type, -1)
        case _:
            return extreme(type, 1)


def combine_op(reducer: str, left: SSAValue, right: SSAValue) -> Operation:
    """One step of a reducer with a name."""
    if isinstance(left.type, IntegerType | IndexType):
        table = {
            "sum": arith.AddiOp,
            "prod": arith.MuliOp,
            "max": arith.MaxSIOp,
            "min": arith.MinSIOp,
        }
        return table[reducer](left, right)
    match reducer:
        case "sum":
            return arith.AddfOp(left, right, CONTRACT)
        case "prod":
            return arith.MulfOp(left, right)
        case "max":
            return arith.MaximumfOp(left, right)
        case _:
            return arith.MinimumfOp(left, right)


@dataclass
class Names:
    """The names of loops, blocks and buffers of one function, each given once."""

    taken: set[str] = field(default_factory=set[str])
    separator: str = "_"

    def fresh(self, *wishes: str) -> str:
        """The first wish that is free, else the last one with the first free number."""
        number = 0
        for wish in wishes:
            if wish not in self.taken:
                self.taken.add(wish)
                return wish
        while f"{wishes[-1]}{self.separator}{(number := number + 1)}" in self.taken:
            pass
        name = f"{wishes[-1]}{self.separator}{number}"
        self.taken.add(name)
        return name


@dataclass
class Lowering:
    """The state of one function's lowering: what each tensor and outer value became."""

    names: Names
    buffers: dict[SSAValue, SSAValue]
    values: dict[SSAValue, SSAValue]
    builder: Builder
    buffer_names: Names = field(default_factory=lambda: Names(separator=""))
    """A buffer's name is that of its value, from which xDSL cuts off `_` and a number."""

    def buffer(self, tensor: SSAValue) -> SSAValue:
        return self.buffers[tensor]

    def lower(self, op: Operation) -> None:
        """Lower one operation of the function's body; what is made of it has its location."""
        block = self.builder.insertion_point.block
        last = block.last_op
        self.dispatch(op)
        new = block.first_op if last is None else last.next_op
        while new is not None:
            locate(op.location, new)
            new = new.next_op

    def dispatch(self, op: Operation) -> None:
        """Lower one operation by its kind."""
        match op:
            case te.ComputeOp():
                self.compute(op)
            case te.ScatterOp():
                self.scatter(op)
            case te.DimOp():
                dim = self.builder.insert(loop.DimOp(op.symbol.data))
                self.values[op.result] = dim.result
            case func.ReturnOp():
                self.builder.insert(func.ReturnOp())
            case _ if not any(isinstance(v.type, TensorType) for v in (*op.operands, *op.results)):
                self.builder.insert(op.clone(self.values))
            case _:
                raise UnsupportedError(
                    f"lower-te-to-loop: {op.name} is not a tensor expression; "
                    "the operations it lowers are te.compute, te.scatter and scalar ones"
                )

    def allocate(self, tensor: SSAValue, name: str) -> None:
        """Give `tensor` a buffer of its own, unless it already has one (a result does)."""
        if tensor not in self.buffers:
            alloc = self.builder.insert(loop.AllocOp(memref_type(tensor.type)))
            alloc.result.name_hint = self.buffer_names.fresh(tensor.name_hint or name)
            self.buffers[tensor] = alloc.result

    def nest(
        self,
        compute: str,
        axes: Sequence[str],
        extents: AffineMap,
        bounds: Sequence[SSAValue],
        reduce: Sequence[bool],
        fill: Callable[[Block], None],
        fill_init: Callable[[Block], None] | None = None,
    ) -> loop.BlockOp:
        """Serial loops over all axes around one block; `fill` and `fill_init` write its regions."""
        block_name = self.names.fresh(compute)
        outer = [self.values[b] for b in bounds]
        count = len(outer)
        inductions: list[SSAValue] = []
        builder = self.builder
        for axis, extent in zip(axes, extents.results, strict=True):
            name = self.names.fresh(axis, f"{compute}_{axis}")
            op = loop.ForOp(name, 0, AffineMap(count, 0, (extent,)), bounds=outer)
            builder.insert(op)
            builder = Builder(InsertPoint.at_end(op.body.block))
            inductions.append(op.induction)

        def region(fill: Callable[[Block], None]) -> Region:
            block = Block(arg_types=[IndexType()] * len(axes))
            for argument, axis in zip(block.args, axes, strict=True):
                argument.name_hint = f"v_{axis}"
            fill(block)
            return Region(block)

        dims = count + len(axes)
        bindings = tuple(AffineExpr.dimension(count + i) for i in range(len(axes)))
        return builder.insert(
            loop.BlockOp(
                block_name,
                [*outer, *inductions],
                ["reduce" if r else "spatial" for r in reduce],
                AffineMap(dims, 0, extents.results),
                AffineMap(dims, 0, bindings),
                AffineMap(dims, 0, ()),
                region(fill),
                None if fill_init is None else region(fill_init),
            )
        )

    def body(
        self, source: Block, arguments: Sequence[SSAValue], builder: Builder
    ) -> list[SSAValue]:
        """Clone a te body behind `builder`, its reads becoming loads; returns what it yields."""
        mapping = dict(self.values)
        mapping.update(zip(source.args, arguments, strict=True))
        for op in source.ops:
            if isinstance(op, te.YieldOp):
                return [mapping.get(v, v) for v in op.values]
            if isinstance(op, te.ReadOp):
                new = loop.LoadOp(
                    self.buffer(op.tensor),
                    [mapping[i] for i in op.indices],
                    op.map.data,
                    op.where.data,
                    None if op.otherwise is None else mapping.get(op.otherwise, op.otherwise),
                )
                new.location = op.location
                new.result.name_hint = op.result.name_hint
                mapping[op.result] = new.result
                builder.insert(new)
            else:
                builder.insert(op.clone(mapping))
        raise AssertionError("a te body ends with te.yield")

    def compute(self, op: te.ComputeOp) -> None:
        """Lower a te.compute."""
        name = op.compute_name.data
        rank = op.rank.data
        for result in op.results:
            self.allocate(result, name)
        targets = [self.buffer(result) for result in op.results]
        place = AffineMap.identity(rank)

        def store(builder: Builder, values: Sequence[SSAValue], block: Block) -> None:
            for value, target in zip(values, targets, strict=True):
                builder.insert(loop.StoreOp(value, target, block.args[:rank], place))

        def fill_init(block: Block) -> None:
            assert op.reducer is not None
            builder = Builder(InsertPoint.at_end(block))
            store(builder, self.identities(op, builder), block)

        def fill(block: Block) -> None:
            builder = Builder(InsertPoint.at_end(block))
            old: list[SSAValue] = []
            if op.reducer is not None:
                for target in targets:
                    load = builder.insert(loop.LoadOp(target, block.args[:rank], place))
                    load.result.name_hint = "acc"
                    old.append(load.result)
            values = self.body(op.body.block, block.args, builder)
            if op.reducer is not None:
                values = self.combine(op, old, values, builder)
            store(builder, values, block)

        self.nest(
            name,
            [axis.data for axis in op.axes.data],
            op.extents.data,
            op.bounds,
            [i >= rank for i in range(len(op.axes.data))],
            fill,
            None if op.reducer is None else fill_init,
        )

    def identities(self, op: te.ComputeOp, builder: Builder) -> list[SSAValue]:
        """The values a reduction begins with."""
        assert op.reducer is not None
        if op.combiner is not None:
            return [self.values.get(v, v) for v in op.identities]
        types = [v.type for v in op.yielded]
        numbers = [identity_of(op.reducer.data, types[0]), *([0] * (len(types) - 1))]
        return [
            builder.insert(constant_of(t, n)).result for t, n in zip(types, numbers, strict=True)
        ]

    def combine(
        self, op: te.ComputeOp, old: list[SSAValue], new: list[SSAValue], builder: Builder
    ) -> list[SSAValue]:
        """One step of the reduction."""
        assert op.reducer is not None
        reducer = op.reducer.data
        if op.combiner is not None:
            return self.body(op.combiner.block, [*old, *new], builder)
        if reducer in ("argmax", "argmin"):
            return self.pick(reducer, old, new, builder)
        step = combine_op(reducer, old[0], new[0])
        product = new[0].owner
        if reducer == "sum" and isinstance(product, arith.MulfOp):
            product.fastmath = CONTRACT
        return [builder.insert(step).results[0]]

    def pick(
        self, reducer: str, old: list[SSAValue], new: list[SSAValue], builder: Builder
    ) -> list[SSAValue]:
        """Keep the better (value, index) pair; of equal values the one with the smaller index."""
        more = reducer == "argmax"
        if isinstance(new[0].type, IntegerType):
            better = builder.insert(arith.CmpiOp(new[0], old[0], "sgt" if more else "slt"))
            equal = builder.insert(arith.CmpiOp(new[0], old[0], "eq"))
        else:
            better = builder.insert(arith.CmpfOp(new[0], old[0], "ogt" if more else "olt"))
            equal = builder.insert(arith.CmpfOp(new[0], old[0], "oeq"))
        smaller = builder.insert(arith.CmpiOp(new[1], old[1], "slt"))
        tie = builder.insert(arith.AndIOp(equal.result, smaller.result))
        take = builder.insert(arith.OrIOp(better.result, tie.result))
        return [
            builder.insert(arith.SelectOp(take, n, o)).result for n, o in zip(new, old, strict=True)
        ]

    def scatter(self, op: te.ScatterOp) -> None:
        """Lower a te.scatter: a copy, then a nest whose every loop belongs to the reduction."""
        name = op.compute_name.data
        self.allocate(op.result, name)
        source, target = self.buffer(op.init), self.buffer(op.result)
        assert isinstance(target.type, MemRefType)
        rank = target.type.get_num_dims()
        place = AffineMap.identity(rank)
        sizes = [AffineExpr.constant(size) for size in target.type.get_shape()]

        def fill_copy(block: Block) -> None:
            builder = Builder(InsertPoint.at_end(block))
            value = builder.insert(loop.LoadOp(source, block.args, place)).result
            builder.insert(loop.StoreOp(value, target, block.args, place))

        def fill(block: Block) -> None:
            builder = Builder(InsertPoint.at_end(block))
            value, *where = self.body(op.body.block, block.args, builder)
            old = builder.insert(loop.LoadOp(target, where, place)).result
            new = builder.insert(combine_op(op.reducer.data, old, value)).results[0]
            builder.insert(loop.StoreOp(new, target, where, place))

        axes = [f"d{i}" for i in range(rank)]
        copy = AffineMap(0, 0, tuple(sizes))
        self.nest(f"{name}_copy", axes, copy, [], [False] * rank, fill_copy)
        names = [axis.data for axis in op.axes.data]
        self.nest(name, names, op.extents.data, op.bounds, [True] * len(names), fill)


def lower_function(op: func.FuncOp) -> func.FuncOp:
    """The loop form of a function of tensors."""
    block = op.body.block
    last = block.last_op
    assert isinstance(last, func.ReturnOp)
    inputs = [memref_type(a.type) if isinstance(a.type, TensorType) else a.type for a in block.args]
    outputs = [memref_type(v.type) for v in last.arguments]
    new = func.FuncOp(
        op.sym_name.data,
        FunctionType.from_lists([*inputs, *outputs], []),
        visibility=op.sym_visibility,
    )
    new.location = op.location
    new.attributes |= op.attributes
    marks = [*(op.arg_attrs or [DictionaryAttr({})] * len(inputs))]
    marks += [*(op.res_attrs or [DictionaryAttr({})] * len(outputs))]
    if any(mark.data for mark in marks):
        new.arg_attrs = ArrayAttr(marks)
    arguments = new.body.block.args
    builder = Builder(InsertPoint.at_end(new.body.block))
    state = Lowering(Names(), {}, {}, builder)
    for old, argument in zip(block.args, arguments[: len(inputs)], strict=True):
        argument.name_hint = state.buffer_names.fresh(old.name_hint or "input")
        (state.buffers if isinstance(old.type, TensorType) else state.values)[old] = argument
    for value, argument in zip(last.arguments, arguments[len(inputs) :], strict=True):
        if isinstance(value, BlockArgument) or value in state.buffers:
            raise UnsupportedError(
                f"lower-te-to-loop: @{op.sym_name.data} returns "
                f"{'an argument' if isinstance(value, BlockArgument) else 'one tensor twice'}; "
                "a function returns each tensor that it computes at most once"
            )
        argument.name_hint = state.buffer_names.fresh(value.name_hint or "output")
        state.buffers[value] = argument
    for inner in block.ops:
        state.lower(inner)
    return new


def is_te_function(op: Operation) -> bool:
    """Whether `op` is a function whose body has tensor expressions."""
    return isinstance(op, func.FuncOp) and any(
        isinstance(inner, te.ComputeOp | te.ScatterOp)
        for inner in (op.body.block.ops if op.body.blocks else ())
    )


@dataclass(frozen=True)
class LowerTeToLoopPass(ModulePass):
    """Lower every function of tensor expressions to naive loop nests."""

    name = "lower-te-to-loop"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in list(op.ops):
            if isinstance(inner, func.FuncOp) and is_te_function(inner):
                new = lower_function(inner)
                op.body.block.insert_op_before(new, inner)
                inner.detach()
                inner.erase(safe_erase=False)
