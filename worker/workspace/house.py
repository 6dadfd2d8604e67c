"""What every use case stands on: the database, the clock, the secret, and each clinic's published rooms."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine

from worker.domain.clinic import Clinic
from worker.domain.journey import Journey
from worker.domain.planner import Patient
from worker.domain.rules import Rules
from worker.store import day_counts, due, pauses
from worker.store import rooms as stored
from worker.workspace.rooms import BrokenRooms, Rooms, clinic_of, load

QUEUE_LEASE = timedelta(seconds=30)
"""How long what was queued is left alone before the sweeper queues it again."""


BASE_STANDS = timedelta(minutes=5)
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


class NoRooms(Exception):
    """Nothing was published for this clinic yet; `revisit run` publishes the workspace when it starts."""


def uncounted(_name: str, _amount: float = 1, **_labels: str) -> None:
    """For a house that nobody watches."""


def wall_clock() -> datetime:
    """The real time, UTC."""
    return datetime.now(UTC)


@dataclass
class House:
    """Shared by the threads of a process. `demo`: the clock is a row of the database, which every process reads. `count` is told what is to be counted."""

    engine: Engine
    secret: str
    public_url: str
    demo: bool = False
    wall: Callable[[], datetime] = wall_clock
    count: Callable[..., None] = uncounted
    _rooms: dict[str, Rooms] = field(default_factory=dict)
    _bases: dict[str, tuple[int, datetime | None]] = field(default_factory=dict)
    _journeys: dict[tuple[str, str, str], Rooms] = field(default_factory=dict)

    def now(self, conn: Connection) -> datetime:
        """The clinic's time."""
        return (due.demo_clock(conn) if self.demo else None) or self.wall()

    def rooms(self, conn: Connection, clinic: str) -> Rooms:
        """The published rooms; read anew only when another version is in force. Raises NoRooms."""
        version = stored.current_version(conn, clinic)
        if version is None:
            raise NoRooms(clinic)
        known = self._rooms.get(clinic)
        if known is None or known.rules.version != version:
            known = self._rooms[clinic] = load(stored.files_of(conn, clinic, version) or {}, version)
        paused = pauses.paused(conn, clinic)
        return replace(known, rules=replace(known.rules, paused=paused)) if paused else known

    def clinic(self, conn: Connection, clinic: str) -> Clinic:
        """The clinic alone: what a patient or its booking system says is heard even where its journeys or texts can't be used any more. Raises NoRooms, BrokenRooms."""
        try:
            return self.rooms(conn, clinic).rules.clinic
        except BrokenRooms:
            version = stored.current_version(conn, clinic)
            found = clinic_of(stored.files_of(conn, clinic, version) or {}) if version is not None else None
            if found is None:
                raise
            return found

    def base(self, conn: Connection, clinic: str) -> int:
        """How many patients a clinic has, as counted within the last few minutes."""
        counted, at = self._bases.get(clinic, (0, None))
        if at is None or self.wall() - at > BASE_STANDS:
            counted, at = self._bases[clinic] = day_counts.base(conn, clinic), self.wall()
        return counted

    def pinned(self, conn: Connection, rules: Rules, patients: Iterable[Patient]) -> Rules:
        """The rules with every earlier journey version that a run of these patients is pinned to."""
        wanted = {
            (run.journey, run.version) for p in patients for run in p.enrollments.values() if run.active
        }
        missing = {key for key in wanted if rules.journey(*key) is None}
        found = {}
        for journey, version in missing:
            rooms = self._version(conn, rules.clinic.id, journey, version)
            if rooms is not None and journey in rooms.rules.journeys:
                found[journey, version] = rooms.rules.journeys[journey]
        return replace(rules, pinned={**rules.pinned, **found}) if found else rules

    def journey(self, conn: Connection, rules: Rules, name: str, version: str) -> Journey | None:
        """A journey in the version that a run is pinned to; None where it is no longer known."""
        found = rules.journey(name, version)
        if found is not None:
            return found
        rooms = self._version(conn, rules.clinic.id, name, version)
        return rooms.rules.journeys.get(name) if rooms is not None else None

    def _version(self, conn: Connection, clinic: str, journey: str, version: str) -> Rooms | None:
        key = (clinic, journey, version)
        if key not in self._journeys:
            number = stored.journey_source(conn, clinic, journey, version)
            files = stored.files_of(conn, clinic, number) if number is not None else None
            if number is None or files is None:
                return None
            self._journeys[key] = load(files, number)
        return self._journeys[key]

    def opaque(self, told: str) -> str:
        """An id from outside as a log may show it: the same one every time, and nobody can tell whose. Letters only, so that no filter takes it for a number."""
        digest = hmac.new(self.secret.encode(), f"log:{told}".encode(), hashlib.sha256).hexdigest()[:16]
        return digest.translate(_LETTERS)

    def hashed(self, channel: str, address: str) -> str:
        """An address as suppressions keep it: a keyed hash, so that it can be recognised and not read."""
        words = f"{channel}:{address.casefold()}".encode()
        return hmac.new(self.secret.encode(), words, hashlib.sha256).hexdigest()
