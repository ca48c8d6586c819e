"""Pipelines of passes as people write them: on the command line, in files, as MLIR prints them.

The grammar is xDSL's, `a,b{x=1 y="z"},c`, and what makes it pleasant by hand: white space wherever
words end, comments from `//` or `#` to the end of the line, a last comma, and MLIR's
`builtin.module(...)` around everything. A mistake is shown in the text as it was given.
"""

import re
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from xdsl.passes import ModulePass
from xdsl.utils.arg_spec import (
    ArgSpec,
    ParameterListType,
    ParameterType,
    PipelineLexer,
    SpecToken,
    SpecTokenKind,
    parse_spec,
)
from xdsl.utils.exceptions import ArgSpecParseError
from xdsl.utils.hints import isa, type_repr
from xdsl.utils.mlir_lexer import StringLiteral

from analysis.errors import UserError, nearest

LINE_WIDTH = 90
"""How many characters of a long line an error shows."""
STRING = r'"(?:\\.|[^"\\\n])*"'
COMMENT = re.compile(rf"({STRING})|(?://|#)[^\n]*")
NESTED = re.compile(rf"{STRING}|([A-Za-z_][\w.-]*)\s*\(")
MODULE = re.compile(r"\s*builtin\.module\s*\(")
Kind = SpecTokenKind


@dataclass(frozen=True)
class Source:
    """The text of a pipeline and where it stands: a file, or a flag of the command line."""

    name: str
    text: str

    @staticmethod
    def of(flag: str, argument: str) -> "Source":
        """The text that is given to `flag`; `@file` stands for what the file says."""
        if not argument.startswith("@"):
            return Source(flag, argument)
        path = argument[1:]
        try:
            return Source(path, Path(path).read_text())
        except OSError as error:
            hint = "; behind @ stands one file and nothing else" if "," in path else ""
            raise UserError(
                f"cannot read the pipeline file {path}: {error.strerror}{hint}"
            ) from None
        except UnicodeDecodeError:
            raise UserError(f"the pipeline file {path} is not text") from None

    def error(self, start: int, end: int, reason: str) -> UserError:
        """The mistake between two positions of the text, with the line it is in, underlined."""
        row = self.text.count("\n", 0, start)
        column = start - (self.text.rfind("\n", 0, start) + 1)
        line = self.text.split("\n")[row].replace("\t", " ")
        width = max(1, min(end - start, len(line) - column))
        place = f"{self.name}:{row + 1}:{column + 1}"
        return UserError(f"{place}: {reason}", underlined(line, column, width))


def underlined(line: str, column: int, width: int) -> str:
    """The part of a line around some of its characters, and marks below these."""
    first = max(0, column - LINE_WIDTH // 2) if len(line) > LINE_WIDTH else 0
    left, right = "..." * (first > 0), "..." * (len(line) > first + LINE_WIDTH)
    shown = line[first : first + LINE_WIDTH]
    marks = "^" * min(width, max(1, first + LINE_WIDTH - column))
    return f"{left}{shown}{right}\n{' ' * (len(left) + column - first)}{marks}"


@dataclass(frozen=True)
class Option:
    """One `name=value` of a pass; `start` and `end` are its place in the text."""

    name: str
    values: ParameterListType
    start: int
    end: int


@dataclass(frozen=True)
class Step:
    """One pass of a pipeline, as written; `start` and `end` are the place of its name."""

    name: str
    options: tuple[Option, ...]
    start: int
    end: int

    @property
    def spec(self) -> ArgSpec:
        return ArgSpec(self.name, {option.name: option.values for option in self.options})


def parse_steps(source: Source) -> tuple[Step, ...]:
    """The passes that `source` names, whether or not they exist."""
    return tuple(_Parser(source).steps())


def parse_passes(
    source: Source, available: Mapping[str, Callable[[], type[ModulePass]]]
) -> tuple[ModulePass, ...]:
    """The passes that `source` asks for."""
    steps = parse_steps(source)
    for step in steps:
        if step.name not in available:
            reason = f"no pass is named '{step.name}': {nearest(step.name, available)}"
            raise source.error(step.start, step.end, reason)
    return tuple(_make(source, step, available[step.name]()) for step in steps)


def option_types(cls: type[ModulePass]) -> dict[str, object]:
    """The types of the options of `cls`."""
    hints = typing.get_type_hints(cls)
    return {f.name: hints[f.name] for f in fields(cls) if f.init and f.name != "name"}


def required_options(cls: type[ModulePass]) -> set[str]:
    """The options of `cls` that must be given."""
    return {
        f.name
        for f in fields(cls)
        if f.default is MISSING
        and f.default_factory is MISSING
        and type(None) not in typing.get_args(option_types(cls).get(f.name))
    }


def _make(source: Source, step: Step, cls: type[ModulePass]) -> ModulePass:
    """The pass `cls` with the options of `step`, each of them checked."""
    types = option_types(cls)
    given: set[str] = set()
    for option in step.options:
        name = option.name.replace("-", "_")
        if name not in types:
            reason = f"pass '{cls.name}' has no option '{option.name}': {nearest(name, types)}"
            raise source.error(option.start, option.end, reason)
        if name in given:
            reason = f"pass '{cls.name}' has option '{name}' twice"
            raise source.error(option.start, option.end, reason)
        if not _fits(option.values, types[name]):
            reason = (
                f"option '{name}' of pass '{cls.name}' is of type {type_repr(types[name])}, "
                f"but has {_shown(option.values)}"
            )
            raise source.error(option.start, option.end, reason)
        given.add(name)
    for name in types:
        if name in required_options(cls) - given:
            reason = f"pass '{cls.name}' needs the option '{name}' of type {type_repr(types[name])}"
            raise source.error(step.start, step.end, reason)
    return cls.from_spec(step.spec)


def _fits(values: ParameterListType, hint: Any) -> bool:
    """Whether an option of type `hint` can have these values."""
    allowed = (hint, *typing.get_args(hint))
    if not values:
        return type(None) in allowed
    if len(values) == 1 and isa(values[0], hint):
        return not isinstance(values[0], bool) or bool in allowed
    return isa(values, hint)


def _shown(values: ParameterListType) -> str:
    if not values:
        return "no value"
    return ",".join(f'"{v}"' if isinstance(v, str) else str(v).lower() for v in values)


class _Parser:
    """xDSL's grammar over xDSL's tokens; every token knows its place in the text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.lexer = PipelineLexer(_blank(source))

    def steps(self) -> Iterator[Step]:
        while self.peek().kind is not Kind.EOF:
            yield self.step()
            if self.peek().kind is Kind.COMMA:
                self.lex()
            elif self.peek().kind is not Kind.EOF:
                raise self.error(self.peek(), "a comma is expected between two passes")

    def step(self) -> Step:
        name = self.lex()
        if name.kind is not Kind.IDENT:
            raise self.error(name, "the name of a pass is expected")
        span, options = name.span, tuple[Option, ...]()
        following = self.peek()
        if following.kind is Kind.MLIR_PIPELINE:
            self.lex()
            options = self.mlir_opt(span.text, span.start, following.span.end)
        elif following.kind is Kind.L_BRACE:
            self.lex()
            options = tuple(self.options(span.text))
        return Step(span.text, options, span.start, span.end)

    def mlir_opt(self, name: str, start: int, end: int) -> tuple[Option, ...]:
        """The options of xDSL's `mlir-opt[...]`."""
        if name != "mlir-opt":
            reason = f"options of '{name}' are in braces; only mlir-opt takes brackets"
            raise self.source.error(start, end, reason)
        spec = parse_spec(self.source.text[start:end])
        return tuple(Option(key, values, start, end) for key, values in spec.parameters.items())

    def options(self, owner: str) -> Iterator[Option]:
        while self.peek().kind is not Kind.R_BRACE:
            name = self.lex()
            if name.kind is not Kind.IDENT:
                raise self.error(name, self.expected_option(name, owner))
            values, end = (), name.span.end
            if self.peek().kind is Kind.EQUALS:
                self.lex()
                values, end = self.values(name.span.text)
            yield Option(name.span.text, values, name.span.start, end)
        self.lex()

    def expected_option(self, found: SpecToken, owner: str) -> str:
        """What to say where no option begins."""
        if found.kind is Kind.EQUALS:
            return f"the options of '{owner}' have blanks between them, not commas"
        expected = f"the name of an option of '{owner}', or a closing brace, is expected"
        if found.kind is Kind.EOF and self.source.name.startswith("-"):
            expected += "; a shell passes on blanks only in quotes: -p 'a,b{x=1 y=2}'"
        return expected

    def values(self, option: str) -> tuple[ParameterListType, int]:
        """Values with commas between them, and where they end."""
        values: list[ParameterType] = []
        while True:
            token = self.lex()
            values.append(self.value(token, option))
            if self.peek().kind is not Kind.COMMA:
                return tuple(values), token.span.end
            self.lex()

    def value(self, token: SpecToken, option: str) -> ParameterType:
        text = token.text
        match token.kind:
            case Kind.STRING_LIT:
                literal = StringLiteral.from_span(token.span)
                assert literal is not None
                return literal.string_contents
            case Kind.NUMBER:
                return float(text) if "." in text else int(text)
            case Kind.IDENT:
                return {"true": True, "false": False}.get(text, text)
            case _:
                raise self.error(
                    token,
                    f"a value is expected for the option '{option}': a number, a word, "
                    "or a text in quotes",
                )

    def peek(self) -> SpecToken:
        """The next token that is not white space."""
        try:
            while self.lexer.peek().kind is Kind.SPACE:
                self.lexer.lex()
            return self.lexer.peek()
        except ArgSpecParseError as error:
            raise self.unknown(error) from None

    def lex(self) -> SpecToken:
        token = self.peek()
        self.lexer.lex()
        return token

    def unknown(self, error: ArgSpecParseError) -> UserError:
        """What to say of characters that begin no token; xDSL tells their place in its text."""
        place = re.search(r"pass-pipeline:(\d+):(\d+)", str(error))
        assert place is not None
        row, column = (int(group) - 1 for group in place.groups())
        lines = self.source.text.split("\n")
        start = sum(len(line) + 1 for line in lines[:row]) + column
        if self.source.text[start : start + 1] == '"':
            reason = "a text in quotes does not end in its line"
        else:
            reason = "this character is not of a pipeline; texts with odd ones go in quotes"
        return self.source.error(start, start + 1, reason)

    def error(self, token: SpecToken, reason: str) -> UserError:
        return self.source.error(token.span.start, token.span.end, reason)


def _blank(source: Source) -> str:
    """The text with blanks in the place of comments and of MLIR's `builtin.module( )`."""
    text = COMMENT.sub(lambda found: found[1] or " " * len(found[0]), source.text)
    while (module := MODULE.match(text)) is not None:
        end = len(text.rstrip()) - 1
        if text[end] != ")":
            raise source.error(*module.span(), "builtin.module( is not closed at the end")
        text = " " * module.end() + text[module.end() : end] + " " + text[end + 1 :]
    for nested in NESTED.finditer(text):
        if nested[1] is not None:
            reason = (
                f"passes run on whole modules, not on each {nested[1]}: "
                "name the passes without it, or in builtin.module( )"
                if "." in nested[1]
                else f"options of '{nested[1]}' are in braces: {nested[1]}{{x=1 y=2}}"
            )
            raise source.error(*nested.span(1), reason)
    return text
