"""The vocabulary of conditions as marketing writes it, read from a composed tree.

One table, `VOCABULARY`, names every key with its reader; the docs and the Problems use the same table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from worker.domain.conditions import AllOf, AnyOf, Condition, InSegment, NoneOf
from worker.domain.conditions_person import Age, Allows, Birthday, GotMessage, InJourney, OneOf
from worker.domain.conditions_visits import (
    ThisIs,
)
from worker.domain.events import CHANNELS, PURPOSES
from worker.domain.grammar_visits import (
    Scope,
    ago,
    had,
    next_booking,
    number,
    parse_count,
    parse_narrow,
    revenue,
)
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Scalar, Seq, written

MAX_AGE: Final = 150


def parse_condition(reader: Reader, node: Node | None, scope: Scope, what: str = "a condition") -> Condition:
    """A block of conditions: all of its keys together. Problems go to the reader; what could not be read asks for nothing."""
    if not isinstance(node, Map):
        if node is not None:
            reader.problem(
                "condition-shape",
                node,
                f"{what} must be a block of conditions",
                "For example `{visits: at least 1}`.",
            )
        return AllOf(())
    parts: list[Condition] = []
    for key, value in node.entries:
        entry = VOCABULARY.get(key.value)
        if entry is None:
            hint = reader.did_you_mean(key.value, VOCABULARY)
            reader.problem("condition-unknown", key, f"`{key.value}` is not a condition", hint)
            continue
        if isinstance(value, Scalar) and value.empty:
            reader.problem("shape-empty", key, f"`{key.value}` has no value", "Write one, or remove the key.")
            continue
        if key.value == "this" and not scope.this:
            reader.problem(
                "condition-this",
                key,
                "`this` speaks of the appointment that started a journey, and there is none here",
                "Use it in journeys started by an event of an appointment.",
            )
            continue
        if key.value in ("got_message", "journey") and scope.segment:
            reader.problem(
                "condition-circular",
                key,
                f"`{key.value}` can't define a segment: what we sent must not decide who a patient is",
                "Ask for it in the journey's `if` instead.",
            )
            continue
        parsed = entry.parse(reader, key.value, value, scope)
        if parsed is not None:
            parts.append(parsed)
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _combined(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    if not isinstance(node, Seq):
        reader.problem(
            "condition-shape",
            node,
            f"`{key}` takes a list of conditions",
            f"For example `{key}: [{{visits: none}}, {{tags: [vip]}}]`.",
        )
        return None
    parts = tuple(parse_condition(reader, item, scope) for item in node.items)
    return AnyOf(parts) if key == "any_of" else NoneOf(parts, tuple(written(item) for item in node.items))


def _segments(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    names = reader.choices(node, "a segment", scope.segments, "unknown-segment")
    return InSegment(names, inside=key == "in") if names else None


def _age(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    count = reader.parsed(node, "an age", parse_count, "at least 18")
    if count is not None and max(count.low, count.high or 0) > MAX_AGE:
        reader.problem("shape-value", node, f"nobody is older than {MAX_AGE}", "For example `at least 18`.")
        return None
    return Age(count.low, count.high) if count is not None else None


def _birthday(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    text = reader.text(node, "`birthday`")
    match = re.fullmatch(r"today|in the next (\d{1,3}) days?", text)
    if match is None:
        reader.problem(
            "shape-value",
            node,
            f"`{text}` is not a time around a birthday",
            "For example `today`, `in the next 7 days`.",
        )
        return None
    return Birthday(int(match[1] or 0))


def _one_of(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    names = reader.texts(node, key)
    return OneOf(cast(Any, key), names) if names else None


def _allows(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    if isinstance(node, Map):
        wanted: list[tuple[str, str]] = []
        for channel, purposes in node.entries:
            if channel.value not in CHANNELS:
                reader.problem(
                    "shape-choice",
                    channel,
                    f"`{channel.value}` is not a channel",
                    reader.did_you_mean(channel.value, CHANNELS),
                )
                continue
            wanted += [
                (channel.value, purpose) for purpose in reader.choices(purposes, "a purpose", PURPOSES)
            ]
        return Allows(tuple(wanted)) if wanted else None
    channels = reader.choices(node, "a channel", CHANNELS)
    return Allows(tuple((channel, "marketing") for channel in channels)) if channels else None


def _got_message(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    fields = reader.fields(node, f"`{key}`", ("journey", "in"))
    return GotMessage(reader.texts(fields.get("journey"), "journey"), reader.span(fields.get("in"), "a span"))


def _journey(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    fields = reader.fields(node, f"`{key}`", ("active", "ever"))
    parts = [
        InJourney(reader.texts(value, "journey"), active=name == "active") for name, value in fields.items()
    ]
    return AnyOf(tuple(parts)) if parts else None


def _this(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    return ThisIs(parse_narrow(reader, node, scope, "`this`"))


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the vocabulary: how it is read, what it asks, an example."""

    parse: Callable[[Reader, str, Node, Scope], Condition | None]
    asks: str
    example: str


VOCABULARY: Final[Mapping[str, Word]] = {
    "visits": Word(number, "how many visits", "visits: at least 2 in 12 months"),
    "treatments": Word(number, "how many visits with a treatment", "treatments: none"),
    "cancelled": Word(number, "how many cancelled bookings", "cancelled: at least 1 in 30 days"),
    "missed": Word(number, "how many missed bookings", "missed: at least 2 in 12 months"),
    "first_visit": Word(ago, "when the first visit was", "first_visit: less than 30 days ago"),
    "last_visit": Word(ago, "when the last visit was", "last_visit: at least 6 months ago"),
    "next_booking": Word(next_booking, "whether a booking lies ahead", "next_booking: none"),
    "families": Word(had, "treatment families ever had", "families: [laser_hair]"),
    "services": Word(had, "services ever had", "services: [LHR]"),
    "areas": Word(had, "areas ever treated", "areas: [body]"),
    "net_revenue": Word(
        revenue,
        "what the patient brought in",
        "net_revenue: at least 1500 EUR in 12 months before last_visit",
    ),
    "age": Word(_age, "completed years", "age: at least 18"),
    "birthday": Word(_birthday, "when the birthday is", "birthday: today"),
    "tags": Word(_one_of, "tags", "tags: [complaint]"),
    "language": Word(_one_of, "the patient's language", "language: [el]"),
    "location": Word(_one_of, "where the last visit was", "location: [athens]"),
    "practitioner": Word(_one_of, "who saw the patient last", "practitioner: [dr-k]"),
    "allows": Word(_allows, "consent", "allows: [sms, email]"),
    "got_message": Word(
        _got_message,
        "a message of a journey, not for segments",
        "got_message: {journey: win_back_6, in: 90 days}",
    ),
    "journey": Word(_journey, "runs through journeys, not for segments", "journey: {active: [second_visit]}"),
    "this": Word(_this, "the appointment that started the journey", "this: {families: [toxin]}"),
    "in": Word(_segments, "in one of these segments", "in: [high_value]"),
    "not_in": Word(_segments, "in none of these segments", "not_in: [high_value]"),
    "any_of": Word(_combined, "at least one holds", "any_of: [{visits: none}, {tags: [vip]}]"),
    "none_of": Word(_combined, "none holds", "none_of: [{tags: [complaint]}]"),
}

__all__ = ["VOCABULARY", "Scope", "Word", "parse_condition", "parse_count", "parse_narrow"]
