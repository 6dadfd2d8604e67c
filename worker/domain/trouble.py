"""Trouble with providers: how long to wait before the next try, when to stop asking a provider at all, when failures are too many.

Rules
1. A provider's own word on when to come back is kept (up to an hour); else waits double, each moved by up to a quarter, so that what failed together does not come back together.
2. A sender is paused after so many failures in a row that only tell of itself; then one message at a time tries again, and the first success lifts it.
3. What fails because of an address, a wish or a text says nothing against the sender.
4. Of a journey's messages in a day, a share of failures of 5 % is worth a warning, one of 10 % pauses the journey (once there are enough of them to tell).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

FIRST_RETRY: Final = timedelta(seconds=30)
FIRST_SPACED: Final = timedelta(hours=1)
LONGEST_RETRY: Final = timedelta(hours=1)
LONGEST_SPACED: Final = timedelta(hours=8)
SENDER_TRIES: Final = 3
"""How often one message is tried again while the trouble seems to be the sender's."""

Sign = Literal["fine", "busy", "away", "sender"]
"""What an attempt says of its provider: it works; it asks for a pause; it did not answer or could not be reached; our account or number is at fault."""
AWAY_IN_A_ROW: Final = 5
SENDER_IN_A_ROW: Final = 3
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(minutes=10)
SENDER_PAUSE: Final = timedelta(minutes=15)

ENOUGH: Final = 20
"""Below so many messages a share of failures tells nothing."""
WARN: Final = 0.05
PAUSE: Final = 0.10


@dataclass(frozen=True, slots=True)
class SenderState:
    """How a clinic's sender of one channel does. `failures` are in a row; nothing leaves before `open_until`; `code` and `why` are of the last failure."""

    paused: bool = False
    failures: int = 0
    open_until: datetime | None = None
    code: str = ""
    why: str = ""

    def after(
        self, sign: Sign, now: datetime, *, wait: timedelta | None = None, code: str = "", why: str = ""
    ) -> SenderState:
        """What it is after an attempt; the same object where nothing changes. `wait` is what the provider asked for."""
        if sign == "fine":
            return self if self == SenderState() else SenderState()
        if sign == "busy":
            return replace(self, open_until=now + min(wait or FIRST_PAUSE, LONGEST_RETRY), code=code, why=why)
        failures = self.failures + 1
        least = SENDER_IN_A_ROW if sign == "sender" else AWAY_IN_A_ROW
        if failures < least and not self.paused:
            return replace(self, failures=failures, code=code, why=why)
        longer = FIRST_PAUSE * 2 ** min(max(failures - least, 0), 10)
        pause = SENDER_PAUSE if sign == "sender" else min(longer, LONGEST_PAUSE)
        return SenderState(True, failures, now + pause, code, why)

    def trying(self, now: datetime) -> SenderState:
        """One message tries again; the others wait for what becomes of it."""
        return replace(self, open_until=now + FIRST_PAUSE * 2)


def patience(name: str, tries: int, asked: float | None = None, *, spaced: bool = False) -> timedelta:
    """How long to wait before the next try of a message; `tries` were made. `asked` are the seconds that the provider asked for."""
    if asked is not None:
        return timedelta(seconds=min(max(asked, 1.0), LONGEST_RETRY.total_seconds()))
    first, longest = (FIRST_SPACED, LONGEST_SPACED) if spaced else (FIRST_RETRY, LONGEST_RETRY)
    wait = min(first * int(2 ** min(max(tries - 1, 0), 10)), longest)
    drawn = int.from_bytes(hashlib.sha256(f"{name}/{tries}".encode()).digest()[:4], "big") / 2**32
    return wait * (0.75 + drawn / 2)


def judged(failed: int, tried: int) -> Literal["fine", "warn", "pause"]:
    """What a journey's failures of a day ask for."""
    if tried < ENOUGH or failed < tried * WARN:
        return "fine"
    return "warn" if failed < tried * PAUSE else "pause"
