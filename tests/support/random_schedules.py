"""Random sequences of schedule primitives: each one either refuses or keeps the results.

Every primitive of the registry is drawn; its options are made from their names and types, so a new
one needs an entry here only for options that no other one has.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from math import prod

from native import apply, context, parse
from te_cases import Case
from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from analysis.errors import UserError
from backends.llvm.emitter import emit_module
from dialects import loop, te
from dialects.layout import logical_shape
from dovetail.universe import PASSES, pass_class, pass_name
from passes.loop.primitive import Primitive, Scope, accesses, block_of, blocks_in, loops_around
from passes.loop.reorder_loops import ReorderLoopsPass
from passes.loop.tensorize import TensorizePass
from passes.loop.tile_loops import TileLoopsPass

EXCLUDED = {"bind-thread": "needs a target with threads: tests/loop/test_gpu_schedules.py"}
"""Primitives that are not drawn, and the tests that have them instead."""

OFTEN = {
    "split-loop": 4,
    "reorder-loops": 4,
    "promote-memory-scope": 3,
    "compute-at": 3,
    "bind-virtual-thread": 1,
    "tensorize": 8,
}
"""How often some primitives are drawn, where others are drawn twice."""


def primitives() -> dict[str, type[Primitive]]:
    """The primitives of the registry that are drawn, by name."""
    names = {pass_name(path): path for path in PASSES if path.startswith("loop.")}
    found = {name: pass_class(path) for name, path in names.items() if name not in EXCLUDED}
    return {name: cls for name, cls in found.items() if issubclass(cls, Primitive)}


@dataclass(frozen=True)
class Draw:
    """One draw of a primitive for a function: what its options may be chosen from."""

    rng: random.Random
    scope: Scope

    @cached_property
    def loops(self) -> list[str]:
        return list(self.scope.loops)

    @cached_property
    def blocks(self) -> list[str]:
        return list(self.scope.blocks)

    @cached_property
    def buffers(self) -> dict[str, SSAValue]:
        return self.scope.buffers

    def nested(self, most: int) -> list[str]:
        """Some loops around one block, from the outermost inwards."""
        around = loops_around(self.scope.find_block(self.rng.choice(self.blocks)))
        count = self.rng.randint(min(2, len(around)), max(2, min(most, len(around))))
        start = self.rng.randint(0, max(0, len(around) - count))
        return [op.loop_name.data for op in around[start : start + count]]

    def map(self, buffer: str) -> str:
        """A blocked layout."""
        type = self.buffers[buffer].type
        assert isinstance(type, MemRefType)
        rank = type.get_num_dims()
        which, by = self.rng.randrange(max(1, rank)), self.rng.choice([2, 4, 8])
        results = [f"d{i} floordiv {by}" if i == which else f"d{i}" for i in range(rank)]
        names = ", ".join(f"d{i}" for i in range(rank))
        return f"({names})->({', '.join([*results, f'd{which} mod {by}']) if rank else ''})"

    def extents(self, buffer: str, layout: str) -> tuple[int, ...] | None:
        """Extents with room for more than a buffer has; None where it has no constant shape."""
        shape = logical_shape(self.buffers[buffer].type)
        sizes = [size for size in shape if isinstance(size, int)]
        if not sizes or len(sizes) < len(shape):
            return None
        which, by = map(int, BLOCKED.search(layout).groups())
        room = [size + self.rng.randrange(3) for size in sizes]
        return *(-(-r // by) if i == which else r for i, r in enumerate(room)), by

    @cached_property
    def instructions(self) -> dict[str, te.ComputeOp]:
        """The tensor instructions of the module that compute one thing, and that."""
        module = self.scope.function.parent_op()
        assert isinstance(module, ModuleOp)
        found: dict[str, te.ComputeOp] = {}
        for op in module.ops:
            if isinstance(op, te.IntrinsicOp) and len(op.behaviour.block.ops) == 2:
                compute = op.behaviour.block.first_op
                assert isinstance(compute, te.ComputeOp)
                found[op.sym_name.data] = compute
        return found


BLOCKED = re.compile(r"d(\d+) mod (\d+)\)$")
"""The end of the text of a blocked layout."""

Options = dict[str, object]

BY_NAME: Mapping[str, Callable[[Draw, Options], object]] = {
    "loop": lambda draw, _: draw.rng.choice(draw.loops),
    "at": lambda draw, _: draw.rng.choice(draw.loops),
    "ahead": lambda draw, _: draw.rng.choice(draw.loops),
    "block": lambda draw, _: draw.rng.choice(draw.blocks),
    "buffer": lambda draw, _: draw.rng.choice(list(draw.buffers)),
    "loops": lambda draw, _: tuple(draw.nested(4)),
    "over": lambda draw, _: (draw.rng.choice(draw.loops),),
    "factor": lambda draw, _: draw.rng.choice([1, 2, 3, 4, 5, 8, 16]),
    "sizes": lambda draw, known: tuple(draw.rng.choice([1, 2, 3, 4]) for _ in known["loops"]),
    "scope": lambda draw, _: draw.rng.choice(["register", "local"]),
    "multiples": lambda draw, known: tuple(draw.rng.choice([2, 3, 4, 8]) for _ in known["loops"]),
    "map": lambda draw, known: draw.map(known["buffer"]),
    "extents": lambda draw, known: draw.extents(known["buffer"], known["map"]),
    "pad": lambda draw, _: 0,
    "intrinsic": lambda draw, _: draw.rng.choice(list(draw.instructions)),
}
"""How an option that has no default is made, by its name; it may look at those before it."""


def around_block(draw: Draw, options: Options) -> Options:
    """A loop around the block."""
    names = [op.loop_name.data for op in loops_around(draw.scope.find_block(options["block"]))]
    return {"loop": draw.rng.choice(names)} if names else {}


def in_other_order(draw: Draw, options: Options) -> Options:
    """The loops in some order."""
    names = list(options["loops"])
    draw.rng.shuffle(names)
    return {"loops": tuple(names)}


def related(draw: Draw, options: Options, writes: bool) -> Options:
    """A loop around a block that writes what the given one reads, or the other way round."""
    block = draw.scope.find_block(options["block"])
    mine = {a.memref for a in accesses(block) if isinstance(a, loop.StoreOp) != writes}
    others = [
        op.loop_name.data
        for a in accesses(draw.scope.function)
        if a.memref in mine and isinstance(a, loop.StoreOp) == writes and block_of(a) is not block
        for op in loops_around(block_of(a))
    ]
    return {"at": draw.rng.choice(others)} if others else {}


def around_access(draw: Draw, options: Options) -> Options:
    """A loop around an access of the buffer."""
    found = accesses(draw.scope.function, draw.scope.find_buffer(options["buffer"]))
    names = [op.loop_name.data for a in found for op in loops_around(block_of(a))]
    return {"at": draw.rng.choice(names)} if names else {}


def below(draw: Draw, options: Options) -> Options:
    """A loop inside another one."""
    outer = draw.scope.find_loop(options["ahead"])
    names = [op.loop_name.data for b in blocks_in(outer) for op in loops_around(b)]
    return {"over": (draw.rng.choice(names),)} if names else {}


def tile_of_loop(draw: Draw, options: Options) -> Options:
    """A tile and the loop that it lives in."""
    tiles = {
        name: parent.loop_name.data
        for name, value in draw.buffers.items()
        if isinstance(parent := value.owner.parent_op(), loop.ForOp)
    }
    if not tiles:
        return {}
    name = draw.rng.choice(list(tiles))
    return {"buffer": (name,), "loop": tiles[name]}


def operand(draw: Draw, options: Options) -> Options:
    """A buffer that the block reads."""
    reads = {
        a.memref
        for a in accesses(draw.scope.find_block(options["block"]))
        if isinstance(a, loop.LoadOp)
    }
    names = [name for name, value in draw.buffers.items() if value in reads]
    return {"buffer": draw.rng.choice(names)} if names else {}


LIKELY: Mapping[str, Callable[[Draw, Options], Options]] = {
    "reorder-loops": in_other_order,
    "decompose-reduction": around_block,
    "rfactor": around_block,
    "compute-at": lambda draw, options: related(draw, options, False),
    "reverse-compute-at": lambda draw, options: related(draw, options, True),
    "promote-memory-scope": around_access,
    "prefetch-buffer": below,
    "double-buffer": tile_of_loop,
    "compute-in-place": operand,
}
"""Options that make sense together, which three of four draws have."""


def draw_options(name: str, cls: type[ModulePass], draw: Draw) -> Options:
    """Values for the options of a primitive that have no default."""
    options: Options = {}
    for field in fields(cls):
        needed = field.default is MISSING and field.name != "name"
        wanted = field.name in BY_NAME and field.default is None and draw.rng.random() < 0.5
        if needed or wanted:
            value = BY_NAME[field.name](draw, options)
            several = "tuple" in str(field.type) and isinstance(value, str)
            options[field.name] = (value,) if several else value
    if name in LIKELY and draw.rng.random() < 0.75:
        options |= LIKELY[name](draw, options)
    return options


def instruction_for(draw: Draw) -> list[ModulePass]:
    """Loops of the extents of a tensor instruction, in some order, and the call of it."""
    block = draw.rng.choice(draw.blocks)
    reduces = any(draw.scope.find_block(block).is_reduce)
    alike = [n for n, c in draw.instructions.items() if (c.reducer is not None) == reduces]
    name = draw.rng.choice(alike or list(draw.instructions))
    extents = draw.instructions[name].extents.data.eval([], [])
    around = [op.loop_name.data for op in loops_around(draw.scope.find_block(block))]
    loops = tuple(around[len(around) - len(extents) :])
    tiles = tuple(f"{n}_t" for n in loops), [f"{n}_e" for n in loops]
    inner = tuple(draw.rng.sample(tiles[1], len(loops)))
    steps: list[ModulePass] = [TileLoopsPass(loops, extents, (*tiles[0], *tiles[1]))]
    return [*steps, ReorderLoopsPass(inner), TensorizePass(block, name)]


def random_steps(rng: random.Random, function: func.FuncOp) -> list[ModulePass]:
    """A primitive with options that might make sense, or several that make sense together."""
    known, draw = primitives(), Draw(rng, Scope("random", function))
    names = [name for name in known for _ in range(OFTEN.get(name, 2))]
    names = names if draw.instructions else [name for name in names if name != "tensorize"]
    name = rng.choice(names)
    if name == "tensorize" and rng.random() < 0.9:
        return instruction_for(draw)
    return [known[name](**draw_options(name, known[name], draw))]


def function_of(module: ModuleOp) -> func.FuncOp:
    """The only function of a module."""
    return next(op for op in module.ops if isinstance(op, func.FuncOp))


@dataclass(frozen=True)
class Attempt:
    """A primitive, the module before it, the one after it or the error that there was instead."""

    step: ModulePass
    before: ModuleOp
    after: ModuleOp | None = None
    error: Exception | None = None

    @property
    def outcome(self) -> str:
        """Whether it was accepted, refused, for a dependence with a witness or not, or failed."""
        match self.error:
            case None:
                return "accepted"
            case UserError(details=details) if any(" and then " in d for d in details):
                return "dependence"
            case UserError():
                return "other"
            case _:
                return "failed"

    @property
    def left(self) -> ModuleOp:
        """The module that there is to go on with."""
        return self.before if self.after is None else self.after


def attempt(step: ModulePass, module: ModuleOp) -> Attempt:
    """What becomes of a primitive. The module is rewritten, as by a pipeline, not a copy of it."""
    before = module.clone()
    try:
        step.apply(context(), module)
        module.verify()
        refuse_phantoms(module)
        refuse_large(module)
    except Exception as error:
        return Attempt(step, before, error=error)
    return Attempt(step, before, module)


def refuse_phantoms(module: ModuleOp) -> None:
    """What uses a value is in the module, so that nothing a primitive drops counts as a user, and
    comes after what makes it."""
    order = {op: i for i, op in enumerate(module.walk())}
    for op in order:
        for value in (*op.results, *(a for r in op.regions for b in r.blocks for a in b.args)):
            for use in value.uses:
                user = use.operation
                assert user in order, f"{user.name}, which is gone, uses %{value.name_hint}"
                assert order[user] > order[op], (
                    f"{user.name} uses %{value.name_hint} before it is made"
                )


FEW, LARGEST_TEXT, MOST_ITERATIONS = 80, 30_000, 6_000
"""Operations of a small module, characters of any, and iterations around a block; what makes more
of them counts as refused."""


def refuse_large(module: ModuleOp) -> None:
    """Refuse a module that is larger, or runs longer, than there is time for."""
    few = sum(1 for _ in module.walk()) <= FEW
    if not few and len(str(module)) > LARGEST_TEXT:
        raise UserError("the function is too long to go on with")
    for block in blocks_in(module):
        extents = [2 if op.extent is None else op.extent for op in loops_around(block)]
        if prod(extents) > MOST_ITERATIONS:
            raise UserError("the function runs too long to go on with")


def attempts(module: ModuleOp, rng: random.Random, accepted: int, tries: int) -> Iterator[Attempt]:
    """Random primitives one after the other, until some number of them was accepted.

    The module is rewritten; what an attempt has left is only there until the next one.
    """
    steps: list[ModulePass] = []
    while accepted and tries and Scope("random", function_of(module)).loops:
        tries -= 1
        steps = steps or random_steps(rng, function_of(module))
        made = attempt(steps.pop(0), module)
        if made.after is None:
            steps.clear()
        yield made
        module, accepted = made.left, accepted - (made.after is not None)


def text_of(steps: Sequence[ModulePass]) -> str:
    """The pipeline of some steps, lowering included."""
    return ",".join(["lower-te-to-loop", *(str(step) for step in steps)])


def random_schedule(case: Case, seed: int, steps: int) -> list[str]:
    """Of some random primitives those that were accepted; the emitter can express all of them."""
    module = apply(parse(case.text), "lower-te-to-loop")
    rng = random.Random(seed)
    accepted: list[str] = []
    for _ in range(steps):
        step, *_ = random_steps(rng, function_of(module))
        made = attempt(step, module)
        if made.outcome == "failed":
            raise AssertionError(f"{made.step} failed") from made.error
        good = made.after is not None and is_emitted(made.after)
        module = made.left if good else made.before
        accepted += [str(made.step)] if good else []
    return accepted


def is_emitted(module: ModuleOp) -> bool:
    """Whether the emitter can express a module."""
    try:
        emit_module(module.clone())
    except UserError:
        return False
    return True
