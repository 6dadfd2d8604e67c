"""The block `webhook` of config/sources/NAME.yaml as values.

Rules
1. A webhook without a signature is a Problem: whoever knows its address could tell anything. `signature: none` must be written out, and then an API token is asked for.
2. The secret stands in an environment variable of its own, named `REVISIT_SOURCE_…`, so that no mapping can ask for any other secret of the process.
3. What a message is read by is what a file is read by: the same sheet, with paths for headers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from worker.domain.shape import Reader
from worker.domain.source import Map, Node
from worker.workspace.sources import Fhir, Form, Message, Sheet, Signature, Webhook, folded
from worker.workspace.sources_table import OTHERWISE
from worker.workspace.webhooks_table import BY_STATUS, EVENTS, LEFT_OUT, SECRET_PREFIX

SheetOf = Callable[[Reader, str, Mapping[str, Any], dict[str, Any]], Sheet | None]
SPOKEN: Final = date(1950, 1, 1)
"""A message is news: nothing is told of an earlier day (worker/intake/instants.py)."""
BETWEEN: Final = "\x1f"
"""What stands between the values of a list; in no text of a person."""
_VARIABLE: Final = re.compile(rf"{SECRET_PREFIX}[A-Z_]{{1,50}}")
_VENDORS: Final[Mapping[str, Signature]] = {
    # https://cal.com/docs/developing/guides/automation/webhooks, "Verifying the authenticity of the received payload".
    "cal_com": Signature("hmac", header="X-Cal-Signature-256"),
    # https://developer.squareup.com/docs/webhooks/step3validate
    "square": Signature("hmac", header="x-square-hmacsha256-signature", encoding="base64", signed="{url}{body}"),
}  # fmt: skip
_APPOINTMENTS: Final = {
    "proposed": LEFT_OUT, "waitlist": LEFT_OUT, "pending": "booked", "booked": "booked", "arrived": "booked", "checked-in": "booked",
    "fulfilled": "completed", "cancelled": "cancelled", "noshow": "no_show", "entered-in-error": "voided",
}  # fmt: skip
"""http://hl7.org/fhir/R4/valueset-appointmentstatus.html"""
_ENCOUNTERS: Final = {
    "planned": LEFT_OUT, "arrived": LEFT_OUT, "triaged": LEFT_OUT, "in-progress": LEFT_OUT, "onleave": LEFT_OUT, "cancelled": LEFT_OUT, "unknown": LEFT_OUT,
    "finished": "completed", "entered-in-error": "voided",
}  # fmt: skip
"""http://hl7.org/fhir/R4/valueset-encounter-status.html. What has not come about yet, the appointment tells."""


def told_by_events(values: Mapping[str, Any], field: str) -> bool:
    """Whether messages of a kind can do without a field that rows of a file need: a start where none is of a booking or visit, a decision where each event says it."""
    if "events" not in values:
        return False
    events = set(values["events"].values())
    if field == "starts_at":
        begins = {"booking.created", "booking.rescheduled", "visit.completed"} & events
        return not begins and "statuses" not in values
    return field == "decision" and BY_STATUS not in events


def parse_webhook(
    reader: Reader, values: dict[str, Any] | None, head: Mapping[str, Any], sheet_of: SheetOf
) -> Webhook | None:
    """A webhook; None where there is none, or none that may be opened. `head` are the keys of the mapping, `sheet_of` reads a kind of file."""
    if values is None:
        return None
    signature = _signature(reader, values)
    since: date = values.get("live_from") or SPOKEN
    if values["kind"] == "fhir":
        fhir = _fhir(values, since)
        return Webhook(signature, fhir=fhir) if signature is not None else None
    messages = [
        message
        for key, message_values in values.get("messages", {}).items()
        if (message := _message(reader, key, head, message_values, since, sheet_of)) is not None
    ]
    _told_once(reader, values.get("messages", {}))
    if signature is None or not messages:
        return None
    return Webhook(
        signature,
        values.get("event", ""),
        values.get("id", ""),
        values.get("each", ""),
        values.get("unknown_events") == LEFT_OUT,
        tuple(messages),
    )


def _message(
    reader: Reader, key: str, head: Mapping[str, Any], values: dict[str, Any], since: date, sheet_of: SheetOf
) -> Message | None:
    form = {name: head[name] for name in ("date_order", "zone", "decimal") if name in head}
    sheet = sheet_of(reader, key, form, values)
    if sheet is None or "events" not in values:
        return None
    return Message(replace(sheet, services_between=BETWEEN, live_from=sheet.live_from or since), values["events"])  # fmt: skip


def _told_once(reader: Reader, messages: Mapping[str, dict[str, Any]]) -> None:
    """A type of event stands in one message only: else it would not be clear in which shape it comes."""
    first: dict[str, str] = {}
    for key, values in messages.items():
        for event in values.get("events", {}):
            if event not in first:
                first[event] = key
                continue
            at = values[""].get("events") if isinstance(values[""], Map) else None
            reader.problem(
                "source-event",
                at or values[""],
                f"`{event}` stands in `{first[event]}` and in `{key}`",
                "Keep it in the one whose shape it has.",
            )


def _signature(reader: Reader, values: Mapping[str, Any]) -> Signature | None:
    node: Node = values[""]
    written = values.get("signature")
    if written is None:
        reader.problem(
            "source-signature",
            node,
            "`webhook` does not say how a call proves that it comes from the system",
            "Add `signature: cal_com`, `square`, `bearer`, or `hmac` with its `header`; or `signature: none`, then an API token is asked for.",
        )
        return None
    keys: dict[str, Any] = {"kind": written} if isinstance(written, str) else dict(written)
    kind: str | None = keys.pop("kind", None)
    if kind is None:
        return None
    at = (node.get("signature") if isinstance(node, Map) else None) or node
    secrets = _secrets(reader, node, kind, values.get("secret", ()))
    if secrets is None:
        return None
    if kind in _VENDORS or kind == "none":
        if keys:
            reader.problem("source-signature", at, f"`{kind}` has no other keys: `{min(keys)}`", "Remove it, or write `kind: hmac`.")  # fmt: skip
            return None
        return replace(_VENDORS.get(kind, Signature("none")), secrets=secrets)
    if kind == "bearer":
        return Signature("bearer", secrets, keys.get("header", ""))
    if "header" not in keys:
        reader.problem("source-signature", at, "`hmac` does not say which header the signature stands in", "Add `header: X-Signature`.")  # fmt: skip
        return None
    signed = keys.setdefault("signed", "{timestamp}.{body}" if "timestamp" in keys else "{body}")
    if signed.count("{body}") != 1 or ("{timestamp}" in signed) != ("timestamp" in keys):
        reader.problem(
            "source-signature",
            at,
            f"`signed: {signed}` must have `{{body}}` in it once, and `{{timestamp}}` where a header of `timestamp` is named",
            "Else a call could be changed, or sent again for ever.",
        )
        return None
    return Signature("hmac", secrets, **keys)


def _secrets(reader: Reader, node: Node, kind: str, names: tuple[str, ...]) -> tuple[str, ...] | None:
    at = (node.get("secret") if isinstance(node, Map) else None) or node
    if kind == "none":
        if names:
            reader.problem("source-secret", at, "`signature: none` has no secret", "Remove `secret`: an API token is asked for.")  # fmt: skip
            return None
        return ()
    if not names:
        reader.problem("source-secret", at, "`secret` is missing from `webhook`", f"Add the name of an environment variable: `secret: {SECRET_PREFIX}NAME`.")  # fmt: skip
        return None
    for name in names:
        if not _VARIABLE.fullmatch(name):
            # What stands there may be the secret itself, so it is not repeated.
            reader.problem(
                "source-secret",
                at,
                f"`secret` is not the name of an environment variable: {SECRET_PREFIX} and then capital letters and _",
                f"Put the secret into an environment variable, and its name here: `secret: {SECRET_PREFIX}NAME`.",
            )
            return None
    return names


def _fhir(values: Mapping[str, Any], since: date) -> Fhir:
    def sheet(known: Mapping[str, str], own: Mapping[str, str]) -> Sheet:
        statuses = {folded(word): means for word, means in {**known, **own}.items()}
        return Sheet(
            "Appointment",
            "appointments",
            Form(),
            {},
            statuses=statuses,
            otherwise=statuses.pop(OTHERWISE, None),
            past_booked_means=values.get("past_booked_means", "unknown"),
            services={folded(name): code for name, code in values.get("services", {}).items()},
            services_between=BETWEEN,
            live_from=since,
        )

    return Fhir(
        sheet(_APPOINTMENTS, values.get("statuses", {})),
        replace(sheet(_ENCOUNTERS, values.get("encounters", {})), name="Encounter"),
        Sheet("Patient", "patients", Form(), {}, live_from=since),
        values.get("service_system", ""),
    )


def meaning_of(message: Message, event: str) -> str | None:
    """What a type of event means in this message: as a word of `statuses`, `by_status`, or `left_out`. None where it is none of its."""
    said = message.events.get(event) or message.events.get(OTHERWISE)
    if said in (None, BY_STATUS, LEFT_OUT):
        return said
    return EVENTS[message.sheet.kind][said]
