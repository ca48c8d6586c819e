"""Every op and attribute has a round trip, a refusal and an effect that is what it should be.

The files of tests/filecheck/dialects are parsed here, so that an op which only a comment mentions
does not count; what their CHECK lines say is their own business.
"""

import re
from functools import cache
from inspect import getclosurevars
from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseArrayBase,
    IntegerAttr,
    StringAttr,
    TensorType,
    f32,
    i1,
    i64,
)
from xdsl.dialects.test import TestOp as Op
from xdsl.ir import Operation
from xdsl.irdl import IRDLOperation, ParametrizedAttribute
from xdsl.parser import Parser
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import IsTerminator
from xdsl.universe import Universe
from xdsl.utils.exceptions import ParseError, VerifyException

from dialects.graph import Graph
from dialects.graph.base import GraphOp
from dialects.target import TargetAttr
from dovetail.universe import DIALECTS, DOVETAIL_UNIVERSE

UNIVERSE = Universe.get_multiverse()
FILES = Path(__file__).parents[1] / "filecheck" / "dialects"
LOADED = [DOVETAIL_UNIVERSE.all_dialects[name]() for name in DIALECTS]
OPS = sorted((op for d in LOADED for op in d.operations), key=lambda op: op.name)
ATTRIBUTES = sorted((a for d in LOADED for a in d.attributes), key=lambda a: a.name)
VERIFIED = [
    op
    for op in OPS
    if getclosurevars(op.verify_).nonlocals["custom_verify"] is not Operation.verify_
]
"""Ops that check more than the kinds of their operands, properties and regions."""

READS = {"loop.load"}
ALLOCATES = {"loop.alloc"}
KEPT = {
    *("loop.barrier", "loop.block", "loop.copy", "loop.for", "loop.intrinsic", "loop.pop_dep"),
    *("loop.prefetch", "loop.push_dep", "loop.store", "te.intrinsic", "vta.alu", "vta.finish"),
    *("vta.gemm", "vta.load", "vta.pop_dep", "vta.push_dep", "vta.store", "vta.uop_kernel"),
}
"""Ops that change memory or hardware, or that others name. All that is not listed is pure."""


def each(items):
    return pytest.mark.parametrize("item", items, ids=lambda item: item.name)


def context():
    ctx = Context()
    for name, factory in UNIVERSE.all_dialects.items():
        ctx.register_dialect(name, factory)
    return ctx


def parse(text):
    return Parser(context(), text).parse_module()


@cache
def round_trips():
    """The modules of the files that are printed and parsed back."""
    files = [path for path in FILES.glob("*.mlir") if "%s | dovetail-opt |" in path.read_text()]
    return [parse(path.read_text()) for path in files]


@cache
def refusals():
    """What the pieces of the files of invalid IR are refused with, in a line each."""
    found = []
    for path in FILES.glob("*_invalid.mlir"):
        for piece in re.split(r"(?m)^// -----$", path.read_text()):
            with pytest.raises((ParseError, VerifyException)) as caught:
                parse(piece).verify()
            error = caught.value
            found.append(error.msg if isinstance(error, ParseError) else str(error).split("\n")[0])
    return found


def examples(cls):
    """The ops of a class in files that are printed and parsed back."""
    found = [op for module in round_trips() for op in module.walk() if isinstance(op, cls)]
    assert found, f"no file prints {cls.name} and parses it back"
    return found


@each(OPS)
def test_round_trip(item):
    assert examples(item)


@each(VERIFIED)
def test_refusal(item):
    reasons = [text for text in refusals() if re.match(rf"{re.escape(item.name)}[: ]", text)]
    assert reasons, f"no piece of *_invalid.mlir is refused by {item.name}"


def attributes_in(attribute):
    yield attribute
    if isinstance(attribute, ParametrizedAttribute):
        for parameter in attribute.parameters:
            yield from attributes_in(parameter)


def attributes_of(op):
    values = (*op.operands, *op.results, *(a for r in op.regions for b in r.blocks for a in b.args))
    for attribute in (*op.properties.values(), *op.attributes.values(), *(v.type for v in values)):
        yield from attributes_in(attribute)


@each(ATTRIBUTES)
def test_attribute_round_trip(item):
    ops = [op for module in round_trips() for op in module.walk()]
    assert any(isinstance(a, item) for op in ops for a in attributes_of(op))


def test_a_target_has_one_spelling():
    with pytest.raises(VerifyException, match="'llvm -l2=1 -mcpu=a' is written 'llvm -mcpu=a -l2="):
        TargetAttr(StringAttr("llvm -l2=1 -mcpu=a"))


@pytest.mark.parametrize("name", ["dce", "canonicalize"])
@each(OPS)
def test_what_nobody_reads_goes_if_it_is_no_effect(item, name):
    if item.has_trait(IsTerminator):
        return
    clones = run_on_clones(item, name, lambda clone: [clone])
    assert [c.parent is None for c in clones] == [item.name not in KEPT] * 2


@each(OPS)
def test_what_was_computed_before_is_merged_if_it_is_pure(item):
    """Between the op and its clones stands something that may write any memory."""
    if item.has_trait(IsTerminator):
        return
    clones = run_on_clones(item, "cse", lambda clone: [Op(), clone, Op(clone.results)])
    assert [c.parent is None for c in clones] == [item.name not in KEPT | READS | ALLOCATES] * 2


def run_on_clones(item, name, inserted):
    """Run a pass on a module with two clones of an op behind it; returns the clones."""
    found = examples(item)[0]
    module = found
    while module.parent_op() is not None:
        module = module.parent_op()
    module, position = module.clone(), list(module.walk()).index(found)
    old = list(module.walk())[position]
    clones = [old.clone(), old.clone()]
    ops = [Op(old.results), *(op for clone in clones for op in inserted(clone))]
    Rewriter.insert_op(ops, InsertPoint.after(old))
    UNIVERSE.all_passes[name]()().apply(context(), module)
    return clones


ODD_TYPES = [
    TensorType(f32, []),
    TensorType(f32, [3]),
    TensorType(i1, [2, 3]),
    TensorType(i64, [1, 1, 1]),
    TensorType(f32, [2, 0, 3, 4]),
    TensorType(f32, [DYNAMIC_INDEX, 3]),
    TensorType(f32, [2, 2, 2, 2, 2, 2]),
]
ODD_VALUES = [
    *(IntegerAttr(n, i64) for n in (-7, -1, 0, 9)),
    *(
        DenseArrayBase.from_list(i64, v)
        for v in ([], [0], [-1, -1], [1, 1, 9], [0, 0, 0, 0], [-9, 0, 0, 0], [1] * 6)
    ),
    StringAttr("nothing"),
]


@each([op for op in Graph.operations if issubclass(op, GraphOp)])
def test_odd_types_and_values_are_valid_or_refused(item):
    """A verifier may not fail in any other way."""
    for op in examples(item):
        types, result, properties = list(op.operand_types), op.result_types[0], op.properties
        for odd in ODD_TYPES:
            assert_verdict(item, types, odd, properties)
            for i in range(len(types)):
                changed = [*types[:i], odd, *types[i + 1 :]]
                assert_verdict(item, changed, result, properties)
                assert_verdict(item, changed, odd, properties)
        for name in properties:
            for value in ODD_VALUES:
                assert_verdict(item, types, result, {**properties, name: value})


def assert_verdict(cls: type[IRDLOperation], types, result, properties):
    op = cls.create(
        operands=Op(result_types=types).results, properties=properties, result_types=[result]
    )
    try:
        op.verify()
    except VerifyException as error:
        assert str(error)
