"""What the gate must know beside the patient: suppressions, the feed, whether our links can be opened, how much has left today."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import Connection

from worker.delivery.senders import is_loopback
from worker.domain.calendar import local_day
from worker.domain.gate import Blast, Outside
from worker.domain.planner import Planner, addresses
from worker.domain.rules import Rules
from worker.store import day_counts, doors, outbox
from worker.store import rooms as stored_rooms
from worker.workspace.house import House

DOOR_STANDS: Final = timedelta(hours=24)
"""For how long an answer of our public address counts; it is asked far more often."""


class Surroundings:
    """As it is at this moment, for patients of a clinic and these purposes, read once. What is let out meanwhile is counted by `left`."""

    def __init__(
        self,
        conn: Connection,
        house: House,
        rules: Rules,
        planners: Iterable[Planner],
        purposes: Collection[str],
        now: datetime,
    ) -> None:
        clinic = rules.clinic.id
        pairs = {pair: house.hashed(*pair) for planner in planners for pair in addresses(planner.facts)}
        seen = stored_rooms.clinic_row(conn, clinic)
        asks_door = "marketing" in purposes and rules.clinic.mode == "live"
        self._suppressed = outbox.suppressed(conn, clinic, pairs)
        self._feed_seen_at = seen.feed_seen_at if seen else None
        self._door = door(conn, house, clinic) if asks_door else ""
        self._blasts = {purpose: _blast(conn, house, rules, purpose, now) for purpose in sorted(purposes)}

    def of(self, planner: Planner, purpose: str) -> Outside:
        """What the gate must know of one patient."""
        return Outside(
            suppressed=frozenset(self._suppressed.intersection(addresses(planner.facts))),
            feed_seen_at=self._feed_seen_at,
            door=self._door if purpose == "marketing" else "",
            blast=self._blasts[purpose],
        )

    def left(self, purpose: str) -> None:
        """One more is let out."""
        found = self._blasts[purpose]
        if found is not None:
            self._blasts[purpose] = replace(found, sent=found.sent + 1)


def today_of(rules: Rules, now: datetime) -> date:
    """The clinic-local day on which what leaves is counted."""
    return local_day(now, rules.clinic.tz)


def blast_of(purpose: str) -> str:
    """What is counted for the blast limit."""
    return f"left/{purpose}"


def door(conn: Connection, house: House, clinic: str) -> str:
    """Why patients can't open our links; "" where they can, and on loopback, where there are no patients."""
    url = house.public_url
    if is_loopback(url):
        return ""
    if urlsplit(url).scheme != "https":
        return "REVISIT_PUBLIC_URL is not https, so nobody could safely open a link in a message"
    found = doors.door_of(conn, clinic)
    if found is None or found.url != url:
        return "REVISIT_PUBLIC_URL has not been asked yet"
    if found.answered_at is not None and found.answered_at + DOOR_STANDS >= house.wall():
        return ""
    return f"REVISIT_PUBLIC_URL does not answer: {found.why}"


def _blast(conn: Connection, house: House, rules: Rules, purpose: str, now: datetime) -> Blast | None:
    limit = rules.policy.blast_limit.get(purpose)
    if limit is None:
        return None
    most = limit.most(house.base(conn, rules.clinic.id))
    return Blast(day_counts.count_of(conn, rules.clinic.id, today_of(rules, now), blast_of(purpose)), most)
