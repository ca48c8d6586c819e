"""--verify-each=run on random programs: nothing right is called wrong, nothing wrong is missed.

A longer run: `ROUNDS` in the environment, say 100.
"""

import os
import random
from dataclasses import dataclass

import numpy as np
import pytest
from native import apply, context, parse
from random_networks import random_network
from random_schedules import random_schedule
from te_cases import ODD_CASES as CASES
from xdsl.dialects import arith
from xdsl.dialects.builtin import AffineMapAttr
from xdsl.ir.affine import AffineMap
from xdsl.passes import ModulePass, PassPipeline
from xdsl.universe import Universe

from analysis.errors import UserError
from backends.interpreter.loop import run_loop
from backends.llvm.host import host_target
from dialects import loop
from dialects.target import TargetAttr
from dovetail.frontend.onnx import import_model
from dovetail.instruments.verify_run import VerifyRun
from dovetail.opt import pipeline_text
from dovetail.pipelines import CPU

ROUNDS = int(os.environ.get("ROUNDS", "1"))


@pytest.mark.parametrize("seed", range(100, 100 + 4 * ROUNDS))
def test_networks(seed):
    """Every kernel and the network, after each pass of the compiler's pipeline."""
    module = import_model(random_network(seed)[0])
    module.attributes["target"] = TargetAttr.of(host_target())
    watcher = VerifyRun()
    PassPipeline(CPU, watcher).apply(context(), module)
    assert all(e.how != "not run" and e.share == 1 for e in watcher.executions)


@pytest.mark.parametrize("name", CASES)
def test_schedules(name):
    """Every accepted primitive, in the interpreter and in checked machine code."""
    for seed in range(ROUNDS):
        schedule = ",".join(["lower-te-to-loop", *random_schedule(CASES[name], 50 + seed, 12)])
        watcher = VerifyRun()
        watcher.runner.quick_seconds = 1.0 if seed % 2 else 1e-9
        known = Universe.get_multiverse().all_passes
        passes = PassPipeline.parse_spec(known, pipeline_text(schedule), watcher)
        passes.apply(context(), parse(CASES[name].text))
        assert all(e.how != "not run" for e in watcher.executions)


def mutate(rng, module):
    """Change one thing in a function of loops, if there is such a thing."""
    accesses = [o for o in module.walk() if isinstance(o, loop.LoadOp | loop.StoreOp)]
    blocks = [o for o in module.walk() if isinstance(o, loop.BlockOp)]
    sums = [o for o in module.walk() if len(o.operands) == 2 and o.dialect_name() == "arith"]
    constants = [o for o in module.walk() if isinstance(o, arith.ConstantOp)]
    kind = rng.choice(["index", "operands", "domain", "binding", "constant", "where"])
    match kind:
        case "index" if accesses:
            op = rng.choice(accesses)
            results = list(op.map.data.results)
            place = rng.randrange(max(1, len(results)))
            if results:
                results[place] = results[place] + rng.choice([-1, 1])
            op.map = AffineMapAttr(AffineMap(op.map.data.num_dims, 0, tuple(results)))
        case "operands" if sums:
            op = rng.choice(sums)
            op.operands = op.operands[::-1]
        case "domain" | "binding" if blocks:
            op = rng.choice(blocks)
            name = f"{kind}s"
            map = op.properties[name].data
            results = list(map.results)
            place = rng.randrange(len(results))
            results[place] = results[place] - 1
            op.properties[name] = AffineMapAttr(AffineMap(map.num_dims, 0, tuple(results)))
        case "constant" if constants:
            op = rng.choice(constants)
            value = op.value.value.data
            old = op.value
            changed = type(old)(1 if value == 0 else 0, old.type)
            op.properties["value"] = changed
        case "where" if blocks:
            op = rng.choice(blocks)
            op.where = AffineMapAttr(AffineMap(op.where.data.num_dims, 0, ()))


@dataclass(frozen=True)
class MutationPass(ModulePass):
    """Changes one thing in a function of loops."""

    name = "mutation"
    seed: int

    def apply(self, ctx, op):
        mutate(random.Random(self.seed), op)


def outcome(case, module, seed):
    """What a function of loops computes, or that it fails."""
    function = next(iter(module.ops))
    arrays = [a.copy() for a in case.inputs(seed)]
    outputs = case.reference(*case.inputs(seed))
    arrays += [np.full(o.shape, 77, o.dtype) for o in outputs]
    try:
        run_loop(function, arrays)
    except UserError:
        return None
    return arrays[len(arrays) - len(outputs) :]


def same(a, b):
    if a is None or b is None:
        return a is b
    return all(np.allclose(x, y, rtol=1e-3, equal_nan=True) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_mutations_are_found(name):
    """What other inputs show to be changed is called changed."""
    case, found = CASES[name], 0
    for seed in range(12 * ROUNDS):
        module = apply(parse(case.text), "lower-te-to-loop")
        before = [outcome(case, module, s) for s in range(3)]
        try:
            PassPipeline((MutationPass(seed),), VerifyRun()).apply(context(), module)
            called = False
        except UserError:
            called = True
        wrong = not all(same(b, outcome(case, module, s)) for s, b in enumerate(before))
        assert called or not wrong, f"{name}, seed {seed}"
        found += called
    assert found
