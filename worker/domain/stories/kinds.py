"""Kinds of values that only files of stories have: moments, entries with a moment before them, events and expectations of one word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from worker.domain import patterns
from worker.domain.calendar import parse_clock
from worker.domain.kinds import ANY_SCALAR, Block, Fields, Kind, Parsed, Schema, text_schema
from worker.domain.scope import Scope
from worker.domain.shape import Reader, iso_day, money
from worker.domain.source import Map, Node, Place, Scalar
from worker.domain.stories import Moment
from worker.domain.zones import ZONE

T = TypeVar("T")
NONE: Final = "none"
_DAY: Final = rf"(?=19[5-9]|2[01]){patterns.DATE}"
_CLOCK: Final = "(?:[01]?[0-9]|2[0-3]):[0-5][0-9]"
_MOMENT: Final = re.compile(rf"({_DAY})(?: ({_CLOCK}))?")
_VISIT: Final = re.compile(rf"({_DAY}(?: {_CLOCK})?) (\S+)(?: (.+))?")


def parse_moment(text: str) -> Moment | None:
    """`2026-03-02 10:00`, or `2026-03-02` for the whole day; None where the text is neither. Years are those of events: 1950 to 2199."""
    match = _MOMENT.fullmatch(text)
    day = iso_day(match[1]) if match is not None else None
    if match is None or day is None:
        return None
    return Moment(day, parse_clock(match[2]) if match[2] else None)


def _exact(text: str) -> Moment | None:
    moment = parse_moment(text)
    return moment if moment is not None and moment.minute is not None else None


EXACT: Final[Kind[Moment]] = Parsed("a day with a time", _exact, f"{_DAY} {_CLOCK}", "2026-03-02 10:00")
WHEN: Final[Kind[Moment]] = Parsed(
    "a day, or a day with a time", parse_moment, f"{_DAY}(?: {_CLOCK})?", "2026-03-02 10:00"
)
BORN: Final[Kind[Any]] = Parsed(
    "a date", lambda text: "" if text == NONE else iso_day(text) if re.fullmatch(patterns.DATE, text) else None,
    f"(?:{NONE}|{patterns.DATE})", "1990-02-28",
)  # fmt: skip


class Line(Kind[str]):
    """One line of text, or `none` for what is not known."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> str | None:
        """The text, "" for `none`; None after a Problem."""
        if not isinstance(node, Scalar):
            reader.problem(
                "shape-type", node, f"{what} must be one line of text", "Write `none` where nothing is known."
            )
            return None
        return "" if node.value == NONE else node.value

    def schema(self, scope: Any) -> Schema:
        """Any scalar."""
        return ANY_SCALAR


LINE: Final = Line()


class Lived(Kind[str]):
    """A time zone, or `none` for what is not known."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> str | None:
        """The zone's name, "" for `none`; None after a Problem."""
        if isinstance(node, Scalar) and node.value == NONE:
            return ""
        return ZONE.read(reader, node, what, scope)

    def schema(self, scope: Any) -> Schema:
        """The zones, and `none`."""
        return {"anyOf": [{"enum": [NONE]}, ZONE.schema(scope)]}


LIVED: Final = Lived()


class ServiceCode(Kind[dict[str, str]]):
    """A service of the catalogue."""

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> dict[str, str] | None:
        """`{"code": …}`; None after a Problem."""
        if not isinstance(node, Scalar):
            reader.problem(
                "shape-type",
                node,
                f"{what} must be a service of config/services.yaml",
                "For example `[LHR]`.",
            )
            return None
        return {"code": node.value} if service_known(reader, node, node.value, scope) else None

    def schema(self, scope: Scope) -> Schema:
        """The codes."""
        return {"enum": sorted(scope.clinic.services)} if scope.clinic.services else {"not": {}}


def service_known(reader: Reader, node: Node, code: str, scope: Scope) -> bool:
    """Whether the catalogue knows a service; a Problem where it does not."""
    if code in scope.clinic.services:
        return True
    hint = reader.did_you_mean(code, scope.clinic.services)
    reader.problem("unknown-service", node, f"`{code}` is not a service of config/services.yaml", hint)
    return False


class Visit(Kind[dict[str, Any]]):
    """A visit of the past in one line: `2025-01-10 10:00 LHR+HYD`, or `2025-01-10 HYD 120 EUR`; noon where no time is given."""

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> dict[str, Any] | None:
        """The words of the visit, as the long form has them; None after a Problem."""
        match = _VISIT.fullmatch(node.value) if isinstance(node, Scalar) else None
        moment = parse_moment(match[1]) if match is not None else None
        net = (
            money(match[3])
            if match is not None and match[3] and re.fullmatch(patterns.MONEY, match[3])
            else None
        )
        if match is None or moment is None or (match[3] and net is None):
            said = f"`{node.value}`" if isinstance(node, Scalar) else "this"
            reader.problem(
                "shape-value",
                node,
                f"{said} is not a visit",
                "For example `2025-01-10 10:00 LHR+HYD`, or `2025-01-10 HYD 120 EUR`.",
            )
            return None
        codes = match[2].split("+")
        known = [code for code in codes if service_known(reader, node, code, scope)]
        if known != codes:
            return None
        found: dict[str, Any] = {"at": moment, "services": tuple({"code": code} for code in codes)}
        return found if net is None else {**found, "net": net}

    def schema(self, scope: Scope) -> Schema:
        """The form, with the codes that there are."""
        code = f"(?:{'|'.join(re.escape(code) for code in sorted(scope.clinic.services)) or '(?!)'})"
        pattern = rf"{_DAY}(?: {_CLOCK})? {code}(?:\+{code})*(?: {patterns.MONEY})?"
        return text_schema(pattern, "a visit", "2025-01-10 10:00 LHR+HYD")


@dataclass(frozen=True)
class Dated(Kind[tuple[Moment, T, Place]]):
    """One entry of a list: a moment, a colon, and what stands there."""

    is_a: str
    moment: Kind[Moment]
    value: Kind[T]
    example: str

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> tuple[Moment, T, Place] | None:
        """The moment, the value and the place of the entry; None after a Problem."""
        if not isinstance(node, Map) or len(node.entries) != 1:
            reader.problem(
                "story-entry",
                node,
                f"{self.is_a} is one moment and what stands behind it",
                f"For example `- {self.example}`.",
            )
            return None
        key, inner = node.entries[0]
        moment = self.moment.read(reader, key, what, scope)
        if isinstance(inner, Scalar) and inner.empty:
            reader.problem(
                "shape-empty", key, f"nothing stands behind `{key.value}`", f"For example `- {self.example}`."
            )
            return None
        value = self.value.read(reader, inner, what, scope)
        return (moment, value, node.place) if moment is not None and value is not None else None

    def schema(self, scope: Any) -> Schema:
        """A block of exactly one key."""
        return {
            "type": "object", "minProperties": 1, "maxProperties": 1, "propertyNames": self.moment.schema(scope),
            "additionalProperties": self.value.schema(scope),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """A word of the author's with the values behind it, and where each stands."""

    word: str
    values: Mapping[str, tuple[Any, Node]]

    def plain(self) -> dict[str, Any]:
        """The values alone."""
        return {name: value for name, (value, _) in self.values.items()}


@dataclass(frozen=True)
class Events(Kind[Said]):
    """An event: its type alone, or its type with what it says."""

    types: Mapping[str, Fields]
    about: Mapping[str, str]

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Said | None:
        """The type and what it says; None after a Problem."""
        inner: Node = Map((), node.place)
        name: Node = node
        if isinstance(node, Map) and len(node.entries) == 1:
            name, inner = node.entries[0]
            if isinstance(inner, Scalar) and inner.empty:
                inner = Map((), name.place)
        if not isinstance(name, Scalar):
            reader.problem(
                "story-entry",
                node,
                "one event is told at a time",
                "For example `visit.completed`, or `{booking.cancelled: {appointment: a-1}}`.",
            )
            return None
        if name.value not in self.types:
            reader.problem(
                "unknown-event",
                name,
                f"`{name.value}` is not an event",
                reader.did_you_mean(name.value, self.types),
            )
            return None
        block = Block(f"`{name.value}`", self.types[name.value])
        before = len(reader.problems)
        found = block.places(reader, inner, scope)
        return Said(name.value, found) if len(reader.problems) == before else None

    def schema(self, scope: Any) -> Schema:
        """The bare words that need nothing more, and the block of one."""
        bare = [
            name
            for name, fields in self.types.items()
            if not any(field.required for field in fields.values())
        ]
        long = {
            name: {
                "description": self.about[name],
                "anyOf": [Block(name, fields).schema(scope), *([{"type": "null"}] if name in bare else [])],
            }
            for name, fields in self.types.items()
        }
        return {
            "anyOf": [
                {"enum": sorted(bare)},
                {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False, "properties": long},
            ]
        }  # fmt: skip


@dataclass(frozen=True)
class Verbs(Kind[Said]):
    """A block with one word of several, each with its own further keys."""

    verbs: Mapping[str, Fields]
    example: str

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Said | None:
        """The word and all values of the block; None after a Problem."""
        there = [key for key, _ in node.entries if key.value in self.verbs] if isinstance(node, Map) else []
        if not isinstance(node, Map) or len(there) != 1:
            if isinstance(node, Map) and len(node.entries) == 1 and not there:
                key = node.entries[0][0]
                reader.problem(
                    "story-verb",
                    key,
                    f"`{key.value}` is nothing that a story expects",
                    reader.did_you_mean(key.value, self.verbs),
                )
            else:
                at = there[1] if len(there) > 1 else node
                reader.problem(
                    "story-verb",
                    at,
                    f"one thing is expected at a time: one of {', '.join(self.verbs)}",
                    f"For example `{self.example}`.",
                )
            return None
        word = there[0].value
        before = len(reader.problems)
        found = Block(f"`{word}`", self.verbs[word]).places(reader, node, scope)
        return Said(word, found) if len(reader.problems) == before else None

    def schema(self, scope: Any) -> Schema:
        """One block for each word."""
        return {"anyOf": [Block(word, fields).schema(scope) for word, fields in self.verbs.items()]}
