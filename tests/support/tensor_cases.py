"""Random convolutions with an epilogue, and random schedules of them for VTA configurations.

A schedule puts the innermost loops in any order, cuts the others anywhere, computes the epilogue
in place, moves tiles and calls instructions. What it computes is compared with the te function,
which no schedule has seen.
"""

import random
from dataclasses import dataclass

import numpy as np
from native import context, parse
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import PassPipeline
from xdsl.universe import Universe

from backends.interpreter.buffers import pack, unpack
from backends.interpreter.loop import run_loop
from backends.interpreter.te import run_te

CONFIGS = {
    "1x16_i8w8a32_15_15_18_17": (1, 16),
    "2x8_i8w8a32_12_13_14_15": (2, 8),
    "4x8_i8w8a32_12_13_14_15": (4, 8),
    "1x8_i8w8a32_12_13_14_15": (1, 8),
}
"""The batch and the block of some configurations."""

STEPS = {
    "shr_imm": ("%k = arith.constant 3 : i32", "arith.shrsi %c, %k"),
    "max_imm": ("%k = arith.constant -5 : i32", "arith.maxsi %k, %c"),
    "min_imm": ("%k = arith.constant 90 : i32", "arith.minsi %c, %k"),
    "add_imm": ("%k = arith.constant 7 : i32", "arith.addi %c, %k"),
    "add": ("%k = te.read %B[%n, %oc] : {bias}", "arith.addi %k, %c"),
    "mul": ("%k = te.read %B[%n, %oc] : {bias}", "arith.muli %c, %k"),
}
"""An instruction of the ALU and the step of an epilogue that it is: an operand, the operation."""


@dataclass(frozen=True)
class Layer:
    """A convolution: batch, channels, image, taps, stride, and the padding of its four sides."""

    n: int
    ic: int
    oc: int
    h: int
    w: int
    kh: int
    kw: int
    stride: int
    pads: tuple[int, int, int, int]

    @property
    def out(self) -> tuple[int, int]:
        top, bottom, left, right = self.pads
        return (
            (self.h + top + bottom - self.kh) // self.stride + 1,
            (self.w + left + right - self.kw) // self.stride + 1,
        )


def random_layer(rng: random.Random, batch: int, block: int) -> Layer:
    kh, kw = rng.choice([1, 1, 2, 3]), rng.choice([1, 2, 3])
    pads = tuple(rng.randrange(0, min(k, 2) + 1) for k in (kh, kh, kw, kw))
    return Layer(
        batch * rng.choice([1, 1, 2]),
        block * rng.choice([1, 2]),
        block * rng.choice([1, 2, 3]),
        rng.randint(kh, 5),
        rng.randint(kw, 5),
        kh,
        kw,
        rng.choice([1, 1, 2]),
        pads,
    )


def program(layer: Layer, steps: list[str], transposed: bool = False) -> str:
    """The te function of a layer; the steps of the epilogue are instructions of the ALU.

    `transposed` weights have their input channels first.
    """
    oh, ow = layer.out
    x = f"tensor<{layer.n}x{layer.ic}x{layer.h}x{layer.w}xi8>"
    channels = (layer.ic, layer.oc) if transposed else (layer.oc, layer.ic)
    w = f"tensor<{channels[0]}x{channels[1]}x{layer.kh}x{layer.kw}xi8>"
    bias = f"tensor<{layer.n}x{layer.oc}xi32>"
    c = f"tensor<{layer.n}x{layer.oc}x{oh}x{ow}xi32>"
    o = c.replace("i32", "i8")
    axes = f"(%n = 0 to {layer.n}, %oc = 0 to {layer.oc}, %oh = 0 to {oh}, %ow = 0 to {ow})"
    row = f"%oh * {layer.stride} + %kh - {layer.pads[0]}"
    column = f"%ow * {layer.stride} + %kw - {layer.pads[2]}"
    guard = ""
    if any(layer.pads):
        inside = f"{row} >= 0, {row} < {layer.h}, {column} >= 0, {column} < {layer.w}"
        guard = f" where ({inside}) else %zero"
    lines: list[str] = []
    last = "C"
    for i, step in enumerate(steps):
        operand, operation = STEPS[step]
        lines.append(f"""
  %E{i} = te.compute "E{i}" {axes} {{
    %c = te.read %{last}[%n, %oc, %oh, %ow] : {c}
    {operand.format(bias=bias)}
    %r = {operation} : i32
    te.yield %r : i32
  }} : {c}""")
        last = f"E{i}"
    place = "%ic, %oc" if transposed else "%oc, %ic"
    return f"""
func.func @conv(%X: {x}, %W: {w}, %B: {bias}) -> {o} {{
  %C = te.compute "C" {axes}
      sum (%ic = 0 to {layer.ic}, %kh = 0 to {layer.kh}, %kw = 0 to {layer.kw}) {{
    %zero = arith.constant 0 : i8
    %x = te.read %X[%n, %ic, {row}, {column}]{guard} : {x}
    %w = te.read %W[{place}, %kh, %kw] : {w}
    %x32 = arith.extsi %x : i8 to i32
    %w32 = arith.extsi %w : i8 to i32
    %p = arith.muli %w32, %x32 : i32
    te.yield %p : i32
  }} : {c}{"".join(lines)}
  %O = te.compute "O" {axes} {{
    %c = te.read %{last}[%n, %oc, %oh, %ow] : {c}
    %r = arith.trunci %c : i32 to i8
    te.yield %r : i8
  }} : {o}
  func.return %O : {o}
}}
"""


@dataclass(frozen=True)
class Schedule:
    """The pipeline of a layer, up to and after its loops."""

    rng: random.Random
    layer: Layer
    steps: list[str]
    batch: int
    block: int
    transposed: bool

    def layouts(self) -> list[str]:
        b, k = self.batch, self.block
        blocked = f"n floordiv {b}, c floordiv {k}, h, w, n mod {b}, c mod {k}"
        weights = f"o floordiv {k}, c floordiv {k}, h, w, o mod {k}, c mod {k}"
        first = "(c, o, h, w)" if self.transposed else "(o, c, h, w)"
        maps = {
            "X": f"(n, c, h, w) -> ({blocked})",
            "W": f"{first} -> ({weights})",
            **dict.fromkeys(("C", *self.blocks()), f"(n, c, h, w) -> ({blocked})"),
        }
        if self.bias:
            row = f"n floordiv {b}, c floordiv {k}, n mod {b}, c mod {k}"
            maps["B"] = f"(n, c) -> ({row})"
        return [f'transform-layout{{buffer="{n}" map="{m}"}}' for n, m in maps.items()]

    @property
    def bias(self) -> bool:
        return any(step in ("add", "mul") for step in self.steps)

    def blocks(self) -> list[str]:
        """The blocks of the epilogue."""
        return [*(f"E{i}" for i in range(len(self.steps))), "O"]

    def text(self) -> list[str]:
        """All passes, with tiles and orders that are drawn."""
        rng, k = self.rng, self.block
        found = ['import-intrinsics{library="vta"}', "lower-te-to-loop", *self.layouts()]
        cuts = {"n": self.batch, "oc": k * rng.choice([1, 2]), "ic": k * rng.choice([1, 2])}
        cuts |= {axis: rng.randint(1, 4) for axis in ("oh", "ow")}
        for axis, factor in cuts.items():
            found.append(f'split-loop{{loop="{axis}" factor={factor}}}')
        found.append(f'split-loop{{loop="oc_i" factor={k} names="oc_b","oc_e"}}')
        found.append(f'split-loop{{loop="ic_i" factor={k} names="ic_b","ic_e"}}')
        outer = ["n_o", "oc_o", "oh_o", "ow_o"]
        middle = ["oc_b", "ic_b", "kh", "kw", "oh_i", "ow_i"]
        inner = ["n_i", "oc_e", "ic_e"]
        for group in (outer, middle, inner):
            rng.shuffle(group)
        names = ",".join(f'"{n}"' for n in [*outer, "ic_o", *middle, *inner])
        found.append(f"reorder-loops{{loops={names}}}")
        found.append('decompose-reduction{block="C" loop="ic_o"}')
        at = outer[-1]
        found += [f'reverse-compute-at{{block="{b}" at="{at}"}}' for b in self.blocks()]
        found += [f'compute-in-place{{block="{b}"}}' for b in self.blocks()[:-1]]
        moves = [("C", "acc", at), ("O", "out", at)]
        moves += [("B", "acc", at)] if self.bias else []
        moves += [(b, s, rng.choice([at, "ic_o"])) for b, s in (("X", "inp"), ("W", "wgt"))]
        rng.shuffle(moves)
        found += [
            f'promote-memory-scope{{buffer="{b}" scope="{s}" at="{loop}"}}' for b, s, loop in moves
        ]
        calls = [("C_init", "gemm"), ("C", "gemm"), ("O", "cast")]
        calls += [(f"E{i}", step) for i, step in enumerate(self.steps)]
        rng.shuffle(calls)
        found += [f'tensorize{{block="{b}" intrinsic="{i}"}}' for b, i in calls]
        return found


def random_case(seed: int) -> tuple[str, str, str]:
    """A target, a te function and a pipeline for it."""
    rng = random.Random(seed)
    config = rng.choice(sorted(CONFIGS))
    batch, block = CONFIGS[config]
    layer = random_layer(rng, batch, block)
    steps = rng.choices(sorted(STEPS), k=rng.randint(0, 3))
    transposed = rng.random() < 0.3
    text = program(layer, steps, transposed)
    schedule = Schedule(rng, layer, steps, batch, block, transposed)
    return config, text, ",".join(schedule.text())


def with_target(config: str, text: str) -> str:
    target = f'#target.target<"vta -config={config}">'
    return f"builtin.module attributes {{target = {target}}} {{{text}}}"


def function_of(module: ModuleOp) -> func.FuncOp:
    (found,) = (op for op in module.ops if isinstance(op, func.FuncOp))
    return found


def random_inputs(function: func.FuncOp, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    kinds = [np.int8 if "i8" in str(a.type) else np.int32 for a in function.body.block.args]
    return [
        rng.integers(-20, 21, a.type.get_shape()).astype(kind)
        for a, kind in zip(function.body.block.args, kinds, strict=True)
    ]


def run_scheduled(module: ModuleOp, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """What a function of loops makes of logical arrays: its last arguments are the results."""
    function = function_of(module)
    types = [a.type for a in function.body.block.args]
    buffers = [pack(a, t) for a, t in zip(inputs, types, strict=False)]
    results = types[len(inputs) :]
    buffers += [pack(np.full(t.get_shape(), 77, np.int8), t) for t in results]
    run_loop(function, buffers)
    outputs = buffers[len(inputs) :]
    return [unpack(a, t) for a, t in zip(outputs, results, strict=True)]


def check(config: str, text: str, pipeline: str) -> ModuleOp:
    """Compare a schedule with the function that it schedules; returns what was made of it."""
    module = parse(with_target(config, text))
    inputs = random_inputs(function_of(module), 0)
    expected = run_te(function_of(module), inputs)
    passes = Universe.get_multiverse().all_passes
    PassPipeline.parse_spec(passes, pipeline).apply(context(), module)
    module.verify()
    for got, want in zip(run_scheduled(module, inputs), expected, strict=True):
        np.testing.assert_array_equal(got, want)
    return module
