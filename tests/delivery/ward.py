"""The outbox under fire, for a test that does anything in any order: the real store, dispatch, reconciler and webhooks, a provider, and an account of its own of what may be.

1. What happens between a claim and its call, and while the provider has the call, happens there: the first where a place in the provider's rate is asked for, the second
   inside the provider.
2. A process dies by an exception that nothing catches, between claim and call or between call and record.
3. The account holds what the provider accepted and in which order claims, opt-outs and holds were committed; what must not be lands in `wrongs`.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, Row, delete, select

from channels import twilio_webhooks
from channels.base import Inbound
from tests.delivery.desk import FILES, NOON
from tests.delivery.weather import Provider
from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN, Sms
from worker.delivery.batch import dispatch_all
from worker.delivery.dispatch import dispatch
from worker.delivery.reconcile import reconcile
from worker.delivery.senders import Channels, Credentials
from worker.domain.calendar import local_day, zone
from worker.service.accepting import accept
from worker.service.folding import fold
from worker.service.hearing import hear_sms
from worker.service.holding import hold, release
from worker.service.intervening import Refused, doubtful, resend
from worker.service.jobs import Job
from worker.service.publishing import publish
from worker.service.receiving import take
from worker.service.sweeping import sweep
from worker.service.waking import wake
from worker.store import schema
from worker.store.engine import make_engine, read, write
from worker.store.migrate import upgrade
from worker.workspace.house import House

PATIENT = {
    **FILES,
    "journeys/hello.yaml": FILES["journeys/hello.yaml"].replace("expires: 3 days", "expires: 20 days"),
}
"""A clinic whose messages outlast a cap."""
SHARED, OWN = "+306900000001", "+306900000002"
PHONES = {"p-1": SHARED, "p-2": SHARED, "p-3": OWN}
ZONES = {"p-1": "Europe/Athens", "p-2": "America/Los_Angeles", "p-3": "Europe/Athens"}
CAP = timedelta(days=7)
KEPT = {"clinics", "workspace_versions", "journey_versions"}
CLOSES = frozenset({"21610", "30005"})


class Killed(BaseException):
    """The process is gone."""


@dataclass(frozen=True)
class Left:
    """One message that the provider accepted."""

    ref: str
    sms: Sms
    at: datetime


@dataclass
class Ward:
    """One example's clinic. `wrongs` are the promises that were broken."""

    house: House
    folder: Path
    now: datetime = NOON
    wrongs: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    resent: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._order = count(1)
        self._told = count(1)
        self._claimed: dict[str, int] = {}
        self._claimed_until: dict[str, datetime | None] = {}
        self._judging = threading.Lock()
        self._closed: dict[str, int] = {}
        self._revoked: dict[str, int] = {}
        self._held: dict[str, int] = {}
        self._disowned: set[str] = set()
        self._reports: set[str] = set()
        self._mine = threading.local()
        self._before: Callable[[], None] | None = None
        self._during: Callable[[Sms], None] | None = None
        self._dies: tuple[int, int] | None = None
        self._known: list[str] = []
        self.house.wall = self._wall
        self.provider = Provider(lambda: self.now, self._taken).start()
        credentials = Credentials(ACCOUNT_SID, AUTH_TOKEN, self.provider.url)
        self.channels = Channels(credentials, self.folder / "outbox", self._place)

    def close(self) -> None:
        self.channels.close()
        self.provider.close()

    # -- what happens ---------------------------------------------------------------------------------------------------------

    def tell(self, kind: str, *who: str, folded: bool = True, **data: Any) -> None:
        told = [self._event(kind, one, data) for one in who]
        taken = accept(self.house, "default", told, "test")
        assert not taken.rejected, taken.rejected
        if folded:
            for job in taken.jobs:
                fold(self.house, "default", [int(key) for key in job.ids])

    def _event(self, kind: str, who: str, data: dict[str, Any]) -> dict[str, Any]:
        number = next(self._told)
        if kind == "visit.completed":
            person = {
                "first_name": "Maria", "phone": PHONES[who], "timezone": ZONES[who], "consent": {"sms": ["marketing", "health_profiling"]},
            }  # fmt: skip
            data = {
                "appointment_id": f"a-{number}",
                "starts_at": self.now.isoformat(),
                "patient": person,
                **data,
            }
        return {
            "specversion": "1.0", "id": f"e-{number}", "source": "/t", "type": kind, "subject": who, "time": self.now.isoformat(), "data": data,
        }  # fmt: skip

    def visit(self, *who: str) -> None:
        """Visits, each of which starts the journey where it has not begun."""
        self.tell("visit.completed", *who)

    def passes(self, seconds: float) -> None:
        """Time passes, and nobody looks."""
        self.now += timedelta(seconds=seconds)

    def send(
        self, key: str, *, before: Callable[[], None] | None = None, during: Callable[[Sms], None] | None = None, dies: bool = False
    ) -> None:  # fmt: skip
        """Dispatch, with what happens meanwhile."""
        self._before, self._during = before, during
        self._dies = (threading.get_ident(), self._calls()) if dies else None
        try:
            self.dispatch(key)
        except Killed:
            pass
        finally:
            self._before = self._during = self._dies = None

    def dispatch(self, *keys: str) -> None:
        """One by itself, several as a batch."""
        stack: list[tuple[str, ...]] = self._mine.__dict__.setdefault("stack", [])
        stack.append(keys)
        try:
            if len(keys) == 1:
                dispatch(self.house, self.channels, "default", keys[0])
            else:
                for _ in dispatch_all(self.house, self.channels, "default", keys, lambda _, work: work()):
                    pass
        finally:
            stack.pop()

    def together(self, keys: Sequence[str]) -> None:
        """Dispatch at once."""
        threads = [threading.Thread(target=self.dispatch, args=(key,)) for key in keys]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def die(self) -> None:
        raise Killed

    def turn(self, seconds: float = 0) -> None:
        """Let so much time pass, then do what the sweep finds."""
        self.passes(seconds)
        for job in sweep(self.house).jobs:
            self.do(job)

    def is_given_up(self) -> None:
        """Others take this process for dead: they look for its message, prove it absent and send it again."""
        for seconds in (45, 61, 32):
            self.turn(seconds)

    def do(self, job: Job) -> None:
        following: list[Job] = []
        if job.kind == "fold":
            following = fold(self.house, job.clinic, [int(key) for key in job.ids])
        elif job.kind == "wake":
            following = wake(self.house, job.clinic, job.ids)[1]
        elif job.kind == "dispatch":
            self.dispatch(*job.ids)
        elif job.kind == "reconcile":
            for key in job.ids:
                self.look(key)
        for one in following:
            self.do(one)

    def look(self, key: str) -> None:
        for due in reconcile(self.house, self.channels, "default", key):
            self.dispatch(due)

    def says(self, phone: str, words: str) -> None:
        """A patient writes, and our answer is that it was taken."""
        key = f"SM-{next(self._told)}"
        raw = {"MessageSid": key, "From": phone, "Body": words}
        hear_sms(self.house, "default", Inbound("twilio", key, phone, "+15005550006", words, 0, None, raw))
        if words == "STOP":
            self._closed[phone] = next(self._order)
        elif words == "START":
            self._closed.pop(phone, None)
            for patient in [one for one in PHONES if PHONES[one] == phone]:
                self._revoked.pop(patient, None)

    def revokes(self, patient: str, *, folded: bool) -> None:
        self.tell(
            "consent.revoked", patient, folded=folded, channel="sms", purpose="marketing", basis="verbal"
        )
        self._revoked[patient] = next(self._order)

    def holds_or_releases(self, patient: str) -> None:
        if self._held.pop(patient, None) is None:
            hold(self.house, "default", patient, "by test", None, "user test")
            self._held[patient] = next(self._order)
            return
        for job in release(self.house, "default", patient, "user test").jobs:
            self.do(job)

    def releases_all(self) -> None:
        for patient in sorted(self._held):
            self.holds_or_releases(patient)

    def reports(self, sms: Sms, word: str, code: str = "") -> None:
        """The provider reports of a message, through the report's own parser."""
        assert sms.status_callback is not None
        pairs = [("MessageSid", sms.sid), ("MessageStatus", word), ("To", sms.to), ("ErrorCode", code)]
        signed = self.provider.signed(sms.status_callback, pairs)
        receipt = twilio_webhooks.parse_status(signed.body, urlsplit(signed.url).query)
        for job in take(self.house, "default", [receipt]):
            self.do(job)
        if receipt.key not in self._reports and word == "undelivered" and code in CLOSES:
            self._closed[sms.to] = next(self._order)
        self._reports.add(receipt.key)

    def resends(self, which: int) -> None:
        """A person sends a message of unknown fate again."""
        found = doubtful(self.house, "default")
        if not found:
            return
        key = found[which % len(found)].id
        try:
            jobs = resend(self.house, "default", key, "user test")
        except Refused:
            return
        self.resent[key] += 1
        self._disowned.update(one.sms.sid for one in self.left if one.ref == key)
        for job in jobs:
            self.do(job)

    # -- how it stands --------------------------------------------------------------------------------------------------------

    def messages(self) -> list[Row[Any]]:
        """All messages, in the order in which they were first seen."""
        with read(self.house.engine) as conn:
            found = {row.id: row for row in conn.execute(select(schema.messages))}
        self._known += sorted(key for key in found if key not in self._known)
        return [found[key] for key in self._known]

    def asked(self) -> set[str]:
        """The messages of unknown fate that a person is asked about now."""
        c = schema.tasks.c
        with read(self.house.engine) as conn:
            return set(conn.execute(select(c.about).where(c.kind == "unknown", c.state == "open")).scalars())

    def next_moment(self) -> datetime | None:
        """When something falls due next, by what stands in the rows."""
        moments = [
            at
            for row in self.messages()
            for at in (
                row.due_at if row.state == "scheduled" else None,
                row.claimed_until if row.state == "claimed" else None,
                row.lookup_at if row.state == "unknown" else None,
            )
            if at is not None
        ]
        return min(moments, default=None)

    # -- the account ----------------------------------------------------------------------------------------------------------

    def _calls(self) -> int:
        return sum(request.method == "POST" for request in self.provider.requests)

    def _wall(self) -> datetime:
        if (
            self._dies is not None
            and self._dies[0] == threading.get_ident()
            and self._calls() > self._dies[1]
        ):
            self._dies = None
            raise Killed
        return self.now

    def _place(self, name: str, rate: float, number: int) -> list[float]:
        before, self._before = self._before, None
        if before is not None:
            before()
        # Whatever was told until here has been told before the call begins.
        batch = self._mine.stack[-1]
        if len(batch) == 1:
            self._claimed[batch[0]] = next(self._order)
        else:
            # Those of a batch are claimed before the first of them asks for its place.
            mine = [row for row in self.messages() if row.id in batch and row.state == "claimed"]
            for row in mine:
                if self._claimed_until.get(row.id) != row.claimed_until:
                    self._claimed_until[row.id] = row.claimed_until
                    self._claimed[row.id] = next(self._order)
        return [0.0] * number

    def _taken(self, sms: Sms) -> None:
        try:
            with self._judging:
                self._judge(sms)
            during, self._during = self._during, None
            if during is not None:
                during(sms)
        except Exception as error:
            self.wrongs.append(f"{type(error).__name__}: {error}")

    def _judge(self, sms: Sms) -> None:
        ref = sms.ref or ""
        rows = {row.id: row for row in self.messages()}
        patient = rows[ref].patient_id
        claimed = self._claimed[ref]
        for what, since in (
            ("STOP", self._closed.get(sms.to)), ("leave was taken back", self._revoked.get(patient)), ("hold", self._held.get(patient)),
        ):  # fmt: skip
            if since is not None and claimed > since:
                self.wrongs.append(f"accepted after: {what}")
        if sum(one.ref == ref for one in self.left) > self.resent[ref]:
            self.wrongs.append("accepted twice")
        tz = zone(ZONES[patient])
        for one in self.left:
            near = local_day(self.now, tz) - local_day(one.at, tz) < CAP
            same = one.sms.to == sms.to or rows[one.ref].patient_id == patient
            void = one.sms.sid in self._disowned or rows[one.ref].state == "undelivered"
            if one.ref != ref and near and same and not void:
                self.wrongs.append("accepted over the cap")
        self.left.append(Left(ref, sms, self.now))


@contextmanager
def wards(database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Ward]]:
    """A maker of wards on one database, which each finds empty but for its rooms."""
    engine = make_engine(database_url)
    upgrade(engine)
    publish(House(engine, "secret", "http://127.0.0.1:8000"), PATIENT)

    def another() -> Ward:
        lot = Random(7)
        monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=lot.getrandbits(128), version=4))
        _sweep_out(engine)
        return Ward(House(engine, "secret", "http://127.0.0.1:8000"), folder)

    yield another
    engine.dispose()


def _sweep_out(engine: Engine) -> None:
    with write(engine) as conn:
        for table in reversed(schema.metadata.sorted_tables):
            if table.name not in KEPT:
                conn.execute(delete(table))
