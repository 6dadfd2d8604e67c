"""What a row says that is new, against what earlier exports said of the same thing.

Rules
1. An event's id is made of two hashes, of the thing (this appointment, this patient) and of all that its row says, and of the second in which the row was last changed. So a row that says
   the same again is the same event.
2. The first row of a thing is told with the moment at which what it tells came about, or the row was last changed if that is later; where it says neither, with the export's.
3. A row that says something else than the last one is told later than it: by its own moment as in rule 2, else by the export's. If neither is later, or the row was changed before
   the last one was, it comes from an older export and is not told.
4. A row that was told before, but not last, is an older export's, unless the export was made after the last one was taken in: then it is so once more.
5. History (`historical`): all of it without `live_from`; else what began or came about before that day; and, in a source's first import, what does not say when it came about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from worker.domain.calendar import midnight
from worker.intake.sources.reading import Context, Told, hashed, in_utc

SAME_EXPORT: Final = timedelta(seconds=2)
_HEX: Final = re.compile(r"[0-9a-f]{1,12}")
_STEP: Final = timedelta(microseconds=1)
Fate = Literal["added", "changed", "unchanged", "older"]


@dataclass(frozen=True, slots=True)
class Known:
    """An event that was told of a thing before. `version`, `time` and `id` order them; `received` is when it was taken in."""

    id: str
    type: str
    time: datetime
    received: datetime
    data: Mapping[str, Any]

    @property
    def stamp(self) -> tuple[int, datetime, str]:
        """What orders it among those of its thing."""
        return (int(self.data.get("version") or 0), self.time, self.id)

    @property
    def changed(self) -> int:
        """The second in which its row was last changed, 0 where that was not told."""
        second = self.id.split("-")[2:3]
        return int(second[0], 16) if second and _HEX.fullmatch(second[0]) else 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a row: its event, where there is one to tell."""

    fate: Fate
    event: dict[str, Any] | None = None


def thing_of(event_id: str) -> str:
    """The hash of the thing that an event of an import is about."""
    return event_id.partition("-")[0]


def decide(context: Context, told: Told, known: Sequence[Known], *, first: bool) -> Verdict:
    """What a row adds. `known` is all that was told of its thing; `first`: the source was never imported before."""
    mine, since = _id(told), _since(told)
    if not known:
        time = context.exported if since is None else min(since, context.exported)
        return Verdict("added", _event(context, told, mine, time, first=first and since is None))
    newest = max(known, key=lambda one: one.stamp)
    moved = _moved(told, newest)
    if _is(newest, mine):
        return Verdict("unchanged")
    if _changed(told) < newest.changed:
        return Verdict("older")
    if any(_is(one, mine) for one in known):
        if context.exported <= max(newest.time, newest.received):
            return Verdict("older")
        name = f"{mine}-{hashed(newest.id)[:8]}"
        return Verdict("changed", _event(context, moved, name, context.exported, first=False))
    later = _later(since, newest.time, context.exported)
    if later is None:
        return Verdict("older")
    return Verdict("changed", _event(context, moved, mine, later, first=False))


def heard(context: Context, told: Told, known: Sequence[Known], delivery: str) -> dict[str, Any]:
    """The event of a message: always told, with its own moment, since the ledger takes messages in any order. `delivery` is the system's own id of the message, "" for none.

    Its id tells a message that comes again: by `delivery`, else by all that it says (rule 1).
    """
    said = hashed("delivery", delivery) if delivery else told.digest
    since = _since(told)
    time = context.exported if since is None else min(since, context.exported)
    earlier = [one for one in known if one.time < time]
    newest = max(earlier, key=lambda one: one.stamp, default=None)
    moved = told if newest is None else _moved(told, newest)
    return _event(context, moved, f"{told.thing}-{said}-{_changed(told):x}", time, first=False)


def _is(one: Known, name: str) -> bool:
    """Whether an event says what the row of that name says."""
    return one.id == name or one.id.startswith(f"{name}-")


def _later(since: datetime | None, newest: datetime, exported: datetime) -> datetime | None:
    """The moment of a row that says something new (rule 3)."""
    for moment in (since, exported):
        if moment is not None and newest < moment <= exported:
            return moment
    # Told by this very export already: by an earlier row of it, or when it was read by another mapping.
    return newest + _STEP if exported <= newest < exported + SAME_EXPORT else None


def _since(told: Told) -> datetime | None:
    """When what a row tells came about, or was last changed."""
    return max((moment for moment in (told.own, told.natural) if moment is not None), default=None)


def _changed(told: Told) -> int:
    return max(int(told.own.timestamp()), 0) if told.own is not None else 0


def vanished(context: Context, newest: Known, subject: str) -> dict[str, Any]:
    """The event of a booking that a full export no longer holds."""
    data = {
        "appointment_id": newest.data["appointment_id"],
        "starts_at": newest.data["starts_at"],
        "historical": _before(context, context.exported, None),
    }
    if newest.data.get("version"):
        data["version"] = newest.data["version"]
    name = f"{thing_of(newest.id)}-{hashed('vanished', newest.id)}-{newest.changed:x}"
    return _envelope(context, name, "booking.cancelled", subject, context.exported, data)


def _id(told: Told) -> str:
    return f"{told.thing}-{told.digest}-{_changed(told):x}"


def _moved(told: Told, newest: Known) -> Told:
    """A booking whose start is another one than before was moved."""
    before = newest.data.get("starts_at")
    same = newest.type in ("booking.created", "booking.rescheduled")
    if told.type != "booking.created" or not same or before is None or told.starts is None:
        return told
    if datetime.fromisoformat(before) == told.starts:
        return told
    return replace(told, type="booking.rescheduled")


def _event(context: Context, told: Told, name: str, time: datetime, *, first: bool) -> dict[str, Any]:
    data = {**told.data, "historical": first or _before(context, time, told.starts)}
    return _envelope(context, name, told.type, told.subject, time, data)


def _before(context: Context, time: datetime, starts: datetime | None) -> bool:
    since: date | None = context.sheet.live_from
    if since is None:
        return True
    begin = midnight(since, context.clinic.tz)
    return time < begin or (starts is not None and starts < begin)


def _envelope(
    context: Context, name: str, kind: str, subject: str, time: datetime, data: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": name,
        "source": context.source,
        "type": kind,
        "subject": subject,
        "time": in_utc(time),
        "data": dict(data),
    }
