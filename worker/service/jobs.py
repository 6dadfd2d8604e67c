"""What is due, as `service` returns it. Its caller queues it, after the commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

Kind = Literal["fold", "wake", "dispatch", "reconcile", "probe"]
BATCH = 500
SENDS = 100
"""How many messages a job sends: short work, so that several are at it side by side."""


@dataclass(frozen=True, slots=True)
class Job:
    """Ids for one actor: event numbers to fold, patients to wake, messages to dispatch or to look for; to probe our public address it needs none."""

    kind: Kind
    clinic: str
    ids: tuple[str, ...]


def batches(kind: Kind, pairs: Iterable[tuple[str, object]], size: int | None = None) -> list[Job]:
    """(clinic, id) pairs as jobs of at most `size` ids each (None: what suits the kind), in their order."""
    size = size or (SENDS if kind == "dispatch" else BATCH)
    by_clinic: dict[str, list[str]] = {}
    for clinic, key in pairs:
        by_clinic.setdefault(clinic, []).append(str(key))
    return [
        Job(kind, clinic, tuple(ids[i : i + size]))
        for clinic, ids in by_clinic.items()
        for i in range(0, len(ids), size)
    ]


def in_turns(jobs: Iterable[Job]) -> list[Job]:
    """The jobs so that clinics take turns, each clinic's in their order: the first of each, then the second of each, and so on."""
    by_clinic: dict[str, list[Job]] = {}
    for job in jobs:
        by_clinic.setdefault(job.clinic, []).append(job)
    rows = zip_longest(*by_clinic.values())
    return [job for row in rows for job in row if job is not None]


def spread(jobs: Sequence[Job]) -> int:
    """How many ids they carry."""
    return sum(len(job.ids) for job in jobs)
