"""Infix text with as few parentheses as Python's rules of precedence allow.

Affine forms are written without blanks around `*`, as papers do in subscripts: `y_o*8 + y_i`.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from xdsl.ir import BlockArgument

from analysis.affine import Affine, Quotient, Ranges, Remainder, with_remainders

(
    CHOICE,
    OR,
    AND,
    NOT,
    COMPARISON,
    BIT_OR,
    BIT_XOR,
    BIT_AND,
    SHIFT,
    SUM,
    PRODUCT,
    SIGN,
    POWER,
    ATOM,
) = range(14)
"""How tightly the outermost operator of a text binds."""


@dataclass(frozen=True)
class Expression:
    """A text and how tightly its outermost operator binds.

    `reads` says that it reads memory, so that its value is another one after a store.
    """

    text: str
    level: int = ATOM
    reads: bool = False

    def inside(self, level: int) -> str:
        """The text as an operand of an operator of that level."""
        return self.text if self.level >= level else f"({self.text})"


Atom = Callable[[Hashable], Expression]


def atom(text: str, reads: bool = False) -> Expression:
    return Expression(text, ATOM, reads)


def binary(symbol: str, level: int, left: Expression, right: Expression) -> Expression:
    """An operator that groups to the left."""
    text = f"{left.inside(level)} {symbol} {right.inside(level + 1)}"
    return Expression(text, level, left.reads or right.reads)


def call(name: str, *arguments: Expression | str) -> Expression:
    """`name(a, b)`."""
    texts = [a if isinstance(a, str) else a.text for a in arguments]
    reads = any(isinstance(a, Expression) and a.reads for a in arguments)
    return Expression(f"{name}({', '.join(texts)})", ATOM, reads)


def choice(condition: Expression, yes: Expression, no: Expression) -> Expression:
    """`yes if condition else no`."""
    text = f"{yes.inside(CHOICE + 1)} if {condition.inside(CHOICE + 1)} else {no.text}"
    return Expression(text, CHOICE, condition.reads or yes.reads or no.reads)


def term(part: Hashable, factor: int, of: Atom, tight: bool) -> str:
    """A positive multiple of an atom."""
    if isinstance(part, Quotient | Remainder):
        sign = "//" if isinstance(part, Quotient) else "%"
        inner = affine(part.numerator, of, tight)
        text = f"{inner.inside(POWER)}{sign}{part.divisor}"
    else:
        text = of(part).inside(PRODUCT if factor == 1 else POWER)
    return text if factor == 1 else f"{text}*{factor}"


def leading(part: Hashable, factor: int, of: Atom, tight: bool) -> str:
    """The first term of a sum; a sign would bind tighter than a division."""
    text = term(part, abs(factor), of, tight)
    if factor > 0:
        return text
    return f"-({text})" if isinstance(part, Quotient | Remainder) else f"-{text}"


def affine(form: Affine, of: Atom, tight: bool = False) -> Expression:
    """A form; `of` writes its variables. Tight text has no blanks, for slices."""
    form = with_remainders(form)
    terms = sorted(form.terms.items(), key=lambda item: item[1] < 0)
    if not terms:
        return Expression(str(form.const), ATOM if form.const >= 0 else SIGN)
    reads = any(of(a).reads for a, _ in terms if not isinstance(a, Quotient | Remainder))
    if len(terms) == 1 and form.const == 0:
        ((part, factor),) = terms
        if factor == 1 and not isinstance(part, Quotient | Remainder):
            return of(part)
        return Expression(leading(part, factor, of, tight), PRODUCT, reads)
    first = form.const if terms[0][1] < 0 and form.const > 0 else 0
    text = str(first) if first else leading(*terms.pop(0), of, tight)
    for part, factor in terms:
        sign = "-" if factor < 0 else "+"
        text += (sign if tight else f" {sign} ") + term(part, abs(factor), of, tight)
    if form.const and not first:
        sign = "-" if form.const < 0 else "+"
        text += (sign if tight else f" {sign} ") + str(abs(form.const))
    return Expression(text, SUM, reads)


def condition(form: Affine, of: Atom, ranges: Ranges) -> str:
    """`form >= 0` as one would say it: `a < b`, or `a == b` at the end of a range."""
    form = with_remainders(form)
    more = Affine({a: c for a, c in form.terms.items() if c > 0})
    less = Affine({a: -c for a, c in form.terms.items() if c < 0})
    if not less.terms:
        bound = -form.const
        equal = more.interval(ranges)[1] == bound
        return f"{affine(more, of).text} {'==' if equal else '>='} {bound}"
    if not more.terms and less.interval(ranges)[0] == form.const:
        return f"{affine(less, of).text} == {form.const}"
    if form.const == 0 and more.terms:
        return f"{affine(less, of).text} <= {affine(more, of).text}"
    return f"{affine(less, of).text} < {affine(more + form.const + 1, of).text}"


def is_range(low: Affine, high: Affine) -> bool:
    """Whether `high` bounds from above what `low` bounds from below, by no other loop."""
    end = low + high
    moving = any(isinstance(v, BlockArgument) for v in end.variables())
    return next(iter(low.terms.values()), 0) > 0 and not moving


def conditions(forms: Sequence[Affine], of: Atom, ranges: Ranges) -> Expression:
    """That no form is negative; two ends of one range are said at once: `0 <= i - 1 < 56`."""
    left = list(forms)
    said: list[str] = []
    while left:
        form = left.pop(0)
        both = next(
            (pair for o in left for pair in ((form, o), (o, form)) if is_range(*pair)), None
        )
        if both is None:
            said.append(condition(form, of, ranges))
            continue
        low, high = both
        left.remove(high if form is low else low)
        said.append(f"0 <= {affine(low, of).text} < {affine(low + high + 1, of).text}")
    return Expression(" and ".join(said), COMPARISON if len(said) == 1 else AND)
