"""The loops that are measured as limits do the work that is counted for them."""

import ctypes
import re

import numpy as np
import pytest
from native import generator
from xdsl.dialects.builtin import Float64Type, IntegerType, f16, f32

from backends.llvm.host import host_target, is_x86
from backends.llvm.machine import CodeGenerator
from dialects.target import Target
from dovetail.measuring.limits import TURNS, Copy, MultiplyAdds
from dovetail.measuring.repeated import Repeated, address_of, library_of
from dovetail.runtime.buffers import aligned_bytes
from dovetail.runtime.threads import Crew

MACHINE = host_target(1).machine
TYPES = [(f32, np.float32), (Float64Type(), np.float64), (f16, np.float32), (None, np.float32)]
TYPES += [(IntegerType(32), np.int32), (IntegerType(8), np.int8)]


@pytest.mark.parametrize(("type", "dtype"), TYPES)
def test_multiply_adds(type, dtype):
    """Each of the sums begins at 1 and gets 1 at each of its turns."""
    adds = MultiplyAdds.of(MACHINE, type)
    assert adds.lanes * np.dtype(dtype).itemsize == MACHINE.vector_bytes
    library = library_of(generator(), adds.ir("fma"))
    memory = aligned_bytes(3 * MACHINE.vector_bytes)
    vectors = memory.view(dtype).reshape(3, -1)
    vectors[:2] = 1
    Repeated(Crew(library, 1), address_of(library, "fma"), memory).run(3)
    expected = np.array(adds.sums * (3 * TURNS + 1)).astype(dtype)
    assert (vectors[2] == expected).all()
    assert adds.operations == 2 * TURNS * adds.sums * adds.lanes


@pytest.mark.parametrize("cpu", [None, "x86-64-v3", "x86-64-v4"])
def test_multiply_adds_are_instructions_without_memory(cpu):
    """What the loop must be to run at full speed: one instruction each, nothing spilled."""
    target = host_target(1) if cpu is None else Target.parse(f"llvm -mcpu={cpu}")
    if not is_x86() or "fma" not in target.machine.features:
        pytest.skip("no multiply-adds of x86 here")
    adds = MultiplyAdds.of(target.machine, f32)
    code = CodeGenerator.of(target).assembly(adds.ir("fma"))
    code = code[code.index("fma:") : code.index(".Lfunc_end0")]
    (turn,) = re.findall(r"^(\.LBB0_\d+):\n(.*?)\tj\w+\t\1$", code, re.M | re.S)
    lines = turn[1].splitlines()
    assert sum("vfmadd" in line for line in lines) == adds.sums
    assert not any("(" in line for line in lines)
    assert f"%{ {32: 'ymm', 64: 'zmm'}[target.machine.vector_bytes] }" in lines[0]


@pytest.mark.parametrize("threads", [1, 2])
def test_copy(threads):
    copy = Copy(1000, MACHINE.vector_bytes, threads)
    assert copy.share * threads >= 1000 and copy.moved == 2 * threads * copy.share
    library = library_of(generator(), copy.ir("copy"))
    memory = aligned_bytes(copy.moved)
    half = copy.moved // 2
    memory[:half] = np.random.default_rng(0).integers(0, 256, half)
    Repeated(Crew(library, threads), address_of(library, "copy"), memory).run(2)
    assert (memory[:half] == memory[half:]).all()
    assert ctypes.sizeof(ctypes.c_uint8) * memory.size == copy.moved
