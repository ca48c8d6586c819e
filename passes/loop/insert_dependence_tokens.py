"""insert-dependence-tokens: units that run at their own pace keep the order of the program.

    for k {                              push ex -> ld
      copy A to T        (ld)            for k {
      accumulate T, C    (ex)     ->       pop ex -> ld,  copy A to T,        push ld -> ex
    }                                      pop ld -> ex,  accumulate T, C,    push ex -> ld
                                         }
                                         pop ex -> ld

Wherever two units touch the same memory and one of them writes, a token makes the later one wait:
for what it reads, and before it overwrites what is still to be read. `passes/loop/units.py` says
which unit runs an operation and what is the same memory, `passes/loop/token_plan.py` which tokens
are needed and why they are enough. Each virtual thread has tokens of its own, so it stands after
bind-virtual-thread, and before lower-virtual-threads, which interleaves the threads and their
tokens. At the end of the function the unit where all others meet knows that they are done.

Arguments: `function` (all functions of loops if it is left out).
Refuses: a target whose units do not send each other tokens; tokens that are there already; an
operation that no unit runs: a copy between other memories, a block that calls no intrinsic, an
intrinsic that names no unit of the target; a block with two units; virtual threads of which one
touches what another one writes.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass

from dialects import loop
from passes.locations import locate
from passes.loop.primitive import Scope, insert_before
from passes.loop.token_plan import Item, Level, Planner, Token
from passes.loop.units import Units, scheduled_functions
from passes.loop.vectorize_loop import refuse_dependence


def refuse_tokens(scope: Scope) -> None:
    """Refuse a function that has tokens."""
    for op in scope.function.walk():
        if isinstance(op, loop.PushDepOp | loop.PopDepOp):
            raise scope.error(
                f"function @{scope.function.sym_name.data} has tokens already; tokens are put "
                "once, into a schedule without any"
            )
        if isinstance(op, loop.ForOp) and op.kind.data == "vthread":
            refuse_dependence(scope, op, "vthread")


def level_of(units: Units, planner: Planner, body: Block, repeated: bool) -> Level:
    """The items of a body, with a plan of their tokens."""
    items: list[Item] = []
    for op in body.ops:
        found = units.units_in(op)
        if not found:
            continue
        item = Item(op, found, units.effects_of(op))
        if len(found) > 1:
            assert isinstance(op, loop.ForOp)
            threads = op.kind.data == "vthread"
            item.level = level_of(units, planner, op.body.block, repeated=not threads)
            item.around = planner.around(item.level)
        items.append(item)
    level = Level(items, repeated)
    planner.plan(level)
    return level


def operation(token: Token) -> Operation:
    """The operation that pushes or pops."""
    return (loop.PushDepOp if token.push else loop.PopDepOp)(*token.queue)


def write(level: Level) -> None:
    """Put the tokens of a level, and of those inside it, into the IR."""
    for number, item in enumerate(level.items):
        before = [operation(t) for t in level.before(number)]
        begun = [queue for queue in item.around if queue not in item.enters]
        ended = [queue for queue in item.around if queue not in item.leaves]
        before += [operation(Token(queue, push=True)) for queue in begun]
        after = [operation(Token(queue, push=False)) for queue in ended]
        after += [operation(t) for t in level.after(number)]
        locate(item.op.location, *before, *after)
        insert_before(item.op, *before)
        block = item.op.parent_block()
        assert block is not None
        block.insert_ops_after(after, item.op)
        if item.level is not None:
            write(item.level)


def insert_tokens(scope: Scope, module: ModuleOp) -> None:
    """Put tokens into one function."""
    refuse_tokens(scope)
    units = Units.of(scope, module)
    planner = Planner(units.machine.units, units.machine.queues)
    level = level_of(units, planner, scope.function.body.block, repeated=False)
    planner.finish(level)
    write(level)


@dataclass(frozen=True)
class InsertDependenceTokensPass(ModulePass):
    """Let units that run at their own pace keep the order of the program."""

    name = "insert-dependence-tokens"

    function: str | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for scope in scheduled_functions(self.name, op, self.function):
            insert_tokens(scope, op)
