"""The verifier on compiled kernels: each with its tokens as they are, and with any one changed.

    python tests/support/vta_tokens.py 50

deletes, doubles and moves every single token of 50 random kernels, asks the verifier, and tries
orders of the units to see who is right; then it runs large layers in 200 orders on two noises.
"""

import itertools
import sys

import numpy as np
from vta_kernels import Kernel, random_kernel
from vta_orders import judge, perturb, show

from analysis.errors import ScheduleError
from backends.vta.launch import image_of, outputs_of, packed
from dovetail.measuring.convolutions import RESNET18
from vta.config import Config

LONGEST = 160
"""Instructions of the streams whose tokens are changed: each order runs all of them."""
LARGE = ("C9", "C11")


def stream_of(kernel):
    """The instructions of a kernel, the image they run in, the configuration."""
    program = kernel.program
    image = image_of(program, packed(program, [*kernel.inputs, None]))
    return list(program.instructions), image, program.config


def random_streams(longest=LONGEST):
    """Those of the random kernels that are compiled and are not too long, for ever."""
    for seed in itertools.count():
        try:
            found = stream_of(random_kernel(seed))
        except ScheduleError:
            continue
        if len(found[0]) <= longest:
            yield found


def results_in_orders(kernel, orders):
    """What a kernel computes in different orders of the units, on memories of two noises."""
    program = kernel.program
    stream, image, config = stream_of(kernel)
    found = {after for _, after in perturb(stream, image, config, orders)}
    return [outputs_of(program, np.frombuffer(after, np.uint8))[0] for after in found]


def main():
    total = int(sys.argv[1])

    def progress(done):
        print(f"\r{done} of {total}", end="", file=sys.stderr, flush=True)

    counts, missed = judge(itertools.islice(random_streams(), total), 20, progress=progress)
    print(file=sys.stderr)
    show(counts, missed)
    for layer in (layer for layer in RESNET18 if layer.name in LARGE):
        kernel = Kernel(layer, Config())
        (found,) = results_in_orders(kernel, 200)
        assert (found == kernel.expected).all(), layer.name
        print(f"{layer.name}: one result in 200 orders")
    assert not missed and not counts["refused as they are"]


if __name__ == "__main__":
    main()
