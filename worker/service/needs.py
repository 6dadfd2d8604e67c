"""What needs a person at one clinic: open tasks, paused journeys, senders in trouble, messages whose fate nobody knows.

Rules
1. What lasts is read from its own state and not from the task that it made, so it leaves the page when it is over.
2. Each comes with what a person can do about it, or with that there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from worker.service import words
from worker.store import look, pauses, senders

DOUBTFUL: Final = 50
"""How many messages of unknown fate are shown at most."""
_SHOWN_BY_STATE: Final = ("pause/", "sender/")
"""How the names of the system's tasks begin that are about what is shown beside them."""
FEED: Final = "feed/"
DOOR: Final = "door/"


@dataclass(frozen=True, slots=True)
class ToDo:
    """Work for a person. Instants are clinic-local. `patient` and `journey` are "" where it is about none; `said` are the patient's own words."""

    patient: str
    journey: str
    who: str
    note: str
    due_at: datetime
    late: bool
    kind: str = "journey"
    urgent: bool = False
    said: str = ""


@dataclass(frozen=True, slots=True)
class PausedJourney:
    """A journey of which nothing leaves until somebody says `revisit resume NAME`. `since` is clinic-local."""

    name: str
    title: str
    why: str
    by: str
    since: datetime


@dataclass(frozen=True, slots=True)
class PausedSender:
    """A channel whose provider does not take messages just now. `again_at` is the next try, clinic-local."""

    channel: str
    why: str
    again_at: datetime | None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A message of which nobody knows whether it left; `searching` while the provider is asked. `since` is clinic-local."""

    id: str
    patient: str
    journey: str
    channel: str
    since: datetime | None
    searching: bool


@dataclass(frozen=True, slots=True)
class Needs:
    """All of it; `tasks` without those about what else is here."""

    tasks: tuple[ToDo, ...]
    paused: tuple[PausedJourney, ...]
    senders: tuple[PausedSender, ...]
    doubts: tuple[Doubt, ...]


def needs(
    conn: Connection, clinic: str, now: datetime, title: Callable[[str], str], over: Collection[str] = ()
) -> Needs:
    """As it is at `now`, which is clinic-local; `title` gives a journey's title by its name; `over` are the troubles (FEED, DOOR) that have passed."""
    return _Reading(conn, clinic, now, title, (*_SHOWN_BY_STATE, *over)).needs()


class _Reading:
    def __init__(
        self,
        conn: Connection,
        clinic: str,
        now: datetime,
        title: Callable[[str], str],
        left_out: tuple[str, ...],
    ) -> None:
        self.conn, self.clinic, self.now, self.title, self.left_out = conn, clinic, now, title, left_out

    def needs(self) -> Needs:
        return Needs(self.tasks(), self.paused(), self.senders(), self.doubts())

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.now.tzinfo)

    def tasks(self) -> tuple[ToDo, ...]:
        return tuple(
            ToDo(
                one.patient,
                self.title(one.journey) if one.journey else "",
                words.name(one.assignee),
                one.note,
                self.local(one.due_at),
                one.due_at < self.now,
                one.kind,
                one.urgent,
                (one.said or "").strip(),
            )
            for one in look.open_tasks(self.conn, self.clinic)
            if one.kind != "unknown" and not (one.kind == "system" and one.step.startswith(self.left_out))
        )

    def paused(self) -> tuple[PausedJourney, ...]:
        return tuple(
            PausedJourney(
                one.journey,
                self.title(one.journey),
                words.sentence(one.why),
                "" if one.actor == "revisit" else one.actor.removeprefix("user "),
                self.local(one.at),
            )
            for one in pauses.opened(self.conn, self.clinic)
        )

    def senders(self) -> tuple[PausedSender, ...]:
        return tuple(
            PausedSender(
                words.CHANNELS.get(channel, channel),
                state.why or state.code,
                self.local(state.open_until) if state.open_until else None,
            )
            for channel, state in senders.in_trouble(self.conn, self.clinic).items()
        )

    def doubts(self) -> tuple[Doubt, ...]:
        return tuple(
            Doubt(
                one[0],
                one[1],
                self.title(one[2]),
                words.CHANNELS.get(one[4], one[4]),
                self.local(one[5]) if one[5] else None,
                bool(one[7]),
            )
            for one in look.doubtful(self.conn, self.clinic, DOUBTFUL)
        )
