"""The vocabulary of conditions as marketing writes it, read from a composed tree.

One table, `VOCABULARY`, names every key with its kind; the docs, the Problems and the schemas use the same table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from worker.domain.conditions import AllOf, AnyOf, Condition, InSegment, NoneOf
from worker.domain.conditions.grammar_courses import COMPLEMENT, SERIES_OF
from worker.domain.conditions.grammar_money import REVENUE
from worker.domain.conditions.grammar_person import (
    AGE,
    ALLOWS,
    BIRTHDAY,
    GOT_MESSAGE,
    IN_JOURNEY,
    LANGUAGE,
    LAST_LOCATION,
    LAST_PRACTITIONER,
    TAGS,
)
from worker.domain.conditions.grammar_visits import (
    HAD_AREAS,
    HAD_FAMILIES,
    HAD_SERVICES,
    NARROW,
    NEXT_BOOKING,
    NUMBERS,
    ago,
    parse_narrow,
    some,
)
from worker.domain.conditions.visits import ThisIs
from worker.domain.kinds import Kind, Ref, Schema
from worker.domain.kinds import Word as OneOf
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Scalar, Seq, written

SYNONYMS: Final[Mapping[str, str]] = {
    "visit": "visits", "treatment": "treatments", "booking": "next_booking", "bookings": "next_booking", "booked": "next_booking", "appointment": "next_booking",
    "no_show": "missed", "no_shows": "missed", "cancellations": "cancelled", "canceled": "cancelled", "family": "families", "service": "services", "area": "areas", "body_part": "areas",
    "revenue": "net_revenue", "spent": "net_revenue", "spend": "net_revenue", "money": "net_revenue", "date_of_birth": "birthday", "birth_date": "birthday", "born": "birthday",
    "consent": "allows", "allowed": "allows", "channel": "allows", "channels": "allows", "segment": "in", "segments": "in", "lifecycle": "in", "stage": "in",
    "not": "none_of", "none": "none_of", "or": "any_of", "any": "any_of", "course": "series", "doctor": "practitioner", "clinic": "location", "place": "location", "message": "got_message", "messages": "got_message",
}  # fmt: skip
"""Other words that people use for ours."""
SENT: Final = ("got_message", "journey")
"""What speaks of what we sent, and so can't define a segment."""


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
            hint = _meant(reader, key.value, scope)
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
        if key.value in SENT and scope.segment:
            reader.problem(
                "condition-circular",
                key,
                f"`{key.value}` can't define a segment: what we sent must not decide who a patient is",
                "Ask for it in the journey's `if` instead.",
            )
            continue
        parsed = entry.kind.read(reader, value, f"`{key.value}`", scope)
        if parsed is not None:
            parts.append(parsed)
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _meant(reader: Reader, word: str, scope: Scope) -> str:
    """What to write instead of a word that is no condition."""
    if word == "all_of":
        return "Write the conditions one below the other: a block means all of them."
    if word == "cancelled_by":
        how = (
            "this: {cancelled_by: [clinic]}"
            if scope.this
            else "cancelled: {of: {cancelled_by: [clinic]}, is: any}"
        )
        return f"Write it within the word that it narrows: `{how}`."
    return reader.did_you_mean(word, VOCABULARY, SYNONYMS)


def words(scope: Scope) -> Iterator[tuple[str, Word]]:
    """The words that may be said there."""
    for name, word in VOCABULARY.items():
        if not ((name in SENT and scope.segment) or (name == "this" and not scope.this)):
            yield name, word


class ConditionKind(Kind[Condition]):
    """A block of conditions."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Condition:
        """The conditions together."""
        return parse_condition(reader, node, scope, what)

    def schema(self, scope: Any) -> Schema:
        """Every word with its own schema, without those that can't be said there."""
        properties = {
            name: {"description": f"{word.asks[0].upper()}{word.asks[1:]}. Example: `{word.example}`", **word.kind.schema(scope)}
            for name, word in words(scope)
        }  # fmt: skip
        return {"type": "object", "additionalProperties": False, "properties": properties}


CONDITION_BLOCK: Final = ConditionKind()
CONDITION: Final = Ref("condition", lambda: CONDITION_BLOCK)


@dataclass(frozen=True)
class Combined(Kind[Condition]):
    """`any_of: [{…}, {…}]`, `none_of: [{…}]`."""

    key: Literal["any_of", "none_of"]

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Condition | None:
        """The conditions, one way or the other."""
        if not isinstance(node, Seq):
            reader.problem(
                "condition-shape",
                node,
                f"{what} takes a list of conditions",
                f"For example `{self.key}: [{{visits: none}}, {{tags: [vip]}}]`.",
            )
            return None
        if not node.items:
            reader.problem(
                "shape-empty", node, f"{what} is an empty list", "Write at least one, or remove the key."
            )
            return None
        parts = tuple(parse_condition(reader, item, scope) for item in node.items)
        if self.key == "any_of":
            return AnyOf(parts)
        return NoneOf(parts, tuple(written(item) for item in node.items))

    def schema(self, scope: Any) -> Schema:
        """A list of blocks."""
        return {"type": "array", "minItems": 1, "items": CONDITION.schema(scope)}


@dataclass(frozen=True)
class SegmentsKind(Kind[Condition]):
    """`in: [high_value]`, `not_in: [high_value]`."""

    inside: bool
    names = some(OneOf("a segment", lambda scope: scope.segments, "unknown-segment"))

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Condition | None:
        """The condition."""
        names = self.names.read(reader, node, what, scope)
        return InSegment(names, inside=self.inside) if names else None

    def schema(self, scope: Any) -> Schema:
        """One segment, or several."""
        return self.names.schema(scope)


class ThisKind(Kind[Condition]):
    """`this: {families: [toxin]}`."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Condition:
        """The condition."""
        return ThisIs(parse_narrow(reader, node, scope, what))

    def schema(self, scope: Any) -> Schema:
        """As under `of`."""
        return {"allOf": [NARROW.schema(scope)]}


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the vocabulary: what may stand under it, what it asks, an example."""

    kind: Kind[Condition]
    asks: str
    example: str


VOCABULARY: Final[Mapping[str, Word]] = {
    "visits": Word(NUMBERS["visits"], "how many visits", "visits: at least 2 in 12 months"),
    "treatments": Word(NUMBERS["treatments"], "how many visits with a treatment", "treatments: none"),
    "cancelled": Word(
        NUMBERS["cancelled"], "how many cancelled bookings", "cancelled: at least 1 in 30 days"
    ),
    "missed": Word(NUMBERS["missed"], "how many missed bookings", "missed: at least 2 in 12 months"),
    "first_visit": Word(ago("first_visit"), "when the first visit was", "first_visit: less than 30 days ago"),
    "last_visit": Word(ago("last_visit"), "when the last visit was", "last_visit: at least 6 months ago"),
    "next_booking": Word(NEXT_BOOKING, "whether a booking lies ahead", "next_booking: none"),
    "families": Word(HAD_FAMILIES, "treatment families ever had", "families: [laser_hair]"),
    "services": Word(HAD_SERVICES, "services ever had", "services: [LHR]"),
    "areas": Word(HAD_AREAS, "areas ever treated", "areas: [body]"),
    "complement": Word(
        COMPLEMENT, "whether a family that goes well with one she had was never tried", "complement: untried"
    ),
    "series": Word(
        SERIES_OF, "whether a course of treatments is open, finished, or none, over 18 months", "series: open"
    ),
    "net_revenue": Word(
        REVENUE,
        "what the patient brought in",
        "net_revenue: at least 1500 EUR in 12 months before last_visit",
    ),
    "age": Word(AGE, "completed years", "age: at least 18"),
    "birthday": Word(BIRTHDAY, "when the birthday is", "birthday: today"),
    "tags": Word(TAGS, "tags", "tags: [complaint]"),
    "language": Word(LANGUAGE, "the patient's language", "language: [el]"),
    "location": Word(LAST_LOCATION, "where the last visit was", "location: [athens]"),
    "practitioner": Word(LAST_PRACTITIONER, "who saw the patient last", "practitioner: [dr-k]"),
    "allows": Word(ALLOWS, "consent", "allows: [sms, email]"),
    "got_message": Word(
        GOT_MESSAGE,
        "a message of a journey, not for segments",
        "got_message: {journey: win_back_6, in: 90 days}",
    ),
    "journey": Word(
        IN_JOURNEY, "runs through journeys, not for segments", "journey: {active: [second_visit]}"
    ),
    "this": Word(ThisKind(), "the appointment that started the journey", "this: {families: [toxin]}"),
    "in": Word(SegmentsKind(inside=True), "in one of these segments", "in: [high_value]"),
    "not_in": Word(SegmentsKind(inside=False), "in none of these segments", "not_in: [high_value]"),
    "any_of": Word(Combined("any_of"), "at least one holds", "any_of: [{visits: none}, {tags: [vip]}]"),
    "none_of": Word(Combined("none_of"), "none holds", "none_of: [{tags: [complaint]}]"),
}

__all__ = ["CONDITION", "VOCABULARY", "Scope", "Word", "parse_condition"]
