"""What is logged of refused calls: anybody can call, and nobody should fill the log by it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from worker.workspace.house import House

TELL_EVERY: Final = timedelta(minutes=1)
"""How often a refusal is logged."""


class Seldom:
    """Says of each thing whether it may be told once more."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._told: dict[str, datetime] = {}

    def may_tell(self, what: str) -> bool:
        """Whether this was not told within the last minute; then it counts as told now."""
        now = self._house.wall()
        last = self._told.get(what)
        if last is not None and last <= now < last + TELL_EVERY:
            return False
        self._told[what] = now
        return True
