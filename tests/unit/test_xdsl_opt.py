"""Plain `xdsl-opt` knows the project through its entry point, and replays what it prints."""

import os
import re
import subprocess
import sys
from pathlib import Path

from parse import parse_module
from xdsl.context import Context
from xdsl.dialects.func import FuncOp

from dovetail.universe import PASSES, pass_name
from passes.loop.schedule_kernels import SCHEDULE, ScheduleKernelsPass
from passes.te.lower_te_to_loop import LowerTeToLoopPass

KERNEL = """
builtin.module attributes {target = #target.target<"llvm -mcpu=x86-64-v3">} {
  func.func @kernel(%A: tensor<30x64xf32>, %B: tensor<64x48xf32>) -> tensor<30x48xf32> {
    %C = te.compute "C" (%y = 0 to 30, %x = 0 to 48) sum (%k = 0 to 64) {
      %a = te.read %A[%y, %k] : tensor<30x64xf32>
      %b = te.read %B[%k, %x] : tensor<64x48xf32>
      %p = arith.mulf %a, %b : f32
      te.yield %p : f32
    } : tensor<30x48xf32>
    %D = te.compute "D" (%i = 0 to 30, %j = 0 to 48) {
      %c = te.read %C[%i, %j] : tensor<30x48xf32>
      %n = arith.negf %c : f32
      te.yield %n : f32
    } : tensor<30x48xf32>
    func.return %D : tensor<30x48xf32>
  }
}
"""


def xdsl_opt(*arguments, text=""):
    """What `xdsl-opt` prints, as a process of its own."""
    command = [Path(sys.executable).parent / "xdsl-opt", *arguments]
    wide = {**os.environ, "COLUMNS": "100000"}  # argparse breaks lines at dashes
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, env=wide
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_lists_our_passes():
    words = set(re.findall(r"[\w-]+", xdsl_opt("--help")))
    assert {pass_name(path) for path in PASSES} <= words


def test_a_recorded_schedule_is_replayed():
    """The text that schedule-kernels leaves makes its kernel from the unscheduled one."""
    module = parse_module(KERNEL)
    LowerTeToLoopPass().apply(Context(), module)
    before = str(module)
    ScheduleKernelsPass().apply(Context(), module)
    (kernel,) = (op for op in module.ops if isinstance(op, FuncOp))
    schedule = kernel.attributes.pop(SCHEDULE).data
    assert schedule.count("{") >= 5, schedule
    after = xdsl_opt("-p", schedule, text=before)
    assert str(parse_module(after)) == str(module)


def test_every_dialect_is_read():
    """What plain `xdsl-opt` prints is what it was given."""
    files = Path(__file__).parents[1] / "filecheck" / "dialects"
    texts = [(files / f"{n}.mlir").read_text() for n in ("graph_nn", "loop", "target", "te", "vta")]
    printed = xdsl_opt("--split-input-file", text="// -----\n".join(texts)).split("// -----\n")
    for text, after in zip(texts, printed, strict=True):
        assert str(parse_module(after)) == str(parse_module(text))
