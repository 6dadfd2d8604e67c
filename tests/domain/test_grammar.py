"""The vocabulary of conditions and the file of segments: mistakes with their place, and what the words mean."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.build import clinic, condition_of
from tests.domain.marked import places, unmark
from worker.domain.conditions.grammar import VOCABULARY, Scope, parse_condition
from worker.domain.conditions.grammar_visits import parse_count
from worker.domain.conditions.visits import Count
from worker.domain.segments import parse_segments
from worker.domain.shape import Reader
from worker.domain.source import Problem, compose

CLINIC = clinic()
HEAD = "lifecycle: [{new: {visits: exactly 1}}, {rest: otherwise}]\n"


def read(text: str) -> list[Problem]:
    node, problems = compose(text, "config/segments.yaml")
    reader = Reader()
    reader.problems += problems
    parse_segments(reader, node, Scope(CLINIC, frozenset()))
    return reader.problems


def free(condition: str) -> str:
    return HEAD + f"segments: {{s: {condition}}}"


BROKEN = [
    ("shape-missing", "§segments: {}"),
    ("shape-unknown-key", HEAD + "§segment: {}"),
    ("lifecycle-otherwise", "lifecycle: [{§new: {visits: any}}]"),
    ("lifecycle-otherwise", "lifecycle: [{§a: otherwise}, {b: otherwise}]"),
    ("shape-type", "lifecycle: [§new, {rest: otherwise}]"),
    ("shape-name", "lifecycle: [{§New: {visits: any}}, {rest: otherwise}]"),
    ("segment-twice", HEAD + "segments: {§new: {visits: any}}"),
    ("segment-circle", HEAD + "segments: {§a: {in: [a]}}"),
    ("unknown-segment", free("{in: [§vip]}")),
    ("unknown-segment", free("{not_in: §vip}")),
    ("condition-circular", free("{§got_message: {journey: wb}}")),
    ("condition-circular", free("{§journey: {active: [wb]}}")),
    ("condition-this", free("{§this: {families: [toxin]}}")),
    ("condition-unknown", free("{§vist: none}")),
    ("condition-shape", free("§[visits]")),
    ("condition-shape", free("{any_of: §{visits: none}}")),
    ("shape-empty", free("{§visits: }")),
    ("shape-value", free("{visits: §many}")),
    ("shape-value", free("{visits: §5 to 1}")),
    ("shape-value", free("{visits: §at least 2 in 12 moons}")),
    ("shape-value", free("{visits: §at least 2 in 3 hours}")),
    ("condition-span", free("{visits: {is: any, in: §3 hours}}")),
    ("shape-unknown-key", free("{visits: {§was: any}}")),
    ("shape-type", free("{visits: {is: §[any]}}")),
    ("unknown-family", free("{visits: {of: {families: [§botox]}}}")),
    ("unknown-service", free("{visits: {of: {services: [§BTX]}}}")),
    ("shape-choice", free("{visits: {of: {areas: [§arm]}}}")),
    ("shape-value", free("{last_visit: §6 months}")),
    ("shape-value", free("{last_visit: §at least 0 days ago}")),
    ("shape-value", free("{first_visit: §at least 6 hours ago}")),
    ("shape-value", free("{next_booking: §soon}")),
    ("shape-value", free("{next_booking: §within 2 hours}")),
    ("unknown-family", free("{families: [§botox]}")),
    ("unknown-service", free("{services: [§BTX]}")),
    ("shape-choice", free("{areas: [§arm]}")),
    ("shape-value", free("{net_revenue: §a lot}")),
    ("condition-currency", free("{net_revenue: §at least 100 USD in 12 months}")),
    ("shape-value", free("{net_revenue: §at least 100 EUR in 12 hours}")),
    ("shape-value", free("{net_revenue: §{is: at least 100 EUR in 12 months, leave_below: 200 EUR}}")),
    ("shape-value", free("{age: §old}")),
    ("shape-value", free("{birthday: §tomorrow}")),
    ("shape-choice", free("{allows: [§fax]}")),
    ("shape-choice", free("{allows: {§fax: care}}")),
    ("shape-choice", free("{allows: {sms: §fun}}")),
    ("shape-type", free("{tags: §{a: b}}")),
]


@pytest.mark.parametrize(("code", "marked"), BROKEN)
def test_a_mistake_has_its_code_and_place_and_is_the_only_one(code: str, marked: str) -> None:
    text, line, column = unmark(marked)
    problems = read(text)
    assert places(problems) == [(code, line, column)], [problem.message for problem in problems]


def test_a_circle_names_its_way() -> None:
    problems = read(HEAD + "segments: {a: {in: [b]}, b: {any_of: [{not_in: [c]}]}, c: {in: [a]}}")
    assert "a → b → c → a" in problems[0].message
    assert {problem.code for problem in problems} == {"segment-circle"}


def test_a_stage_may_not_speak_of_a_later_one() -> None:
    assert {
        problem.code for problem in read("lifecycle: [{a: {in: [b]}}, {b: {visits: any}}, {rest: otherwise}]")
    } == {"segment-circle"}


def test_segments_that_fan_out_and_meet_again_are_read_at_once() -> None:
    layers = [
        f"  a{n}: {{any_of: [{{in: [a{n - 1}]}}, {{in: [b{n - 1}]}}]}}\n  b{n}: {{in: [a{n - 1}, b{n - 1}]}}\n"
        for n in range(1, 16)
    ]
    assert read(HEAD + "segments:\n  a0: {visits: any}\n  b0: {visits: none}\n" + "".join(layers)) == []


def test_a_long_chain_of_segments_is_read_or_refused_and_never_raises() -> None:
    chain = "".join(f"  a{n}: {{in: [a{n - 1}]}}\n" for n in range(1, 1200))
    assert len(read(HEAD + "segments:\n  a0: {visits: any}\n" + chain)) < 1200


def test_several_mistakes_of_a_file_are_told_at_once() -> None:
    text = "lifecycle: [{New: {vists: none}}, {b: {age: old}}]\nsegments: {a: {in: [nobody], families: [botox]}, colour: red}"
    assert [problem.code for problem in read(text)].count("lifecycle-otherwise") == 1
    assert {problem.code for problem in read(text)} == {
        "shape-name", "condition-unknown", "shape-value", "lifecycle-otherwise", "unknown-segment", "unknown-family", "condition-shape",
    }  # fmt: skip


def test_every_example_of_the_vocabulary_is_read() -> None:
    for word, entry in VOCABULARY.items():
        assert entry.example.startswith(f"{word}: ")
        condition_of("{" + entry.example.replace("dr-k", "x") + "}", CLINIC, "high_value", this=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", Count(0, 0)), ("any", Count(1, None)), ("exactly 3", Count(3, 3)), ("3", Count(3, 3)), ("at least 2", Count(2, None)), ("at most 2", Count(0, 2)),
        ("1 to 5", Count(1, 5)), ("5 to 1", None), ("more than 1", None), ("-1", None), ("1.5", None), ("", None), ("at least", None), ("at least " + "9" * 5000, None),
    ],
)  # fmt: skip
def test_counts_as_people_write_them(text: str, expected: Count | None) -> None:
    assert parse_count(text) == expected


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(sorted(VOCABULARY)),
        st.one_of(
            st.text(max_size=15), st.sampled_from(["at least 9999", "9999 to 99999", "none", "9" * 5000])
        ),
        max_size=3,
    )
)
def test_no_text_under_any_word_raises(found: dict[str, str]) -> None:
    text = "\n".join(
        "{}: '{}'".format(key, value.replace("'", "''").replace("\n", " ")) for key, value in found.items()
    )
    node, _ = compose(text, "a.yaml")
    reader = Reader()
    parse_condition(reader, node, Scope(CLINIC, frozenset({"a"}), this=True))
