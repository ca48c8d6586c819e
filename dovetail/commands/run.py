"""`dovetail run model.onnx --input x.npz --output y.npz`: compute a model's outputs."""

from collections.abc import Sequence
from pathlib import Path

from dovetail.commands.arguments import Parser, add_dims, add_target
from dovetail.commands.arrays import read_npz, write_npz
from dovetail.commands.models import open_program


def run(args: Sequence[str]) -> int:
    """Run the model and write its outputs; without --output say what they are."""
    parser = Parser("dovetail run", description="Run a model or a .dove file.")
    parser.add_argument("model", type=Path, help="an .onnx, .mlir or .dove file")
    parser.add_argument("--input", type=Path, metavar="X.npz", help="the inputs, by name")
    parser.add_argument("--output", type=Path, metavar="Y.npz", help="where the outputs go")
    add_target(parser)
    add_dims(parser)
    options = parser.parse_args(args)
    inputs = {} if options.input is None else read_npz(options.input)
    program = open_program(options.model, options.target, options.threads, options.dim)
    outputs = program.run(inputs)
    if options.output is not None:
        write_npz(options.output, outputs)
        return 0
    for name, array in outputs.items():
        extremes = f"from {array.min()} to {array.max()}" if array.size else "empty"
        print(f"{name}: {array.dtype}{list(array.shape)} {extremes}")
    return 0
