"""Messages of a system as rows: a JSON body by the mapping's paths. From there on a message is read as a row of a file is.

Rules
1. What a message is, its type of event says: it names the shape, and either what came about or (`by_status`) that flags and a status say it.
2. A path that leads nowhere is an empty cell. Of tags and consent it says nothing: a message may be partial.
3. What cannot be read is one refused message, with its reason in the mapping's words; the others of the call are taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from worker.domain.clinic import Clinic
from worker.intake.checks import shown
from worker.intake.sources.deciding import Known, heard
from worker.intake.sources.header import Places
from worker.intake.sources.people import patient_of
from worker.intake.sources.reading import Context, Fields, Notes, Refused, Told, digest_of, hashed
from worker.intake.sources.row_told import event_of, told_of
from worker.workspace.config_webhooks import BETWEEN, meaning_of
from worker.workspace.paths import found_at
from worker.workspace.sources import Message, Sheet, Webhook
from worker.workspace.sources_table import OTHERWISE
from worker.workspace.webhooks_table import LEFT_OUT, REPLACES

FIELD: Final = "field"
_SAID_OR_NOT: Final = frozenset({"tags", "consent_sms", "consent_email"})


@dataclass(frozen=True, slots=True)
class Cells:
    """A message as a row: the place of each field in `values`, and what stands there is called in refusals."""

    places: Places
    names: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a call: what it tells, or why it is refused; `raw` is kept where it is. Neither: it tells nothing of a patient. `delivery`: its own id, "" for none."""

    raw: object
    told: tuple[Told, ...] = ()
    why: str = ""
    delivery: str = ""
    context: Context | None = None
    cells: Cells | None = None

    def events(self, known: Mapping[str, list[Known]]) -> list[dict[str, Any]]:
        """The events that it tells; `known` is what was told of each thing before."""
        if self.context is None:
            return []
        return [heard(self.context, one, known.get(one.thing, ()), self.delivery) for one in self.told]

    def refusal(self, event: Mapping[str, Any], now: datetime) -> str | None:
        """Why an event of it would not be accepted, by the names of its fields; None where it would be."""
        if self.context is None or self.cells is None:
            return None
        checked = event_of(event, self.context.clinic, now, self.cells.places, self.cells.names, FIELD)
        return checked if isinstance(checked, str) else None


def messages_of(webhook: Webhook, source: str, clinic: Clinic, body: Any, headers: Mapping[str, str], now: datetime) -> list[Said]:  # fmt: skip
    """What a body of JSON tells, message by message. `headers` by their names in small letters; `now` is when it came in."""
    each = found_at(body, webhook.each) if webhook.each else [body]
    if not each and not found_at(body, webhook.each.removesuffix("[]") or "[]") and body != []:
        return [Said(body, why=f"there is no list of messages at `{webhook.each}`")]
    return [_said(webhook, source, clinic, one, headers, now) for one in each]


def _said(webhook: Webhook, source: str, clinic: Clinic, message: Any, headers: Mapping[str, str], now: datetime) -> Said:  # fmt: skip
    if not isinstance(message, dict):
        return Said(message, why=f"a message is an object, and this is {shown(message)}")
    try:
        kind = _first(message, webhook.event, headers) if webhook.event else ""
        delivery = _first(message, webhook.id, headers) if webhook.id else ""
        if webhook.event and not kind:
            return Said(message, why=f"the type of event, `{webhook.event}`, is not in it")
        if webhook.id and not delivery:
            return Said(message, why=f"its own id, `{webhook.id}`, is not in it")
        shape, means = _shape(webhook, kind)
        if shape is None:
            if webhook.unknown_left_out:
                return Said(message)
            return Said(message, why=f"the type of event {shown(kind)} is not in the mapping's `events`")
        if means == LEFT_OUT:
            return Said(message)
        context = Context(shape.sheet, clinic, source, now, Notes())
        cells = cells_of(shape.sheet, message, headers)
        row = Fields(context, cells.places, cells.names, cells.values, means=None if means == "by_status" else means, spoken=True)  # fmt: skip
        told = _as_said(told_of(row), shape, kind)
    except Refused as error:
        return Said(message, why=str(error))
    if told is None:
        return Said(message)
    return Said(message, (told, *_replaced(row, told)), "", delivery, context, cells)


def _shape(webhook: Webhook, kind: str) -> tuple[Message | None, str | None]:
    """The message that a type of event comes in, with what it means there: one that names it before one that takes all others."""
    named = next((one for one in webhook.messages if kind in one.events and kind != OTHERWISE), None)
    found = named or next((one for one in webhook.messages if OTHERWISE in one.events), None)
    return found, meaning_of(found, kind) if found is not None else None


def _as_said(told: Told | None, shape: Message, kind: str) -> Told | None:
    """A booking that the system says was moved was moved, whatever is known of it."""
    said = shape.events.get(kind) or shape.events.get(OTHERWISE)
    moved = told is not None and said == "booking.rescheduled" and told.type == "booking.created"
    return replace(told, type="booking.rescheduled") if told is not None and moved else told


def _replaced(row: Fields, told: Told) -> Iterator[Told]:
    """The appointment that this one takes the place of is none any more."""
    old = row.text(REPLACES)
    if not old or old == told.data.get("appointment_id"):
        return
    subject = patient_of(row, "patient", row.context.sheet.patient_from)
    data = {"appointment_id": old}
    digest = digest_of("visit.voided", subject, {**data, "by": told.digest})
    yield Told(hashed("appointment", old), digest, "visit.voided", subject, data, told.own, told.own)


def cells_of(sheet: Sheet, message: Any, headers: Mapping[str, str]) -> Cells:
    """A message as a row. Raises Refused where a path leads to an object or a list."""
    wanted = {**sheet.columns, **{f"flag:{name}": paths for name, paths in sheet.flags.items()}}
    places: dict[str, tuple[int, ...]] = {}
    names: list[str] = []
    values: list[str] = []
    for field, paths in wanted.items():
        mine: list[int] = []
        for path in paths:
            found = found_at(message, path, headers)
            if not found and field in _SAID_OR_NOT:
                continue
            mine.append(len(names))
            names.append(path)
            values.append(_cell(field, path, found))
        if mine:
            places[field] = tuple(mine)
    return Cells(places, tuple(names), tuple(values))


def _cell(field: str, path: str, found: Iterable[Any]) -> str:
    texts = [text for value in found if (text := text_of(value, path))]
    if field == "service":
        return BETWEEN.join(texts)
    return ", ".join(texts) if field == "tags" else next(iter(texts), "")


def text_of(value: Any, path: str) -> str:
    """A value as a cell of a file would hold it. Raises Refused."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value).strip()
    raise Refused(f"{FIELD} `{path}` holds {shown(value)}, and no value")


def _first(message: Any, path: str, headers: Mapping[str, str]) -> str:
    return next((text for value in found_at(message, path, headers) if (text := text_of(value, path))), "")
