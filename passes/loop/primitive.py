"""What all schedule primitives share: how they name things, and how they say that one is missing.

A primitive names loops, blocks and buffers of one function. It resolves the names once; one that
is not there is an error that lists those that are. A module with several functions of loops needs
the option `function`, unless the names are found in one of them only.

Arguments: `function` (needed where several functions have the names).
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from analysis.errors import ScheduleError, nearest
from dialects import loop


@dataclass(frozen=True)
class Scope:
    """A function of loops, as a primitive sees it."""

    primitive: str
    function: func.FuncOp

    def error(self, message: str, *details: str) -> ScheduleError:
        """A refusal of this primitive."""
        return ScheduleError(f"{self.primitive}: {message}", *details)

    @property
    def loops(self) -> dict[str, loop.ForOp]:
        """The loops by name."""
        return {o.loop_name.data: o for o in self.function.walk() if isinstance(o, loop.ForOp)}

    @property
    def blocks(self) -> dict[str, loop.BlockOp]:
        """The blocks by name."""
        return {o.block_name.data: o for o in self.function.walk() if isinstance(o, loop.BlockOp)}

    @property
    def buffers(self) -> dict[str, SSAValue]:
        """The arguments and allocations that have a name, by the name they are printed with."""
        counts: dict[str, int] = {}
        found: dict[str, SSAValue] = {}
        for value in printed_values(self.function):
            if (name := value.name_hint) is None:
                continue
            number = counts.get(name, 0)
            counts[name] = number + 1
            if isinstance(value.owner, loop.AllocOp) or value.owner is self.function.body.block:
                found[f"{name}_{number}" if number else name] = value
        return found

    def find_loop(self, name: str) -> loop.ForOp:
        """The loop of that name."""
        loops = self.loops
        if name not in loops:
            raise self.error(f"no loop is named '{name}': {nearest(name, loops)}")
        return loops[name]

    def find_block(self, name: str) -> loop.BlockOp:
        """The block of that name."""
        blocks = self.blocks
        if name not in blocks:
            raise self.error(f"no block is named '{name}': {nearest(name, blocks)}")
        return blocks[name]

    def find_buffer(self, name: str) -> SSAValue:
        """The buffer of that name."""
        buffers = self.buffers
        if name not in buffers:
            raise self.error(f"no buffer is named '{name}': {nearest(name, buffers)}")
        return buffers[name]

    def fresh(self, *wishes: str) -> list[str]:
        """Names for new loops and blocks: the wishes, with a number where one is taken."""
        taken = {*self.loops, *self.blocks}
        found: list[str] = []
        for wish in wishes:
            name, number = wish, 0
            while name in taken:
                number += 1
                name = f"{wish}_{number}"
            taken.add(name)
            found.append(name)
        return found

    def require_free(self, names: Sequence[str]) -> None:
        """Refuse names that the user chose but that are taken."""
        taken = {*self.loops, *self.blocks}
        for i, name in enumerate(names):
            if name in taken or name in names[:i]:
                raise self.error(f"the name '{name}' is already taken; choose another one")

    def refuse_parts(self, op: Operation) -> None:
        """Refuse an operation in which tiles are used that lie in parts of a buffer.

        What such a tile holds comes from another iteration, so its users stay where they are.
        """
        for inner in op.walk():
            for value in inner.operands:
                memory = memory_of(value)
                if memory is not None:
                    raise self.error(
                        f"%{value.name_hint} lies in a part of %{memory.name_hint}, which is "
                        "filled ahead of time; do this before double-buffer"
                    )


def memory_of(buffer: SSAValue) -> SSAValue | None:
    """The buffer in a part of which a tile lies; None for one with memory of its own."""
    return buffer.owner.memory if isinstance(buffer.owner, loop.AllocOp) else None


def printed_values(function: func.FuncOp) -> Iterator[SSAValue]:
    """The values of a function in the order in which their names are given when it is printed."""
    yield from function.body.block.args
    for op in function.body.walk():
        yield from op.results
        if isinstance(op, loop.ForOp):
            yield op.induction
        elif isinstance(op, loop.BlockOp):
            yield from op.variables


@dataclass(frozen=True)
class Primitive(ModulePass):
    """A pass that rewrites one function of loops, or refuses."""

    @abstractmethod
    def rewrite(self, scope: Scope) -> None:
        """Rewrite the function."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        self.rewrite(self.resolve(op))

    def resolve(self, module: ModuleOp) -> Scope:
        """The function that the options of this primitive speak of."""
        wanted: str | None = getattr(self, "function", None)
        functions = functions_of_loops(module)
        scopes = [Scope(self.name, f) for f in functions]
        if not scopes:
            raise ScheduleError(
                f"{self.name}: the module has no function of loops to schedule; "
                "lower-te-to-loop makes them of tensor expressions"
            )
        names = [f.sym_name.data for f in functions]
        if wanted is not None:
            if wanted not in names:
                raise ScheduleError(
                    f"{self.name}: no function of loops is named '{wanted}': "
                    f"{nearest(wanted, names)}"
                )
            return scopes[names.index(wanted)]
        if len(scopes) == 1:
            return scopes[0]
        asked = {v for v in self.named() if v is not None}
        fitting = [s for s in scopes if asked <= {*s.loops, *s.blocks, *s.buffers}]
        if not fitting:
            known = [name for s in scopes for name in (*s.loops, *s.blocks, *s.buffers)]
            for name in sorted(asked):
                if name not in known:
                    raise ScheduleError(
                        f"{self.name}: nothing in the functions {', '.join(names)} is named "
                        f"'{name}': {nearest(name, known)}"
                    )
            raise ScheduleError(
                f"{self.name}: no function has all of {', '.join(sorted(asked))}; "
                f"the functions are {', '.join(names)}"
            )
        if len(fitting) > 1:
            raise ScheduleError(
                f"{self.name}: several functions have {', '.join(sorted(asked))}; name one with "
                f"function=: {', '.join(s.function.sym_name.data for s in fitting)}"
            )
        return fitting[0]

    def named(self) -> Iterator[str | None]:
        """The names that the options give."""
        for option in ("loop", "block", "buffer", "at", "ahead"):
            yield getattr(self, option, None)
        yield from getattr(self, "loops", ())


def functions_of_loops(module: ModuleOp) -> list[func.FuncOp]:
    """The functions of a module in which there is something to schedule."""
    return [
        f
        for f in module.ops
        if isinstance(f, func.FuncOp)
        and any(isinstance(o, loop.BlockOp | loop.CopyOp) for o in f.walk())
    ]


def loops_around(op: Operation) -> list[loop.ForOp]:
    """The loops around an operation, outermost first."""
    found: list[loop.ForOp] = []
    parent = op.parent_op()
    while isinstance(parent, loop.ForOp):
        found.append(parent)
        parent = parent.parent_op()
    return found[::-1]


def blocks_in(op: Operation) -> list[loop.BlockOp]:
    """The blocks in an operation, in program order."""
    return [o for o in op.walk() if isinstance(o, loop.BlockOp)]


def only_child(op: loop.ForOp) -> Operation | None:
    """The one operation in the body of a loop, None if there are more."""
    first = op.body.block.first_op
    return first if first is op.body.block.last_op else None


def accesses(op: Operation, buffer: SSAValue | None = None) -> Iterator[loop.LoadOp | loop.StoreOp]:
    """The loads and stores in `op`, in program order; of one buffer if it is given."""
    for inner in op.walk():
        if isinstance(inner, loop.LoadOp | loop.StoreOp) and buffer in (None, inner.memref):
            yield inner


def body_accesses(
    block: loop.BlockOp, buffer: SSAValue | None = None
) -> Iterator[loop.LoadOp | loop.StoreOp]:
    """The loads and stores in the body of a block, its init region left out."""
    for inner in block.body.walk():
        if isinstance(inner, loop.LoadOp | loop.StoreOp) and buffer in (None, inner.memref):
            yield inner


def block_of(access: Operation) -> loop.BlockOp:
    """The block that an access stands in."""
    parent = access.parent_op()
    while not isinstance(parent, loop.BlockOp):
        assert parent is not None, f"{access.name} stands in no block"
        parent = parent.parent_op()
    return parent


def insert_before(op: Operation, *new: Operation) -> None:
    """Insert operations before `op`."""
    block = op.parent_block()
    assert isinstance(block, Block)
    block.insert_ops_before(new, op)


def is_below(op: Operation, outer: Operation) -> bool:
    """Whether `op` stands in `outer`."""
    parent = op.parent_op()
    while parent is not None:
        if parent is outer:
            return True
        parent = parent.parent_op()
    return False
