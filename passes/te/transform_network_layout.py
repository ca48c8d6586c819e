"""transform-network-layout: activations lie in memory as the kernels that use them want.

Between the kernels of a network, a feature map (n, c, h, w) that a windowed reduction reads or
writes is blocked by channels, (n, c / v, h, w, c % v) with v the vector width in elements, where it
has at least v channels; and it has a halo of the pad value where all guarded reads of it pad with
zero. Where a kernel's groups of channels do not consist of whole vectors, channels stay apart in
what it reads and writes, and in the tensors that kernels which could run along rows just as well
connect with these. The layout becomes the encoding of the tensor's type, in the network and in its
kernels; bodies stay as they are, because they are in logical coordinates. The network's own inputs
and outputs keep the identity layout: an input that would profit is copied by a kernel of its own.
The number of samples may be symbolic; where another dimension is, the layout stays as it is.

Takes a network of `graph.call` whose kernels are functions of te; it stands between
lower-graph-to-te and lower-te-to-loop, which makes encodings the layouts of memrefs.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import (
    AnyFloat,
    FixedBitwidthType,
    FloatAttr,
    FunctionType,
    ModuleOp,
    TensorType,
)
from xdsl.ir import Attribute, BlockArgument, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.traits import SymbolTable

from analysis.affine import Affine, Interval, Quotient, from_expression
from analysis.shapes import fixed, is_static
from dialects import te
from dialects.graph.structure import CallOp
from dialects.layout import LayoutAttr, logical_shape
from dialects.target import target_of
from passes.te.copy_outputs import copy_kernel, free_name

CHANNELS = 1
SPATIAL = (2, 3)


@dataclass(frozen=True)
class Use:
    """Where a tensor is read: a call, and which argument of its kernel."""

    call: CallOp
    index: int


def kernel_of(call: CallOp) -> func.FuncOp:
    """The function that a call names."""
    kernel = SymbolTable.lookup_symbol(call, call.callee)
    assert isinstance(kernel, func.FuncOp)
    return kernel


def uses_of(value: SSAValue) -> list[Use] | None:
    """The calls that read a tensor; None if anything else does."""
    uses: list[Use] = []
    for use in value.uses:
        if not isinstance(use.operation, CallOp):
            return None
        uses.append(Use(use.operation, use.index))
    return uses


def reduces(kernel: func.FuncOp) -> bool:
    """Whether a kernel has a reduction with a feature map as its result."""
    return any(
        isinstance(op, te.ComputeOp) and op.reducer is not None and op.rank.data == 4
        for op in kernel.walk()
    )


def channels_in_lanes(kernel: func.FuncOp, lanes: int) -> bool:
    """Whether the reductions of a kernel can run along channels, `lanes` of them at a time.

    They cannot where channels of one vector read different groups of channels.
    """
    for op in kernel.walk():
        if not isinstance(op, te.ComputeOp) or op.reducer is None or op.rank.data != 4:
            continue
        ranges = axis_ranges(op)
        channel = op.body.block.args[CHANNELS]
        high = ranges[channel][1]
        ranges["lane"] = (0, lanes - 1)
        ranges["vector"] = (0, None if high is None else high // lanes)
        forms: dict[Hashable, Affine] = {a: Affine.variable(a) for a in op.body.block.args}
        forms[channel] = Affine({"vector": lanes, "lane": 1})
        for read in op.body.walk():
            if not isinstance(read, te.ReadOp):
                continue
            indices = [forms.get(i, Affine.variable(i)) for i in read.indices]
            for expr in read.map.data.results:
                place = from_expression(expr, indices, ranges)
                atoms = [a for a in place.terms if isinstance(a, Quotient)]
                if any("lane" in a.numerator.variables() for a in atoms):
                    return False
    return True


def goes_along_channels(argument: BlockArgument) -> bool:
    """Whether each channel of a kernel's result reads the same channel of this argument only, and
    neighbours in a row read neighbours."""
    for use in argument.uses:
        read = use.operation
        compute = read.parent_op()
        if not isinstance(read, te.ReadOp) or not isinstance(compute, te.ComputeOp):
            return False
        if compute.rank.data <= CHANNELS:
            return False
        place = read.map.data.results[CHANNELS]
        channel = compute.body.block.args[CHANNELS]
        indices = [Affine.variable(v) for v in read.indices]
        if from_expression(place, indices, {}) != Affine.variable(channel):
            return False
        column, row = read.map.data.results[-1], compute.body.block.args[compute.rank.data - 1]
        if from_expression(column, indices, {}).coefficient(row) != 1:
            return False
    return bool(argument.uses)


def axis_ranges(op: te.ComputeOp) -> dict[Hashable, Interval]:
    """The intervals of the axes of a te.compute."""
    return {
        axis: (0, size - 1 if isinstance(size, int) else None)
        for axis, size in zip(op.body.block.args, op.extent_names(), strict=True)
    }


def padding_of(read: te.ReadOp) -> dict[int, tuple[int, int]] | None:
    """How far a guarded read goes beyond each side of the spatial dimensions, if it pads with 0."""
    value = None if read.otherwise is None else read.otherwise.owner
    compute = read.parent_op()
    if not isinstance(value, arith.ConstantOp) or not isinstance(compute, te.ComputeOp):
        return None
    if not isinstance(value.value, FloatAttr) or value.value.value.data != 0:
        return None
    ranges = axis_ranges(compute)
    indices = [Affine.variable(v) for v in read.indices]
    places = [from_expression(e, indices, ranges) for e in read.map.data.results]
    padding: dict[int, tuple[int, int]] = {}
    axes = dict(zip(compute.body.block.args, compute.extent_names(), strict=True))
    for i, (place, size) in enumerate(zip(places, logical_shape(read.tensor.type), strict=True)):
        if any(place == Affine.variable(axis) and axes[axis] == size for axis in axes):
            padding[i] = (0, 0)
            continue
        low, high = place.interval(ranges)
        if low is None or high is None or not isinstance(size, int):
            return None
        before, after = max(0, -low), max(0, high - size + 1)
        if (before or after) and i not in SPATIAL:
            return None
        padding[i] = (before, after)
    return padding


def halo_of(uses: list[Use]) -> dict[int, tuple[int, int]]:
    """The halo that serves the guarded reads of a tensor that pad it with zeros."""
    halo: dict[int, tuple[int, int]] = dict.fromkeys(SPATIAL, (0, 0))
    for use in uses:
        argument = kernel_of(use.call).body.block.args[use.index]
        for inner in argument.uses:
            read = inner.operation
            if not isinstance(read, te.ReadOp) or read.otherwise is None:
                continue
            padding = padding_of(read)
            if padding is None:
                continue
            for i in SPATIAL:
                halo[i] = (
                    max(halo[i][0], padding[i][0]),
                    max(halo[i][1], padding[i][1]),
                )
    return halo


def layout_for(
    type: TensorType, lanes: int | None, halo: dict[int, tuple[int, int]]
) -> LayoutAttr | None:
    """The layout of a feature map, blocked by `lanes`; None where the identity serves."""
    samples, *rest = logical_shape(type)
    shape = [fixed(extent) for extent in rest]
    channels = shape[CHANNELS - 1]
    blocked = lanes is not None and channels >= lanes
    if not blocked and not any(before or after for before, after in halo.values()):
        return None
    dims = [AffineExpr.dimension(i) for i in range(4)]
    exprs = [dims[0], dims[CHANNELS]]
    extents = [samples, channels]
    for i in SPATIAL:
        before, after = halo[i]
        exprs.append(dims[i] + before if before else dims[i])
        extents.append(shape[i - 1] + before + after)
    if lanes is not None and blocked:
        exprs[CHANNELS] = dims[CHANNELS] // lanes
        extents[CHANNELS] = -(-channels // lanes)
        exprs.append(dims[CHANNELS] % lanes)
        extents.append(lanes)
    assert isinstance(type.element_type, AnyFloat)
    pad = FloatAttr(0.0, type.element_type)
    has_halo = any(before or after for before, after in halo.values())
    return LayoutAttr.of(AffineMap(4, 0, tuple(exprs)), extents, pad if has_halo else None)


def with_layout(type: TensorType, layout: LayoutAttr) -> TensorType:
    """A tensor type in another layout."""
    return TensorType(type.element_type, type.get_shape(), layout)


def refresh_type(kernel: func.FuncOp) -> None:
    """Make the type of a function that of its arguments and results."""
    last = kernel.body.block.last_op
    assert isinstance(last, func.ReturnOp)
    kernel.function_type = FunctionType.from_lists(
        [a.type for a in kernel.body.block.args], [v.type for v in last.arguments]
    )


def set_layout(value: SSAValue, layout: LayoutAttr) -> None:
    """Give a tensor of the network a layout, in the kernels that write and read it too."""
    assert isinstance(value.type, TensorType)
    new = with_layout(value.type, layout)
    producer = value.owner
    assert isinstance(producer, CallOp)
    kernel = kernel_of(producer)
    last = kernel.body.block.last_op
    assert isinstance(last, func.ReturnOp)
    index = next(i for i, result in enumerate(producer.results) if result is value)
    Rewriter.replace_value_with_new_type(last.arguments[index], new)
    refresh_type(kernel)
    for use in uses_of(value) or ():
        reader = kernel_of(use.call)
        Rewriter.replace_value_with_new_type(reader.body.block.args[use.index], new)
        refresh_type(reader)
    Rewriter.replace_value_with_new_type(value, new)


def is_feature_map(type: Attribute) -> bool:
    """Whether a tensor is (n, c, h, w) of floats, samples of constant size."""
    return (
        isinstance(type, TensorType)
        and type.get_num_dims() == 4
        and isinstance(type.element_type, AnyFloat)
        and is_static(logical_shape(type)[CHANNELS:])
    )


@dataclass
class NetworkLayout:
    """The decisions for one network."""

    module: ModuleOp
    main: func.FuncOp
    vector_bytes: int

    apart: set[SSAValue] = field(default_factory=set[SSAValue])
    """The tensors whose channels must stay apart."""

    def width(self, value: SSAValue) -> int:
        """The elements of a vector."""
        assert isinstance(value.type, TensorType)
        element = value.type.element_type
        assert isinstance(element, FixedBitwidthType)
        return self.vector_bytes // element.size

    def lanes(self, value: SSAValue) -> int | None:
        """The channels of a vector; None where they must stay apart."""
        return None if value in self.apart else self.width(value)

    def find_apart(self) -> None:
        """Find the tensors next to kernels that cannot run along channels, and those that kernels
        which only go along channels connect with them."""
        links: list[tuple[SSAValue, SSAValue]] = []
        for op in self.main.body.block.ops:
            if not isinstance(op, CallOp):
                continue
            kernel = kernel_of(op)
            maps = [v for v in (*op.arguments, *op.results) if is_feature_map(v.type)]
            if maps and not channels_in_lanes(kernel, self.width(maps[0])):
                self.apart.update(maps)
            for value, argument in zip(op.arguments, kernel.body.block.args, strict=True):
                if value in maps and goes_along_channels(argument):
                    links += [(value, result) for result in op.results if result in maps]
        found = True
        while found:
            reached = {v for pair in links if self.apart & set(pair) for v in pair}
            found = not reached <= self.apart
            self.apart |= reached

    def transform(self) -> None:
        """Decide on every tensor."""
        self.find_apart()
        for argument in self.main.body.block.args:
            self.copy_input(argument)
        for op in list(self.main.body.block.ops):
            if isinstance(op, CallOp):
                for result in op.results:
                    self.decide(result, kernel_of(op))

    def decide(self, value: SSAValue, producer: func.FuncOp) -> None:
        """Give an activation its layout, where that pays."""
        uses = uses_of(value)
        if uses is None or not is_feature_map(value.type):
            return
        assert isinstance(value.type, TensorType)
        kernels = [producer, *(kernel_of(use.call) for use in uses)]
        if not any(reduces(kernel) for kernel in kernels):
            return
        layout = layout_for(value.type, self.lanes(value), halo_of(uses))
        if layout is not None:
            set_layout(value, layout)

    def copy_input(self, argument: BlockArgument) -> None:
        """Let a kernel copy an input of the network whose readers want a layout."""
        uses = uses_of(argument)
        if not uses or not is_feature_map(argument.type):
            return
        assert isinstance(argument.type, TensorType)
        kernels = [kernel_of(use.call) for use in uses]
        if not any(reduces(kernel) for kernel in kernels):
            return
        layout = layout_for(argument.type, self.lanes(argument), halo_of(uses))
        if layout is None:
            return
        name = free_name(self.module, f"copy_{argument.name_hint or argument.index}")
        kernel = copy_kernel(name, argument)
        self.module.body.block.insert_op_before(kernel, self.main)
        first = self.main.body.block.first_op
        assert first is not None
        call = CallOp(kernel.sym_name.data, "cpu", [argument], [argument.type])
        call.location = kernel.location
        call.results[0].name_hint = argument.name_hint
        self.main.body.block.insert_op_before(call, first)
        for use in uses:
            use.call.operands[use.index] = call.results[0]


def network_of(module: ModuleOp) -> func.FuncOp | None:
    """The function that calls kernels."""
    for op in module.ops:
        if isinstance(op, func.FuncOp) and any(isinstance(o, CallOp) for o in op.walk()):
            return op
    return None


@dataclass(frozen=True)
class TransformNetworkLayoutPass(ModulePass):
    """Lay activations out as the kernels that use them want."""

    name = "transform-network-layout"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        main = network_of(op)
        if main is not None:
            NetworkLayout(op, main, target_of(op).machine.vector_bytes).transform()
