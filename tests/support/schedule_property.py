"""Random programs under random schedules: what primitives accept keeps the results, what they
refuse for a dependence has a witness that is true.

    python tests/support/schedule_property.py [SEQUENCES [SEED [FOLDER]]]

A program of tensors is drawn, then up to twelve primitives that were accepted. The loops must
compute, in the interpreter and as machine code, what the interpreter of tensor expressions says. A
failure is made small and written as `<folder>/<seed>.mlir`, with its pipeline in the first lines.
"""

import os
import random
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import random_schedules
from native import apply, parse
from random_programs import random_program
from random_schedules import Attempt, attempts, text_of
from rich.console import Console
from rich.progress import track
from rich.table import Table
from schedule_faults import Fault, fault_of, fault_of_attempt, fault_of_results, inputs_of, smaller
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

STEPS, TRIES = 12, 36
"""Accepted primitives of a sequence at most, and draws."""

WITNESSES = 2
"""The witnesses of a sequence that are checked at most."""

PART = 10
"""The sequences of one job."""


@dataclass
class Tally:
    """What became of the primitives of many sequences."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    sequences: int = 0

    def note(self, made: Attempt) -> None:
        self.outcomes[made.step.name, made.outcome] += 1

    def add(self, other: "Tally") -> None:
        self.outcomes += other.outcomes
        self.failures += other.failures
        self.sequences += other.sequences

    @property
    def accepted(self) -> int:
        """The primitives that were accepted."""
        return sum(n for (_, outcome), n in self.outcomes.items() if outcome == "accepted")

    def table(self) -> Table:
        """A row for each primitive."""
        title = f"{self.sequences} sequences, {len(self.failures)} failures"
        table = Table("primitive", "accepted", "refused: dependence", "refused: other", title=title)
        outcomes = ("accepted", "dependence", "other")
        rows = {n: [self.outcomes[n, o] for o in outcomes] for n in random_schedules.primitives()}
        for name, counts in sorted(rows.items()):
            table.add_row(name, *map(str, counts))
        table.add_section()
        table.add_row("all", *(str(sum(column)) for column in zip(*rows.values(), strict=True)))
        return table


def run_sequence(seed: int, tally: Tally, folder: Path | None) -> None:
    """One program and one schedule; failures are made small and added to the tally."""
    rng = random.Random(seed)
    tensors = parse(random_program(rng))
    inputs, expected = inputs_of(tensors)
    tally.sequences += 1
    steps: list[ModulePass] = []
    faults: list[tuple[Fault, list[ModulePass]]] = []
    module = apply(tensors.clone(), "lower-te-to-loop")
    wanted, witnesses = rng.randint(1, STEPS), 0
    for made in attempts(module, rng, wanted, TRIES):
        tally.note(made)
        module = made.left
        if made.outcome == "accepted":
            steps.append(made.step)
            continue
        if made.outcome == "dependence":
            witnesses += 1
        if made.outcome == "failed" or witnesses <= WITNESSES:
            fault = fault_of_attempt(made, inputs)
            if fault is not None:
                faults.append((fault, [*steps, made.step]))
    fault = fault_of_results(module, inputs, expected)
    if fault is not None:
        faults.append((fault, steps))
    first = {fault.kind: (fault, until) for fault, until in reversed(faults)}
    for number, (fault, until) in enumerate(first.values()):
        file = folder and folder / (f"{seed}-{number}.mlir" if number else f"{seed}.mlir")
        tally.failures.append(told(seed, tensors, until, fault, file))


def told(
    seed: int, tensors: ModuleOp, steps: Sequence[ModulePass], fault: Fault, file: Path | None
) -> str:
    """A failure, made small, as text, which is written to the file if there is one."""
    tensors, steps = smaller(tensors, steps, fault)
    found = fault_of(tensors, steps) or fault
    head = [*f"seed {seed}: {found.text}".splitlines(), f"pipeline: {text_of(steps)}"]
    text = "\n".join([*(f"// {line}" for line in head), f"{tensors!s}\n"])
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return text


def run_part(seeds: range, folder: Path) -> Tally:
    """Some sequences, in a process of their own."""
    tally = Tally()
    for seed in seeds:
        run_sequence(seed, tally, folder)
    return tally


def main(sequences: int = 20_000, seed: int = 0, folder: str = "schedule-failures") -> int:
    """Run sequences on all cores, with progress; the exit code is 1 if one fails."""
    total, console = Tally(), Console(stderr=True)
    starts = range(seed, seed + sequences, PART)
    parts = [range(s, min(s + PART, seed + sequences)) for s in starts]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(run_part, part, Path(folder)) for part in parts]
        for job in track(as_completed(jobs), "random schedules", len(jobs), console=console):
            part = job.result()
            total.add(part)
            for failure in part.failures:
                console.print(failure.splitlines()[0], markup=False)
    Console().print(total.table())
    if total.failures:
        print(f"{len(total.failures)} failures, made small: {folder}/")
    return 1 if total.failures else 0


if __name__ == "__main__":
    given = sys.argv[1:]
    raise SystemExit(main(*map(int, given[:2]), *given[2:]))
