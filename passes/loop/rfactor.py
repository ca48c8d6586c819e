"""rfactor: a loop of a reduction becomes an axis of partial results, which a second block reduces.

    for y                                 for y
      for k_o                               for k_o
        for k_i in 0..8                       for k_i in 0..8
          S: S[y] += A[y, k_o*8+k_i]   ->       S_rf: S_rf[y, k_i] += A[y, k_o*8+k_i]
                                            for k_i' in 0..8
                                              S: S[y] += S_rf[y, k_i']

The iterations of `loop` no longer depend on each other: they may be lanes, threads or unrolled sums
side by side. The partial results are a buffer `<result>_rf` with one more dimension, which
promote-memory-scope makes as small as a loop needs it; the block that computes them is called
`<block>_rf`. The block that reduces them stands behind the outermost loop of the reduction, in
clones of the loops of the result inside that one and of `loop`, called `<block>_<loop>`. Where a
partial result may get no term, as in a tail, all of them begin in a nest of their own before, block
`<block>_rf_init`, loops `<block>_rf_init_<loop>`.

A sum or product of floats is rounded differently then, which the IR records (passes/loop/
reassociation.py); with `reassociate=false` that is refused.

Arguments: `block`, `loop` (of constant bounds, that moves the reduction alone), `reassociate`,
`function`.
Refuses: a body that is no chain of an associative operation and no choice (passes/loop/
combiners.py); a result whose place depends on the reduction; a choice that no init region of the
block begins with constants; a guard by which some result may have no term; a reduction that begins
elsewhere for each result; a loop of the reduction that moves the result as well; other blocks that
use the result inside the reduction, or a result that only lives there.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from xdsl.builder import Builder
from xdsl.dialects.builtin import DYNAMIC_INDEX, IndexType, MemRefType, NoneAttr, StringAttr
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.rewriter import InsertPoint

from analysis.affine import Affine
from dialects import loop as loop_dialect
from dialects.layout import LayoutAttr, logical_shape
from passes.locations import locate
from passes.loop.bodies import Rebuilding, index_value
from passes.loop.boxes import divided
from passes.loop.combiners import (
    Accumulator,
    Choice,
    Combiner,
    begins_with_constants,
    combiner_of,
)
from passes.loop.forms import Ranges, block_with, coordinates, forms_of, map_of, ranges_of
from passes.loop.nests import (
    clone_into,
    clone_loops,
    loops_for,
    loops_inside,
    loops_used,
    put_block,
    spatial_variables,
)
from passes.loop.primitive import (
    Primitive,
    Scope,
    insert_before,
    loops_around,
)
from passes.loop.reassociation import mark, rounding_steps


@dataclass(frozen=True)
class Variable:
    """A variable of the block of partial results: what it is bound to, and how far it goes."""

    hint: str | None
    reduce: bool
    domain: Affine
    binding: Affine


@dataclass(frozen=True)
class Factoring:
    """One use of the primitive."""

    scope: Scope
    block: loop_dialect.BlockOp
    at: loop_dialect.ForOp
    combiner: Combiner

    @property
    def name(self) -> str:
        return self.block.block_name.data

    @cached_property
    def around(self) -> list[loop_dialect.ForOp]:
        return loops_around(self.block)

    @cached_property
    def reduction(self) -> list[loop_dialect.ForOp]:
        """The loops that move the reduction, outermost first."""
        used = loops_used(self.block, reduce=True)
        return [op for op in self.around if op.induction in used]

    @cached_property
    def root(self) -> loop_dialect.ForOp:
        """The outermost loop of the reduction."""
        return self.reduction[0]

    @cached_property
    def kept(self) -> list[loop_dialect.ForOp]:
        """The loops of the result inside the reduction."""
        spatial = loops_used(self.block, reduce=False)
        return loops_for(spatial, loops_inside(self.block, self.root, including=True))

    @property
    def extent(self) -> int:
        assert self.at.extent is not None
        return self.at.extent

    @cached_property
    def start(self) -> Affine:
        return forms_of(self.at, "lower")[0]

    def check(self) -> None:
        """Refuse what cannot be reduced in two steps."""
        self.check_loop()
        for accumulator in self.combiner.accumulators:
            self.check_result(accumulator)
        buffers = {a.buffer for a in self.combiner.accumulators}
        for op in self.root.walk():
            if isinstance(op, loop_dialect.AllocOp) and op.result in buffers:
                raise self.scope.error(
                    f"%{op.result.name_hint} only lives inside loop "
                    f"'{self.root.loop_name.data}' of the reduction"
                )
            if not isinstance(op, loop_dialect.BlockOp | loop_dialect.CopyOp):
                continue
            used = {v for inner in op.walk() for v in inner.operands} & buffers
            if op is not self.block and used:
                what = (
                    f"block '{op.block_name.data}'"
                    if isinstance(op, loop_dialect.BlockOp)
                    else "a copy"
                )
                raise self.scope.error(
                    f"{what} also uses %{used.pop().name_hint} inside loop "
                    f"'{self.root.loop_name.data}' of the reduction, where there are partial "
                    "results only"
                )

    def check_loop(self) -> None:
        """Refuse a loop that is none of the reduction alone."""
        loop, block = self.at.loop_name.data, self.name
        bindings = forms_of(self.block, "bindings")
        for form, variable, reduce in zip(
            bindings, self.block.variables, self.block.is_reduce, strict=True
        ):
            if self.at.induction in form.variables() and not reduce:
                raise self.scope.error(
                    f"loop '{loop}' moves %{variable.name_hint}, a variable of the result of block "
                    f"'{block}'; split it from the reduction first"
                )
        if self.at not in self.reduction:
            names = ", ".join(op.loop_name.data for op in self.reduction)
            raise self.scope.error(
                f"loop '{loop}' does not move the reduction of block '{block}'; those that do: "
                f"{names or 'none'}"
            )
        if self.at.constant_bounds is None:
            raise self.scope.error(
                f"loop '{loop}' has bounds that are only known at run time, and there is one "
                "partial result for each iteration; split it, and factor the inner loop"
            )
        if self.block.init is not None and not all(form.is_constant for form in self.firsts):
            raise self.scope.error(
                f"where the reduction of block '{block}' begins depends on other loops than those "
                "of the reduction"
            )
        moved = {op.induction for op in self.reduction}
        spatial = loops_used(self.block, reduce=False)
        for op in self.kept:
            if op in self.reduction:
                raise self.scope.error(
                    f"loop '{op.loop_name.data}' moves the reduction and the result of block "
                    f"'{block}', or is in the bounds of a loop of the result"
                )
        ranges = ranges_of(self.around)
        for form in forms_of(self.block, "where"):
            if form.variables() & moved and form.variables() & spatial:
                low = self.at_beginning(form, [*self.reduction]).interval(ranges)[0]
                if low is None or low < 0:
                    raise self.scope.error(
                        f"a guard of block '{block}' depends on its reduction and its result at "
                        "once, so that some results may have no term; factor the reduction before "
                        "the loops are split"
                    )

    def check_result(self, accumulator: Accumulator) -> None:
        """Refuse a result whose place is not that of the variables of the result."""
        spatial = {
            v
            for v, reduce in zip(self.block.variables, self.block.is_reduce, strict=True)
            if not reduce
        }
        for form in coordinates(accumulator.store):
            if form.variables() - spatial:
                raise self.scope.error(
                    f"where block '{self.name}' stores to %{accumulator.buffer.name_hint} depends "
                    "on its reduction, so that its partial results are no elements of one result"
                )

    def check_order(self, reassociate: bool) -> bool:
        """Whether floats are rounded differently; refuses that unless it is allowed."""
        others = [op for op in self.others if op.extent != 1]
        if not rounding_steps(self.block) or not others or self.extent == 1:
            return False
        if not reassociate:
            raise self.scope.error(
                f"reassociate=false: block '{self.name}' would sum up its floats in "
                f"{self.extent} parts, which rounds differently: the first two terms in loop "
                f"'{self.at.loop_name.data}' would be in two of them, and those of loop "
                f"'{others[-1].loop_name.data}' come between"
            )
        return True

    @cached_property
    def axis(self) -> Affine:
        """Which partial result an iteration belongs to."""
        return Affine.variable(self.at.induction) - self.start

    def variables(self) -> tuple[list[Variable], list[Affine]]:
        """The variables of the block of partial results, and the old ones as forms of them."""
        ranges = ranges_of(self.around)
        olds = zip(
            self.block.variables,
            forms_of(self.block, "bindings", ranges),
            forms_of(self.block, "domains", ranges),
            self.block.is_reduce,
            strict=True,
        )
        axis = Variable("v_rf", False, Affine({}, self.extent), self.axis)
        found: list[Variable] = []
        forms: list[Affine] = []
        for variable, binding, domain, reduce in olds:
            hint = variable.name_hint
            if self.at.induction not in binding.variables():
                found.append(Variable(hint, reduce, domain, binding))
                forms.append(Affine.variable(found[-1]))
                continue
            step = binding.coefficient(self.at.induction)
            step = 0 if self.at.induction in divided(binding) else step
            place = Affine.variable(axis)
            if not step:
                counters = self.counters(binding)
                found += [c for c in counters.values() if c not in found]
                forms.append(self.over_counters(binding, axis, counters))
                continue
            first = self.start if step > 0 else self.start + (self.extent - 1)
            rest = binding.substitute({self.at.induction: first}, ranges)
            apart = place if step > 0 else place * -1 + (self.extent - 1)
            if rest.is_constant:
                forms.append(rest + apart * abs(step))
            else:
                found.append(Variable(hint, True, domain, rest))
                forms.append(Affine.variable(found[-1]) + apart * abs(step))
        spatial = [v for v in found if not v.reduce]
        return [*spatial, axis, *(v for v in found if v.reduce)], forms

    def counters(self, binding: Affine) -> dict[loop_dialect.ForOp, Variable]:
        """A variable for each other loop in a binding that the loop is divided in."""
        found: dict[loop_dialect.ForOp, Variable] = {}
        for op in self.others:
            if op.induction in binding.variables():
                low, high = forms_of(op, "lower")[0], forms_of(op, "upper")[0]
                count = Affine.variable(op.induction) - low
                found[op] = Variable(f"v_{op.loop_name.data}", True, high - low, count)
        return found

    def over_counters(
        self, binding: Affine, axis: Variable, counters: dict[loop_dialect.ForOp, Variable]
    ) -> Affine:
        """A binding as a form of the partial result and of counted loops."""
        values: dict[Hashable, Affine] = {self.at.induction: Affine.variable(axis) + self.start}
        ranges: Ranges = {axis: (0, self.extent - 1)}
        for op, counter in counters.items():
            values[op.induction] = Affine.variable(counter) + forms_of(op, "lower")[0]
            ranges[counter] = (0, None if op.extent is None else op.extent - 1)
        return binding.substitute(values, ranges)

    @cached_property
    def guards(self) -> list[Affine]:
        """The forms that are not negative where the block runs, as far as the reduction decides."""
        ranges = ranges_of(self.around)
        found: list[Affine] = []
        for domain, binding, reduce in zip(
            forms_of(self.block, "domains", ranges),
            forms_of(self.block, "bindings", ranges),
            self.block.is_reduce,
            strict=True,
        ):
            found += [binding, domain - binding - 1] if reduce else []
        moved = {op.induction for op in self.reduction}
        return [*found, *(f for f in forms_of(self.block, "where") if f.variables() & moved)]

    @property
    def others(self) -> list[loop_dialect.ForOp]:
        """The other loops of the reduction."""
        return [op for op in self.reduction if op is not self.at]

    def at_beginning(self, form: Affine, loops: Sequence[loop_dialect.ForOp]) -> Affine:
        """A form in the first iterations of some loops."""
        ranges = ranges_of(self.around)
        for op in reversed(loops):
            form = form.substitute({op.induction: forms_of(op, "lower")[0]}, ranges)
        return form

    @cached_property
    def firsts(self) -> list[Affine]:
        """The variables of the reduction in the first iterations of its loops."""
        bindings = forms_of(self.block, "bindings", ranges_of(self.around))
        pairs = zip(bindings, self.block.is_reduce, strict=True)
        return [self.at_beginning(form, self.reduction) for form, reduce in pairs if reduce]

    def begins(self) -> bool:
        """Whether the block begins the reduction, and does not go on with one that was begun."""
        return self.block.init is not None and all(form == Affine({}) for form in self.firsts)

    def always_begins(self, variables: Sequence[Variable]) -> bool:
        """Whether every partial result gets a first term, where its reduction is all zero."""
        ranges = ranges_of(self.around)
        for variable in variables:
            if variable.reduce and self.at_beginning(variable.binding, self.others) != Affine({}):
                return False
        firsts = [self.at_beginning(guard, self.others) for guard in self.guards]
        lows = [form.interval(ranges)[0] for form in firsts]
        return all(low is not None and low >= 0 for low in lows)

    def factor(self, reassociated: bool) -> None:
        """Rewrite."""
        variables, forms = self.variables()
        begins = self.always_begins(variables)
        (name,) = self.scope.fresh(f"{self.name}_rf")
        buffers = [self.allocate(a) for a in self.combiner.accumulators]
        final, last = self.final(buffers)
        before = [] if begins else [self.beginning(f"{name}_init", buffers)]
        partial = self.partial(name, variables, forms, buffers, begins)
        locate(self.block.location, partial, final, *before)
        insert_before(self.block, partial)
        self.block.detach()
        self.block.erase()
        insert_before(self.root, *before)
        home = self.root.parent_block()
        assert home is not None
        home.insert_ops_after([final], self.root)
        if reassociated:
            mark([*rounding_steps(partial), *rounding_steps(last)])

    def allocate(self, accumulator: Accumulator) -> SSAValue:
        """A buffer of partial results: that of the result, with one more dimension."""
        old, owner = accumulator.buffer.type, accumulator.buffer.owner
        assert isinstance(old, MemRefType)
        named = [*logical_shape(old), self.extent]
        shape = [DYNAMIC_INDEX if isinstance(n, str) else n for n in named]
        layout = NoneAttr()
        if DYNAMIC_INDEX in shape:
            layout = LayoutAttr.of(AffineMap.identity(len(shape)), named)
        type = MemRefType(old.element_type, shape, layout, old.memory_space)
        origin, at = [Affine({})] * len(shape), self.around[0]
        inside = isinstance(owner, loop_dialect.AllocOp) and owner.parent_op() is not (
            self.scope.function
        )
        if isinstance(owner, loop_dialect.AllocOp) and (inside or owner.has_origin):
            origin, at = [*forms_of(owner, "origin"), Affine({})], owner
        values: list[SSAValue] = []
        exprs = map_of(origin, values)
        alloc = loop_dialect.AllocOp(type, values, AffineMap(len(values), 0, tuple(exprs)))
        alloc.result.name_hint = f"{accumulator.buffer.name_hint}_rf"
        insert_before(at, alloc)
        locate(self.block.location, alloc)
        return alloc.result

    def place(
        self, accumulator: Accumulator, spatial: Sequence[SSAValue], last: SSAValue | None = None
    ) -> tuple[list[SSAValue], AffineMap]:
        """Where an accumulator is, over variables of the result, in the partial result `last`."""
        olds = [
            v
            for v, reduce in zip(self.block.variables, self.block.is_reduce, strict=True)
            if not reduce
        ]
        forms: dict[Hashable, Affine] = {
            old: Affine.variable(new) for old, new in zip(olds, spatial, strict=True)
        }
        place = [form.substitute(forms, {}) for form in coordinates(accumulator.store)]
        values: list[SSAValue] = []
        exprs = map_of([*place, *([] if last is None else [Affine.variable(last)])], values)
        return values, AffineMap(len(values), 0, tuple(exprs))

    def begin(
        self, block: Block, spatial: Sequence[SSAValue], last: SSAValue, buffers: Sequence[SSAValue]
    ) -> None:
        """Fill a region that lets partial results begin."""
        builder = Builder(InsertPoint.at_end(block))
        values = self.combiner.identities(self.block, builder)
        for value, accumulator, buffer in zip(
            values, self.combiner.accumulators, buffers, strict=True
        ):
            builder.insert(
                loop_dialect.StoreOp(value, buffer, *self.place(accumulator, spatial, last))
            )

    def beginning(self, wish: str, buffers: Sequence[SSAValue]) -> Operation:
        """A nest in which all partial results begin."""
        (name,) = self.scope.fresh(wish)
        loops, values = self.clones(name)
        spatial = spatial_variables(self.block, values)
        axis = ("v_rf", Affine({}, self.extent), self.axis.substitute(values, {}))
        where = [form.substitute(values, {}) for form in self.spatial_where]
        return put_block(
            loops,
            name,
            [*spatial, axis],
            where,
            lambda inner: self.begin(inner, inner.args[:-1], inner.args[-1], buffers),
        )

    def clones(self, prefix: str) -> tuple[list[loop_dialect.ForOp], dict[Hashable, Affine]]:
        """New loops over results and their partial results."""
        loops, values = clone_loops(self.scope, [*self.kept, self.at], prefix)
        loops[-1].kind = StringAttr("serial")
        return loops, values

    @property
    def spatial_where(self) -> list[Affine]:
        """The conditions of the block on the variables of the result."""
        moved = {op.induction for op in self.reduction}
        return [f for f in forms_of(self.block, "where") if not f.variables() & moved]

    def final(self, buffers: Sequence[SSAValue]) -> tuple[Operation, loop_dialect.BlockOp]:
        """The nest that reduces partial results, and its block."""
        loops, values = self.clones(self.name)
        spatial = spatial_variables(self.block, values)
        count = len(spatial) + 1
        body = Block(arg_types=[IndexType()] * count)
        builder = Builder(InsertPoint.at_end(body))
        old: list[SSAValue] = []
        new: list[SSAValue] = []
        for accumulator, buffer in zip(self.combiner.accumulators, buffers, strict=True):
            place = self.place(accumulator, body.args[:-1])
            load = builder.insert(loop_dialect.LoadOp(accumulator.buffer, *place))
            load.result.name_hint = accumulator.load.result.name_hint
            old.append(load.result)
            place = self.place(accumulator, body.args[:-1], body.args[-1])
            new.append(builder.insert(loop_dialect.LoadOp(buffer, *place)).result)
            new[-1].name_hint = "part"
        for value, accumulator in zip(
            self.combiner.combine(old, new, builder), self.combiner.accumulators, strict=True
        ):
            place = self.place(accumulator, body.args[:-1])
            builder.insert(loop_dialect.StoreOp(value, accumulator.buffer, *place))
        for argument, hint in zip(body.args, [*(h for h, _, _ in spatial), "v_rf"], strict=True):
            argument.name_hint = hint
        block = block_with(
            self.name,
            [*["spatial"] * len(spatial), "reduce"],
            [*(domain for _, domain, _ in spatial), Affine({}, self.extent)],
            [*(binding for _, _, binding in spatial), self.axis.substitute(values, {})],
            [form.substitute(values, {}) for form in self.spatial_where],
            Region(body),
            self.init(count),
        )
        loops[-1].body.block.add_op(block)
        return loops[0], block

    def init(self, count: int) -> Region | None:
        """The init region of the block, for the block that reduces partial results."""
        if self.block.init is None or not self.begins():
            return None
        source, target = self.block.init.block, Block(arg_types=[IndexType()] * count)
        builder = Builder(InsertPoint.at_end(target))
        mapping: dict[SSAValue, SSAValue] = {}
        spatial = iter(target.args)
        for argument, reduce in zip(source.args, self.block.is_reduce, strict=True):
            if reduce and argument.uses.get_length():
                mapping[argument] = index_value(Affine({}), builder)  # where it begins
            elif not reduce:
                mapping[argument] = next(spatial)
        clone_into(source, target, mapping)
        return Region(target)

    def partial(
        self,
        name: str,
        variables: Sequence[Variable],
        forms: Sequence[Affine],
        buffers: Sequence[SSAValue],
        begins: bool,
    ) -> loop_dialect.BlockOp:
        """The block of partial results."""
        body = Block(arg_types=[IndexType()] * len(variables))
        for argument, variable in zip(body.args, variables, strict=True):
            argument.name_hint = variable.hint
        single = not any(v.reduce for v in variables)
        self.fill(body, variables, forms, buffers, single)
        init = None
        if begins and not single:
            inner = Block(arg_types=[IndexType()] * len(variables))
            count = sum(not v.reduce for v in variables)
            self.begin(inner, inner.args[: count - 1], inner.args[count - 1], buffers)
            init = Region(inner)
        return block_with(
            name,
            ["reduce" if v.reduce else "spatial" for v in variables],
            [v.domain for v in variables],
            [v.binding for v in variables],
            [*forms_of(self.block, "where"), *self.tails(variables)],
            Region(body),
            init,
        )

    def tails(self, variables: Sequence[Variable]) -> list[Affine]:
        """The domains of variables that are no more, as conditions on the loops."""
        ranges = ranges_of(self.around)
        found: list[Affine] = []
        for domain, binding in zip(
            forms_of(self.block, "domains", ranges),
            forms_of(self.block, "bindings", ranges),
            strict=True,
        ):
            if self.at.induction not in binding.variables():
                continue
            for form in (binding, domain - binding - 1):
                low = form.interval(ranges)[0]
                if low is None or low < 0:
                    found.append(form)
        return found

    def fill(
        self,
        body: Block,
        variables: Sequence[Variable],
        forms: Sequence[Affine],
        buffers: Sequence[SSAValue],
        single: bool,
    ) -> None:
        """The body of the block, over new variables, accumulating in other buffers."""
        builder = Builder(InsertPoint.at_end(body))
        news: dict[Hashable, Affine] = {
            v: Affine.variable(argument) for v, argument in zip(variables, body.args, strict=True)
        }
        known: dict[Hashable, Affine] = {
            old: form.substitute(news, {})
            for old, form in zip(self.block.variables, forms, strict=True)
        }
        count = sum(not v.reduce for v in variables)
        spatial, last = body.args[: count - 1], body.args[count - 1]
        rebuilding = Rebuilding(builder, known)
        accumulators = self.combiner.accumulators
        places = [self.place(a, spatial, last) for a in accumulators]
        if single:
            loads = [a.load.result for a in accumulators]
            values = self.combiner.identities(self.block, builder)
            rebuilding.values.update(zip(loads, values, strict=True))
        by_load = {a.load: n for n, a in enumerate(accumulators)}
        by_store = {a.store: n for n, a in enumerate(accumulators)}
        for op in self.block.body.block.ops:
            if isinstance(op, loop_dialect.LoadOp) and op in by_load:
                number = by_load[op]
                if not single:
                    load = loop_dialect.LoadOp(buffers[number], *places[number])
                    rebuilding.values[op.result] = builder.insert(load).result
                rebuilding.values[op.result].name_hint = op.result.name_hint
            elif isinstance(op, loop_dialect.StoreOp):
                number, value = by_store[op], rebuilding.value(op.value)
                builder.insert(loop_dialect.StoreOp(value, buffers[number], *places[number]))
            else:
                rebuilding.insert(op)


@dataclass(frozen=True)
class RfactorPass(Primitive):
    """Make a loop of a reduction an axis of partial results, which a second block reduces."""

    name = "rfactor"
    reassociates: ClassVar = True

    block: str
    loop: str
    reassociate: bool = True
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        block, at = scope.find_block(self.block), scope.find_loop(self.loop)
        if at not in loops_around(block):
            names = ", ".join(op.loop_name.data for op in loops_around(block))
            raise scope.error(
                f"loop '{self.loop}' is not around block '{self.block}'; those around it: {names}"
            )
        combiner = combiner_of(block)
        if isinstance(combiner, str):
            raise scope.error(
                f"block '{self.block}' has no partial results that could be combined: {combiner}"
            )
        if isinstance(combiner, Choice) and not begins_with_constants(block):
            raise scope.error(
                f"block '{self.block}' chooses between values, and no init region of it says with "
                "which constants partial results begin; factor the reduction before it is "
                "decomposed"
            )
        factoring = Factoring(scope, block, at, combiner)
        factoring.check()
        factoring.factor(factoring.check_order(self.reassociate))
