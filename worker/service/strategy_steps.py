"""The steps of a journey that a patient or a person at the clinic notices, each with its moment in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from worker.domain.journey import NOTHING, OTHERWISE, Branch, Heard, Journey, Listen, Split, Start
from worker.domain.source import Node, compose
from worker.service import words
from worker.service.condition_words import said
from worker.workspace.drawing import Mark, draw
from worker.workspace.trees import under

_EVENTS: Final[Mapping[str, str]] = {
    "visit.completed": "a visit",
    "visit.voided": "a visit that is struck out",
    "booking.created": "a booking",
    "booking.rescheduled": "a booking that is moved",
    "booking.cancelled": "a cancellation",
    "booking.no_show": "a missed booking",
}
_WAYS: Final[Mapping[str, str]] = {
    "message.replied": "if the patient answers",
    "link.clicked": "if the patient opens the link",
    "link.answered": "if the patient answers on the page",
    "task.done": "when the task is done",
    NOTHING: "if nothing is heard",
    OTHERWISE: "otherwise",
}


@dataclass(frozen=True, slots=True)
class Noticed:
    """A step that sends or gives a task: when, in words. `heard` where it follows something that the patient or a person has to do first."""

    id: str
    when: str
    heard: bool = False


def who(journey: Journey, written: Node | None, titles: Mapping[str, str], stages: Mapping[str, str]) -> str:
    """Who comes into a journey, in a sentence without its end."""
    start = journey.start
    said_if = said(under(under(written, "start"), "if"), titles)
    only = f"; only if: {said_if}" if said_if else ""
    return f"{_start(start, titles, stages)}{only}"


def _start(start: Start, titles: Mapping[str, str], stages: Mapping[str, str]) -> str:
    if start.kind in ("enters", "leaves"):
        about = f" ({stages[start.name].lower()})" if stages.get(start.name) else ""
        verb = "Whoever comes into" if start.kind == "enters" else "Whoever leaves"
        return f"{verb} “{titles.get(start.name, words.name(start.name))}”{about}"
    if start.kind == "date":
        return words.sentence(str(start))
    return f"After {_EVENTS.get(start.name, start.name)}{str(start.of).replace('_', ' ')}"


def goal(journey: Journey) -> str:
    """What it exists for."""
    if journey.goal is None:
        return "No goal is counted"
    return f"{words.sentence(_heard(journey.goal.heard))} within {journey.goal.within}"


def _heard(heard: tuple[Heard, ...]) -> str:
    return " or ".join(f"{_EVENTS.get(one.type, one.type)}{str(one.of).replace('_', ' ')}" for one in heard)


def noticed(journey: Journey, written: Node | None, titles: Mapping[str, str]) -> Iterator[Noticed]:
    """Its steps that send or give a task, in the order in which they are written."""
    for number, one in enumerate(_walk(journey, draw(journey, written).steps, (), titles)):
        when = one.when or ("Right after that" if number else "At once")
        yield Noticed(one.id, words.sentence(when.replace("_", " ")), one.heard)


def _walk(
    journey: Journey,
    marks: tuple[Mark, ...],
    before: tuple[str, ...],
    titles: Mapping[str, str],
    heard: bool = False,
) -> Iterator[Noticed]:
    pending = before
    for mark in marks:
        after = _after(mark.wait.removeprefix("wait "))
        here = (*pending, *((after,) if after else ()))
        if mark.verb in ("send", "task"):
            yield Noticed(mark.id, ", ".join(here), heard)
            pending = ()
            continue
        step = journey.step(mark.id)
        action = step.action if step is not None else None
        for way in mark.ways:
            if isinstance(action, Listen):
                words_of = _WAYS.get(way.name, way.name)
            elif isinstance(action, Split):
                words_of = f"by lot, {way.about}"
            else:
                words_of = _case(action, way.name, way.about, titles)
            answered = heard or (isinstance(action, Listen) and way.name != NOTHING)
            yield from _walk(journey, way.steps, (*here, words_of), titles, answered)
        pending = (*here, f"after {action.up_to} without an answer") if isinstance(action, Listen) else here


def _after(wait: str) -> str:
    until = wait.removeprefix("until ")
    if until == wait:
        return f"{wait} later" if wait else ""
    if until[:1].isdigit() and (" after " in until or " before " in until):
        return until
    return f"{'at' if until[:1].isdigit() else 'on'} {until}"


def _case(action: object, name: str, about: str, titles: Mapping[str, str]) -> str:
    if name == OTHERWISE:
        return "otherwise"
    if isinstance(action, Branch) and name in titles and not about:
        return f"if “{titles[name]}”"
    node, _ = compose(f"{{{about}}}", name)
    return f"if {said(node, titles) or words.name(name).lower()}"
