"""The vocabulary of conditions as marketing writes it, read from a composed tree.

One table, `VOCABULARY`, names every key with its reader; the docs and the Problems use the same table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from worker.domain.calendar import Span, parse_span
from worker.domain.clinic import Clinic
from worker.domain.conditions import AllOf, AnyOf, Condition, InSegment, NoneOf
from worker.domain.conditions_person import Age, Allows, Birthday, GotMessage, InJourney, OneOf
from worker.domain.conditions_visits import ANYTHING, Ago, Count, Had, Kind, Narrow, NextBooking, Number, Revenue, ThisIs
from worker.domain.events import CHANNELS, PURPOSES
from worker.domain.shape import Reader, money
from worker.domain.source import Map, Node, Scalar, Seq

MAX_AGE: Final = 150
_COUNT = re.compile(r"(none|any|exactly (\d{1,6})|at least (\d{1,6})|at most (\d{1,6})|(\d{1,6}) to (\d{1,6})|(\d{1,6}))")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a condition may speak of. `segment` is true in config/segments.yaml, where what we sent must not decide who a patient is."""

    clinic: Clinic
    segments: frozenset[str]
    segment: bool = False
    this: bool = False


def parse_count(text: str) -> Count | None:
    """`none`, `any`, `exactly 1`, `at least 2`, `at most 3`, `1 to 5`."""
    match = _COUNT.fullmatch(text.strip())
    if match is None:
        return None
    if match[1] == "none":
        return Count(0, 0)
    if match[1] == "any":
        return Count(1, None)
    exactly, least, most, low, high, bare = (int(g) if g else None for g in match.groups()[1:])
    if low is not None and high is not None:
        return Count(low, high) if low <= high else None
    if least is not None:
        return Count(least, None)
    if most is not None:
        return Count(0, most)
    number = exactly if exactly is not None else bare
    return Count(number, number) if number is not None else None


def parse_condition(reader: Reader, node: Node | None, scope: Scope, what: str = "a condition") -> Condition:
    """A block of conditions: all of its keys together. Problems go to the reader; what could not be read asks for nothing."""
    if not isinstance(node, Map):
        if node is not None:
            reader.problem("condition-shape", node, f"{what} must be a block of conditions", "For example `{visits: at least 1}`.")
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
            reader.problem("condition-this", key, "`this` speaks of the appointment that started a journey, and there is none here", "Use it in journeys started by an event of an appointment.")
            continue
        if key.value in ("got_message", "journey") and scope.segment:
            reader.problem("condition-circular", key, f"`{key.value}` can't define a segment: what we sent must not decide who a patient is", "Ask for it in the journey's `if` instead.")
            continue
        parsed = entry.parse(reader, key.value, value, scope)
        if parsed is not None:
            parts.append(parsed)
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _combined(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    if not isinstance(node, Seq):
        reader.problem("condition-shape", node, f"`{key}` takes a list of conditions", f"For example `{key}: [{{visits: none}}, {{tags: [vip]}}]`.")
        return None
    parts = tuple(parse_condition(reader, item, scope) for item in node.items)
    return AnyOf(parts) if key == "any_of" else NoneOf(parts, tuple(written(item) for item in node.items))


def written(node: Node) -> str:
    """A short form of what the author wrote, for reasons."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Seq):
        return ", ".join(written(item) for item in node.items)
    return ", ".join(f"{key.value}: {written(value)}" for key, value in node.entries)


def _segments(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    names = reader.choices(node, "a segment", scope.segments, "unknown-segment")
    return InSegment(names, inside=key == "in") if names else None


def parse_narrow(reader: Reader, node: Node | None, scope: Scope, what: str = "`of`") -> Narrow:
    """`{families: [toxin], location: [athens]}`."""
    if node is None:
        return ANYTHING
    fields = reader.fields(node, what, ("families", "services", "areas", "practitioner", "location"))
    return Narrow(
        families=reader.choices(fields.get("families"), "a family of config/services.yaml", scope.clinic.families, "unknown-family"),
        services=reader.choices(fields.get("services"), "a service of config/services.yaml", scope.clinic.services, "unknown-service"),
        areas=reader.choices(fields.get("areas"), "an area", ("face", "body", "none")),
        practitioner=reader.texts(fields.get("practitioner"), "practitioner"),
        location=reader.texts(fields.get("location"), "location"),
    )


def _long(reader: Reader, key: str, node: Node, scope: Scope) -> tuple[Scalar | None, Narrow, Span | None]:
    """The three parts of a visit condition: what is asked, `of` what, `in` which span."""
    if isinstance(node, Scalar):
        return node, ANYTHING, None
    fields = reader.fields(node, f"`{key}`", ("of", "is", "in"))
    asked = fields.get("is")
    if asked is not None and not isinstance(asked, Scalar):
        reader.problem("shape-type", asked, "`is` must be one line of text")
        asked = None
    within = reader.span(fields.get("in"), "a span")
    if within is not None and not within.whole_days:
        reader.problem("condition-span", fields["in"], "segments know days, not hours", "For example `12 months`.")
    return asked, parse_narrow(reader, fields.get("of"), scope), within


def _number(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    asked, of, within = _long(reader, key, node, scope)
    text = asked.value if asked is not None else "any"
    if " in " in text:
        text, _, span_text = text.partition(" in ")
        within = parse_span(span_text)
        if within is None or not within.whole_days or within.is_zero:
            reader.problem("shape-value", asked or node, f"`{span_text}` is not a span of days", "For example `at least 2 in 12 months`.")
            return None
    count = parse_count(text)
    if count is None:
        reader.problem("shape-value", asked or node, f"`{text}` is not a number of {key}", "For example `none`, `exactly 1`, `at least 2 in 12 months`, `1 to 5`.")
        return None
    return Number(cast(Kind, key), count, within, of)


def _ago(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    asked, of, within = _long(reader, key, node, scope)
    text = asked.value.strip() if asked is not None else "any"
    which = cast(Any, key)
    if within is not None and text == "any":
        return Ago(which, within, at_least=False, of=of)
    if text in ("none", "any"):
        return Ago(which, None, never=text == "none", of=of)
    match = re.fullmatch(r"(at least|less than|within) (.+?)(?: ago)?", text)
    span = parse_span(match[2]) if match else None
    if match is None or span is None or span.is_zero or not span.whole_days:
        reader.problem("shape-value", asked or node, f"`{text}` does not say when `{key}` was", "For example `at least 6 months ago`, `less than 30 days ago`, `none`.")
        return None
    return Ago(which, span, at_least=match[1] == "at least", of=of)


def _next_booking(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    asked, of, within = _long(reader, key, node, scope)
    text = asked.value.strip() if asked is not None else "any"
    match = re.fullmatch(r"(?:within|in the next) (.+)", text)
    if match:
        within, text = parse_span(match[1]), "any"
        if within is None or not within.whole_days or within.is_zero:
            text = ""
    if text not in ("none", "any"):
        reader.problem("shape-value", asked or node, f"`{written(node)}` does not say which booking", "For example `none`, `any`, `within 7 days`.")
        return None
    return NextBooking(text == "any", within, of)


def _had(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    if isinstance(node, Scalar) and (count := parse_count(node.value)) is not None:
        return Had(cast(Any, key), count=count)
    known = {"families": scope.clinic.families, "services": frozenset(scope.clinic.services), "areas": frozenset(("face", "body"))}[key]
    names = reader.choices(node, f"one of the {key} in config/services.yaml", known, {"families": "unknown-family", "services": "unknown-service"}.get(key, "shape-choice"))
    return Had(cast(Any, key), names) if names else None


def _revenue(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    leave: tuple[int, str] | None = None
    asked: Node | None = node
    if isinstance(node, Map):
        fields = reader.fields(node, f"`{key}`", ("is", "leave_below"), ("is",))
        asked = fields.get("is")
        leave = reader.parsed(fields.get("leave_below"), "an amount of money", money, "1200 EUR")
    example = "at least 1500 EUR in 12 months before last_visit"
    text = asked.value.strip() if isinstance(asked, Scalar) else ""
    match = re.fullmatch(r"at least ([\d.,]+ [A-Z]{3}) in (.+?)( before last_visit)?", text)
    amount, span = (money(match[1]), parse_span(match[2])) if match else (None, None)
    if match is None or amount is None or span is None or span.is_zero or not span.whole_days:
        reader.problem("shape-value", asked or node, f"`{text or 'this'}` is not an amount of revenue", f"For example `{example}`.")
        return None
    if amount[1] != scope.clinic.currency:
        reader.problem("condition-currency", asked or node, f"{amount[1]} is not the clinic's currency", f"config/clinic.yaml says {scope.clinic.currency}.")
        return None
    below = leave[0] if leave is not None and leave[1] == amount[1] else amount[0] * 4 // 5
    if below > amount[0]:
        reader.problem("shape-value", node, "`leave_below` lies above the amount that lets a patient in", "Make it smaller.")
        return None
    return Revenue(amount[0], below, amount[1], span, before_last_visit=bool(match[3]))


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
        reader.problem("shape-value", node, f"`{text}` is not a time around a birthday", "For example `today`, `in the next 7 days`.")
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
                reader.problem("shape-choice", channel, f"`{channel.value}` is not a channel", reader.did_you_mean(channel.value, CHANNELS))
                continue
            wanted += [(channel.value, purpose) for purpose in reader.choices(purposes, "a purpose", PURPOSES)]
        return Allows(tuple(wanted)) if wanted else None
    channels = reader.choices(node, "a channel", CHANNELS)
    return Allows(tuple((channel, "marketing") for channel in channels)) if channels else None


def _got_message(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    fields = reader.fields(node, f"`{key}`", ("journey", "in"))
    return GotMessage(reader.texts(fields.get("journey"), "journey"), reader.span(fields.get("in"), "a span"))


def _journey(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    fields = reader.fields(node, f"`{key}`", ("active", "ever"))
    parts = [InJourney(reader.texts(value, "journey"), active=name == "active") for name, value in fields.items()]
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
    "visits": Word(_number, "how many visits", "visits: at least 2 in 12 months"),
    "treatments": Word(_number, "how many visits with a treatment", "treatments: none"),
    "cancelled": Word(_number, "how many cancelled bookings", "cancelled: at least 1 in 30 days"),
    "missed": Word(_number, "how many missed bookings", "missed: at least 2 in 12 months"),
    "first_visit": Word(_ago, "when the first visit was", "first_visit: less than 30 days ago"),
    "last_visit": Word(_ago, "when the last visit was", "last_visit: at least 6 months ago"),
    "next_booking": Word(_next_booking, "whether a booking lies ahead", "next_booking: none"),
    "families": Word(_had, "treatment families ever had", "families: [laser_hair]"),
    "services": Word(_had, "services ever had", "services: [LHR]"),
    "areas": Word(_had, "areas ever treated", "areas: [body]"),
    "net_revenue": Word(_revenue, "what the patient brought in", "net_revenue: at least 1500 EUR in 12 months before last_visit"),
    "age": Word(_age, "completed years", "age: at least 18"),
    "birthday": Word(_birthday, "when the birthday is", "birthday: today"),
    "tags": Word(_one_of, "tags", "tags: [complaint]"),
    "language": Word(_one_of, "the patient's language", "language: [el]"),
    "location": Word(_one_of, "where the last visit was", "location: [athens]"),
    "practitioner": Word(_one_of, "who saw the patient last", "practitioner: [dr-k]"),
    "allows": Word(_allows, "consent", "allows: [sms, email]"),
    "got_message": Word(_got_message, "a message of a journey, not for segments", "got_message: {journey: win_back_6, in: 90 days}"),
    "journey": Word(_journey, "runs through journeys, not for segments", "journey: {active: [second_visit]}"),
    "this": Word(_this, "the appointment that started the journey", "this: {families: [toxin]}"),
    "in": Word(_segments, "in one of these segments", "in: [high_value]"),
    "not_in": Word(_segments, "in none of these segments", "not_in: [high_value]"),
    "any_of": Word(_combined, "at least one holds", "any_of: [{visits: none}, {tags: [vip]}]"),
    "none_of": Word(_combined, "none holds", "none_of: [{tags: [complaint]}]"),
}
