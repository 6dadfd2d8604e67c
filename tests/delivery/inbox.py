"""A clinic that has written to patients by SMS and e-mail, and what comes back: reports of the providers, and the patients' own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, Table, select

from channels.base import Inbound, Receipt
from channels.status import sendgrid_status, twilio_status
from worker.delivery.saving import save
from worker.domain.facts import Facts
from worker.domain.planner import Planner
from worker.service.accepting import accept
from worker.service.folding import fold
from worker.service.hearing import Answer, hear_sms
from worker.service.jobs import Job
from worker.service.publishing import publish
from worker.service.receiving import take
from worker.store import outbox, patients, schema
from worker.store.engine import make_engine, read, write
from worker.store.migrate import upgrade
from worker.workspace.house import House

NOON = datetime(2026, 3, 3, 10, tzinfo=UTC)
PHONE = "+306900000001"
OURS = "+302100000001"
FILES = {
    "config/clinic.yaml": (
        'name: Sample\ntimezone: Europe/Athens\ncountry: GR\nmode: live\nlanguages: [en, el]\nlanguage: en\nphone: "+302100000000"\n'
    ),
    "config/segments.yaml": "lifecycle: [{prospect: {visits: none}}, {patient: otherwise}]\n",
    "config/channels.yaml": f'sms: {{provider: console, from: "{OURS}", two_way: true}}\nemail: {{provider: console, from: c@example.com}}\n',
    "templates/hello.sms.en.j2": "Hello from {{ clinic.name }}\n",
    "templates/hello.email.en.md": "---\nsubject: Hello\n---\nHello [stop]({{ unsubscribe_url }})\n",
    "journeys/hello.yaml": (
        "journey: hello\nstart: {event: visit.completed}\nrepeat: always\nexpires: 3 days\nsteps:\n"
        "  - {id: hello, send: [sms, email], template: hello}\n"
        "  - id: answer\n    listen_for: [message.replied]\n    up_to: 14 days\n    then:\n"
        "      message.replied:\n        - {id: call, task: front_desk, due: 1 working day, note: Answered.}\n"
        "      nothing:\n        - {id: over, stop: silent}\n"
    ),
}  # fmt: skip


@dataclass
class Inbox:
    """A house whose time stands still unless told otherwise."""

    house: House
    now: datetime = NOON
    told: int = 0

    # -- what the clinic does -------------------------------------------------------------------------------------------------

    def tell(self, kind: str, subject: str = "p-1", **data: Any) -> list[str]:
        """Post and fold one event; returns the ids of the messages that may leave."""
        self.told += 1
        event = {
            "specversion": "1.0", "id": f"e-{self.told}", "source": "/t", "type": kind, "subject": subject, "time": self.now.isoformat(), "data": data,
        }  # fmt: skip
        taken = accept(self.house, "default", [event], "test")
        assert not taken.rejected, taken.rejected
        jobs = [
            job for one in taken.jobs for job in fold(self.house, "default", [int(key) for key in one.ids])
        ]
        return [key for job in jobs for key in job.ids]

    def visit(self, subject: str = "p-1", **person: Any) -> str:
        """A visit that starts the journey; returns the id of its message, which may leave."""
        known = {
            "first_name": "Maria", "phone": PHONE, "email": f"{subject}@example.com", "language": "en",
            "consent": {"sms": ["marketing"], "email": ["marketing"]}, **person,
        }  # fmt: skip
        self.tell(
            "visit.completed",
            subject,
            appointment_id=f"a-{self.told}",
            starts_at=self.now.isoformat(),
            patient=known,
        )
        with read(self.house.engine) as conn:
            m = schema.messages.c
            asked = select(m.id).where(m.patient_id == subject, m.state == "scheduled")
            return conn.execute(asked.order_by(m.created_at.desc()).limit(1)).scalar_one()

    def claim(self, message: str, channel: str = "sms", address: str = PHONE) -> None:
        """Its call to the provider is under way."""
        with write(self.house.engine) as conn:
            assert outbox.claim(conn, "default", message, self.now, self.now, channel, address)
            outbox.attempt(conn, "default", message, self.now, "console")

    def leave(
        self, message: str, state: str = "sent", channel: str = "sms", address: str = PHONE, provider_id: str | None = None
    ) -> str:  # fmt: skip
        """Its call has ended so; returns its id."""
        self.claim(message, channel, address)
        with write(self.house.engine) as conn:
            row = outbox.get(conn, "default", [message])[0]
            rules = self.house.rooms(conn, "default").rules
            locked = patients.lock(conn, "default", [row.message.patient], since=self.now)
            planner = Planner(
                self.house.pinned(conn, rules, locked.values()), locked[row.message.patient], self.now
            )
            known = planner.patient.messages[row.message.key]
            planner.patient.messages[row.message.key] = replace(known, channel=channel, address=address)
            assert outbox.finish(
                conn, "default", message, state, at=self.now, provider_id=provider_id, sent_at=self.now
            )
            planner.settle(row.message.key, state)
            save(conn, self.house, rules, [planner], self.now)
        return message

    def written(
        self, subject: str = "p-1", phone: str = PHONE, provider_id: str | None = None, **person: Any
    ) -> str:
        """A patient who was written to by SMS; returns the message."""
        return self.leave(self.visit(subject, phone=phone, **person), address=phone, provider_id=provider_id)

    # -- what comes back ------------------------------------------------------------------------------------------------------

    def sms(
        self, body: str, key: str = "SM-in", sender: str = PHONE, media: int = 0, opt_out_type: str | None = None
    ) -> tuple[Answer, list[Job]]:  # fmt: skip
        """A patient writes."""
        raw = {"MessageSid": key, "From": sender, "Body": body}
        return hear_sms(
            self.house, None, Inbound("twilio", key, sender, OURS, body, media, opt_out_type, raw)
        )

    def twilio(
        self, word: str, ref: str | None = None, sid: str = "SM1", code: str = "", clinic: str | None = None
    ) -> list[Job]:  # fmt: skip
        """Twilio reports."""
        receipt = Receipt(
            "twilio", f"{sid}:{word}", ref, sid, twilio_status(word), word, code, None, PHONE, None, None, {"MessageSid": sid},
        )  # fmt: skip
        return take(self.house, clinic, [receipt])

    def sendgrid(
        self, word: str, ref: str | None, code: str = "", kind: str = "", key: str = "", address: str | None = None
    ) -> list[Job]:  # fmt: skip
        """SendGrid reports."""
        receipt = Receipt(
            "sendgrid", key or f"{ref}-{word}", ref, "X1", sendgrid_status(word, kind), word, code, self.now, address, None, None, {"event": word, "email": address},
        )  # fmt: skip
        return take(self.house, None, [receipt])

    # -- what became of it ----------------------------------------------------------------------------------------------------

    def rows(self, table: Table, **which: Any) -> list[Row[Any]]:
        """The rows of a table, in order."""
        with read(self.house.engine) as conn:
            asked = select(table).where(*(table.c[name] == value for name, value in which.items()))
            return list(conn.execute(asked.order_by(*table.primary_key.columns)))

    def message(self, key: str) -> Row[Any]:
        """A message as it stands."""
        return self.rows(schema.messages, id=key)[0]

    def allows(self, subject: str = "p-1", channel: str = "sms") -> bool:
        """Whether the patient's leave for marketing stands."""
        return self._facts(subject).consent(channel, "marketing")[0]

    def held(self, subject: str = "p-1") -> str | None:
        """Why the patient is held, None where she is not."""
        hold = self._facts(subject).hold_at(self.now)
        return hold.reason if hold else None

    def suppressed(self, channel: str = "sms", address: str = PHONE) -> str | None:
        """Why an address is closed, None where it is open."""
        hashed = self.house.hashed(channel, address)
        found = self.rows(schema.suppressions, channel=channel, address_hash=hashed)
        return next((row.reason for row in found if row.lifted_at is None), None)

    def events(self, kind: str) -> list[Row[Any]]:
        """What was raised of a kind, all of it folded."""
        found = self.rows(schema.events, type=kind)
        assert all(row.state == "done" for row in found)
        return found

    def _facts(self, subject: str) -> Facts:
        with write(self.house.engine) as conn:
            name = patients.resolve(conn, "default", [subject])[subject]
            found = patients.lock(conn, "default", [name], since=self.now)[name]
            return Facts(name, found.ledger, self.house.rooms(conn, "default").rules.clinic)

    def spoil_the_rooms(self) -> None:
        """What is published can't be read any more but for the clinic's own page, as after an upgrade that nobody checked."""
        with write(self.house.engine) as conn:
            spoilt = {**FILES, "config/segments.yaml": "lifecycle: 7\n"}
            version = {
                "clinic_id": "default",
                "version": 99,
                "published_at": self.now,
                "files": spoilt,
                "digest": "?",
            }
            conn.execute(schema.workspace_versions.insert().values(version))


@contextmanager
def an_inbox(database_url: str, files: Mapping[str, str] = FILES) -> Iterator[Inbox]:
    """A clinic on a new database."""
    engine = make_engine(database_url)
    upgrade(engine)
    found = Inbox(House(engine, "secret", "http://127.0.0.1:8000"))
    found.house.wall = lambda: found.now
    publish(found.house, files)
    yield found
    engine.dispose()
