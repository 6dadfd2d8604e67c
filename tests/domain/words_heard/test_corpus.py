"""The replies of the corpus are heard as a person would hear them."""

from __future__ import annotations

from collections import Counter
from functools import cache

from tests.domain.words_heard.corpus import KINDS, Row, read
from worker.domain import words_heard

hear = cache(words_heard.hear)

ROWS = read()


def label(row: Row) -> str:
    heard = hear(row.text)
    if heard.kind != "opt_out":
        return heard.kind
    return "opt_out_keyword" if heard.keyword else "opt_out_free"


def of(*labels: str) -> list[Row]:
    return [row for row in ROWS if row.label in labels]


def wrong(rows: list[Row]) -> list[tuple[int, str, str]]:
    return [(row.line, row.text, label(row)) for row in rows if label(row) != row.label]


def test_the_corpus_is_large_enough_and_a_third_of_it_must_not_opt_out() -> None:
    counts = Counter(row.label for row in ROWS)
    assert set(counts) == set(KINDS)
    assert len(ROWS) >= 220
    assert len({row.text for row in ROWS}) == len(ROWS)
    assert counts["reply"] >= len(ROWS) / 3


def test_no_keyword_is_missed_and_none_is_heard_where_there_is_none() -> None:
    assert wrong(of("opt_out_keyword", "opt_in", "help", "nothing")) == []
    assert [row for row in of("opt_out_free", "reply") if label(row) in {"opt_out_keyword", "opt_in"}] == []


def test_wishes_to_leave_in_other_words_are_heard_and_few_else() -> None:
    wanted, others = of("opt_out_free"), of("reply", "opt_in", "help", "nothing")
    right = sum(hear(row.text).kind == "opt_out" for row in wanted)
    false = [(row.line, row.text) for row in others if hear(row.text).kind == "opt_out"]
    missed = [(row.line, row.text) for row in wanted if hear(row.text).kind != "opt_out"]
    precision, recall = right / (right + len(false)), right / len(wanted)
    print(
        f"\n{len(ROWS)} replies. Keywords: {len(of('opt_out_keyword'))}, none missed. In other words: {len(wanted)}, "
        f"precision {precision:.3f}, recall {recall:.3f}."
    )
    assert precision >= 0.97, false
    assert recall >= 0.95, missed


def test_harm_is_heard_with_its_codes_whatever_else_is_said() -> None:
    assert [
        (row.line, row.text, hear(row.text).harm) for row in ROWS if hear(row.text).harm != row.harm
    ] == []
