"""A paper as one HTML file that loads nothing and runs nothing: to be sent, opened anywhere, and printed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from worker.results.paper import Paper, Plot
from worker.results.plots import svg


def page(paper: Paper) -> str:
    """The paper's page. Raises NoPlots where a plot can't be drawn here."""
    return _env().get_template("paper.html.j2").render(p=paper, draw=_draw)


def _draw(plot: Plot, key: str) -> Markup:
    # matplotlib escapes the words that it writes.
    return Markup(svg(plot, key))  # noqa: S704


@lru_cache(maxsize=1)
def _env() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(default=True, default_for_string=True), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
