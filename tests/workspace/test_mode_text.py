"""The mode is changed where it stands, and nothing around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.workspace.mode_text import with_mode
from worker.workspace.yaml_text import NotEditable

SAMPLE = (Path(__file__).parents[2] / "config" / "clinic.yaml").read_text(encoding="utf-8")


def test_only_the_word_changes_and_its_remark_stays() -> None:
    was, now = SAMPLE.splitlines(), with_mode(SAMPLE, "allow_list").splitlines()
    assert [(a, b) for a, b in zip(was, now, strict=True) if a != b] == [
        (line, line.replace("mode: live ", "mode: allow_list ")) for line in was if line.startswith("mode:")
    ]


def test_a_list_of_addresses_is_added_and_then_replaced() -> None:
    once = with_mode("id: a\nmode: rehearsal # not yet\n", "allow_list", ["+306900000001", "me@clinic.example"])  # fmt: skip
    assert once == 'id: a\nmode: allow_list # not yet\nallow_list: ["+306900000001", "me@clinic.example"]\n'
    assert with_mode(once, "allow_list", ["+306900000002"]).endswith('allow_list: ["+306900000002"]\n')


def test_what_says_nothing_of_the_mode_gets_a_line_in_its_own_line_ends() -> None:
    assert with_mode("id: a\r\nname: C", "live") == "id: a\r\nname: C\r\nmode: live\r\n"


def test_the_same_again_changes_nothing() -> None:
    assert with_mode(SAMPLE, "live") == SAMPLE


@pytest.mark.parametrize("text", ["{id: a}", "- a\n", "id: [\n", "id: a\nallow_list:\n  - x@example.com\n"])
def test_what_can_not_be_changed_in_place_is_left_to_a_person(text: str) -> None:
    with pytest.raises(NotEditable, match=r"config/clinic\.yaml"):
        with_mode(text, "allow_list", ["me@clinic.example"])
