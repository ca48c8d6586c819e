"""docs/recipes.md runs and prints what it shows; its table has every recipe."""

import contextlib
import inspect
import io
import re
from pathlib import Path

from passes.loop.library import recipes

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()


def test_the_page_prints_what_it_shows():
    ((program, shown),) = re.findall(
        r"^```python\n(.*?)^```$\n\n^```text\n(.*?)^```$", PAGE, re.M | re.S
    )
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "page.py", "exec"), {"__name__": "__main__"})
    assert printed.getvalue().splitlines() == shown.splitlines()


def test_the_table_has_every_recipe():
    found = {
        name
        for name, member in vars(recipes).items()
        if (
            inspect.isfunction(member)
            and member.__module__ == recipes.__name__
            and (member.__doc__ or "").startswith("A ")
        )
        or name == "elementwise"
    }
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M)) == found
