"""`dovetail compile model.onnx -o model.dove`: compile once, run anywhere alike."""

import sys
from collections.abc import Sequence
from pathlib import Path

from dovetail.commands.arguments import Parser, add_dims, add_target
from dovetail.commands.models import compile_file


def run(args: Sequence[str]) -> int:
    """Compile the model and write the program."""
    parser = Parser("dovetail compile", description="Compile a model to a .dove file.")
    parser.add_argument("model", type=Path, help="an .onnx file, or a network as .mlir")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .dove file to write")
    add_target(parser)
    add_dims(parser)
    parser.add_argument(
        "--tuning",
        type=Path,
        metavar="RECORDS",
        help="a file or folder of records of `dovetail tune`, whose best schedules are used",
    )
    options = parser.parse_args(args)
    model = compile_file(
        options.model, options.target, options.threads, options.dim, options.tuning
    )
    model.save(options.output)
    kernels = f"{len(model.kernels)} kernels, {len(model.calls)} calls"
    print(f"{options.output}: {kernels}, {model.cpu}", file=sys.stderr)
    return 0
