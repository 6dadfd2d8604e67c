"""Files with one mistake each, of every kind: the mistake is reported once, with its code and at its place, and nothing else is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from tests.rooms.bad_files import PLACES, BadFile, bad_files, small_clinic, told
from tests.schemas import Editor
from worker.domain.problem_codes import CODES
from worker.domain.source import Problem
from worker.workspace.files import read_folder
from worker.workspace.rooms import read

ROOT = Path(__file__).resolve().parents[2]
FILES = bad_files()
NOW = datetime(2026, 6, 15, 9, tzinfo=UTC)
SEEN_BY_EDITORS = {
    "condition-unknown",
    "journey-start",
    "step-verb",
    "story-entry",
    "story-verb",
    "unknown-event",
    "unknown-journey",
    "unknown-offer",
    "unknown-segment",
    "unknown-service",
    "wait-value",
}
"""What an editor can see by the schema, besides all that is called `shape-…`: what is of the form of a file, or the name of something."""


@cache
def base() -> dict[str, str]:
    return small_clinic()


@cache
def editor() -> Editor:
    return Editor(base())


def reported(files: Mapping[str, str]) -> list[Problem]:
    rooms, problems = read(files, now=NOW)
    assert (rooms is None) == any(problem.severity == "error" for problem in problems)
    return problems


def problems_of(place: str, text: str | bytes) -> list[Problem]:
    shown = text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")
    return reported({**base(), place: shown})


def test_the_small_clinic_is_without_mistakes() -> None:
    assert told(read(base())[1]) == []
    assert {
        place: found for place, text in base().items() if (found := editor().complaints(place, text))
    } == {}


def test_there_are_broken_files_of_every_kind() -> None:
    assert len(FILES) >= 130
    assert {file.kind for file in FILES} == set(PLACES)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_what_is_wrong_is_reported_and_nothing_else(file: BadFile) -> None:
    problems = reported(file.over(base()))
    assert told(problems) == list(file.expected)
    for problem in problems:
        assert problem.message


def test_an_editor_sees_by_the_schema_what_is_wrong_in_shape() -> None:
    unseen = [
        str(file)
        for file in FILES
        if any(code.startswith("shape-") or code in SEEN_BY_EDITORS for code, *_ in file.expected)
        and not editor().complaints(file.place, file.text)
    ]
    assert unseen == []


# Where a comment cannot stand before the mistake, or the text would not survive as text.
RAW = [
    ("yaml-not-utf8", "clinic", b"name: Small Clinic\naddress: caf\xe9\n", 2, 13),
    ("yaml-not-utf8", "segments", "lifecycle: []".encode("utf-16"), 1, 1),
    ("yaml-not-utf8", "journeys", "title: Καλημέρα".encode("cp1253"), 1, 8),
    ("yaml-not-utf8", "scenarios", b"\xef\xbb\xbfjourney: hello\nzone: \xff\n", 2, 7),
    ("yaml-not-utf8", "sms", "Hello\nκαι ".encode() + b"\xff", 2, 5),
    ("yaml-not-utf8", "email", b"---\nsubject: \xff\n---\nHello\n", 2, 10),
    ("yaml-character", "sms", b"Hello\nyou\x0c", 2, 4),
    ("yaml-tab", "journeys", b"\tjourney: later\n", 1, 1),
    ("yaml-character", "journeys", b"journey: later\ntitle: a\x07b\n", 2, 9),
    ("yaml-character", "policy", b"quiet_hours:\x00\n", 1, 13),
    ("yaml-character", "offers", "\u00a0offers:\n".encode(), 1, 1),
    ("yaml-character", "channels", "sms: {provider: console}\n\ufeffemail:\n".encode(), 2, 1),
    ("yaml-documents", "clinic", b"name: a\n---\nname: b\n", 2, 1),
    ("yaml-colon", "journeys", b"journey:later\nstart:\n", 1, 8),
    ("yaml-too-large", "journeys", b"# " + b"x" * 1_000_001, 1, 1),
    ("yaml-too-deep", "scenarios", b"[" * 60 + b"]" * 60, 1, 52),
    ("file-empty", "journeys", b"", 1, 1),
    ("file-empty", "clinic", b"\n\n", 1, 1),
    ("file-empty", "clinic", b"---\n", 1, 1),
]


@pytest.mark.parametrize(("code", "kind", "written", "line", "column"), RAW)
def test_bytes_that_are_no_text_are_reported_where_they_stand(
    code: str, kind: str, written: bytes, line: int, column: int
) -> None:
    assert told(problems_of(PLACES[kind], written)) == [(code, "error", PLACES[kind], line, column)]


def test_a_byte_order_mark_and_line_ends_of_windows_move_no_place() -> None:
    file = next(each for each in FILES if str(each) == "journeys/unknown_event.yaml")
    for text in ("\ufeff" + file.text, file.text.replace("\n", "\r\n")):
        assert told(problems_of(file.place, text)) == list(file.expected)


def test_mistakes_in_several_files_are_reported_at_once() -> None:
    by_place = {file.place: file for file in FILES if str(file) in {
        "policy/cap.yaml", "offers/day.yaml", "scenarios/unknown_end.yaml", "sms/http.j2", "email/empty_subject.md",
        "journeys/wait.yaml",
    }}  # fmt: skip
    assert len(by_place) == 6
    _, problems = read({**base(), **{place: file.text for place, file in by_place.items()}})
    assert told(problems) == sorted(told_one for file in by_place.values() for told_one in file.expected)


def test_two_mistakes_in_one_place_always_stand_in_one_order() -> None:
    twins = [Problem("template-price", "warning", "a.md", 1, 1, message) for message in ("b", "a")]
    assert [each.message for each in sorted(twins, key=lambda each: each.sort_key)] == ["a", "b"]


def test_many_mistakes_in_one_file_are_reported_at_once() -> None:
    text = """journey: later
title: Everything goes wrong
status: on
start:
  enters: reguler
  if: {vists: none}
repeat: sometimes
expires: 0 days
steps:
  - id: Hello
    send: [sms, fax]
    template: helo
  - id: late
    wait: soon
    task: front_desk
    due: tomorrow
  - id: late
    stop: done
"""
    codes = Counter(problem.code for problem in problems_of("journeys/later.yaml", text))
    assert codes == {
        "shape-choice": 2,
        "unknown-segment": 1,
        "condition-unknown": 1,
        "shape-value": 3,
        "shape-name": 1,
        "unknown-template": 1,
        "wait-value": 1,
        "step-twice": 1,
    }


@pytest.mark.parametrize(
    ("place", "other"),
    [
        ("config/segments.yaml", "journeys/hello.yaml"),
        ("config/channels.yaml", "journeys/hello.yaml"),
        ("config/services.yaml", "config/segments.yaml"),
        ("config/offers.yaml", "journeys/hello.yaml"),
        ("journeys/hello.yaml", "journeys/scenarios/hello.yaml"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_blamed_on_those_that_rest_on_it(place: str, other: str) -> None:
    files = {**base(), place: "a: [1\n"}
    assert {problem.file for problem in read(files)[1]} == {place}
    own = {**files, other: base()[other] + "nonsense: true\n"}
    assert {problem.file for problem in read(own)[1]} == {place, other}


def test_a_name_that_is_unknown_is_told_again_once_its_file_is_right() -> None:
    segments = base()["config/segments.yaml"].replace("inactive_6:", "inactive_7:")
    assert [problem.code for problem in read({**base(), "config/segments.yaml": segments})[1]] == [
        "unknown-segment"
    ]


def test_a_sender_that_journeys_need_is_missed() -> None:
    channels = base()["config/channels.yaml"]
    alone = channels[: channels.index("email:")]
    found = told(reported({**base(), "config/channels.yaml": alone}))
    assert found == [("channel-missing", "error", "journeys/hello.yaml", 8, 9)]
    one_way = channels.replace("two_way: true", "two_way: false")
    found = told(reported({**base(), "config/channels.yaml": one_way}))
    assert found[0] == ("listen-one-way", "error", "journeys/hello.yaml", 12, 18)
    asked = [(code, file) for code, _, file, *_ in found[1:]]
    assert asked == [
        ("template-one-way", f"templates/{name}.sms.{language}.j2")
        for name in ("hello", "offer")
        for language in ("el", "en")
    ]


def test_a_file_of_the_config_that_is_missing_is_told() -> None:
    files = {place: text for place, text in base().items() if place != "config/segments.yaml"}
    assert told(reported(files)) == [("file-missing", "error", "config/segments.yaml", 1, 1)]


def test_texts_that_are_missing_twice_there_or_never_sent_are_told() -> None:
    greek, english = "templates/hello.sms.el.j2", "templates/hello.sms.en.j2"
    without = {place: text for place, text in base().items() if place != greek}
    assert told(reported(without)) == [("template-language", "warning", english, 1, 1)]
    without = {place: text for place, text in base().items() if place != english}
    assert told(reported(without)) == [("template-language", "error", greek, 1, 1)]
    unused = {
        place.replace("hello", "unused"): text
        for place, text in base().items()
        if ".sms." in place and "hello" in place
    }
    assert told(reported(base() | unused)) == [
        ("template-unused", "warning", "templates/unused.sms.en.j2", 1, 1)
    ]


def test_the_shipped_rooms_are_without_mistakes() -> None:
    assert told(read(read_folder(ROOT))[1]) == []


def test_a_mistake_in_the_shipped_rooms_stands_alone() -> None:
    files = read_folder(ROOT)
    for place, old, new, expected in (
        ("config/policy.yaml", "care: 21:00 - 08:00", "care: nights", "shape-value"),
        ("journeys/second_visit.yaml", "next_booking: none", "next_boking: none", "condition-unknown"),
        (
            "templates/second_visit/plan_next.sms.en.j2",
            "{{ clinic.name }}",
            "{{ clinic.nmae }}",
            "template-variable",
        ),
    ):
        assert old in files[place]
        _, problems = read({**files, place: files[place].replace(old, new, 1)})
        assert [(problem.code, problem.file) for problem in problems] == [(expected, place)]


def test_every_code_of_a_file_has_a_broken_file() -> None:
    """What is left over needs more than a file of a folder; it is tested where it is made."""
    seen = {code for file in FILES for code, *_ in file.expected} | {code for code, *_ in RAW}
    elsewhere = {
        "channel-missing",
        "clinic-twice",
        "extends-cycle",
        "extends-missing",
        "file-missing",
        "file-name",
        "file-unknown",
        "journeys-none",
        "listen-one-way",
        "policy-no-hours",
        "step-renamed",
        "template-language",
        "template-one-way",
        "template-optout-link",
        "template-twice",
        "template-unused",
    }
    assert sorted(CODES.keys() - seen - elsewhere) == []
