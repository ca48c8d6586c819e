"""pad-block: a block is computed for whole tiles of its points.

    for y in 0..13                        for y in 0..16
      for k in 0..17                        for k in 0..20
        C (y < 13, k < 17):         ->        C (y < 16, k < 20):
          C[y] += A[y, k] * b[k]                C_pad[y] += (A[y, k] where y < 13, k < 17 else 0)
                                                          * (b[k] where k < 17 else 0)
                                          for d0 in 0..13
                                            C_crop: C[d0] = C_pad[d0]

The domains of the variables that `loops` move become multiples of the numbers given, those that
only a run knows, too, so that tails of splits by them need no guard. A loop that is bound to such a
variable alone gets longer; loops that it was split into run over the new points already. A read
that leaves its buffer at new points gets a guard and gives a pad there, unless the layout of the
buffer has that pad in memory; one at an index that is only known at run time is made at old points
alone. Where a move fills a tile of the buffer (promote-memory-scope), the guard becomes the move's
pad.

The pads are found, and proven: at new points of a reduction the body, on pads, must leave what it
accumulates as it is. Zeros do so in a sum of products, the least number in a maximum.

The results at new points are stored where the layout of the buffer has room and promises no pad,
or in the buffer itself, which gets larger, if it is an allocation without a layout. Otherwise the
nest works on a buffer `<result>_pad`, and a block `<result>_crop` in loops `<result>_crop_d0`, ...
copies what there was before from it; what the nest only changes or reads is copied into it first,
by a block `<result>_pad_in`.

Arguments: `block`, `loops` (any around the block), `multiples` (as many numbers), `function`.
Refuses: a loop that moves no variable of the block, or several; split loops that do not run over
the new points; copies, calls or tokens in a loop that gets longer; a reduction that no pads keep as
it is; new points that write what there was before, or at an index that is known at run time;
results for which a buffer has no room whose size is known at run time; divisions by what is no
constant; a block that reads elsewhere what it writes; reads and writes outside of tiles; tiles that
are filled ahead of time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import islpy as isl
from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineMap

from analysis.affine import Affine
from dialects import loop as loop_dialect
from passes.locations import locate
from passes.loop.forms import coordinates, forms_of, map_of, set_forms
from passes.loop.neutral import DIVISIONS
from passes.loop.padded_reads import Guard, guards_of
from passes.loop.padded_results import results_of
from passes.loop.padding import Padding, guard_of, is_computed_at
from passes.loop.primitive import (
    Primitive,
    Scope,
    accesses,
    blocks_in,
    insert_before,
    loops_around,
)
from passes.loop.split_loop import is_guarded

UNGUARDED = (
    loop_dialect.CopyOp,
    loop_dialect.BarrierOp,
    loop_dialect.PushDepOp,
    loop_dialect.PopDepOp,
)
"""What runs in each iteration of a loop."""


def set_guard(load: loop_dialect.LoadOp, guard: Guard) -> None:
    """Add conditions to the guard of a load, which gives a pad where they fail."""
    known = guard_of(load)
    values: list[SSAValue] = []
    place = map_of(coordinates(load), values)
    forms = map_of([*known, *(c for c in guard.conditions if c not in known)], values)
    otherwise = load.otherwise
    if otherwise is None:
        constant = arith.ConstantOp(guard.pad)
        constant.result.name_hint = "pad"
        locate(load.location, constant)
        insert_before(load, constant)
        otherwise = constant.result
    maps = AffineMap(len(values), 0, tuple(place)), AffineMap(len(values), 0, tuple(forms))
    new = loop_dialect.LoadOp(load.memref, values, *maps, otherwise)
    new.result.name_hint = load.result.name_hint
    locate(load.location, new)
    insert_before(load, new)
    load.result.replace_all_uses_with(new.result)
    load.detach()
    load.erase()


@dataclass(frozen=True)
class PadBlockPass(Primitive):
    """Compute a block for whole tiles of its points."""

    name = "pad-block"

    block: str
    loops: tuple[str, ...]
    multiples: tuple[int, ...]
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        block = scope.find_block(self.block)
        scope.refuse_parts(block)
        domains = self.new_domains(scope, block)
        if not domains:
            return
        padding = Padding(scope, block, domains, self.longer_loops(scope, block, domains))
        self.check_body(scope, padding)
        self.check_reach(scope, padding)
        guards = guards_of(padding)
        results = results_of(padding)
        lengthen(padding)
        for load, guard in guards.items():
            set_guard(load, guard)
        for result in results:
            result.apply(scope, block)

    def new_domains(self, scope: Scope, block: loop_dialect.BlockOp) -> dict[int, Affine]:
        """The new extents of the variables that get any, by their numbers."""
        if len(self.loops) != len(self.multiples) or not self.loops:
            raise scope.error(
                f"loops= names {len(self.loops)} loops and multiples= gives "
                f"{len(self.multiples)} numbers; give one for each loop"
            )
        found: dict[int, Affine] = {}
        movers: dict[int, str] = {}
        domains = forms_of(block, "domains")
        for name, multiple in zip(self.loops, self.multiples, strict=True):
            if multiple < 1:
                raise scope.error(f"a multiple of {multiple} for loop '{name}': it is at least 1")
            i = self.moved_by(scope, block, name)
            if i in movers:
                raise scope.error(
                    f"loops '{movers[i]}' and '{name}' move one variable of block '{self.block}'; "
                    "name one of them"
                )
            movers[i] = name
            extent = (domains[i] + (multiple - 1)).floordiv(multiple, {}) * multiple
            if extent != domains[i]:
                found[i] = extent
        return found

    def moved_by(self, scope: Scope, block: loop_dialect.BlockOp, name: str) -> int:
        """The number of the variable that a loop moves."""
        op = scope.find_loop(name)
        if op not in loops_around(block):
            names = ", ".join(o.loop_name.data for o in loops_around(block))
            raise scope.error(
                f"loop '{name}' is not around block '{self.block}'; those around it: {names}"
            )
        moved = [
            i
            for i, form in enumerate(forms_of(block, "bindings"))
            if op.induction in form.variables()
        ]
        if len(moved) != 1:
            names = " and ".join(f"%{block.variables[i].name_hint}" for i in moved)
            raise scope.error(
                f"loop '{name}' moves {names or 'no variable'} of block '{self.block}'; name a "
                "loop that moves one, before loops are fused"
            )
        return moved[0]

    def longer_loops(
        self, scope: Scope, block: loop_dialect.BlockOp, domains: Mapping[int, Affine]
    ) -> dict[loop_dialect.ForOp, Affine]:
        """The loops that are bound to a padded variable alone, and their new ends."""
        found: dict[loop_dialect.ForOp, Affine] = {}
        old, bindings = forms_of(block, "domains"), forms_of(block, "bindings")
        for i, extent in domains.items():
            for op in loops_around(block):
                bounds = [forms_of(op, which)[0] for which in ("lower", "upper")]
                alone = bindings[i] == Affine.variable(op.induction)
                if alone and bounds == [Affine({}), old[i]]:
                    found[op] = extent
        for op in found:
            for inner in op.walk():
                if isinstance(inner, UNGUARDED):
                    raise scope.error(
                        f"loop '{op.loop_name.data}' would get longer, and {inner.name} in it "
                        "cannot leave its new iterations out; pad blocks before tiles are moved "
                        "and tokens inserted"
                    )
        return found

    def check_body(self, scope: Scope, padding: Padding) -> None:
        """Refuse a body of which not all is known at new points."""
        block = padding.block
        for op in block.walk():
            if isinstance(op, loop_dialect.IntrinsicOp):
                raise scope.error(
                    f"block '{self.block}' is a call of @{op.callee.string_value()}; pad it before "
                    "it is tensorized"
                )
            if isinstance(op, DIVISIONS) and not is_nonzero(op.operands[1]):
                raise scope.error(
                    f"block '{self.block}' divides ({op.name}) by what may be a pad, and a "
                    "division by zero stops the program"
                )
        for access in accesses(block):
            region = access.parent_block()
            assert region is not None
            if isinstance(access, loop_dialect.StoreOp) and is_computed_at(access):
                raise scope.error(
                    f"block '{self.block}' writes %{access.memref.name_hint} at an index that is "
                    "only known at run time, so that it may be anywhere at new points"
                )
            written = [s for s in padding.stores if s.memref is access.memref]
            mine = [s for s in written if s.parent_block() is region]
            if written and all(coordinates(s) != coordinates(access) for s in mine):
                raise scope.error(
                    f"block '{self.block}' reads %{access.memref.name_hint} elsewhere than where "
                    "it writes it"
                )

    def check_reach(self, scope: Scope, padding: Padding) -> None:
        """Refuse loops that do not run over all new points."""
        block, names = padding.block, padding.names
        bindings = forms_of(block, "bindings")
        conditions = [*padding.iterations, *forms_of(block, "where")]
        for binding, domain in zip(bindings, padding.new, strict=True):
            conditions += [binding, domain - binding - 1]
        inductions = {op.induction for op in loops_around(block)}
        used = {v for form in (*bindings, *conditions) for v in form.variables()}
        sizes = [Affine.variable(v) - 1 for v in used - inductions]
        value = Affine.variable("value")
        for i, extent in padding.domains.items():
            reached = names.points([bindings[i]], [*conditions, *sizes], inductions & used)
            limits = [value, extent - value - 1, *sizes]
            missing = names.points([value], limits, ["value"]).subtract(reached)
            if not missing.is_empty():
                first = missing.lexmin().sample_point()
                number = first.get_coordinate_val(isl.dim_type.set, 0).to_python()
                hint = block.variables[i].name_hint
                asked = f"{extent.const} are" if extent.is_constant else "more may be"
                raise scope.error(
                    f"no iteration of the loops around block '{self.block}' is %{hint} = {number}, "
                    f"and {asked} asked for; pad it before its loops are split, or to a "
                    "multiple of the split"
                )


def is_nonzero(value: SSAValue) -> bool:
    """Whether a value is a constant other than zero."""
    owner = value.owner
    known = owner.value if isinstance(owner, arith.ConstantOp) else None
    return isinstance(known, IntegerAttr) and known.value.data != 0


def lengthen(padding: Padding) -> None:
    """Give the block its domains and the loops their ends; other blocks keep their iterations."""
    for op, end in padding.uppers.items():
        last = forms_of(op, "upper")[0] - Affine.variable(op.induction) - 1
        for inner in blocks_in(op):
            if inner is not padding.block and not is_guarded(inner, op):
                set_forms(inner, where=[*forms_of(inner, "where"), last])
        set_forms(op, upper=[end])
    set_forms(padding.block, domains=padding.new)
