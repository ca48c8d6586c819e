"""Random schedules for a GPU: loops bound to thread axes, and tiles that threads share."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from native import Machine, apply, execute, parse
from te_cases import Case
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr

from analysis.errors import UserError
from backends.interpreter.buffers import pack, unpack
from backends.interpreter.loop import run_loop
from backends.interpreter.races import RaceError
from dialects import loop
from dialects.layout import logical_shape
from dialects.target import Target, TargetAttr
from passes.loop.primitive import Scope, loops_around
from passes.loop.threads import is_item_loop, kernel_of

GPU = Target.parse("nvptx -mcpu=sm_90")

STEPS = (
    *("split",) * 5,
    *("bind",) * 10,
    *("promote",) * 4,
    *("share",) * 10,
    *("reorder", "reorder", "decompose", "reverse", "compute", "inline", "fuse", "unroll"),
)


def random_step(rng: random.Random, scope: Scope) -> str:
    """The text of one primitive with options that might make sense."""
    loops, blocks, buffers = list(scope.loops), sorted(scope.blocks), sorted(scope.buffers)
    loop, block, buffer = rng.choice(loops), rng.choice(blocks), rng.choice(buffers)
    at = f'at="{loop}"'
    match rng.choice(STEPS):
        case "split":
            return f'split-loop{{loop="{loop}" factor={rng.choice([2, 2, 3, 4])}}}'
        case "bind":
            axes = ["threadIdx.x"] * 5 + ["threadIdx.y"] * 2 + ["blockIdx.x"]
            return f'bind-thread{{loop="{loop}" axis="{rng.choice(axes)}"}}'
        case "share":
            return share(rng, scope)
        case "promote":
            memory = rng.choice(["shared", "shared", "shared", "local"])
            return f'promote-memory-scope{{buffer="{buffer}" scope="{memory}" {at}}}'
        case "reorder":
            start = rng.randrange(len(loops))
            chosen = loops[start : start + rng.randint(2, 4)]
            rng.shuffle(chosen)
            return f"reorder-loops{{loops={','.join(chr(34) + n + chr(34) for n in chosen)}}}"
        case "fuse":
            start = rng.randrange(len(loops))
            chosen = loops[start : start + 2]
            return f"fuse-loops{{loops={','.join(chr(34) + n + chr(34) for n in chosen)}}}"
        case "decompose":
            return f'decompose-reduction{{block="{block}" loop="{loop}"}}'
        case "reverse":
            return f'reverse-compute-at{{block="{block}" {at}}}'
        case "compute":
            return f'compute-at{{block="{block}" {at}}}'
        case "inline":
            return f'inline-compute{{block="{block}"}}'
        case _:
            return f'unroll-loop{{loop="{loop}"}}'


def share(rng: random.Random, scope: Scope) -> str:
    """Let threads share out a loop that each of them runs as a whole."""
    inner = [
        (op, outer)
        for op in scope.loops.values()
        for outer in loops_around(op)
        if is_item_loop(outer) and op.kind.data == "serial"
    ]
    if not inner:
        return random_step(rng, scope)
    op, outer = rng.choice(inner)
    name = op.loop_name.data
    split = f'split-loop{{loop="{name}" factor={outer.extent}}}'
    which = rng.choice([name, f"{name}_i", f"{name}_i"])
    bind = f'bind-thread{{loop="{which}" axis="{outer.kind.data}"}}'
    return bind if which == name else f"{split},{bind}"


def function_of(module: ModuleOp) -> func.FuncOp:
    """The only function of a module."""
    return next(op for op in module.ops if isinstance(op, func.FuncOp))


def random_kernel(case: Case, seed: int, steps: int) -> tuple[list[str], ModuleOp]:
    """Steps that were accepted, and the loops that they make."""
    rng = random.Random(seed)
    module = parse(case.text)
    module.attributes["target"] = TargetAttr.of(GPU)
    module = apply(module, "lower-te-to-loop")
    accepted: list[str] = []
    for _ in range(steps):
        step = random_step(rng, Scope("random", function_of(module)))
        trial = module.clone()
        try:
            apply(trial, step)
        except UserError:
            continue
        if len(str(trial)) > 40_000:
            continue
        module = trial
        accepted.append(step)
    return accepted, module


def interpret(module: ModuleOp, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What the threads of a module make of some inputs; a race is a RaceError."""
    function = function_of(module)
    values = function.body.block.args
    dims = dims_of(function, inputs)
    given = iter(inputs)
    arrays: list[np.ndarray] = []
    for number, value in enumerate(values):
        if number < len(inputs):
            arrays.append(pack(next(given), value.type, dims).copy())
        else:
            shape = [e if isinstance(e, int) else dims[e] for e in logical_shape(value.type)]
            kind = np.dtype(str(value.type.element_type).replace("i", "int").replace("f", "float"))
            garbage = np.full(shape, np.nan if kind.kind == "f" else 77, kind)
            arrays.append(pack(garbage, value.type, dims))
    run_loop(function, arrays)
    outputs = list(zip(arrays, values, strict=True))[len(inputs) :]
    return [unpack(array, value.type, dims) for array, value in outputs]


def dims_of(function: func.FuncOp, inputs: Sequence[np.ndarray]) -> dict[str, int]:
    """The sizes of the symbolic dimensions."""
    found: dict[str, int] = {}
    for value, array in zip(function.body.block.args, inputs, strict=False):
        sizes = zip(logical_shape(value.type), array.shape, strict=True)
        found.update((name, size) for name, size in sizes if isinstance(name, str))
    return found


def barriers_in(module: ModuleOp) -> list[loop.BarrierOp]:
    """The barriers, in program order."""
    return [op for op in module.walk() if isinstance(op, loop.BarrierOp)]


def without_barrier(module: ModuleOp, number: int) -> ModuleOp:
    """A copy of a module that lacks one of its barriers."""
    copy = module.clone()
    barrier = barriers_in(copy)[number]
    barrier.detach()
    barrier.erase()
    return copy


def with_all_barriers(module: ModuleOp) -> ModuleOp:
    """A copy of a module in which threads wait after each statement between loops."""
    copy = module.clone()
    for body in [o.body.block for o in copy.walk() if isinstance(o, loop.ForOp)]:
        if kernel_of(body.parent_op()) is not None:
            for op in list(body.ops):
                body.insert_op_after(loop.BarrierOp(), op)
    return copy


def forced(module: ModuleOp, name: str, axis: str) -> ModuleOp:
    """A copy of a module in which a loop is bound, whatever that does, with all barriers."""
    copy = module.clone()
    Scope("forced", function_of(copy)).loops[name].kind = StringAttr(axis)
    return with_all_barriers(copy)


def refused_bindings(case: Case, seed: int, steps: int) -> Iterator[tuple[str, ModuleOp]]:
    """Bindings that would touch an element in no order or in another one, done nevertheless."""
    accepted, module = random_kernel(case, seed, steps)
    for name, op in Scope("random", function_of(module)).loops.items():
        if op.kind.data == "serial":
            try:
                step = f'bind-thread{{loop="{name}" axis="threadIdx.z"}}'
                apply(module.clone(), step)
            except UserError as error:
                if "two of its iterations would" in error.message:
                    yield ",".join([*accepted, step]), forced(module, name, "threadIdx.z")


def goes_wrong(case: Case, module: ModuleOp) -> bool:
    """Whether threads race, or compute something else, for some inputs."""
    for seed in range(3):
        inputs = case.inputs(seed)
        try:
            case.check(inputs, interpret(module, inputs))
        except (AssertionError, RaceError):
            return True
    return False


@dataclass
class Counts:
    """What random kernels were like."""

    kernels: int = 0
    shared: int = 0
    barriers: int = 0
    refused: int = 0


def check_kernel(case: Case, module: ModuleOp, counts: Counts, native: bool = True) -> None:
    """Barriers make a kernel right, in every order of its threads, and each of them is needed."""
    if not any(
        isinstance(o, loop.ForOp) and o.kind.data in loop.THREAD_AXES for o in module.walk()
    ):
        return
    try:
        apply(module, "insert-thread-barriers")
    except UserError as error:
        assert "no barrier orders one statement" in error.message or "bounds" in error.message
        counts.refused += 1
        return
    counts.kernels += 1
    counts.shared += any(isinstance(o, loop.AllocOp) and o.sharing_axes for o in module.walk())
    inputs = case.inputs()
    case.check(inputs, interpret(module, inputs))
    for number in range(len(barriers_in(module))):
        counts.barriers += 1
        try:
            interpret(without_barrier(module, number), inputs)
        except RaceError:
            continue
        raise AssertionError(f"barrier {number} is not needed:\n{module}")
    if native:
        apply(module, "expand-copies,expand-intrinsics,lower-threads-to-loops")
        machine = Machine(parse(str(module)))
        case.check(inputs, execute(machine, *inputs, threads=2))
