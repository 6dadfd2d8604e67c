"""The clinic of the acceptance tests: a small workspace, its people, and the events that its book tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.leaks import WATCH
from tests.lifecycle import LIFECYCLE

ATHENS = ZoneInfo("Europe/Athens")
SOURCE = "/clinic/athens/book"
Raw = dict[str, Any]

FILES: Mapping[str, str] = {
    "config/clinic.yaml": """\
id: default
name: Test Clinic
timezone: Europe/Athens
country: GR
language: en
languages: [en, el]
mode: live
currency: EUR
phone: "+302100000000"
address: 1 Test Street, Athens
booking_url: https://clinic.example.com/book
""",
    "config/services.yaml": """\
services:
  LHR: {name: Laser hair removal, family: laser_hair, area: body}
  HYD: {name: Hydra facial, family: hydra_facial, area: face}
""",
    "config/segments.yaml": f"""\
{LIFECYCLE}segments:
  body_history: {{title: Has had a body treatment, areas: [body]}}
""",
    "config/policy.yaml": """\
quiet_hours: {marketing: 19:00 - 10:00, care: 21:00 - 08:00}
frequency_caps: {marketing: [1 per 7 days]}
feed: {live_window: 7 days}
""",
    "config/channels.yaml": """\
sms: {provider: twilio, from: "+15005550006"}
email: {provider: sendgrid, from: hello@clinic.example.com}
""",
    # Two weeks after the first visit, unless the patient comes back first.
    "journeys/second_visit.yaml": """\
journey: second_visit
purpose: marketing
start:
  enters: new
  if: {next_booking: none}
goal: {any_of: [booking.created, visit.completed], within: 60 days}
steps:
  - id: plan
    wait: 14 days
    send: [sms, email]
    template: second_visit/plan
""",
    # At the midnight at which half a year has passed.
    "journeys/win_back.yaml": """\
journey: win_back
purpose: marketing
start:
  enters: inactive_6
  if: {next_booking: none}
goal: {any_of: [booking.created, visit.completed], within: 60 days}
steps:
  - id: hello
    send: [sms, email]
    template: win_back/hello
""",
    # At once after a facial.
    "journeys/thanks.yaml": """\
journey: thanks
purpose: care
start:
  event: {visit.completed: {families: [hydra_facial]}}
repeat: always
steps:
  - id: thanks
    send: [sms, email]
    template: thanks/thanks
""",
    "templates/second_visit/plan.sms.en.j2": "Hello {{ first_name or 'there' }}, shall we plan your next visit? {{ clinic.booking_url }}\n",
    "templates/second_visit/plan.sms.el.j2": "Γεια σας {{ first_name or '' }}, να κλείσουμε το επόμενο ραντεβού; {{ clinic.booking_url }}\n",
    "templates/second_visit/plan.email.en.md": "---\nsubject: Your next visit\n---\nHello {{ first_name or 'there' }}, shall we plan your next visit?\n",
    "templates/second_visit/plan.email.el.md": "---\nsubject: Το επόμενο ραντεβού σας\n---\nΓεια σας {{ first_name or '' }}, να κλείσουμε το επόμενο ραντεβού;\n",
    "templates/win_back/hello.sms.en.j2": "Hello {{ first_name or 'there' }}, it has been a while.\n",
    "templates/win_back/hello.email.en.md": "---\nsubject: It has been a while\n---\nHello {{ first_name or 'there' }}.\n",
    "templates/thanks/thanks.sms.en.j2": "Thank you for coming, {{ first_name or 'dear patient' }}.\n",
    "templates/thanks/thanks.email.en.md": "---\nsubject: Thank you\n---\nThank you for coming, {{ first_name or 'dear patient' }}.\n",
}


def workspace(folder: Path, files: Mapping[str, str] = FILES) -> Path:
    """Write a workspace."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def athens(
    month: int, day: int, hour: int = 12, minute: int = 0, second: int = 0, *, year: int = 2026
) -> datetime:
    """A moment on the clinic's clock."""
    return datetime(year, month, day, hour, minute, second, tzinfo=ATHENS)


@dataclass(frozen=True)
class Person:
    """A patient with an address of every kind, who allows everything on `channels`."""

    id: str
    phone: str
    email: str
    first_name: str = "Eleni"
    language: str = "en"
    channels: tuple[str, ...] = ("sms", "email")

    @property
    def record(self) -> Raw:
        """`data.patient` of an event."""
        allowed = {name: ["marketing", "care"] if name in self.channels else [] for name in ("sms", "email")}
        names = ("first_name", "phone", "email", "language")
        return {**{name: getattr(self, name) for name in names}, "consent": allowed}


_numbers: Iterator[int] = count(1)


def person(**about: Any) -> Person:
    """Somebody whom no other test knows."""
    number = next(_numbers)
    blank: Raw = {
        "id": f"p-{number}",
        "phone": f"+3069{number:08}",
        "email": f"patient{number}@mail.example.com",
    }
    found = Person(**{**blank, **about})
    WATCH.person(found.first_name)
    return found


def tell(kind: str, who: Person, at: datetime, key: str, **data: Any) -> Raw:
    """An event as the clinic's book sends it; `key` makes its id."""
    return {
        "specversion": "1.0", "id": f"{who.id}/{key}", "source": SOURCE, "type": kind, "subject": who.id,
        "time": at.astimezone(UTC).isoformat(), "data": data,
    }  # fmt: skip


def visit(
    who: Person,
    at: datetime,
    key: str = "visit",
    *,
    code: str = "LHR",
    event_time: datetime | None = None,
    **data: Any,
) -> Raw:
    """A completed visit at `at`, told then or at `event_time`, with the patient's record. `key` names the appointment."""
    told = {
        "appointment_id": f"{who.id}/{key}",
        "starts_at": at.isoformat(),
        "services": [{"code": code}],
        "patient": who.record,
    }
    return tell(
        "visit.completed", who, event_time or at, f"{key}-done" if event_time else key, **{**told, **data}
    )


def booking(
    who: Person,
    at: datetime,
    starts: datetime,
    key: str = "booking",
    *,
    kind: str = "created",
    event: str = "",
    **data: Any,
) -> Raw:
    """A booking, made or changed at `at`. `key` names the appointment, `event` the event where there are several of one appointment."""
    told: Raw = {"appointment_id": f"{who.id}/{key}", "starts_at": starts.isoformat()}
    return tell(f"booking.{kind}", who, at, event or key, **{**told, **data})
