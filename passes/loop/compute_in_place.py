"""compute-in-place: the result of a block takes the memory of the operand it is computed from.

    for i                            for i
      S: S[i] = C[i] >> 8     ->       S: C[i] = C[i] >> 8
    for i                            for i
      O: O[i] = S[i]                   O: O[i] = C[i]

Every use of the result becomes one of the operand, and the result's allocation goes. So the steps
of an epilogue work on one tile of accumulators, as an ALU does that reads and writes one register.

Arguments: `block`, `buffer` (the operand; needed where the block reads several that could be),
`function`.
Refuses: a block that reduces; a result that is an argument, is not all written by this block, or is
used before it; an operand of another type, that is an argument, that the block reads elsewhere than
where it writes, or of which something is needed after the block has overwritten it, by this block
or another one; tiles that are filled ahead of time.
"""

from dataclasses import dataclass, replace

from xdsl.ir import Operation, SSAValue

from dialects import loop
from passes.loop.forms import coordinates, forms_of, ranges_of
from passes.loop.instances import Use, uses_of
from passes.loop.moves import hoist, later_in
from passes.loop.primitive import (
    Primitive,
    Scope,
    block_of,
    body_accesses,
    loops_around,
)
from passes.loop.signatures import tiles_are_apart
from passes.loop.witnesses import OVERWRITES, OVERWRITTEN, Witness, meet


def runs_after(first: Use, second: Use, order: dict[Operation, int]) -> Witness | None:
    """An instance of `second` that touches an element after an instance of `first` did.

    In another iteration of a loop around the allocation it is another element.
    """
    outer, around = (loops_around(use.statement) for use in (first, second))
    shared = [op for op in outer if op in around]
    assert isinstance(first.buffer.owner, loop.AllocOp)
    lives = len(loops_around(first.buffer.owner))
    touches = first.touch, second.touch
    later = order[second.op] > order[first.op]
    ranges = ranges_of(around) | ranges_of(outer)
    if tiles_are_apart((touches[0].place, touches[1].place), shared, ranges):
        return meet(*touches, shared, []) if later else None
    times = [(shared[:i], [later_in(op)]) for i, op in enumerate(shared) if i >= lives]
    if later:
        times.append((shared, []))
    found = (meet(*touches, still, differ) for still, differ in times)
    return next((witness for witness in found if witness is not None), None)


def as_use_of(use: Use, buffer: SSAValue) -> Use:
    """A use of one buffer, as if it were of another one."""
    assert use.touch.actor is not None
    actor = replace(use.touch.actor, buffer=buffer)
    return replace(use, touch=replace(use.touch, actor=actor))


@dataclass(frozen=True)
class ComputeInPlacePass(Primitive):
    """Let the result of a block take the memory of its operand."""

    name = "compute-in-place"

    block: str
    buffer: str | None = None
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        block = scope.find_block(self.block)
        scope.refuse_parts(block)
        store = self.result_of(scope, block)
        load = self.operand_of(scope, block, store)
        self.check_order(scope, load, store)
        result, operand = store.memref, load.memref
        alloc = result.owner
        assert isinstance(alloc, loop.AllocOp) and isinstance(operand.owner, loop.AllocOp)
        hoist(operand.owner, alloc)
        result.replace_all_uses_with(operand)
        alloc.detach()
        alloc.erase()

    def result_of(self, scope: Scope, block: loop.BlockOp) -> loop.StoreOp:
        """The one store of the block, to memory that is its own."""
        if any(block.is_reduce):
            raise scope.error(f"block '{self.block}' reduces; only elementwise blocks are in place")
        stores = [a for a in body_accesses(block) if isinstance(a, loop.StoreOp)]
        if len(stores) != 1:
            raise scope.error(f"block '{self.block}' writes {len(stores)} results, not one")
        (store,) = stores
        name = f"%{store.memref.name_hint}"
        if not isinstance(store.memref.owner, loop.AllocOp):
            raise scope.error(
                f"{name} is an argument of the function, and its caller looks for the result there"
            )
        for user in users_of(store.memref):
            if user.writes and user.op is not store:
                raise scope.error(f"{name} is also written by {user.subject}")
        return store

    def operand_of(self, scope: Scope, block: loop.BlockOp, store: loop.StoreOp) -> loop.LoadOp:
        """The read whose buffer the result can take."""
        loads = [a for a in body_accesses(block) if isinstance(a, loop.LoadOp)]
        if self.buffer is not None:
            wanted = scope.find_buffer(self.buffer)
            loads = [a for a in loads if a.memref is wanted]
            if not loads:
                raise scope.error(f"block '{self.block}' does not read %{self.buffer}")
        reasons = [(a, unfit(a, store)) for a in loads]
        fitting = [a for a, reason in reasons if reason is None]
        if not fitting:
            told = [f"%{a.memref.name_hint} {reason}" for a, reason in reasons] or ["it reads none"]
            raise scope.error(
                f"no operand of block '{self.block}' can hold its result: {told[0]}", *told[1:]
            )
        if len({a.memref for a in fitting}) > 1:
            names = ", ".join(str(a.memref.name_hint) for a in fitting)
            raise scope.error(
                f"several operands of block '{self.block}' could hold its result; name one with "
                f"buffer=: {names}"
            )
        (operand,) = {a.memref for a in fitting}
        for load in loads:
            if load.memref is operand and coordinates(load) != coordinates(store):
                raise scope.error(
                    f"block '{self.block}' reads %{operand.name_hint} elsewhere than where it "
                    "writes its result"
                )
        return fitting[0]

    def check_order(self, scope: Scope, load: loop.LoadOp, store: loop.StoreOp) -> None:
        """Refuse where the operand is used after the block, or the result before it."""
        order = {op: i for i, op in enumerate(scope.function.walk())}
        operand, result = f"%{load.memref.name_hint}", f"%{store.memref.name_hint}"
        (written,) = uses_of(store)
        for user in users_of(load.memref):
            witness = runs_after(as_use_of(written, load.memref), user, order)
            if witness is None:
                continue
            if user.op.parent_op() is block_of(store):
                raise scope.error(
                    f"block '{self.block}' runs more than once for an element of {operand}, and "
                    "would compute the second result from the first",
                    witness.line(OVERWRITTEN),
                )
            raise scope.error(
                f"{user.subject} uses {operand} after block '{self.block}' would have "
                "overwritten it",
                witness.line(OVERWRITTEN),
            )
        for user in users_of(store.memref):
            witness = None if user.op is store else runs_after(user, written, order)
            if witness is not None:
                raise scope.error(
                    f"{user.subject} reads {result} before block '{self.block}' writes it",
                    witness.line(OVERWRITES),
                )


def users_of(buffer: SSAValue) -> list[Use]:
    """How a buffer is used."""
    ops = dict.fromkeys(use.operation for use in buffer.uses)
    return [use for op in ops for use in uses_of(op) if use.buffer is buffer]


def lives_with(operand: loop.AllocOp, result: loop.AllocOp) -> bool:
    """Whether two allocations of one type hold the same elements at the same time."""
    same_box = forms_of(operand, "origin") == forms_of(result, "origin")
    return operand.parent is result.parent and same_box


def unfit(load: loop.LoadOp, store: loop.StoreOp) -> str | None:
    """Why the result of a block cannot take the memory that it reads; None if it can."""
    if load.memref.type != store.memref.type:
        return f"is {load.memref.type}, the result {store.memref.type}"
    if not isinstance(load.memref.owner, loop.AllocOp):
        return "is an argument of the function, which the caller may need"
    assert isinstance(store.memref.owner, loop.AllocOp)
    if not lives_with(load.memref.owner, store.memref.owner):
        return "is a tile of other elements, or of another loop"
    if load.otherwise is not None or coordinates(load) != coordinates(store):
        return "is read elsewhere than where the result is written"
    return None
