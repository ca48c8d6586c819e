"""Which schedule primitives there are, and what has been seen to work on which kind of machine.

A demonstration is a file in `dovetail/demonstrations/<machine>/`: a function of tensor expressions,
and in its first line the command whose pipeline schedules it:

    // dovetail-opt --set-target host -p 'lower-te-to-loop, split-loop{loop=y factor=4}, ...'

A primitive works on a machine if it stands in the pipeline of a demonstration there, and that is
more than a claim, because each demonstration can be executed on its machine and compared with the
interpreter's result of the unscheduled function: on a CPU as machine code, on a GPU by the
interpreter, thread by thread between barriers, on the accelerator in its simulator.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import split
from types import MappingProxyType

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass, PassPipeline

from backends.interpreter.loop import run_loop
from backends.interpreter.scalars import Array
from backends.llvm.host import host_target
from backends.vta.emission import is_program, program_of
from backends.vta.launch import run_in_place
from dialects.target import Target, TargetAttr
from dovetail.execution.inputs import make_inputs
from dovetail.execution.native import MachineCode, expanded
from dovetail.execution.runner import Runner
from dovetail.execution.signature import signature_of
from dovetail.frontend.text import read_module, text_context
from dovetail.pipeline_parser import Source, parse_passes
from dovetail.universe import installed

FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "loop transformations": (
            "split-loop",
            "tile-loops",
            "fuse-loops",
            "reorder-loops",
            "unroll-loop",
            "vectorize-loop",
            "peel-loop",
            "pad-block",
            "decompose-reduction",
            "rfactor",
        ),
        "thread binding": (
            "parallelize-loop",
            "bind-thread",
            "insert-thread-barriers",
            "lower-threads-to-loops",
        ),
        "compute locality": (
            "compute-at",
            "reverse-compute-at",
            "inline-compute",
            "reverse-inline",
            "compute-in-place",
        ),
        "special memory scope": ("promote-memory-scope", "transform-layout", "pack-buffer"),
        "tensorization": ("tensorize",),
        "latency hiding": (
            "double-buffer",
            "prefetch-buffer",
            "bind-virtual-thread",
            "insert-dependence-tokens",
            "lower-virtual-threads",
        ),
    }
)
"""The primitives by what they are for, in the order in which they are shown."""

MACHINES: Mapping[str, str] = MappingProxyType(
    {"cpu": "CPU", "gpu": "GPU", "accelerator": "accelerator"}
)
"""The kinds of machines, by the folders of their demonstrations."""

FOLDER = Path(__file__).parent / "demonstrations"
PROMPT = "// dovetail-opt "


class WrongResultError(Exception):
    """A demonstration whose result is not that of the unscheduled function."""


@dataclass
class MachineRunner(Runner):
    """Runs the loops of a demonstration on the kind of machine that they are for."""

    machine: str = field(kw_only=True)

    def loops(self, function: FuncOp, arrays: Sequence[Array], dims: Mapping[str, int]) -> None:
        match self.machine:
            case "cpu":
                MachineCode(expanded(function)).run(arrays, dims)
            case "gpu":
                run_loop(function, arrays, dims)
            case _:
                module = function.parent_op()
                assert isinstance(module, ModuleOp) and is_program(function)
                run_in_place(program_of(module, function.sym_name.data), arrays)


@dataclass(frozen=True)
class Demonstration:
    """A file that shows primitives at work on one kind of machine."""

    machine: str
    path: Path
    target: str | None
    passes: tuple[ModulePass, ...]

    @staticmethod
    def read(path: Path) -> "Demonstration":
        """The demonstration in a file. One of another form is a bug of its author."""
        first, *_ = path.read_text().splitlines()
        assert first.startswith(PROMPT), f"{path} does not begin with {PROMPT}"
        words = split(first.removeprefix(PROMPT))
        options = dict(zip(words[::2], words[1::2], strict=True))
        source = Source.of(str(path), options["-p"])
        passes = tuple(parse_passes(source, installed().all_passes))
        return Demonstration(path.parent.name, path, options.get("--set-target"), passes)

    @property
    def name(self) -> str:
        """How it is called among those of its machine."""
        return self.path.stem

    @property
    def primitives(self) -> frozenset[str]:
        """The names of the passes in its pipeline."""
        return frozenset(step.name for step in self.passes)

    def scheduled(self) -> ModuleOp:
        """The module after the pipeline."""
        context = text_context()
        module = read_module(self.path, context)
        if self.target is not None:
            host = self.target == "host"
            target = host_target(1) if host else Target.parse(self.target)
            module.attributes["target"] = TargetAttr.of(target)
        PassPipeline(self.passes).apply(context, module)
        module.verify()
        return module

    def execute(self, seed: int = 0) -> float:
        """Run it on its machine; the largest difference from what the tensor expressions say.

        Where sums are exact there is none; WrongResultError if there is one that rounding does not
        explain.
        """
        before = function_of(read_module(self.path))
        inputs = make_inputs(signature_of(before), seed)
        wanted = Runner().run(before, inputs)
        found = MachineRunner(machine=self.machine).run(function_of(self.scheduled()), inputs)
        largest = 0.0
        for a, b in zip(found, wanted, strict=True):
            apart = float(abs(a.astype(np.float64) - b.astype(np.float64)).max(initial=0))
            bound = 0.0 if inputs.exact else 1e-4 * float(abs(b).max(initial=0)) + 1e-6
            if not apart <= bound:
                raise WrongResultError(f"{self.path}: a result is off by {apart:g}")
            largest = max(largest, apart)
        return largest


def function_of(module: ModuleOp) -> FuncOp:
    """The one function of a demonstration."""
    (function,) = (op for op in module.ops if isinstance(op, FuncOp))
    return function


def demonstrations() -> Iterator[Demonstration]:
    """All demonstrations, by machine."""
    for machine in MACHINES:
        for path in sorted((FOLDER / machine).glob("*.mlir")):
            yield Demonstration.read(path)


@dataclass(frozen=True)
class Row:
    """A primitive, and the demonstrations of it on each kind of machine."""

    family: str
    primitive: str
    shown: Mapping[str, tuple[str, ...]]


def table(found: Sequence[Demonstration]) -> list[Row]:
    """A row for each primitive, by family."""
    return [
        Row(
            family,
            primitive,
            {
                machine: tuple(
                    d.name for d in found if d.machine == machine and primitive in d.primitives
                )
                for machine in MACHINES
            },
        )
        for family, primitives in FAMILIES.items()
        for primitive in primitives
    ]
