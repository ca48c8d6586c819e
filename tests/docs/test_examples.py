"""Every ```mlir block of docs/ is a module that parses, verifies and prints back the same."""

import re
from pathlib import Path

import pytest
from parse import parse_module

from dovetail.printing.pseudo import listing_of

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = [
    pytest.param(text, id=f"{path.name}-{number}")
    for path in sorted(DOCS.glob("**/*.md"))
    for number, text in enumerate(
        re.findall(r"^```mlir\n(.*?)^```$", path.read_text(), re.M | re.S)
    )
]


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_read_back(text):
    module = parse_module(text)
    assert str(parse_module(str(module))) == str(module)


def test_the_listing_of_the_loop_page_is_that_of_its_example():
    page = (DOCS / "loop.md").read_text()
    (example,) = re.findall(r"^```mlir\n(.*?)^```$", page, re.M | re.S)
    (shown,) = re.findall(r"^```\n(def .*?)^```$", page, re.M | re.S)
    assert listing_of(parse_module(example)) == shown
