"""What a text of IR has wrong, as a user's mistake: the place and the reason in the first line.

xDSL puts the place into the first line and the reason below. Here they are together, names that
nobody declared come with those most like them, and a value that nobody defines is shown where it
is first used instead of at the end of the text.
"""

import re

from xdsl.context import Context
from xdsl.utils.exceptions import ParseError
from xdsl.utils.lexer import Span

from analysis.errors import UserError, nearest
from dovetail.pipeline_parser import underlined

UNKNOWN_OPERATION = re.compile(r"Operation (\S+) is not registered")
UNKNOWN_ATTRIBUTE = re.compile(r"'([\w.]+)' is not registered")
UNDEFINED = re.compile(r"values used but not defined: \[(.*)\]")
NOTHING = "Could not parse entire input!"
WORD = re.compile(r"[\w.]+|\S")


def parse_error(error: ParseError, context: Context) -> UserError:
    """The mistake that a parser found, with its line of the text, underlined."""
    text, start = text_of(error.span)
    reason, start, end = explained(error, text, start, context)
    row = text.count("\n", 0, start)
    column = start - (text.rfind("\n", 0, start) + 1)
    place = f"{error.span.input.name}:{row + 1 + error.span.line_offset}:{column + 1}"
    line = text.split("\n")[row].replace("\t", " ")
    shown = (underlined(line, column, max(1, min(end - start, len(line) - column))),)
    return UserError(f"{place}: {reason}", *(shown if line.strip() else ()))


def text_of(span: Span[str] | Span[bytes]) -> tuple[str, int]:
    """The whole text that a span is of, and where in it the span begins, in characters."""
    content = span.input.content
    if isinstance(content, str):
        return content, span.start
    return content.decode(errors="replace"), len(content[: span.start].decode(errors="replace"))


def explained(error: ParseError, text: str, start: int, context: Context) -> tuple[str, int, int]:
    """The reason in one line, and the first and last position of what it is about."""
    message, end = " ".join(error.msg.split()), start + len(error.span)
    if message == NOTHING and not text[start:].strip():
        return "there is no IR in it", start, end
    for pattern, explain in ((UNKNOWN_OPERATION, unknown_operation),
                             (UNKNOWN_ATTRIBUTE, unknown_attribute)):  # fmt: skip
        if (found := pattern.fullmatch(message)) is not None:
            at = text.rfind(found[1], 0, end)  # xDSL may be past it
            place = (start, end) if at < 0 else (at, at + len(found[1]))
            return explain(found[1], context), *place
    if (found := UNDEFINED.fullmatch(message)) is not None:
        used = re.search(rf"{re.escape(found[1].split(', ')[0])}(?![\w$.-])", text)
        return (message, start, end) if used is None else (message, *used.span())
    if error.msg.startswith(" "):  # xDSL names only where something else was expected
        word = WORD.match(text, start)
        what = "the text ends" if word is None else f"unexpected {word[0]}"
        return f"{what} {message}", start, end
    return message, start, end


def unknown_operation(name: str, context: Context) -> str:
    """What to say of an operation that no dialect has."""
    if "." not in name:
        return f"no operation is named {name}: its dialect stands in front, as in func.return"
    dialect = name.partition(".")[0]
    if dialect not in context.registered_dialect_names:
        return f"no operation is named {name}: {unknown_dialect(dialect, context)}"
    known = [op.name for op in context.get_dialect(dialect).operations]
    return f"no operation is named {name}: {nearest(name, known)}"


def unknown_attribute(name: str, context: Context) -> str:
    """What to say of an attribute or a type that no dialect has."""
    dialect = name.partition(".")[0]
    if dialect not in context.registered_dialect_names:
        return f"no attribute or type is named {name}: {unknown_dialect(dialect, context)}"
    known = [attribute.name for attribute in context.get_dialect(dialect).attributes]
    return f"no attribute or type is named {name}: {nearest(name, known)}"


def unknown_dialect(name: str, context: Context) -> str:
    """Which dialects there are."""
    return f"no dialect is named {name}: {nearest(name, sorted(context.registered_dialect_names))}"
