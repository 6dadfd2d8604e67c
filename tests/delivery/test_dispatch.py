"""One message on its way out, on both databases, against the strict stand-ins of the providers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN, TwilioStandin
from worker.delivery.dispatch import LEASE, dispatch, give_up
from worker.delivery.senders import Channels, Credentials
from worker.service.accepting import accept
from worker.service.folding import fold
from worker.service.publishing import publish
from worker.service.sweeping import sweep
from worker.store import look, outbox
from worker.store.engine import make_engine, read
from worker.store.migrate import upgrade
from worker.workspace.house import House

NOON = datetime(2026, 3, 3, 10, tzinfo=UTC)
FILES = {
    "config/clinic.yaml": "name: C\ntimezone: Europe/Athens\ncountry: GR\nmode: live\n",
    "config/segments.yaml": "lifecycle: [{prospect: {visits: none}}, {patient: otherwise}]\n",
    "config/policy.yaml": "frequency_caps: {marketing: [1 per 7 days]}\n",
    "config/channels.yaml": 'sms: {provider: twilio, from: "+15005550006"}\n',
    "templates/hello.sms.en.j2": "Hello {{ first_name or 'there' }}, {{ clinic.name }}\n",
    "journeys/hello.yaml": (
        "journey: hello\nstart: {event: visit.completed}\nrepeat: always\nexpires: 3 days\n"
        "steps:\n  - {id: hello, send: sms, template: hello}\n"
    ),
}


@dataclass
class Desk:
    """A clinic whose time stands still unless told otherwise, and its provider."""

    house: House
    channels: Channels
    provider: TwilioStandin
    now: datetime = NOON

    def tell(
        self, kind: str, number: int, *, subject: str = "p-1", folded: bool = True, **data: Any
    ) -> list[str]:
        """Post one event; returns the ids of the messages that may leave."""
        event = {
            "specversion": "1.0", "id": f"e-{number}", "source": "/t", "type": kind, "subject": subject, "time": self.now.isoformat(), "data": data,
        }  # fmt: skip
        taken = accept(self.house, "default", [event], "test")
        assert not taken.rejected
        if not folded:
            return []
        jobs = [
            job for one in taken.jobs for job in fold(self.house, "default", [int(key) for key in one.ids])
        ]
        return [key for job in jobs for key in job.ids]

    def visit(self, number: int, patient: str = "p-1", phone: str = "+306900000001") -> str:
        person = {"first_name": "Maria", "phone": phone, "consent": {"sms": ["marketing"]}}
        at = self.now.isoformat()
        (key,) = self.tell(
            "visit.completed",
            number,
            subject=patient,
            appointment_id=f"a-{number}",
            starts_at=at,
            patient=person,
        )
        return key

    def send(self, key: str) -> None:
        dispatch(self.house, self.channels, "default", key)

    def row(self, key: str) -> outbox.Row:
        with read(self.house.engine) as conn:
            return outbox.get(conn, "default", [key])[0]

    def state(self, key: str) -> tuple[str, str]:
        message = self.row(key).message
        return message.state, message.reason


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    engine = make_engine(database_url)
    upgrade(engine)
    with TwilioStandin() as provider:
        credentials = Credentials(ACCOUNT_SID, AUTH_TOKEN, provider.url)
        channels = Channels(credentials, tmp_path / "outbox")
        found = Desk(House(engine, "secret", "http://127.0.0.1:8000"), channels, provider)
        found.house.wall = lambda: found.now
        publish(found.house, FILES)
        yield found
        channels.close()
    engine.dispose()


def test_a_message_leaves_once_however_often_it_is_dispatched(desk: Desk) -> None:
    key = desk.visit(1)
    for _ in range(3):
        desk.send(key)
    assert [sms.body for sms in desk.provider.messages] == ["Hello Maria, C"]
    assert desk.state(key) == ("sent", "")
    assert desk.row(key).provider_id == desk.provider.messages[0].sid


def test_two_workers_at_once_send_it_once(desk: Desk) -> None:
    key = desk.visit(1)
    threads = [threading.Thread(target=desk.send, args=(key,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.provider.messages) == 1


def test_nothing_leaves_while_something_of_the_patient_waits_to_be_folded(desk: Desk) -> None:
    key = desk.visit(1)
    desk.tell("consent.revoked", 2, folded=False, channel="sms", purpose="marketing", basis="verbal")
    desk.send(key)
    assert desk.state(key) == ("scheduled", "")
    desk.now += timedelta(minutes=1)
    for job in sweep(desk.house).jobs:
        if job.kind == "fold":
            fold(desk.house, "default", [int(one) for one in job.ids])
    desk.send(key)
    assert desk.state(key) == ("dropped", "no_consent")
    assert not desk.provider.messages


def test_a_hang_up_after_the_request_is_unknown_and_never_sent_again(desk: Desk) -> None:
    desk.provider.script(["hangup_after"])
    key = desk.visit(1)
    desk.send(key)
    assert desk.state(key)[0] == "unknown"
    desk.now += timedelta(hours=2)
    assert not [job for job in sweep(desk.house).jobs if job.kind == "dispatch"]
    desk.send(key)
    assert len(desk.provider.messages) == 1


def test_a_provider_that_asks_for_patience_is_asked_again(desk: Desk) -> None:
    desk.provider.script(["429"])
    key = desk.visit(1)
    desk.send(key)
    state, _ = desk.state(key)
    assert state == "scheduled"
    assert desk.row(key).message.due_at > desk.now
    assert not desk.provider.messages
    desk.now = desk.row(key).message.due_at
    desk.send(key)
    assert desk.state(key) == ("sent", "")
    assert len(desk.provider.messages) == 1


def test_a_number_that_opted_out_at_the_carrier_is_suppressed(desk: Desk) -> None:
    desk.provider.script([("error", 21610)])
    first = desk.visit(1)
    desk.send(first)
    assert desk.state(first)[0] == "failed"
    desk.now += timedelta(days=30)
    second = desk.visit(2)
    desk.send(second)
    assert desk.state(second) == ("dropped", "suppressed")
    assert not desk.provider.messages


def test_a_claim_that_nobody_finished_becomes_unknown_after_its_lease(desk: Desk) -> None:
    key = desk.visit(1)
    with desk.house.engine.begin() as conn:
        assert outbox.claim(conn, "default", key, desk.now, desk.now + LEASE, "sms", "+306900000001")
    assert not sweep(desk.house).due
    desk.now += LEASE + timedelta(seconds=1)
    assert sweep(desk.house).due == 1
    assert desk.state(key) == ("unknown", "lease")
    assert give_up(desk.house, "default", key) == []
    desk.send(key)
    assert not desk.provider.messages


def test_two_patients_with_one_phone_do_not_both_take_the_last_place(desk: Desk) -> None:
    keys = [desk.visit(1, "p-1"), desk.visit(2, "p-2")]
    threads = [threading.Thread(target=desk.send, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.provider.messages) == 1
    assert sorted(desk.state(key) for key in keys) == [("scheduled", "cap"), ("sent", "")]
    with read(desk.house.engine) as conn:
        whys = [trace.why for patient in ("p-1", "p-2") for trace in look.traces_of(conn, "default", patient)]
    assert "no more than 1 per 1 week to one address" in whys


def test_a_text_that_cannot_be_written_is_dropped_and_says_so(desk: Desk) -> None:
    key = desk.visit(1)
    files = {path: text for path, text in FILES.items() if not path.startswith(("templates/", "journeys/"))}
    other = FILES["journeys/hello.yaml"].replace("template: hello", "template: other")
    publish(desk.house, {**files, "journeys/hello.yaml": other, "templates/other.sms.en.j2": "Hi\n"})
    desk.send(key)
    assert desk.state(key) == ("dropped", "template")
