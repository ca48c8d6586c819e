"""Random small loop nests against the scalar interpreter of tests/support."""

import random

import numpy as np
import pytest
from brute_force import BruteForce
from parse import parse_function

from backends.interpreter.loop import run_loop

SIZE = 26
LAYOUTS = [
    "",
    ", #loop.layout<affine_map<(d0, d1) -> (d1, d0)>, [26, 26]>",
    ", #loop.layout<affine_map<(d0, d1) -> (d0 floordiv 4, d1 + 1, d0 mod 4)>, [7, 28, 4]>",
]
SHAPES = [(26, 26), (26, 26), (7, 28, 4)]


class Program:
    """The text of a function of memrefs %A, %B and %C, all of 26 x 26 i32."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.counter = 0
        self.layouts = [self.random.randrange(3) for _ in "ABC"]
        self.buffers = {
            name: f"memref<26x26xi32{LAYOUTS[n]}>"
            for name, n in zip("ABC", self.layouts, strict=True)
        }
        arguments = ", ".join(f"%{n}: {t}" for n, t in self.buffers.items())
        lines = [f"func.func @f({arguments}) {{"]
        for _ in range(self.random.randint(1, 2)):
            lines += self.nest([])
        self.text = "\n".join([*lines, "func.return", "}"])

    def fresh(self, prefix: str) -> str:
        self.counter += 1
        return f"{prefix}{self.counter}"

    def nest(self, loops: list[tuple[str, int]]) -> list[str]:
        """Loops with a block or two inside."""
        inner: list[tuple[str, int]] = [
            (self.fresh("i"), self.random.randint(1, 4)) for _ in range(self.random.randint(1, 3))
        ]
        lines = [f"loop.for %{name} = 0 to {size} {{" for name, size in inner]
        everything = [*loops, *inner]
        for _ in range(self.random.choice([1, 1, 1, 2])):
            nested = len(everything) < 4 and self.random.random() < 0.3
            lines += self.nest(everything) if nested else self.block(everything)
        return [*lines, *("}" for _ in inner)]

    def block(self, loops: list[tuple[str, int]]) -> list[str]:
        pick = self.random
        names = [name for name, _ in loops]
        variables: list[tuple[str, str]] = []
        for kind in ("", "", *pick.choice([(), ("reduce ",), ("reduce ", "reduce ")])):
            terms = pick.sample(names, pick.randint(1, min(2, len(names))))
            binding = " + ".join(f"%{t} * {pick.choice([1, 1, 2, 3])}" for t in terms)
            if pick.random() < 0.1:
                binding = f"%{pick.choice(names)} floordiv 2"
            variables.append((kind, binding))
        shown = [self.fresh("v") for _ in variables]
        spatial = [v for v, (kind, _) in zip(shown, variables, strict=True) if not kind]
        text = ", ".join(
            f"{kind}%{v} < {pick.choice([4, 7, 13])} = {binding}"
            for v, (kind, binding) in zip(shown, variables, strict=True)
        )
        where = ""
        if pick.random() < 0.3:
            where = f" where (%{pick.choice(names)} + %{pick.choice(names)} >= 1)"
        target = pick.choice("ABC")
        cell = f"%{target}[%{spatial[0]}, %{spatial[1]}] : {self.buffers[target]}"
        if pick.random() < 0.2:
            cell = f"%{target}[%{spatial[0]} + %{spatial[1]}, 3] : {self.buffers[target]}"
        init = ""
        if len(variables) > 2 and pick.random() < 0.6:
            zero = self.fresh("z")
            init = (
                f" init {{\n%{zero} = arith.constant {pick.randint(-3, 3)} : i32\n"
                f"loop.store %{zero}, {cell}\n}}"
            )
        return [
            f'loop.block "{self.fresh("b")}" ({text}){where}{init} {{',
            *self.body(shown, cell),
            "}",
        ]

    def body(self, variables: list[str], cell: str) -> list[str]:
        pick = self.random
        lines: list[str] = []
        values: list[str] = []
        for _ in range(pick.randint(1, 3)):
            name, buffer = self.fresh("x"), pick.choice("ABC")
            row, column, other = (pick.choice(variables) for _ in range(3))
            index = f"%{row}, %{column}" + (f" + %{other} - 1" if pick.random() < 0.3 else " + 1")
            guard = ""
            zero = self.fresh("z")
            lines.append(f"%{zero} = arith.constant 5 : i32")
            if "- 1" in index:
                guard = f" where (%{column} + %{other} >= 1) else %{zero}"
            lines.append(f"%{name} = loop.load %{buffer}[{index}]{guard} : {self.buffers[buffer]}")
            values.append(name)
        while len(values) > 1:
            name = self.fresh("y")
            op = pick.choice(["muli", "muli", "addi", "subi"])
            lines.append(f"%{name} = arith.{op} %{values.pop()}, %{values.pop()} : i32")
            values.append(name)
        if pick.random() < 0.7:
            old, new = self.fresh("o"), self.fresh("n")
            op = pick.choice(["addi", "addi", "maxsi", "minsi", "muli"])
            lines.append(f"%{old} = loop.load {cell}")
            lines.append(f"%{new} = arith.{op} %{old}, %{values[0]} : i32")
            values = [new]
        return [*lines, f"loop.store %{values[0]}, {cell}"]


@pytest.mark.parametrize("seeds", [range(n, n + 50) for n in range(0, 200, 50)], ids=str)
def test_random_nests(seeds):
    for seed in seeds:
        program = Program(seed)
        function = parse_function(program.text)
        generator = np.random.default_rng(seed)
        arrays = [generator.integers(-3, 4, SHAPES[n]).astype(np.int32) for n in program.layouts]
        oracle = BruteForce(function, arrays)
        run_loop(function, arrays)
        for parameter, array in zip(function.body.block.args, arrays, strict=True):
            _, cells = oracle.values[parameter]
            expected = np.empty_like(array)
            for index, value in cells.items():
                expected[index] = value
            assert np.array_equal(array, expected), f"seed {seed}\n{program.text}"
