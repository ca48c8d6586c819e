"""The loops of units for narrow products do the work that is counted for them."""

import re

import ml_dtypes
import numpy as np
import pytest
from native import context, generator
from xdsl.dialects.builtin import BFloat16Type, IntegerType, f32
from xdsl.dialects.func import FuncOp
from xdsl.parser import Parser

from backends.llvm.host import host_target, is_x86
from backends.llvm.machine import CodeGenerator
from dialects.target import Target
from dovetail.measuring.limits import TURNS
from dovetail.measuring.narrow_rows import NARROW
from dovetail.measuring.product_limits import UNITS, DotProducts, ProductLimit, Tiles
from dovetail.measuring.repeated import Repeated, address_of, library_of
from dovetail.measuring.work import work_of
from dovetail.runtime.buffers import aligned_bytes
from dovetail.runtime.features import missing_features
from dovetail.runtime.threads import Crew

pytestmark = pytest.mark.skipif(not is_x86(), reason="these are units of x86")

UNIT = {unit.kind: unit for _, unit in UNITS}
TYPES = {
    "avx512vnni": (np.dtype(np.uint8), np.dtype(np.int32)),
    "avx512bf16": (np.dtype(ml_dtypes.bfloat16), np.dtype(np.float32)),
}


@pytest.mark.parametrize("kind", TYPES)
def test_dot_products(kind):
    """Each of the sums begins at 0 and gets a 1 for each product of each of its turns."""
    unit, (narrow, wide) = UNIT[kind], TYPES[kind]
    if missing := missing_features(unit.features):
        pytest.skip(f"this machine has no {', '.join(missing)}")
    assert isinstance(unit, DotProducts) and unit.per * narrow.itemsize == 4
    library = library_of(generator(), unit.ir("products"))
    memory = aligned_bytes(3 * 64)
    memory[:128].view(narrow)[...] = 1
    Repeated(Crew(library, 1), address_of(library, "products"), memory).run(3)
    assert (memory[128:].view(wide) == unit.sums * unit.per * 3 * TURNS).all()
    assert unit.operations == 2 * 16 * unit.per * unit.sums * TURNS


@pytest.mark.parametrize("kind", UNIT)
def test_loops_are_instructions_without_memory(kind):
    unit = UNIT[kind]
    code = CodeGenerator.of(Target.parse("llvm -mcpu=sapphirerapids")).assembly(unit.ir("f"))
    (turn,) = re.findall(r"^(\.LBB0_\d+):\n(.*?)\tj\w+\t\1$", code, re.M | re.S)
    lines = turn[1].splitlines()
    products = [line for line in lines if re.search(r"\tv?(tdp|dp|pdp)", line.replace("vp", "p"))]
    assert len(products) == (unit.SUMS if isinstance(unit, Tiles) else unit.sums)
    assert not any("(" in line for line in lines)


def test_the_fastest_unit_is_chosen():
    def kind(cpu, type):
        unit = ProductLimit.of(Target.parse(f"llvm -mcpu={cpu}").machine, type)
        return unit and unit.kind

    assert kind("sapphirerapids", IntegerType(8)) == "amx-int8"
    assert kind("sapphirerapids", BFloat16Type()) == "amx-bf16"
    assert kind("znver4", IntegerType(8)) == "avx512vnni"
    assert kind("x86-64-v3", IntegerType(8)) is None
    assert kind("znver4", f32) is None and kind("znver4", None) is None


@pytest.mark.parametrize("row", NARROW, ids=lambda row: row.name)
def test_rows_are_counted(row):
    machine = host_target(1).machine
    module = Parser(context(), row.text(machine), row.name).parse_module()
    module.verify()
    (function,) = [op for op in module.ops if isinstance(op, FuncOp)]
    work = work_of(function, {})
    assert work.operations == row.operations(machine)
    assert work.factor == (BFloat16Type() if "bf16" in row.name else IntegerType(8))
