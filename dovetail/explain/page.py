"""A report as one page of HTML, which needs no server and loads nothing.

The summary stands in the page as JSON. The texts of each function are compressed by themselves,
and the page unpacks them when they are looked at.
"""

import gzip
import json
from base64 import b64encode
from html import escape
from importlib.resources import files
from string import Template

from dovetail.explain.data import function_data, summary
from dovetail.explain.report import Report
from dovetail.explain.text import in_order

NETWORK = " network"
"""The key of the network's texts: no kernel has a blank in its name."""


def page(report: Report) -> str:
    """The page."""
    nodes = {name: i for i, name in enumerate(report.nodes)}
    functions = {
        kernel.name: packed(function_data(kernel.versions, nodes, kernel))
        for kernel in in_order(report)
    }
    if report.network:
        functions[NETWORK] = packed(function_data(report.network, nodes))
    return Template(part("page.html")).substitute(
        title=escape(f"{report.model}: what became of it"),
        style=part("page.css"),
        script=part("page.js"),
        summary=in_script(summary(report)),
        functions=in_script(functions),
    )


def part(name: str) -> str:
    """A file of the page."""
    return files("dovetail.explain").joinpath(name).read_text(encoding="utf-8")


def in_script(data: object) -> str:
    """JSON that may stand in a script element."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def packed(data: object) -> str:
    """JSON, compressed, as text."""
    text = json.dumps(data, separators=(",", ":"))
    return b64encode(gzip.compress(text.encode(), mtime=0)).decode()
