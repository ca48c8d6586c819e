"""Random streams of VTA that are valid, what they cover, and their run against the scalar model.

    python tests/support/vta_streams.py 10000

runs streams 0 to 9999 and prints how often each thing of `WANTED` happened.
"""

import random
import sys
from collections import Counter

import numpy as np
from vta_cases import CONFIGS
from vta_scalar_model import ScalarModel

from vta import isa, queues
from vta.implementations import IMPLEMENTATIONS
from vta.isa import Alu, AluOpcode, Gemm, Load, MemoryType, MicroOp, Store, Unit
from vta.simulator.functional import Simulator

IMAGE_BYTES = 1 << 17
STREAM_AT = 1 << 16
UOPS_AT = (1 << 16) - 256
UOPS = 8
SPAN = 12
"""Micro-ops have indices below; small, so that windows overlap."""

WANTED = (
    *(f"opcode {o.name}" for o in isa.Opcode),
    *(f"alu {o.name}" for o in AluOpcode),
    *(f"load {m.name}" for m in MemoryType if m is not MemoryType.OUT),
    *(f"pad {p}" for p in ("y_pad_0", "y_pad_1", "x_pad_0", "x_pad_1")),
    *(f"{m}_factor_{e} above 1" for m in ("dst", "src", "wgt") for e in ("out", "in")),
    *("shift right", "shift left", "wrap of ADD", "wrap of MUL", "immediate", "register"),
    *("overlapping GEMM", "overlapping ALU", "reset", "2-D stride of LOAD", "2-D stride of STORE"),
    *(f"token {queues.show_queue(q)}" for q in queues.QUEUES),
)


class Generator:
    """One stream: instructions in an order in which the tokens allow them to run."""

    def __init__(self, seed, counts, mode="fsim"):
        self.random = random.Random(seed)
        self.counts, self.mode = counts, mode
        self.config = self.random.choice(CONFIGS)
        self.noise = np.random.default_rng(seed)
        self.tokens = Counter()
        self.stream = []

    def index_limit(self, memory):
        return getattr(self.config, memory).depth

    def add(self, kind, **fields):
        """Append an instruction with the tokens that it can pop and some that it pushes."""
        op = kind(**fields)
        bits = {}
        sides = (("prev", op.unit - 1), ("next", op.unit + 1))
        for side, other in sides:
            if not 0 <= other <= 2:
                continue
            incoming, outgoing = (Unit(other), op.unit), (op.unit, Unit(other))
            if self.tokens[incoming] and self.random.random() < 0.6:
                bits[f"pop_{side}"] = True
                self.tokens[incoming] -= 1
                self.counts[f"token {queues.show_queue(incoming)}"] += 1
            if self.random.random() < 0.4 and kind is not isa.Finish:
                bits[f"push_{side}"] = True
                self.tokens[outgoing] += 1
        self.stream.append(kind(**fields, **bits))
        self.count(op)

    def count(self, op):
        counts = self.counts
        counts[f"opcode {op.OPCODE.name}"] += 1
        if isinstance(op, Load):
            counts[f"load {op.memory_type.name}"] += 1
        if isinstance(op, isa.Transfer):
            for name in ("y_pad_0", "y_pad_1", "x_pad_0", "x_pad_1"):
                counts[f"pad {name}"] += getattr(op, name) > 0
            strided = op.y_size > 1 and op.x_stride != op.x_size
            counts[f"2-D stride of {op.OPCODE.name}"] += strided
        if isinstance(op, isa.MicroCoded):
            for memory in ("dst", "src", "wgt"):
                for end in ("out", "in"):
                    name = f"{memory}_factor_{end}"
                    runs = getattr(op, f"iter_{end}") > 1
                    counts[f"{name} above 1"] += runs and getattr(op, name, 0) > 1
        if isinstance(op, Gemm):
            counts["reset"] += op.reset
        if isinstance(op, Alu):
            counts[f"alu {op.alu_opcode.name}"] += 1
            counts["immediate" if op.use_imm else "register"] += 1

    def transfer(self, memory, lanes_bytes, limit, store=False):
        """Sizes and addresses within the memory and within the data part of the image."""
        r = self.random
        ys, xs = r.randint(1, 3), r.randint(1, 4)
        stride = xs + r.randint(0, 3)
        pads = dict.fromkeys(("y_pad_0", "y_pad_1", "x_pad_0", "x_pad_1"), 0)
        if memory in (MemoryType.INP, MemoryType.ACC, MemoryType.ACC_8BIT):
            pads = {name: r.choice((0, 0, 1, 2)) for name in pads}
        size = (ys + pads["y_pad_0"] + pads["y_pad_1"]) * (xs + pads["x_pad_0"] + pads["x_pad_1"])
        reach = (ys - 1) * stride + xs
        begin, end = (IMAGE_BYTES - 16384, IMAGE_BYTES) if store else (0, UOPS_AT)
        low, high = -(-begin // lanes_bytes), end // lanes_bytes - reach
        base = r.randint(0, min(SPAN, limit - size)) if size <= limit else 0
        if self.mode != "fsim" and r.random() < 0.3:
            base = limit - r.randint(1, size)
        self.add(
            Store if store else Load, memory_type=memory, sram_base=base,
            dram_base=r.randint(low, high), y_size=ys, x_size=xs, x_stride=stride, **pads,
        )  # fmt: skip

    def loops(self, memories):
        """Trip counts and factors that keep every index within its depth."""
        r = self.random
        fields = {"iter_out": r.randint(1, 4), "iter_in": r.randint(1, 4)}
        for name, memory in memories.items():
            room = self.index_limit(memory) - SPAN
            for end in ("out", "in"):
                most = min(4, room // 8)
                if self.mode != "fsim" and r.random() < 0.2:
                    most = self.index_limit(memory) - 1
                fields[f"{name}_factor_{end}"] = r.randint(0, most)
        begin = r.randrange(UOPS)
        return fields | {"uop_bgn": begin, "uop_end": r.randint(begin + 1, UOPS)}

    def gemm(self):
        reset = self.random.random() < 0.15 and self.mode != "hls"
        self.add(Gemm, reset=reset, **self.loops({"dst": "acc", "src": "inp", "wgt": "wgt"}))

    def alu(self):
        opcodes = [o for o in AluOpcode if self.mode == "fsim" or o is not AluOpcode.MUL]
        opcode = self.random.choice([*opcodes, AluOpcode.ADD])  # one in three wraps
        loops = self.loops({"dst": "acc", "src": "acc"})
        use_imm = self.random.random() < 0.5
        imm = self.random.randint(-(1 << 15), (1 << 15) - 1)
        if opcode is AluOpcode.SHR and self.mode == "fsim":
            imm = self.random.randint(-31, 31)
            if not use_imm:
                loops = self.clip_amounts(loops)
        self.add(Alu, alu_opcode=opcode, use_imm=use_imm, imm=imm, **loops)

    def clip_amounts(self, loops):
        """Make every accumulator an amount that fsim can shift by, for loops that keep it so."""
        whole = {"iter_out": self.index_limit("acc") // UOPS, "dst_factor_out": UOPS}
        clip = {"uop_bgn": UOPS, "uop_end": 2 * UOPS, "use_imm": True} | whole
        self.add(Alu, alu_opcode=AluOpcode.SHR, imm=28, **clip)
        if self.random.random() < 0.5:
            self.add(Alu, alu_opcode=AluOpcode.MAX, imm=0, **clip)
            return loops
        return {"uop_bgn": 2 * UOPS, "uop_end": 3 * UOPS}

    def uops(self):
        """Random micro-ops, then one for each of the first accumulators, then to others."""
        r = self.random
        limits = [min(SPAN, self.index_limit(m)) for m in ("acc", "inp", "wgt")]
        drawn = [MicroOp(*(r.randrange(limit) for limit in limits)) for _ in range(UOPS)]
        return [*drawn, *(MicroOp(i, i + shift) for shift in (0, SPAN) for i in range(UOPS))]

    def build(self):
        """The image with the stream in it, and the number of instructions."""
        c, r = self.config, self.random
        image = self.noise.integers(0, 256, IMAGE_BYTES, np.uint8)
        encoded = b"".join(isa.encode_uop(uop, c) for uop in self.uops())
        image[UOPS_AT : UOPS_AT + len(encoded)] = np.frombuffer(encoded, np.uint8)
        self.add(
            Load, memory_type=MemoryType.UOP, dram_base=UOPS_AT // 4,
            y_size=1, x_size=3 * UOPS, x_stride=3 * UOPS,
        )  # fmt: skip
        loads = {
            MemoryType.INP: c.inp,
            MemoryType.WGT: c.wgt,
            MemoryType.ACC: c.acc,
            MemoryType.ACC_8BIT: c.acc,
        }
        if self.mode != "fsim":
            del loads[MemoryType.ACC_8BIT]
        for memory in loads:
            self.load(memory, loads[memory])
        for _ in range(r.randint(3, 7)):
            choice = r.random()
            if choice < 0.3:
                memory = r.choice(list(loads))
                self.load(memory, loads[memory])
            elif choice < 0.55:
                self.gemm()
            elif choice < 0.85:
                self.alu()
            else:
                self.transfer(MemoryType.OUT, c.out.element_bytes, c.acc.depth, store=True)
        size = c.acc.element_bytes // 4
        self.transfer(MemoryType.OUT, size, c.acc.depth, store=True)
        self.drain()
        self.add(isa.Finish)
        data = isa.encode_stream(self.stream, c)
        image[STREAM_AT : STREAM_AT + len(data)] = np.frombuffer(data, np.uint8)
        return image, len(self.stream)

    def load(self, kind, memory):
        narrow = 4 if kind is MemoryType.ACC_8BIT else 1
        self.transfer(kind, memory.element_bytes // narrow, memory.depth)

    def drain(self):
        """Pop what was pushed and not popped."""
        for source, target in queues.QUEUES:
            side = "pop_prev" if source < target else "pop_next"
            for _ in range(self.tokens[source, target]):
                self.counts[f"token {queues.show_queue((source, target))}"] += 1
                self.stream.append(isa.nop(target, **{side: True}))
        self.tokens.clear()


class CountingModel(ScalarModel):
    """Counts what shows only when a stream runs."""

    def __init__(self, *args, counts):
        super().__init__(*args)
        self.counts = counts

    def loops(self, word, alu):
        self.targets = set()
        self.repeated = False
        self.seen = set()
        super().loops(word, alu)
        if self.repeated:
            self.counts["overlapping ALU" if alu else "overlapping GEMM"] += 1
        for name in self.seen:
            self.counts[name] += 1

    def note(self, d):
        self.repeated |= d in self.targets
        self.targets.add(d)

    def gemm(self, d, s, w, reset):
        self.note(d)
        super().gemm(d, s, w, reset)

    def alu(self, d, s, operation):
        self.note(d)
        opcode, use_imm = operation & 7, operation >> 3 & 1
        imm = operation >> 4 & 0xFFFF
        for lane in range(self.batch * self.block):
            x = self.acc.get((d, lane), 0)
            y = self.acc.get((s, lane), 0)
            if use_imm:
                y = imm - (1 << 16) if imm >> 15 else imm
            if opcode == AluOpcode.SHR and y:
                self.seen.add("shift right" if y > 0 else "shift left")
            exact = {AluOpcode.ADD: x + y, AluOpcode.MUL: x * y}.get(opcode, 0)
            if not -(1 << 31) <= exact < 1 << 31:
                self.seen.add(f"wrap of {AluOpcode(opcode).name}")
        super().alu(d, s, operation)


def compare(seed, counts, mode="fsim"):
    """Run one stream in both; fails with its text."""
    generator = Generator(seed, counts, mode)
    image, count = generator.build()
    config = generator.config
    bits = [m.index_bits for m in (config.uop, config.inp, config.wgt, config.acc)]
    model = CountingModel(config.batch, config.block, bits, image.tobytes(), mode, counts=counts)
    model.run(STREAM_AT, count)
    simulator = Simulator(config, image, IMPLEMENTATIONS[mode])
    simulator.run(STREAM_AT, count)
    assert image.tobytes() == bytes(model.image), f"stream {seed} of {config.name}: DRAM differs"
    flat = simulator.memories.acc.data.reshape(len(simulator.memories.acc.data), -1)
    for (index, lane), value in model.acc.items():
        assert flat[index, lane] == value, f"stream {seed}: acc[{index}] lane {lane}"


def main():
    total = int(sys.argv[1])
    counts = Counter()
    for seed in range(total):
        compare(seed, counts)
        if seed % 100 == 99:
            print(f"\r{seed + 1} of {total}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for name in WANTED:
        print(f"{counts[name]:8} {name}")
    missing = [name for name in WANTED if counts[name] < total // 20]
    assert not missing, f"too rare: {missing}"


if __name__ == "__main__":
    main()
