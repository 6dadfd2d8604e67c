"""`wait`: how long before a step, or until when."""

from __future__ import annotations

import re
from typing import Any, Final, Literal, cast

from worker.domain.calendar import WEEKDAYS, parse_clock, parse_span
from worker.domain.conditions.visits import ANYTHING, Narrow
from worker.domain.journey import UntilClock, UntilFact, Wait
from worker.domain.kinds import SPAN_PATTERN, Kind, Schema
from worker.domain.language.wait_hints import hint
from worker.domain.patterns import any_case
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Node, Scalar

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = rf"(?:{'|'.join(any_case(day) for day in (*_DAYS, *WEEKDAYS))})"
_CLOCK = r"\d{1,2}:\d{2}"
FACTS: Final = ("first_visit", "last_visit", "next_booking", "this")
_UNTIL_CLOCK = re.compile(rf"until ({_CLOCK})")
_UNTIL_DAY = re.compile(rf"until (?:next )?({_DAY})(?: (?:at )?({_CLOCK}))?")
_UNTIL_FACT = re.compile(
    rf"until (.+?) (after|before) ({'|'.join(FACTS)})(?: of ([A-Za-z0-9_-]+))?(?: at ({_CLOCK}))?"
)


def parse_wait(text: str) -> Wait | None:
    """`3 weeks`, `until 10:00`, `until next tuesday 10:00`, `until 12 months after last_visit of toxin at 10:00`; a name after `of` stands as a family."""
    text = " ".join(text.split())
    span = parse_span(text)
    if span is not None:
        return None if span.is_zero else span
    if match := _UNTIL_CLOCK.fullmatch(text):
        minute = parse_clock(match[1])
        return UntilClock(minute) if minute is not None and minute < 1440 else None
    if match := _UNTIL_DAY.fullmatch(text):
        minute = parse_clock(match[2]) if match[2] else 0
        return (
            UntilClock(minute, WEEKDAYS.index(match[1][:3].lower()))
            if minute is not None and minute < 1440
            else None
        )
    if match := _UNTIL_FACT.fullmatch(text):
        span, minute = parse_span(match[1]), parse_clock(match[5]) if match[5] else None
        if span is None or (match[5] and (minute is None or minute == 1440)):
            return None
        fact = cast(Literal["first_visit", "last_visit", "next_booking", "this"], match[3])
        of = Narrow(families=(match[4],)) if match[4] else ANYTHING
        return UntilFact(span, fact, of, before=match[2] == "before", minute=minute)
    return None


class WaitKind(Kind[Wait]):
    """What may stand under `wait`."""

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> Wait | None:
        """The wait, its family known and its appointment there."""
        wait = parse_wait(node.value) if isinstance(node, Scalar) else None
        if wait is None:
            span = parse_span(node.value) if isinstance(node, Scalar) else None
            if span is not None:
                reader.problem(
                    "shape-value",
                    node,
                    f"{what} is no time at all",
                    "Remove it, or write for example `1 day`.",
                )
            else:
                said = f"`{node.value}`" if isinstance(node, Scalar) else "this"
                out = (
                    hint(reader, node.value, parse_wait, FACTS) if isinstance(node, Scalar) else hint(reader)
                )
                reader.problem("wait-value", node, f"{said} is not a time to wait", out)
            return None
        return self._known(reader, node, wait, scope) if isinstance(wait, UntilFact) else wait

    def _known(self, reader: Reader, node: Node, wait: UntilFact, scope: Scope) -> Wait | None:
        if wait.fact == "this" and not scope.this:
            reader.problem(
                "condition-this", node, "`this` speaks of the appointment that started a journey, and there is none here",
                "Use it in journeys started by an event of an appointment.",
            )  # fmt: skip
            return None
        if wait.of == ANYTHING:
            return wait
        (name,) = wait.of.families
        if name in scope.clinic.families:
            return wait
        if name in scope.clinic.services:
            return UntilFact(wait.span, wait.fact, Narrow(services=(name,)), wait.before, wait.minute)
        known = {*scope.clinic.families, *scope.clinic.services}
        reader.problem(
            "unknown-family", node, f"`{name}` is neither a family nor a service of config/services.yaml", reader.did_you_mean(name, known),
        )  # fmt: skip
        return None

    def schema(self, scope: Any) -> Schema:
        """A pattern of all forms."""
        forms = (
            SPAN_PATTERN, rf" *until {_CLOCK} *", rf" *until (?:next )?{_DAY}(?: (?:at )?{_CLOCK})? *",
            rf" *until{SPAN_PATTERN}(?:after|before) (?:{'|'.join(FACTS)})(?: of [A-Za-z0-9_-]+)?(?: at {_CLOCK})? *",
        )  # fmt: skip
        return {
            "type": "string", "pattern": f"^(?:{'|'.join(forms)})$",
            "examples": ["3 weeks", "until 10:00", "until next tuesday 10:00", "until 12 months after last_visit", "until 90 days after last_visit of toxin"],
        }  # fmt: skip


WAIT: Final = WaitKind()
