"""One row of `dovetail bench kernels`: compiled with the default schedule, checked, timed."""

import time
from dataclasses import replace

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, ModuleOp, StringAttr
from xdsl.parser import Parser
from xdsl.universe import Universe

from analysis.errors import UserError
from backends.interpreter.buffers import pack, unpack
from backends.interpreter.te import run_te
from backends.llvm.host import features_of
from dialects.target import Target
from dovetail.execution.comparing import compare
from dovetail.execution.inputs import make_inputs
from dovetail.execution.signature import signature_of
from dovetail.measuring.kernels import Kernel, compile_kernel, function_of
from dovetail.measuring.rows import Row
from dovetail.pipelines import CPU_KERNEL
from passes.loop.schedule_kernels import SCHEDULE


def missing(row: Row, target: Target) -> str | None:
    """The first feature that a row needs and the target lacks."""
    lacking = sorted(row.features - features_of(target))
    return lacking[0] if lacking else None


def parse(row: Row, target: Target) -> tuple[ModuleOp, Context]:
    """The module of a row."""
    context = Context()
    for name, factory in Universe.get_multiverse().all_dialects.items():
        context.register_dialect(name, factory)
    return Parser(context, row.text(target.machine), row.name).parse_module(), context


def compile_row(row: Row, target: Target) -> Kernel:
    """The kernel of a row under the default schedule, its work as the row counts it."""
    module, context = parse(row, target)
    kernel = compile_kernel(module, None, CPU_KERNEL, target, {}, context)
    work = replace(kernel.work, operations=row.operations(target.machine))
    return replace(kernel, work=work)


def check(row: Row, kernel: Kernel) -> None:
    """Compare what the compiled kernel computes with the interpreter, on its own buffers."""
    module, _ = parse(row, kernel.target)
    wanted = function_of(module, None)
    inputs = make_inputs(signature_of(wanted), seed=0)
    expected = run_te(wanted, inputs.arrays)
    arrays = [*inputs.arrays, *inputs.start]
    buffers, arguments = kernel.repeated.buffers, kernel.function.body.block.args
    before = [buffer.copy() for buffer in buffers]
    for buffer, array, argument in zip(buffers, arrays, arguments, strict=True):
        assert isinstance(argument.type, MemRefType)
        buffer[...] = pack(array, argument.type)
    kernel.repeated.run(1)
    results = list(zip(buffers, arguments, strict=True))[len(inputs.arrays) :]
    found = [unpack(buffer, a.type) for buffer, a in results if isinstance(a.type, MemRefType)]
    difference = compare(expected, found, inputs.exact).difference
    if difference is not None:
        raise UserError(f"{row.name} computes something else: {difference.describe('its result')}")
    for buffer, old in zip(buffers, before, strict=True):
        np.copyto(buffer, old)


def measure_row(row: Row, target: Target, rounds: int) -> dict[str, object]:
    """The figures of a row, as it is written to a file."""
    lacking = missing(row, target)
    if lacking is not None:
        return {"row": row.name, "skipped": lacking}
    start = time.perf_counter()
    kernel = compile_row(row, target)
    seconds = time.perf_counter() - start
    check(row, kernel)
    figures = kernel.measure(rounds, kinds=row.limits)
    return {
        "row": row.name,
        "ms": 1e3 * figures.seconds,
        "gflops": kernel.work.operations / figures.seconds / 1e9,
        "limit": figures.limit,
        "limit_ms": 1e3 * figures.limit_seconds,
        "limit_share": figures.limit_share,
        "operations": kernel.work.operations,
        "bytes": kernel.work.bytes,
        "rounds": figures.rounds,
        "rounds_that_count": figures.rounds_that_count,
        "compile_ms": 1e3 * seconds,
        "schedule": schedule_of(kernel.function),
    }


def schedule_of(function: func.FuncOp) -> str:
    """The primitives that made a kernel."""
    text = function.attributes.get(SCHEDULE)
    return text.data if isinstance(text, StringAttr) else ""
