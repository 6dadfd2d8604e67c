"""The clinic's overview, drawn, and the small page that stands in its place. What a patient sees is in notices.py.

Everything that is not written in a template is escaped. A page needs no script and loads nothing.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from worker.service import words
from worker.service.needs import ToDo
from worker.service.overview import LATELY, Coming, Overview

SHOWN: Final = 8
"""Messages and tasks that are seen without opening anything."""
REASONS: Final = 12
"""Reasons why journeys were not begun, the same way."""
PREVIEW: Final = 220


def front(seen: Overview) -> str:
    """The clinic's overview."""
    # What is asked for many patients in the same words is read once.
    tasks: dict[tuple[object, ...], list[ToDo]] = {}
    for task in seen.tasks:
        same = (task.who, task.journey, task.note, task.kind, task.urgent, task.said)
        tasks.setdefault(same, []).append(task)
    coming: dict[tuple[datetime, str, str, str], list[Coming]] = {}
    for one in seen.coming:
        coming.setdefault((one.at, one.what, one.journey, one.note), []).append(one)
    about = {
        "o": seen,
        "coming": list(coming.values()),
        "tasks": [group for group in tasks.values() if not group[0].urgent],
        "urgent": [group for group in tasks.values() if group[0].urgent],
        "lost_track": [one for one in seen.needs.doubts if not one.searching],
        "searching": [one for one in seen.needs.doubts if one.searching],
        "stopped": {one.name for one in seen.needs.paused},
        "reported": any(line.lost or line.states.get("delivered") for line in seen.journeys),
        "shown": SHOWN,
        "reasons": REASONS,
        "lately": LATELY.days,
        "channels": words.CHANNELS,
    }
    return _env().get_template("page.html.j2").render(about)


def empty() -> str:
    """Instead of the overview, before anything was published."""
    return notice(
        "en",
        "Revisit",
        "Nothing is published yet",
        ["Start “revisit run” in the clinic's folder; it publishes the workspace, and this page fills."],
    )


def locked() -> str:
    """Instead of the overview, for one without the password."""
    return notice(
        "en",
        "Revisit",
        "A password is needed",
        ["This page shows patients' data. Give any user name, and the API token for the password."],
    )


def notice(language: str, name: str, title: str, lines: list[str], **more: Any) -> str:
    """A small page: who speaks, what about, a few lines; `more` is what notice.html.j2 knows besides."""
    about = {"language": language, "name": name, "title": title, "lines": lines}
    nothing: dict[str, Any] = {"also": None, "buttons": [], "onward": None}
    return (
        _env().get_template(str(more.pop("template", "notice.html.j2"))).render({**about, **nothing, **more})
    )


@lru_cache(maxsize=1)
def _env() -> Environment:
    env = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(default=True, default_for_string=True), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    env.filters |= {
        "day": day,
        "clock": clock,
        "number": number,
        "share": share,
        "language": language_name,
        "preview": preview,
        "count": count,
    }
    return env


def day(moment: datetime, now: datetime, inside: bool = False) -> str:
    """`Today`, `Tomorrow`, `Yesterday` (`inside` a sentence with small letters), else `Tue 17 Nov`, with the year where it is another."""
    apart = (moment.date() - now.date()).days
    if apart in (-1, 0, 1):
        word = ("Today", "Tomorrow", "Yesterday")[apart]
        return word.lower() if inside else word
    year = "" if moment.year == now.year else f" {moment.year}"
    return f"{moment:%a} {moment.day} {moment:%b}{year}"


def clock(moment: datetime) -> str:
    """`10:00`."""
    return f"{moment:%H:%M}"


def number(value: int) -> str:
    """`2,016`."""
    return f"{value:,}"


def count(value: int, one: str, many: str = "") -> str:
    """`1 message`, `2 messages`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def share(value: float) -> str:
    """`12%`; what is little but not nothing is `under 1%`."""
    return "under 1%" if 0 < value < 0.01 else f"{value:.0%}"


def language_name(code: str) -> str:
    """`el` is `Greek`."""
    try:
        return Locale.parse(code.replace("-", "_")).get_language_name("en") or code
    except (ValueError, UnknownLocaleError):
        return code


def preview(text: str) -> str:
    """The beginning of an e-mail's text, without its headline."""
    lines = text.splitlines()
    if len(lines) > 1 and lines[1] and not lines[1].strip("-="):
        lines = lines[2:]
    joined = " ".join(line.strip() for line in lines if line.strip())
    return joined if len(joined) <= PREVIEW else joined[:PREVIEW].rsplit(" ", 1)[0] + " …"
