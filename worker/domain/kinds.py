"""Kinds of values in a file: each knows how it is read, and how a JSON Schema tells it to an editor.

Rules
1. A file's keys stand in one table of `Field`s. The parser reads by it, `revisit schema` is written from it, the reference lists it: they cannot drift apart.
2. `read` returns None (or what is left) after it has written down a Problem; it never raises.
3. A schema knows shapes, and the names that a workspace has; what a journey means is for `check` alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from worker.domain import patterns
from worker.domain.calendar import Span, Window, parse_clock, parse_window
from worker.domain.patterns import whole
from worker.domain.shape import NAME, Reader, iso_day, money
from worker.domain.source import Map, Node, Scalar, Seq

T = TypeVar("T")
Schema = dict[str, Any]

ANY_SCALAR: Final[Schema] = {"type": ["string", "number", "boolean"]}
"""Every scalar is text to us; an editor's YAML makes numbers and booleans of some."""

NO_NAMES: Final = ("true", "false", "null")


class Kind(Generic[T]):
    """What may stand under a key."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> T | None:
        """The value, or None after a Problem."""
        raise TypeError(type(self).__name__)

    def schema(self, scope: Any) -> Schema:
        """The same as JSON Schema."""
        raise TypeError(type(self).__name__)


@dataclass(frozen=True, slots=True)
class Field:
    """One key: what may stand there, and what it is for (shown by editors and in the reference)."""

    kind: Kind[Any]
    about: str
    required: bool = False
    default: str = ""


Fields = Mapping[str, Field]


def text_schema(pattern: str, is_a: str, *examples: str) -> Schema:
    """A text with a grammar. Editors complete the examples, and say what it is not where it does not fit."""
    return {
        "type": "string", "pattern": whole(pattern), "examples": list(examples),
        "patternErrorMessage": f"This is not {is_a}; for example `{examples[0]}`.",
    }  # fmt: skip


class Text(Kind[str]):
    """Any one line of text."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> str | None:
        return reader.text(node, what) or None

    def schema(self, scope: Any) -> Schema:
        return ANY_SCALAR


@dataclass(frozen=True)
class Offered(Kind[str]):
    """Any one line of text; editors offer the `names` that the workspace has."""

    names: Callable[[Any], Collection[str]]

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> str | None:
        return reader.text(node, what) or None

    def schema(self, scope: Any) -> Schema:
        known = sorted(self.names(scope))
        return {"anyOf": [{"enum": known}, ANY_SCALAR]} if known else ANY_SCALAR


@dataclass(frozen=True)
class Parsed(Kind[T]):
    """A text with a grammar of its own: `parse` decides, `pattern` tells editors. `number` where a bare whole number is one too."""

    is_a: str
    parse: Callable[[str], T | None]
    pattern: str
    example: str
    number: bool = False

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> T | None:
        return reader.parsed(node, self.is_a, self.parse, self.example)

    def schema(self, scope: Any) -> Schema:
        text = text_schema(self.pattern, self.is_a, self.example)
        return {"anyOf": [text, {"type": "integer", "minimum": 0}]} if self.number else text


@dataclass(frozen=True)
class Whole(Kind[int]):
    """A whole number within limits."""

    low: int
    high: int

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> int | None:
        return reader.integer(node, what, self.low, self.high, self.low)

    def schema(self, scope: Any) -> Schema:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


class Switch(Kind[bool]):
    """`true` or `false`."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> bool | None:
        return reader.boolean(node, what, default=False)

    def schema(self, scope: Any) -> Schema:
        words = "|".join(patterns.any_case(word) for word in ("true", "false", "yes", "no", "on", "off"))
        return {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": whole(words)}]}


@dataclass(frozen=True)
class Name(Kind[str]):
    """A name of the author's: small letters, digits and underscores."""

    is_a: str

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> str | None:
        name = reader.name(node, self.is_a) or None
        if name in NO_NAMES:
            reader.problem(
                "shape-name",
                node,
                f"`{name}` can't be {self.is_a}: YAML has a meaning of its own for it",
                "Choose another name.",
            )
            return None
        return name

    def schema(self, scope: Any) -> Schema:
        return {"type": "string", "pattern": whole(f"(?!(?:{'|'.join(NO_NAMES)})$){NAME.pattern}")}


@dataclass(frozen=True)
class Word(Kind[str]):
    """One of a few words; `words` may ask the scope for the names that the workspace has. None leaves the word unchecked."""

    is_a: str
    words: Collection[str] | Callable[[Any], Collection[str] | None]
    code: str = "shape-choice"

    def known(self, scope: Any) -> Collection[str] | None:
        """The words."""
        return self.words(scope) if callable(self.words) else self.words

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> str | None:
        value = reader.text(node, what)
        known = self.known(scope)
        if not isinstance(node, Scalar) or known is None or value in known:
            return value or None
        reader.problem(self.code, node, f"`{value}` is not {self.is_a}", reader.did_you_mean(value, known))
        return None

    def schema(self, scope: Any) -> Schema:
        known = self.known(scope)
        if known is None:
            return ANY_SCALAR
        words: list[Any] = sorted(known)
        return {"enum": words + [int(word) for word in words if word.isdigit()]} if words else {"not": {}}


@dataclass(frozen=True)
class Many(Kind[tuple[T, ...]]):
    """A list; a single value stands for a list of one. `alone=False`: only a list will do."""

    item: Kind[T]
    alone: bool = True
    least: int = 0

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> tuple[T, ...] | None:
        if not isinstance(node, Seq) and not (self.alone and isinstance(node, Scalar)):
            reader.problem(
                "shape-type", node, f"{what} must be a list", "Write `[one, two]`, or one item a line after a dash."
            )  # fmt: skip
            return None
        items = node.items if isinstance(node, Seq) else (node,)
        if len(items) < self.least:
            reader.problem(
                "shape-empty", node, f"{what} is an empty list", "Write at least one, or remove the key."
            )
            return None
        found: list[T] = []
        for item in items:
            if isinstance(item, Scalar) and item.empty:
                reader.problem(
                    "shape-empty", item, f"one of {what} has no value", "Write one, or remove the dash."
                )
            elif (value := self.item.read(reader, item, f"each of {what}", scope)) is not None:
                found.append(value)
        return tuple(found)

    def schema(self, scope: Any) -> Schema:
        one = self.item.schema(scope)
        many: Schema = {"type": "array", "items": one, **({"minItems": self.least} if self.least else {})}
        return {"anyOf": [one, many]} if self.alone else many


@dataclass(frozen=True)
class Block(Kind[dict[str, Any]]):
    """A block of known keys. Reads to a dictionary of the values that are there and could be read.

    `is_a` "" takes the name that the reader of the block gives; `also` is laid over the schema, for what no single key can say.
    """

    is_a: str
    fields: Fields
    also: Schema = field(default_factory=dict, hash=False)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The keys that must be there."""
        return tuple(name for name, field in self.fields.items() if field.required)

    def read(self, reader: Reader, node: Node | None, what: str, scope: Any) -> dict[str, Any]:
        return {name: value for name, (value, _) in self.places(reader, node, scope, what).items()}

    def places(
        self, reader: Reader, node: Node | None, scope: Any, what: str = ""
    ) -> dict[str, tuple[Any, Node]]:
        """The values with the nodes that they were read from."""
        found: dict[str, tuple[Any, Node]] = {}
        for name, inner in reader.fields(node, self.is_a or what, self.fields, self.required).items():
            value = self.fields[name].kind.read(reader, inner, f"`{name}`", scope)
            if value is not None:
                found[name] = (value, inner)
        return found

    def schema(self, scope: Any) -> Schema:
        properties = {name: described(field, scope) for name, field in self.fields.items()}
        required: Schema = {"required": list(self.required)} if self.required else {}
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": properties,
            **required,
            **self.also,
        }


@dataclass(frozen=True)
class Table(Kind[dict[str, T]]):
    """A block whose keys are names: `key` checks and tells them, `value` is what stands under each."""

    is_a: str
    key: Kind[str]
    value: Kind[T]

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> dict[str, T] | None:
        found: dict[str, T] = {}
        for key, inner in reader.entries(node, what):
            name = self.key.read(reader, key, what, scope)
            if name is None:
                continue
            if isinstance(inner, Scalar) and inner.empty:
                reader.problem("shape-empty", key, f"`{name}` has no value", "Write one, or remove the key.")
                continue
            value = self.value.read(reader, inner, f"{self.is_a} `{name}`", scope)
            if value is not None:
                found[name] = value
        return found

    def schema(self, scope: Any) -> Schema:
        return {
            "type": "object",
            "propertyNames": self.key.schema(scope),
            "additionalProperties": self.value.schema(scope),
        }


@dataclass(frozen=True)
class Either(Kind[Any]):
    """What may be written short (a scalar), or long (a block), or as a list; a form that is not given is refused."""

    is_a: str
    scalar: Kind[Any] | None = None
    block: Kind[Any] | None = None
    many: Kind[Any] | None = None
    hint: str = ""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Any:
        kind = self.block if isinstance(node, Map) else self.many if isinstance(node, Seq) else self.scalar
        if kind is None:
            reader.problem("shape-type", node, f"{what} is not {self.is_a}", self.hint)
            return None
        return kind.read(reader, node, what, scope)

    def schema(self, scope: Any) -> Schema:
        return {
            "anyOf": [kind.schema(scope) for kind in (self.scalar, self.block, self.many) if kind is not None]
        }


DEFS: Final[dict[str, Callable[[], Kind[Any]]]] = {}
"""What schemas speak of by name, under "$defs": what holds itself, or stands in many places."""


class Ref(Kind[T]):
    """A kind that is told once, under a name: one that holds itself can't be told otherwise. `get` is asked late, so that a table may hold itself."""

    def __init__(self, name: str, get: Callable[[], Kind[T]]) -> None:
        self.name, self.get = name, get
        DEFS.setdefault(name, get)

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> T | None:
        return self.get().read(reader, node, what, scope)

    def schema(self, scope: Any) -> Schema:
        return {"$ref": f"#/$defs/{self.name}"}


def definitions(scope: Any) -> dict[str, Schema]:
    """The schemas of everything that a `Ref` names."""
    return {name: get().schema(scope) for name, get in sorted(DEFS.items())}


def described(field: Field, scope: Any) -> Schema:
    """A field's schema with what it is for, as editors show it on hover."""
    about = f"{field.about} Default: {field.default}." if field.default else field.about
    schema = field.kind.schema(scope)
    # Nothing beside a `$ref` counts in draft-07.
    return {"description": about, **({"allOf": [schema]} if "$ref" in schema else schema)}


SPAN_PATTERN: Final = patterns.SPAN
WINDOW_PATTERN: Final = patterns.WINDOW


class SpanOf(Kind[Span]):
    """A length of time that is not zero."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Span | None:
        return reader.span(node, what)

    def schema(self, scope: Any) -> Schema:
        return text_schema(SPAN_PATTERN, "a length of time", "3 weeks", "2 days", "18 months")


class DaysOf(SpanOf):
    """A length of time in whole days."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> Span | None:
        span = super().read(reader, node, what, scope)
        if span is None or span.whole_days:
            return span
        reader.problem(
            "shape-value", node, f"{what} is counted in days, not in hours", "For example `30 days`."
        )
        return None

    def schema(self, scope: Any) -> Schema:
        return text_schema(patterns.DAYS, "a length of time in days", "30 days", "12 months")


def _iso_day(text: str) -> date | None:
    """The one of ISO 8601's ways to write a date that people use."""
    return iso_day(text) if re.fullmatch(patterns.DATE, text) else None


def _percent(text: str) -> int | None:
    return int(text.strip().removesuffix("%")) if re.fullmatch(patterns.PERCENT, text) else None


def _money(text: str) -> tuple[int, str] | None:
    return money(text) if re.fullmatch(patterns.MONEY, text) else None


TEXT: Final = Text()
SPAN: Final = SpanOf()
SWITCH: Final = Switch()
DAYS: Final = DaysOf()
WINDOW: Final[Kind[Window]] = Parsed("hours of a day", parse_window, WINDOW_PATTERN, "10:00 - 19:00")
CLOCK: Final[Kind[int]] = Parsed("a time of day", parse_clock, patterns.CLOCK, "10:00")
DAY: Final[Kind[date]] = Parsed("a date", _iso_day, patterns.DATE, "2026-12-25")
MONEY: Final[Kind[tuple[int, str]]] = Parsed("an amount of money", _money, patterns.MONEY, "1200 EUR")
TEXTS: Final[Kind[tuple[str, ...]]] = Many(TEXT)
PERCENT: Final[Kind[int]] = Parsed("a share in whole percents", _percent, patterns.PERCENT, "10%")
