"""Whether what a computation reads lies inside its tensors, for all sizes that symbols can have.

The domain of the axes and the conditions around a read are integer sets; a read that may leave its
tensor is refused before anything is built.
"""

from collections.abc import Hashable, Iterator, Sequence

from analysis.affine import Affine, Interval
from analysis.errors import UserError
from analysis.integer_sets import Names
from dovetail.te.expressions import (
    Axis,
    Binary,
    Call,
    Cast,
    Compare,
    Expr,
    Index,
    Read,
    Reduce,
    Select,
    Var,
    conjuncts,
    spell,
)

Path = tuple[Affine, ...]
"""The forms that are not negative where an expression is computed."""


def children(expr: Expr, path: Path) -> Iterator[tuple[Expr, Path]]:
    """The expressions that an expression is made of, and where each is computed."""
    match expr:
        case Cast() | Call() | Reduce():
            yield expr.value, path
        case Binary() | Compare():
            yield expr.left, path
            yield expr.right, path
        case Select():
            yield expr.condition, path
            inside, outside = branches(expr, path)
            yield expr.then, inside
            yield expr.otherwise, outside
        case Index():
            for variable in expr.form.variables():
                if isinstance(variable, Expr) and not isinstance(variable, Index):
                    yield variable, path
        case Read():
            for index in expr.indices:
                yield index, path
        case _:
            pass


def branches(expr: Select, path: Path) -> tuple[Path, Path]:
    """Where the two sides of a choice are computed."""
    forms = conjuncts(expr.condition)
    if forms is None:
        return path, path
    outside = (*path, forms[0] * -1 - 1) if len(forms) == 1 else path
    return (*path, *forms), outside


def reads(expr: Expr, path: Path = ()) -> Iterator[tuple[Read, Path]]:
    """The reads in an expression from left to right, and where each is computed."""
    seen: set[tuple[Expr, Path]] = set()
    waiting: list[tuple[Expr, Path]] = [(expr, path)]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        if isinstance(current[0], Read):
            yield current[0], current[1]
        waiting.extend(reversed(list(children(*current))))


def demands(read: Read) -> Iterator[tuple[Index, Affine, str]]:
    """The forms that must not be negative, and what each says; indices of data are not judged."""
    for index, extent in zip(read.indices, read.tensor.extents, strict=True):
        if all(isinstance(v, Axis | Var) for v in index.form.variables()):
            yield index, index.form, f"{index} >= 0"
            yield index, extent - index.form - 1, f"{index} < {spell(extent)}"


def inside(read: Read, path: Path) -> bool:
    """Whether a read stays inside its tensor wherever the conditions of `path` hold."""
    return all(holds(form, path) for _, form, _ in demands(read))


def check(expr: Expr) -> None:
    """Refuse an expression that may read outside of a tensor."""
    for read, path in reads(expr):
        for index, form, claim in demands(read):
            if holds(form, path):
                continue
            known = ", ".join(range_text(v) for v in axes_of(index.form))
            raise UserError(
                f"{read}: cannot prove {claim}{f' ({known})' if known else ''}",
                f"at {read.where}",
                "guard it with t.if_then_else where that is meant: what a guard says is known",
            )


def axes_of(form: Affine) -> list[Axis]:
    """The axes of a form, in order."""
    return sorted((v for v in form.variables() if isinstance(v, Axis)), key=lambda axis: axis.name)


def range_text(axis: Axis) -> str:
    """`k ranges to h`."""
    begin = "" if axis.lower == Affine({}) else f"from {spell(axis.lower)} "
    return f"{axis} ranges {begin}to {spell(axis.upper)}"


def holds(form: Affine, path: Path) -> bool:
    """Whether a form is never negative where the conditions of `path` hold."""
    low = form.interval(ranges_of(form))[0]
    if low is not None and low >= 0:
        return True
    known = closure([form, *path])
    if not known and not path:
        return False
    conditions = [form * -1 - 1, *path, *known]
    hidden = {v for f in conditions for v in f.variables()}
    return Names().points([], conditions, hidden).is_empty()


def ranges_of(form: Affine) -> dict[Hashable, Interval]:
    """What is known of the variables of a form as numbers."""
    found: dict[Hashable, Interval] = {}
    for variable in form.variables():
        if isinstance(variable, Axis):
            low = variable.lower.const if variable.lower.is_constant else None
            high = variable.upper.const - 1 if variable.upper.is_constant else None
            found[variable] = (low, high)
        elif isinstance(variable, Var):
            found[variable] = (0, None)
    return found


def closure(forms: Sequence[Affine]) -> list[Affine]:
    """The domains of all variables of forms, and of those that they name in turn."""
    found: list[Affine] = []
    seen: set[Hashable] = set()
    waiting = [v for form in forms for v in form.variables()]
    while waiting:
        variable = waiting.pop()
        if variable in seen:
            continue
        seen.add(variable)
        value = Affine.variable(variable)
        new: list[Affine] = []
        if isinstance(variable, Axis):
            new = [value - variable.lower, variable.upper - value - 1]
        elif isinstance(variable, Var):
            new = [value]
        found += new
        waiting += [v for form in new for v in form.variables()]
    return found
