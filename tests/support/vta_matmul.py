"""Matrix products as streams in which loads, products and stores of two contexts overlap.

    python tests/support/vta_matmul.py 50

makes 50 of random sizes and configurations, changes every token of each in every way, and prints
what the verifier says of it beside what happens in many orders of the units.
"""

import random
import sys

import numpy as np
from vta_cases import CONFIGS
from vta_orders import judge, show

from vta import isa
from vta.isa import Alu, AluOpcode, Finish, Gemm, Load, MemoryType, MicroOp, Store, Unit, nop

PAGE = 4096


class Matmul:
    """relu(A B) for A of `groups` x 2 tiles of `rows` rows, B of `blocks` x `depth` blocks.

    Both contexts work on the same columns of B, each on its own tile of A, step by step along the
    inner dimension. Tokens that let a context be filled again are primed before the loop.
    """

    def __init__(self, seed):
        r = random.Random(seed)
        self.config = c = r.choice(CONFIGS)
        self.groups, self.depth = r.randint(1, 2), r.randint(1, 3)
        self.rows, self.blocks = r.randint(1, 3), r.randint(1, 2)
        self.tiles = 2 * self.groups
        noise = np.random.default_rng(seed)
        block = c.block
        shape = (self.tiles, self.depth, self.rows, c.batch, block)
        self.a = noise.integers(-4, 5, shape).astype(np.int8)
        self.b = noise.integers(-4, 5, (self.depth, self.blocks, block, block)).astype(np.int8)
        self.a_at, self.b_at = PAGE, 2 * PAGE + self.a.nbytes // PAGE * PAGE
        self.out_at = self.b_at + PAGE + self.b.nbytes // PAGE * PAGE

    def image(self):
        dram = np.zeros(self.out_at + 2 * PAGE, np.uint8)
        data = b"".join(isa.encode_uop(uop, self.config) for uop in self.uops())
        for at, array in (
            (0, np.frombuffer(data, np.uint8)),
            (self.a_at, self.a),
            (self.b_at, self.b),
        ):
            dram[at : at + array.nbytes] = array.reshape(-1).view(np.uint8)
        return dram

    def uops(self):
        """For each context and block a step of the product, then one of relu."""
        places = [
            (c, n, (c * self.blocks + n) * self.rows) for c in (0, 1) for n in range(self.blocks)
        ]
        products = [MicroOp(dst, c * self.rows, c * self.blocks + n) for c, n, dst in places]
        return [*products, *(MicroOp(dst, dst) for _, _, dst in places)]

    def load(self, memory, at, index, size, context, **tokens):
        element = {MemoryType.INP: self.config.inp, MemoryType.WGT: self.config.wgt}[memory]
        return Load(
            memory_type=memory, dram_base=at // element.element_bytes + index * size,
            sram_base=context * size, y_size=1, x_size=size, x_stride=size, **tokens,
        )  # fmt: skip

    def steps(self, context, relu=False):
        begin = context * self.blocks + 2 * self.blocks * relu
        return {"uop_bgn": begin, "uop_end": begin + self.blocks, "iter_out": self.rows,
                "dst_factor_out": 1, "src_factor_out": 1}  # fmt: skip

    def stream(self):
        count = 4 * self.blocks
        both = (0, 1)
        ops = [Load(memory_type=MemoryType.UOP, y_size=1, x_size=count, x_stride=count)]
        ops += [nop(Unit.COMPUTE, push_prev=True) for _ in both]
        ops += [nop(Unit.STORE, push_prev=True) for _ in both]
        for group in range(self.groups):
            ops += [Gemm(reset=True, pop_next=True, **self.steps(c)) for c in both]
            for k in range(self.depth):
                for c in both:
                    tile = (2 * group + c) * self.depth + k
                    ops += [
                        self.load(MemoryType.INP, self.a_at, tile, self.rows, c, pop_next=True),
                        self.load(MemoryType.WGT, self.b_at, k, self.blocks, c, push_next=True),
                    ]
                ops += [Gemm(pop_prev=True, push_prev=True, **self.steps(c)) for c in both]
            for c in both:
                ops.append(
                    Alu(
                        alu_opcode=AluOpcode.MAX,
                        use_imm=True,
                        push_next=True,
                        **self.steps(c, True),
                    )
                )
            size = self.rows * self.blocks
            first = self.out_at // self.config.out.element_bytes + 2 * group * size
            ops += [
                Store(dram_base=first + c * size, sram_base=c * size, y_size=1, x_size=size,
                      x_stride=size, pop_prev=True, push_prev=True)
                for c in both
            ]  # fmt: skip
        ops += [nop(Unit.LOAD, pop_next=True), nop(Unit.LOAD, pop_next=True, push_next=True)]
        ops += [nop(Unit.COMPUTE, pop_prev=True), nop(Unit.COMPUTE, pop_next=True)]
        return [*ops, Finish(pop_next=True)]

    def expected(self):
        """[tile, block, row, batch, lane], as it is stored."""
        sums = np.einsum("tkrbi,knoi->tnrbo", self.a.astype(int), self.b.astype(int))
        return np.maximum(sums, 0).astype(np.int8)

    def result(self, image):
        found = self.expected()
        return image[self.out_at : self.out_at + found.nbytes].view(np.int8).reshape(found.shape)


def main():
    total = int(sys.argv[1])
    products = [Matmul(seed) for seed in range(total)]
    streams = [(p.stream(), p.image(), p.config) for p in products]

    def progress(done):
        print(f"\r{done} of {total}", end="", file=sys.stderr, flush=True)

    counts, missed = judge(streams, orders=40, progress=progress)
    print(file=sys.stderr)
    show(counts, missed)
    assert not missed and not counts["refused as they are"]


if __name__ == "__main__":
    main()
