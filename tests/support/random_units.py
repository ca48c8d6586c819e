"""Random loop nests of copies and calls on three units, as text, for tests of tokens.

Tiles are allocated in any loop; the calls read and write any tile that is there, on any unit.
Virtual threads write tiles of their own and, of global memory, a part of their own.
"""

import random
from dataclasses import dataclass, field

CALLS = "\n".join(
    f"""
te.intrinsic @on_{unit} (%x: tensor<2xi32>) {{
  %s = te.compute "s" (%i = 0 to 2) sum (%r = 0 to 1) {{
    %v = te.read %x[%i] : tensor<2xi32>
    te.yield %v : i32
  }} : tensor<2xi32>
  te.yield %s : tensor<2xi32>
}} lower compute "copy" reset "zero" update "add" on "{unit}"
"""
    for unit in ("ld", "ex", "st")
)
GLOBAL = "memref<64xi32>"


@dataclass(frozen=True)
class Buffer:
    name: str
    scope: str
    origin: str
    depth: int
    """How many loops of threads are around its allocation."""
    pair: str = ""
    """The accumulator that a tile in `out` is a view of."""

    @property
    def type(self) -> str:
        return GLOBAL if self.scope == "global" else f'memref<2xi32, "{self.scope}">'


@dataclass
class Generator:
    """Writes one function."""

    rng: random.Random
    lines: list[str] = field(default_factory=list[str])
    loops: list[str] = field(default_factory=list[str])
    threads: list[str] = field(default_factory=list[str])
    count: int = 0

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def line(self, text: str) -> None:
        self.lines.append("  " * (len(self.loops) + 1) + text)

    def function(self) -> str:
        visible = [Buffer(name, "global", "0", 0) for name in ("A", "B", "C")]
        self.body(visible, self.rng.randint(2, 4))
        arguments = ", ".join(f"%{b.name}: {b.type}" for b in visible)
        body = "\n".join(self.lines)
        return (
            'builtin.module attributes {target = #target.target<"vta">} {'
            f"{CALLS}\nfunc.func @f({arguments}) {{\n{body}\n  func.return\n}}\n}}\n"
        )

    def body(self, visible: list[Buffer], count: int) -> None:
        visible = list(visible)
        if self.rng.random() < 0.8 or (self.threads and len(self.loops) == 1):
            for _ in range(self.rng.randint(1, 2)):
                self.alloc(visible)
        for _ in range(count):
            if len(self.loops) < 3 and self.rng.random() < 0.4:
                self.loop(visible)
            else:
                self.leaf(visible)

    def origin(self) -> str:
        """The first of two elements of global memory; each thread has a part of its own."""
        terms = [f"%{t} * {16 >> n}" for n, t in enumerate(self.threads)]
        terms += [f"%{i} * 2" for i in self.loops if i not in self.threads][:1]
        if self.rng.random() < 0.3 and not self.threads:
            terms = []
        return " + ".join(terms) or str(self.rng.choice([0, 2, 40]))

    def alloc(self, visible: list[Buffer]) -> None:
        scope = self.rng.choice(["inp", "wgt", "acc", "acc"])
        origin, depth = self.origin(), len(self.threads)
        buffer = Buffer(self.fresh("T"), scope, origin, depth)
        made = [buffer]
        if scope == "acc":
            made.append(Buffer(self.fresh("O"), "out", origin, depth, pair=buffer.name))
        for b in made:
            self.line(f"%{b.name} = loop.alloc at [{b.origin}] : {b.type}")
        visible += made

    def loop(self, visible: list[Buffer]) -> None:
        name = self.fresh("i")
        threads = self.rng.random() < 0.35 and len(self.threads) < 2
        extent = str(2 if threads else self.rng.choice([0, 1, 2, 2, 3]))
        if not threads and self.loops and self.rng.random() < 0.1:
            outer = self.rng.choice(self.loops)
            extent = extent if outer in self.threads else f"%{outer}"
        self.line(f"loop.for %{name} = 0 to {extent} {'vthread ' if threads else ''}{{")
        self.loops.append(name)
        if threads:
            self.threads.append(name)
        self.body(visible, self.rng.randint(1, 3))
        if threads:
            self.threads.pop()
        self.loops.pop()
        self.line("}")

    def leaf(self, visible: list[Buffer]) -> None:
        depth = len(self.threads)
        mine = [b for b in visible if b.scope != "global" and b.depth == depth]
        tiles = [b for b in visible if b.scope != "global"]
        whole = [b for b in visible if b.scope == "global"]
        kind = self.rng.choice(["fill", "fill", "drain", "call", "call", "cast"])
        inputs = [b for b in mine if b.scope != "out"]
        outputs = [b for b in mine if b.scope == "out"]
        if kind == "fill" and inputs:
            self.copy(self.rng.choice(whole[:2] if depth else whole), self.rng.choice(inputs))
        elif kind == "drain" and outputs:
            self.copy(self.rng.choice(outputs), whole[2] if depth else self.rng.choice(whole))
        elif kind == "cast" and outputs:
            target = self.rng.choice(outputs)
            source = next(b for b in visible if b.name == target.pair)
            self.call("ex", "compute", target, source)
        elif inputs:
            target = self.rng.choice(inputs)
            source = self.rng.choice([b for b in tiles if b.scope != "out"])
            unit = self.rng.choice(["ld", "ex", "ex", "st"])
            self.call(unit, self.rng.choice(["compute", "update", "reset"]), target, source)

    def copy(self, source: Buffer, target: Buffer) -> None:
        self.line(f"loop.copy %{source.name} to %{target.name} : {source.type} to {target.type}")

    def call(self, unit: str, form: str, target: Buffer, source: Buffer) -> None:
        around = ""
        used = [i for i in self.loops if any(f"%{i} " in b.origin for b in (target, source))]
        name = self.fresh("b")
        variables = ", ".join(f"%{name}_{i} < 64 = %{i}" for i in used)
        operands = [target] if form == "reset" else [target, source]
        places: list[str] = []
        for b in operands:
            place = b.origin
            for i in used:
                place = place.replace(f"%{i} ", f"%{name}_{i} ")
            places.append(f"%{b.name}[{place} + i0]")
        types = ", ".join(b.type for b in operands)
        if self.rng.random() < 0.3:
            loop = self.fresh("i")
            around = f"loop.for %{loop} = 0 to {self.rng.randint(1, 2)} {{ "
        self.line(
            f'{around}loop.block "{name}" ({variables}) {{ loop.intrinsic @on_{unit} "{form}"'
            f"({', '.join(places)}) writes 1 : {types} }}{' }' if around else ''}"
        )


class PeeledGenerator(Generator):
    """Loops on few tiles with an inner loop on the same ones, as peeling leaves them."""

    def body(self, visible: list[Buffer], count: int) -> None:
        visible = list(visible)
        if len(self.loops) == 2:
            for _ in range(count):
                self.leaf(visible)
            return
        if len(self.loops) == 1:
            for _ in range(self.rng.randint(1, 2)):
                self.alloc(visible)
            for _ in range(self.rng.randint(1, 3)):
                self.leaf(visible)
        self.loop(visible)
        for _ in range(self.rng.choice([0, 0, 1])):
            self.leaf(visible)

    def loop(self, visible: list[Buffer]) -> None:
        name = self.fresh("i")
        self.line(f"loop.for %{name} = 0 to {self.rng.randint(1, 3)} {{")
        self.loops.append(name)
        self.body(visible, self.rng.randint(2, 3))
        self.loops.pop()
        self.line("}")

    def leaf(self, visible: list[Buffer]) -> None:
        tiles = [b for b in visible if b.scope not in ("global", "out")]
        if not tiles:
            return
        if self.rng.random() < 0.5:
            self.copy(visible[self.rng.randint(0, 1)], self.rng.choice(tiles))
        else:
            target, source = self.rng.choice(tiles), self.rng.choice(tiles)
            unit = self.rng.choice(["ex", "ex", "ex", "ld"])
            self.call(unit, self.rng.choice(["compute", "update"]), target, source)


def random_peeled(seed: int) -> str:
    """The text of a random module of a loop in a loop, on the same few tiles."""
    return PeeledGenerator(random.Random(seed)).function()


def random_units(seed: int) -> str:
    """The text of a random module in which something is run."""
    rng = random.Random(seed)
    while True:
        text = Generator(rng).function()
        if "loop.copy" in text or "loop.block" in text:
            return text
