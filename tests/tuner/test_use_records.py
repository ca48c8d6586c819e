"""use-records: kernels take the best schedules of their structure and target, or say why none."""

from dataclasses import replace

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import StringAttr
from xdsl.parser import Parser
from xdsl.passes import PassPipeline

from analysis.errors import UserError
from backends.interpreter.loop import run_loop
from dialects.target import Target, TargetAttr
from dovetail.frontend.text import text_context
from dovetail.pipelines import CPU_KERNEL, around_schedules
from dovetail.records import Record, append
from dovetail.use_records import Records, UseRecordsPass, use_records
from passes.kernel_names import names_of
from passes.loop.schedule_kernels import SCHEDULE
from tuner.task import Task
from tuner.tasks import tasks_in

TARGET = Target.parse("llvm -mcpu=skylake-avx512 -num-threads=1")
SCHEDULE_TEXT = "tile-loops{loops=y,x sizes=2,3},unroll-loop{loop=x_i}"


def product(name, compute, axes):
    y, x, k = axes
    return f"""func.func @{name}(%A: tensor<5x7xf32>, %B: tensor<7x9xf32>) -> tensor<5x9xf32> {{
  %c = te.compute "{compute}" (%{y} = 0 to 5, %{x} = 0 to 9) sum (%{k} = 0 to 7) {{
    %a = te.read %A[%{y}, %{k}] : tensor<5x7xf32>
    %b = te.read %B[%{k}, %{x}] : tensor<7x9xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  }} : tensor<5x9xf32>
  func.return %c : tensor<5x9xf32>
}}
"""


def loops(*functions):
    """A module of kernels in naive loops."""
    context = text_context()
    module = Parser(context, "\n".join(functions)).parse_module()
    module.attributes["target"] = TargetAttr.of(TARGET)
    PassPipeline(around_schedules(CPU_KERNEL)[0]).apply(context, module)
    return module


def record(**changes):
    """A record of the product with usual names."""
    module = loops(product("matmul", "C", "yxk"))
    (task,) = tasks_in(module, TARGET)
    names = names_of(task.function(task.module()))
    made = Record(
        task.hash, "matmul", str(TARGET), "random-0", 3, SCHEDULE_TEXT, "s", 1e-3, names=names
    )
    return replace(made, **changes)


def functions(module):
    return {op.sym_name.data: op for op in module.ops}


def results(function):
    rng = np.random.default_rng(0)
    a, b = rng.integers(-8, 8, (5, 7)), rng.integers(-8, 8, (7, 9))
    c = np.zeros((5, 9), np.float32)
    run_loop(function, [a.astype(np.float32), b.astype(np.float32), c], {})
    return c, a @ b


def test_a_kernel_of_other_names_takes_the_schedule():
    module = loops(product("mine", "Result", ("rows", "columns", "depth")))
    (use,) = use_records(module, Records.of([record()], TARGET))
    assert (use.kernel, use.record.trial) == ("mine", 3)
    function = functions(module)["mine"]
    assert function.attributes[SCHEDULE] == StringAttr(SCHEDULE_TEXT)
    names = {op.loop_name.data for op in function.walk() if op.name == "loop.for"}
    assert names == {"y_o", "x_o", "k", "y_i", "x_i"}
    found, expected = results(function)
    assert np.array_equal(found, expected)


def test_schedule_kernels_leaves_it_alone(tmp_path):
    append(tmp_path / "a.jsonl", record())
    other = product("other", "C", "yxk").replace("5x", "6x").replace("0 to 5", "0 to 6")
    module = loops(product("mine", "C", "yxk"), other)
    passes = (UseRecordsPass(str(tmp_path)), *around_schedules(CPU_KERNEL)[1])
    PassPipeline(passes).apply(Context(), module)
    module.verify()
    assert functions(module)["mine"].attributes[SCHEDULE] == StringAttr(SCHEDULE_TEXT)
    assert functions(module)["other"].attributes[SCHEDULE] != StringAttr(SCHEDULE_TEXT)


def test_a_raced_record_is_preferred_then_the_faster_one():
    slow, fast = record(trial=1, cost=2e-3), record(trial=2, cost=1e-3)
    raced, failed = record(trial=4, cost=3e-3, raced=True), record(trial=5, cost=None)

    def best(*found):
        (kept,) = Records.of(found, TARGET).best.values()
        return kept.trial

    assert best(slow, fast, failed) == best(fast, slow) == 2
    assert best(slow, raced, fast) == best(raced, fast) == 4


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"task": "another"}, "never tuned"),
        ({"cost": None}, "never tuned"),
        ({"target": "llvm -mcpu=znver5"}, "tuned for another target only: llvm -mcpu=znver5"),
        (
            {"schedule": "split-loop{loop=z factor=2}"},
            "its record no longer applies: split-loop",
        ),
        ({"schedule": "split-loup"}, "its record no longer applies: the record"),
    ],
)
def test_a_kernel_that_uses_no_record_says_why(changes, reason):
    module = loops(product("mine", "C", "yxk"))
    before = str(module)
    (use,) = use_records(module, Records.of([record(**changes)], TARGET))
    assert use.record is None and use.reason.startswith(reason)
    assert str(module) == before


def test_a_folder_that_is_not_there_is_named():
    module = loops(product("mine", "C", "yxk"))
    with pytest.raises(UserError, match="nothing: there are no records"):
        UseRecordsPass("nothing").apply(Context(), module)


def test_tasks_of_one_structure_are_one():
    module = loops(product("a", "C", "yxk"), product("b", "D", "ijl"))
    (task,) = tasks_in(module, TARGET)
    assert isinstance(task, Task) and (task.name, task.count) == ("a", 2)
