"""The body of an HTTP request as the events it holds, decoded but not yet checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from worker.intake.checks import shown
from worker.intake.json_text import BrokenJson, decode

SINGLE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
PLAIN: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Unparsable:
    """The body as a whole cannot be read; one sentence for a person."""

    why: str


def parse_body(content_type: str, body: bytes) -> list[object] | Unparsable:
    """The decoded events of a body, in their order; `application/json` is single or batch by what it holds.
    Never raises.
    """
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    if kind not in (SINGLE, BATCH, PLAIN):
        given = shown(kind) if kind else "nothing"
        return Unparsable(f"the content type is {given}; send {SINGLE} for one event, or {BATCH} for a list")
    if (charset := _charset(parameters)) not in ("utf-8", "utf8", "us-ascii"):
        return Unparsable(f"the charset is {shown(charset)}; send UTF-8")
    if not body.strip():
        return Unparsable("the body is empty; send one event or a list of events")
    try:
        value = decode(body)
    except BrokenJson as broken:
        return Unparsable(f"the body {broken}")
    if isinstance(value, list) and kind != SINGLE:
        return value
    if isinstance(value, dict) and kind != BATCH:
        return [value]
    if isinstance(value, list):
        way_out = f"send a list as {BATCH}"
    elif isinstance(value, dict):
        way_out = f"send a single event as {SINGLE}"
    else:
        way_out = "send a JSON object, or a list of them"
    return Unparsable(f"the body is {shown(value)}, which {kind} does not hold; {way_out}")


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return "utf-8"
