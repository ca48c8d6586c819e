"""tile-loops: nested loops become loops over tiles around the loops inside one tile.

    for y in 0..1024                  for y_o in 0..128
      for x in 0..1024                  for x_o in 0..128
        for k in 0..1024     ->           for k_o in 0..128
          ...                               for y_i in 0..8
                                              for x_i in 0..8
                                                for k_i in 0..8
                                                  ...

It is split-loop for each loop and one reorder-loops, for any number of loops: all outer ones come
first, then all inner ones, both in the order given. The names are `<loop>_o` and `<loop>_i`, or
those of `names`, all outer ones first. Where a size does not divide an extent, the tail is guarded
as split-loop does it.

Arguments: `loops`, `sizes` (as many, at least 1), `names` (twice as many), `block` (that the loops
must be around), `reassociate` (default true), `function`.
Refuses: what split-loop and reorder-loops refuse; sizes or names of another number; a loop that is
not around `block`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects import func

from dialects import loop as loop_dialect
from passes.loop.permutations import keeps_by_signature
from passes.loop.primitive import Primitive, Scope, blocks_in, loops_around
from passes.loop.reassociation import reassociate_order
from passes.loop.reorder_loops import chain, check_order, orders_of, permute
from passes.loop.split_loop import refuse_kind, split


def trial_of(scope: Scope) -> Scope:
    """A copy of a function, in a copy of its module, to find out whether a primitive refuses."""
    module = scope.function.parent_op()
    assert module is not None
    name = scope.function.sym_name.data
    copies = (op for op in module.clone().walk() if isinstance(op, func.FuncOp))
    return Scope(scope.primitive, next(op for op in copies if op.sym_name.data == name))


@dataclass(frozen=True)
class TileLoopsPass(Primitive):
    """Split nested loops, and put the outer ones of all around the inner ones."""

    name = "tile-loops"
    reassociates: ClassVar = True

    loops: tuple[str, ...]
    sizes: tuple[int, ...]
    names: tuple[str, ...] | None = None
    block: str | None = None
    reassociate: bool = True
    function: str | None = None

    def rewrite(self, scope: Scope) -> None:
        found = self.check(scope)
        names = self.new_names(scope)
        # what the new order is refused for is only known of the loops that were split
        if not (self.reassociate and keeps_by_signature(found[0])):
            self.tile(trial_of(scope), names)
        self.tile(scope, names)

    def tile(self, scope: Scope, names: Sequence[str]) -> None:
        """Split the loops, and let them take the order of `names`."""
        count = len(self.loops)
        for i, (loop, size) in enumerate(zip(self.loops, self.sizes, strict=True)):
            split(scope.find_loop(loop), size, names[i], names[count + i])
        wanted = [scope.find_loop(name) for name in names]
        places = chain(scope, wanted)
        check_order(scope, *orders_of(places, wanted))
        for block in blocks_in(places[0]):
            reassociate_order(scope, block, places, wanted, self.reassociate)
        permute(places, wanted)

    def check(self, scope: Scope) -> list[loop_dialect.ForOp]:
        """The loops, outermost first; refuse before anything is rewritten."""
        found = [scope.find_loop(name) for name in self.loops]
        if not found or len(set(self.loops)) != len(found):
            raise scope.error(f"loops={','.join(self.loops)}: name one or more loops, each once")
        if len(self.sizes) != len(found):
            raise scope.error(f"{len(self.sizes)} sizes for {len(found)} loops; each loop has one")
        for op, size in zip(found, self.sizes, strict=True):
            if size < 1:
                raise scope.error(f"size {size} for loop '{op.loop_name.data}': it is at least 1")
            refuse_kind(scope, op, "tile")
        if self.block is not None:
            around = loops_around(scope.find_block(self.block))
            for op in found:
                if op not in around:
                    raise scope.error(
                        f"loop '{op.loop_name.data}' is not around block '{self.block}'; those "
                        f"around it: {', '.join(o.loop_name.data for o in around)}"
                    )
        return chain(scope, found)

    def new_names(self, scope: Scope) -> list[str]:
        """The names of the outer loops, then of the inner ones."""
        if self.names is None:
            return scope.fresh(*(f"{name}_{end}" for end in "oi" for name in self.loops))
        if len(self.names) != 2 * len(self.loops):
            raise scope.error(
                f"names= gives {len(self.names)} names; {len(self.loops)} loops become "
                f"{2 * len(self.loops)}"
            )
        scope.require_free(self.names)
        return list(self.names)

    def named(self) -> Iterator[str | None]:
        yield from self.loops
        yield self.block
