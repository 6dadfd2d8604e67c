"""A warning can be silenced, with a reason, where it stands; nothing else can."""

from __future__ import annotations

import pytest

from worker.domain.source import Problem
from worker.workspace.silence import silenced

JOURNEY = "journeys/hello.yaml"
SMS = "templates/hello.sms.en.j2"
EMAIL = "templates/hello.email.en.md"


def warns(file: str = JOURNEY, code: str = "journey-same-start", line: int = 3) -> Problem:
    return Problem(code, "warning", file, line, 1, "two of a kind")


def fails(file: str = JOURNEY, code: str = "unknown-segment") -> Problem:
    return Problem(code, "error", file, 2, 1, "no such segment")


def left(files: dict[str, str], *problems: Problem) -> list[tuple[str, str, int, int]]:
    return [(each.code, each.file, each.line, each.column) for each in silenced(files, problems)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (JOURNEY, "# check: allow journey-same-start: both are short\njourney: hello\n"),
        (JOURNEY, "journey: hello   # check: allow journey-same-start: both are short\n"),
        (JOURNEY, "journey: hello\n  #check:allow   journey-same-start  :both are short"),
        (SMS, "Hello {# check: allow journey-same-start: both are short #}"),
        (SMS, "{#- check: allow journey-same-start: both\nare short -#}Hello"),
        (EMAIL, "---\nsubject: Hello\n# check: allow journey-same-start: both are short\n---\nHello\n"),
        (EMAIL, "---\nsubject: Hello\n---\n{# check: allow journey-same-start: both are short #}\nHello\n"),
    ],
)
def test_a_reason_silences_a_warning_of_that_file(path: str, text: str) -> None:
    assert left({path: text}, warns(path), warns(path, line=9)) == []


def test_another_code_and_another_file_are_still_told() -> None:
    files = {JOURNEY: "# check: allow journey-same-start: both are short", "journeys/other.yaml": ""}
    other, code = warns("journeys/other.yaml"), warns(code="journey-file-name")
    assert silenced(files, [warns(), other, code]) == [code, other]


def test_what_is_no_comment_silences_nothing() -> None:
    allow = "check: allow journey-same-start: both are short"
    assert left({SMS: f"# {allow}"}, warns(SMS)) == [("journey-same-start", SMS, 3, 1)]
    assert left({EMAIL: f"---\nsubject: a\n---\n# {allow}"}, warns(EMAIL)) == [
        ("journey-same-start", EMAIL, 3, 1)
    ]
    assert left({JOURNEY: f"note: a#{allow}"}, warns()) == [("journey-same-start", JOURNEY, 3, 1)]
    assert left({JOURNEY: f"note: {allow}"}, warns()) == [("journey-same-start", JOURNEY, 3, 1)]


@pytest.mark.parametrize(
    "said",
    ["journey-same-start", "journey-same-start:", "journey-same-start:  ", "journey-same-start because"],
)
def test_without_a_reason_the_warning_stays(said: str) -> None:
    assert left({JOURNEY: f"a: b\n# check: allow {said}\n"}, warns()) == [
        ("silence-reason", JOURNEY, 2, 16),
        ("journey-same-start", JOURNEY, 3, 1),
    ]


def test_an_error_can_not_be_silenced() -> None:
    files = {JOURNEY: "# check: allow unknown-segment: it comes next week\n"}
    assert left(files, fails()) == [("silence-error", JOURNEY, 1, 16), ("unknown-segment", JOURNEY, 2, 1)]
    assert left(files) == [("silence-error", JOURNEY, 1, 16)]


def test_where_a_code_is_an_error_this_time_it_can_not_be_silenced_either() -> None:
    files = {SMS: "{# check: allow template-language: not yet #}"}
    assert left(files, warns(SMS, "template-language")) == []
    assert left(files, fails(SMS, "template-language")) == [
        ("silence-error", SMS, 1, 17),
        ("template-language", SMS, 2, 1),
    ]


def test_an_unknown_code_is_an_error_with_the_nearest_one() -> None:
    (problem,) = silenced({JOURNEY: "# check: allow journey-samestart: both are short\n"}, [])
    assert (problem.code, problem.severity, problem.line, problem.column) == (
        "silence-unknown",
        "error",
        1,
        16,
    )
    assert problem.hint == "Did you mean `journey-same-start`?"


def test_a_comment_without_a_code_says_what_is_missing() -> None:
    (problem,) = silenced({JOURNEY: "# check: allow"}, [])
    assert (problem.code, problem.column) == ("silence-unknown", 15)
    assert "CODE" in problem.hint


def test_what_silences_nothing_is_a_warning() -> None:
    (problem,) = silenced({JOURNEY: "# check: allow journey-same-start: both are short\n"}, [])
    assert (problem.code, problem.severity, problem.column) == ("silence-unused", "warning", 16)


def test_what_silences_nothing_is_not_told_while_errors_may_hide_the_warning() -> None:
    files = {JOURNEY: "# check: allow journey-same-start: both are short\n"}
    assert left(files, fails("config/clinic.yaml")) == [("unknown-segment", "config/clinic.yaml", 2, 1)]


def test_a_warning_that_only_publishing_finds_may_be_allowed_beforehand() -> None:
    assert left({JOURNEY: "# check: allow step-renamed: the old results were wrong\n"}) == []


def test_problems_stay_in_reading_order() -> None:
    files = {JOURNEY: "a: b\n\n\n\n# check: allow nonsense: x\n", SMS: ""}
    told = silenced(files, [warns(SMS), warns(line=9), fails("config/clinic.yaml")])
    assert [(each.file, each.line) for each in told] == [
        ("config/clinic.yaml", 2),
        (JOURNEY, 5),
        (JOURNEY, 9),
        (SMS, 3),
    ]
