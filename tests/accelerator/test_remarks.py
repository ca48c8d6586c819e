"""What is remarked of an instruction stands before the listing of its stream."""

import io

from xdsl.context import Context

from backends.vta.targets import AssemblyTarget
from dovetail.measuring.matmuls import Matmul, program
from dovetail.measuring.vta_layers import apply, loops_of
from dovetail.pipelines import VTA_BACKEND
from passes.loop.library.accelerator import accelerate
from vta.config import Config


def first_line(rows):
    module, recipe = loops_of(program(Matmul(rows, 16, 64)), Config())
    accelerate(recipe)
    apply(VTA_BACKEND, module)
    output = io.StringIO()
    AssemblyTarget().emit(Context(), module, output)
    return output.getvalue().partition("\n")[0]


def test_spare_accumulators_are_remarked():
    assert first_line(1).startswith("# C: 2 of 3 micro-ops write spare accumulators")
    assert first_line(3) == "# @matmul for 1x16_i8w8a32_15_15_18_17"
