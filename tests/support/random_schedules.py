"""Random sequences of loop primitives: each one either refuses or keeps the results."""

import random
from collections.abc import Sequence

from native import Machine, apply, execute, parse
from te_cases import Case
from xdsl.dialects import func

from analysis.errors import UserError
from backends.llvm.emitter import emit_module
from dialects.loop import ForOp
from passes.loop.primitive import Scope

STEPS = (
    "split",
    "split",
    "split",
    "fuse",
    "fuse",
    "reorder",
    "reorder",
    "unroll",
    "vectorize",
    "parallelize",
    "decompose",
    "reverse",
    "compute",
    "inline",
    "promote",
    "promote",
    "peel",
    "layout",
    "pack",
    "double",
    "prefetch",
    "pad",
    "pad",
    "rfactor",
    "reverse-inline",
)


def random_step(rng: random.Random, scope: Scope) -> str:
    """The text of one primitive with options that might make sense."""
    loops, blocks, buffers = sorted(scope.loops), sorted(scope.blocks), sorted(scope.buffers)
    step = rng.choice(STEPS)
    loop, block, buffer = rng.choice(loops), rng.choice(blocks), rng.choice(buffers)
    match step:
        case "split":
            return f'split-loop{{loop="{loop}" factor={rng.choice([1, 2, 3, 4, 5, 8, 16])}}}'
        case "reorder":
            depth = rng.randint(2, min(4, max(2, len(loops))))
            around = [n for n in scope.loops if scope.blocks]
            start = rng.randrange(len(around))
            chosen = around[start : start + depth]
            rng.shuffle(chosen)
            return f"reorder-loops{{loops={','.join(chr(34) + n + chr(34) for n in chosen)}}}"
        case "fuse":
            around = list(scope.loops)
            start = rng.randrange(len(around))
            chosen = around[start : start + rng.randint(2, 3)]
            return f"fuse-loops{{loops={','.join(chr(34) + n + chr(34) for n in chosen)}}}"
        case "unroll" | "vectorize" | "parallelize" | "peel":
            return f'{step}-loop{{loop="{loop}"}}'
        case "decompose":
            return f'decompose-reduction{{block="{block}" loop="{loop}"}}'
        case "reverse":
            return f'reverse-compute-at{{block="{block}" at="{loop}"}}'
        case "compute":
            return f'compute-at{{block="{block}" at="{loop}"}}'
        case "reverse-inline":
            return f'reverse-inline{{block="{block}"}}'
        case "rfactor":
            return f'rfactor{{block="{block}" loop="{loop}"}}'
        case "pad":
            named = rng.sample(loops, rng.randint(1, min(2, len(loops))))
            numbers = ",".join(str(rng.choice([2, 3, 4, 8])) for _ in named)
            names = ",".join(f'"{n}"' for n in named)
            return f'pad-block{{block="{block}" loops={names} multiples={numbers}}}'
        case "inline":
            return f'inline-compute{{block="{block}"}}'
        case "promote":
            memory = rng.choice(["register", "local"])
            return f'promote-memory-scope{{buffer="{buffer}" scope="{memory}" at="{loop}"}}'
        case "double":
            inside = [n for n, v in scope.buffers.items() if isinstance(v.owner.parent_op(), ForOp)]
            tile = rng.choice(sorted(inside) or buffers)
            parent = scope.buffers[tile].owner.parent_op()
            around = parent.loop_name.data if isinstance(parent, ForOp) else loop
            return f'double-buffer{{buffer="{tile}" loop="{around}" copies={rng.choice([2, 3])}}}'
        case "layout":
            pad = rng.choice(["", "", " pad=0", " pad=1"])
            map = f'map="{random_map(rng, scope, buffer)}"'
            return f'transform-layout{{buffer="{buffer}" {map}{pad}}}'
        case "pack":
            at = rng.choice([f' at="{loop}"', ""])
            return f'pack-buffer{{buffer="{buffer}" map="{random_map(rng, scope, buffer)}"{at}}}'
        case _:
            over = rng.choice(loops)
            return f'prefetch-buffer{{buffer="{buffer}" ahead="{loop}" over="{over}"}}'


def random_map(rng: random.Random, scope: Scope, buffer: str) -> str:
    """A layout for a buffer: one of its dimensions is cut into blocks."""
    rank = scope.buffers[buffer].type.get_num_dims()
    names = [f"d{i}" for i in range(rank)]
    which, by = rng.randrange(max(1, rank)), rng.choice([2, 4, 8])
    results = [f"d{i} floordiv {by}" if i == which else f"d{i}" for i in range(rank)]
    shown = ", ".join([*results, f"d{which} mod {by}"]) if rank else ""
    return f"({', '.join(names)})->({shown})"


def random_schedule(case: Case, seed: int, steps: int) -> list[str]:
    """Steps that were accepted, one after the other; the emitter can express all of them."""
    rng = random.Random(seed)
    module = apply(parse(case.text), "lower-te-to-loop")
    accepted: list[str] = []
    for _ in range(steps):
        function = next(op for op in module.ops if isinstance(op, func.FuncOp))
        step = random_step(rng, Scope("random", function))
        trial = module.clone()
        try:
            apply(trial, step)
            if len(str(trial)) > 60_000:
                continue
            emit_module(trial)
        except UserError:
            continue
        module = trial
        accepted.append(step)
    return accepted


def check_schedule(case: Case, schedule: Sequence[str], threads: int) -> None:
    """Run a case under a schedule."""
    module = apply(parse(case.text), ",".join(["lower-te-to-loop", *schedule]))
    machine = Machine(parse(str(module)))
    inputs = case.inputs()
    case.check(inputs, execute(machine, *inputs, threads=threads))
