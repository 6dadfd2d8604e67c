"""Problems that only follow from another one: a name is unknown because the file that gives it cannot be read.

Rules
1. Where a file that gives names has an error, nobody is told that its names are unknown elsewhere: the error itself is told, and the rest shows once it is corrected.
2. A Problem in the same file is never left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from worker.domain.source import Problem

FOLLOWS: Final[Mapping[str, frozenset[str]]] = {
    "config/services.yaml": frozenset({"unknown-family", "unknown-service"}),
    "config/segments.yaml": frozenset({"unknown-segment"}),
    "config/channels.yaml": frozenset(
        {"channel-missing", "listen-one-way", "template-one-way", "template-optout-link"}
    ),
    "config/offers.yaml": frozenset({"unknown-offer"}),
    "journeys": frozenset(
        {
            "unknown-journey",
            "unknown-step",
            "unknown-way",
            "story-journey",
            "story-journey-gone",
            "story-step",
            "template-unused",
        }
    ),
}
"""What is not told elsewhere while there is an error in a file, or in one of a room."""


def first_causes(problems: Iterable[Problem]) -> list[Problem]:
    """The Problems without those that follow from an error in another file."""
    told = list(problems)
    wrong = {source_of(problem) for problem in told if problem.severity == "error"} & FOLLOWS.keys()
    hidden = [(source, code) for source in wrong for code in FOLLOWS[source]]
    if not hidden:
        return told
    return [
        problem
        for problem in told
        if all(problem.code != code or source_of(problem) == source for source, code in hidden)
    ]


def source_of(problem: Problem) -> str:
    """What a Problem's file is to others: the file itself, or `journeys` for any journey."""
    file = problem.file
    return "journeys" if file.startswith("journeys/") and file.count("/") == 1 else file
