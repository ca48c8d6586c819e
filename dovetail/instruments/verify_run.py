"""--verify-each=run: every function is executed before and after each pass.

A function is followed by its name from level to level. Its inputs are chosen when it first
appears; before and after a pass it gets the same ones, and its results must be the same: bit by
bit where they are exact, else within a tolerance. The first pass that changes a result ends the
run with a line that names it. So does one that makes an op without a location, where the module
had locations.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
from rich.console import Console
from rich.status import Status
from rich.table import Table
from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.utils.arg_spec import ArgSpecConvertible, parse_spec
from xdsl.utils.exceptions import ArgSpecParseError

from analysis.errors import UnsupportedError, UserError
from analysis.files import write_atomically
from backends.interpreter.dims import value_name
from backends.interpreter.races import RaceError
from backends.interpreter.scalars import Array, dtype_of
from dialects.graph import structure
from dialects.loop_hardware import BarrierOp
from dovetail.commands.arrays import read_npz
from dovetail.execution.comparing import compare
from dovetail.execution.inputs import Inputs, magnitude, operations, possible_inputs, shape_of
from dovetail.execution.runner import INTERPRETED, NotRunError, Runner
from dovetail.execution.signature import Signature, signature_of
from dovetail.execution.slices import Slice
from dovetail.instruments.instrument import Instrument
from passes.structural_hash import structural_hash

NOT_RUN_EXIT = 3
"""The exit code where everything that ran was right, but something did not run."""

UNCHANGED = "unchanged"
LEVELS = ("graph", "te", "loop", "vta")


@dataclass(frozen=True)
class Execution:
    """One execution of one function after one pass (None: of the input).

    `how` is the engines, or "unchanged", or "not run"; `share` the part of the output elements
    that was compared; `largest` the largest relative difference; `reason` why it was not run.
    """

    pass_name: str | None
    function: str
    level: str
    how: str
    share: float
    largest: float = 0.0
    reason: str = ""


@dataclass
class Followed:
    """What is known about one function: its inputs, and its form and results the last time."""

    inputs: Inputs
    names: tuple[str, ...]
    key: str
    results: tuple[Array, ...]
    part: Slice | None
    kind: frozenset[str]
    """The engines and the dialects of the function and all it calls: rounding depends on them."""


@dataclass(frozen=True)
class RunOptions(ArgSpecConvertible):
    """What stands in the braces of `--verify-each=run{...}`.

    `seed` of the inputs; `budget-s`: seconds that one execution of one function may take before
    it runs on a slice; `inputs`: an .npz file with inputs for the only function; `report`: a file
    for the rows of the report, as JSON; `reduced`: where the reduced case of a mismatch goes, the
    beginning of the names of two files.
    """

    name = "run"

    seed: int = 0
    budget_s: int = 60
    inputs: str | None = None
    report: str | None = None
    reduced: str = "mismatch"

    @staticmethod
    def parse(text: str) -> "RunOptions":
        """The options in `run{seed=1}`; a UserError says which there are."""
        try:
            spec = parse_spec(text).normalize_parameter_names()
            numbers = [v for values in spec.parameters.values() for v in values]
            if spec.name == "run" and not any(isinstance(v, bool) for v in numbers):
                return RunOptions.from_spec(spec)
            reason = "is not known"
        except (ArgSpecParseError, Exception) as error:
            reason = f"is not understood ({str(error).splitlines()[0]})"
        raise UserError(
            f"--verify-each={text} {reason}: there are --verify-each and --verify-each=run{{seed=N "
            'budget-s=N inputs="x.npz" report="rows.json" reduced="NAME"}'
        )


@dataclass(frozen=True, eq=False)
class Mismatch:
    """A pass that changed a result: the module before it, the function, its inputs, the place."""

    culprit: ModulePass
    before: ModuleOp
    function: str
    inputs: tuple[Array, ...]
    place: str

    def __str__(self) -> str:
        return f"pass '{self.culprit}' changed the result of @{self.function}: {self.place}"


class MismatchError(UserError):
    """The end of a run in which a pass changed a result."""

    def __init__(self, mismatch: Mismatch, *details: str) -> None:
        super().__init__(f"--verify-each=run: {mismatch}", *details)
        self.mismatch = mismatch


@dataclass
class VerifyRun(Instrument):
    """Executes every function before and after each pass; see the module's docstring.

    `budget_seconds` and `arrays` stand for those of the options, which count whole seconds and
    name a file. `on_mismatch` adds details to the error of a mismatch.
    """

    options: RunOptions = RunOptions()
    budget_seconds: float | None = None
    arrays: tuple[Array, ...] | None = None
    on_mismatch: Callable[[RunOptions, Mismatch], Sequence[str]] = lambda options, found: ()
    runner: Runner = field(init=False)
    followed: dict[str, Followed] = field(default_factory=dict[str, Followed])
    racing: dict[str, RaceError] = field(default_factory=dict[str, RaceError])
    """Functions that wait for a later pass to put barriers between their threads."""
    executions: list[Execution] = field(default_factory=list[Execution])
    passes: int = 0
    before: ModuleOp | None = None
    located: bool = False
    status: Status = field(init=False)
    unlocated: set[Operation] = field(default_factory=set[Operation])

    def __post_init__(self) -> None:
        self.runner = Runner(self.budget_seconds or self.options.budget_s)
        if self.arrays is None and self.options.inputs is not None:
            self.arrays = tuple(read_npz(Path(self.options.inputs)).values())

    def __call__(
        self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None
    ) -> None:
        if previous is None:
            self.followed.clear()
            self.located = any(is_located(op) for op in module.walk())
        else:
            self.passes += 1
            self.check_locations(previous, module)
        # callers last, so that a mismatch is found in a kernel before it is in the network
        order = sorted(functions(module), key=calls_others)
        since = "the input" if previous is None else f"after {previous.name}"
        with Console(stderr=True).status(f"--verify-each=run: {since}") as self.status:
            for function in order:
                self.status.update(f"--verify-each=run: {since}: @{function.sym_name.data}")
                self.follow(function, previous)
        names = {f.sym_name.data for f in order}
        self.followed = {name: f for name, f in self.followed.items() if name in names}
        if following is not None:
            self.before = module.clone()
            self.unlocated = {op for op in module.walk() if not is_located(op)}

    def check_locations(self, previous: ModulePass, module: ModuleOp) -> None:
        """Refuse an op that the pass made without a location."""
        if not self.located:
            return
        for op in module.walk():
            if op is not module and not is_located(op) and op not in self.unlocated:
                raise UserError(
                    f"--verify-each=run: pass '{previous}' made {op.name}{within(op)} without a "
                    "location; passes.locations.locate gives it that of the op it stands for"
                )

    def follow(self, function: FuncOp, previous: ModulePass | None) -> None:
        """Run one function, and compare with its last results."""
        name = function.sym_name.data
        key = closure_key(function)
        known = self.followed.get(name)
        if known is not None and known.key == key:
            self.note(function, previous, UNCHANGED, 1.0)
            return
        if known is None:
            self.start(function, key, previous)
            return
        part = known.part or self.runner.part_of(function, known.inputs, self.options.seed)
        results = self.execute(function, known.inputs, part, previous)
        if results is None:
            if name not in self.racing:
                self.followed.pop(name)
            return
        engines, kind = frozenset(self.runner.engines), self.kind(function)
        exact = known.inputs.exact or (
            kind == known.kind
            and INTERPRETED not in kind
            and not getattr(previous, "reassociates", False)
        )
        before, after = within_slice(known.results, part), within_slice(results, part)
        found = compare(before, after, exact)
        if found.difference is not None:
            assert previous is not None
            count = "the number of results"
            name = known.names[found.difference.result] if known.names else count
            self.fail(function, previous, known, found.difference.describe(name))
        share = share_of(part, results)
        self.note(function, previous, how(engines), share, found.largest)
        if known.inputs.exact or magnitude(function) is None:
            self.followed[name] = replace(known, key=key, results=results, part=part, kind=kind)
        else:  # it has become a form that shows more
            self.followed.pop(name)
            self.start(function, key, previous, silent=True)

    def start(
        self, function: FuncOp, key: str, previous: ModulePass | None, silent: bool = False
    ) -> None:
        """Run a function for the first time."""
        signature = signature_of(function)
        choices = list(possible_inputs(signature, self.options.seed))
        if self.arrays is not None and not self.is_called(function):
            choices = [replace(choices[0], arrays=self.arrays)]
            self.check_arrays(signature, choices[0])
        for inputs in choices:
            part = self.runner.part_of(function, inputs, self.options.seed)
            last = inputs is choices[-1]
            results = self.execute(function, inputs, part, previous, silent=not last)
            if results is not None:
                break
        else:
            return
        name = function.sym_name.data
        names = tuple(value_name(v) for v in signature.results)
        kind = self.kind(function)
        self.followed[name] = Followed(inputs, names, key, results, part, kind)
        if not silent:
            share = share_of(part, results)
            self.note(function, previous, how(frozenset(self.runner.engines)), share)

    def is_called(self, function: FuncOp) -> bool:
        """Whether another function calls this one."""
        module = function.parent_op()
        assert isinstance(module, ModuleOp)
        name = function.sym_name.data
        return any(
            isinstance(op, CallOp | structure.CallOp) and op.callee.root_reference.data == name
            for op in module.walk()
        )

    def check_arrays(self, signature: Signature, inputs: Inputs) -> None:
        """Refuse given inputs that do not fit."""
        wanted = [(v, shape_of(v, inputs.dims), dtype_of(v.type)) for v in signature.inputs]
        given = [(a.shape, a.dtype) for a in inputs.arrays]
        if [(shape, dtype) for _, shape, dtype in wanted] != given:
            raise UserError(
                f"--verify-each=run: {self.options.inputs or 'the inputs'} does not fit "
                f"@{signature.function.sym_name.data}, which takes "
                + ", ".join(f"{value_name(v)}: {d}{list(s)}" for v, s, d in wanted)
                + "; it has "
                + ", ".join(f"{d}{list(s)}" for s, d in given)
            )

    def kind(self, function: FuncOp) -> frozenset[str]:
        """What the rounding of the last run depends on, besides the order of evaluation."""
        dialects = {op.dialect_name() for op in operations(function)}
        return frozenset(self.runner.engines) | (dialects & set(LEVELS))

    def execute(
        self,
        function: FuncOp,
        inputs: Inputs,
        part: Slice | None,
        previous: ModulePass | None,
        silent: bool = False,
    ) -> tuple[Array, ...] | None:
        """The results of a function; None, with a note unless `silent`, where no engine runs it."""
        known = self.followed.get(function.sym_name.data)
        name = function.sym_name.data
        try:
            results = self.runner.run(function, inputs, part)
            self.racing.pop(name, None)
            return results
        except RaceError as error:
            if known is not None and any(isinstance(o, BarrierOp) for o in function.walk()):
                assert previous is not None
                self.fail(function, previous, known, f"it fails now: {error}")
            self.racing[name] = error
        except (NotRunError, UserError) as error:
            broken = isinstance(error, UserError) and not isinstance(error, UnsupportedError)
            if known is not None and broken:
                assert previous is not None
                self.fail(function, previous, known, f"it fails now: {error}")
            if not silent:
                self.note(function, previous, "not run", 0.0, reason=str(error))
        return None

    def fail(self, function: FuncOp, previous: ModulePass, known: Followed, place: str) -> NoReturn:
        """Say which pass changed which element."""
        assert self.before is not None
        self.status.stop()
        arrays = known.inputs.arrays
        mismatch = Mismatch(previous, self.before, function.sym_name.data, arrays, place)
        kind = "small integers" if known.inputs.exact else "normal numbers"
        given = f"{kind}, seed {self.options.seed}" if self.arrays is None else self.options.inputs
        raise MismatchError(
            mismatch,
            f"inputs: {given}; run by: {how(frozenset(self.runner.engines))}",
            *self.on_mismatch(self.options, mismatch),
        )

    def note(
        self,
        function: FuncOp,
        previous: ModulePass | None,
        engines: str,
        share: float,
        largest: float = 0.0,
        reason: str = "",
    ) -> None:
        """Remember what was done for the report."""
        self.executions.append(
            Execution(
                None if previous is None else previous.name,
                function.sym_name.data,
                level_of(function),
                engines,
                share,
                largest,
                reason,
            )
        )

    def finish(self) -> int:
        """Print the table; threads that still race are an error."""
        for name, error in self.racing.items():
            raise RaceError(f"--verify-each=run: @{name} ends with {error.message}", *error.details)
        if self.options.report is not None:
            rows = [vars(e) for e in self.executions]
            write_atomically(Path(self.options.report), json.dumps(rows, indent=1).encode() + b"\n")
        console = Console(stderr=True)
        console.print(self.table())
        missing = [e for e in self.executions if e.how == "not run"]
        for e in missing:
            after = "" if e.pass_name is None else f" after {e.pass_name}"
            console.print(f"not run: @{e.function}{after}: {e.reason}", soft_wrap=True)
        return NOT_RUN_EXIT if missing else 0

    def table(self) -> Table:
        """One row for each function."""
        count = f"{self.passes} pass{'' if self.passes == 1 else 'es'}"
        missing = any(e.how == "not run" for e in self.executions)
        outcome = "not everything ran" if missing else "same results"
        table = Table(title=f"--verify-each=run: {count}, seed {self.options.seed}, {outcome}")
        for title in ("function", "ran", "by", "compared", "largest difference"):
            table.add_column(title, justify="left" if title in ("function", "by") else "right")
        rows: dict[str, list[Execution]] = {}
        for e in self.executions:
            rows.setdefault(e.function, []).append(e)
        for name, found in rows.items():
            ran = [e for e in found if e.how != UNCHANGED]
            engines = dict.fromkeys(part for e in ran for part in e.how.split(" + "))
            share = min((e.share for e in ran), default=1.0)
            largest = max((e.largest for e in ran), default=0.0)
            shown = f"{largest:.1e}" if largest else "0"
            table.add_row(
                f"@{name}", str(len(ran)), ", ".join(engines), f"{100 * share:.3g} %", shown
            )
        return table


def within_slice(results: Sequence[Array], part: Slice | None) -> list[Array]:
    """Results with zero in the elements that do not count."""
    if part is None:
        return list(results)
    return [np.where(part.mask(r.shape), r, np.zeros((), r.dtype)) for r in results]


def share_of(part: Slice | None, results: Sequence[Array]) -> float:
    """The part of the output elements that is compared."""
    if part is None or not results:
        return 1.0
    return float(part.mask(results[0].shape).mean())


def functions(module: ModuleOp) -> list[FuncOp]:
    """The functions with a body."""
    return [op for op in module.ops if isinstance(op, FuncOp) and op.body.blocks]


def calls_others(function: FuncOp) -> bool:
    """Whether a function calls functions."""
    return any(isinstance(op, CallOp | structure.CallOp) for op in function.body.walk())


def how(engines: frozenset[str]) -> str:
    """The engines in words."""
    return " + ".join(sorted(engines)) or "nothing to compute"


def is_located(op: Operation) -> bool:
    """Whether an op knows where it came from."""
    return not isinstance(op.location, UnknownLoc)


def within(op: Operation) -> str:
    """In which function an op stands."""
    parent = op.parent_op()
    while parent is not None and not isinstance(parent, FuncOp):
        parent = parent.parent_op()
    return "" if parent is None else f" in @{parent.sym_name.data}"


def level_of(function: FuncOp) -> str:
    """The dialect that a function is written in."""
    for dialect in LEVELS:
        if any(op.dialect_name() == dialect for op in function.body.walk()):
            return dialect
    return "func"


def closure_key(function: FuncOp) -> str:
    """Equal for two forms of a function that compute the same for the same reason."""
    called: dict[FuncOp, None] = {}
    for op in operations(function):
        parent = op.parent_op()
        while parent is not None and not isinstance(parent, FuncOp):
            parent = parent.parent_op()
        if parent is not None:
            called[parent] = None
    return " ".join(structural_hash(f) for f in (function, *called))
