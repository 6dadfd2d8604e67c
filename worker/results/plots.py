"""Plots as inline SVG: matplotlib draws, the page's own style colours. Nothing is loaded from anywhere, nothing is random, no clock is asked.

Rules
1. matplotlib comes with the extra `organise`; it is loaded only when something is drawn.
2. Colours are written as the page's variables, so that a plot follows its light, its dark and its print.
3. Words stay words, in the page's own letters: they can be searched and read aloud.
"""

from __future__ import annotations

import re
from html import escape
from importlib.util import find_spec
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from worker.results.paper import Bars, Lines, Plot, Steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH: Final = 7.4
"""Inches; the page scales it."""
_INKS: Final = {f"#0000{n:02x}": f"var(--c{n})" for n in range(1, 7)} | {
    "#000010": "var(--ink)",
    "#000011": "var(--soft)",
    "#000012": "var(--line)",
    "#000013": "var(--sheet)",
}
"""What is drawn in a colour that nobody would choose, and what the page puts in its place."""
_INK, _SOFT, _LINE, _SHEET = "#000010", "#000011", "#000012", "#000013"
_SERIES: Final = tuple(f"#0000{n:02x}" for n in range(1, 7))
_LOOK: Final = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 10.5,
    "text.color": _INK,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _SOFT,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "path.simplify": True,
    "hatch.linewidth": 0.6,
}


class NoPlots(Exception):
    """matplotlib is not installed; the message says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "The page's plots are drawn by matplotlib, which is not installed here. Install it with: pip install 'revisit[organise]'. "
            "Without --html the command shows the same numbers in the terminal."
        )


def can_draw() -> bool:
    """Whether matplotlib is here."""
    return find_spec("matplotlib") is not None


def svg(plot: Plot, key: str) -> str:
    """The plot as an `<svg>`; `key` keeps its inner names apart from those of other plots on the page. Raises NoPlots."""
    if not can_draw():
        raise NoPlots
    import matplotlib as mpl
    from matplotlib.figure import Figure

    look: Any = {**_LOOK, "svg.hashsalt": key}
    with mpl.rc_context(look):
        figure = Figure(figsize=(WIDTH, _height(plot)), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        axes.tick_params(length=0, pad=6)
        if isinstance(plot, Lines):
            _lines(axes, plot)
        elif isinstance(plot, Steps):
            _steps(axes, plot)
        elif plot.level:
            _level(axes, plot)
        else:
            _bars(axes, plot)
        out = StringIO()
        figure.savefig(
            out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return _inline(out.getvalue(), plot.said, key)


def _height(plot: Plot) -> float:
    if isinstance(plot, Bars) and plot.level:
        return 0.9 + 0.34 * len(plot.labels)
    return 3.2


def _inline(text: str, said: str, key: str) -> str:
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", body, count=1)
    body = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", body, count=1)
    body = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{key}-", body)
    for ink, variable in _INKS.items():
        body = body.replace(ink, variable)
    return body.replace("<svg", f'<svg role="img" aria-label="{escape(said, quote=True)}"', 1).strip()


def _lines(axes: Axes, plot: Lines) -> None:
    across = range(len(plot.labels))
    ends: list[tuple[float, str]] = []
    for (name, values), colour in zip(plot.series, _cycle(len(plot.series)), strict=True):
        axes.plot(across, values, color=colour, linewidth=2)
        ends.append((values[-1], name))
    top = max((value for _, values in plot.series for value in values), default=0) or 1
    place = -1.0
    for value, name in sorted(ends):
        place = max(value / top, place + 0.075)
        axes.annotate(
            f"{name}  {value:,.0f}", (len(plot.labels) - 1, value), (len(plot.labels) - 0.7, place * top), color=_INK, va="center", annotation_clip=False,
        )  # fmt: skip
    axes.set_xlim(0, (len(plot.labels) - 1) * 1.34)
    axes.set_ylim(0, top * 1.06)
    axes.set_xticks(list(across)[::2], plot.labels[::2])
    _quiet(axes)


def _steps(axes: Axes, plot: Steps) -> None:
    days, shares = [0, *(day for day, _ in plot.points)], [0.0, *(value for _, value in plot.points)]
    axes.step(days, shares, where="post", color=_SERIES[0], linewidth=2)
    axes.fill_between(days, shares, step="post", color=_SERIES[0], alpha=0.12, linewidth=0)
    top = max(shares) or 1.0
    for day, words in plot.marks:
        at = max((value for when, value in zip(days, shares, strict=True) if when <= day), default=0.0)
        axes.plot([day, day], [0, at], color=_LINE, linewidth=1, zorder=0)
        axes.plot([day], [at], marker="o", color=_SERIES[0], markersize=5)
        axes.annotate(words, (day, at), (7, -15), textcoords="offset points", ha="left", color=_INK)
    axes.set_ylim(0, min(top * 1.15, 1.05))
    axes.set_xlim(0, max(days) or 1)
    axes.set_xlabel(plot.across)
    _percents(axes)
    _quiet(axes)


def _bars(axes: Axes, plot: Bars) -> None:
    across = range(len(plot.labels))
    base = [0.0] * len(plot.labels)
    for (name, values), colour in zip(plot.series, _cycle(len(plot.series)), strict=True):
        axes.bar(
            across, values, bottom=base, color=colour, width=0.72, label=name, edgecolor=_SHEET, linewidth=0.6
        )
        base = [low + value for low, value in zip(base, values, strict=True)]
    every = max(1, -(-len(plot.labels) // 12))
    axes.set_xticks(list(across)[::every], plot.labels[::every])
    axes.set_ylim(0, (max(base, default=0) or 1) * 1.12)
    if len(plot.labels) <= 13:
        for at, value in zip(across, base, strict=True):
            said = f"{value * 100:.0f} %" if plot.shares else f"{value:,.0f}"
            axes.annotate(said, (at, value), (0, 3), textcoords="offset points", ha="center", color=_SOFT)
    if plot.shares:
        _percents(axes)
    _legend(axes, plot)
    _quiet(axes)


def _level(axes: Axes, plot: Bars) -> None:
    down = range(len(plot.labels))
    base = [0.0] * len(plot.labels)
    for (name, values), colour in zip(plot.series, _cycle(len(plot.series)), strict=True):
        axes.barh(
            down, values, left=base, color=colour, height=0.66, label=name, edgecolor=_SHEET, linewidth=0.6
        )
        base = [low + value for low, value in zip(base, values, strict=True)]
    for at, value in zip(down, base, strict=True):
        said = f"{value * 100:.0f} %" if plot.shares else f"{value:,.0f}"
        axes.annotate(said, (value, at), (5, 0), textcoords="offset points", va="center", color=_SOFT)
    axes.set_yticks(list(down), plot.labels)
    for label in axes.get_yticklabels():
        label.set_color(_INK)
    axes.invert_yaxis()
    axes.set_xlim(0, (max(base, default=0) or 1) * 1.12)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    _legend(axes, plot)


def _legend(axes: Axes, plot: Bars) -> None:
    if len(plot.series) > 1:
        columns = min(len(plot.series), 3)
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False, borderaxespad=0, handlelength=1, columnspacing=1.4,
        )  # fmt: skip


def _percents(axes: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))


def _quiet(axes: Axes) -> None:
    axes.spines["left"].set_visible(False)
    axes.yaxis.grid(visible=True, color=_LINE, linewidth=0.8)
    axes.set_axisbelow(True)


def _cycle(size: int) -> list[Any]:
    return [_SERIES[number % len(_SERIES)] for number in range(size)]
