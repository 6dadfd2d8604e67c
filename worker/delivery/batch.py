"""A batch of messages on its way out: claimed together, called side by side, recorded as the answers come.

1. A batch is claimed in one transaction (`claiming`). No more are claimed in a process at a time than it has places (`calls`): a kill leaves no more in doubt. Each call begins as soon as its sender's rate allows it and its leave stands: a claim
   that has waited for longer than `FRESH` is asked about again.
2. What was answered is recorded early: when so much has come that a transaction is worth it, and `PATIENCE` after the first answer at the latest. A slow call keeps nobody's record waiting.
3. What the provider took, and nothing else is known of, is recorded for all at once; everything else goes the single way of `dispatch`, one by one.
4. Whatever raises in a batch sends its messages the single way, each guarded: one that is bad holds up nobody.
5. An answer is not given up because the database is away for a moment: it is kept for `AWAY_SECONDS`, and no new call begins meanwhile.
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
from worker.delivery.claiming import Ready, claim, still_may
from worker.delivery.dispatch import ASKED_AGAIN, call, dispatch, log_attempt, place, record
from worker.delivery.planning import planners_of
from worker.delivery.saving import save
from worker.delivery.senders import Channels
from worker.delivery.trouble import signal
from worker.store import outbox, outbox_many
from worker.store.engine import AWAY, write
from worker.workspace.house import House

log = structlog.get_logger(__name__)
ENOUGH: Final = 25
"""So many answers are worth a transaction."""
PATIENCE: Final = 0.2
FRESH: Final = 0.25
"""Seconds for which the leave of a claim is taken to stand."""
AWAY_SECONDS: Final = 10.0

Guard = Callable[[str, Callable[[], list[str]]], list[str]]
"""Does one message's work; where that raises, says so and gives nothing. That the database is away goes up."""
Answer = tuple[Ready, Outcome]


def dispatch_all(
    house: House, channels: Channels, clinic: str, ids: Sequence[str], guard: Guard
) -> Iterator[list[str]]:
    """As `dispatch` for each of these messages; gives the ids of messages that may leave because of them, as they become known."""
    left, calls = deque(dict.fromkeys(ids)), channels.calls
    while left:
        places = calls.take(len(left))
        try:
            yield from _part(house, channels, clinic, left, places, guard)
        finally:
            calls.free(places)


def _part(
    house: House, channels: Channels, clinic: str, left: deque[str], most: int, guard: Guard
) -> Iterator[list[str]]:
    part = [left.popleft() for _ in range(min(most, len(left)))]
    alone = [partial(dispatch, house, channels, clinic, key) for key in part]
    if len(part) == 1:
        yield guard(part[0], alone[0])
        return
    try:
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
        self.left, self.running = deque(ready), 0
        self.told: SimpleQueue[tuple[Ready, Outcome | BaseException]] = SimpleQueue()
        self.answered: list[Answer] = []
        self.record_at = 0.0
        self.stood = time.monotonic()
        self.place_at: float | None = None
        self.away_since: float | None = None

    def run(self) -> Iterator[list[str]]:
        while self.left or self.running or self.answered:
            self._listen(self._begin() if self.left and self.away_since is None else PATIENCE)
            last = not self.left and not self.running and self.away_since is None
            if self.answered and (last or len(self.answered) >= ENOUGH or time.monotonic() >= self.record_at):
                yield from self._record()

    def _begin(self) -> float:
        """Begin the next call, if it may begin now; returns for how long there is nothing to do but listen."""
        ready = self.left[0]
        if self.place_at is None:
            seconds, refused = place(self.house, self.channels, self.clinic, ready)
            if refused is not None:
                self._answer(self.left.popleft(), refused)
                return 0.0
            self.place_at = time.monotonic() + seconds
            if seconds:
                self.stood = float("-inf")
        early = self.place_at - time.monotonic()
        if early > 0:
            return min(early, PATIENCE)
        stands = time.monotonic() - self.stood <= FRESH or self._ask_again(ready)
        self.place_at = None
        if not stands:
            return 0.0
        self.left.popleft()
        self.running += 1
        self.channels.calls.begin(
            partial(call, self.house, self.channels, self.clinic, ready), partial(self._tell, ready)
        )
        return 0.0

    def _tell(self, ready: Ready, outcome: Outcome | BaseException) -> None:
        self.told.put((ready, outcome))

    def _ask_again(self, first: Ready) -> bool:
        """Whether the first of those that wait may still leave; those that may not are answered."""
        standing = still_may(self.house, self.clinic, self.left)
        self.stood = time.monotonic()
        for ready in self.left:
            if ready.id not in standing:
                self._answer(ready, ASKED_AGAIN)
        self.left = deque(ready for ready in self.left if ready.id in standing)
        return first.id in standing

    def _listen(self, seconds: float) -> None:
        """Take in what was answered; waits for the first of it."""
        if self.answered and self.away_since is None:
            seconds = min(seconds, max(self.record_at - time.monotonic(), 0.0))
        try:
            while True:
                ready, outcome = self.told.get(timeout=seconds) if seconds else self.told.get_nowait()
                seconds = 0.0
                self.running -= 1
                if isinstance(outcome, BaseException):
                    self.guard(ready.id, partial(_raise, outcome))
                else:
                    self._answer(ready, outcome)
        except Empty:
            return

    def _answer(self, ready: Ready, outcome: Outcome) -> None:
        log_attempt(self.house, self.clinic, ready, outcome)
        if not self.answered:
            self.record_at = time.monotonic() + PATIENCE
        self.answered.append((ready, outcome))

    def _record(self) -> Iterator[list[str]]:
        try:
            if sum(isinstance(outcome, Accepted) for _, outcome in self.answered) > 1:
                yield self._record_plain()
            while self.answered:
                ready, outcome = self.answered[-1]
                yield self.guard(ready.id, partial(record, self.house, self.clinic, ready, outcome))
                self.answered.pop()
            self.away_since = None
        except AWAY:
            now = time.monotonic()
            self.away_since = self.away_since or now
            if now - self.away_since > AWAY_SECONDS:
                raise
            self.record_at = now + 1.0

    def _record_plain(self) -> list[str]:
        plain = [(ready, outcome) for ready, outcome in self.answered if isinstance(outcome, Accepted)]
        try:
            following, done = record_accepted(self.house, self.clinic, plain)
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 (each is recorded by itself then)
            log.warning(
                "batch taken apart", clinic=self.clinic, number=len(plain), error=type(error).__name__
            )
            return []
        self.answered = [answer for answer in self.answered if answer[0].id not in done]
        return following


def record_accepted(
    house: House, clinic: str, answers: Sequence[tuple[Ready, Accepted]]
) -> tuple[list[str], set[str]]:
    """Record in one transaction what the provider took, where nothing else became known of it; returns the ids of messages that may leave because of it, and of those that are recorded."""
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
        outbox_many.accepted(conn, clinic, [ready.attempt for ready, _, _ in plain], house.wall())
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
