"""The journey file: every mistake with its place, all of them at once, and nothing that raises."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.build import SEGMENTS, clinic, journey, segments_of
from tests.domain.marked import places, unmark
from worker.domain.calendar import Span, Window
from worker.domain.journey import GiveTask, Heard, Journey, Send, Stop
from worker.domain.language import parse_journey, version_of
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Problem, compose

CLINIC = clinic()
TEMPLATES = {"hello": frozenset({"sms", "email"}), "mail_only": frozenset({"email"})}
SCOPE = Scope(CLINIC, frozenset(segments_of(SEGMENTS, CLINIC).named), templates=TEMPLATES)


def read(text: str | bytes) -> tuple[Journey | None, list[Problem]]:
    node, problems = compose(text, "journeys/a.yaml")
    reader = Reader()
    reader.problems += problems
    written = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return (parse_journey(reader, node, written, SCOPE) if node is not None else None), reader.problems


HEAD = "journey: a\nstart: {enters: new}\n"
STEPS = "steps:\n  - {id: x, send: sms, template: hello}\n"

BROKEN = [
    ("shape-missing", "§start: {enters: new}\n" + STEPS),
    ("shape-missing", "§journey: a\n" + STEPS),
    ("shape-missing", "§" + HEAD),
    ("shape-unknown-key", HEAD + "§prioriti: 3\n" + STEPS),
    ("shape-empty", HEAD + "§goal:\n" + STEPS),
    ("shape-name", "journey: §Win Back\nstart: {enters: new}\n" + STEPS),
    ("journey-start", "journey: a\nstart: §{enters: new, leaves: new}\n" + STEPS),
    ("journey-start", "journey: a\nstart: §{if: {visits: any}}\n" + STEPS),
    ("shape-unknown-key", "journey: a\nstart: {enters: new, §unless: {}}\n" + STEPS),
    ("unknown-segment", "journey: a\nstart: {enters: §nwe}\n" + STEPS),
    ("unknown-segment", "journey: a\nstart: {leaves: §gone}\n" + STEPS),
    ("unknown-event", "journey: a\nstart: {event: §booking.made}\n" + STEPS),
    ("unknown-family", "journey: a\nstart: {event: {booking.created: {families: [§botox]}}}\n" + STEPS),
    ("condition-unknown", "journey: a\nstart: {enters: new, if: {§vists: none}}\n" + STEPS),
    ("condition-this", "journey: a\nstart: {enters: new, if: {§this: {families: [toxin]}}}\n" + STEPS),
    ("condition-shape", "journey: a\nstart: {enters: new, if: §always}\n" + STEPS),
    ("unknown-segment", "journey: a\nstart: {enters: new, if: {not_in: [§vip]}}\n" + STEPS),
    ("shape-choice", HEAD + "status: §on\n" + STEPS),
    ("shape-choice", HEAD + "purpose: §fun\n" + STEPS),
    ("shape-value", HEAD + "priority: §10\n" + STEPS),
    ("shape-value", HEAD + "priority: §high\n" + STEPS),
    ("shape-value", HEAD + "repeat: §sometimes\n" + STEPS),
    ("shape-value", HEAD + "repeat: §once every moon\n" + STEPS),
    ("shape-value", HEAD + "expires: §soon\n" + STEPS),
    ("shape-value", HEAD + "expires: §0 days\n" + STEPS),
    ("shape-value", HEAD + "send_between: §10 - 19\n" + STEPS),
    ("shape-value", HEAD + "send_between: §24:00 - 10:00\n" + STEPS),
    ("unknown-event", HEAD + "goal: §booked\n" + STEPS),
    ("unknown-event", HEAD + "goal: {any_of: [visit.completed, §visit.done]}\n" + STEPS),
    ("shape-missing", HEAD + "goal: §{within: 60 days}\n" + STEPS),
    ("shape-value", HEAD + "goal: {any_of: [visit.completed], within: §a while}\n" + STEPS),
    ("shape-type", HEAD + "goal: {any_of: [§[visit.completed]]}\n" + STEPS),
    ("condition-unknown", HEAD + "stop_if: {§tag: [x]}\n" + STEPS),
    ("condition-shape", HEAD + "stop_if: §complaint\n" + STEPS),
    ("unknown-family", HEAD + "about: {families: [§teeth]}\n" + STEPS),
    ("shape-type", HEAD + "about: §toxin\n" + STEPS),
    ("journey-one-per", HEAD + "one_per: §appointment\n" + STEPS),
    ("shape-choice", HEAD + "one_per: §week\n" + STEPS),
    ("shape-type", HEAD + "steps: §later\n"),
    ("journey-no-steps", HEAD + "steps: §[]\n"),
    ("shape-type", HEAD + "steps:\n  - §send sms\n"),
    ("step-verb", HEAD + "steps:\n  - §{id: x, wait: 1 day}\n"),
    ("step-verb", HEAD + "steps:\n  - §{id: x, send: sms, template: hello, stop: now}\n"),
    ("shape-missing", HEAD + "steps:\n  - §{send: sms, template: hello}\n"),
    ("shape-missing", HEAD + "steps:\n  - §{id: x, send: sms}\n"),
    ("shape-name", HEAD + "steps:\n  - {id: §First, send: sms, template: hello}\n"),
    ("shape-choice", HEAD + "steps:\n  - {id: x, send: [sms, §fax], template: hello}\n"),
    ("unknown-template", HEAD + "steps:\n  - {id: x, send: sms, template: §helo}\n"),
    ("unknown-template", HEAD + "steps:\n  - {id: x, send: sms, template: §mail_only}\n"),
    ("template-name", HEAD + "steps:\n  - {id: x, send: sms, template: §hello.sms.en.j2}\n"),
    ("wait-value", HEAD + "steps:\n  - {id: x, wait: §until 10, send: sms, template: hello}\n"),
    ("shape-value", HEAD + "steps:\n  - {id: x, task: desk, due: §2 days}\n"),
    ("shape-unknown-key", HEAD + "steps:\n  - {id: x, task: desk, §tempalte: hello}\n"),
    ("step-twice", HEAD + STEPS + "  - {id: §x, stop: done}\n"),
    ("step-unreachable", HEAD + "steps:\n  - {id: x, stop: done}\n  - §{id: y, task: desk}\n"),
    ("yaml-duplicate-key", HEAD + "§journey: b\n" + STEPS),
    ("shape-type", "§just words"),
]


@pytest.mark.parametrize(("code", "marked"), BROKEN)
def test_a_mistake_has_its_code_and_place_and_is_the_only_one(code: str, marked: str) -> None:
    text, line, column = unmark(marked)
    found, problems = read(text)
    assert places(problems) == [(code, line, column)], [problem.message for problem in problems]
    assert problems[0].severity == "error"
    assert found is None or code.startswith("yaml-")


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    text = """journey: Win Back
start: {enters: nwe, if: {vists: none}}
priority: 12
repeat: sometimes
goal: {any_of: [booked]}
steps:
  - {id: x, send: fax, template: helo}
  - {id: x, wait: soon, stop: done}
  - {id: z}
colour: red
"""
    _, problems = read(text)
    found = {(problem.code, problem.line) for problem in problems}
    assert found >= {
        ("shape-name", 1), ("unknown-segment", 2), ("shape-value", 3), ("shape-value", 4), ("unknown-event", 5), ("shape-choice", 7),
        ("unknown-template", 7), ("step-twice", 8), ("wait-value", 8), ("step-verb", 9), ("shape-unknown-key", 10),
    }  # fmt: skip


def test_a_word_that_is_nearly_right_gets_a_hint() -> None:
    _, problems = read("journey: a\nstart: {enters: inactiv_6}\n" + STEPS)
    assert problems[0].hint == "Did you mean `inactive_6`?"


def test_what_is_left_out_has_its_default() -> None:
    found, problems = read(HEAD + STEPS)
    assert not problems
    assert found is not None
    assert (found.status, found.purpose, found.priority, found.per_appointment) == (
        "live",
        "marketing",
        5,
        False,
    )
    assert (found.repeat.always, found.repeat.every, found.expires, found.goal, found.send_between) == (
        False,
        None,
        Span(days=1),
        None,
        None,
    )
    assert found.steps[0].wait == Span()


def test_a_full_journey_is_read_as_it_is_written() -> None:
    text = journey(
        "wb", "{event: {visit.completed: {families: [toxin]}}, if: {visits: any, this: {areas: [face]}}}",
        "{id: a, wait: 2 weeks, send: [email, sms], template: hello}", "{id: b, task: desk, due: 2 working days, note: Call.}", "{id: c, stop: done}",
        title="Come back", status="draft", purpose="care", priority="2", repeat="once every 18 months", one_per="appointment", expires="36 hours",
        goal="{any_of: [{booking.created: {services: [TOX]}}, visit.completed], within: 2 weeks}", send_between='"20:00 - 24:00"', about="{families: [toxin]}",
        stop_if="[{tags: [complaint]}, {visits: at least 9}]",
    )  # fmt: skip
    found, problems = read(text)
    assert not problems
    assert found is not None
    assert (found.title, found.status, found.purpose, found.priority, found.per_appointment) == (
        "Come back",
        "draft",
        "care",
        2,
        True,
    )
    assert (found.repeat.every, found.expires, found.send_between, found.families) == (
        Span(months=18),
        Span(seconds=129600),
        Window(1200, 1440),
        ("toxin",),
    )
    assert found.goal is not None
    assert [heard.type for heard in found.goal.heard] == ["booking.created", "visit.completed"]
    assert found.goal.heard[1] == Heard("visit.completed")
    assert [type(step.action) for step in found.steps] == [Send, GiveTask, Stop]
    assert found.steps[0].action == Send(("email", "sms"), "hello")


def test_the_version_is_that_of_the_text() -> None:
    assert version_of("a") != version_of("b")
    assert version_of(HEAD) == version_of(HEAD)


ROOM = Path(__file__).parents[2] / "journeys"
SAMPLES = [path.read_bytes() for path in sorted(ROOM.glob("*.yaml"))]


@settings(max_examples=150)
@given(
    st.sampled_from(SAMPLES),
    st.lists(
        st.tuples(st.integers(0, 5000), st.integers(0, 3), st.binary(min_size=1, max_size=2)),
        min_size=1,
        max_size=4,
    ),
)
def test_a_journey_of_the_sample_clinic_with_changed_bytes_never_raises(
    sample: bytes, changes: list[tuple[int, int, bytes]]
) -> None:
    text = bytearray(sample)
    for where, gone, new in changes:
        start = where % max(1, len(text))
        text[start : start + gone] = new
    found, problems = read(bytes(text))
    assert found is not None or problems


@settings(max_examples=100)
@given(st.sampled_from(SAMPLES), st.data())
def test_a_journey_of_the_sample_clinic_with_lines_moved_or_lost_never_raises(
    sample: bytes, data: st.DataObject
) -> None:
    lines = sample.decode().splitlines()
    kept = data.draw(st.lists(st.sampled_from(lines), max_size=len(lines)))
    found, problems = read("\n".join(kept))
    assert found is not None or problems or not [line for line in kept if line.split("#")[0].strip()]


scalars = st.one_of(
    st.text(alphabet="abc01:-{}[]#&*!| é'\"\n", max_size=12),
    st.sampled_from(["none", "any", "at least 1", "1 day", "10:00 - 24:00", "9" * 5000, "at least " + "9" * 5000, "once every 1 day", "new", "booking.created", "1e999999 EUR", "~", "at least 9999"]),
)  # fmt: skip
KEYS = ["journey", "start", "enters", "leaves", "event", "if", "goal", "any_of", "none_of", "within", "stop_if", "steps", "id", "wait", "send", "template", "task", "due",
        "stop", "repeat", "expires", "send_between", "priority", "about", "families", "visits", "last_visit", "of", "is", "in", "age", "net_revenue", "leave_below", "this",
        "birthday", "allows", "next_booking", "one_per", "got_message", "x"]  # fmt: skip
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=15,
)


def written(tree: object) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f'"{key}": {written(value)}' for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(written(item) for item in tree) + "]"
    return "'" + str(tree).replace("'", "''").replace("\n", " ") + "'"


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(KEYS), trees, max_size=8))
def test_any_tree_is_read_or_refused_and_never_raises(tree: dict[str, object]) -> None:
    found, problems = read(written({"journey": "a", "start": {"enters": "new"}, "steps": [], **tree}))
    assert found is not None or problems
