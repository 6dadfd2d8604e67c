"""One play: a clinic as real processes, its visits told, what the plan strikes struck, and what came of it compared with what must."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import urllib3
from redis import RedisError
from sqlalchemy import func, select

from tests.acceptance.clinic import FILES as CLINIC
from tests.acceptance.clinic import Person, Raw, visit
from tests.acceptance.system import START_PATIENCE, System, kill
from tests.chaos.plan import Plan
from tests.chaos.providers import ChaosSendGrid, ChaosTwilio, Reports
from tests.eventually import eventually
from tests.standins.faults import Step
from worker.store.engine import read
from worker.store.schema import enrollments, events, messages

FILES: Mapping[str, str] = {
    **{name: text for name, text in CLINIC.items() if not name.startswith(("journeys/", "templates/"))},
    "config/policy.yaml": "{}\n",
    "config/channels.yaml": """\
sms: {provider: twilio, from: "+15005550006", rate: 200 per second}
email: {provider: sendgrid, from: hello@clinic.example.com, rate: 200 per second}
""",
    # One that the ticker must wake, by SMS, and one that leaves at once, by e-mail.
    "journeys/word.yaml": """\
journey: word
purpose: marketing
start: {event: visit.completed}
steps:
  - {id: word, wait: WAIT, send: sms, template: word}
""",
    "journeys/letter.yaml": """\
journey: letter
purpose: care
start: {event: visit.completed}
steps:
  - {id: letter, send: email, template: letter}
""",
    "templates/word.sms.en.j2": "Hello {{ first_name or 'there' }}, shall we plan your next visit?\n",
    "templates/letter.email.en.md": "---\nsubject: Thank you\n---\nThank you for coming, {{ first_name or 'dear patient' }}.\n",
}
DONE = ("sent", "delivered")
LOOK = 0.2
"""Seconds between two looks at how far it is: more would take the machine from those who are looked at."""


@dataclass
class Result:
    """What came of a play. `wrong` is empty where everything is as it must be."""

    kills: Counter[str] = field(default_factory=Counter)
    flushes: int = 0
    sms_faults: Counter[Step] = field(default_factory=Counter)
    email_faults: Counter[Step] = field(default_factory=Counter)
    posts: Counter[str] = field(default_factory=Counter)
    reports: Counter[str] = field(default_factory=Counter)
    sms: int = 0
    emails: int = 0
    doubles: int = 0
    missing_sms: int = 0
    missing_emails: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


class Play:
    """A plan, played on one database."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        database_url: str | None,
        tell: Callable[[str], object] = lambda _: None,
    ) -> None:
        """`tell` hears what is being done, for people."""
        self.plan, self._tell = plan, tell
        word = {"journeys/word.yaml": FILES["journeys/word.yaml"].replace("WAIT", plan.wait)}
        self.system = System(folder, database_url=database_url, files={**FILES, **word})
        self.twilio, self.sendgrid = ChaosTwilio(), ChaosSendGrid()
        self.system.sms, self.system.email = self.twilio, self.sendgrid
        self._posted = 0
        self._first: set[str] = set()
        self._over = threading.Event()
        self.result = Result()

    def run(self, patience: float) -> Result:
        """Play it; what has not come to its end after so many seconds is wrong."""
        began = time.monotonic()
        plan, people = self.plan, self.plan.people()
        self.twilio.faults(plan.faults("sms"))
        self.sendgrid.faults(plan.faults("email"))
        reports = Reports(plan, self.twilio)
        with self.system, reports.going_on():
            self.system.run()
            told = plan.batches([visit(who, datetime.now(UTC)) for who in people])
            teller = threading.Thread(target=self._post, args=(told,), daemon=True)
            teller.start()
            try:
                self._strike(len(told), patience)
                eventually(lambda: not self.left(), patience, LOOK)
            except AssertionError:
                self.result.wrong.append(f"not at its end after {patience:g} s: {self.left()}")
            self._over.set()
            teller.join(30)
            self._judge(people)
        self.result.reports = reports.answers
        self.result.seconds = time.monotonic() - began
        return self.result

    # -- what happens ---------------------------------------------------------------------------------------------------------

    def _post(self, told: Sequence[Sequence[Raw]]) -> None:
        """Tell every batch until it is taken, and not much faster than messages leave."""
        for batch in told:
            self._first |= {str(event["id"]) for event in batch}
            while not self._over.is_set() and not self._taken(batch):
                self._over.wait(0.2)
            self._posted += 1
            while not self._over.is_set() and len(self._first) - len(self.twilio.messages) > self.plan.ahead:
                self._over.wait(0.1)

    def _taken(self, batch: Sequence[Raw]) -> bool:
        body, kind = json.dumps(batch).encode(), "application/cloudevents-batch+json"
        try:
            answer = self.system.request("POST", "/events", body, Content_Type=kind)
        except urllib3.exceptions.HTTPError:
            self.result.posts["lost"] += 1
            return False
        self.result.posts[str(answer.status)] += 1
        return answer.status == 202

    def _strike(self, batches: int, patience: float) -> None:
        """Kill and flush as the way goes on."""

        def way() -> float:
            arrived = len(self.twilio.messages) + len(self.sendgrid.messages)
            return 0.3 * self._posted / batches + 0.7 * arrived / (2 * self.plan.visits)

        for moment, what in self.plan.blows():
            eventually(lambda moment=moment: way() >= moment, patience, LOOK)  # type: ignore[misc]
            self._tell(f"{moment:4.0%}  {what}")
            if what == "flush":
                self._flush()
            else:
                kill(self.system.child(self.system.main, what))
                self.result.kills[what] += 1

    def _flush(self) -> None:
        def flushed() -> bool:
            try:
                return bool(self.system.redis(lambda queue: queue.flushall()))
            except RedisError:
                return False

        eventually(flushed, START_PATIENCE)
        self.result.flushes += 1

    def left(self) -> dict[str, int]:
        """What is not at its end."""
        m, e, r = messages.c, events.c, enrollments.c
        asked = {
            "events": select(func.count()).select_from(events).where(e.state == "new"),
            "runs": select(func.count()).select_from(enrollments).where(r.outcome.is_(None)),
            "waiting": select(func.count()).select_from(messages).where(m.state == "scheduled"),
            "claimed": select(func.count()).select_from(messages).where(m.state == "claimed"),
            "looked for": select(func.count()).select_from(messages).where(m.lookup_at.is_not(None)),
        }
        with read(self.system.engine) as conn:
            found = {name: conn.execute(statement).scalar_one() for name, statement in asked.items()}
            found["untold"] = (
                self.plan.visits - conn.execute(select(func.count()).select_from(events)).scalar_one()
            )
        return {name: number for name, number in found.items() if number}

    # -- what came of it ------------------------------------------------------------------------------------------------------

    def _judge(self, people: Iterable[Person]) -> None:
        result = self.result
        texts = Counter(sms.to for sms in self.twilio.messages)
        mails = Counter(mail.to for mail in self.sendgrid.messages)
        m = messages.c
        states: dict[tuple[str, str], list[str]] = {}
        with read(self.system.engine) as conn:
            for patient, journey, state in conn.execute(select(m.patient_id, m.journey, m.state)):
                states.setdefault((patient, journey), []).append(state)
                result.states[f"{journey} {state}"] += 1
                result.unknown[journey] += state == "unknown"
            odd = conn.execute(select(events.c.state, func.count()).group_by(events.c.state)).all()
        if dict(odd) != {"done": self.plan.visits}:
            result.wrong.append(f"events: {dict(odd)}")
        for who in people:
            sms, mail = texts[who.phone], mails[who.email]
            word, letter = (states.get((who.id, journey), []) for journey in ("word", "letter"))
            result.doubles += (sms > 1) + (mail > 1)
            result.missing_sms += sms == 0
            result.missing_emails += mail == 0
            if sms != 1 or len(word) != 1 or word[0] not in DONE:
                result.wrong.append(f"{who.id}: {sms} SMS, in the database {word}")
            if mail > 1 or len(letter) != 1 or letter[0] not in (*DONE, "unknown"):
                result.wrong.append(f"{who.id}: {mail} e-mails, in the database {letter}")
            if mail == 0 and letter != ["unknown"]:
                result.wrong.append(f"{who.id}: no e-mail, in the database {letter}")
        result.sms, result.emails = texts.total(), mails.total()
        result.sms_faults, result.email_faults = self.twilio.befallen.steps, self.sendgrid.befallen.steps
