"""Dovetail: a deep-learning compiler made of small rewrite passes over four xDSL dialects.

    import dovetail
    program = dovetail.load("model.dove")
    outputs = program.run({"data": image})

or, for tensor expressions and schedules (docs/tensor-expressions.md):

    import dovetail as t
    C = t.compute((m, n), lambda y, x: t.sum(A[y, k] * B[x, k], axis=k))

Importing this package imports nothing else; names are looked up when they are used.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

HOMES = {
    "CompiledModel": "dovetail.program",
    "Program": "dovetail.runtime",
    "compile_model": "dovetail.compiler",
    "load": "dovetail.runtime",
    "cpu": "dovetail.runtime",
    "ScheduleError": "analysis.errors",
    "UserError": "analysis.errors",
    **dict.fromkeys(
        (
            *("placeholder", "compute", "reduce_axis", "var", "module"),
            *("sum", "prod", "max", "min", "all", "any", "if_then_else"),
            *("abs", "ceil", "erf", "exp", "floor", "log", "sqrt", "tanh"),
            *("create_schedule", "listing", "lower", "build"),
            *("decl_tensor_intrin", "hardware_intrin"),
        ),
        "dovetail.te",
    ),
}
"""Where the public names live."""

MODULES = ("compiler", "frontend", "nd", "runtime", "target", "te", "vdla")
"""The modules that are names of this one."""

SIBLINGS = ("analysis", "backends", "dialects", "passes", "tuner", "vta")
"""The other top-level packages of this distribution. Their names are common words."""

COMMANDS = ("dovetail", "dovetail-opt")
"""The scripts that begin by importing this package: what is wrong then is told in one line."""


def _check_siblings() -> None:
    """Refuse packages of the same names that come from elsewhere."""
    home = Path(__file__).resolve().parent.parent
    for name in SIBLINGS:
        spec = find_spec(name)
        if spec is None:
            continue
        if spec.origin is None or Path(spec.origin).resolve().parent.parent != home:
            found = spec.origin or ", ".join(spec.submodule_search_locations or ())
            message = (
                f"the package '{name}' at {found} hides Dovetail's own at {home / name}: "
                "remove it from the search path"
            )
            if Path(sys.argv[0]).name in COMMANDS:
                sys.exit(f"error: {message}")
            raise ImportError(message)


def __getattr__(name: str) -> object:
    if name in MODULES:
        return import_module(f"dovetail.{name}")
    if name not in HOMES:
        raise AttributeError(f"module 'dovetail' has no attribute '{name}'")
    return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted((*HOMES, *MODULES))


_check_siblings()
