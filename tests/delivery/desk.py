"""A clinic whose time stands still unless told otherwise, and its provider: for tests of one message's way out."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN, TwilioStandin
from tests.traces import traces_of
from worker.delivery.dispatch import dispatch
from worker.delivery.reconcile import reconcile
from worker.delivery.senders import Channels, Credentials
from worker.domain.history import Trace
from worker.service.accepting import accept
from worker.service.folding import fold
from worker.service.publishing import publish
from worker.service.sweeping import sweep
from worker.store import outbox
from worker.store.engine import make_engine, read
from worker.store.migrate import upgrade
from worker.store.schema import tasks
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

    def send_at_once(self, keys: Sequence[str]) -> None:
        """Each from a thread of its own."""
        threads = [threading.Thread(target=self.send, args=(key,)) for key in keys]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def turn(self, seconds: float = 0) -> None:
        """Let so much time pass, then do once what the sweep finds."""
        self.now += timedelta(seconds=seconds)
        for job in sweep(self.house).jobs:
            for key in job.ids:
                if job.kind == "reconcile":
                    for due in reconcile(self.house, self.channels, "default", key):
                        self.send(due)
                elif job.kind == "dispatch":
                    self.send(key)
                elif job.kind == "fold":
                    fold(self.house, "default", [int(key)])

    def traces(self, patient: str = "p-1") -> list[Trace]:
        with read(self.house.engine) as conn:
            return traces_of(conn, "default", patient)

    def tasks(self) -> list[Any]:
        with read(self.house.engine) as conn:
            return list(
                conn.execute(select(tasks).where(tasks.c.kind != "journey").order_by(tasks.c.id)).all()
            )

    def row(self, key: str) -> outbox.Row:
        with read(self.house.engine) as conn:
            return outbox.get(conn, "default", [key])[0]

    def state(self, key: str) -> tuple[str, str]:
        message = self.row(key).message
        return message.state, message.reason


@contextmanager
def desk_of(database_url: str, folder: Path, files: Mapping[str, str] = FILES) -> Iterator[Desk]:
    """A desk on a new database."""
    engine = make_engine(database_url)
    upgrade(engine)
    with TwilioStandin() as provider:
        credentials = Credentials(ACCOUNT_SID, AUTH_TOKEN, provider.url)
        channels = Channels(credentials, folder / "outbox")
        found = Desk(House(engine, "secret", "http://127.0.0.1:8000"), channels, provider)
        found.house.wall = lambda: found.now
        publish(found.house, files)
        yield found
        channels.close()
    engine.dispose()
