"""Console sessions of the documentation: their commands, and whether the output is as shown."""

import re
import shlex

from dovetail import cli
from dovetail.testing import call_dovetail_opt


def commands(text):
    """Each command of a block with the lines that are shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, *shown = part.rstrip("\n").split("\n")
        yield command, shown


def plain(line):
    return " ".join(line.split())


def check(command, shown, output):
    """The lines shown are in the output, in order; without `...` between them, one after another.

    What is shown may begin or end early where it says so only; a line may be the part of one.
    """
    lines = [plain(line) for line in output.splitlines() if line.strip()]
    at, free = 0, False
    for line in shown:
        if line == "...":
            free = True
            continue
        found = next((i for i in range(at, len(lines)) if plain(line) in lines[i]), None)
        assert found is not None, f"$ {command}\nlacks: {line}\n{output}"
        assert free or found == at, f"$ {command}\nhas more than is shown before: {line}\n{output}"
        at, free = found + 1, False
    assert free or at >= len(lines) or not shown, f"$ {command}\nhas more:\n{output}"


def in_this_process(command, capsys):
    tool, *arguments = shlex.split(command)
    capsys.readouterr()
    code = {"dovetail": cli.run, "dovetail-opt": call_dovetail_opt}[tool](arguments)
    return code, "".join(capsys.readouterr())
