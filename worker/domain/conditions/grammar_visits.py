"""The words about visits and bookings, as marketing writes them. Each word is a kind of value: read, and told to editors, by the same table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final, Literal, cast

from worker.domain import patterns
from worker.domain.calendar import Span, parse_span
from worker.domain.conditions import Condition
from worker.domain.conditions.grammar_words import AGO_WORDS, COUNT_WORDS, NEAR_WORDS, Instead, reworded
from worker.domain.conditions.visits import ANYTHING, Ago, Count, Had, Narrow, NextBooking, Number
from worker.domain.conditions.visits import Kind as Counted
from worker.domain.kinds import (
    Block,
    DaysOf,
    Field,
    Fields,
    Kind,
    Many,
    Offered,
    Ref,
    Schema,
    Word,
    text_schema,
)
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Node, Scalar

_COUNT: Final = re.compile(
    r"(none|any|exactly (\d{1,6})|at least (\d{1,6})|at most (\d{1,6})|(\d{1,6}) to (\d{1,6})|(\d{1,6}))"
)
_AGO: Final = re.compile(r"(at least|less than|within) (.+?)(?: ago)?", re.DOTALL)
_NEAR: Final = re.compile(r"(?:within|in the next) (.+)", re.DOTALL)
AREAS: Final = ("face", "body", "none")


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


def parse_days(text: str) -> Span | None:
    """A span of whole days that is not zero."""
    span = parse_span(text)
    return span if span is not None and span.whole_days and not span.is_zero else None


# -- which appointments count ----------------------------------------------------------------------------------------------------


def some(item: Kind[str]) -> Kind[tuple[str, ...]]:
    """One word or a list of them, not an empty one."""
    return Many(item, least=1)


FAMILY: Final = Word(
    "a family of config/services.yaml", lambda scope: scope.clinic.families, "unknown-family"
)
SERVICE: Final = Word(
    "a service of config/services.yaml", lambda scope: scope.clinic.services, "unknown-service"
)
PRACTITIONER: Final = Offered(lambda scope: scope.clinic.practitioners)
LOCATION: Final = Offered(lambda scope: scope.clinic.locations)
FAMILIES: Final = Field(some(FAMILY), "Only of these treatment families.")

NARROW_FIELDS: Final[Fields] = {
    "families": FAMILIES,
    "services": Field(some(SERVICE), "Only of these services, by their codes."),
    "areas": Field(some(Word("an area", AREAS)), "Only of these areas."),
    "practitioner": Field(some(PRACTITIONER), "Only with one of these people, by their codes in the book."),
    "location": Field(some(LOCATION), "Only at one of these places, by their codes in the book."),
    "cancelled_by": Field(some(Word("who cancels", ("patient", "clinic"))), "Only what the patient, or the clinic, cancelled."),
}  # fmt: skip


class NarrowKind(Kind[Narrow]):
    """`{families: [toxin], location: [athens]}`: what must be true of an appointment that counts."""

    block: ClassVar[Block] = Block("", NARROW_FIELDS)

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Narrow:
        """The narrow; ANYTHING after a Problem."""
        return Narrow(**self.block.read(reader, node, what, scope))

    def schema(self, scope: Any) -> Schema:
        """Told once, under $defs."""
        return self.block.schema(scope)


_NARROW: Final = NarrowKind()
NARROW: Final = Ref("narrow", lambda: _NARROW)


def parse_narrow(reader: Reader, node: Node | None, scope: Scope, what: str = "`of`") -> Narrow:
    """`{families: [toxin], location: [athens]}`."""
    return ANYTHING if node is None else _NARROW.read(reader, node, what, scope)


# -- a text, or a block with more to it --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said(Kind[Any]):
    """A short text with a grammar: `parse` gives what it says, or None; `number` where a bare whole number is one too."""

    parse: Callable[[str], Any]
    pattern: str
    is_a: str
    examples: tuple[str, ...]
    number: bool = False
    instead: Instead = ()

    @cached_property
    def hint(self) -> str:
        """The way out."""
        return f"For example {', '.join(f'`{example}`' for example in self.examples)}."

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Any:
        """What it says."""
        if not isinstance(node, Scalar):
            reader.problem("shape-type", node, f"{what} must be one line of text", self.hint)
            return None
        said = self.parse(node.value)
        if said is None:
            meant = reworded(node.value, self.instead, self.parse)
            reader.problem("shape-value", node, f"`{node.value}` {self.is_a}", meant or self.hint)
        return said

    def schema(self, scope: Any) -> Schema:
        """The pattern with its examples."""
        text = {
            **text_schema(self.pattern, "", *self.examples),
            "patternErrorMessage": f"This {self.is_a}. {self.hint}",
        }
        whole: Schema = {"type": "integer", "minimum": 0, "maximum": 999_999}
        return {"anyOf": [text, whole]} if self.number else text


class InDays(DaysOf):
    """`in: 12 months`."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Span | None:
        """The span."""
        span = reader.span(node, "a span")
        if span is not None and not span.whole_days:
            reader.problem(
                "condition-span", node, "conditions know days, not hours", "For example `12 months`."
            )
            return None
        return span


IN_DAYS: Final = InDays()


@dataclass(frozen=True)
class Asked(Kind[Condition]):
    """A word that is asked short, `word: TEXT`, or long, `word: {is: TEXT, of: {…}}`. `make` takes what stands under the keys."""

    fields: Fields
    make: Callable[[Mapping[str, Any]], Condition]
    short: bool = True

    @cached_property
    def block(self) -> Block:
        """The long form."""
        return Block("", self.fields)

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Condition | None:
        """The condition."""
        if not isinstance(node, Scalar):
            return self.make(self.block.read(reader, node, what, scope))
        said = self.fields["is"].kind.read(reader, node, what, scope)
        return self.make({"is": said}) if said is not None else None

    def schema(self, scope: Any) -> Schema:
        """Either form."""
        return {"anyOf": [self.fields["is"].kind.schema(scope), self.block.schema(scope)]}


OF: Final = Field(NARROW, "Which appointments count.", default="all")
IN: Final = Field(IN_DAYS, "In how many days before today.", default="ever")


def _parse_number(text: str) -> tuple[Count, Span | None] | None:
    number, found, span_text = text.partition(" in ")
    count, within = parse_count(number), parse_days(span_text) if found else None
    return None if count is None or (found and within is None) else (count, within)


def number(key: Counted) -> Kind[Condition]:
    """`visits: at least 2 in 12 months`."""
    said = Said(
        _parse_number, rf"\s*{patterns.COUNT}(?:\s*|\s* in {patterns.DAYS})", f"is not a number of {key}",
        ("none", "exactly 1", "at least 2 in 12 months", "1 to 5"), number=True, instead=COUNT_WORDS,
    )  # fmt: skip

    def make(found: Mapping[str, Any]) -> Condition:
        count, within = found.get("is", (Count(1, None), None))
        return Number(key, count, within or found.get("in"), found.get("of", ANYTHING))

    return Asked({"is": Field(said, "How many.", default="any"), "of": OF, "in": IN}, make)


def _parse_ago(text: str) -> tuple[str, Span | None] | None:
    text = text.strip()
    if text in ("none", "any"):
        return text, None
    match = _AGO.fullmatch(text)
    span = parse_days(match[2]) if match else None
    return (match[1], span) if match and span else None


def ago(key: Literal["first_visit", "last_visit"]) -> Kind[Condition]:
    """`last_visit: at least 6 months ago`."""
    said = Said(
        _parse_ago, rf"\s*(?:none|any|(?:at least|less than|within) {patterns.DAYS}(?: ago)?)\s*", f"does not say when `{key}` was",
        ("at least 6 months ago", "less than 30 days ago", "none"), instead=AGO_WORDS,
    )  # fmt: skip

    def make(found: Mapping[str, Any]) -> Condition:
        asked, span = found.get("is", ("any", None))
        of = found.get("of", ANYTHING)
        if asked == "any" and "in" in found:
            return Ago(key, found["in"], at_least=False, of=of)
        return Ago(key, span, at_least=span is None or asked == "at least", never=asked == "none", of=of)

    return Asked({"is": Field(said, "How long ago.", default="any"), "of": OF, "in": IN}, make)


def _parse_near(text: str) -> tuple[bool, Span | None] | None:
    text = text.strip()
    if text in ("none", "any"):
        return text == "any", None
    match = _NEAR.fullmatch(text)
    within = parse_days(match[1]) if match else None
    return (True, within) if within else None


def _next_booking(found: Mapping[str, Any]) -> Condition:
    wanted, within = found.get("is", (True, None))
    return NextBooking(wanted, within or found.get("in"), found.get("of", ANYTHING))


NEXT_BOOKING: Final = Asked(
    {
        "is": Field(
            Said(_parse_near, rf"\s*(?:none|any|(?:within|in the next) {patterns.DAYS})\s*", "does not say which booking", ("none", "any", "within 7 days"), instead=NEAR_WORDS),
            "Whether there is one.", default="any",
        ),
        "of": OF,
        "in": Field(IN_DAYS, "In how many days from today.", default="ever"),
    },
    _next_booking,
)  # fmt: skip


# -- what was had -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HadKind(Kind[Condition]):
    """`families: [laser_hair]`, or how many different ones: `families: exactly 1`."""

    key: Literal["families", "services", "areas"]
    item: Kind[str]

    @cached_property
    def names(self) -> Kind[tuple[str, ...]]:
        """A list of names, or one."""
        return some(self.item)

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Condition | None:
        """The condition."""
        if isinstance(node, Scalar) and (count := parse_count(node.value)) is not None:
            return Had(self.key, count=count)
        names = self.names.read(reader, node, what, scope)
        return Had(self.key, names) if names else None

    def schema(self, scope: Any) -> Schema:
        """A count, a name, or several."""
        count = text_schema(rf"\s*{patterns.COUNT}\s*", f"a number of {self.key}", "exactly 1", "at least 2")
        whole: Schema = {"type": "integer", "minimum": 0, "maximum": 999_999}
        return {"anyOf": [self.names.schema(scope), count, whole]}


HAD_FAMILIES: Final = HadKind("families", FAMILY)
HAD_SERVICES: Final = HadKind("services", SERVICE)
HAD_AREAS: Final = HadKind("areas", Word("an area", ("face", "body")))
NUMBERS: Final = {
    key: number(key) for key in cast(tuple[Counted, ...], ("visits", "treatments", "cancelled", "missed"))
}
__all__ = [
    "FAMILIES", "HAD_AREAS", "HAD_FAMILIES", "HAD_SERVICES", "IN_DAYS", "LOCATION", "NARROW", "NEXT_BOOKING", "NUMBERS", "PRACTITIONER",
    "Said", "ago", "parse_count", "parse_days", "parse_narrow", "some",
]  # fmt: skip
