"""Texts in which `§` stands right before the place of the mistake."""

from __future__ import annotations

from worker.domain.source import Problem

MARK = "§"


def unmark(marked: str) -> tuple[str, int, int]:
    """The text without its mark, and the line and column that the mark stood at."""
    assert marked.count(MARK) == 1, marked
    before = marked[: marked.index(MARK)]
    return marked.replace(MARK, ""), before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def places(problems: list[Problem]) -> list[tuple[str, int, int]]:
    """Code, line and column of each, in reading order."""
    return [
        (problem.code, problem.line, problem.column)
        for problem in sorted(problems, key=lambda problem: problem.sort_key)
    ]
