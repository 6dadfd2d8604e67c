"""One patient under two ids: pairs looked for, merged, told apart, and both taken back.

Rules
1. A merge is a `patient.merged` like any other, raised at our own door: it is folded, starts no journey, and the more restrictive consent stands.
2. By rule only certain pairs are merged, and of those none that a person has decided over: what was told apart is never proposed again, what was taken back is never merged by rule again.
3. What the clinic's own system merged is the clinic's own: it is taken back there.
4. Everything stands in the audit: ids, and who did it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from worker.domain.events import Event
from worker.intake.linkage import Group, Record, alike, groups, record_of, sort_out
from worker.service.folding import fold
from worker.service.jobs import Job
from worker.service.raising import raise_event
from worker.service.unmerging import unmerge
from worker.service.whom import NotDone, find
from worker.store import census, duplicates, patients
from worker.store.audit import note
from worker.store.duplicates import Pair, Searched
from worker.store.engine import read, write
from worker.store.ledgers import ledger_of
from worker.workspace.house import House

SOURCE: Final = "/revisit/duplicates"
RULE: Final = "rule"
"""Who decided, where it was no person."""
_AT_ONCE: Final = 100
Progress = Callable[[int], None]
"""Told now and then how many records are read."""


class Refused(ValueError):
    """It can't be done; the message says why, and the way out."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: how many records were compared, the open pairs with the likeliest first, and who would be merged into whom by rule."""

    patients: int
    pairs: tuple[Pair, ...]
    groups: tuple[Group, ...]

    def of(self, band: str) -> tuple[Pair, ...]:
        """The pairs of one band."""
        return tuple(one for one in self.pairs if one.band == band)


@dataclass(frozen=True, slots=True)
class Merged:
    """The patient that goes on, the ids that gave way, and what became due."""

    kept: str
    gone: tuple[str, ...]
    jobs: tuple[Job, ...]


def search(house: House, clinic: str, actor: str, progress: Progress = lambda done: None) -> Found:
    """Compare all records, and keep what is found. Raises NoLinkage, NoRooms."""
    with read(house.engine) as conn:
        records: dict[str, Record] = {}
        for done, told in enumerate(census.everybody(conn, clinic), start=1):
            record = record_of(told.patient, told.ledger)
            if record is not None:
                records[record.id] = record
            if done % census.AT_ONCE == 0:
                progress(done)
        decided = [one for one in duplicates.pairs(conn, clinic) if one.decided_by is not None]
        never, ask = (_now(conn, clinic, decided, state) for state in ("distinct", "proposed"))
    found = sort_out(alike(list(records.values())), records, never, ask)
    open_ = [Pair(one.left, one.right, round(one.score), one.band, one.how) for one in found]
    with write(house.engine) as conn:
        duplicates.found(conn, clinic, open_, len(records), actor, house.now(conn))
    return Found(len(records), tuple(open_), groups(found, records))


def decided(house: House, clinic: str) -> tuple[Pair, ...]:
    """The pairs that were merged here or told apart, the latest first."""
    with read(house.engine) as conn:
        found = [one for one in duplicates.pairs(conn, clinic) if one.state != "proposed"]
    return tuple(sorted(found, key=_when, reverse=True))


def searched(house: House, clinic: str) -> Searched | None:
    """The last search; None where there was none."""
    with read(house.engine) as conn:
        return duplicates.searched(conn, clinic)


def names(house: House, clinic: str, pairs: Sequence[Pair]) -> Mapping[str, str]:
    """Name and birth date of everybody in these pairs, for a person's eyes."""
    told: dict[str, str] = {}
    with read(house.engine) as conn:
        for one in {one for pair in pairs for one in pair.ids}:
            record = record_of(one, ledger_of(conn, clinic, one) or {"erased": "unknown"})
            if record is not None:
                parts = (f"{record.first_name} {record.last_name}".strip(), record.birth_date)
                told[one] = ", ".join(part for part in parts if part)
    return told


def merge(house: House, clinic: str, kept: str, gone: str, actor: str) -> Merged:
    """Two records are one patient, says a person; `kept` goes on. Raises UnknownPatient, Refused, NotDone, NoRooms."""
    return _merge(house, clinic, [Group(kept, (gone,))], actor, actor)[0]


def merge_certain(
    house: House, clinic: str, found: Found, actor: str, progress: Progress = lambda done: None
) -> tuple[Merged, ...]:
    """Merge what a search found to be certain. Raises as `merge` does; what was merged until then stays so."""
    done: list[Merged] = []
    for at in range(0, len(found.groups), _AT_ONCE):
        done += _merge(house, clinic, found.groups[at : at + _AT_ONCE], actor, RULE)
        progress(len(done))
    return tuple(done)


def tell_apart(house: House, clinic: str, one: str, other: str, actor: str) -> None:
    """Two records are two patients, says a person: they are never proposed again. Raises UnknownPatient, Refused."""
    with write(house.engine) as conn:
        first, second = find(conn, clinic, one).patient, find(conn, clinic, other).patient
        if first == second:
            raise Refused(
                f"`{one}` and `{other}` are one patient now. To make them two again: revisit duplicates undo {one} {other}"
            )
        now = house.now(conn)
        duplicates.decide(conn, clinic, first, second, "distinct", actor, now)
        note(conn, clinic, now, actor, "duplicates told apart", {"patients": sorted((first, second))})


def undo(house: House, clinic: str, one: str, other: str, actor: str) -> Pair:
    """Take back what was decided over a pair; returns the pair as it was. Raises Refused, NotDone, NoRooms."""
    with write(house.engine) as conn:
        pair = duplicates.pair_of(conn, clinic, one, other)
        if pair is None or pair.state == "proposed":
            raise Refused(
                f"Nothing was decided here over `{one}` and `{other}`. `revisit duplicates --decided` lists what was; what the clinic's own system merged is taken back there."
            )
        now = house.now(conn)
        if pair.state == "distinct":
            duplicates.decide(conn, clinic, one, other, "proposed", actor, now)
            note(
                conn,
                clinic,
                now,
                actor,
                "duplicates no longer told apart",
                {"patients": [pair.left, pair.right]},
            )
            return pair
    unmerge(house, clinic, pair, SOURCE, actor)
    return pair


def _merge(house: House, clinic: str, wanted: Sequence[Group], actor: str, by: str) -> list[Merged]:
    seqs: list[int] = []
    told: list[tuple[str, str]] = []
    with write(house.engine) as conn:
        now = house.now(conn)
        for group in wanted:
            for one in group.gone:
                kept, gone = _two(conn, clinic, group.kept, one)
                event = Event(
                    f"{gone} into {kept} {uuid.uuid4().hex}",
                    SOURCE,
                    "patient.merged",
                    gone,
                    now,
                    {"into": kept},
                )
                detail = {"patient": gone, "into": kept, "by": by}
                seqs += raise_event(conn, house, clinic, event, now, actor, "merged", detail)
                duplicates.decide(conn, clinic, kept, gone, "merged", by, now, event.id)
                told.append((kept, gone))
    jobs = fold(house, clinic, seqs)
    with read(house.engine) as conn:
        stands = patients.resolve(conn, clinic, [gone for _, gone in told])
        if any(stands[gone] == gone for _, gone in told):
            raise NotDone(
                "The merge is kept and takes effect as soon as the worker has folded it. Look again in a minute."
            )
    made: dict[str, list[str]] = {}
    for kept, gone in told:
        made.setdefault(kept, []).append(gone)
    return [
        Merged(kept, tuple(gone), tuple(jobs) if at == 0 else ())
        for at, (kept, gone) in enumerate(made.items())
    ]


def _two(conn: Connection, clinic: str, kept: str, gone: str) -> tuple[str, str]:
    first, second = find(conn, clinic, kept), find(conn, clinic, gone)
    if first.patient == second.patient:
        raise Refused(f"`{kept}` and `{gone}` are one patient already.")
    for one in (first, second):
        if one.erased_at is not None:
            raise Refused(
                f"Patient `{one.patient}` asked to be forgotten: nothing is known of her any more that could be merged."
            )
    return first.patient, second.patient


def _now(conn: Connection, clinic: str, decided: Sequence[Pair], state: str) -> frozenset[frozenset[str]]:
    """The pairs that were decided so, by the ids that they stand for today: what holds of one record holds of whom it was merged into."""
    wanted = [one for one in decided if one.state == state]
    stands = patients.resolve(conn, clinic, {one for pair in wanted for one in pair.ids})
    return frozenset(frozenset((stands[one.left], stands[one.right])) for one in wanted)


def _when(pair: Pair) -> tuple[datetime, str, str]:
    if pair.decided_at is None:
        raise ValueError(pair)
    return (pair.decided_at, pair.left, pair.right)
