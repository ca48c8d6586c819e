"""A kernel and the machine's limit, measured in turns.

Machines are shared and change their clocks, so a figure of another minute says nothing: each round
measures the limit, then the kernel, then the limit again, each the best of a few bursts of equal
length. A round counts if the limit was the same before and after; the share of the limit is the
median of the rounds that count. The limit is the longer of two times: that of as many multiply-adds
as the kernel has operations, and that of a copy of the kernel's bytes.
"""

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from backends.llvm.machine import CodeGenerator
from dialects.target import Machine
from dovetail.measuring.limits import Copy, MultiplyAdds
from dovetail.measuring.product_limits import ProductLimit
from dovetail.measuring.repeated import Repeated, address_of, library_of
from dovetail.measuring.work import Work
from dovetail.runtime.buffers import aligned_bytes
from dovetail.runtime.features import check_machine
from dovetail.runtime.threads import Crew

BURST_SECONDS = 1e-3
LONGEST_LIMIT_BURST = 20e-3
BURSTS = 3
TOLERANCE = 0.03
"""How far the limit may differ before and after, for a round to count."""

KINDS = ("fma", "copy")
"""The kinds of limits. `fma` is that of the unit which multiplies the factors fastest; a figure
names the unit by the feature of the processor where it is another than that of multiply-adds."""

FEWEST_ROUNDS = 3
BUDGET_SECONDS = 4.0


@dataclass(frozen=True)
class Limit:
    """One of the limits: `amount` operations or bytes a call of the repeated function."""

    kind: str
    repeated: Repeated
    amount: int

    def seconds_for(self, work: int, count: int) -> float:
        """The best time in which this machine does `work`, from a few bursts of `count` calls."""
        best = min(self.repeated.run(count) for _ in range(BURSTS))
        return best * work / (count * self.amount)


@dataclass(frozen=True)
class Figures:
    """What was measured; `limit` is that of the longest time: `copy`, `fma`, or the feature of
    another unit, such as `avx512vnni`."""

    seconds: float
    limit: str
    limit_seconds: float
    limit_share: float
    rounds: int
    rounds_that_count: int


def limits_of(
    work: Work,
    machine: Machine,
    generator: CodeGenerator,
    threads: int,
    kinds: Sequence[str] = KINDS,
) -> list[Limit]:
    """The limits of some kinds for this work on this machine."""
    unit = ProductLimit.of(machine, work.factor)
    adds = MultiplyAdds.of(machine, work.element)
    copy = Copy(-(-work.bytes // 2), machine.vector_bytes, threads)
    kind, fastest = ("fma", adds) if unit is None else (unit.kind, unit)
    check_machine(platform.machine(), () if unit is None else unit.features)
    library = library_of(generator, fastest.ir("limit_fma") + copy.ir("limit_copy"))
    crew = Crew(library, threads)
    slots = aligned_bytes((threads + 2) * machine.vector_bytes)
    if unit is None and adds.element in ("double", "float"):
        slots.view(np.dtype(adds.element.replace("float", "float32")))[: adds.lanes] = 1
    limits = [
        Limit(kind, Repeated(crew, address_of(library, "limit_fma"), slots),
              fastest.operations * threads),
        Limit("copy", Repeated(crew, address_of(library, "limit_copy"), aligned_bytes(copy.moved)),
              copy.moved),
    ]  # fmt: skip
    return [limit for limit in limits if (limit.kind if limit.kind == "copy" else "fma") in kinds]


def measure(
    kernel: Repeated,
    work: Work,
    limits: list[Limit],
    rounds: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Figures:
    """The figures of a kernel that does `work` in each call."""
    count = kernel.count_for(BURST_SECONDS)
    burst = kernel.run(count)
    bursts = BURSTS if burst < 10 * BURST_SECONDS else 1
    equal = min(LONGEST_LIMIT_BURST, max(BURST_SECONDS, burst))
    counts = [limit.repeated.count_for(equal) for limit in limits]
    amounts = [work.bytes if limit.kind == "copy" else work.operations for limit in limits]

    def limit_now() -> dict[str, float]:
        return {
            limit.kind: limit.seconds_for(amount, n)
            for limit, amount, n in zip(limits, amounts, counts, strict=True)
        }

    begin = time.perf_counter()
    found: list[tuple[float, float, bool]] = []
    best: dict[str, float] = {limit.kind: float("inf") for limit in limits}
    for done in range(rounds):
        if done >= FEWEST_ROUNDS and time.perf_counter() - begin > BUDGET_SECONDS:
            break
        progress(done, rounds)
        before = limit_now()
        seconds = min(kernel.run(count) for _ in range(bursts)) / count
        after = limit_now()
        for kind in best:
            best[kind] = min(best[kind], before[kind], after[kind])
        first, last = max(before.values()), max(after.values())
        agree = abs(first - last) <= TOLERANCE * max(first, last)
        found.append((seconds, (first + last) / 2 / seconds, agree))
    counting = [share for _, share, agree in found if agree]
    limit = max(best, key=lambda kind: best[kind])
    return Figures(
        seconds=min(seconds for seconds, *_ in found),
        limit=limit,
        limit_seconds=best[limit],
        limit_share=median(counting or [share for _, share, _ in found]),
        rounds=len(found),
        rounds_that_count=len(counting),
    )
