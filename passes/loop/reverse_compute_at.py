"""reverse-compute-at: a consumer is computed inside a loop of its producer.

    for y_o                          for y_o
      for y_i                          for y_i
        C[..] = ...            ->        C[..] = ...
    for y                              for y_i'
      relu: D[y] = f(C[y])               relu: D[..] = f(C[..])

The consumer's own loops go; it gets clones of those loops of the producer inside `at` that the
producer's results depend on, kinds included, called `<block>_<loop>`, as the last statement of
`at`. Where loops of the producer's reduction are around, it runs in their last iteration only.

Arguments: `block` (the consumer), `at` (a loop around the producer), `function`.
Refuses: a block that reads nothing that is written below `at`; a consumer that reads other than
one element a result, or reduces; inputs of the consumer that are only computed later.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from xdsl.ir import Operation

from analysis.affine import Affine
from dialects import loop as loop_dialect
from passes.loop.forms import coordinates, forms_of, ranges_of, set_forms
from passes.loop.nests import clone_loops, last_iteration, loops_inside, loops_used
from passes.loop.primitive import (
    Primitive,
    Scope,
    accesses,
    block_of,
    body_accesses,
    loops_around,
    only_child,
)

Access = loop_dialect.LoadOp | loop_dialect.StoreOp


def producer_of(
    scope: Scope, consumer: loop_dialect.BlockOp, at: loop_dialect.ForOp
) -> tuple[loop_dialect.LoadOp, loop_dialect.StoreOp]:
    """The read of the consumer and the last write below `at` that feeds it."""
    stores = [a for a in accesses(at) if isinstance(a, loop_dialect.StoreOp)]
    for load in body_accesses(consumer):
        if isinstance(load, loop_dialect.LoadOp):
            for store in reversed(stores):
                if store.memref is load.memref:
                    return load, store
    raise scope.error(
        f"block '{consumer.block_name.data}' reads nothing that is written below loop "
        f"'{at.loop_name.data}'"
    )


def match_variables(
    scope: Scope, load: loop_dialect.LoadOp, store: loop_dialect.StoreOp
) -> dict[Hashable, Hashable]:
    """For each variable of the consumer the producer's variable that it equals."""
    pairs: dict[Hashable, Hashable] = {}
    for read, written in zip(coordinates(load), coordinates(store), strict=True):
        if read.is_constant and read == written:
            continue
        ((mine, factor),) = tuple(read.terms.items()) if len(read.terms) == 1 else ((None, 0),)
        ((theirs, other),) = (
            tuple(written.terms.items()) if len(written.terms) == 1 else ((None, 0),)
        )
        if (factor, other, read.const, written.const) != (1, 1, 0, 0):
            raise scope.error(
                f"block '{block_of(load).block_name.data}' reads %{load.memref.name_hint} at other "
                "places than its own element; compute it after the whole producer"
            )
        pairs[mine] = theirs
    return pairs


def root_of(block: loop_dialect.BlockOp) -> Operation:
    """The outermost operation that holds nothing but this block."""
    root: Operation = block
    parent = block.parent_op()
    while isinstance(parent, loop_dialect.ForOp) and only_child(parent) is root:
        root, parent = parent, parent.parent_op()
    return root


@dataclass(frozen=True)
class ReverseComputeAtPass(Primitive):
    """Compute a consumer inside a loop of its producer."""

    name = "reverse-compute-at"

    block: str
    at: str
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        consumer, at = scope.find_block(self.block), scope.find_loop(self.at)
        if any(consumer.is_reduce):
            raise scope.error(f"block '{self.block}' reduces; only elementwise consumers move")
        load, store = producer_of(scope, consumer, at)
        self.check_order(scope, consumer, at, load)
        pairs = match_variables(scope, load, store)
        missing = [v.name_hint for v in consumer.variables if v not in pairs]
        if missing:
            raise scope.error(
                f"variable %{missing[0]} of block '{self.block}' has no counterpart in block "
                f"'{block_of(store).block_name.data}'"
            )
        self.move(scope, consumer, at, block_of(store), pairs)

    def check_order(
        self,
        scope: Scope,
        consumer: loop_dialect.BlockOp,
        at: loop_dialect.ForOp,
        feed: loop_dialect.LoadOp,
    ) -> None:
        """Refuse a consumer with another input that is written after `at` has begun."""
        inputs = {a.memref for a in body_accesses(consumer) if a.memref is not feed.memref}
        first = (*loops_around(at), at)[0]
        later = False
        for op in scope.function.body.block.ops:
            later = later or op is first
            for access in accesses(op) if later else ():
                block = block_of(access)
                if block is consumer or not isinstance(access, loop_dialect.StoreOp):
                    continue
                if access.memref in inputs:
                    raise scope.error(
                        f"block '{self.block}' also reads %{access.memref.name_hint}, which block "
                        f"'{block.block_name.data}' writes after loop '{self.at}' has begun"
                    )

    def move(
        self,
        scope: Scope,
        consumer: loop_dialect.BlockOp,
        at: loop_dialect.ForOp,
        producer: loop_dialect.BlockOp,
        pairs: dict[Hashable, Hashable],
    ) -> None:
        """Put the consumer at the end of `at`."""
        spatial, reduction = loops_used(producer, False), loops_used(producer, True)
        root = root_of(consumer)
        consumer.detach()
        if root is not consumer:
            root.detach()
            root.erase()
        kept = [op for op in loops_inside(producer, at) if op.induction in spatial]
        loops, values = clone_loops(scope, kept, self.block)
        ranges = ranges_of(loops_around(producer))
        bound: dict[Hashable, Affine] = dict(
            zip(producer.variables, forms_of(producer, "bindings", ranges), strict=True)
        )
        bindings = [bound[pairs[v]].substitute(values, ranges) for v in consumer.variables]
        outer = [*loops_around(at), at]
        where = [
            f.substitute(values, {})
            for f in forms_of(producer, "where")
            if f.variables() <= spatial
        ]
        where += [last_iteration(op) for op in outer if op.induction in reduction]
        set_forms(consumer, bindings=bindings, where=[*forms_of(consumer, "where"), *where])
        (loops[-1] if loops else at).body.block.add_op(consumer)
        if loops:
            at.body.block.add_op(loops[0])
