"""Changes in a YAML file leave everything around them as its author wrote it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.source import Map, Node, Scalar, Seq, compose
from worker.workspace.yaml_text import (
    NotEditable,
    entry_text,
    flow,
    plain,
    replaced,
    scalar,
    with_entries,
    without_items,
)

SEGMENTS = """\
# Ours.
lifecycle:
  - new: {visits: exactly 1}   # first
  - rest: otherwise

segments:
    vip:                       # four spaces, as we like it
        title: "Very: important"

    quiet:
        visits: none
# the end of the segments

other: 1   # stays
"""
FRESH = {"fresh": "fresh:   # new here\n  title: A new one\n  tags: [a, b]"}


def tree(text: str) -> Node:
    node, problems = compose(text, "x.yaml")
    assert not problems
    assert node is not None
    return node


def added(text: str, key: str = "segments") -> str:
    return with_entries(text, "config/segments.yaml", key, FRESH, "from a recipe")


def test_entries_come_behind_the_last_of_their_block_in_its_indent() -> None:
    changed = added(SEGMENTS)
    assert changed == SEGMENTS.replace(
        "        visits: none\n",
        "        visits: none\n\n    # from a recipe\n    fresh:   # new here\n      title: A new one\n      tags: [a, b]\n",
    )


def test_a_block_in_braces_gets_its_entry_within_them() -> None:
    changed = added("segments: {vip: {tags: [vip]}}   # short\n")
    assert changed == "segments: {vip: {tags: [vip]}, fresh: {title: A new one, tags: [a, b]}}   # short\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing yet\n",
        "{}\n",
        "~\n",
        "other: 1\n",
        "segments:\n",
        "segments: {}\n",
        "segments:\nother: 1\n",
    ],
)
def test_a_block_that_is_empty_or_missing_is_begun(text: str) -> None:
    changed = added(text)
    assert plain(tree(changed).get("segments")) == {"fresh": {"title": "A new one", "tags": ["a", "b"]}}  # type: ignore[union-attr]
    assert ("# nothing yet" in changed) == ("# nothing yet" in text)
    assert ("other: 1" in changed) == ("other: 1" in text)


def test_line_breaks_stay_as_the_file_has_them() -> None:
    changed = added(SEGMENTS.replace("\n", "\r\n"))
    assert changed.count("\n") == changed.count("\r\n")
    assert changed.replace("\r\n", "\n") == added(SEGMENTS)


@pytest.mark.parametrize(
    "text", ["segments: [", "segments: [a]\n", "segments: word\n", "{other: 1}\n", "- a\n"]
)
def test_what_cannot_be_added_to_is_refused(text: str) -> None:
    with pytest.raises(NotEditable):
        added(text)


def test_an_entry_that_is_there_is_never_written_twice() -> None:
    with pytest.raises(NotEditable):
        with_entries(SEGMENTS, "x.yaml", "segments", {"vip": "vip: {tags: [vip]}"}, "again")


def test_a_value_is_replaced_where_it_stands() -> None:
    text = "a: 10:00 - 19:00   # hours\nb: \"x: 'y'\"\nc: [sms,  email]   # both\nd: {e: 'it''s', f: [g, {h: ']'}]}\n"
    root = tree(text)
    assert isinstance(root, Map)
    nodes = [value for _, value in root.entries]
    assert replaced(text, [(node, "N") for node in nodes]) == "a: N   # hours\nb: N\nc: N   # both\nd: N\n"


def test_a_text_over_several_lines_is_refused() -> None:
    text = "a: >-\n  one\n  two\nb: one\n  two\nc:\n  - x\n"
    root = tree(text)
    assert isinstance(root, Map)
    for _, node in root.entries:
        with pytest.raises(NotEditable):
            replaced(text, [(node, "N")])


def test_the_lines_of_an_entry_are_taken_with_their_comments() -> None:
    root = tree(SEGMENTS)
    block = root.get("segments") if isinstance(root, Map) else None
    assert isinstance(block, Map)
    assert (
        entry_text(SEGMENTS, block, "vip")
        == 'vip:                       # four spaces, as we like it\n    title: "Very: important"'
    )
    assert entry_text(SEGMENTS, block, "quiet") == "quiet:\n    visits: none"
    assert entry_text(SEGMENTS, block, "missing") is None


def test_items_are_taken_out_and_the_rest_stays() -> None:
    text = "a:\n  # of one\n  - x: 1\n    y: 2\n\n  # of two\n  - x: 3\n\n  - x: 4\n"
    root = tree(text)
    items = root.get("a") if isinstance(root, Map) else None
    assert isinstance(items, Seq)
    assert (
        without_items(text, items.items, items.items[1:2])
        == "a:\n  # of one\n  - x: 1\n    y: 2\n\n  # of two\n  - x: 4\n"
    )
    assert (
        without_items(text, items.items, items.items[2:])
        == "a:\n  # of one\n  - x: 1\n    y: 2\n\n  # of two\n  - x: 3\n\n"
    )


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40).filter(
        lambda text: "{{" not in text and "{%" not in text
    )
)
def test_any_text_is_written_so_that_it_reads_back(text: str) -> None:
    for written in (f"k: {scalar(text)}", f"k: [{scalar(text)}, x]", f"{{k: {scalar(text)}}}"):
        root = tree(written)
        value = root.get("k") if isinstance(root, Map) else None
        value = value.items[0] if isinstance(value, Seq) else value
        assert isinstance(value, Scalar)
        assert value.value == text
        assert not value.empty


SCALARS = st.one_of(
    st.sampled_from(
        [
            "at least 1500 EUR in 12 months",
            "10:00 - 19:00",
            "a, b",
            "it's",
            "# x",
            "x #y",
            "- z",
            "[",
            "a: b",
            "null",
            "~",
            "100%",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1, max_size=12),
).filter(
    lambda text: not re.search(r"\{[{%]|[%}]\}", text)
)  # fmt: skip; a variable of a template is told, wherever it stands
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3),
    max_leaves=8,
)


def node_of(value: object) -> Node:
    place = tree("x").place
    if isinstance(value, dict):
        return Map(
            tuple((Scalar(key, place, quoted=True), node_of(each)) for key, each in value.items()), place
        )
    if isinstance(value, list):
        return Seq(tuple(node_of(each) for each in value), place)
    return Scalar(str(value), place, quoted=True)


@given(TREES)
def test_any_tree_on_one_line_reads_back(value: object) -> None:
    assert plain(tree(f"k: [{flow(Seq((node_of(value),), tree('x').place))[1:-1]}]")) == {"k": [value]}
