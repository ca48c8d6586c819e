"""A failing command as a case: its IR, its pipeline and its inputs are files and words of it.

The command is run again and again on smaller files; a candidate is kept if it fails in the same
way. What the same way is, a `Symptom` says: the exit code and the kind of message, or a regular
expression, or the time it takes.
"""

import dataclasses
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xdsl.passes import ModulePass

from analysis.errors import UserError
from dovetail.commands.arrays import read_npz, write_npz
from dovetail.frontend.text import read_module
from dovetail.instruments.verify_run import RunOptions
from dovetail.pipeline_parser import Source, parse_passes
from dovetail.reducing import strategies
from dovetail.reducing.case import Case, Reducer, Strategy, chunks
from dovetail.universe import installed
from dovetail.weights import settle_weights

PASS_FLAGS = ("-p", "--passes", "--pass-pipeline")
NAMES = re.compile(
    r"""[^\s:"]+\.(?:mlir|npz|onnx)|'[^']*'|"[^"]*"|[%@^][\w$.-]+|\[[^]]*\]"""
    r"""|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"""
)
"""What differs between two messages of one kind: files, names, values."""

FRAME = re.compile(r'File "([^"]+)", line \d+, in (\S+)')

STRATEGIES: tuple[Strategy, ...] = (
    strategies.fewer_passes,
    strategies.fewer_symbols,
    strategies.fewer_attributes,
    strategies.fewer_results,
    strategies.fewer_operations,
    strategies.plain_weights,
    strategies.smaller_extents,
    strategies.fewer_inputs,
)


@dataclass(frozen=True)
class Run:
    """What a run of a command did; `code` is None where it was stopped after the time limit."""

    code: int | None
    text: str
    seconds: float


@dataclass(frozen=True)
class Symptom:
    """What a run must show to count as the same failure.

    `pattern` is sought in what the command prints; `seconds` is what it takes at least. `message`
    is the first run's message without names and numbers, and is compared where there is neither.
    """

    code: int | None
    message: str | None = None
    pattern: str | None = None
    seconds: float | None = None

    @staticmethod
    def of(run: Run, pattern: str | None, seconds: float | None) -> "Symptom":
        """What makes a run a failure; UserError if it is none."""
        if pattern is not None and re.search(pattern, run.text) is None:
            raise UserError(
                f"reduce: the command prints nothing that matches --message {pattern}",
                *run.text.splitlines()[:10],
            )
        if seconds is not None and run.seconds < seconds:
            raise UserError(
                f"reduce: the command takes {run.seconds:.2g} s, "
                f"less than --slower-than {seconds:g}"
            )
        if pattern is None and seconds is None and run.code == 0:
            raise UserError(
                "reduce: the command does not fail (exit code 0); --message REGEX and "
                "--slower-than SECONDS look for something else in what it does"
            )
        named = None if pattern is not None or seconds is not None else kind_of_message(run)
        return Symptom(None if seconds is not None else run.code, named, pattern, seconds)

    def shows(self, run: Run) -> bool:
        """Whether a run shows it."""
        if self.seconds is not None:
            return run.code is None or run.seconds >= self.seconds
        if run.code != self.code:
            return False
        if self.pattern is not None:
            return re.search(self.pattern, run.text) is not None
        return kind_of_message(run) == self.message


def kind_of_message(run: Run) -> str:
    """What went wrong, without names and numbers: an exception and where it was raised, or the
    first line of an error."""
    lines = [line for line in run.text.splitlines() if line.strip()]
    if any(line.startswith("Traceback") for line in lines):
        frames = FRAME.findall(run.text)
        place = f"{Path(frames[-1][0]).name}:{frames[-1][1]}" if frames else ""
        last = next((line for line in reversed(lines) if not line.startswith(" ")), "")
        return f"{last.partition(':')[0]} in {place}"
    errors = [line for line in lines if "error" in line.lower()]
    return NAMES.sub("_", (errors or lines or [""])[0])


@dataclass(frozen=True)
class FailingCommand:
    """A command and which of its words are the IR, the pipeline and the inputs."""

    words: tuple[str, ...]
    ir: int
    passes: int | None
    inputs: int | None

    @staticmethod
    def of(words: Sequence[str]) -> "FailingCommand":
        """Find the files in a command; UserError if there is no IR among them."""
        ir = [i for i, w in enumerate(words) if i and w.endswith(".mlir") and Path(w).exists()]
        if len(ir) != 1:
            found = ", ".join(words[i] for i in ir) or "none"
            raise UserError(
                f"reduce: the command names one .mlir file that exists; here it names {found} "
                "(dovetail-opt model.onnx -o model.mlir makes one of a model)"
            )
        given = [i for i in range(1, len(words)) if words[i - 1] in PASS_FLAGS]
        inputs = [i for i, w in enumerate(words) if i and w.endswith(".npz") and Path(w).exists()]
        return FailingCommand(
            tuple(without_own_reduction(word) for word in words),
            ir[0],
            given[0] if given else None,
            inputs[0] if inputs else None,
        )

    def case(self) -> Case:
        """The case that the command is about."""
        passes: tuple[ModulePass, ...] = ()
        if self.passes is not None:
            known = installed().all_passes
            source = Source.of(self.words[self.passes - 1], self.words[self.passes])
            passes = parse_passes(source, known)
        arrays = None
        if self.inputs is not None:
            arrays = tuple(read_npz(Path(self.words[self.inputs])).values())
        return Case(read_module(Path(self.words[self.ir])), passes, arrays)

    def written(self, case: Case, stem: Path) -> list[str]:
        """The command on a case, whose files are written to `<stem>.mlir` and `<stem>.npz`."""
        words = list(self.words)
        path = stem.with_suffix(".mlir")
        module = case.module.clone()
        settle_weights(module, path, elide=False)
        path.write_text(f"{module!s}\n")
        words[self.ir] = str(path)
        if self.passes is not None:
            words[self.passes] = ",".join(str(p) for p in case.passes)
        if self.inputs is not None and case.inputs is not None:
            names = read_npz(Path(self.words[self.inputs]))
            npz = stem.with_suffix(".npz")
            write_npz(npz, dict(zip(names, case.inputs, strict=False)))
            words[self.inputs] = str(npz)
        return words


def without_own_reduction(word: str) -> str:
    """`--verify-each=run` without the reduction that it would do in every run."""
    flag, equals, value = word.partition("=")
    if flag != "--verify-each" or not value.startswith("run"):
        return word
    options = dataclasses.replace(RunOptions.parse(value), reduced="")
    return f"{flag}{equals}{options}"


def execute(words: Sequence[str], limit: float) -> Run:
    """Run a command for at most `limit` seconds."""
    begin = time.monotonic()
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return Run(None, "", time.monotonic() - begin)
    except OSError as error:
        raise UserError(f"reduce: cannot run {words[0]}: {error.strerror}") from None
    return Run(done.returncode, done.stderr + done.stdout, time.monotonic() - begin)


@dataclass
class CommandReducer:
    """Reduces a failing command.

    `limit` are the seconds of one run, `seconds` those of everything, `trials` the most runs.
    """

    command: FailingCommand
    symptom: Symptom
    limit: float
    seconds: float
    trials: int
    tell: Callable[[int, int], None] = lambda trials, size: None

    def reduce(self, stem: Path) -> list[str] | None:
        """Write the smallest case to files that begin with `stem`; the command for it.

        None where the IR does not parse, or does not fail any more after it is printed anew.
        """
        try:
            case = self.command.case()
        except UserError:
            return None
        with tempfile.TemporaryDirectory(prefix="dovetail-reduce-") as folder:
            trial = Path(folder, "trial")

            def oracle(case: Case) -> bool:
                return self.symptom.shows(execute(self.command.written(case, trial), self.limit))

            if not oracle(case):
                return None
            reducer = Reducer(oracle, STRATEGIES, self.trials, self.seconds, self.tell)
            smallest = reducer.reduce(case)
        return self.command.written(smallest, stem)


def reduce_lines(
    command: FailingCommand, symptom: Symptom, stem: Path, limit: float, trials: int
) -> list[str]:
    """For a file that does not parse: leave out lines."""
    lines = Path(command.words[command.ir]).read_text().splitlines()
    words = list(command.words)
    words[command.ir] = str(stem.with_suffix(".mlir"))
    with tempfile.TemporaryDirectory(prefix="dovetail-reduce-") as folder:
        trial = Path(folder, "trial.mlir")
        tried = list(command.words)
        tried[command.ir] = str(trial)

        def fails(kept: Sequence[str]) -> bool:
            trial.write_text("\n".join(kept) + "\n")
            return symptom.shows(execute(tried, limit))

        improved = True
        while improved and trials > 0:
            improved = False
            for kept in shorter(lines):
                trials -= 1
                if fails(kept):
                    lines, improved = kept, True
                    break
                if trials <= 0:
                    break
    Path(words[command.ir]).write_text("\n".join(lines) + "\n")
    return words


def shorter(lines: Sequence[str]) -> Iterator[list[str]]:
    """The lines without some of them, large parts first."""
    for part in chunks(len(lines)):
        yield [line for i, line in enumerate(lines) if i not in part]
