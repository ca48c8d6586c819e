"""Passes that no child should survive, each in its own way, as another package would add them."""

import os
import signal

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import AffineMapAttr
from xdsl.ir.affine import AffineMap
from xdsl.passes import ModulePass

from dialects import loop
from dovetail.universe import universe_of
from passes.loop.primitive import functions_of_loops
from tuner.measuring.kernels import Kernel
from tuner.measuring.subject import Subject

PARENT = "HOSTILE_PARENT"
"""The variable with the number of the process that measures."""

NAMES = (
    "allocate-without-end",
    "die-at-next",
    "die-when-timed",
    "do-not-terminate",
    "do-nothing",
    "interrupt-parent",
    "kill-parent",
    "print-much",
    "raise-assertion",
    "read-far-away",
    "segfault",
    "spin",
    "write-beside",
    "wrong-product",
    "wrong-sums",
)


def install(folder):
    """Put a package with these passes into a folder, which has to be searched for packages."""
    info = folder / "hostile-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[xdsl.universe]\nhostile = hostile_passes:HOSTILE_UNIVERSE\n"
    )


class SegfaultPass(ModulePass):
    """The process dies while it schedules."""

    name = "segfault"

    def apply(self, ctx, op):
        os.kill(os.getpid(), signal.SIGSEGV)


class SpinPass(ModulePass):
    """Scheduling never ends."""

    name = "spin"

    def apply(self, ctx, op):
        while True:
            pass


def signal_parent(number):
    """Signal the process that measures, and keep the child busy."""
    os.kill(int(os.environ[PARENT]), number)
    while True:
        pass


class InterruptParentPass(ModulePass):
    """Somebody presses Ctrl-C while this is scheduled."""

    name = "interrupt-parent"

    def apply(self, ctx, op):
        signal_parent(signal.SIGINT)


class KillParentPass(ModulePass):
    """The process that measures dies while this is scheduled."""

    name = "kill-parent"

    def apply(self, ctx, op):
        signal_parent(signal.SIGKILL)


class AllocateWithoutEndPass(ModulePass):
    """Scheduling takes all memory."""

    name = "allocate-without-end"

    def apply(self, ctx, op):
        taken = []
        while True:
            taken.append(np.empty(1 << 26, np.uint8))


class RaiseAssertionPass(ModulePass):
    """A pass that has a bug."""

    name = "raise-assertion"

    def apply(self, ctx, op):
        raise AssertionError("not thought of")


class PrintMuchPass(ModulePass):
    """Prints, also past Python."""

    name = "print-much"

    def apply(self, ctx, op):
        print("what a candidate says " * 10_000, flush=True)
        os.write(1, b"x" * 100_000)


def first_access(module, kind):
    return next(o for o in module.walk() if isinstance(o, kind))


def moved(access, distance):
    first, *others = access.map.data.results
    dims = access.map.data.num_dims
    access.map = AffineMapAttr(AffineMap(dims, 0, (first + distance, *others)))


class ReadFarAwayPass(ModulePass):
    """Machine code that reads where nothing is."""

    name = "read-far-away"

    def apply(self, ctx, op):
        loads = [o for o in op.walk() if isinstance(o, loop.LoadOp)]
        moved(loads[-1], 1 << 40)


class WriteBesidePass(ModulePass):
    """Machine code that writes one row behind its result, too."""

    name = "write-beside"

    def apply(self, ctx, op):
        store = [o for o in op.walk() if isinstance(o, loop.StoreOp)][-1]
        more = store.clone()
        moved(more, 1)
        store.parent_block().insert_op_after(more, store)


class DoNotTerminatePass(ModulePass):
    """Machine code that repeats itself as long as nobody ends it."""

    name = "do-not-terminate"

    def apply(self, ctx, op):
        (function,) = functions_of_loops(op)
        body = function.body.block
        forever = loop.ForOp("forever", 0, 1 << 60)
        for inner in [o for o in body.ops if isinstance(o, loop.ForOp)]:
            inner.detach()
            forever.body.block.add_op(inner)
        body.insert_op_before(forever, body.last_op)


class WrongSumsPass(ModulePass):
    """Adds where it should multiply."""

    name = "wrong-sums"

    def apply(self, ctx, op):
        product = first_access(op, arith.MulfOp)
        block = product.parent_block()
        other = arith.AddfOp(product.lhs, product.rhs)
        block.insert_op_before(other, product)
        product.result.replace_all_uses_with(other.result)
        product.detach()
        product.erase()


class WrongProductPass(ModulePass):
    """Drops the last term of each sum."""

    name = "wrong-product"

    def apply(self, ctx, op):
        block = first_access(op, loop.BlockOp)
        *others, last = block.domains.data.results
        dims = block.domains.data.num_dims
        block.domains = AffineMapAttr(AffineMap(dims, 0, (*others, last - 16)))


class DoNothingPass(ModulePass):
    """Changes nothing at all."""

    name = "do-nothing"

    def apply(self, ctx, op):
        pass


def die(*arguments):
    os.kill(os.getpid(), signal.SIGSEGV)


class DieWhenTimedPass(ModulePass):
    """Whatever is timed after it dies."""

    name = "die-when-timed"

    def apply(self, ctx, op):
        Kernel.visit = die


class DieAtNextPass(ModulePass):
    """The next candidate dies, of what this one has done."""

    name = "die-at-next"

    def apply(self, ctx, op):
        Subject.candidate = die


HOSTILE_UNIVERSE = universe_of(
    {},
    {
        name: f"hostile_passes:{''.join(w.capitalize() for w in name.split('-'))}Pass"
        for name in NAMES
    },
    {},
)
