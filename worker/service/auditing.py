"""A clinic's base, looked at whole: the audit. One snapshot of the database, as of the clinic's clock; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from worker.domain.rules import Rules
from worker.results.audit import Audit, Counting, Seeing
from worker.results.audit.model import Pairs
from worker.service import words
from worker.store import census, duplicates
from worker.store.day_counts import base
from worker.store.engine import read
from worker.workspace.house import House

Progress = Callable[[int, int], None]
"""Told now and then: how many patients are done, of how many."""


def audit(house: House, clinic: str, progress: Progress = lambda done, whole: None) -> Audit:
    """The audit of a clinic by its published rules. Raises NoRooms."""
    with read(house.engine) as conn:
        rooms, now = house.rooms(conn, clinic), house.now(conn)
        rules = rooms.rules
        whole = base(conn, clinic)
        seeing = Seeing(rules, now, tuple(rooms.senders), house.hashed, census.suppressed(conn, clinic))
        stages, segments = titles(rules)
        counting = Counting(
            rules.clinic,
            now,
            seeing.points,
            stages,
            segments,
            needs_profiling=rules.law(seeing.nobody()).profiling,
        )
        for done, told in enumerate(census.everybody(conn, clinic), start=1):
            counting.add(seeing.person(told.patient, told.ledger))
            if done % census.AT_ONCE == 0:
                progress(done, whole)
        progress(whole, whole)
        last = duplicates.searched(conn, clinic)
    pairs = Pairs(last.at, last.certain, last.proposed) if last is not None else None
    return replace(counting.audit(), pairs=pairs)


def titles(rules: Rules) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Stages and free segments with their words, in the order in which people go through them, or in which they are written."""
    names = rules.segments.stages
    if set(names) <= set(words.STAGES):
        names = tuple(sorted(names, key=words.STAGES.index))
    free = [name for name in rules.segments.titles if name not in rules.segments.asked]
    return {name: words.stage(name) for name in names}, {
        name: words.sentence(rules.segments.titles[name]) for name in free
    }
