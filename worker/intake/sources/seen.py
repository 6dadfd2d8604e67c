"""What the files of one kind have told so far in a run: which things, and which telephone numbers of whom.

Kept in a file of its own that goes with the run, behind a small cache: a run over millions of rows costs no more memory than one over a few. There are only hashes in it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from worker.intake.sources.reading import Told

_MAKE: Final = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8000;
CREATE TABLE things (thing BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE phones (phone INTEGER PRIMARY KEY, patient INTEGER NOT NULL, shared INTEGER NOT NULL DEFAULT 0);
"""
_PHONE: Final = """
INSERT INTO phones (phone, patient) VALUES (?, ?)
ON CONFLICT (phone) DO UPDATE SET shared = shared OR patient <> excluded.patient
"""


class Seen:
    """Close it. `since` is the earliest moment that one of the files shows; `unsure` how many refused rows may be of any thing."""

    def __init__(self) -> None:
        self.since: datetime | None = None
        self.unsure = 0
        # One thread at a time works with it, and not always the one that made it.
        self._kept = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._kept.executescript(_MAKE)

    def close(self) -> None:
        """Forget it all."""
        self._kept.close()

    def add(self, things: Iterable[str]) -> None:
        """These things were told of."""
        rows = [(bytes.fromhex(thing),) for thing in things]
        self._kept.executemany("INSERT OR IGNORE INTO things VALUES (?)", rows)

    def has(self, thing: str) -> bool:
        """Whether a thing was told of."""
        asked = "SELECT 1 FROM things WHERE thing = ?"
        return self._kept.execute(asked, (bytes.fromhex(thing),)).fetchone() is not None

    def phones(self, told: Iterable[Told]) -> None:
        """Numbers and patients of these rows; both are kept as hashes of this process."""
        rows = [
            (hash(phone), hash(one.subject))
            for one in told
            if (phone := (one.data.get("patient") or {}).get("phone")) is not None
        ]
        self._kept.executemany(_PHONE, rows)

    @property
    def shared(self) -> int:
        """How many telephone numbers belong to more than one patient."""
        found: int = self._kept.execute("SELECT count(*) FROM phones WHERE shared").fetchone()[0]
        return found
