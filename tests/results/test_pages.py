"""Plots and pages: whatever is drawn, it stands for itself, loads nothing, and shows words as they are."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from tests.domain.build import booking, event, visit, willing
from tests.results.test_audit import audit
from worker.domain.events import Event
from worker.results.paper import UNKNOWN, Bars, Grid, Lines, Paper, Plot, Section, Steps, share
from worker.results.plots import svg
from worker.service.audit_paper import paper
from worker.web.papers import page

HOSTILE = "<script>alert(1)</script> $\\frac{$ & \"q\" 'a' {{ 7 * 7 }}"
PLOTS: tuple[Plot, ...] = (
    Lines("lines", ("a", "b"), (("one", (1, 2)), ("two", (1, 2.01)), (HOSTILE, (0, 0)))),
    Lines("nothing", ("a", "b"), (("one", (0, 0)),)),
    Steps("steps", ((1, 0.2), (30, 0.5)), "days", ((30, "30 days"),)),
    Steps("nobody came", (), "days"),
    Bars("bars", ("a", "b"), (("one", (1, 0)), ("two", (2, 3))), shares=False),
    Bars("shares", tuple("abcdefghijklmnop"), (("one", tuple(n / 20 for n in range(16))),), shares=True),
    Bars("level", (HOSTILE, "b"), (("one", (0, 0)), (HOSTILE, (0, 0))), level=True),
)


class Text(HTMLParser):
    """The words of a page, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(html: str) -> Text:
    found = Text()
    found.feed(html)
    return found


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.said)
def test_a_plot_is_one_svg_in_the_colours_of_its_page(plot: Plot) -> None:
    drawn = svg(plot, "k")
    root = ET.fromstring(drawn)
    assert root.tag.endswith("svg")
    assert root.attrib["aria-label"] == plot.said
    assert "width" not in root.attrib
    assert "#0000" not in drawn
    assert "var(--" in drawn
    assert svg(plot, "k") == drawn


def test_words_in_a_plot_are_words_and_nothing_else() -> None:
    root = ET.fromstring(svg(PLOTS[-1], "k"))
    assert HOSTILE in {"".join(one.itertext()).strip() for one in root.iter() if one.tag.endswith("text")}
    assert not any(one.tag.endswith("script") for one in root.iter())


def test_a_page_shows_hostile_names_as_they_are_written() -> None:
    odd = visit("2026-05-02", services=[{"code": HOSTILE, "family": HOSTILE}])
    seen = audit([[willing(), odd], [willing(subject="p-2"), visit("2026-05-03")]])
    found = read(page(paper(seen)))
    assert "script" not in found.tags
    assert any(HOSTILE in word for word in found.words)


@pytest.mark.parametrize(
    "patients",
    [
        [],
        [[visit("2026-01-05"), event("patient.erased", "2026-02-01")]],
        [[willing()]],
        [[willing(), visit("2026-06-15 09:00")]],
        [[willing(), booking("2026-07-01", "a-1", told="2026-06-01")]],
        [[willing(), visit("2026-06-01", net=-5000)]],
    ],
    ids=["nobody", "all forgotten", "never came", "came today", "only booked", "gave money back"],
)
def test_the_smallest_clinics_have_a_page(patients: list[list[Event]]) -> None:
    found = read(page(paper(audit(patients))))
    assert found.tags.count("h1") == 1
    assert len(found.ids) == len(set(found.ids))
    assert not any("nan" in word or "None" in word for word in found.words)


def test_every_plot_stands_with_a_table() -> None:
    told = [[willing(), visit("2025-03-02"), visit("2025-06-02", "a-2"), visit("2026-05-02", "a-3")]]
    drawn = paper(audit(told))
    assert any(section.plots for section in drawn.sections)
    assert all(section.grids for section in drawn.sections if section.plots)


def test_a_paper_that_wants_signing_has_its_lines() -> None:
    at = audit([]).now
    one = Paper("Clinic", "Title", at, ("Said.",), (), (Section("a", "A", grids=(Grid(("x",), (("y",),)),)),), sign=("Name, date",))  # fmt: skip
    assert "For signature" in read(page(one)).words
    assert "Name, date" in " ".join(read(page(one)).words)


@pytest.mark.parametrize(
    ("value", "words"), [(None, UNKNOWN), (0, "0 %"), (0.004, "0.4 %"), (0.0994, "9.9 %"), (0.0996, "10 %"), (1, "100 %")]
)  # fmt: skip
def test_a_share_is_said_as_exactly_as_people_read_it(value: float | None, words: str) -> None:
    assert share(value) == words
