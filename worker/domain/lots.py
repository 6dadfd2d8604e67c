"""Lots: who is held out, which way of a split, who goes first.

Rules
1. A lot is a hash of the clinic and of what is drawn for whom: the same on every machine, in live running, replay and plan, and for ever. No state, no secret: a patient's id is the clinic's own.
2. Lots of different journeys and steps are independent of one another.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from worker.domain.calendar import local_day, midnight

LOTS: Final = 10_000
MOST_SHUT: Final = 40


def lot(clinic: str, *what: str) -> int:
    """A number from 0 to 9,999, evenly spread."""
    digest = hmac.new(clinic.encode(), "\x1f".join(what).encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") % LOTS


def turns(
    waiting: Sequence[tuple[int, str]],
    taken: Mapping[date, int],
    per_day: int,
    now: datetime,
    tz: ZoneInfo,
    shut: Callable[[date], bool] = lambda day: False,
) -> dict[str, datetime]:
    """When each of those who wait may begin: by lot, as many a clinic-local day as are left; today's at once, the others' when their day begins.

    `waiting` are (lot, id), `taken` how many begin on a day already. On days that are `shut` nobody begins; of more than 40 in a row the next is taken all the same.
    """
    today = local_day(now, tz)
    day, left = today, 0 if shut(today) else per_day - taken.get(today, 0)
    found: dict[str, datetime] = {}
    closed = 0
    for _, name in sorted(waiting):
        while left <= 0:
            day += timedelta(days=1)
            closed = closed + 1 if shut(day) and closed < MOST_SHUT else 0
            left = 0 if closed else per_day - taken.get(day, 0)
        found[name] = now if day == today else midnight(day, tz)
        left -= 1
    return found
