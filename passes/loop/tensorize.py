"""tensorize: the innermost loops around a block become calls of a tensor instruction.

    for oc_o                               for oc_o
      for k_o                                for k_o
        for oc_e in 16, k_e in 16     ->       C: gemm "update"(C[n + i0, oc * 16 + i1], ...)
          C: C[n, oc] += X[n, k] * W[oc, k]

The block computes an element of what the `te.intrinsic` declares: its arithmetic is equal, and its
loops stand for the axes of the declaration. Both are derived from the accesses, so that the loops
may come in any order. A variable that such loops move (several, if it has been split for more than
one axis) then counts whole instructions; where these do not begin at multiples of their extent it
is their first element. The body becomes the form `update` (or `compute`, for an instruction that
does not reduce), an init region, or a block that only writes the identity, becomes `reset`.

The elements of an operand lie in memory in the order of the instruction's indices: where they do
not, a layout (transform-layout) puts them so. An axis of one element needs no loop. Each call
rounds its result, so sums of floats may round differently.

Arguments: `block`, `intrinsic` (a symbol of the module, see import-intrinsics), `function`.
Refuses, with both sides next to each other: other arithmetic; accesses that no choice of loops
turns into those of the declaration; elements that lie in another order; an operand that is the
same for all elements along an axis; a guarded read. And: an unknown symbol; a declaration that is
not one computation over whole tensors; an instruction without the forms that a reduction needs; a
block that is a call already; loops inside those of the instruction; an instruction of which a part
would be outside the block's domain; guards; a result that is read at other elements, or in a sum.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Region, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from analysis.affine import Affine, to_expression
from analysis.errors import ScheduleError, nearest
from dialects import loop, te
from passes.locations import locate
from passes.loop.forms import block_with, coordinates, forms_of
from passes.loop.primitive import (
    Primitive,
    Scope,
    insert_before,
    loops_around,
    only_child,
)
from passes.loop.tensor_axes import (
    Axis,
    Choice,
    Fit,
    Fitting,
    Mismatch,
    Operand,
    choices,
    has_rest,
    shown,
)
from passes.loop.tensor_match import Part, Pattern, parts_of
from passes.loop.tensor_text import side_by_side


@dataclass(frozen=True)
class Tensorization:
    """One use of the primitive."""

    scope: Scope
    block: loop.BlockOp
    pattern: Pattern

    @property
    def name(self) -> str:
        return self.block.block_name.data

    def rewrite(self) -> None:
        """Put the call in the place of the loops."""
        fit = self.choose(self.parts())
        self.check_aliases(fit.parts)
        where = self.guards(fit.choice)
        bindings, domains = self.tiles(fit)
        iterators = [i.data for i in self.block.iterators.data]
        regions = [
            self.call(part, operands)
            for part, operands in zip(fit.parts, fit.operands, strict=True)
        ]
        new = block_with(self.name, iterators, domains, bindings, where, regions[0])
        if len(regions) > 1:
            new.add_region(regions[1])
        for old, value in zip(self.block.variables, new.variables, strict=True):
            value.name_hint = old.name_hint
        locate(self.block.location, new)
        root = outermost(fit.choice.used) or self.block
        insert_before(root, new)
        root.detach()
        root.erase()

    def parts(self) -> list[list[Part]]:
        """For each region of the block, the body first, all that it can be to the instruction."""
        regions = [self.block.body.block]
        if self.block.init is not None:
            regions.append(self.block.init.block)
        for call in (o for r in regions for o in r.ops if isinstance(o, loop.IntrinsicOp)):
            raise self.scope.error(
                f"block '{self.name}' is a call of @{call.callee.string_value()} already"
            )
        found: list[list[Part]] = []
        for region in regions:
            parts = parts_of(self.pattern, region)
            if not parts:
                what = "its init region" if found else "the block"
                raise self.differ(f"{what} computes something else", region)
            if parts[0].form != "compute" and self.pattern.declared.update_call is None:
                raise self.scope.error(
                    f"{self.pattern.name} has no forms reset and update, and block "
                    f"'{self.name}' is the form {parts[0].form} of it"
                )
            found.append(parts)
        return found

    def choose(self, parts: Sequence[Sequence[Part]]) -> Fit:
        """What the block is to the instruction, with which loops; or a refusal."""
        around = loops_around(self.block)
        reset = parts[0][0].form == "reset"
        axes = self.pattern.spatial if reset else self.pattern.axes
        fitting = Fitting(self.block, self.pattern)
        tried = [
            fitting.try_choice(choice, selected)
            for choice in choices(axes, around)
            for selected in product(*parts)
        ]
        fits = [found for found in tried if isinstance(found, Fit)]
        if not fits:
            reasons = [found for found in tried if isinstance(found, Mismatch)]
            reasons = reasons or [missing_loop(axes, around)]
            reason = max(reasons, key=lambda found: found.rank)
            raise self.differ(reason.reason, self.block.body.block, *reason.details)
        placed = [fit for fit in fits if is_innermost(fit.choice, around, self.block)]
        best = max(placed or fits, key=lambda fit: (fit.dense, fit.plain))
        if not placed:
            raise self.misplaced(best.choice.used, around)
        return best

    def misplaced(self, used: Sequence[loop.ForOp], around: Sequence[loop.ForOp]) -> ScheduleError:
        """That the loops of an instruction hold something else than the block."""
        names = ", ".join(f"'{op.loop_name.data}'" for op in used)
        which, are = ("loops", "are") if len(used) > 1 else ("loop", "is")
        if set(used) == set(around[len(around) - len(used) :]):
            return self.scope.error(
                f"{which} {names} of {self.pattern.name} {are} around more than block "
                f"'{self.name}', and the instruction stands for the whole loop"
            )
        ones = "ones" if len(used) > 1 else "one"
        return self.scope.error(
            f"{which} {names} of {self.pattern.name} {are} not the innermost {ones} around block "
            f"'{self.name}'; reorder-loops puts them there"
        )

    def guards(self, choice: Choice) -> list[Affine]:
        """The conditions of the block, which must not be about its single elements."""
        inner = {op.induction for op in choice.used}
        found = forms_of(self.block, "where")
        if any(form.variables() & inner for form in found):
            raise self.scope.error(
                f"block '{self.name}' has a guard inside of what {self.pattern.name} computes at "
                "once; split its loops by the extents of the instruction first"
            )
        return found

    def tiles(self, fit: Fit) -> tuple[list[Affine], list[Affine]]:
        """Bindings and domains of variables that count whole instructions."""
        zero: dict[Hashable, Affine] = {op.induction: Affine({}) for op in fit.choice.used}
        bindings: list[Affine] = []
        domains: list[Affine] = []
        for variable, binding, domain in zip(
            self.block.variables,
            forms_of(self.block, "bindings"),
            forms_of(self.block, "domains"),
            strict=True,
        ):
            if variable in fit.moved:
                moved, extent = fit.moved[variable], fit.moved[variable].extent
                binding = binding.substitute(zero, {})
                if moved.counts:
                    self.check_multiple(variable, extent, binding, domain)
                    binding = binding.floordiv(extent, {})
                    domain = domain.floordiv(extent, {})
                else:
                    domain = domain - (extent - 1)
            bindings.append(binding)
            domains.append(domain)
        return bindings, domains

    def check_multiple(
        self, variable: SSAValue, extent: int, begin: Affine, domain: Affine
    ) -> None:
        """Refuse a variable of which an instruction would compute a part outside its domain."""
        name = shown(variable)
        at_once = f"{self.pattern.name} computes {extent} elements along '{name}' at once, and"
        if has_rest(begin, extent):
            raise self.scope.error(
                f"{at_once} the loops around them in block '{self.name}' do not go in steps of "
                f"{extent}; split the loop of '{name}' by {extent} first"
            )
        if has_rest(domain, extent):
            count = f"{domain.const}" if domain.is_constant else "a number"
            raise self.scope.error(
                f"{at_once} block '{self.name}' has {count} of them, no multiple of {extent}; "
                "pad-block computes whole instructions, peel-loop parts them from the rest"
            )

    def check_aliases(self, parts: Sequence[Part]) -> None:
        """Refuse an operand that an element of the result could change before it is read."""
        for part in parts:
            for load in part.reads.values():
                if load.memref is not part.store.memref:
                    continue
                name = f"%{load.memref.name_hint}"
                if part.form == "update":
                    raise self.scope.error(
                        f"block '{self.name}' adds to {name} what it computes from {name}, and an "
                        "instruction reads its operands before it writes"
                    )
                if coordinates(load) != coordinates(part.store):
                    raise self.scope.error(
                        f"block '{self.name}' reads other elements of {name} than it writes, and "
                        "an instruction has no order inside"
                    )

    def call(self, part: Part, operands: Sequence[Operand]) -> Region:
        """A region with the call of one form."""
        region = Block(arg_types=[IndexType()] * len(self.block.variables))
        arguments = dict(zip(self.block.variables, region.args, strict=True))
        used = {v for o in operands for form in o.place for v in form.variables()}
        outer = [v for v in self.block.variables if v in used]
        scalars = [] if part.form == "reset" else self.pattern.scalars
        region.add_op(
            loop.IntrinsicOp(
                self.pattern.declared.sym_name.data,
                part.form,
                [operand.access.memref for operand in operands],
                1,
                [element_map(operand, outer) for operand in operands],
                [arguments[v] for v in outer],
                [part.scalars[s] for s in scalars],
            )
        )
        assert region.last_op is not None
        locate(self.block.location, region.last_op)
        return Region(region)

    def differ(self, why: str, region: Block, *details: str) -> ScheduleError:
        """A refusal that shows both sides."""
        return self.scope.error(
            f"block '{self.name}' does not compute what {self.pattern.name} does: {why}",
            *side_by_side(self.pattern, self.block, region),
            *details,
        )


def element_map(operand: Operand, outer: Sequence[SSAValue]) -> AffineMap:
    """The coordinates of an element; the variables are dimensions, its index the symbols."""
    count, rank = len(outer), len(operand.element)

    def position(variable: Hashable) -> int:
        if isinstance(variable, Axis):
            return count + operand.element.index(variable)
        assert isinstance(variable, SSAValue)
        return outer.index(variable)

    replaced = [
        *(AffineExpr.dimension(i) for i in range(count)),
        *(AffineExpr.symbol(i) for i in range(rank)),
    ]
    exprs = [to_expression(form, position) for form in operand.place]
    return AffineMap(count, rank, tuple(e.replace_dims_and_symbols(replaced, []) for e in exprs))


def outermost(loops: Sequence[loop.ForOp]) -> loop.ForOp | None:
    """The loop that the others are in."""
    return min(loops, key=lambda op: len(loops_around(op)), default=None)


def is_innermost(choice: Choice, around: Sequence[loop.ForOp], block: loop.BlockOp) -> bool:
    """Whether the loops of a choice are the innermost ones, and hold nothing but the block."""
    inner = around[len(around) - len(choice.used) :]
    chain = [*inner, block]
    perfect = all(only_child(a) is b for a, b in zip(inner, chain[1:], strict=True))
    return set(choice.used) == set(inner) and perfect


def missing_loop(axes: Sequence[Axis], around: Sequence[loop.ForOp]) -> Mismatch:
    """That there are not loops enough of the extents of the axes."""
    for axis in axes:
        wanted = sum(other.extent == axis.extent for other in axes)
        there = sum(op.constant_bounds == (0, axis.extent) for op in around)
        if axis.extent > 1 and there < wanted:
            break
    else:
        raise AssertionError("there are loops for all axes")
    return Mismatch(
        0,
        f"{there or 'none'} of the loops around it {'has' if there < 2 else 'have'} the "
        f"{axis.extent} iterations of axis {axis.name}; split-loop makes one",
    )


def intrinsics_of(scope: Scope) -> dict[str, te.IntrinsicOp]:
    """The tensor instructions of the module, by their symbols."""
    module = scope.function.parent_op()
    assert module is not None
    return {op.sym_name.data: op for op in module.walk() if isinstance(op, te.IntrinsicOp)}


@dataclass(frozen=True)
class TensorizePass(Primitive):
    """Let a tensor instruction do what the innermost loops around a block do."""

    name = "tensorize"
    reassociates: ClassVar = True

    block: str
    intrinsic: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        block, symbols = scope.find_block(self.block), intrinsics_of(scope)
        if self.intrinsic not in symbols:
            raise scope.error(
                f"the module declares no te.intrinsic @{self.intrinsic}: "
                f"{nearest(self.intrinsic, symbols)} (import-intrinsics brings a library)"
            )
        pattern = Pattern.of(symbols[self.intrinsic])
        if isinstance(pattern, str):
            raise scope.error(
                f"@{self.intrinsic} is not declared as one computation over whole tensors, so it "
                f"cannot be found in a block: {pattern}"
            )
        Tensorization(scope, block, pattern).rewrite()
