"""What a patient writes to us by SMS: heard, kept, and acted on before the provider has its answer.

Rules
1. One transaction keeps the words and does what they ask: whoever said stop is not written to any more once the provider has its 200. Told again, nothing happens.
2. Who it is: those whom we wrote to at that number, the last first. A number that several share speaks for all of them where it says stop or speaks of harm, and for whom we wrote to
   last where it answers.
3. Stop closes the number and takes the leave for marketing by SMS back. In words of the patient's own it is also shown to the front desk. Where the provider says that it took a
   text for a stop, it was one, whatever the text.
4. Only START, as a word alone, lifts that: the number is opened (unless it belonged to somebody who was forgotten) and leave is given anew. The provider's own word is not
   enough: it takes YES for a START, and YES answers a question.
5. HELP is answered with the clinic's name and number, unless the provider answers it by itself; the mode of the clinic holds for this answer too.
6. Anything else is an answer: journeys hear `message.replied`, and the front desk reads it within a working day.
7. Words of harm, whatever else the text says, hold every patient of that number, and make one urgent task in place of the ordinary one.
8. The words stand in `replies` alone: not in a task, an event or a log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Literal

import structlog
from sqlalchemy import Connection

from channels.base import Inbound
from worker.domain.events import Event
from worker.domain.facts import Facts
from worker.domain.gate.mode import kept_in
from worker.domain.patient import Patient
from worker.domain.words_heard import Heard, hear
from worker.service.clinics import clinics_called
from worker.service.folding import fold
from worker.service.help_words import help_answer
from worker.service.jobs import Job
from worker.service.raising import tell
from worker.service.telling import consent_event, event_of, forgotten, hold_event
from worker.store import outbox, patients, replies, tasks
from worker.store.audit import note
from worker.store.engine import read, write
from worker.workspace.house import House

log = structlog.get_logger(__name__)
SOURCE: Final = "/revisit/replies"
HARM: Final = "harm reported in a reply"
DESK: Final = "front_desk"
Kind = Literal["opt_out", "opt_in", "help", "nothing", "reply"]
_ANSWERED_BY_PROVIDERS: Final = frozenset({"help", "info"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back at once; None for nothing."""

    text: str | None = None


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What was heard, with what the provider made of it."""

    kind: Kind
    keyword: bool
    harm: tuple[str, ...]
    provider_answers: bool


def hear_sms(house: House, clinic: str | None, inbound: Inbound) -> tuple[Answer, list[Job]]:
    """Take one SMS; returns the answer to it and what is due because of it. `clinic` is that of the address that was called, if it names one. Raises NoRooms."""
    meaning = _meaning(inbound, hear(inbound.body))
    service = inbound.raw.get("MessagingServiceSid")
    senders = frozenset(name for name in (inbound.to, service) if isinstance(name, str) and name)
    with read(house.engine) as conn:
        called = clinics_called(house, conn, clinic, senders, inbound.sender)
    # A number that clinics share is closed for all of them; whatever else was said is for the one that wrote last.
    asked = called if meaning.kind == "opt_out" else called[:1]
    answer = Answer()
    jobs: list[Job] = []
    for one in asked:
        said, seqs = patients.again_when_moved(partial(_once, house, one, inbound, meaning))
        answer = said if said.text else answer
        jobs += fold(house, one, seqs) if seqs else []
    return answer, jobs


def _meaning(inbound: Inbound, heard: Heard) -> _Meaning:
    kind, keyword = heard.kind, heard.keyword
    if inbound.opt_out_type == "STOP":
        kind, keyword = "opt_out", True
    elif inbound.opt_out_type == "HELP":
        kind, keyword = "help", True
    elif kind == "nothing" and inbound.media:
        kind = "reply"
    word = inbound.body.strip().casefold()
    answers = inbound.opt_out_type == "HELP" or (kind == "help" and word in _ANSWERED_BY_PROVIDERS)
    return _Meaning(kind, keyword, heard.harm, answers)


def _once(house: House, clinic: str, inbound: Inbound, meaning: _Meaning) -> tuple[Answer, list[int]]:
    with write(house.engine) as conn:
        return _Hearing(house, conn, clinic, inbound, meaning).done()


class _Hearing:
    """One SMS to one clinic, with the patients of its number locked."""

    def __init__(
        self, house: House, conn: Connection, clinic: str, inbound: Inbound, meaning: _Meaning
    ) -> None:
        self.house, self.conn, self.clinic = house, conn, clinic
        self.inbound, self.meaning = inbound, meaning
        self.now: datetime = house.now(conn)
        self.about = house.clinic(conn, clinic)
        self.hashed = house.hashed("sms", inbound.sender)
        self.told_by = f"{inbound.provider} {inbound.key}"
        written = replies.written_to(conn, clinic, "sms", inbound.sender)
        names = patients.resolve(conn, clinic, {one.patient for one in written})
        locked = patients.lock(conn, clinic, set(names.values()), since=self.now)
        self.written = [one for one in written if not forgotten(locked[names[one.patient]])]
        self.people: list[Patient] = [
            locked[name] for name in dict.fromkeys(names[one.patient] for one in self.written)
        ]

    def done(self) -> tuple[Answer, list[int]]:
        """The answer, and the events to fold."""
        inbound, meaning = self.inbound, self.meaning
        first, last = next(iter(self.people), None), next(iter(self.written), None)
        number = replies.keep(
            self.conn, self.clinic, patient=first.id if first else None, message=last.message if last else None, channel="sms",
            provider=inbound.provider, key=inbound.key, address_hash=self.hashed, body=inbound.body, kind=meaning.kind, keyword=meaning.keyword,
            harm=meaning.harm, at=self.now, raw=inbound.raw,
        )  # fmt: skip
        log.info(
            "reply", clinic=self.clinic, reply=number, kind=meaning.kind, harm=len(meaning.harm), patients=len(self.people), new=number is not None,
        )  # fmt: skip
        answer = self._answer()
        if number is None:
            return answer, []
        events, notes = self._act(number)
        if meaning.harm:
            events += [
                hold_event(SOURCE, self.clinic, patient, self.told_by, self.now, HARM)
                for patient in self.people
            ]
            spoken = ", ".join(code.replace("_", " ") for code in meaning.harm)
            self._task(
                number, [f"Speaks of {spoken}. Nothing more is sent until the hold is released.", *notes]
            )
        elif notes:
            self._task(number, notes)
        return answer, tell(self.conn, self.house, self.clinic, events)

    # -- what was asked -------------------------------------------------------------------------------------------------------

    def _act(self, number: int) -> tuple[list[Event], list[str]]:
        """The events that it raises, and what the front desk is told of it."""
        kind = self.meaning.kind
        if kind == "opt_out":
            return self._stop(number)
        if kind == "opt_in":
            return self._start(number)
        if kind == "help":
            return [], [] if self.meaning.provider_answers else ["Asked for help by SMS. " + self._whence()]
        if kind == "nothing":
            return [], []
        return self._reply()

    def _stop(self, number: int) -> tuple[list[Event], list[str]]:
        outbox.alone(self.conn, self.clinic, [("sms", self.inbound.sender)])
        outbox.suppress(self.conn, self.clinic, "sms", self.hashed, "opted_out", self.now)
        self._note("opted out", number)
        notes = (
            []
            if self.meaning.keyword
            else [
                "Asked in their own words for no more SMS; the number is closed. Read whether it was meant so."
            ]
        )
        return self._consents("revoked", "SMS reply"), notes

    def _start(self, number: int) -> tuple[list[Event], list[str]]:
        if outbox.suppression(self.conn, self.clinic, "sms", self.hashed) == "erased":
            return [], ["START from the number of somebody who was forgotten; nothing is sent to it."]
        outbox.lift(self.conn, self.clinic, "sms", self.hashed, self.now)
        self._note("opted in", number)
        return self._consents("granted", "sms START"), []

    def _reply(self) -> tuple[list[Event], list[str]]:
        said = self._whence()
        if self.inbound.media:
            said += " With a picture." if self.inbound.media == 1 else f" With {self.inbound.media} pictures."
        if not self.people:
            return [], [said]
        last = self.written[0]
        data = {
            "enrollment": last.enrollment, "journey": last.journey, "message": last.message, "channel": "sms",
        }  # fmt: skip
        event = event_of(
            "message.replied", SOURCE, self.clinic, self.people[0].id, self.told_by, self.now, data
        )
        return [event], [said]

    def _consents(self, action: Literal["granted", "revoked"], said_by: str) -> list[Event]:
        words = hashlib.sha256(self.inbound.body.encode("utf-8", "replace")).hexdigest()
        return [
            consent_event(
                action, SOURCE, self.clinic, patient, self.told_by, self.now, channel="sms", said_by=said_by, text_hash=words,
            )
            for patient in self.people
        ]  # fmt: skip

    def _note(self, action: str, number: int) -> None:
        detail = {"channel": "sms", "reply": number, "patients": len(self.people)}
        note(self.conn, self.clinic, self.now, "patient", action, detail)

    # -- what people read -----------------------------------------------------------------------------------------------------

    def _whence(self) -> str:
        if self.written:
            return f"Answered an SMS of {self.written[0].journey}."
        return "An SMS from a number that we have not written to."

    def _task(self, number: int, notes: Sequence[str]) -> None:
        harm = bool(self.meaning.harm)
        shared = len(self.people)
        told = [*notes, f"{shared} patients share this number."] if shared > 1 else notes
        tasks.add(
            self.conn, self.clinic, origin=f"reply/{number}", name="harm" if harm else "reply", kind="harm" if harm else "reply", assignee=DESK,
            note=" ".join(told), at=self.now, due_at=self.now if harm else self.about.working_days_after(self.now, 1),
            patient=self.people[0].id if self.people else "", journey=self.written[0].journey if self.written else "", about=str(number), urgent=harm,
        )  # fmt: skip

    def _answer(self) -> Answer:
        if self.meaning.kind != "help" or self.meaning.provider_answers:
            return Answer()
        if kept_in(self.about, self.inbound.sender):
            return Answer()
        if self.people:
            language = Facts(self.people[0].id, self.people[0].ledger, self.about).language
        else:
            language = self.about.language
        return Answer(help_answer(language, self.about.name, self.about.phone))
