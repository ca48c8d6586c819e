"""`dovetail primitives`: the schedule primitives, and the kinds of machines each is shown on.

With `--run`, each demonstration is executed on its machine, and compared; a name restricts all to
one primitive.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from analysis.errors import UserError, nearest
from analysis.files import write_atomically
from dovetail.commands.arguments import Parser
from dovetail.primitives import MACHINES, Demonstration, Row, demonstrations, table
from dovetail.printing.tables import console, plain_table


def parse(args: Sequence[str]) -> argparse.Namespace:
    """The arguments."""
    parser = Parser("dovetail primitives", description="What schedules are made of, and where.")
    parser.add_argument("primitive", nargs="?", help="one primitive, and its demonstrations")
    parser.add_argument("--run", action="store_true", help="execute the demonstrations")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what is shown")
    return parser.parse_args(args)


def run(args: Sequence[str]) -> int:
    """Show the table, or run what it stands for."""
    options = parse(args)
    every = list(demonstrations())
    rows, found, name = table(every), every, options.primitive
    if name is not None:
        if name not in (known := [row.primitive for row in rows]):
            raise UserError(f"no primitive is named '{name}': {nearest(name, known)}")
        rows = [row for row in rows if row.primitive == name]
        found = [d for d in every if name in d.primitives]
    errors = execute(found) if options.run else {}
    if options.run:
        show_runs(found, errors)
    elif options.primitive is not None:
        show_demonstrations(found)
    else:
        show_table(rows)
    if options.json is not None:
        write_json(options.json, rows, errors)
    return 0


def execute(found: Sequence[Demonstration]) -> dict[Path, float]:
    """The largest error of each demonstration."""
    with Console(stderr=True).status("") as status:
        errors: dict[Path, float] = {}
        for demonstration in found:
            status.update(f"running {demonstration.machine}/{demonstration.name}")
            errors[demonstration.path] = demonstration.execute()
        return errors


def show_table(rows: Sequence[Row]) -> None:
    """A tick for each kind of machine that a primitive is demonstrated on."""
    shown = plain_table("primitive", *MACHINES.values())
    family = None
    for row in rows:
        if row.family != family:
            if family is not None:
                shown.add_section()
            family = row.family
            marks = [mark(any(r.shown[m] for r in rows if r.family == family)) for m in MACHINES]
            shown.add_row(f"[bold]{family}[/bold]", *marks)
        shown.add_row(f"  {row.primitive}", *(mark(bool(row.shown[m])) for m in MACHINES))
    console().print(shown)


def mark(ticked: bool) -> str:
    """A tick, or nothing."""
    return "✓" if ticked else ""


def show_demonstrations(found: Sequence[Demonstration]) -> None:
    """Where a primitive is shown at work, and the pipelines."""
    shown = plain_table("machine", "demonstration", "pipeline")
    for demonstration in found:
        pipeline = ",".join(str(step) for step in demonstration.passes)
        shown.add_row(MACHINES[demonstration.machine], demonstration.name, pipeline)
    console().print(shown)


def show_runs(found: Sequence[Demonstration], errors: dict[Path, float]) -> None:
    """What came out of running."""
    shown = plain_table("machine", "demonstration", "primitives", "largest error")
    for demonstration in found:
        names = ", ".join(
            row.primitive for row in table([demonstration]) if any(row.shown.values())
        )
        error = errors[demonstration.path]
        shown.add_row(MACHINES[demonstration.machine], demonstration.name, names, f"{error:g}")
    console().print(shown)


def write_json(path: Path, rows: Sequence[Row], errors: dict[Path, float]) -> None:
    """The rows, with the errors by demonstration if they were run."""
    data = [
        {"family": row.family, "primitive": row.primitive, **{m: row.shown[m] for m in MACHINES}}
        for row in rows
    ]
    runs = {f"{p.parent.name}/{p.stem}": error for p, error in errors.items()}
    text = json.dumps({"primitives": data, "errors": runs}, indent=1) + "\n"
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
