"""tensorize on variables that several axes of an instruction move, or that begin anywhere.

A random block is accepted only if its calls compute what it computes; a refusal is right if some
instruction would lie across the end of a domain, or if elements lie in another order.
"""

import random

import numpy as np
import pytest
from native import apply, parse
from xdsl.dialects.func import FuncOp

from analysis.errors import ScheduleError
from backends.interpreter.loop import run_loop

SIZE = 64


def declaration(extents: list[int]) -> str:
    """An instruction that doubles elements with an axis for each extent."""
    axes = [f"%i{n}" for n in range(len(extents))]
    tensor = f"tensor<{'x'.join(map(str, extents))}xi32>"
    bounds = ", ".join(f"{a} = 0 to {e}" for a, e in zip(axes, extents, strict=True))
    return f"""
    te.intrinsic @twice (%a: {tensor}) {{
      %c = te.compute "c" ({bounds}) {{
        %x = te.read %a[{", ".join(axes)}] : {tensor}
        %y = arith.addi %x, %x : i32
        te.yield %y : i32
      }} : {tensor}
      te.yield %c : {tensor}
    }} lower compute "twice"
    """


def block(extents: list[int], count: int, step: int, first: int, domain: int) -> str:
    """Loops over `count` windows that begin at `first`, `step` apart, around those of a window."""
    loops = "".join(f"loop.for %l{n} = 0 to {e} {{\n" for n, e in enumerate(extents))
    place, factor = "", 1
    for n in reversed(range(len(extents))):
        place += f" + %l{n} * {factor}"
        factor *= extents[n]
    return f"""
    func.func @f(%X: memref<{SIZE}xi32>, %Y: memref<{SIZE}xi32>) {{
      loop.for %w = 0 to {count} {{ {loops}
        loop.block "B" (%v < {domain} = %w * {step} + {first}{place}) {{
          %x = loop.load %X[%v] : memref<{SIZE}xi32>
          %y = arith.addi %x, %x : i32
          loop.store %y, %Y[%v] : memref<{SIZE}xi32>
        }}
      {"}" * len(extents)} }}
      func.return
    }}
    """


def computed(module) -> np.ndarray:
    (function,) = [op for op in module.ops if isinstance(op, FuncOp)]
    y = np.zeros(SIZE, np.int32)
    run_loop(function, [np.arange(1, SIZE + 1, dtype=np.int32), y])
    return y


@pytest.mark.parametrize("seed", range(60))
def test_windows(seed):
    chance = random.Random(seed)
    extents = [chance.choice((2, 3, 4)) for _ in range(chance.choice((1, 2)))]
    whole = int(np.prod(extents))
    count, first = chance.randint(2, 3), chance.choice((0, 0, 1, -1, -whole))
    step = chance.choice((whole, whole, 1, whole - 1, whole + 1, 2 * whole))
    domain = chance.choice((SIZE, count * step, count * step + first, whole + 1, 2 * whole))
    domain = max(1, min(domain, SIZE))
    text = declaration(extents) + block(extents, count, step, first, domain)
    expected = computed(parse(text))
    begins = [w * step + first for w in range(count)]
    across = any(b < end < b + whole for b in begins for end in (0, domain))
    try:
        module = apply(parse(text), "tensorize{block=B intrinsic=twice}")
    except ScheduleError as refusal:
        assert across or domain < whole, str(refusal)
        return
    assert not across
    assert "loop.intrinsic @twice" in str(module)
    np.testing.assert_array_equal(computed(module), expected)
