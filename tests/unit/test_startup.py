"""What a plain run of `dovetail-opt` on text does not import, so that it starts at once."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"islpy", "llvmlite", "ml_dtypes", "numpy", "onnx", "rich", "scipy", "sklearn"}
PROGRAM = """
import sys
from dovetail.opt import run
code = run(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


def imported(*arguments):
    """The modules that a run in a fresh process has imported at its end."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stderr.split())


def test_plain_text_runs_are_light():
    pipeline = "lower-te-to-loop,split-loop{loop=y factor=6},cse"
    assert not HEAVY & imported("examples/matmul.mlir", "-p", pipeline)


def test_what_is_asked_for_is_imported():
    arguments = ["examples/matmul.mlir", "-p", "lower-te-to-loop", "--mlir-timing"]
    assert {"numpy", "rich"} <= imported(*arguments)


def test_a_foreign_package_is_told_in_one_line(tmp_path):
    (tmp_path / "passes").mkdir()
    (tmp_path / "passes" / "__init__.py").touch()
    command = [Path(sys.executable).parent / "dovetail-opt", "--list-targets"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 1 and not done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: the package 'passes' at {tmp_path}/passes/__init__.py hides")
