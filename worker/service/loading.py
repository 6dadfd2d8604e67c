"""The parts of a file taken in: events accepted, history folded in the same transaction, and the line reached written with them.

Rules
1. A part is in whole, with the line that it ends on, or not at all: whatever is killed, the same file goes on behind the last part that is in.
2. History that lies together by patient is folded at once: one load and one save a patient. Where it lies scattered, it waits until the file is in, and is then folded patient by patient (`fold_rest`).
3. What cannot be folded so is accepted as any event is, and goes the way of any event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog

from worker.domain.events import Event
from worker.service.folding import fold, fold_within
from worker.service.jobs import BATCH, Job, batches
from worker.service.whereabouts import place_of
from worker.store import events as stored
from worker.store import loading, patients
from worker.store.engine import AWAY, read, write
from worker.workspace.house import QUEUE_LEASE, House

log = structlog.get_logger(__name__)
PART: Final = 2000
"""Lines of a file that are taken in at once."""
TOGETHER: Final = 3
"""So many events a patient, and they lie together."""
WAITS: Final = timedelta(hours=1)
"""How long scattered history is left to the file's own process."""
Counts = Callable[[frozenset[int]], Mapping[str, Any]]
"""What became of a file so far, told which events of its last part were known before."""
Quarantined = Sequence[tuple[str, Sequence[str]]]


class Loader:
    """One file. `digest` is what it is known by; without one, nothing is kept of how far it was taken in, and nothing waits for its end."""

    def __init__(self, house: House, clinic: str, via: str, digest: str = "") -> None:
        self._house, self._clinic, self._via, self._digest = house, clinic, via, digest
        self._line, self._counts, self._waits = 0, {}, False
        if digest:
            with read(house.engine) as conn:
                found = loading.reached(conn, clinic, digest)
            if found is not None:
                self._line, self._counts = found.line, dict(found.counts)
                # Whether some of it waits is not known any more; a look costs little.
                self._waits = True

    @property
    def line(self) -> int:
        """The last line that was in when this run began; 0 for none."""
        return self._line

    @property
    def counts(self) -> Mapping[str, Any]:
        """What became of the lines until there."""
        return self._counts

    def take(
        self, events: Sequence[Event], line: int, counts: Counts, quarantined: Quarantined = ()
    ) -> tuple[tuple[Job, ...], frozenset[int]]:
        """Take a part in that ends on `line`; returns what became due, and the indexes of the events that were known before."""
        history = frozenset(index for index, event in enumerate(events) if event.historical)
        together = len(history) >= TOGETHER * len({events[index].subject for index in history})
        if history and together:
            try:
                return patients.again_when_moved(
                    lambda: self._take(events, line, counts, quarantined, history, history)
                )
            except AWAY:
                raise
            except Exception as error:  # noqa: BLE001 (whatever it is: one by one they are taken up, and one bad event holds up nothing)
                log.warning(
                    "history is folded one by one",
                    clinic=self._clinic,
                    error=type(error).__name__,
                    where=place_of(error),
                )
        return self._take(events, line, counts, quarantined, history, frozenset())

    def _take(
        self,
        events: Sequence[Event],
        line: int,
        counts: Counts,
        quarantined: Quarantined,
        history: frozenset[int],
        folded: frozenset[int],
    ) -> tuple[tuple[Job, ...], frozenset[int]]:
        house, clinic = self._house, self._clinic
        wall = house.wall()
        # What waits for the file's end is left alone longer than what is queued.
        held = history if self._digest else frozenset()
        queued, waits = wall + QUEUE_LEASE, wall + WAITS
        until = [waits if index in held else queued for index in range(len(events))]
        jobs: list[Job] = []
        with write(house.engine) as conn:
            now = house.now(conn)
            kept = loading.load(conn, clinic, events, now, folded=folded, queued_until=until)
            new = [events[index] for index in folded if index not in kept.known]
            if new:
                jobs += fold_within(conn, house, clinic, sorted(new, key=lambda event: event.order))
            if quarantined:
                stored.quarantine(conn, clinic, self._via, quarantined, now)
            if self._digest:
                loading.reach(conn, clinic, self._digest, line, counts(kept.known), now)
            if events:
                stored.saw(conn, clinic, now)
        self._waits = self._waits or not held.isdisjoint(kept.waiting)
        due = sorted(seq for index, seq in kept.waiting.items() if index not in held)
        jobs += batches("fold", [(clinic, seq) for seq in due], BATCH)
        return tuple(jobs), kept.known

    def fold_rest(self) -> Iterator[tuple[int, list[Job]]]:
        """Fold what waited for the file's end, patient by patient; tells how many events were folded each time, and what became due."""
        after = ""
        while self._waits:
            with read(self._house.engine) as conn:
                found = loading.unfolded(conn, self._clinic, after, PART)
            if not found:
                self._waits = False
                return
            after = found[-1][0]
            yield len(found), fold(self._house, self._clinic, [seq for _, seq in found])

    def done(self) -> None:
        """The whole file is in: the same file is read from its beginning."""
        if self._digest:
            with write(self._house.engine) as conn:
                loading.whole(conn, self._clinic, [self._digest], self._house.now(conn))
