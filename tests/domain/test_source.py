"""YAML composed, never constructed; nothing raises, whatever is in the file."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.marked import unmark
from worker.domain.shape import Reader, money
from worker.domain.source import MAX_BYTES, MAX_DEPTH, Map, Scalar, Seq, compose


def values(text: str) -> dict[str, object]:
    node, problems = compose(text, "a.yaml")
    assert not problems
    assert isinstance(node, Map)
    return {key.value: value.value if isinstance(value, Scalar) else value for key, value in node.entries}


@pytest.mark.parametrize(
    "written",
    [
        "9:30",
        "no",
        "yes",
        "0x10",
        "1_000",
        "2026-12-25",
        "1e3",
        "~",
        "null",
        "010",
        ".inf",
        "=",
        "1:30:00",
        "on",
    ],
)
def test_a_scalar_stays_what_was_written(written: str) -> None:
    assert values(f"key: {written}")["key"] == written


def test_what_is_quoted_is_never_empty() -> None:
    node, _ = compose("a: \nb: ''\nc: '~'\nd: ~", "a.yaml")
    assert isinstance(node, Map)
    assert [value.empty for _, value in node.entries if isinstance(value, Scalar)] == [
        True,
        False,
        False,
        True,
    ]


def test_places_count_from_1_also_after_greek_and_crlf() -> None:
    node, _ = compose("όνομα: α\r\n  \r\nb: [x, y]\r\n", "a.yaml")
    assert isinstance(node, Map)
    items = node.get("b")
    assert isinstance(items, Seq)
    assert [(item.place.line, item.place.column) for item in items.items] == [(3, 5), (3, 8)]


BROKEN = [
    ("yaml-duplicate-key", "a: 1\nb: 2\n§a: 3"),
    ("yaml-anchor", "a: §&x 1\nb: 2"),
    ("yaml-anchor", "a: 1\nb: §*x"),
    ("yaml-anchor", "a: &x [1]\n".replace("&", "§&") + "b: {<<: 2}"),
    ("yaml-tag", "a: §!!python/object:os.system ls"),
    ("yaml-tag", "a: §! b"),
    ("yaml-tag", "a: [1, §!!int 2]"),
    ("yaml-documents", "a: 1\n§---\nb: 2"),
    ("yaml-key", "§? [a]\n: b".replace("§? ", "? §")),
    ("yaml-tab", "a:\n§\tb: 1"),
    ("yaml-syntax", "a: b§: c"),
    ("yaml-bracket", "a: §[1, 2"),
    ("yaml-quote", "a: §'open"),
    ("yaml-syntax", "a: §@b"),
    ("yaml-syntax", "a: §`b`"),
    ("yaml-indent", "a:\n  b: 1\n §c: 2"),
    ("yaml-colon", "a: 1\n§b\nc: 2"),
]


@pytest.mark.parametrize(("code", "marked"), BROKEN)
def test_a_mistake_has_its_place(code: str, marked: str) -> None:
    text, line, column = unmark(marked)
    _, problems = compose(text, "a.yaml")
    assert [problem.code for problem in problems] == [code]
    assert problems[0].line == line
    assert problems[0].message
    assert problems[0].hint
    assert problems[0].column == column


@pytest.mark.parametrize(
    ("written", "line"),
    [(b"a: 1\nb: \xff", 2), (b"\xff\xfea", 1), ("α: ü".encode("cp1253", "replace") + b"\xe1", 1)],
)
def test_a_file_in_another_encoding_says_so(written: bytes, line: int) -> None:
    node, problems = compose(written, "a.yaml")
    assert node is None
    assert [(problem.code, problem.line) for problem in problems] == [("yaml-not-utf8", line)]


def test_a_byte_order_mark_is_no_mistake() -> None:
    node, problems = compose(b"\xef\xbb\xbfa: 1", "a.yaml")
    assert isinstance(node, Map)
    assert [key.value for key, _ in node.entries] == ["a"]
    assert not problems


def test_an_empty_file_is_nothing_and_no_problem() -> None:
    for text in ("", "# only a comment\n", "---\n", "--- # nothing\n"):
        assert compose(text, "a.yaml") == (None, [])


def test_a_bomb_is_refused_at_its_first_anchor() -> None:
    lines = [
        "a0: &a0 [x, x, x, x, x, x, x, x, x]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)),
    ]
    node, problems = compose("\n".join(lines), "a.yaml")
    assert node is None
    assert [(problem.code, problem.line) for problem in problems] == [("yaml-anchor", 1)]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "{a: " * 5000,
        "- " * 3000 + "x",
        "[" * 60 + "]" * 60,
        "\n".join(" " * n + "a:" for n in range(200)),
    ],
)
def test_deep_nesting_is_refused(text: str) -> None:
    node, problems = compose(text, "a.yaml")
    assert node is None
    assert [problem.code for problem in problems] == ["yaml-too-deep"]


def test_nesting_within_the_limit_is_read() -> None:
    assert compose("[" * MAX_DEPTH + "x" + "]" * MAX_DEPTH, "a.yaml")[1] == []


def test_a_file_of_more_than_a_megabyte_is_refused() -> None:
    assert [problem.code for problem in compose("a" * (MAX_BYTES + 1), "a.yaml")[1]] == ["yaml-too-large"]


@pytest.mark.parametrize(
    "text",
    [
        'a: "\\UFFFFFFFF"',
        'a: "\\U00110000"',
        "%YAML 1." + "1" * 5000 + "\n---\na: 1",
        "%TAG ! %FF\n---\na: !x b",
        'a: "\\ud800"',
        "a: \x00",
        "\ud800",
        "a: \x07",
    ],
)
def test_what_breaks_the_library_is_a_problem_too(text: str) -> None:
    _, problems = compose(text, "a.yaml")
    assert problems


signs = st.sampled_from(
    [
        *"-:{}[]&*!?|>'\"%@`,# \n\t\\~<=",
        "---",
        "...",
        "a",
        "b: ",
        "- ",
        "\\x",
        "\\U",
        "%YAML 1.1",
        "é",
        "\x85",
        "\u2028",
        "\ufeff",
        "\x00",
        "1",
    ]
)


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=60), st.lists(signs, max_size=40).map("".join), st.binary(max_size=60)))
def test_composing_never_raises_and_every_place_lies_in_the_file(text: str | bytes) -> None:
    node, problems = compose(text, "a.yaml")
    lines = (
        text.count(b"\n")
        if isinstance(text, bytes)
        else text.count("\n")
        + text.count("\r")
        + text.count("\x85")
        + text.count("\u2028")
        + text.count("\u2029")
    )
    if isinstance(text, bytes):
        lines += text.count(b"\r") + text.count(b"\xc2\x85") + text.count(b"\xe2\x80")
    for problem in problems:
        assert problem.message
        assert 1 <= problem.line <= lines + 2
        assert problem.column >= 1
    assert node is None or node.place.file == "a.yaml"


# -- shape --------------------------------------------------------------------------------------------------------------------


def test_every_mistake_of_a_block_is_told_at_once() -> None:
    reader = Reader()
    node, _ = compose("nmae: x\nage: old\nhours: late\nempty:\n", "a.yaml")
    fields = reader.fields(node, "a thing", ("name", "age", "hours", "empty"), ("name",))
    reader.integer(fields.get("age"), "`age`", 1, 9, 5)
    reader.window(fields.get("hours"), "hours of a day")
    assert [problem.code for problem in reader.problems] == [
        "shape-unknown-key",
        "shape-empty",
        "shape-missing",
        "shape-value",
        "shape-value",
    ]
    assert reader.problems[0].hint == "Did you mean `name`?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1500 EUR", (150_000, "EUR")),
        ("1,500.50 EUR", (150_050, "EUR")),
        ("0 EUR", (0, "EUR")),
        ("-1 EUR", None),
        ("1500", None),
        ("EUR 1500", None),
        ("NaN EUR", None),
        ("inf EUR", None),
        ("1e999999 EUR", None),
        ("1 eur", None),
    ],
)
def test_money_is_whole_cents_and_a_currency(text: str, expected: tuple[int, str] | None) -> None:
    assert money(text) == expected
