"""tensorize: the innermost loops around a block become calls of a tensor instruction.

    for oc_o                               for oc_o
      for k_o                                for k_o
        for oc_e in 16, k_e in 16     ->       C: gemm "update"(C[n + i0, oc * 16 + i1], ...)
          C: C[n, oc] += X[n, k] * W[oc, k]

The block computes an element of what the `te.intrinsic` declares: its arithmetic is equal, and its
loops stand for the axes of the declaration. Both are derived from the accesses, so that the loops
may come in any order. A variable that such a loop moves then counts whole instructions. The body
becomes the form `update` (or `compute`, for an instruction that does not reduce), an init region,
or a block that only writes the identity, becomes `reset`.

The elements of an operand lie in memory in the order of the instruction's indices: where they do
not, a layout (transform-layout) puts them so. An axis of one element needs no loop.

Arguments: `block`, `intrinsic` (a symbol of the module, see import-intrinsics), `function`.
Refuses, with both sides next to each other: other arithmetic; accesses that no choice of loops
turns into those of the declaration. And: an unknown symbol; a declaration that is not one
computation; loops inside those of the instruction; an instruction of which a part would be outside
the block's domain; guards; a result that is also read at other elements.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from analysis.affine import Affine, from_expression, to_expression
from analysis.errors import ScheduleError, nearest
from dialects import loop, te
from dialects.layout import layout_map
from passes.locations import locate
from passes.loop.forms import block_with, coordinates, forms_of
from passes.loop.primitive import (
    Primitive,
    Scope,
    insert_before,
    loops_around,
    only_child,
)
from passes.loop.tensor_match import FOLDS, Bindings, Pattern, constant_of, match, text_of
from passes.te.lower_te_to_loop import identity_of

Access = loop.LoadOp | loop.StoreOp


@dataclass(frozen=True)
class Part:
    """A region of a block as a form of the instruction: its store, and what it reads."""

    form: str
    store: loop.StoreOp
    found: Bindings


@dataclass(frozen=True)
class Axis:
    """An axis of the instruction; equal ones are the same."""

    number: int
    extent: int


@dataclass(frozen=True)
class Choice:
    """The loop that stands for each axis (None for one of a single element)."""

    loops: dict[Axis, loop.ForOp | None]

    @property
    def used(self) -> list[loop.ForOp]:
        return [op for op in self.loops.values() if op is not None]


@dataclass(frozen=True)
class Tensorization:
    """One use of the primitive."""

    scope: Scope
    block: loop.BlockOp
    pattern: Pattern

    @property
    def name(self) -> str:
        return self.block.block_name.data

    @property
    def axes(self) -> list[Axis]:
        """The axes of the declaration."""
        extents = [form_value(e) for e in self.pattern.compute.extents.data.results]
        return [Axis(i, extent) for i, extent in enumerate(extents)]

    def part(self, region: Block) -> Part | None:
        """What a region of the block is to the instruction; None if nothing."""
        stores = [op for op in region.ops if isinstance(op, loop.StoreOp)]
        if len(stores) != 1 or stores[0] is not region.last_op:
            return None
        (store,) = stores
        found = Bindings()
        if self.pattern.reducer is None:
            fits = match(self.pattern.root, store.value, found)
            return Part("compute", store, found) if fits else None
        if self.is_identity(store.value):
            return Part("reset", store, found)
        summand = self.summand(store)
        if summand is not None and match(self.pattern.root, summand, found):
            return Part("update", store, found)
        return None

    def is_identity(self, value: SSAValue) -> bool:
        """Whether a value is what the instruction's reducer begins with."""
        constant = constant_of(value)
        reducer = self.pattern.reducer
        if constant is None or reducer is None:
            return False
        number = getattr(constant.value, "value", None)
        return getattr(number, "data", None) == identity_of(reducer, value.type)

    def summand(self, store: loop.StoreOp) -> SSAValue | None:
        """What a store adds to the element that it writes, in the sense of the reducer."""
        op = store.value.owner
        assert self.pattern.reducer is not None
        if not isinstance(op, Operation) or op.name not in FOLDS[self.pattern.reducer]:
            return None
        for old, new in (op.operands, op.operands[::-1]):
            load = old.owner
            if (
                isinstance(load, loop.LoadOp)
                and load.memref is store.memref
                and load.otherwise is None
                and coordinates(load) == coordinates(store)
            ):
                return new
        return None

    def parts(self) -> list[Part]:
        """The regions of the block, the body first; refuses other arithmetic."""
        regions = [self.block.body.block]
        if self.block.init is not None:
            regions.append(self.block.init.block)
        found: list[Part] = []
        for region in regions:
            part = self.part(region)
            if part is None:
                what = "the init region of block" if found else "block"
                raise self.differ(f"{what} '{self.name}' computes something else", region)
            if part.form != "compute" and self.pattern.declared.update_call is None:
                raise self.scope.error(
                    f"{self.pattern.name} has no forms reset and update, which block "
                    f"'{self.name}' needs"
                )
            found.append(part)
        return found

    def choose(self, parts: Sequence[Part]) -> Choice:
        """The loops that stand for the axes, or a refusal."""
        around = loops_around(self.block)
        rank = self.pattern.compute.rank.data
        axes = self.axes[:rank] if parts[0].form == "reset" else self.axes
        fitting = [c for c in choices(axes, around) if self.fits(c, parts)]
        if not fitting:
            raise self.differ(
                f"no loops around block '{self.name}' are the axes of the instruction",
                self.block.body.block,
                self.hint(axes, around),
            )
        fitting.sort(key=lambda c: -min((around.index(op) for op in c.used), default=0))
        for choice in fitting:
            inner = around[len(around) - len(choice.used) :]
            chain = [*inner, self.block]
            perfect = all(only_child(a) is b for a, b in zip(inner, chain[1:], strict=True))
            if set(choice.used) == set(inner) and perfect:
                return choice
        names = ", ".join(f"'{op.loop_name.data}'" for op in fitting[0].used)
        raise self.scope.error(
            f"the loops {names} of {self.pattern.name} are not the innermost ones around block "
            f"'{self.name}'; reorder-loops puts them there"
        )

    def hint(self, axes: Sequence[Axis], around: Sequence[loop.ForOp]) -> str:
        """Which extents there are."""
        wanted = ", ".join(str(axis.extent) for axis in axes)
        there = ", ".join(f"{op.loop_name.data} {op.extent}" for op in around)
        return f"the axes have the extents {wanted}; the loops are {there}"

    def fits(self, choice: Choice, parts: Sequence[Part]) -> bool:
        """Whether the accesses of the block are those of the instruction, with these loops."""
        variables = self.variables(choice)
        if variables is None:
            return False
        return all(
            self.operand(element, access, variables) is not None
            for part in parts
            for element, access in self.operands(part)
        )

    def variables(self, choice: Choice) -> dict[Hashable, Axis] | None:
        """The block's variables that the loops of a choice move; None if they are not plain."""
        moved: dict[Hashable, Axis] = {}
        axis_of: dict[Hashable, Axis] = {
            op.induction: axis for axis, op in choice.loops.items() if op is not None
        }
        for variable, binding in zip(
            self.block.variables, forms_of(self.block, "bindings"), strict=True
        ):
            used = [v for v in binding.variables() if v in axis_of]
            if not used:
                continue
            if len(used) > 1 or binding.coefficient(used[0]) != 1:
                return None
            moved[variable] = axis_of[used[0]]
        return moved if len(moved) == len(axis_of) else None

    def operands(self, part: Part) -> Iterator[tuple[list[Axis | None], Access]]:
        """For each operand of a form the axes that index it, and the access of the block."""
        yield list(self.axes[: self.pattern.compute.rank.data]), part.store
        if part.form == "reset":
            return
        for tensor in self.pattern.tensors:
            read, load = part.found.reads[tensor]
            yield self.element(read), load

    def element(self, read: te.ReadOp) -> list[Axis | None]:
        """The axes that index a tensor of the instruction; None for another index."""
        by_value = dict(zip(self.pattern.axes, self.axes, strict=True))
        found: list[Axis | None] = []
        for expr in read.map.data.results:
            form = from_expression(expr, [Affine.variable(v) for v in read.indices], {})
            ((value, factor),) = tuple(form.terms.items()) if len(form.terms) == 1 else ((None, 0),)
            plain = factor == 1 and form.const == 0 and isinstance(value, SSAValue)
            found.append(by_value[value] if plain else None)  # pyright: ignore[reportArgumentType]
        return found

    def operand(
        self,
        element: Sequence[Axis | None],
        access: loop.LoadOp | loop.StoreOp,
        variables: dict[Hashable, Axis],
    ) -> list[Affine] | None:
        """The coordinates of an element of an operand; axes are variables in them.

        None if the access depends on other axes than the instruction says, or if the elements
        lie in memory in another order.
        """
        if isinstance(access, loop.LoadOp) and access.otherwise is not None:
            return None
        values = {
            v: Affine.variable(v) * axis.extent + Affine.variable(axis)
            for v, axis in self.in_region(access, variables).items()
        }
        place = [form.substitute(values, {}) for form in coordinates(access)]
        used = {v for form in place for v in form.variables() if isinstance(v, Axis)}
        wanted = [axis for axis in element if axis is not None and axis.extent > 1]
        if None in element or used - set(wanted) - {a for a in used if a.extent == 1}:
            return None
        if used >= set(wanted) and not in_order(access.memref, place, wanted):
            return None
        return place

    def in_region(self, access: Operation, variables: dict[Hashable, Axis]) -> dict[Hashable, Axis]:
        """The variables as the region of an access sees them."""
        region = access.parent_block()
        assert region is not None
        numbers: dict[Hashable, int] = {v: i for i, v in enumerate(self.block.variables)}
        return {region.args[numbers[v]]: axis for v, axis in variables.items()}

    def rewrite(self) -> None:
        """Put the call in the place of the loops."""
        parts = self.parts()
        choice = self.choose(parts)
        variables = self.variables(choice)
        assert variables is not None
        self.check_aliases(parts)
        bindings, domains = self.tiles(choice, variables)
        regions = [self.call(part, variables) for part in parts]
        new = block_with(
            self.name,
            [i.data for i in self.block.iterators.data],
            domains,
            bindings,
            self.guards(choice),
            regions[0],
        )
        if len(regions) > 1:
            new.add_region(regions[1])
        for old, value in zip(self.block.variables, new.variables, strict=True):
            value.name_hint = old.name_hint
        locate(self.block.location, new)
        root = self.block if not choice.used else outermost(choice.used)
        insert_before(root, new)
        root.detach()
        root.erase()

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

    def tiles(
        self, choice: Choice, variables: dict[Hashable, Axis]
    ) -> tuple[list[Affine], list[Affine]]:
        """Bindings and domains of variables that count whole instructions."""
        zero: dict[Hashable, Affine] = {op.induction: Affine({}) for op in choice.used}
        bindings: list[Affine] = []
        domains: list[Affine] = []
        parts = zip(
            self.block.variables,
            forms_of(self.block, "bindings"),
            forms_of(self.block, "domains"),
            strict=True,
        )
        for variable, binding, domain in parts:
            axis = variables.get(variable)
            if axis is None:
                bindings.append(binding)
                domains.append(domain)
                continue
            base = binding.substitute(zero, {})
            for what, form in (("begins", base), ("has an extent", domain)):
                if any(n % axis.extent for n in (form.const, *form.terms.values())):
                    name = (variable.name_hint or "").removeprefix("v_")
                    shown = "" if not form.is_constant else f" of {form.const}"
                    raise self.scope.error(
                        f"{self.pattern.name} computes {axis.extent} elements along '{name}' at "
                        f"once, and block '{self.name}' {what}{shown} that is no multiple of it; "
                        "pad the tensors to whole instructions"
                    )
            bindings.append(base.floordiv(axis.extent, {}))
            domains.append(domain.floordiv(axis.extent, {}))
        return bindings, domains

    def check_aliases(self, parts: Sequence[Part]) -> None:
        """Refuse an operand that is other elements of the result than those that are written."""
        for part in parts:
            for _, load in part.found.reads.values():
                same = load.memref is part.store.memref
                if same and coordinates(load) != coordinates(part.store):
                    raise self.scope.error(
                        f"block '{self.name}' reads other elements of %{load.memref.name_hint} "
                        "than it writes, and an instruction has no order inside"
                    )

    def call(self, part: Part, variables: dict[Hashable, Axis]) -> Region:
        """A region with the call of one form."""
        region = Block(arg_types=[IndexType()] * len(self.block.variables))
        old = part.store.parent_block()
        assert old is not None
        moved: dict[Hashable, Affine] = {
            a: Affine.variable(b) for a, b in zip(old.args, region.args, strict=True)
        }
        values: list[SSAValue] = []
        tiles: list[SSAValue] = []
        places: list[list[AffineExpr]] = []
        count = len(region.args)

        for element, access in self.operands(part):
            place = self.operand(element, access, variables)
            assert place is not None
            numbers = {axis: i for i, axis in enumerate(element)}
            forms = [form.substitute(moved, {}) for form in place]
            for variable in (v for form in forms for v in form.variables()):
                if isinstance(variable, SSAValue) and variable not in values:
                    values.append(variable)

            def position(variable: Hashable, numbers: dict[Axis | None, int] = numbers) -> int:
                if isinstance(variable, Axis):
                    return count + numbers[variable]
                assert isinstance(variable, SSAValue)
                return values.index(variable)

            exprs = [to_expression(form, position) for form in forms]
            dims = [AffineExpr.dimension(i) for i in range(count)]
            symbols = [AffineExpr.symbol(i) for i in range(len(element))]
            places.append([e.replace_dims_and_symbols([*dims, *symbols], []) for e in exprs])
            tiles.append(access.memref)
        ranks = [len(element) for element, _ in self.operands(part)]
        maps = [
            AffineMap(len(values), rank, tuple(exprs))
            for rank, exprs in zip(ranks, places, strict=True)
        ]
        scalars = [] if part.form == "reset" else self.pattern.scalars
        immediates = [part.found.scalars[s] for s in scalars]
        name = self.pattern.declared.sym_name.data
        region.add_op(loop.IntrinsicOp(name, part.form, tiles, 1, maps, values, immediates))
        locate(self.block.location, region.last_op)  # pyright: ignore[reportArgumentType]
        return Region(region)

    def differ(self, why: str, region: Block, *details: str) -> ScheduleError:
        """A refusal that shows both sides."""
        left, right = self.declared_text(), self.block_text(region)
        width = max(len(line) for line in (self.pattern.name, *left)) + 4
        rows = [(self.pattern.name, f"block '{self.name}'")]
        height = max(len(left), len(right))
        left += [""] * (height - len(left))
        right += [""] * (height - len(right))
        rows += zip(left, right, strict=True)
        return self.scope.error(
            f"block '{self.name}' does not compute what {self.pattern.name} does: {why}",
            *(f"{a:<{width}}{b}".rstrip() for a, b in rows),
            *details,
        )

    def declared_text(self) -> list[str]:
        """What the instruction computes."""
        compute = self.pattern.compute
        names = {v: axis.data for v, axis in zip(self.pattern.axes, compute.axes.data, strict=True)}

        def read(op: Operation) -> str:
            assert isinstance(op, te.ReadOp)
            return f"{op.tensor.name_hint}[{indices(op.indices, op.map.data, names)}]"

        place = ", ".join(axis.data for axis in compute.axes.data[: compute.rank.data])
        value = text_of(self.pattern.root, read)
        return [self.line(f"{compute.compute_name.data}[{place}]", value)]

    def block_text(self, region: Block) -> list[str]:
        """What the block computes."""
        names: dict[SSAValue, str] = {
            v: (v.name_hint or "?").removeprefix("v_") for v in self.block.variables
        }
        names |= {a: names[v] for a, v in zip(region.args, self.block.variables, strict=True)}

        def place(op: loop.LoadOp | loop.StoreOp) -> str:
            return f"{op.memref.name_hint}[{indices(op.indices, op.map.data, names)}]"

        def read(op: Operation) -> str:
            assert isinstance(op, loop.LoadOp)
            return place(op)

        lines: list[str] = []
        for op in region.ops:
            if isinstance(op, loop.StoreOp):
                summand = None if self.pattern.reducer is None else self.summand(op)
                if summand is None:
                    lines.append(f"{place(op)} = {text_of(op.value, read)}")
                else:
                    lines.append(self.line(place(op), text_of(summand, read)))
        return lines

    def line(self, target: str, value: str) -> str:
        """One statement; a reduction is an assignment with an operator."""
        if self.pattern.reducer is None:
            return f"{target} = {value}"
        operator = {"sum": "+=", "prod": "*="}.get(self.pattern.reducer)
        if operator is None:
            return f"{target} = {self.pattern.reducer}({target}, {value})"
        return f"{target} {operator} {value}"


def indices(values: Sequence[SSAValue], map: AffineMap, names: dict[SSAValue, str]) -> str:
    """The indices of an access, as text."""
    text = ", ".join(str(result) for result in map.results)
    for i in reversed(range(len(values))):
        text = text.replace(f"d{i}", names.get(values[i], values[i].name_hint or "?"))
    return text


def form_value(expr: AffineExpr) -> int:
    """The number that an extent of a declaration is."""
    form = from_expression(expr, [], {})
    assert form.is_constant
    return form.const


def in_order(buffer: SSAValue, place: Sequence[Affine], axes: Sequence[Axis]) -> bool:
    """Whether elements follow each other in memory in the order of the axes."""
    physical = [from_expression(r, list(place), {}) for r in layout_map(buffer.type).results]  # pyright: ignore
    last = [
        max((i for i, form in enumerate(physical) if axis in form.variables()), default=-1)
        for axis in axes
    ]
    return last == sorted(last) and len(set(last)) == len(last)


def outermost(loops: Sequence[loop.ForOp]) -> loop.ForOp:
    """The loop that the others are in."""
    return min(loops, key=lambda op: len(loops_around(op)))


def choices(axes: Sequence[Axis], around: Sequence[loop.ForOp]) -> Iterator[Choice]:
    """All ways to let loops of the right extents stand for axes."""
    if not axes:
        yield Choice({})
        return
    axis, *others = axes
    loops: list[loop.ForOp | None] = [
        op for op in reversed(around) if op.constant_bounds == (0, axis.extent)
    ]
    if axis.extent == 1:
        loops.append(None)
    for op in loops:
        for rest in choices(others, [o for o in around if o is not op]):
            yield Choice({axis: op, **rest.loops})


@dataclass(frozen=True)
class TensorizePass(Primitive):
    """Let a tensor instruction do what the innermost loops around a block do."""

    name = "tensorize"

    block: str
    intrinsic: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        block = scope.find_block(self.block)
        symbols = {
            op.sym_name.data: op
            for op in scope.function.parent_op().walk()  # pyright: ignore[reportOptionalMemberAccess]
            if isinstance(op, te.IntrinsicOp)
        }
        if self.intrinsic not in symbols:
            raise scope.error(
                f"the module declares no te.intrinsic @{self.intrinsic}: "
                f"{nearest(self.intrinsic, symbols)} (import-intrinsics brings a library)"
            )
        pattern = Pattern.of(symbols[self.intrinsic])
        if pattern is None:
            raise scope.error(
                f"@{self.intrinsic} is not declared as one computation of its tensors; such an "
                "instruction is called, but cannot be found in a block"
            )
        Tensorization(scope, block, pattern).rewrite()
