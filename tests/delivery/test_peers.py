"""Behaviour cases that other tools for such messages hold, or get wrong: here those that the database, the dispatch or a publication decide, on both databases.

The others, and which are not here and why, are in tests/domain/test_peers.py. Times are UTC; 2026-03-03 is a Tuesday.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import select

from tests.delivery.live import Live, running
from worker.service.accepting import accept
from worker.service.publishing import publish
from worker.store import schema
from worker.store.engine import read

NOON = datetime(2026, 3, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)
FILES = {
    "config/clinic.yaml": "name: C\ntimezone: Europe/Athens\ncountry: GR\nmode: live\n",
    "config/segments.yaml": (
        "lifecycle: [{prospect: {visits: none}}, {inactive: {last_visit: at least 6 months ago}}, {patient: otherwise}]\n"
        "segments:\n  keen: {visits: at least 1}\n"
    ),
    "config/policy.yaml": "{}\n",
    "config/channels.yaml": 'sms: {provider: twilio, from: "+15005550006"}\n',
    "templates/hello.sms.en.j2": "Hello from {{ clinic.name }}\n",
}
SEND = "{id: hello, send: sms, template: hello}"
LATER = "{id: later, wait: 1 day, send: sms, template: hello}"


def journey(start: str, *steps: str, **more: str) -> dict[str, str]:
    """The one journey of a workspace."""
    top = "".join(f"{key}: {value}\n" for key, value in more.items())
    listed = "".join(f"  - {step}\n" for step in steps)
    return {"journeys/j.yaml": f"journey: j\nstart: {start}\nexpires: 3 days\n{top}steps:\n{listed}"}


class Clinic(Live):
    """A running clinic whose time the test moves, and its provider."""

    told = 0

    def publish(self, files: dict[str, str]) -> None:
        publish(self.house, {**FILES, **files})
        self.work()

    def tell(self, kind: str, patient: str = "p-1", *, named: str = "", times: int = 1, **data: Any) -> None:
        """An event of this moment, told `times` over."""
        self.told += 1
        person = {"phone": f"+3069000000{int(patient[2:]):02}", "consent": {"sms": ["marketing", "care"]}}
        event = {
            "specversion": "1.0", "id": named or f"e-{self.told}", "source": "/t", "type": kind, "subject": patient, "time": self.now.isoformat(),
            "data": {"patient": person, **data},
        }  # fmt: skip
        for _ in range(times):
            taken = accept(self.house, "default", [event], "test")
            assert not taken.rejected
            self.jobs += taken.jobs
        self.work()

    def visit(self, patient: str = "p-1", a: str = "a-1") -> None:
        self.tell("visit.completed", patient, appointment_id=a, starts_at=self.now.isoformat())

    def booking(self, a: str, **more: Any) -> None:
        self.tell("booking.created", appointment_id=a, starts_at=(self.now + 9 * DAY).isoformat(), **more)

    def let_pass(self, span: timedelta) -> None:
        self.until(self.now + span)
        self.work()

    @property
    def texts(self) -> list[str]:
        """The telephones written to, in order."""
        return [sms.to for sms in self.provider.messages]

    def rows(self, table: str, *names: str) -> list[tuple[Any, ...]]:
        columns = schema.metadata.tables[table].c
        with read(self.house.engine) as conn:
            asked = select(*(columns[name] for name in names))
            return sorted(tuple(row) for row in conn.execute(asked))


@pytest.fixture
def clinic(database_url: str, tmp_path: Path) -> Iterator[Clinic]:
    with running(Clinic, database_url, tmp_path, NOON) as found:
        yield found


def test_peer_01_the_same_booking_twice_is_one_send(clinic: Clinic) -> None:
    """Given a journey for each booking, when the same booking arrives twice, in one batch, posted again, or told under another id, there is one send."""
    clinic.publish(journey("{event: booking.created}", SEND, one_per="appointment", purpose="care"))
    clinic.booking("b-1", named="same", times=3)
    clinic.booking("b-1", named="same")
    clinic.let_pass(DAY)
    clinic.booking("b-1", named="other", version=2)
    clinic.let_pass(2 * DAY)
    assert len(clinic.texts) == 1
    assert clinic.rows("enrollments", "appointment", "outcome") == [("b-1", "finished")]
    clinic.booking("b-2")
    assert len(clinic.texts) == 2, "another booking is another send"


def test_peer_12_after_an_edit_an_ex_member_leaves_and_the_next_event_qualifies_her_anew(
    clinic: Clinic,
) -> None:
    """Given a member, when the published definition is edited so that she is none, she leaves without anything being sent; the next event that fits the new
    definition makes her a member again, and the journey starts."""

    def moves() -> list[tuple[Any, ...]]:
        told = clinic.rows("transitions", "id", "segment", "change", "cause", "silent")
        return [row[2:] for row in told if row[1] == "keen"]

    entered, left = ("entered", "event", False), ("left", "rules", True)
    text = journey("{enters: keen}", SEND, repeat="always")
    clinic.publish(text)
    clinic.visit()
    assert len(clinic.texts) == 1
    clinic.let_pass(DAY)
    edited = FILES["config/segments.yaml"].replace("at least 1}", "at least 2}")
    clinic.publish({**text, "config/segments.yaml": edited})
    clinic.let_pass(10 * DAY)
    assert len(clinic.texts) == 1
    assert moves() == [entered, left], "nothing had to happen to her"
    clinic.visit(a="a-2")
    assert len(clinic.texts) == 2
    assert moves() == [entered, left, entered]


def test_peer_13_members_are_told_once_across_recomputes(clinic: Clinic) -> None:
    """Given members, when a journey is published, each is told once however often everything is computed anew: an announcement whose days are ahead reaches them
    all on the first, one whose days have begun and a journey of those who `enter` none of them."""
    clinic.publish({})
    for number in (1, 2, 3):
        clinic.visit(f"p-{number}", f"a-{number}")
    tomorrow = (NOON + DAY).date()
    news = journey(f"{{date: {{from: {tomorrow}, until: 2026-03-31}}, if: {{in: [keen]}}}}", SEND)
    begun = journey("{date: {from: 2026-03-01, until: 2026-03-31}, if: {in: [keen]}}", SEND)
    enters = {
        f"journeys/{name}.yaml": text["journeys/j.yaml"].replace("journey: j", f"journey: {name}")
        for name, text in {"e": journey("{enters: keen}", SEND), "begun": begun}.items()
    }
    clinic.publish({**news, **enters})
    assert clinic.texts == []
    for edit in range(3):
        edited = news["journeys/j.yaml"].replace("expires: 3", f"expires: {5 + edit}")
        clinic.let_pass(DAY)
        clinic.publish({**enters, "journeys/j.yaml": edited})
        clinic.visit("p-1", f"b-{edit}")
    clinic.let_pass(10 * DAY)
    assert sorted(clinic.texts) == [f"+30690000000{number}" for number in (1, 2, 3)]
    assert clinic.rows("enrollments", "journey", "patient_id") == [
        ("j", f"p-{number}") for number in (1, 2, 3)
    ]


def test_peer_17_while_a_journey_is_paused_nothing_leaves_and_afterwards_the_rest_does_once(
    clinic: Clinic,
) -> None:
    """Given messages and steps on their way, when the journey is paused, nothing leaves; when it is resumed, each of the rest leaves exactly once."""
    live = journey("{event: visit.completed}", SEND, LATER)
    night = {"config/policy.yaml": 'quiet_hours: {marketing: "19:00 - 10:00"}\n'}
    clinic.publish({**live, **night})
    for number in (1, 2, 3):
        clinic.visit(f"p-{number}", f"a-{number}")
    clinic.let_pass(timedelta(hours=12))
    clinic.visit("p-4", "a-4")  # its message waits for ten in the morning
    paused = {"journeys/j.yaml": live["journeys/j.yaml"] + "status: paused\n"}
    before = len(clinic.texts)
    assert before == 3
    clinic.publish({**paused, **night})
    clinic.let_pass(2 * DAY)
    assert len(clinic.texts) == before
    clinic.publish({**live, **night})
    clinic.let_pass(5 * DAY)
    assert sorted(clinic.texts) == sorted([f"+30690000000{number}" for number in (1, 2, 3, 4)] * 2)
    assert {outcome for (outcome,) in clinic.rows("enrollments", "outcome")} == {"finished"}


def test_peer_21_of_a_journey_that_is_unpublished_what_is_due_does_not_run_and_stays(clinic: Clinic) -> None:
    """Given a step and a message that are due, when the journey is unpublished, neither runs, both stay as they are, and nothing fails; published again in time,
    they go on."""
    text = journey("{event: visit.completed}", SEND, LATER)
    night = {"config/policy.yaml": 'quiet_hours: {marketing: "19:00 - 10:00"}\n'}
    clinic.publish({**text, **night})
    clinic.visit("p-1", "a-1")
    clinic.let_pass(timedelta(hours=10))
    clinic.visit("p-2", "a-2")
    stands = [("p-1", "later", None), ("p-2", "hello", None)]
    waits = [("p-1", "hello", "sent"), ("p-2", "hello", "scheduled")]
    clinic.publish(night)
    clinic.let_pass(DAY)
    assert clinic.texts == ["+306900000001"]
    assert clinic.rows("enrollments", "patient_id", "position", "outcome") == stands
    assert clinic.rows("messages", "patient_id", "step", "state") == waits
    assert not clinic.rows("quarantine", "id")
    assert {state for (state,) in clinic.rows("events", "state")} == {"done"}
    clinic.publish({**text, **night})
    clinic.let_pass(3 * DAY)
    assert sorted(clinic.texts) == ["+306900000001"] * 2 + ["+306900000002"] * 2


def test_peer_25_a_pending_send_goes_when_the_patient_leaves(clinic: Clinic) -> None:
    """Given a message that waits for the morning, when the patient leaves what the journey is about, the row is dropped and the provider hears nothing."""
    text = journey("{enters: inactive}", SEND, stop_if="{not_in: [inactive]}")
    night = {"config/policy.yaml": 'quiet_hours: {marketing: "19:00 - 10:00"}\n'}
    clinic.publish({**text, **night})
    for patient in ("p-1", "p-2"):
        clinic.visit(patient, f"a-{patient}")
    clinic.until(datetime(2026, 9, 3, 4, tzinfo=UTC))
    clinic.work()
    assert clinic.rows("messages", "patient_id", "state") == [("p-1", "scheduled"), ("p-2", "scheduled")]
    clinic.visit("p-1", "b-1")
    assert clinic.rows("messages", "patient_id", "state", "reason") == [
        ("p-1", "dropped", "stopped"),
        ("p-2", "scheduled", ""),
    ]
    clinic.let_pass(DAY)
    assert clinic.texts == ["+306900000002"]


CASES: Final = {
    1: test_peer_01_the_same_booking_twice_is_one_send,
    12: test_peer_12_after_an_edit_an_ex_member_leaves_and_the_next_event_qualifies_her_anew,
    13: test_peer_13_members_are_told_once_across_recomputes,
    17: test_peer_17_while_a_journey_is_paused_nothing_leaves_and_afterwards_the_rest_does_once,
    21: test_peer_21_of_a_journey_that_is_unpublished_what_is_due_does_not_run_and_stays,
    25: test_peer_25_a_pending_send_goes_when_the_patient_leaves,
}
