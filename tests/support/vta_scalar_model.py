"""VTA one number at a time, written from docs/vta-isa.md and sharing nothing with `vta/`.

Memories are dictionaries of Python integers, addressed by element and lane; what was never written
is 0. Instructions run in the order of the stream; tokens are counted, and must be there.
"""


def bits(word, start, width):
    return word >> start & (1 << width) - 1


def signed(value, width):
    value &= (1 << width) - 1
    return value - (1 << width) if value >> (width - 1) else value


class ScalarModel:
    """`index_bits` are those of uop, inp, wgt, acc; the mode is fsim, hls or chisel."""

    def __init__(self, batch, block, index_bits, image, mode="fsim"):
        self.batch, self.block, self.mode = batch, block, mode
        self.u, self.i, self.w, self.a = index_bits
        self.image = bytearray(image)
        self.uop, self.inp, self.wgt, self.acc, self.out = {}, {}, {}, {}, {}
        self.tokens = {"lc": 0, "cl": 0, "cs": 0, "sc": 0}

    def run(self, address, count):
        for n in range(count):
            begin = address + 16 * n
            word = int.from_bytes(self.image[begin : begin + 16], "little")
            self.step(word)
        assert not any(self.tokens.values())

    def step(self, word):
        opcode = bits(word, 0, 3)
        kind = bits(word, 7, 3)
        unit = {0: "l" if kind in (1, 2) else "c", 1: "s"}.get(opcode, "c")
        prev, next = {"l": ("", "c"), "c": ("l", "s"), "s": ("c", "")}[unit]
        for bit, other in ((3, prev), (4, next)):
            if bits(word, bit, 1):
                self.tokens[other + unit] -= 1
                assert self.tokens[other + unit] >= 0
        if opcode == 0:
            self.load(word, kind)
        elif opcode == 1:
            self.store(word)
        elif opcode in (2, 4):
            self.loops(word, opcode == 4)
        for bit, other in ((5, prev), (6, next)):
            if bits(word, bit, 1):
                self.tokens[unit + other] += 1

    def number(self, byte, width):
        return signed(int.from_bytes(self.image[byte : byte + width], "little"), 8 * width)

    def load(self, word, kind):
        sram, dram = bits(word, 10, 16), bits(word, 26, 32)
        ys, xs, stride = (bits(word, b, 16) for b in (64, 80, 96))
        top, bottom, left, right = (bits(word, b, 4) for b in (112, 116, 120, 124))
        if xs == 0:
            return
        rows = self.batch * self.block
        memory, lanes, width, bits_ = {
            0: (self.uop, 1, 4, self.u),
            1: (self.wgt, self.block * self.block, 1, self.w),
            2: (self.inp, rows, 1, self.i),
            3: (self.acc, rows, 4, self.a),
            5: (self.acc, rows, 1, self.a),
        }[kind]
        position = sram
        for y in range(-top, ys + bottom):
            for x in range(-left, xs + right):
                inside = 0 <= y < ys and 0 <= x < xs
                first = (dram + y * stride + x) * lanes * width
                for lane in range(lanes):
                    value = self.number(first + lane * width, width) if inside else 0
                    memory[position % (1 << bits_), lane] = value
                position += 1

    def store(self, word):
        sram, dram = bits(word, 10, 16), bits(word, 26, 32)
        ys, xs, stride = (bits(word, b, 16) for b in (64, 80, 96))
        lanes = self.batch * self.block
        source = self.acc if self.mode == "fsim" else self.out
        for y in range(ys if xs else 0):
            for x in range(xs):
                for lane in range(lanes):
                    index = (sram + y * xs + x) % (1 << self.a)
                    byte = (dram + y * stride + x) * lanes + lane
                    self.image[byte] = source.get((index, lane), 0) & 255

    def loops(self, word, alu):
        u, a, i, w = self.u, self.a, self.i, self.w
        begin, end = bits(word, 8, u), bits(word, 8 + u, u + 1)
        outer, inner = bits(word, 9 + 2 * u, 14), bits(word, 23 + 2 * u, 14)
        s = a if alu else i
        widths = (a, a, s, s) if alu else (a, a, s, s, w, w)
        factors, position = [], 64
        for width in widths:
            factors.append(bits(word, position, width))
            position += width
        for o in range(outer):
            for n in range(inner):
                for m in range(begin, end):
                    uop = self.uop.get((m, 0), 0)
                    d = bits(uop, 0, a) + o * factors[0] + n * factors[1]
                    r = bits(uop, a, max(a, i)) + o * factors[2] + n * factors[3]
                    if alu:
                        self.alu(d % (1 << a), r % (1 << a), word >> position)
                    else:
                        k = bits(uop, a + max(a, i), w) + o * factors[4] + n * factors[5]
                        self.gemm(d % (1 << a), r % (1 << i), k % (1 << w), bits(word, 7, 1))

    def write(self, index, lane, value, out=True):
        self.acc[index, lane] = signed(value, 32)
        if out:
            self.out[index, lane] = value & 255

    def gemm(self, d, s, w, reset):
        for b in range(self.batch):
            for c in range(self.block):
                lane = b * self.block + c
                if reset:
                    assert self.mode != "hls", "what HLS leaves in OUT is not documented"
                    self.write(d, lane, 0, out=False)
                    continue
                total = self.acc.get((d, lane), 0)
                for k in range(self.block):
                    x = self.inp.get((s, b * self.block + k), 0)
                    total += x * self.wgt.get((w, c * self.block + k), 0)
                self.write(d, lane, total)

    def alu(self, d, s, operation):
        opcode, use_imm, imm = bits(operation, 0, 3), bits(operation, 3, 1), bits(operation, 4, 16)
        for lane in range(self.batch * self.block):
            left = d if not use_imm or self.mode != "chisel" else s
            x = self.acc.get((left, lane), 0)
            y = signed(imm, 16) if use_imm else self.acc.get((s, lane), 0)
            if opcode == 0:
                x = x if x < y else y
            elif opcode == 1:
                x = x if x > y else y
            elif opcode == 2:
                x = x + y
            elif opcode == 3:
                x = self.shift(x, y, use_imm)
            elif opcode == 4:
                x = x * y
            self.write(d, lane, x)

    def shift(self, x, y, use_imm):
        if self.mode == "hls":
            y = signed(y, 5)
        if self.mode == "chisel":
            y = -(-y % 32) if use_imm and y < 0 else y % 32
        assert -31 <= y <= 31
        return x >> y if y >= 0 else x << -y
