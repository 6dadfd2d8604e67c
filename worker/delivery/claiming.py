"""The first half of messages' way out: under the patients' locks the gate is asked again, and what may leave has a claim, committed before anything leaves.

Rules
1. A batch is one transaction. Its patients are locked in the order of their ids, then their addresses; nothing that may change while we wait is read before.
2. What the batch shares is read once. What one message takes under a cap or the day's limit counts at once for those behind it.
3. One message of a patient at a time, and of a sender no more than its rate lets out within `AHEAD`: the others are for the next batch.
4. All claims are conditional updates. Where the world has moved all the same, or a message raises, nothing of the batch stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from worker.delivery.linking import Addresses, addresses
from worker.delivery.outside import Surroundings, blast_of, today_of
from worker.delivery.planning import planners_of
from worker.delivery.render import Rendered, promised, render
from worker.delivery.saving import save
from worker.delivery.senders import Channels
from worker.delivery.settling import settle
from worker.delivery.trouble import MANAGER, is_well, may_try, pause_journey, system_task
from worker.domain.gate import Defer, Drop, Go, Outside, Verdict
from worker.domain.gate.blast import over
from worker.domain.history import Message
from worker.domain.planner import Planner
from worker.domain.planner import addresses as pairs_of
from worker.store import day_counts, links, outbox, outbox_many
from worker.store.engine import write
from worker.workspace.config import Sender
from worker.workspace.house import House
from worker.workspace.templates import TemplateError

log = structlog.get_logger(__name__)
LEASE: Final = timedelta(seconds=40)
"""Longer than any call to a provider (10 s), the wait for its rate (5 s) and what follows; a lease is never longer than 45 s."""
QUEUED: Final = timedelta(hours=10)
"""How long Twilio keeps a message in its queue where nobody says less."""
SOON: Final = timedelta(seconds=2)
AHEAD: Final = timedelta(seconds=0.5)
"""A claim in hand only grows old: no more are taken of a sender than it lets out in this time."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A claimed message with all that its call needs, and the leave that it was claimed by. The call must not begin later than `before`, the wall's clock; `tries` are the attempts, this one included.

    `validity` is how long the provider may keep it; None where its own limit is shorter.
    """

    id: str
    message: Message
    tries: int
    before: datetime
    rendered: Rendered
    sender: Sender
    from_name: str
    links: Addresses
    validity: timedelta | None
    leave: outbox_many.Leave

    @property
    def attempt(self) -> int:
        """The number of its call."""
        return self.leave.number


@dataclass
class Claimed:
    """What became of a batch: the claims; the ids of messages that may leave because of what was decided; those of the batch that are for the next one."""

    ready: list[Ready] = field(default_factory=list)
    following: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)


class LostClaim(RuntimeError):
    """Somebody else moved a message whose patient is locked here, or took the day's last place: nothing of this transaction may stand."""


def claim(house: House, channels: Channels, clinic: str, ids: Sequence[str]) -> Claimed:
    """Claims for those of these messages that may leave now. Raises LostClaim, and what goes wrong with any of them: then nothing was done."""
    with write(house.engine) as conn:
        now = house.now(conn)
        found = {row.id: row for row in outbox.get(conn, clinic, ids)}
        due = [found[key] for key in ids if key in found and _is_due(found[key].message, now)]
        return _Batch(conn, house, channels, clinic, due, now).claim() if due else Claimed()


def _is_due(message: Message, now: datetime) -> bool:
    return message.state == "scheduled" and message.due_at <= now


@dataclass(frozen=True, slots=True)
class _Claim:
    row: outbox.Row
    message: Message
    leaving: outbox_many.Leaving
    rendered: Rendered
    sender: Sender
    links: Addresses
    validity: timedelta | None


class _Batch:
    """One transaction's work."""

    def __init__(
        self,
        conn: Connection,
        house: House,
        channels: Channels,
        clinic: str,
        due: Sequence[outbox.Row],
        now: datetime,
    ) -> None:
        self.conn, self.house, self.channels, self.clinic, self.due, self.now = (
            conn, house, channels, clinic, due, now,
        )  # fmt: skip
        self.rooms = house.rooms(conn, clinic)
        patients = {row.message.patient for row in due}
        # From here on nobody closes their addresses, or counts what they got, before this is decided.
        self.planners = planners_of(conn, house, self.rooms, patients, now, alone=True)
        mine = {planner.patient.id: planner for planner in self.planners.values()}
        self.waiting = outbox_many.waiting(conn, clinic, mine)
        self.tries = outbox_many.tries(conn, clinic, [row.id for row in due])
        purposes = {row.message.purpose for row in due}
        self.around = Surroundings(conn, house, self.rooms.rules, mine.values(), purposes, now)
        self.at_address: dict[tuple[str, str], list[Planner]] = {}
        for planner in mine.values():
            for pair in pairs_of(planner.facts):
                self.at_address.setdefault(pair, []).append(planner)
        self.done = Claimed()
        self.touched: set[str] = set()
        self.decided: list[Planner] = []
        self.claims: list[_Claim] = []
        self.rehearsed: list[outbox_many.Leaving] = []
        self.links: list[links.Link] = []
        self.by_channel: Counter[str] = Counter()
        self.counted: Counter[str] = Counter()
        self.limits: dict[str, int] = {}
        self.well: dict[str, bool] = {}

    def claim(self) -> Claimed:
        unfolded: list[str] = []
        for number, row in enumerate(self.due):
            planner = self.planners[row.message.patient]
            who, message = planner.patient.id, planner.patient.messages.get(row.message.key)
            if message is None and who == row.message.patient:
                continue
            if who in self.touched:
                self.done.later.append(row.id)
            elif message is None:
                self.touched.add(who)
                self._gave_way(planner, row.id)
            elif not _is_due(message, self.now):
                continue
            elif who in self.waiting:
                # Something was accepted of this patient that nobody has looked at yet, perhaps a STOP: first that, then the message.
                unfolded.append(message.key)
            elif not self._decide(row, planner, message):
                # A journey was paused by that: those behind are asked about under the rules as they are then.
                self.done.later += [each.id for each in self.due[number + 1 :]]
                break
        outbox.queue(self.conn, self.clinic, unfolded, self.house.wall() + SOON)
        self._write()
        return self.done

    def _decide(self, row: outbox.Row, planner: Planner, message: Message) -> bool:
        """False where it paused a journey."""
        known = self.around.of(planner, message.purpose)
        verdict = planner.verdict(message.key, known)
        if isinstance(verdict, Go):
            if not verdict.rehearsal and self._enough(verdict.channel):
                self.done.later.append(row.id)
                return True
            verdict = self._take(row, planner, message, verdict, known)
        self.touched.add(planner.patient.id)
        self.decided.append(planner)
        if isinstance(verdict, Go):
            return True
        planner.apply(message.key, verdict)
        _tell(self.conn, planner, message, verdict, known)
        return not (isinstance(verdict, Defer) and verdict.code == "blast_limit")

    def _enough(self, channel: str) -> bool:
        sender = self.rooms.senders.get(channel)
        most = int(float(sender.rate) * AHEAD.total_seconds()) if sender is not None else 0
        return self.by_channel[channel] >= max(most, 1)

    def _wait(self, channel: str) -> timedelta | None:
        if channel not in self.well:
            self.well[channel] = is_well(self.conn, self.clinic, channel)
        return None if self.well[channel] else may_try(self.conn, self.clinic, channel, self.now)

    def _take(self, row: outbox.Row, planner: Planner, message: Message, go: Go, known: Outside) -> Verdict:
        """Render, and take; what keeps it in after all is the verdict."""
        sender = self.rooms.senders.get(go.channel)
        if sender is None:
            return Drop("no_sender", f"config/channels.yaml no longer has {go.channel}")
        if not go.rehearsal:
            wait = self._wait(go.channel)
            if wait is not None:
                return Defer(
                    self.now + wait, "sender_paused", f"{go.channel}: the provider is not asked for now"
                )
        found, made = addresses(self.conn, self.house, self.rooms, message, row.id, go.channel, self.now)
        try:
            offer = promised(planner.rules, planner.facts, message, self.now)
            rendered = render(self.rooms, planner.facts, message, go.channel, found, offer)
        except TemplateError as error:
            log.error(
                "text could not be rendered", clinic=self.clinic, message=row.id, template=error.path, line=error.line
            )  # fmt: skip
            planner.settle(message.key, "dropped", "template", f"the text could not be rendered: {error}")
            return go
        if known.blast is not None and not go.rehearsal and not self.tries.get(row.id):
            if known.blast.sent >= known.blast.limit:
                return over(self.now, message.purpose, known.blast.limit)
            self.around.left(message.purpose)
            self.counted[message.purpose] += 1
            self.limits[message.purpose] = known.blast.limit
        self.links += made
        leaving = outbox_many.Leaving(
            row.id, go.channel, go.address, rendered.language, rendered.subject, rendered.text, rendered.html, sender.sender,
        )  # fmt: skip
        validity = planner.open_for(message.key, QUEUED)
        claimed = planner.apply(message.key, go)
        if go.rehearsal:
            self.rehearsed.append(leaving)
            return go
        # Its row is moved here, not by the plan: only so does the claim tell who won.
        planner.plan.messages.discard(message.key)
        for other in self.at_address.get((go.channel, go.address), ()):
            if other is not planner:
                other.patient.contacts = (*other.patient.contacts, planner.patient.contacts[-1])
        self.by_channel[go.channel] += 1
        self.claims.append(_Claim(row, claimed, leaving, rendered, sender, found, validity))
        return go

    def _gave_way(self, planner: Planner, message_id: str) -> None:
        """A message to a record that became part of another while its fate was open: its run has ended with that record."""
        row = next(iter(outbox.get(self.conn, self.clinic, [message_id])), None)
        if row is None or row.message.state != "scheduled":
            return
        why = f"merged into {planner.patient.id}"
        self.done.following += settle(
            self.conn, self.house, self.rooms, row, "dropped", "merged", why, self.now, planner=planner
        )

    def _write(self) -> None:
        conn, clinic = self.conn, self.clinic
        day = today_of(self.rooms.rules, self.now)
        for purpose, more in sorted(self.counted.items()):
            if not day_counts.take(conn, clinic, day, blast_of(purpose), self.limits[purpose], more):
                raise LostClaim("the day's limit was reached meanwhile")
        links.keep(conn, self.links)
        outbox_many.content(conn, clinic, self.rehearsed)
        wall = self.house.wall()
        if not outbox_many.claim(conn, clinic, [one.leaving for one in self.claims], self.now, wall + LEASE):
            raise LostClaim(f"one of {len(self.claims)}")
        called = [
            (one.row.id, self.channels.account(one.sender.provider, one.sender.own)) for one in self.claims
        ]
        numbers = outbox_many.begin(conn, clinic, called, wall)
        if self.decided:
            self.done.following += save(conn, self.house, self.rooms.rules, self.decided, self.now)
        for one in self.claims:
            key, tries = one.row.id, self.tries.get(one.row.id, 0) + 1
            before = wall + min(LEASE / 2, one.validity or LEASE)
            self.done.ready.append(
                Ready(
                    key, one.message, tries, before, one.rendered, one.sender, self.rooms.from_name, one.links, one.validity,
                    self._leave(one, numbers[key]),
                )
            )  # fmt: skip

    def _leave(self, one: _Claim, number: int) -> outbox_many.Leave:
        kept = self.planners[one.message.patient].patient.kept
        hashed = self.house.hashed(one.leaving.channel, one.leaving.address)
        changes = kept.changes if kept is not None else 0
        return outbox_many.Leave(number, self.rooms.rules.version, changes, hashed)


def begin(
    house: House, clinic: str, waiting: Sequence[Ready], heard: Sequence[outbox_many.Heard] = ()
) -> set[str]:
    """The calls of these claims begin; returns the messages (ids) whose do. Whatever became known since a claim takes its leave back: it is asked about anew, in full, when it comes again.

    The calls begin when this has committed; what has committed before it keeps them from it. `heard` is what other calls have said meanwhile, noted in the same transaction.
    """
    with write(house.engine) as conn:
        outbox_many.heard(conn, clinic, heard, house.wall())
        begun = outbox_many.call(conn, clinic, [ready.leave for ready in waiting])
    return {ready.id for ready in waiting if ready.attempt in begun}


def _tell(conn: Connection, planner: Planner, message: Message, verdict: Verdict, known: Outside) -> None:
    """Two silences need a person: too much at once, and a clinic's systems that fell silent."""
    if not isinstance(verdict, Defer):
        return
    rules, now = planner.rules, planner.now
    if verdict.code == "blast_limit":
        pause_journey(conn, rules, message.journey, "blast_limit", verdict.why, now)
    elif verdict.code == "feed_stale" and known.feed_seen_at is not None:
        name = f"feed/{known.feed_seen_at:%Y-%m-%dT%H:%M}"
        said = f"No marketing leaves: {verdict.why}. Check that the clinic's system still sends its visits and bookings."
        system_task(conn, rules, name, MANAGER, said, now, urgent=True)
    elif verdict.code == "no_public_url":
        system_task(
            conn,
            rules,
            f"door/{today_of(rules, now)}",
            MANAGER,
            f"No marketing leaves: {verdict.why}.",
            now,
            urgent=True,
        )
