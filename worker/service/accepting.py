"""Events in: each is accepted and durable, known already, or refused with its reasons and kept in quarantine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from worker.domain.clinic import Clinic
from worker.domain.events import Event
from worker.intake.cloudevents import Rejected, parse_event
from worker.service.jobs import BATCH, Job, batches
from worker.store import events as stored
from worker.store.engine import read, write
from worker.workspace.house import QUEUE_LEASE, House

BACKLOG_LIMIT = 200_000
"""More events than that waiting, and the door asks to come back later."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch; `rejected` by number, which is the index unless the caller gave others."""

    accepted: int
    duplicates: int
    rejected: tuple[tuple[int, tuple[str, ...]], ...]
    jobs: tuple[Job, ...]
    last_seq: int | None = None
    historical: bool = False


def full(house: House) -> bool:
    """Whether the backlog is over its limit."""
    with read(house.engine) as conn:
        return stored.backlog(conn, at_most=BACKLOG_LIMIT + 1) > BACKLOG_LIMIT


@dataclass(frozen=True, slots=True)
class Checked:
    """The events of a batch, what was rejected by its number, and what of it goes to quarantine."""

    good: tuple[Event, ...]
    rejected: tuple[tuple[int, tuple[str, ...]], ...]
    kept: tuple[tuple[str, Sequence[str]], ...]


def check(
    about: Clinic,
    now: datetime,
    raws: Sequence[object],
    *,
    numbers: Sequence[int] | None = None,
    broken: Sequence[tuple[int, str]] = (),
    refused: Sequence[tuple[int, object, str]] = (),
) -> Checked:
    """Look a batch over; the arguments are those of `accept`."""
    good: list[Event] = []
    rejected: list[tuple[int, tuple[str, ...]]] = [(number, (why,)) for number, why in broken]
    kept: list[tuple[str, Sequence[str]]] = [("", (f"line {number}: {why}",)) for number, why in broken]
    rejected += [(number, (why,)) for number, _, why in refused]
    kept += [(json.dumps(raw, default=str, ensure_ascii=False), (why,)) for _, raw, why in refused]
    for index, raw in zip(numbers if numbers is not None else range(len(raws)), raws, strict=True):
        event = parse_event(raw, now=now, country=about.country, timezone=about.timezone)
        if isinstance(event, Rejected):
            rejected.append((index, event.errors))
            kept.append((json.dumps(raw, default=str), event.errors))
        else:
            good.append(event)
    return Checked(tuple(good), tuple(sorted(rejected)), tuple(kept))


def accept(
    house: House,
    clinic: str,
    raws: Sequence[object],
    via: str,
    *,
    numbers: Sequence[int] | None = None,
    broken: Sequence[tuple[int, str]] = (),
    refused: Sequence[tuple[int, object, str]] = (),
) -> Taken:
    """Take a batch. `numbers` are what the caller calls the items (default: their index); `broken` are those that could not be decoded: number, reason;
    `refused` those of which no event could be made: number, what came, reason.

    Raises NoRooms.
    """
    with read(house.engine) as conn:
        about = house.clinic(conn, clinic)
        now = house.now(conn)
    checked = check(about, now, raws, numbers=numbers, broken=broken, refused=refused)
    good = checked.good
    lease = house.wall() + QUEUE_LEASE
    with write(house.engine) as conn:
        accepted = stored.accept(conn, clinic, good, now, queued_until=lease)
        if checked.kept:
            stored.quarantine(conn, clinic, via, checked.kept, now)
        if good:
            stored.saw(conn, clinic, now)
    jobs = batches("fold", [(clinic, seq) for seq in accepted.seqs], BATCH)
    last = max(accepted.seqs, default=None)
    return Taken(
        len(accepted.seqs),
        accepted.duplicates,
        checked.rejected,
        tuple(jobs),
        last,
        any(event.historical for event in good),
    )


RETRY_AFTER = timedelta(seconds=30)
