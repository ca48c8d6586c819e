"""Smaller extents for IR of any level: numbers of its text are replaced.

A size stands in many places (types, bounds, domains, layouts), and related ones stand beside it
(with a halo, halved by a stride). So a number is replaced wherever it occurs, alone or together
with the numbers near it or with all of them; what does not fit together no longer verifies.
"""

import re
from collections.abc import Callable, Iterator

TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"'
    r"|(?P<shape>(?:(?:\d+|\?)x)+(?=[a-z!(]))"
    r"|[%@#^!]?[A-Za-z_$][\w$.-]*|[%@#^]\d+"
    r"|0x[0-9A-Fa-f]+|\d+\.\d*(?:[eE][+-]?\d+)?"
    r"|(?P<number>\d+)"
)
NEAR = 8
"""How far numbers are apart that may belong to one extent with and without a halo."""


def numbers_of(text: str) -> list[int]:
    """The different numbers from 2, largest first."""
    found: set[int] = set()
    for match in TOKEN.finditer(text):
        shown = match["shape"] or match["number"] or ""
        found.update(int(n) for n in re.findall(r"\d+", shown))
    return sorted((n for n in found if n >= 2), reverse=True)


def rewritten(text: str, change: Callable[[int], int]) -> str:
    """The text with every number changed."""

    def number(match: re.Match[str]) -> str:
        return str(change(int(match[0])))

    def token(match: re.Match[str]) -> str:
        if match["shape"] or match["number"]:
            return re.sub(r"\d+", number, match[0])
        return match[0]

    return TOKEN.sub(token, text)


def smaller_texts(text: str) -> Iterator[str]:
    """Texts with smaller numbers, the smallest first."""
    numbers = numbers_of(text)
    if not numbers:
        return
    for divisor in (8, 4, 2):
        yield rewritten(text, lambda n, d=divisor: n if n < 4 else max(2, -(-n // d)))
    for largest in numbers:
        near = [n for n in numbers if largest - NEAR <= n <= largest]
        for target in sorted({2, 3, 5, largest // 4, largest // 2, largest - 1}):
            if not 1 <= target < largest:
                continue
            yield rewritten(text, lambda n, a=largest, b=target: b if n == a else n)
            shift = largest - target
            if len(near) > 1 and near[-1] - shift >= 1:
                group = frozenset(near)
                yield rewritten(text, lambda n, g=group, s=shift: n - s if n in g else n)
