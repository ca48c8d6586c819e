"""Random int8 kernels for VTA: a shape, a configuration, an epilogue, tiles; all from a seed.

    python tests/support/vta_kernels.py 200

compiles, proves and runs cases 0 to 199 on every implementation and in other orders of the units,
compares them with NumPy, and prints what they covered and which schedules were refused.
"""

import random
import sys
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property

from vta_cases import CONFIGS
from vta_programs import check_program

from analysis.errors import ScheduleError
from dovetail.measuring import convolutions, matmuls
from dovetail.measuring.convolutions import Convolution
from dovetail.measuring.epilogues import QUANTISED, Epilogue, Step
from dovetail.measuring.matmuls import Matmul
from dovetail.measuring.vta_layers import compile_program, loops_of
from passes.loop.library.accelerator import Tiling, default_problem
from vta.config import Config


@dataclass(frozen=True)
class Kernel:
    """A product or a convolution on a configuration; a tiling of None is the default one."""

    shape: Matmul | Convolution
    config: Config
    batch: int = 1
    """Images of a convolution."""
    epilogue: Epilogue = QUANTISED
    tiling: Tiling | None = None
    seed: int = 0

    @property
    def text(self):
        if isinstance(self.shape, Matmul):
            return matmuls.program(self.shape, epilogue=self.epilogue)
        return convolutions.program(self.shape, self.batch, epilogue=self.epilogue)

    @cached_property
    def inputs(self):
        if isinstance(self.shape, Matmul):
            return matmuls.random_inputs(self.shape, self.seed)
        return convolutions.random_inputs(self.shape, self.batch, self.seed)

    @property
    def expected(self):
        if isinstance(self.shape, Matmul):
            return matmuls.reference(*self.inputs, self.epilogue)
        return convolutions.reference(self.shape, *self.inputs, self.epilogue)

    @cached_property
    def program(self):
        return compile_program(self.text, self.config, self.tiling)

    def check(self, orders=2):
        """Proven and equal to NumPy on all implementations, and in other orders of the units."""
        check_program(self.program, [*self.inputs, None], self.expected, orders=orders)
        return self.program


def random_epilogue(r):
    """Some of the steps, in any order; most keep values that a byte can tell apart."""
    steps = [
        Step("shrsi", r.choice((0, 1, 8, 8, 12, 31))),
        Step("addi"),
        Step("addi", r.choice((-32768, -3, 1, 32767))),
        Step("maxsi", r.choice((-128, 0, 5))),
        Step("minsi", r.choice((127, 100, -1))),
        Step("muli", 1 << r.randrange(9)),
        Step("shli", r.randrange(9)),
        Step("addi"),
    ]
    return Epilogue(tuple(r.sample(steps, r.randint(0, 5))), saturating=r.random() < 0.5)


def random_shape(r, config):
    """A product, or the images and the layer of a convolution; some are no whole elements."""

    def extent(most, step):
        """A few steps, half of the time less by a part of one."""
        return r.randint(1, most) * step - (r.randrange(step) if r.random() < 0.5 else 0)

    batch = extent(2, config.batch)
    if r.random() < 0.4:
        m = extent(6, config.batch)
        rows = 1 if config.batch == 1 and r.random() < 0.5 else m
        return Matmul(m, extent(6, config.block), extent(6, config.block), rows), 1
    ic, oc = (extent(4, config.block) for _ in range(2))
    size, kernel, stride = r.randint(1, 11), r.choice((1, 3, 3, 5)), r.choice((1, 1, 2, 3))
    return Convolution("random", size, ic, oc, kernel, stride), batch


def random_tiling(r, kernel):
    """Sizes that fit; threads on any axis, in any order.

    In half of the cases they divide, and along axes of padded operands, where tails would need more
    pads.
    """
    problem = default_problem(loops_of(kernel.text, kernel.config)[1])
    extents = {a.name: problem.extent(a) for a in problem.axes}
    steps = {name: problem.steps.get(name, 1) for name in extents}
    spatial = [a.name for a in problem.axes if not a.reduce]
    even = r.random() < 0.5
    for _ in range(100):
        sizes = {}
        for name, extent in extents.items():
            found = range(steps[name], extent + 1, steps[name])
            if name in ("kh", "kw") and r.random() < 0.8:  # a cut one is alone in padding
                found = [extent]
            sizes[name] = r.choice(
                [s for s in found if extent % s == 0 or not (even or name in problem.padded)]
            )
        thread, threads = r.choice([None, *(a for a in spatial if extents[a] > sizes[a])]), 1
        if thread is not None:
            threads = r.choice((2, 2, 3, 4))
        if problem.fits(sizes, threads):
            return Tiling(sizes, thread, threads, tuple(r.sample(spatial, len(spatial))))
    return None


def random_kernel(seed):
    """The kernel of a seed; two in three have tiles of their own."""
    r = random.Random(seed)
    config = r.choice(CONFIGS)
    shape, batch = random_shape(r, config)
    kernel = Kernel(shape, config, batch, random_epilogue(r), seed=seed)
    return replace(kernel, tiling=random_tiling(r, kernel)) if r.random() < 0.67 else kernel


def show(kernel):
    return (
        ", ".join(
            f"{name} {value}"
            for name, value in vars(kernel).items()
            if name in ("shape", "batch", "epilogue", "tiling", "seed")
        )
        + f", {kernel.config.name}"
    )


def compare(seed, counts, refused):
    """Run the kernel of a seed everywhere, or note why it is refused; counts what it covers."""
    kernel = random_kernel(seed)
    way = "default" if kernel.tiling is None else "given"
    try:
        program = kernel.program
    except ScheduleError as error:
        counts[f"{way} schedules that are refused"] += 1
        refused.append((kernel, error))
        return
    counts[f"{way} schedules that run"] += 1
    counts["with threads" if kernel.tiling and kernel.tiling.thread else "others"] += 1
    counts["instructions"] += len(program.instructions)
    kernel.check()


def main():
    total = int(sys.argv[1])
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    counts, refused = Counter(), []
    for seed in range(first, first + total):
        try:
            compare(seed, counts, refused)
        except Exception as error:
            raise AssertionError(show(random_kernel(seed))) from error
        print(f"\r{seed + 1 - first} of {total}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for name, count in sorted(counts.items()):
        print(f"{count:8} {name}")
    for kernel, error in refused:
        print(f"refused: {error}\n    {show(kernel)}")


if __name__ == "__main__":
    main()
