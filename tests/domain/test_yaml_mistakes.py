"""What an author got wrong is told where it was got wrong, in words that name the way out."""

from __future__ import annotations

import pytest

from tests.domain.marked import unmark
from worker.domain.shape import Reader
from worker.domain.source import Map, compose

MISTAKES = [
    # the space after a colon
    ("yaml-colon", "steps:\n  - id: x\n    send§:sms\n    template: a/b\n"),
    ("yaml-colon", "steps:\n  - id: x\n    send§:sms\n"),
    ("yaml-colon", "steps:\n  - id§:x\n    send: sms\n"),
    ("yaml-colon", "journey§:x\nstart: a\n"),
    ("yaml-colon", "journey: x\nstart§:a\nsteps: b\n"),
    # the colon
    ("yaml-colon", "§journey x\ntitle: y\n"),
    ("yaml-colon", "journey: x\n§title y\nstart: y\n"),
    ("yaml-colon", "§start\n  enters: x\n"),
    ("yaml-colon", "journey: x\n§start\n  enters: x\n"),
    ("yaml-colon", "journey: x\n§start y\n"),
    ("yaml-colon", "steps:\n  - id: x\n    §send sms\n    template: x\n"),
    ("yaml-colon", "a: 1\n# a remark\n§b\n\n  # another\n  c: 2\n"),
    # dashes
    ("yaml-dash", "a:\n  - x\n  §-y\n"),
    ("yaml-dash", "a:\n  §-y\n  - x\n"),
    ("yaml-dash", "steps:\n  §-id: x\n   send: sms\n"),
    ("yaml-dash", "steps:\n  - id: x\n    send: sms\n  §-id: y\n    send: sms\n"),
    ("yaml-dash", "a:\n  §– b\n  – c\n"),
    ("yaml-dash", "a:\n  - b\n  §— c\n"),
    ("yaml-dash", "steps:\n  §– id: b\n    send: c\n"),
    ("yaml-dash", "a:\n  §• b\n"),
    # quotes
    ("yaml-quote", 'a: §"open\nb: c\n'),
    ("yaml-quote", 'a: §"open\nb: "c"\nd: e\n'),
    ("yaml-quote", "a: §'open\nb: 'c'\nd: e\n"),
    ("yaml-quote", "a: [x, §'open]\nb: 'c'\n"),
    ("yaml-quote", 'a: "b" §c\n'),
    ("yaml-quote", "a: 'it'§s'\n"),
    ("yaml-quote", "a: §“b”\n"),
    ("yaml-quote", "§“a”: b\n"),
    ("yaml-quote", "a: §«b»\n"),
    ("yaml-quote", "a: [§‘b’]\n"),
    # brackets
    ("yaml-bracket", "send: §[sms, email\ntemplate: x\n"),
    ("yaml-bracket", "send: §[sms, email"),
    ("yaml-bracket", "if: §{a: b\nc: d\n"),
    ("yaml-bracket", "if: {a: §[b}\n"),
    ("yaml-bracket", "a: [b]§]\n"),
    ("yaml-bracket", "a: {b: c}§}\n"),
    ("yaml-syntax", "a: {b: c d§: e}\n"),
    # Jinja
    ("yaml-variable", "a: §{{ name }}\n"),
    ("yaml-variable", "a: §{{ name }} hello\n"),
    ("yaml-variable", "a: Hello §{{ name }}\n"),
    ("yaml-variable", 'a: "Hello §{{ name }}"\n'),
    ("yaml-variable", "a: §{% if x %}\n"),
    # indents
    ("yaml-indent", "a: b\n  §c: d\n"),
    ("yaml-indent", "a:\n    b: 1\n  §c: 2\n"),
    ("yaml-indent", "a:\n  - b\n §- c\n"),
    ("yaml-indent", "a:\n - b\n   §- c\n"),
    ("yaml-indent", "steps:\n  - id: a\n     §send: b\n"),
    ("yaml-indent", "steps:\n  - id: a\n   §send: b\n"),
    ("yaml-indent", "a: b\n§- c\n"),
    ("yaml-indent", "- c\n§a: b\n"),
    # tabs
    ("yaml-tab", "§\ta: 1\n"),
    ("yaml-tab", "a:§\tb\n"),
    ("yaml-tab", "a:\n  b: 1\n§\tc: 2\n"),
    ("yaml-tab", "a:\n  - b: 1\n  §\tc: 2\n"),
    # signs that mean something to YAML
    ("yaml-syntax", "a: §%x\n"),
    ("yaml-syntax", "a: §@x\n"),
    ("yaml-syntax", "a: §`x`\n"),
    ("yaml-syntax", "note: Call§: now\n"),
    ("yaml-syntax", "a: §- b\n"),
    ("yaml-syntax", "a: §? b\n"),
    ("yaml-syntax", "a: |§b\n"),
    ("yaml-syntax", 'a: "\\§q"\n'),
    ("yaml-anchor", "a: §* b\n"),
    ("yaml-anchor", "a: §& b\n"),
    ("yaml-tag", "a: §!\n"),
    ("yaml-documents", "a: b\n...\n§c: d\n"),
    # characters
    ("yaml-character", "a:\n§\u00a0\u00a0b: 1\n"),
    ("yaml-character", "a: 1\n§\u200bb: 1\n"),
    ("yaml-character", "a:§\u00a01\n"),
    ("yaml-character", "a: 1\n§\ufeffb: 2\n"),
    ("yaml-character", "a: 1\nb: x§\x07\n"),
    ("yaml-character", 'a: §"\\ud800"\n'),
]


@pytest.mark.parametrize(("code", "marked"), MISTAKES)
def test_a_mistake_is_told_once_at_its_place_with_a_way_out(code: str, marked: str) -> None:
    text, line, column = unmark(marked)
    _, problems = compose(text, "a.yaml")
    assert [(each.code, each.line, each.column) for each in problems] == [(code, line, column)]
    assert problems[0].hint
    assert "this is not YAML" not in problems[0].message


@pytest.mark.parametrize(
    "text",
    [
        "note: Replied to the\n  six-month message.\n",
        "note: from 9 - 5\n  - and so on\n".replace("\n  -", " -"),
        "title: Hello “you”\n",
        'title: "“Hello”"\n',
        "title: -10 % for all\n",
        "title: Don't\nnote: it's \"fine\"\n",
        "note: |\n  - one\n  - two\n",
        "note: >\n  one: two\n",
        'a: "two\n  lines"\nb: c\n',
        "a: [one,\n  two]\nb: {c: d,\n  e: f}\n",
        "a: https://example.com/x:y\n",
        "a: x\u00a0y\n",
        "---\na: b\n",
        "a: b # don't\nc: d\n",
        "a: {}\nb: []\n",
    ],
)
def test_what_is_meant_is_no_mistake(text: str) -> None:
    node, problems = compose(text, "a.yaml")
    assert problems == []
    assert isinstance(node, Map)


def test_a_quote_that_is_closed_further_up_is_not_blamed() -> None:
    _, problems = compose('a: "x"\nb: "it\'s"  # "\nc: d\n  e: f\n', "a.yaml")
    assert [(each.code, each.line) for each in problems] == [("yaml-indent", 4)]


def test_the_column_of_a_broken_byte_counts_characters_not_bytes() -> None:
    for mark in (b"", b"\xef\xbb\xbf"):
        _, problems = compose(mark + "a: 1\nόνομα: ".encode() + b"\xe1\xff", "a.yaml")
        assert [(each.code, each.line, each.column) for each in problems] == [("yaml-not-utf8", 2, 8)]
        assert "E1" in problems[0].message


def test_a_missing_space_is_told_also_where_the_shape_is_what_is_wrong() -> None:
    reader = Reader()
    node, _ = compose("start:\n  enters:regular\nother: {a:b}\n", "a.yaml")
    assert isinstance(node, Map)
    reader.fields(node.get("start"), "`start`", ("enters",))
    reader.fields(node.get("other"), "`other`", ("a",))
    assert [(each.code, each.line, each.hint) for each in reader.problems] == [
        ("shape-type", 2, "A space is missing after the colon: `enters: regular`."),
        ("shape-unknown-key", 3, "A space is missing after the colon: `a: b`."),
    ]
