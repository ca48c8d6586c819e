"""Runs the light models of the onnx wheel under --verify-each=run, all or those named.

python tests/support/verify_models.py [squeezenet resnet50 ...]

The weights are random; every function of the compiler's pipeline runs before and after each pass.
"""

import sys
import time

import onnx
from light_models import FOLDER, NAMES
from xdsl.context import Context
from xdsl.passes import PassPipeline

from backends.llvm.host import host_target
from dialects.target import TargetAttr
from dovetail.frontend.onnx import import_model
from dovetail.frontend.random_weights import random_weights
from dovetail.instruments.verify_run import VerifyRun
from dovetail.pipelines import CPU


def verify(name: str) -> bool:
    """Whether every function of a model ran, with the same results."""
    begin = time.monotonic()
    module = import_model(random_weights(onnx.load(FOLDER / f"light_{name}.onnx")))
    module.attributes["target"] = TargetAttr.of(host_target())
    watcher = VerifyRun()
    PassPipeline(CPU, watcher).apply(Context(), module)
    ran = [e for e in watcher.executions if e.how not in ("unchanged", "not run")]
    missing = [e for e in watcher.executions if e.how == "not run"]
    share = min(e.share for e in ran)
    print(
        f"{name:14} {time.monotonic() - begin:6.1f} s  {len(ran):4} executions the same, "
        f"{len(missing)} not run, at least {100 * share:.3g} % compared, "
        f"largest difference {max(e.largest for e in ran):.1e}",
        flush=True,
    )
    return not missing


def main() -> None:
    results = [verify(name) for name in sys.argv[1:] or NAMES]
    sys.exit(0 if all(results) else 3)


if __name__ == "__main__":
    main()
