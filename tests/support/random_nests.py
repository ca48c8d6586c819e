"""Random perfect nests with one or two blocks whose accesses depend on each other in odd ways."""

import random

SIZE = 8


def random_nest(rng: random.Random) -> str:
    """The text of a function over two buffers of 32 x 32, with loops i0, i1, ... around blocks.

    Indices are differences and sums of loops, shifted, so that dependences go in all directions;
    some variables belong to reductions, with an init region or without.
    """
    depth = rng.randint(2, 3)
    loops = [f"i{n}" for n in range(depth)]
    extents = [rng.randint(1, 4) for _ in loops]
    lines = [f"loop.for %{n} = 0 to {e} {{" for n, e in zip(loops, extents, strict=True)]
    for number in range(rng.choice([1, 1, 2])):
        lines += random_block(rng, f"b{number}", loops)
    lines += ["}"] * depth
    text = "\n".join(lines)
    return f"func.func @f(%A: memref<32x32xi32>, %B: memref<32x32xi32>) {{\n{text}\nfunc.return\n}}"


def random_block(rng: random.Random, name: str, loops: list[str]) -> list[str]:
    """A block with a variable for each loop, and two accesses."""
    kinds = ["reduce " if rng.random() < 0.3 else "" for _ in loops]
    if all(kinds):
        kinds[0] = ""
    names = [f"{name}_v{n}" for n in range(len(loops))]
    domains = [rng.choice([3, 4, 9]) for _ in loops]
    bindings = [
        rng.choice(
            [f"%{i}", f"%{i}", f"%{i} + 1", f"%{i} floordiv 2", f"%{i} + %{rng.choice(loops)}"]
        )
        for i in loops
    ]
    parts = zip(kinds, names, domains, bindings, strict=True)
    variables = ", ".join(f"{kind}%{v} < {d} = {b}" for kind, v, d, b in parts)

    def place(known: list[str]) -> str:
        def index() -> str:
            shift = rng.choice([0, 0, 1, 2])
            second = f" + %{rng.choice(known)}" if rng.random() < 0.3 else ""
            return f"%{rng.choice(known)}{second} + {shift}"

        return f"[{index()}, {index()}] : memref<32x32xi32>"

    spatial = [v for v, kind in zip(names, kinds, strict=True) if not kind]
    target, source = rng.choice("AB"), rng.choice("AB")
    cell = f"%{target}{place(spatial)}"
    lines: list[str] = []
    if any(kinds) and rng.random() < 0.5:
        lines = [
            f"%{name}_z = arith.constant 1 : i32",
            f"loop.store %{name}_z, {cell}",
            "}",
        ]
    head = f'loop.block "{name}" ({variables}){" init {" if lines else " {"}'
    body = [f"%{name}_x = loop.load %{source}{place(names)}"]
    value = f"%{name}_x"
    if any(kinds) or rng.random() < 0.5:
        body += [
            f"%{name}_o = loop.load {cell}",
            f"%{name}_s = arith.addi %{name}_o, {value} : i32",
        ]
        value = f"%{name}_s"
    body += [f"loop.store {value}, {cell}", "}"]
    return [head, *lines, *(["{"] if lines else []), *body]
