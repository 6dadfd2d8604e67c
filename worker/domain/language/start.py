"""`start`, `repeat`, `stop_if`, `send_on` and `pace`: what brings a patient into a journey, how often, and when messages leave."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar, Final, TypeVar

from worker.domain.calendar import WEEKDAYS, parse_span
from worker.domain.conditions import AllOf, AnyOf, Condition
from worker.domain.conditions.days import OnDays
from worker.domain.conditions.grammar import CONDITION
from worker.domain.conditions.grammar_words import Instead, reworded
from worker.domain.conditions.person import Birthday
from worker.domain.events import APPOINTMENT_STATUS
from worker.domain.journey import EVERYONE, Days, Repeat, Start
from worker.domain.kinds import (
    DAY,
    SPAN_PATTERN,
    Block,
    Either,
    Field,
    Fields,
    Kind,
    Many,
    Parsed,
    Schema,
    Word,
)
from worker.domain.language.events import AFTER_THE_END, HEARD
from worker.domain.patterns import any_case
from worker.domain.scope import Scope
from worker.domain.segments import start_condition
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Scalar, Seq

T = TypeVar("T")


class OneSegment(Word):
    """The segment that a journey starts by: one, and no list."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> str | None:
        """The segment's name."""
        if not isinstance(node, Seq):
            return super().read(reader, node, what, scope)
        names = [item.value for item in node.items if isinstance(item, Scalar)]
        way = "Name one, and write a journey for each; or make one segment of them, with `any_of`."
        reader.problem(
            "shape-type", node, f"{what} takes one segment, no list", f"Write {what[:-1]}: {names[0]}`." if len(names) == 1 else way,
        )  # fmt: skip
        return None


class Reworded(Parsed[T]):
    """A text with a grammar, and what people write instead of it."""

    instead: ClassVar[Instead] = ()

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> T | None:
        """What it says."""
        found = self.parse(node.value) if isinstance(node, Scalar) else None
        meant = reworded(node.value, self.instead, self.parse) if isinstance(node, Scalar) else ""
        if found is not None or not meant or not isinstance(node, Scalar):
            return super().read(reader, node, what, scope)
        reader.problem("shape-value", node, f"`{node.value}` is not {self.is_a}", meant)
        return None


class _Before(Reworded[int]):
    instead = (
        ("(?:on the day|on the birthday|on the day itself|the day itself|same day|0 days)", "today"), ("(?:the day before|a day before|day before)", "1 day before"),
        (r"(?:a|one|1) week(?: before)?", "7 days before"), (r"(?:two|2) weeks(?: before)?", "14 days before"), (r"([0-9]{1,2} days?)(?: earlier| ahead)?", r"\1 before"),
    )  # fmt: skip


_SEGMENT: Final = OneSegment("a segment", lambda scope: scope.segments, "unknown-segment")
_BEFORE: Final = _Before(
    "a time before the birthday",
    lambda text: int(match[1]) if (match := re.fullmatch(r"(\d{1,2}) days? before", text.strip())) else 0 if text.strip() == "today" else None,
    r" *(?:\d{1,2} days? before|today) *", "7 days before",
)  # fmt: skip
DATE_FIELDS: Final[Fields] = {
    "from": Field(DAY, "The first day of an announcement, clinic-local."),
    "until": Field(DAY, "Its last day."),
    "birthday": Field(_BEFORE, "How long before the birthday: `today` or `7 days before`."),
}
_DATE: Final = Either(
    "a date", scalar=Word("a date: `birthday`, or a block with `from` and `until`", ("birthday",), "shape-value"), block=Block("`date`", DATE_FIELDS),
    hint="For example `date: {from: 2026-11-01, until: 2026-11-30}` or `date: birthday`.",
)  # fmt: skip
START_FIELDS: Final[Fields] = {
    "enters": Field(
        _SEGMENT, "A segment that the patient enters; with `if`, it fires when both become true together."
    ),
    "leaves": Field(_SEGMENT, "A segment that the patient leaves."),
    "event": Field(
        HEARD, "An event, perhaps only of some appointments: `{visit.completed: {families: [toxin]}}`."
    ),
    "date": Field(_DATE, "An announcement's days (`from`, `until`), or the `birthday`."),
    "if": Field(CONDITION, "What must hold as well."),
}
KINDS: Final = ("enters", "leaves", "event", "date")


class StartKind(Kind[Start]):
    """What starts a journey; exactly one of `KINDS`, perhaps with `if`."""

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> Start | None:
        """The start; None after a Problem."""
        fields = reader.fields(node, "`start`", START_FIELDS)
        kinds = [kind for kind in KINDS if isinstance(node, Map) and node.get(kind) is not None]
        if len(kinds) != 1:
            if isinstance(node, Map) and (
                kinds or {key.value for key, _ in node.entries} <= set(START_FIELDS)
            ):
                reader.problem(
                    "journey-start",
                    node,
                    "a journey starts in exactly one way",
                    "Write one of `enters: SEGMENT`, `leaves: SEGMENT`, `event: TYPE`, `date: …`.",
                )
            return None
        kind = kinds[0]
        if kind not in fields:
            return None
        value = START_FIELDS[kind].kind.read(reader, fields[kind], f"`{kind}`", scope)
        if kind == "event" and value is not None and value.type in APPOINTMENT_STATUS:
            scope = replace(scope, this=True)
        asked = CONDITION.read(reader, fields["if"], "`if`", scope) if "if" in fields else None
        if value is None:
            return None
        if kind == "enters":
            return Start("enters", value, start_condition(value, asked))
        if kind == "leaves":
            return Start("leaves", value, asked or EVERYONE)
        if kind == "event":
            if value.type in AFTER_THE_END:
                reader.problem(
                    "start-impossible",
                    fields[kind],
                    f"nobody can be written to after `{value.type}`",
                    "Start the journey in another way.",
                )
            return Start("event", value.type, asked or EVERYONE, value.of)
        return self._date(reader, fields[kind], value, asked)

    def _date(self, reader: Reader, node: Node, value: Any, asked: Condition | None) -> Start | None:
        inside: dict[str, Any] = value if isinstance(value, dict) else {"birthday": 0}
        also = (asked,) if asked is not None else ()
        if "birthday" in inside and len(inside) == 1:
            return Start(
                "date", "birthday", AllOf((Birthday(inside["birthday"]), *also)), before=inside["birthday"]
            )
        if "birthday" in inside or ("from" not in inside and "until" not in inside):
            if not any(problem.line == node.place.line for problem in reader.problems):
                reader.problem(
                    "journey-date",
                    node,
                    "a date is a birthday, or the days of an announcement",
                    "For example `date: {from: 2026-11-01, until: 2026-11-30}` or `date: birthday`.",
                )
            return None
        if "until" not in inside or "from" not in inside:
            told = isinstance(node, Map) and all(node.get(name) is not None for name in ("from", "until"))
            missing = "until" if "until" not in inside else "from"
            if not told:
                said = (
                    "this announcement has no end"
                    if missing == "until"
                    else "this announcement has no beginning"
                )
                reader.problem(
                    "journey-no-end",
                    node,
                    said,
                    f"Add its {'last' if missing == 'until' else 'first'} day: `{missing}: 2026-11-30`.",
                )
            return None
        if inside["until"] < inside["from"]:
            reader.problem(
                "journey-date",
                node,
                "this announcement ends before it begins",
                "Exchange `from` and `until`.",
            )
            return None
        days = Days(inside["from"], inside["until"])
        return Start("date", "date", AllOf((OnDays(days.first, days.last), *also)), days=days)

    def schema(self, scope: Any) -> Schema:
        """One of the kinds, and `if`."""
        both = Block("`start`", START_FIELDS).schema(scope)
        return {**both, "oneOf": [{"required": [kind]} for kind in KINDS]}


def parse_repeat(text: str) -> Repeat | None:
    """`never`, `always`, `once every 18 months`."""
    text = text.strip()
    if text in ("always", "never"):
        return Repeat(always=text == "always")
    match = re.fullmatch(r"once every (.+)", text)
    span = parse_span(match[1]) if match else None
    return Repeat(every=span) if span is not None and not span.is_zero else None


REPEAT: Final[Kind[Repeat]] = Parsed(
    "how often a patient may go through: `never`, `always` or `once every …`",
    parse_repeat,
    rf" *(?:never|always|once every{SPAN_PATTERN}) *",
    "once every 18 months",
)


class StopIfKind(Kind[Condition]):
    """A block of conditions, or a list of blocks of which one is enough."""

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> Condition | None:
        """The condition."""
        if not isinstance(node, Seq):
            return CONDITION.read(reader, node, what, scope)
        parts = _BLOCKS.read(reader, node, what, scope)
        return AnyOf(parts) if parts else None

    def schema(self, scope: Any) -> Schema:
        """Both forms."""
        return {"anyOf": [CONDITION.schema(scope), _BLOCKS.schema(scope)]}


_BLOCKS: Final = Many(CONDITION, alone=False, least=1)


def parse_days(text: str) -> frozenset[int] | None:
    """`tue`, `mon-fri`, `fri-mon` as weekdays, 0 is Monday."""
    first, _, last = text.strip().lower().partition("-")
    if first not in WEEKDAYS or (last and last not in WEEKDAYS) or text.strip().endswith("-"):
        return None
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    return frozenset((start + step) % 7 for step in range((end - start) % 7 + 1))


_DAY = f"(?:{'|'.join(any_case(day) for day in WEEKDAYS)})"
_ANY_DAY = "(mon|tue|wed|thu|fri|sat|sun)[a-z]*"


class _SomeDays(Reworded[frozenset[int]]):
    instead = (
        ("(?:weekdays?|workdays?|working days?)", "mon-fri"), ("weekends?", "sat-sun"), ("(?:daily|every day|all|always)", "mon-sun"),
        (rf"(?:on )?{_ANY_DAY}", r"\1"), (rf"{_ANY_DAY} ?(?:-|–|to|until) ?{_ANY_DAY}", r"\1-\2"),
    )  # fmt: skip


_SOME_DAYS: Final = _SomeDays("days of the week", parse_days, rf" *{_DAY}(?:-{_DAY})? *", "mon-fri")


class SendOnKind(Kind[frozenset[int]]):
    """Days of the week: one, a range, or a list of these."""

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> frozenset[int] | None:
        """The weekdays, 0 is Monday."""
        found = _MANY_DAYS.read(reader, node, what, scope)
        return frozenset().union(*found) if found else None

    def schema(self, scope: Any) -> Schema:
        """One or a list."""
        return _MANY_DAYS.schema(scope)


_MANY_DAYS: Final = Many(_SOME_DAYS, least=1)
PACE: Final[Kind[int]] = Parsed(
    "a pace", lambda text: int(match[1]) if (match := re.fullmatch(r"([1-9]\d{0,5}) per day", text.strip())) else None, r" *[1-9]\d{0,5} per day *", "50 per day",
)  # fmt: skip
START: Final = StartKind()
