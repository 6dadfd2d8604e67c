"""How stories went, for people and for machines: what was expected, what was got, what happened, and what no story reaches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final
from xml.etree import ElementTree as ET

from worker.domain.journey import Journey
from worker.domain.source import Problem
from worker.domain.stories import COMPLETE, Expectation, Story
from worker.service.testing import Happened, Outcome
from worker.service.words import explain

_WORDS: Final[Mapping[str, str]] = {
    "sends": "sends", "rehearses": "rehearses", "holds_back": "holds back", "skips": "skips", "task": "task", "tags": "tags", "untags": "untags", "starts": "starts",
    "ends": "ends:", "takes": "takes", "enters": "enters", "leaves": "leaves", "withholds": "withholds",
}  # fmt: skip
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BRIEF: Final = frozenset({"by", "because", "for"})


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of a failure's lists. `mark` is `-` for what is missing, `+` for what is too much, else a blank."""

    mark: str
    when: str
    words: str


def expected(outcome: Outcome) -> list[Shown]:
    """What the story expects, by time; what is missing is marked."""
    story = outcome.story
    ordered = sorted(story.expect, key=lambda each: each.when.last(story.tz))
    return [
        Shown(
            "-" if _among(each, outcome.missing) else " ",
            str(each.when),
            _phrase(each.verb, _of(each, story), each.more, story),
        )
        for each in ordered
    ]


def got(outcome: Outcome) -> list[Shown]:
    """What happened of what must be expected, and of the kinds that the story speaks of; what is too much is marked."""
    story = outcome.story
    kinds = COMPLETE | {each.verb for each in story.expect}
    lines = []
    for each in outcome.happened:
        if each.verb in kinds:
            odd = _among(each, outcome.unexpected)
            more = each.more if odd else {key: value for key, value in each.more.items() if key in _BRIEF}
            lines.append(
                Shown(
                    "+" if odd else " ",
                    clock(each.at, story.tz),
                    _phrase(each.verb, _of(each, story), more, story),
                )
            )
    return lines


def trace(outcome: Outcome) -> list[tuple[str, str, str]]:
    """What happened, in order: local time, the journey where there are several, in words."""
    several = len({told.journey for told in outcome.told if told.journey}) > 1
    return [
        (
            clock(told.at, outcome.story.tz),
            told.journey if several else "",
            f"{told.what}: {explain(told.why)}" if told.why else told.what,
        )
        for told in outcome.told
    ]


def clock(at: datetime, tz: tzinfo) -> str:
    """A moment as the story writes it."""
    return f"{at.astimezone(tz):%Y-%m-%d %H:%M}"


def failure(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """(style, line) of a failure for people; styles are `bad`, `dim` and ``."""
    for error in outcome.broken:
        yield "bad", f"  {error}"
    if outcome.missing or outcome.unexpected:
        for title, lines in (("expected", expected(outcome)), ("got", got(outcome))):
            yield "", f"  {title}"
            for line in lines:
                yield "bad" if line.mark != " " else "", f"    {line.mark} {line.when:<16}  {line.words}"
            if not lines:
                yield "", "      nothing"
    if outcome.told:
        yield "", "  what happened"
        for when, journey, words in trace(outcome):
            yield "dim", f"      {when}  {f'{journey}  ' if journey else ''}{words}"


def summary(outcomes: Sequence[Outcome]) -> str:
    """`37 stories, 36 passed, 1 failed`."""
    passed = sum(outcome.passed for outcome in outcomes)
    failed = len(outcomes) - passed
    stories = "1 story" if len(outcomes) == 1 else f"{len(outcomes)} stories"
    return f"{stories}, {passed} passed" + (f", {failed} failed" if failed else "")


def junit(outcomes: Sequence[tuple[Outcome, float]]) -> str:
    """JUnit XML: one suite a file, one case a story. The second of each pair is how long it took, in seconds."""
    root = ET.Element("testsuites", _counts(outcomes))
    files: dict[str, list[tuple[Outcome, float]]] = {}
    for outcome, seconds in outcomes:
        files.setdefault(outcome.story.place.file, []).append((outcome, seconds))
    for file, mine in files.items():
        suite = ET.SubElement(root, "testsuite", {"name": file, **_counts(mine)})
        for outcome, seconds in mine:
            place = outcome.story.place
            about = {
                "classname": file,
                "name": _clean(outcome.story.name),
                "file": file,
                "line": str(place.line),
                "time": f"{seconds:.3f}",
            }
            case = ET.SubElement(suite, "testcase", about)
            if not outcome.passed:
                failed = ET.SubElement(case, "failure", {"message": _clean(reason(outcome))})
                failed.text = _clean("\n".join(line for _, line in failure(outcome)))
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def reason(outcome: Outcome) -> str:
    """Why a story failed, in one line."""
    story = outcome.story
    if outcome.broken:
        return outcome.broken[0]
    parts = [
        f"missing: {each.when} {_phrase(each.verb, _of(each, story), each.more, story)}"
        for each in outcome.missing
    ]
    parts += [
        f"not expected: {clock(each.at, story.tz)} {_phrase(each.verb, _of(each, story), each.more, story)}"
        for each in outcome.unexpected
    ]
    return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Gap:
    """What no story reaches of a journey: steps, and ways as `step/way`. `told` is false where no story speaks of the journey at all."""

    journey: str
    missing: tuple[str, ...]
    told: bool


def gaps(journeys: Iterable[Journey], outcomes: Sequence[Outcome]) -> list[Gap]:
    """The gaps of each of these journeys that has any."""
    reached = {pair for outcome in outcomes for pair in outcome.reached}
    told = {name for name, _ in reached} | {
        name for outcome in outcomes for name in outcome.story.journeys or ()
    }
    found = []
    for journey in journeys:
        parts = [
            part
            for step in journey.all_steps()
            for part in (step.id, *(f"{step.id}/{way}" for way, _ in step.ways))
        ]
        missing = tuple(part for part in parts if (journey.name, part) not in reached)
        if missing:
            found.append(Gap(journey.name, missing, journey.name in told))
    return found


def _among(each: object, those: Sequence[object]) -> bool:
    # Two equal things may have happened, of which one was expected.
    return any(each is other for other in those)


def _of(each: Expectation | Happened, story: Story) -> str:
    several = story.journeys is None or len(story.journeys) != 1
    return f"{each.journey}.{each.what}" if several and each.journey else each.what


def _phrase(verb: str, what: str, more: Mapping[str, Any], story: Story) -> str:
    said = "".join(
        f", {key} {clock(value, story.tz) if isinstance(value, datetime) else value}"
        for key, value in more.items()
    )
    return f"{_WORDS[verb]} {what}{said}"


def junit_of(problems: Sequence[Problem]) -> str:
    """The mistakes that keep the stories from being told, as JUnit XML: each is a test case in error."""
    number = str(len(problems))
    root = ET.Element("testsuites", {"name": "revisit", "tests": number, "failures": "0", "errors": number})
    suite = ET.SubElement(
        root, "testsuite", {"name": "check", "tests": number, "failures": "0", "errors": number}
    )
    for problem in problems:
        named = {
            "classname": problem.file,
            "name": f"{problem.code} {problem.line}:{problem.column}",
            "file": problem.file,
            "line": str(problem.line),
        }
        case = ET.SubElement(suite, "testcase", named)
        error = ET.SubElement(case, "error", {"message": _clean(problem.message), "type": problem.code})
        error.text = _clean(problem.hint)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(outcomes: Sequence[tuple[Outcome, float]]) -> dict[str, str]:
    failed = sum(not outcome.passed for outcome, _ in outcomes)
    return {
        "tests": str(len(outcomes)),
        "failures": str(failed),
        "errors": "0",
        "time": f"{sum(seconds for _, seconds in outcomes):.3f}",
    }


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
