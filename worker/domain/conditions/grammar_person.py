"""The words about the patient: age, birthday, tags, language, place, people, consent, and what was sent before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from worker.domain import patterns
from worker.domain.conditions import AnyOf, Condition
from worker.domain.conditions.grammar_visits import IN_DAYS, LOCATION, PRACTITIONER, Said, parse_count, some
from worker.domain.conditions.grammar_words import COUNT_WORDS, Instead
from worker.domain.conditions.person import Age, Allows, Birthday, GotMessage, InJourney, OneOf
from worker.domain.events import CHANNELS, PURPOSES
from worker.domain.kinds import TEXT, Block, Field, Kind, Offered, Schema, Table, Word
from worker.domain.shape import Reader
from worker.domain.source import Map, Node

MAX_AGE: Final = 150
_BIRTHDAY: Final = re.compile(r"today|in the next ([0-9]{1,3}) days?")
JOURNEY: Final = Word("a journey", lambda scope: scope.journeys, "unknown-journey")


class AgeKind(Kind[Condition]):
    """`age: at least 18`."""

    said: ClassVar[Said] = Said(
        parse_count,
        rf"\s*{patterns.AGE}\s*",
        "is not an age",
        ("at least 18", "30 to 45"),
        number=True,
        instead=COUNT_WORDS,
    )

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Condition | None:
        """The condition."""
        count = self.said.read(reader, node, what, scope)
        if count is not None and max(count.low, count.high or 0) > MAX_AGE:
            reader.problem(
                "shape-value", node, f"nobody is older than {MAX_AGE}", "For example `at least 18`."
            )
            return None
        return Age(count.low, count.high) if count is not None else None

    def schema(self, scope: Any) -> Schema:
        """The pattern, or a number of years."""
        text, _ = self.said.schema(scope)["anyOf"]
        return {"anyOf": [text, {"type": "integer", "minimum": 0, "maximum": MAX_AGE}]}


def _parse_birthday(text: str) -> Birthday | None:
    match = _BIRTHDAY.fullmatch(text)
    return Birthday(int(match[1] or 0)) if match else None


_BIRTHDAY_WORDS: Final[Instead] = (
    ("(?:on the day|on the birthday|the day itself|yes|true|now)", "today"),
    (r"(?:in|within|next|in the coming) ([0-9]+ days?)", r"in the next \1"), (r"(?:in the next|in|within|next)(?: 1| a)? week", "in the next 7 days"),
)  # fmt: skip
BIRTHDAY: Final[Kind[Condition]] = Said(
    _parse_birthday, "today|in the next [0-9]{1,3} days?", "is not a time around a birthday", ("today", "in the next 7 days"), instead=_BIRTHDAY_WORDS
)  # fmt: skip


@dataclass(frozen=True)
class OneOfKind(Kind[Condition]):
    """`tags: [complaint]`."""

    key: Literal["tags", "language", "location", "practitioner"]
    names: Kind[tuple[str, ...]]

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Condition | None:
        """The condition."""
        names = self.names.read(reader, node, what, scope)
        return OneOf(self.key, names) if names else None

    def schema(self, scope: Any) -> Schema:
        """One text, or several."""
        return self.names.schema(scope)


TAGS: Final = OneOfKind("tags", some(TEXT))
LANGUAGE: Final = OneOfKind("language", some(Offered(lambda scope: scope.clinic.languages)))
LAST_LOCATION: Final = OneOfKind("location", some(LOCATION))
LAST_PRACTITIONER: Final = OneOfKind("practitioner", some(PRACTITIONER))


class AllowsKind(Kind[Condition]):
    """`allows: [sms, email]` for marketing; `allows: {sms: care}`, `allows: {sms: [care, marketing]}` for another purpose."""

    channels: ClassVar[Kind[tuple[str, ...]]] = some(Word("a channel", CHANNELS))
    purposes: ClassVar[Kind[dict[str, tuple[str, ...]]]] = Table(
        "channel", Word("a channel", CHANNELS), some(Word("a purpose", PURPOSES))
    )

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Condition | None:
        """The condition."""
        if isinstance(node, Map):
            by_channel = self.purposes.read(reader, node, what, scope) or {}
            wanted = tuple((channel, purpose) for channel, found in by_channel.items() for purpose in found)
            return Allows(wanted) if wanted else None
        channels = self.channels.read(reader, node, what, scope)
        return Allows(tuple((channel, "marketing") for channel in channels)) if channels else None

    def schema(self, scope: Any) -> Schema:
        """Either form."""
        return {"anyOf": [self.channels.schema(scope), {**self.purposes.schema(scope), "minProperties": 1}]}


class GotMessageKind(Kind[Condition]):
    """`got_message: {journey: win_back_6, in: 90 days}`."""

    block: ClassVar[Block] = Block(
        "`got_message`",
        {
            "journey": Field(some(JOURNEY), "Of which journeys.", default="any"),
            "in": Field(IN_DAYS, "In how many days before today.", default="ever"),
        },
    )

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Condition | None:
        """The condition."""
        found = self.block.read(reader, node, what, scope)
        return GotMessage(found.get("journey", ()), found.get("in"))

    def schema(self, scope: Any) -> Schema:
        """The block."""
        return self.block.schema(scope)


class JourneyKind(Kind[Condition]):
    """`journey: {active: [second_visit]}`, `journey: {ever: [win_back_6]}`; both together mean one of the two."""

    block: ClassVar[Block] = Block(
        "`journey`",
        {
            "active": Field(some(JOURNEY), "Is under way in one of these."),
            "ever": Field(some(JOURNEY), "Has ever entered one of these."),
        },
        also={"minProperties": 1},
    )

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Condition | None:
        """The condition."""
        if isinstance(node, Map) and not node.entries:
            reader.problem(
                "shape-empty",
                node,
                f"{what} asks for nothing",
                "For example `journey: {active: [second_visit]}`.",
            )
        found = self.block.read(reader, node, what, scope)
        parts = [InJourney(names, active=name == "active") for name, names in found.items()]
        return AnyOf(tuple(parts)) if parts else None

    def schema(self, scope: Any) -> Schema:
        """The block."""
        return self.block.schema(scope)


AGE: Final = AgeKind()
ALLOWS: Final = AllowsKind()
GOT_MESSAGE: Final = GotMessageKind()
IN_JOURNEY: Final = JourneyKind()
