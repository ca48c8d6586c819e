"""A scalar interpreter of the loop dialect: one instance after the other, one cell at a time.

It is written apart from the one it checks: memory is a dictionary from physical coordinates, an
affine expression is evaluated by xDSL, an integer is Python's.
"""

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr
from xdsl.dialects.func import ReturnOp

from dialects.layout import layout_map
from dialects.loop import AllocOp, BlockOp, ForOp, LoadOp, StoreOp

BINARY = {
    arith.AddiOp: lambda a, b: a + b,
    arith.SubiOp: lambda a, b: a - b,
    arith.MuliOp: lambda a, b: a * b,
    arith.MaxSIOp: max,
    arith.MinSIOp: min,
}


def wrap(value):
    return (value + 2**31) % 2**32 - 2**31


def instance_of(map, op):
    """The variables of an instance of a block, and those of its regions that run."""
    variables = map(op.bindings, op.outer)
    domains = map(op.domains, op.outer)
    if any(not 0 <= v < d for v, d in zip(variables, domains, strict=True)):
        return variables, []
    if any(c < 0 for c in map(op.where, op.outer)):
        return variables, []
    reduced = [v for v, reduce in zip(variables, op.is_reduce, strict=True) if reduce]
    begins = op.init is not None and not any(reduced)
    return variables, [op.init, op.body] if begins else [op.body]


class BruteForce:
    """Runs a function of i32 memrefs; `memory` maps a parameter to its cells."""

    def __init__(self, func, arrays):
        self.values = {}
        self.loops = []
        for parameter, array in zip(func.body.block.args, arrays, strict=True):
            cells = {index: int(v) for index, v in np.ndenumerate(array)}
            self.values[parameter] = ((0,) * parameter.type.get_num_dims(), cells)
        self.block(func.body.block)

    def map(self, map, operands):
        return [e.eval([self.values[o] for o in operands], []) for e in map.data.results]

    def block(self, block):
        for op in block.ops:
            if isinstance(op, ForOp):
                (low,), (high,) = self.map(op.lower, op.bounds), self.map(op.upper, op.bounds)
                for i in range(low, high):
                    self.values[op.induction] = i
                    self.loops.append((op, i))
                    self.block(op.body.block)
                    self.loops.pop()
            elif isinstance(op, BlockOp):
                self.instance(op)
            elif isinstance(op, AllocOp):
                self.values[op.result] = (tuple(self.map(op.origin, op.outer)), {})
            elif not isinstance(op, ReturnOp):
                self.scalar(op)

    def instance(self, op):
        variables, regions = instance_of(self.map, op)
        for region in regions:
            self.values.update(zip(region.block.args, variables, strict=True))
            for inner in region.block.ops:
                self.scalar(inner)

    def cell(self, op):
        origin, cells = self.values[op.memref]
        local = [i - o for i, o in zip(self.map(op.map, op.indices), origin, strict=True)]
        return tuple(layout_map(op.memref.type).eval(local, [])), cells

    def scalar(self, op):
        if isinstance(op, LoadOp):
            if any(c < 0 for c in self.map(op.where, op.indices)):
                self.values[op.result] = self.values[op.otherwise]
            else:
                where, cells = self.cell(op)
                self.values[op.result] = cells[where]
        elif isinstance(op, StoreOp):
            where, cells = self.cell(op)
            cells[where] = self.values[op.value]
        elif isinstance(op, arith.ConstantOp):
            assert isinstance(op.value, IntegerAttr)
            self.values[op.result] = op.value.value.data
        else:
            a, b = (self.values[o] for o in op.operands)
            self.values[op.results[0]] = wrap(BINARY[type(op)](a, b))
