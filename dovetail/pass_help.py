"""What `dovetail-opt` tells about passes: which there are, and what one of them does.

All of it comes from the pass itself: the docstring of its module, the fields of its class, and an
example in a file beside its module, with the same stem. An example is a module before and after:

    // dovetail-opt -p 'split-loop{loop=y factor=6}'
    (the module before)
    // -----
    (the module after, as the driver prints it without locations)
"""

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote, split
from textwrap import shorten

from xdsl.passes import ModulePass, get_pass_option_infos

from analysis.errors import UserError, nearest
from dovetail.pipeline_parser import option_types, required_options

Passes = Mapping[str, Callable[[], type[ModulePass]]]
MEANING = re.compile(r"`(\w+)`\s+\(((?:[^()]|\([^()]*\))*)\)")
SEPARATOR = "// -----\n"
PROMPT = "// dovetail-opt -p "
ORDER = ("graph", "te", "loop", "vta")
"""The dialects in the order in which a program meets them."""


@dataclass(frozen=True)
class Example:
    """A module before and after a pipeline."""

    pipeline: str
    before: str
    after: str

    @staticmethod
    def read(path: Path) -> "Example":
        """The example in a file. A file of another form is a bug of the pass's author."""
        first, _, rest = path.read_text().partition("\n")
        before, separator, after = rest.partition(SEPARATOR)
        assert first.startswith(PROMPT) and separator, f"{path} is no example of a pass"
        (pipeline,) = split(first.removeprefix(PROMPT))
        return Example(pipeline, before, after)

    @property
    def text(self) -> str:
        """The example as its file holds it."""
        return f"{PROMPT}{quote(self.pipeline)}\n{self.before}{SEPARATOR}{self.after}"


def example_path(cls: type[ModulePass]) -> Path:
    """Where the example of `cls` is, if it has one."""
    return Path(inspect.getfile(cls)).with_suffix(".mlir")


def list_passes(passes: Passes) -> str:
    """Every pass with a line of help, grouped by the dialect or the package it is from."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, factory in passes.items():
        cls = factory()
        groups.setdefault(group_of(cls), []).append((name, summary(cls)))
    lines: list[str] = []
    for group in sorted(groups, key=rank):
        width = max(len(name) for name, _ in groups[group])
        rows = [f"  {name:{width}}  {text}".rstrip() for name, text in sorted(groups[group])]
        lines += [f"{group}:", *rows, ""]
    return "\n".join([*lines, "dovetail-opt --help-pass NAME says more about one of them.", ""])


def help_pass(name: str, passes: Passes) -> str:
    """What the pass `name` does, its options, and an example if it has one."""
    if name not in passes:
        raise UserError(f"no pass is named '{name}': {nearest(name, passes)}")
    cls = passes[name]()
    text = description(cls)
    parts = [text if text.startswith(f"{name}:") else f"{name}\n\n{text}".rstrip()]
    if option_types(cls):
        parts.append("Options:\n" + "\n".join(options(cls)))
    if example_path(cls).exists():
        example = Example.read(example_path(cls))
        command = f"$ dovetail-opt -p {quote(example.pipeline)}"
        parts.append(
            f"Example:\n\n{indent(command)}\n\n{indent(example.before)}\n\n"
            f"  becomes\n\n{indent(example.after)}"
        )
    return "\n\n".join(parts) + "\n"


def group_of(cls: type[ModulePass]) -> str:
    """The dialect folder of a pass of Dovetail, the package of another one."""
    package, *folders = cls.__module__.split(".")
    return folders[0] if package == "passes" else f"of the package {package}"


def rank(group: str) -> tuple[int, str]:
    """Dialects, then plugins, then xDSL."""
    if group in ORDER:
        return ORDER.index(group), group
    return len(ORDER) + group.endswith(" xdsl"), group


def docstrings(cls: type[ModulePass]) -> tuple[str, str]:
    """The docstrings of the module and of the class; a dataclass without one gets a signature."""
    module = inspect.cleandoc(sys.modules[cls.__module__].__doc__ or "")
    own = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    return module, "" if own.startswith(f"{cls.__name__}(") else own


def description(cls: type[ModulePass]) -> str:
    """What the author wrote: of the module if that begins with the pass's name, else of the class,
    else of the module."""
    module, own = docstrings(cls)
    return module if module.startswith(f"{cls.name}:") or not own else own


def summary(cls: type[ModulePass]) -> str:
    """The first sentence of the description, in one line."""
    paragraph = description(cls).partition("\n\n")[0].removeprefix(f"{cls.name}:")
    sentence, end, _ = " ".join(paragraph.split()).partition(". ")
    return shorten(sentence + end.strip(), 120, placeholder=" ...")


def options(cls: type[ModulePass]) -> list[str]:
    """A line for each option: name, type, default, meaning."""
    bases = (base for base in reversed(cls.__mro__) if issubclass(base, ModulePass))
    meanings: dict[str, str] = {}
    for text in (text for base in bases for text in docstrings(base)):
        meanings |= option_meanings(text)
    required = required_options(cls)
    rows: list[tuple[str, str, str, str]] = []
    for info in get_pass_option_infos(cls):
        if info.name in option_types(cls):
            default = "required" if info.name in required else f"default: {info.default_value}"
            expected = info.expected_type.replace("typing.", "")
            rows.append((info.name, expected, default, meanings.get(info.name, "")))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "  " + "  ".join(f"{cell:{w}}" for cell, w in zip(row, (*widths, 0), strict=True)).rstrip()
        for row in rows
    ]


def option_meanings(text: str) -> dict[str, str]:
    """What stands in parentheses behind the options in the `Arguments:` of a docstring."""
    _, _, rest = text.partition("\nArguments:")
    paragraph = rest.partition("\n\n")[0].partition("\nRefuses:")[0]
    return dict(MEANING.findall(" ".join(paragraph.split())))


def indent(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.rstrip().splitlines())
