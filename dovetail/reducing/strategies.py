"""Ways to make a case smaller."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FunctionType, ModuleOp, TensorType
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Operation, SSAValue
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError, VerifyException

from dialects.graph import structure
from dialects.graph.weights import Random, Weight, WeightAttr
from dovetail.frontend.text import text_context
from dovetail.reducing.case import Case, chunks
from dovetail.reducing.extents import smaller_texts


def fewer_passes(case: Case) -> Iterator[Case]:
    """Without some of the passes."""
    for part in chunks(len(case.passes)):
        kept = [p for i, p in enumerate(case.passes) if i not in part]
        if kept != list(case.passes):
            yield replace(case, passes=tuple(kept))


def functions(module: ModuleOp) -> list[FuncOp]:
    """The functions with a body."""
    return [op for op in module.ops if isinstance(op, FuncOp) and op.body.blocks]


def fewer_symbols(case: Case) -> Iterator[Case]:
    """Without functions and declarations that nobody calls."""
    count = len(list(case.module.ops))
    for part in chunks(count):
        module = case.module.clone()
        ops = list(module.ops)
        if len(part) == count:
            continue
        gone = [ops[i] for i in part]
        called = {
            str(inner.callee.root_reference.data)
            for op in ops
            if op not in gone
            for inner in op.walk()
            if isinstance(inner, CallOp | structure.CallOp)
        }
        names = {op.sym_name.data for op in gone if isinstance(op, FuncOp)}
        if not names & called:
            for op in gone:
                op.detach()
                op.erase(safe_erase=False)
            yield replace(case, module=module)


def fewer_attributes(case: Case) -> Iterator[Case]:
    """Without attributes of the module, such as the target of the machine it was found on."""
    for name in case.module.attributes:
        module = case.module.clone()
        del module.attributes[name]
        yield replace(case, module=module)


def fewer_results(case: Case) -> Iterator[Case]:
    """Functions of tensors that return an earlier value, or fewer values."""
    for number, function in enumerate(functions(case.module)):
        last = function.body.block.last_op
        if not isinstance(last, ReturnOp) or not last.operands or is_called(function, case.module):
            continue
        values = tensor_values(function)
        count = len(values)
        if not values:
            continue  # it returns what it gets
        places = dict.fromkeys(i * count // 8 for i in range(8))
        for place in [*places, *range(count)]:
            if last.operands != (values[place],):
                yield returning(case, number, place)


def returning(case: Case, number: int, place: int) -> Case:
    """A case whose function returns one of its values; what is not needed for it is gone."""
    module = case.module.clone()
    function = functions(module)[number]
    last = function.body.block.last_op
    assert last is not None
    last.operands = [tensor_values(function)[place]]
    function.res_attrs = None
    settle(function)
    return replace(case, module=module, inputs=None)


def tensor_values(function: FuncOp) -> list[SSAValue]:
    """The tensors that a function computes, in program order."""
    return [
        r for op in function.body.block.ops for r in op.results if isinstance(r.type, TensorType)
    ]


def fewer_operations(case: Case) -> Iterator[Case]:
    """Functions without some operations; tensors that are still needed become arguments."""
    for number, function in enumerate(functions(case.module)):
        callable_ = not is_called(function, case.module)
        ops = [op for op in function.body.block.ops if not isinstance(op, ReturnOp)]
        for part in chunks(len(ops)):
            if callable_ or all(not r.uses.get_length() for i in part for r in ops[i].results):
                module = case.module.clone()
                if without(functions(module)[number], part, callable_):
                    yield replace(case, module=module, inputs=None)


def without(function: FuncOp, part: Sequence[int], new_arguments: bool) -> bool:
    """Remove operations from a function; False where a value other than a tensor is needed."""
    block = function.body.block
    ops = [op for op in block.ops if not isinstance(op, ReturnOp)]
    gone: Set[Operation] = {ops[i] for i in part}
    for i in reversed(part):
        op = ops[i]
        for result in op.results:
            if all(use.operation in gone for use in result.uses):
                continue
            if not new_arguments or not isinstance(result.type, TensorType):
                return False
            argument = block.insert_arg(result.type, len(block.args))
            argument.name_hint = result.name_hint
            result.replace_all_uses_with(argument)
    for i in reversed(part):
        ops[i].detach()
        ops[i].erase(safe_erase=False)
    settle(function)
    return True


def settle(function: FuncOp) -> None:
    """Remove what is not needed for the results, and make the type fit."""
    block = function.body.block
    for op in reversed(list(block.ops)):
        results = op.results
        if results and all(not r.uses.get_length() for r in results):
            op.detach()
            op.erase()
    marks = list(function.arg_attrs or [DictionaryAttr({})] * len(block.args))
    marks += [DictionaryAttr({})] * (len(block.args) - len(marks))
    last = block.last_op
    assert isinstance(last, ReturnOp)
    if last.operands:  # a function of memrefs may be called with all its arguments
        for argument in reversed(block.args):
            if not argument.uses.get_length() and len(block.args) > 1:
                marks.pop(argument.index)
                block.erase_arg(argument)
    function.arg_attrs = ArrayAttr(marks) if any(m.data for m in marks) else None
    inputs = [a.type for a in block.args]
    function.function_type = FunctionType.from_lists(inputs, [v.type for v in last.operands])


def is_called(function: FuncOp, module: ModuleOp) -> bool:
    """Whether a function is called in its module."""
    name = function.sym_name.data
    return any(
        isinstance(op, CallOp | structure.CallOp) and op.callee.root_reference.data == name
        for op in module.walk()
    )


def plain_weights(case: Case) -> Iterator[Case]:
    """With random weights, which text can hold, in the place of stored ones."""
    module = case.module.clone()
    changed = False
    for op in module.walk():
        if isinstance(op, structure.WeightOp) and not isinstance(op.weight.source, Random):
            op.content = WeightAttr(Weight(op.weight.type, Random(0, -1, 1)))
            changed = True
    if changed:
        yield replace(case, module=module)


def smaller_extents(case: Case) -> Iterator[Case]:
    """With smaller numbers wherever a number stands in the text."""
    for text in smaller_texts(str(case.module)):
        try:
            module = Parser(text_context(), text).parse_module()
            module.verify()
        except (ParseError, VerifyException, ValueError, AssertionError):
            continue
        yield replace(case, module=module, inputs=None)


def fewer_inputs(case: Case) -> Iterator[Case]:
    """With zeros in the place of some inputs, then ones in the place of the others."""
    if case.inputs is None:
        return
    for number, array in enumerate(case.inputs):
        places = np.flatnonzero(array)
        for part in chunks(len(places)):
            changed = array.copy()
            changed.reshape(-1)[places[part.start : part.stop]] = 0
            yield replace(case, inputs=with_array(case.inputs, number, changed))
    for number, array in enumerate(case.inputs):
        ones = np.where(array == 0, array, np.ones((), array.dtype))
        if not np.array_equal(ones, array):
            yield replace(case, inputs=with_array(case.inputs, number, ones))


def with_array(
    arrays: Sequence[np.ndarray], number: int, array: np.ndarray
) -> tuple[np.ndarray, ...]:
    """The arrays with one replaced."""
    return tuple(array if i == number else a for i, a in enumerate(arrays))
