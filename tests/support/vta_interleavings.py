"""The verifier against the truth: every interleaving of the units, on small random streams.

    python tests/support/vta_interleavings.py 2000

runs streams 0 to 1999, each also with each of its tokens changed in each way, and prints how often
the verifier agrees. A stream is right if every interleaving ends, leaves no token, has FINISH last,
and stores the same, from either of two noises in the on-chip memories.
"""

import random
import sys
from collections import Counter

import numpy as np
from vta_orders import POISONS, mutations

from vta import assembly, isa
from vta.config import Config
from vta.implementations import FSIM
from vta.isa import Finish, MicroOp
from vta.simulator.functional import Simulator
from vta.simulator.memory import Fault, SramInit
from vta.verify import verify

TINY = Config.from_name("1x4_i8w8a32_5_4_6_6")
"""8 micro-ops, 4 elements of each other memory: its state is a few hundred bytes."""
IMAGE_BYTES = 512
UOPS_AT, INP_AT, WGT_AT, ACC_AT, OUT_AT = 0, 64, 128, 192, 256
PLACES = 2
SIDES = (("prev", -1), ("next", 1))
LONGEST = 6
"""Instructions on the random part of a stream."""


def image(seed):
    """Micro-ops (i, j, i) for i, j in 0, 1, then noise."""
    found = np.random.default_rng(seed).integers(0, 256, IMAGE_BYTES, np.uint8)
    uops = [MicroOp(i, j, i) for i in range(PLACES) for j in range(PLACES)]
    data = b"".join(isa.encode_uop(uop, TINY) for uop in uops)
    found[: len(data)] = np.frombuffer(data, np.uint8)
    return found


def transfer(r, memory, first, size, sram):
    return f"{memory} {first // size + r.randrange(PLACES)} at {sram} rows 1 of 1"


def operation(r):
    """A random instruction, on places that others use, too."""
    x, uop = r.randrange(PLACES), r.randrange(4)
    kind = r.randrange(13)
    if kind == 12:
        uop = r.randrange(4)
        if r.random() < 0.3:  # micro-ops that the stream makes
            return 2, f"store out {uop} at {x} rows 1 of 1"
        return 1, f"load uop {uop} at {r.randrange(4)} rows 1 of 1"
    if kind < 2:
        return 0, f"load {transfer(r, 'inp', INP_AT, 4, x)}"
    if kind < 4:
        return 0, f"load {transfer(r, 'wgt', WGT_AT, 16, x)}"
    if kind == 4:
        return 1, f"load {transfer(r, 'acc', ACC_AT, 16, x)}"
    if kind < 7:
        return 1, f"gemm {'reset ' * (r.random() < 0.2)}uop {uop} to {uop + 1}"
    if kind < 9:
        return 1, f"alu add uop {uop} to {uop + 1}{' imm 3' * (r.random() < 0.5)}"
    if kind == 11:  # over what is loaded
        return 2, f"store {transfer(r, 'out', INP_AT, 4, x)}"
    return 2, f"store {transfer(r, 'out', OUT_AT, 4, x)}"


def random_stream(seed):
    """The text of a stream whose tokens balance."""
    r = random.Random(seed)
    held = Counter()
    lines = ["load uop 0 at 0 rows 1 of 4"]

    def pops(unit, chance):
        found = ""
        for side, step in SIDES:
            if held[unit + step, unit] and r.random() < chance:
                held[unit + step, unit] -= 1
                found += f" pop_{side}"
        return found

    def pushes(unit, chance):
        found = ""
        for side, step in SIDES:
            if 0 <= unit + step <= 2 and r.random() < chance:
                held[unit, unit + step] += 1
                found += f" push_{side}"
        return found

    for _ in range(r.randint(3, LONGEST)):
        unit, text = operation(r)
        lines.append(text + pops(unit, 0.9) + pushes(unit, 0.6))
    names = ("load", "compute", "store")
    for unit in (0, 2, 1):
        while any(held[unit + step, unit] for _, step in SIDES):
            lines.append(f"nop {names[unit]}{pops(unit, 1)}")
        if unit != 1 and r.random() < 0.9:  # so that FINISH knows
            lines.append(f"nop {names[unit]} push_{'next' if unit == 0 else 'prev'}")
            held[unit, 1] += 1
    return "\n".join([*lines, "finish"])


class Explorer:
    """All interleavings of one stream; states that have been seen are not gone into again."""

    def __init__(self, stream, dram, poison):
        self.stream = stream
        self.simulator = Simulator(TINY, np.array(dram), FSIM, SramInit("poison", poison))
        self.arrays = [self.simulator.dram, *(m.data for m in self.simulator.memories.all())]
        self.units = [[p for p, op in enumerate(stream) if op.unit == u] for u in range(3)]
        self.stored, self.left, self.broken = set(), set(), False

    def save(self):
        return tuple(array.tobytes() for array in self.arrays)

    def restore(self, state):
        for array, data in zip(self.arrays, state, strict=True):
            array.reshape(-1)[:] = np.frombuffer(data, array.dtype)

    def tokens(self, progress):
        """What the queues hold when so many of each unit's instructions have run."""
        held = Counter()
        for unit in range(3):
            for position in self.units[unit][: progress[unit]]:
                for side, step in SIDES:
                    op = self.stream[position]
                    held[unit + step, unit] -= getattr(op, f"pop_{side}")
                    held[unit, unit + step] += getattr(op, f"push_{side}")
        return held

    def ready(self, progress):
        held = self.tokens(progress)
        for unit in range(3):
            if progress[unit] < len(self.units[unit]):
                op = self.stream[self.units[unit][progress[unit]]]
                if all(held[unit + s, unit] > 0 for n, s in SIDES if getattr(op, f"pop_{n}")):
                    yield unit, op

    def run(self):
        tasks, seen = [((0, 0, 0), self.save())], set()
        while tasks and not self.broken:
            task = tasks.pop()
            if task in seen:
                continue
            seen.add(task)
            progress, state = task
            moves = list(self.ready(progress))
            done = sum(progress)
            if not moves:
                self.broken |= done < len(self.stream) or any(self.tokens(progress).values())
                self.stored.add(state[0])
                self.left.add(state)
            for unit, op in moves:
                self.broken |= isinstance(op, Finish) and done < len(self.stream) - 1
                self.restore(state)
                try:
                    self.simulator.execute(op)
                except Fault:
                    self.broken = True
                after = tuple(n + (u == unit) for u, n in enumerate(progress))
                tasks.append((after, self.save()))
        return self


def truth(stream, dram):
    """`right`, `left` if only what stays on the chip depends on the order, or `wrong`."""
    found = [Explorer(stream, dram, poison).run() for poison in POISONS]
    if any(e.broken or len(e.stored) > 1 for e in found):
        return "wrong"
    return "left" if any(len(e.left) > 1 for e in found) else "right"


def compare(seed, counts):
    """Judge one stream and its mutations; returns those that are wrong and were not refused."""
    dram = image(seed)
    stream = assembly.assemble(random_stream(seed), TINY)
    missed = []
    variants = [("as it is", stream), *mutations(stream)]
    r = random.Random(seed)
    for what, variant in [variants[0], *r.sample(variants[1:], min(4, len(variants) - 1))]:
        refused = bool(verify(variant, TINY, dram))
        actual = truth(variant, dram)
        counts["refused" if refused else "proven", actual] += 1
        if actual == "wrong" and not refused:
            missed.append(f"stream {seed}, {what}:\n{assembly.disassemble(variant)}")
    return missed


MEANINGS = {
    ("proven", "right"): "proven, and every interleaving stores the same",
    ("refused", "wrong"): "refused, and some interleaving is wrong",
    ("refused", "left"): "refused: the order shows only in what stays on the chip",
    ("refused", "right"): "refused: accesses conflict, but the values do not depend on their order",
    ("proven", "left"): "proven, but what stays on the chip depends on the order",
    ("proven", "wrong"): "PROVEN, BUT WRONG",
}


def main():
    counts, missed = Counter(), []
    total = int(sys.argv[1])
    for seed in range(total):
        missed += compare(seed, counts)
        if seed % 20 == 19:
            print(f"\r{seed + 1} of {total}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for key, meaning in MEANINGS.items():
        print(f"{counts[key]:8} {meaning}")
    print(*missed, sep="\n")
    assert not missed and not counts["proven", "left"]


if __name__ == "__main__":
    main()
