"""A batch of messages on its way out: claimed together, called side by side, recorded as the answers come.

1. A batch is claimed in one transaction (`claiming`), no more than are worth having in hand (`calls`). A claim is not a call: what was claimed and not called is proven not to have left.
2. Calls begin in waves, each of as many as have a place and may begin by their sender's rate. That they begin is one statement for the wave, which is the last look at whether they may
   (`claiming.begin`); what earlier calls have said is noted in the same transaction, and their places are free. A kill leaves in doubt what has a place, and nothing else.
3. What was answered is recorded when all calls of the batch have begun, `PATIENCE` after that at the latest, or when so much has come, or so long ago (`LATEST`), that a transaction is worth it.
   A slow call keeps nobody's record waiting; a record keeps no call from beginning, since the next batch has its turn by then.
4. What the provider took, and nothing else is known of, is recorded for all at once; everything else goes the single way of `dispatch`, one by one.
5. Whatever raises in a batch sends its messages the single way, each guarded: one that is bad holds up nobody.
6. Once the process is told to stop no call begins: what has a claim is given back, what has none is for the next worker.
7. An answer is not given up because the database is away for a moment: it is kept for `AWAY_SECONDS`, and no new call begins meanwhile.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

import structlog

from channels.base import Accepted, Outcome
from worker.delivery.claiming import Ready, begin, claim
from worker.delivery.dispatch import (
    ASKED_AGAIN,
    ENDING,
    LATE,
    call,
    dispatch,
    heard_of,
    log_attempt,
    places,
    record,
    too_old,
)
from worker.delivery.planning import planners_of
from worker.delivery.saving import save
from worker.delivery.senders import Channels
from worker.delivery.trouble import signal
from worker.store import outbox, outbox_many
from worker.store.engine import AWAY, write
from worker.workspace.house import House

log = structlog.get_logger(__name__)
ENOUGH: Final = 100
"""So many answers are worth a transaction."""
PATIENCE: Final = 0.5
LATEST: Final = 3.0
GATHER: Final = 0.01
"""Seconds in which answers that come together are gathered, so that the next calls are one wave."""
AWAY_SECONDS: Final = 10.0

Guard = Callable[[str, Callable[[], list[str]]], list[str]]
"""Does one message's work; where that raises, says so and gives nothing. That the database is away goes up."""
Answer = tuple[Ready, Outcome]


def dispatch_all(
    house: House, channels: Channels, clinic: str, ids: Sequence[str], guard: Guard
) -> Iterator[list[str]]:
    """As `dispatch` for each of these messages; gives the ids of messages that may leave because of them, as they become known, and of those that are left to others when the process is told to stop."""
    left = deque(dict.fromkeys(ids))
    while left:
        if channels.calls.ending:
            yield list(left)
            return
        most = channels.calls.claim(len(left))
        try:
            yield from _part(house, channels, clinic, left, most, guard)
        finally:
            channels.calls.claimed(most)


def _part(
    house: House, channels: Channels, clinic: str, left: deque[str], most: int, guard: Guard
) -> Iterator[list[str]]:
    part = [left.popleft() for _ in range(min(most, len(left)))]
    alone = [partial(dispatch, house, channels, clinic, key) for key in part]
    if len(part) == 1:
        yield guard(part[0], alone[0])
        return
    try:
        with channels.calls.claiming():
            claimed = claim(house, channels, clinic, part)
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, the others of the batch must go on)
        log.warning("batch taken apart", clinic=clinic, number=len(part), error=type(error).__name__)
        for key, work in zip(part, alone, strict=True):
            yield guard(key, work)
        return
    left.extendleft(reversed(claimed.later))
    yield claimed.following
    yield from _Calls(house, channels, clinic, claimed.ready, guard).run()


class _Calls:
    """The calls of one batch, begun and recorded by the thread that claimed it."""

    def __init__(
        self, house: House, channels: Channels, clinic: str, ready: Sequence[Ready], guard: Guard
    ) -> None:
        self.house, self.channels, self.clinic, self.guard = house, channels, clinic, guard
        self.calls = channels.calls
        self.left = deque(ready)
        self.place_at: dict[str, float] = {}
        self.told: SimpleQueue[tuple[Ready, Outcome | BaseException] | None] = SimpleQueue()
        self.idle = self.running = 0
        # Answers whose calls still have their places, and all that are to be recorded.
        self.unheard: dict[str, Answer] = {}
        self.answered: list[Answer] = []
        self.gather_until = self.answered_at = self.retry_at = 0.0
        self.away_since: float | None = None

    def run(self) -> Iterator[list[str]]:
        try:
            while self.left or self.running or self.answered:
                self._listen(self._begin(GATHER))
                if self._worth_recording():
                    self._begin(0.0)
                    yield from self._record()
        finally:
            self.calls.leave(self._wake)
            self.calls.free(self.idle + self.running + len(self.unheard))

    def _wake(self) -> None:
        self.told.put(None)

    def _worth_recording(self) -> bool:
        if not self.answered or time.monotonic() < self.retry_at:
            return False
        last = not self.left and not self.running
        return last or len(self.answered) >= ENOUGH or time.monotonic() >= self._record_at()

    def _record_at(self) -> float:
        return max(self.retry_at, self.answered_at + (LATEST if self.left else PATIENCE))

    def _begin(self, gather: float) -> float:
        """Begin the calls that may begin now; returns for how long there is nothing to do but listen."""
        now = time.monotonic()
        if now < self.retry_at:
            return self.retry_at - now
        while self.calls.ending and self.left:
            self._answer(self.left.popleft(), ENDING)
        if not self.left:
            self.calls.leave(self._wake)
        elif self.calls.turn(self._wake):
            return self._in_turn(now, gather)
        if self.unheard and self.calls.wanted():
            early = self.gather_until - now
            if gather and self.running and early > 0:
                return early
            self._wave([])
        self._give_back()
        return PATIENCE

    def _in_turn(self, now: float, gather: float) -> float:
        """As `_begin`, where places are for this batch."""
        self.idle += self.calls.take(len(self.left) - self.idle - len(self.unheard))
        room, busy = self.idle + len(self.unheard), self.calls.running
        if not room:
            return PATIENCE
        wave = self._due(now, room)
        if not wave:
            self.calls.leave(self._wake)
            self._give_back()
            at = self.place_at[self.left[0].id] if self.left else now
            return min(max(at - now, 0.0), PATIENCE)
        # While every thread has a call there is no hurry; else no more is waited for than comes at once.
        until = now + PATIENCE if busy >= self.calls.most else self.gather_until
        if gather and busy and len(wave) < min(len(self.left), self.calls.places // 2) and now < until:
            return until - now
        self._wave(wave)
        return 0.0

    def _give_back(self) -> None:
        if self.idle:
            self.calls.free(self.idle)
            self.idle = 0

    def _due(self, now: float, most: int) -> list[Ready]:
        """Those, of so many at the head of what is left, whose place in their sender's rate has come."""
        ahead = [self.left[index] for index in range(min(len(self.left), most))]
        new = [ready for ready in ahead if ready.id not in self.place_at]
        for ready, (seconds, refused) in zip(
            new, places(self.house, self.channels, self.clinic, new), strict=True
        ):
            self.place_at[ready.id] = now + seconds
            if refused is not None:
                self.left.remove(ready)
                self._answer(ready, refused)
        return [ready for ready in ahead if self.place_at[ready.id] <= now and ready in self.left]

    def _wave(self, wave: Sequence[Ready]) -> None:
        old = [ready for ready in wave if too_old(self.house, ready)]
        young = [ready for ready in wave if ready not in old]
        noted = dict(self.unheard)
        try:
            begun = begin(self.house, self.clinic, young, [heard_of(*answer) for answer in noted.values()])
        except AWAY as error:
            self._away(error)
            return
        except Exception as error:  # noqa: BLE001 (the claims are given back when their leases are over)
            for ready in wave:
                self.left.remove(ready)
                self.guard(ready.id, partial(_raise, error))
            return
        self.away_since = None
        self.unheard.clear()
        self.idle += len(noted)
        for ready in wave:
            self.left.remove(ready)
            if ready.id in begun:
                self.idle -= 1
                self.running += 1
                work = partial(call, self.house, self.channels, self.clinic, ready)
                self.calls.begin(work, LATE, partial(self._tell, ready))
            else:
                self._answer(ready, LATE if ready in old else ASKED_AGAIN)

    def _tell(self, ready: Ready, outcome: Outcome | BaseException) -> None:
        self.told.put((ready, outcome))

    def _listen(self, seconds: float) -> None:
        """Take in what was answered; waits for the first of it."""
        if self.answered:
            seconds = min(seconds, max(self._record_at() - time.monotonic(), 0.0))
        try:
            while True:
                told = self.told.get(timeout=seconds) if seconds else self.told.get_nowait()
                seconds = 0.0
                if told is None:
                    continue
                ready, outcome = told
                self.running -= 1
                if isinstance(outcome, BaseException):
                    self.idle += 1
                    self.guard(ready.id, partial(_raise, outcome))
                    continue
                if not self.unheard:
                    self.gather_until = time.monotonic() + GATHER
                self.unheard[ready.id] = (ready, outcome)
                self._answer(ready, outcome)
        except Empty:
            return

    def _answer(self, ready: Ready, outcome: Outcome) -> None:
        log_attempt(self.house, self.clinic, ready, outcome)
        if not self.answered:
            self.answered_at = time.monotonic()
        self.answered.append((ready, outcome))

    def _recorded(self, ids: set[str]) -> None:
        self.away_since = None
        self.answered = [answer for answer in self.answered if answer[0].id not in ids]
        for key in ids & self.unheard.keys():
            del self.unheard[key]
            self.idle += 1

    def _record(self) -> Iterator[list[str]]:
        try:
            if sum(isinstance(outcome, Accepted) for _, outcome in self.answered) > 1:
                yield self._record_plain()
            while self.answered:
                ready, outcome = self.answered[-1]
                yield self.guard(ready.id, partial(record, self.house, self.clinic, ready, outcome))
                self._recorded({ready.id})
        except AWAY as error:
            self._away(error)

    def _away(self, error: Exception) -> None:
        """The database is away: nothing begins, and nothing is written, for a moment. Raises the error where that lasts."""
        now = time.monotonic()
        self.away_since = self.away_since or now
        if now - self.away_since > AWAY_SECONDS:
            raise error
        self.retry_at = now + 1.0

    def _record_plain(self) -> list[str]:
        plain = [(ready, outcome) for ready, outcome in self.answered if isinstance(outcome, Accepted)]
        unheard = {ready.id for ready, _ in plain} & self.unheard.keys()
        try:
            following, done = record_accepted(self.house, self.clinic, plain, unheard)
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 (each is recorded by itself then)
            log.warning(
                "batch taken apart", clinic=self.clinic, number=len(plain), error=type(error).__name__
            )
            return []
        self._recorded(done)
        return following


def record_accepted(
    house: House, clinic: str, answers: Sequence[tuple[Ready, Accepted]], unheard: set[str]
) -> tuple[list[str], set[str]]:
    """Record in one transaction what the provider took, where nothing else became known of it; returns the ids of messages that may leave because of it, and of those that are recorded.

    `unheard` are the messages (ids) whose answers were not noted before.
    """
    with write(house.engine) as conn:
        rooms, now = house.rooms(conn, clinic), house.now(conn)
        planners = planners_of(conn, house, rooms, {ready.message.patient for ready, _ in answers}, now)
        ids = [ready.id for ready, _ in answers]
        rows = {row.id: row for row in outbox.get(conn, clinic, ids)}
        last = outbox_many.last_attempts(conn, clinic, ids)
        plain = [
            (ready, outcome, rows[ready.id])
            for ready, outcome in answers
            if ready.id in rows
            and rows[ready.id].message.state == "claimed"
            and rows[ready.id].status is None
            and last.get(ready.id) == ready.attempt
        ]
        for channel in sorted({ready.message.channel or "" for ready, _, _ in plain}):
            signal(conn, rooms.rules, channel, "fine", now)
        heard = [heard_of(ready, outcome) for ready, outcome, _ in plain if ready.id in unheard]
        outbox_many.heard(conn, clinic, heard, house.wall())
        taken = [(ready.id, outcome.provider_id) for ready, outcome, _ in plain]
        if not outbox_many.sent(conn, clinic, taken, now):
            raise RuntimeError("a message was moved whose patient is locked here")
        mine = {}
        for ready, _, row in plain:
            planner, key = planners[ready.message.patient], row.message.key
            planner.patient.messages[key] = row.message
            planner.settle(key, "sent", "", f"by {ready.message.channel}")
            # Its row was moved by the conditional update.
            planner.plan.messages.discard(key)
            mine[planner.patient.id] = planner
        following = save(conn, house, rooms.rules, list(mine.values()), now) if mine else []
        return following, {ready.id for ready, _, _ in plain}


def _raise(error: BaseException) -> list[str]:
    raise error
