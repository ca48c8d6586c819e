"""Streams of VTA in other orders of the units, and streams with one token changed.

`perturb` runs a stream in many orders, on memories that begin as two kinds of noise; `mutations`
changes single tokens; `judge` compares the verifier's verdict on every mutation with what many
orders do, and counts.
"""

import itertools
import random
import sys
from collections import Counter
from dataclasses import replace

import numpy as np

from vta import isa, queues
from vta.implementations import FSIM
from vta.isa import Finish, StreamError, Unit
from vta.simulator.functional import Simulator
from vta.simulator.memory import Fault, SramInit
from vta.verify import verify

POISONS = (1, 2)
PRIORITIES = tuple(itertools.permutations(Unit))


def chooser(stream, number):
    """An order: first those that always prefer the same units, then random ones of many tempers."""
    r = random.Random(number)
    if number < len(PRIORITIES):
        weights = {unit: 10.0**-rank for rank, unit in enumerate(PRIORITIES[number])}
        return lambda ready: max(ready, key=lambda position: weights[stream[position].unit])
    weights = {unit: 10 ** r.uniform(-1.5, 1.5) for unit in Unit}
    return lambda ready: r.choices(ready, [weights[stream[p].unit] for p in ready])[0]


def outcome(stream, dram, config, order, poison, implementation=FSIM):
    """The image that a run in one order leaves, or why it failed."""
    image = np.array(dram)
    simulator = Simulator(config, image, implementation, SramInit("poison", poison))
    try:
        for position in order:
            simulator.execute(stream[position])
    except Fault as fault:
        return str(fault)
    return image.tobytes()


def outcomes(stream, dram, config, orders=200, implementation=FSIM):
    """(poison, outcome) of a stream in different orders: bytes, or the text of an error."""
    seen = set()
    for number in range(orders):
        try:
            order = tuple(queues.run_order(stream, implementation, chooser(stream, number)))
        except StreamError as error:
            yield 0, str(error)
            return
        if order not in seen:
            seen.add(order)
            for poison in POISONS:
                yield poison, outcome(stream, dram, config, order, poison, implementation)


def perturb(stream, dram, config, orders=200, implementation=FSIM):
    """The outcomes of a stream in `orders` orders, without those that are equal."""
    return set(outcomes(stream, dram, config, orders, implementation))


def is_order_dependent(stream, dram, config, orders=200, implementation=FSIM):
    """Whether some orders differ on the same noise, or one does not end well."""
    first = {}
    for poison, found in outcomes(stream, dram, config, orders, implementation):
        if isinstance(found, str) or first.setdefault(poison, found) != found:
            return True
    return False


def token_bits(op):
    return [name for name in isa.TOKEN_FIELDS if getattr(op, name)]


def mutations(stream):
    """(what was done, stream) for every single token deleted, duplicated, or moved to a neighbour.

    The neighbours of an instruction are those before and after it on its unit.
    """
    by_unit = {unit: [p for p, op in enumerate(stream) if op.unit is unit] for unit in Unit}
    for position, op in enumerate(stream):
        own = by_unit[op.unit]
        at = own.index(position)
        for bit in token_bits(op):
            without = [*stream]
            without[position] = replace(op, **{bit: False})
            yield f"{bit} of instruction {position} deleted", without
            extra = isa.nop(op.unit, **{bit: True})
            after = bit.startswith("push") and not isinstance(op, Finish)
            doubled = [*stream]
            doubled.insert(position + after, extra)
            yield f"{bit} of instruction {position} duplicated", doubled
            for neighbour in own[max(0, at - 1) : at] + own[at + 1 : at + 2]:
                if getattr(stream[neighbour], bit):
                    continue
                moved = [*without]
                moved[neighbour] = replace(stream[neighbour], **{bit: True})
                yield f"{bit} of instruction {position} moved to {neighbour}", moved


def judge(streams, orders=30, sample=None, implementation=FSIM, progress=lambda done: None):
    """Counts over the mutations of (stream, dram, config): what is wrong and what is said of it.

    Of each stream all mutations are judged, or `sample` random ones.

    `missed` are proven although an order changes the result; they are listed. `unseen` are refused
    although no order that was tried shows anything: the order may not matter, or be a rare one.
    """
    counts, missed = Counter(), []
    for number, (stream, dram, config) in enumerate(streams):
        if verify(stream, config, dram, implementation):
            counts["refused as they are"] += 1
        found = list(mutations(stream))
        if sample is not None and sample < len(found):
            found = random.Random(number).sample(found, sample)
        for what, mutation in found:
            refused = bool(verify(mutation, config, dram, implementation))
            wrong = is_order_dependent(mutation, dram, config, orders, implementation)
            counts[what.split()[-1] if "moved" not in what else "moved"] += 1
            key = {(True, True): "refused", (False, False): "harmless",
                   (True, False): "unseen", (False, True): "missed"}[refused, wrong]  # fmt: skip
            counts[key] += 1
            if key == "missed":
                missed.append((number, what))
        progress(number + 1)
    return counts, missed


def show(counts, missed, file=sys.stdout):
    """Print what `judge` found."""
    for name, count in sorted(counts.items()):
        print(f"{count:8} {name}", file=file)
    for number, what in missed:
        print(f"missed: stream {number}, {what}", file=file)
