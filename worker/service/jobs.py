"""What is due, as `service` returns it. Its caller queues it, after the commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["fold", "wake", "dispatch", "reconcile", "probe"]
BATCH = 500


@dataclass(frozen=True, slots=True)
class Job:
    """Ids for one actor: event numbers to fold, patients to wake, messages to dispatch or to look for; to probe our public address it needs none."""

    kind: Kind
    clinic: str
    ids: tuple[str, ...]


def batches(kind: Kind, pairs: Iterable[tuple[str, object]], size: int = BATCH) -> list[Job]:
    """(clinic, id) pairs as jobs of at most `size` ids each, in their order."""
    by_clinic: dict[str, list[str]] = {}
    for clinic, key in pairs:
        by_clinic.setdefault(clinic, []).append(str(key))
    return [
        Job(kind, clinic, tuple(ids[i : i + size]))
        for clinic, ids in by_clinic.items()
        for i in range(0, len(ids), size)
    ]


def spread(jobs: Sequence[Job]) -> int:
    """How many ids they carry."""
    return sum(len(job.ids) for job in jobs)
