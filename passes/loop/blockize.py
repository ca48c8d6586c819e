"""blockize: the loops around a block, from one inwards, become one call: a unit for those outside.

    for y_o, x_o, k_o                       te.intrinsic @C_tile: what a tile of 4 x 8 x 2 computes
      for y_i in 4, x_i in 8, k_i in 2  ->  for y_o, x_o, k_o
        C: C[y, x] += A[y, k] * B[k, x]       C: C_tile "update"(C[y * 4 + i0, x * 8 + i1], ...)

The nest becomes a tensor instruction that is declared from its own body; its variables count tiles.
The loops outside are scheduled without a look inside, with what the tile reads and writes derived
from the declaration. expand-intrinsics puts the loops back, for a CPU to run them, and to be
scheduled in their turn. A declaration can also be given code, as any instruction can. An init nest
that begins the block becomes its init region again (inits.py), and so a call that resets. Of tiles
that a size does not fill, peel-loop parts the whole ones, and pad-block makes them whole.

Arguments: `loop`, `into` (the instruction's name, by default `<block>_tile`), `function`.
Refuses: a nest that is not one block, with or without its init nest, in loops which hold nothing
else; a loop that has a kind, or an extent that is no constant; a name that is taken; a block that
is a call already, stores several values, or computes with its variables, or an index; two loops
that move one coordinate; what tensorize refuses: a tile of which a part is outside the domain,
guarded reads, a combination that is no sum, prod, max or min.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import IndexType, MemRefType, ModuleOp, TensorType
from xdsl.ir import Block, BlockArgument, Operation, Region, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from dialects import loop as loop_dialect
from dialects import te
from passes.locations import locate
from passes.loop.forms import coordinates, ranges_of, variables_of
from passes.loop.inits import begins, join_init
from passes.loop.instances import is_computed
from passes.loop.primitive import (
    Primitive,
    Scope,
    blocks_in,
    insert_before,
    loops_around,
    only_child,
)
from passes.loop.tensor_match import REDUCERS, Pattern, same_access, summands
from passes.loop.tensorize import Tensorization, intrinsics_of
from passes.loop.tile_loops import trial_of

Access = loop_dialect.LoadOp | loop_dialect.StoreOp


def nest_of(scope: Scope, root: loop_dialect.ForOp) -> tuple[list[loop_dialect.ForOp], Operation]:
    """The loops from `root` inwards, and the block in them, with the init nest that begins it."""
    loops: list[loop_dialect.ForOp] = []
    blocks = blocks_in(root)
    if len(blocks) == 2 and begins(*blocks):
        join_init(*blocks)
    at: Operation | None = root
    while isinstance(at, loop_dialect.ForOp):
        if at.kind.data != "serial" or at.extent is None:
            what = at.kind.data if at.extent is not None else "as long as only a run knows"
            raise scope.error(
                f"loop '{at.loop_name.data}' is {what}; the loops of a tile are serial and have "
                "constant extents"
            )
        loops.append(at)
        at = only_child(at)
    if not isinstance(at, loop_dialect.BlockOp):
        raise scope.error(
            f"loop '{loops[-1].loop_name.data}' holds more than one block; choose a loop further "
            "in: a loop around several is a unit already"
        )
    return loops, at


@dataclass
class Declaration:
    """The instruction that a nest becomes; `axes` are the values of its loops in the te.compute."""

    scope: Scope
    block: loop_dialect.BlockOp
    loops: Sequence[loop_dialect.ForOp]
    loads: list[loop_dialect.LoadOp] = field(default_factory=list[loop_dialect.LoadOp])

    def moved(self, access: Access) -> list[loop_dialect.ForOp]:
        """For each coordinate of an access that the loops move, the loop that does so."""
        variables, ranges = variables_of(self.block), ranges_of(loops_around(self.block))
        found: list[loop_dialect.ForOp] = []
        for place in coordinates(access):
            form = place.substitute(variables, ranges)
            if any(is_computed(v) for v in form.variables()):
                raise self.scope.error(
                    f"block '{self.block.block_name.data}' computes an index of "
                    f"%{access.memref.name_hint}, so that the element is only known when it runs; "
                    "an instruction's elements lie where the loops say"
                )
            mine = [op for op in self.loops if op.induction in form.variables()]
            if len(mine) > 1:
                names = " and ".join(f"'{op.loop_name.data}'" for op in mine)
                raise self.scope.error(
                    f"the loops {names} both move one coordinate of %{access.memref.name_hint}; "
                    "fuse them, or choose a loop further in"
                )
            found += mine
        return found

    def tensor(self, access: Access) -> TensorType:
        """The type of the tile that an access touches."""
        assert isinstance(access.memref.type, MemRefType)
        extents = [op.extent or 0 for op in self.moved(access)]
        return TensorType(access.memref.type.element_type, extents)

    def operands(self, value: SSAValue) -> None:
        """Find the reads that a value is computed from, each element once."""
        op = value.owner
        if isinstance(op, loop_dialect.LoadOp):
            if not any(same_access(op, known) for known in self.loads):
                self.loads.append(op)
        elif isinstance(op, Operation):
            for operand in op.operands:
                self.operands(operand)

    def build(self, name: str) -> te.IntrinsicOp:
        """The declaration."""
        stores = [o for o in self.block.body.block.ops if isinstance(o, loop_dialect.StoreOp)]
        if len(stores) != 1:
            raise self.scope.error(
                f"block '{self.block.block_name.data}' is no computation of one value; "
                "it is a call already, or stores several"
            )
        (store,) = stores
        reducer = next((r for r in REDUCERS if summands(r, store)), None)
        value = store.value if reducer is None else summands(reducer, store)[0]
        self.operands(value)
        behaviour = Block(arg_types=[self.tensor(load) for load in self.loads])
        for argument, load in zip(behaviour.args, self.loads, strict=True):
            argument.name_hint = load.memref.name_hint
        spatial = self.moved(store)
        compute = self.compute(store, value, reducer, spatial, behaviour.args)
        behaviour.add_ops([compute, te.YieldOp(*compute.results)])
        calls = [name] if reducer is None else [name, f"{name}.reset", f"{name}.update"]
        return te.IntrinsicOp(name, Region(behaviour), *calls)

    def compute(
        self,
        store: loop_dialect.StoreOp,
        value: SSAValue,
        reducer: str | None,
        spatial: Sequence[loop_dialect.ForOp],
        tensors: Sequence[BlockArgument],
    ) -> te.ComputeOp:
        """What the nest computes, over its loops."""
        axes = [*spatial, *(op for op in self.loops if op not in spatial)]
        names = [op.loop_name.data for op in axes]
        sizes = [op.extent or 0 for op in axes]
        if reducer is not None and len(axes) == len(spatial):
            names.append("once")
            sizes.append(1)
        body = Block(arg_types=[IndexType()] * len(names))
        places = dict(zip(axes, body.args, strict=False))
        body.add_op(te.YieldOp(self.copy(value, body, tensors, places, {})))
        extents = AffineMap(0, 0, tuple(AffineExpr.constant(size) for size in sizes))
        block = self.block.block_name.data
        result = self.tensor(store)
        return te.ComputeOp(block, names, extents, len(spatial), Region(body), [result], reducer)

    def copy(
        self,
        value: SSAValue,
        body: Block,
        tensors: Sequence[BlockArgument],
        places: Mapping[loop_dialect.ForOp, SSAValue],
        done: dict[SSAValue, SSAValue],
    ) -> SSAValue:
        """A value as the declaration computes it."""
        op = value.owner
        if value in done:
            return done[value]
        if isinstance(op, loop_dialect.LoadOp):
            number = next(i for i, known in enumerate(self.loads) if same_access(op, known))
            indices = [places[axis] for axis in self.moved(op)]
            new: Operation = te.ReadOp(tensors[number], indices, AffineMap.identity(len(indices)))
        elif isinstance(op, Operation):
            for operand in op.operands:
                self.copy(operand, body, tensors, places, done)
            new = op.clone(done)
        else:
            raise self.scope.error(
                f"block '{self.block.block_name.data}' computes with where it is, not only with "
                "what it reads; an instruction does not know that"
            )
        body.add_op(new)
        locate(self.block.location, new)
        done[value] = new.results[0]
        return done[value]


@dataclass(frozen=True)
class BlockizePass(Primitive):
    """Make the loops around a block, from one inwards, one call."""

    name = "blockize"

    loop: str
    into: str | None = None
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        self.make(trial_of(scope))  # a refusal comes late, when much is rewritten
        self.make(scope)

    def make(self, scope: Scope) -> None:
        """Declare the instruction, and call it."""
        loops, block = nest_of(scope, scope.find_loop(self.loop))
        assert isinstance(block, loop_dialect.BlockOp)
        name = self.into or f"{block.block_name.data}_tile"
        if name in intrinsics_of(scope):
            raise scope.error(
                f"the module declares @{name} already; choose another name with into="
            )
        declared = Declaration(scope, block, loops).build(name)
        locate(block.location, declared)
        module = scope.function.parent_op()
        assert isinstance(module, ModuleOp)
        insert_before(scope.function, declared)
        pattern = Pattern.of(declared)
        if isinstance(pattern, str):
            raise scope.error(f"the nest in loop '{self.loop}' is no instruction: {pattern}")
        Tensorization(scope, block, pattern).rewrite()
