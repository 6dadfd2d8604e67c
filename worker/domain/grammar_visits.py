"""The words about visits, bookings and money, as marketing writes them; and what a condition may speak of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

from worker.domain.calendar import Span, parse_span
from worker.domain.clinic import Clinic
from worker.domain.conditions import Condition
from worker.domain.conditions_visits import (
    ANYTHING,
    Ago,
    Count,
    Had,
    Kind,
    Narrow,
    NextBooking,
    Number,
    Revenue,
)
from worker.domain.shape import Reader, money
from worker.domain.source import Map, Node, Scalar, written

_COUNT = re.compile(
    r"(none|any|exactly (\d{1,6})|at least (\d{1,6})|at most (\d{1,6})|(\d{1,6}) to (\d{1,6})|(\d{1,6}))"
)


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


def parse_narrow(reader: Reader, node: Node | None, scope: Scope, what: str = "`of`") -> Narrow:
    """`{families: [toxin], location: [athens]}`."""
    if node is None:
        return ANYTHING
    fields = reader.fields(node, what, ("families", "services", "areas", "practitioner", "location"))
    return Narrow(
        families=reader.choices(
            fields.get("families"),
            "a family of config/services.yaml",
            scope.clinic.families,
            "unknown-family",
        ),
        services=reader.choices(
            fields.get("services"),
            "a service of config/services.yaml",
            scope.clinic.services,
            "unknown-service",
        ),
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
        reader.problem(
            "condition-span", fields["in"], "segments know days, not hours", "For example `12 months`."
        )
    return asked, parse_narrow(reader, fields.get("of"), scope), within


def number(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    asked, of, within = _long(reader, key, node, scope)
    text = asked.value if asked is not None else "any"
    if " in " in text:
        text, _, span_text = text.partition(" in ")
        within = parse_span(span_text)
        if within is None or not within.whole_days or within.is_zero:
            reader.problem(
                "shape-value",
                asked or node,
                f"`{span_text}` is not a span of days",
                "For example `at least 2 in 12 months`.",
            )
            return None
    count = parse_count(text)
    if count is None:
        reader.problem(
            "shape-value",
            asked or node,
            f"`{text}` is not a number of {key}",
            "For example `none`, `exactly 1`, `at least 2 in 12 months`, `1 to 5`.",
        )
        return None
    return Number(cast(Kind, key), count, within, of)


def ago(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
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
        reader.problem(
            "shape-value",
            asked or node,
            f"`{text}` does not say when `{key}` was",
            "For example `at least 6 months ago`, `less than 30 days ago`, `none`.",
        )
        return None
    return Ago(which, span, at_least=match[1] == "at least", of=of)


def next_booking(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    asked, of, within = _long(reader, key, node, scope)
    text = asked.value.strip() if asked is not None else "any"
    match = re.fullmatch(r"(?:within|in the next) (.+)", text)
    if match:
        within, text = parse_span(match[1]), "any"
        if within is None or not within.whole_days or within.is_zero:
            text = ""
    if text not in ("none", "any"):
        reader.problem(
            "shape-value",
            asked or node,
            f"`{written(node)}` does not say which booking",
            "For example `none`, `any`, `within 7 days`.",
        )
        return None
    return NextBooking(text == "any", within, of)


def had(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
    if isinstance(node, Scalar) and (count := parse_count(node.value)) is not None:
        return Had(cast(Any, key), count=count)
    known = {
        "families": scope.clinic.families,
        "services": frozenset(scope.clinic.services),
        "areas": frozenset(("face", "body")),
    }[key]
    names = reader.choices(
        node,
        f"one of the {key} in config/services.yaml",
        known,
        {"families": "unknown-family", "services": "unknown-service"}.get(key, "shape-choice"),
    )
    return Had(cast(Any, key), names) if names else None


def revenue(reader: Reader, key: str, node: Node, scope: Scope) -> Condition | None:
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
        reader.problem(
            "shape-value",
            asked or node,
            f"`{text or 'this'}` is not an amount of revenue",
            f"For example `{example}`.",
        )
        return None
    if amount[1] != scope.clinic.currency:
        reader.problem(
            "condition-currency",
            asked or node,
            f"{amount[1]} is not the clinic's currency",
            f"config/clinic.yaml says {scope.clinic.currency}.",
        )
        return None
    below = leave[0] if leave is not None and leave[1] == amount[1] else amount[0] * 4 // 5
    if below > amount[0]:
        reader.problem(
            "shape-value",
            node,
            "`leave_below` lies above the amount that lets a patient in",
            "Make it smaller.",
        )
        return None
    return Revenue(amount[0], below, amount[1], span, before_last_visit=bool(match[3]))
