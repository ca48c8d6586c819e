"""Dumps of the IR between passes: to stderr as `mlir-opt` writes them, or as files of a folder."""

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from xdsl.dialects.builtin import UNKNOWN_LOC, ModuleOp
from xdsl.passes import ModulePass
from xdsl.printer import Printer

from analysis.errors import UserError, nearest
from analysis.files import write_atomically
from dovetail.instruments.fingerprint import Fingerprints
from dovetail.instruments.instrument import Instrument
from dovetail.weights import settle_weights


@dataclass(frozen=True)
class Chosen:
    """Some passes of a pipeline: all of them, or those with these names."""

    names: tuple[str, ...] = ()
    all: bool = False

    def __contains__(self, item: ModulePass | None) -> bool:
        return item is not None and (self.all or item.name in self.names)

    def __bool__(self) -> bool:
        return self.all or bool(self.names)

    def check(self, flag: str, passes: Sequence[ModulePass]) -> None:
        """Refuse names that the pipeline does not have."""
        known = dict.fromkeys(p.name for p in passes)
        for name in self.names:
            if name not in known:
                raise UserError(
                    f"{flag}={name}: the pipeline has no pass '{name}': {nearest(name, known)}"
                )


class PrintIR(Instrument):
    """Prints the module to stderr before and after chosen passes."""

    def __init__(self, before: Chosen, after: Chosen, only_changes: bool, locations: bool) -> None:
        self.before, self.after = before, after
        self.locations = locations
        self.fingerprints = Fingerprints() if only_changes else None
        self.seen = ""

    def __call__(
        self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None
    ) -> None:
        if self.changed(module) and previous in self.after:
            self.dump(f"After {previous}", module)
        if following in self.before:
            self.dump(f"Before {following}", module)

    def changed(self, module: ModuleOp) -> bool:
        """Whether the module differs from what it was the last time, if that is asked."""
        if self.fingerprints is None:
            return True
        before, self.seen = self.seen, self.fingerprints.of(module)
        return before != self.seen

    def dump(self, title: str, module: ModuleOp) -> None:
        text = module_text(module, self.locations)
        print(f"// -----// IR Dump {title} //----- //\n{text}\n", file=sys.stderr)


class PrintIRTree(Instrument):
    """Writes the module as it was read, and as each pass left it, into a folder.

    The files are numbered by their place in the pipeline: `00_input.mlir`, `01_cse.mlir`. Where a
    run reads several modules, each has a folder of its own, numbered from 1. Weights refer to
    files as seen from the folder; the contents of new ones are left out.
    """

    def __init__(self, folder: Path, steps: int, several: bool, locations: bool | None) -> None:
        """`locations`: whether to print them; None prints them where there are any."""
        self.folder, self.locations, self.several = folder, locations, several
        self.width = max(2, len(str(steps)))
        self.module_number = self.step = 0

    def __call__(
        self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None
    ) -> None:
        if previous is None:
            self.module_number, self.step = self.module_number + 1, 0
        else:
            self.step += 1
        folder = self.folder / str(self.module_number) if self.several else self.folder
        name = "input" if previous is None else previous.name
        path = folder / f"{self.step:0{self.width}}_{name}.mlir"
        locations = has_locations(module) if self.locations is None else self.locations
        if any(op.name == "graph.weight" for op in module.walk()):
            module = module.clone()
            settle_weights(module, path, elide=True)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, f"{module_text(module, locations)}\n".encode())
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"--mlir-print-ir-tree-dir: cannot write {path}: {reason}") from None


def ir_printers(args: Namespace, passes: Sequence[ModulePass]) -> Iterator[Instrument]:
    """The instruments that the `--mlir-print-ir-` arguments of the driver ask for."""
    named = args.mlir_print_ir_after
    every = args.mlir_print_ir_after_all or (args.mlir_print_ir_after_change and not named)
    before = Chosen(tuple(args.mlir_print_ir_before), args.mlir_print_ir_before_all)
    after = Chosen(tuple(named), every)
    before.check("--mlir-print-ir-before", passes)
    after.check("--mlir-print-ir-after", passes)
    if before or after:
        yield PrintIR(before, after, args.mlir_print_ir_after_change, args.print_debuginfo)
    if args.mlir_print_ir_tree_dir is not None:
        locations = False if args.no_locations else args.print_debuginfo or None
        folder = Path(args.mlir_print_ir_tree_dir)
        yield PrintIRTree(folder, len(passes), args.split_input_file, locations)


def module_text(module: ModuleOp, locations: bool) -> str:
    """The module as text."""
    text = StringIO()
    Printer(stream=text, print_debuginfo=locations).print_op(module)
    return text.getvalue()


def has_locations(module: ModuleOp) -> bool:
    """Whether any operation of `module` knows where it came from."""
    return any(op.location != UNKNOWN_LOC for op in module.walk())
