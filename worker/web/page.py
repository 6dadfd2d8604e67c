"""The pages, drawn: the clinic's overview, and the few small ones that a patient or a person without the password sees.

Everything that is not written in a template is escaped. A page needs no script and loads nothing.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

import phonenumbers
from babel import Locale, UnknownLocaleError
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from worker.service import words
from worker.service.overview import LATELY, Coming, Overview, ToDo
from worker.service.unsubscribing import Link
from worker.web.sentences import CHANNEL, NO_LINK, UNSUBSCRIBE

SHOWN: Final = 8
"""Messages and tasks that are seen without opening anything."""
PREVIEW: Final = 220


def front(seen: Overview) -> str:
    """The clinic's overview."""
    # What is asked for many patients in the same words is read once.
    tasks: dict[tuple[str, str, str], list[ToDo]] = {}
    for task in seen.tasks:
        tasks.setdefault((task.who, task.journey, task.note), []).append(task)
    coming: dict[tuple[datetime, str, str, str], list[Coming]] = {}
    for one in seen.coming:
        coming.setdefault((one.at, one.what, one.journey, one.note), []).append(one)
    about = {
        "o": seen,
        "coming": list(coming.values()),
        "tasks": list(tasks.values()),
        "shown": SHOWN,
        "lately": LATELY.days,
        "channels": words.CHANNELS,
    }
    return _env().get_template("page.html.j2").render(about)


def empty() -> str:
    """Instead of the overview, before anything was published."""
    return _notice(
        "en",
        "Revisit",
        "Nothing is published yet",
        ["Start “revisit run” in the clinic's folder; it publishes the workspace, and this page fills."],
    )


def locked() -> str:
    """Instead of the overview, for one without the password."""
    return _notice(
        "en",
        "Revisit",
        "A password is needed",
        ["This page shows patients' data. Give any user name, and the API token for the password."],
    )


def ask_unsubscribe(link: Link) -> str:
    """One question and one button, in the patient's language; it changes nothing by itself."""
    said, about = UNSUBSCRIBE[_language(link)], _about(link)
    return _notice(
        _language(link),
        link.clinic_name,
        said["ask"].format(**about),
        [said["what"].format(**about), said["care"]],
        button=said["button"],
    )


def unsubscribed(link: Link) -> str:
    """It is done."""
    said, about = UNSUBSCRIBE[_language(link)], _about(link)
    last = said["call"].format(**about) if about["phone"] else said["visit"]
    return _notice(
        _language(link), link.clinic_name, said["done"], [said["stopped"].format(**about), said["care"], last]
    )


def no_such_link() -> str:
    """A link that we have not made, in both languages, since nobody knows whose it is."""
    other, head = NO_LINK["el"], NO_LINK["en"]
    return _notice("en", "Revisit", head[0], [head[1]], also=("el", other[0], other[1]))


def _notice(
    language: str,
    name: str,
    title: str,
    lines: list[str],
    *,
    button: str = "",
    also: tuple[str, str, str] | None = None,
) -> str:
    return (
        _env()
        .get_template("notice.html.j2")
        .render(language=language, name=name, title=title, lines=lines, button=button, also=also)
    )


def _language(link: Link) -> str:
    return link.language if link.language in UNSUBSCRIBE else "en"


def _about(link: Link) -> dict[str, str]:
    return {
        "clinic": link.clinic_name,
        "phone": _phone(link.clinic_phone),
        "by": CHANNEL[_language(link)].get(link.channel, link.channel),
    }


def _phone(number: str) -> str:
    try:
        return phonenumbers.format_number(
            phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL
        )
    except phonenumbers.NumberParseException:
        return number


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
