"""docs/reference/replies.md tells the tables as they are."""

from __future__ import annotations

import re
from pathlib import Path

from worker.domain.words_heard import hear
from worker.domain.words_heard.harm import PHRASES, WORDS
from worker.domain.words_heard.keywords import LEAVE_ALONE, LEAVE_ANYWHERE

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "replies.md").read_text(encoding="utf-8")
MISSPELT = {"stopp", "sotp", "stpo", "tsop", "st0p", "stp", "unsubcribe", "unsuscribe", "unsubscibe", "unsubsribe", "quitt", "cancell", "cancle"}  # fmt: skip


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_code_of_harm_is_told_with_an_example_that_is_heard_so() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section("Harm"), flags=re.MULTILINE))
    assert set(rows) == WORDS.keys() | PHRASES.keys()
    for code, examples in rows.items():
        for example in examples.split(", "):
            assert hear(example.strip("`")).harm == (code,), example


def test_every_keyword_is_told_and_heard() -> None:
    table = section("Opting out").partition("| keyword |")[2].partition("\n\n")[0]
    told = {word for row in table.splitlines() for word in re.findall(r"`([^`]+)`", row.split(" | ")[0])}
    assert (LEAVE_ANYWHERE.exact | LEAVE_ALONE.exact) - MISSPELT <= told
    for word in told | MISSPELT:
        heard = hear(word)
        assert (heard.kind, heard.keyword) == ("opt_out", True), word


def test_every_example_that_does_not_opt_out_does_not() -> None:
    table = section("Opting out").partition("**What does not opt out**")[2]
    examples = [text for row in table.splitlines() for text in re.findall(r"`([^`]+)`", row.split(" | ")[0])]
    assert len(examples) > 10
    assert {text: hear(text).kind for text in examples} == dict.fromkeys(examples, "reply")
