"""Replay of an events file: lines in, lines out, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Literal

from worker.domain.calendar import midnight
from worker.domain.clinic import Clinic
from worker.domain.events import Event
from worker.domain.history import Trace, Transition
from worker.domain.ledger import parse_instant
from worker.domain.replay import Replay, Sent
from worker.domain.rules import Rules
from worker.intake.cloudevents import Rejected, parse_event
from worker.intake.lines import read_lines

Emit = Literal["transitions", "messages", "trace"]


class Unsorted(Exception):
    """The input is not sorted by `time`; `line` is the first that comes too late."""

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(
            f"{path.name}, line {line}: its `time` lies before that of the line above. Sort the file by `time` and try again."
        )
        self.line = line


def moment(text: str, tz: tzinfo, *, end: bool) -> datetime | None:
    """A date (from its first moment, or through its last, clinic-local) or an instant with offset; None where the text is neither."""
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return (
                midnight(day + timedelta(days=1), tz) - timedelta(microseconds=1)
                if end
                else midnight(day, tz)
            )
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None


def complete_from(path: Path) -> datetime | None:
    """The `time` of the last historical event of a file: until then its history is being told, and nothing starts."""
    latest: datetime | None = None
    for line in read_lines(path, containing=b'"historical"'):
        raw = line.raw
        if (
            isinstance(raw, dict)
            and isinstance(data := raw.get("data"), dict)
            and data.get("historical") is True
        ):
            try:
                told = parse_instant(str(raw.get("time")))
            except ValueError:
                continue
            if told.tzinfo is not None and (latest is None or told > latest):
                latest = told
    return latest


def replay_file(
    rules: Rules,
    path: Path,
    emit: Emit,
    *,
    since: datetime | None,
    until: datetime | None,
    complain: Callable[[int, tuple[str, ...]], None],
) -> Iterator[dict[str, Any]]:
    """The replay's lines, in the contract's shape. Refused lines go to `complain` with their number; raises Unsorted, OSError."""
    replay = Replay(rules, complete_from(path))
    for at, patient, line in replay.run(_events(rules.clinic, path, complain), until):
        if since is not None and at < since:
            continue
        shape = _SHAPES[emit](line, rules.clinic)
        if shape is not None:
            yield {"at": at.astimezone(rules.clinic.tz).isoformat(), "patient": patient, **shape}


def _events(clinic: Clinic, path: Path, complain: Callable[[int, tuple[str, ...]], None]) -> Iterator[Event]:
    last: datetime | None = None
    for line in read_lines(path):
        if line.error is not None:
            complain(line.number, (line.error,))
            continue
        event = parse_event(line.raw, now=None, country=clinic.country, timezone=clinic.timezone)
        if isinstance(event, Rejected):
            complain(line.number, event.errors)
            continue
        if last is not None and event.time < last:
            raise Unsorted(path, line.number)
        last = event.time
        yield event


def _transition(line: object, clinic: Clinic) -> dict[str, Any] | None:
    if not isinstance(line, Transition):
        return None
    return {
        "segment": line.segment,
        "change": line.change,
        "cause": "time" if line.cause == "time" else "event",
    }


def _message(line: object, clinic: Clinic) -> dict[str, Any] | None:
    if not isinstance(line, Sent):
        return None
    message = line.message
    return {
        "journey": message.journey,
        "step": message.step,
        "channel": message.channel,
        "template": message.template,
        "purpose": message.purpose,
        "key": message.key,
    }


def _trace(line: object, clinic: Clinic) -> dict[str, Any] | None:
    if not isinstance(line, Trace):
        return None
    return {"journey": line.journey, "step": line.step or None, "what": line.what, "why": line.why}


_SHAPES: dict[Emit, Callable[[object, Clinic], dict[str, Any] | None]] = {
    "transitions": _transition,
    "messages": _message,
    "trace": _trace,
}
