"""The way out where a `wait` is written as people speak: what it should read.

Rules
1. What is proposed under "Write" can be read: each proposal is parsed before it is made.
2. Nothing is guessed that would send at another time than the words say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from worker.domain.shape import Reader

FORMS: Final = "For example `3 weeks`, `until 10:00`, `until next tuesday 10:00`, `until 90 days after last_visit of toxin`, `until 2 days before this`."
FACT_WORDS: Final[Mapping[str, str]] = {
    "visit": "last_visit",
    "last visit": "last_visit",
    "first visit": "first_visit",
    "booking": "next_booking",
    "next booking": "next_booking",
    "appointment": "this",
    "next appointment": "next_booking",
    "this appointment": "this",
    "the appointment": "this",
    "this visit": "this",
    "the visit": "last_visit",
}
_WORDS: Final[Mapping[str, str]] = {
    **{word: str(number) for number, word in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1)},
    "a": "1", "an": "1", "noon": "12:00", "midday": "12:00", "midnight": "0:00",
}  # fmt: skip
_WORKING: Final = re.compile(r"(\S+) (?:working|work|business)[ -]?days?")
_FACT: Final = re.compile(r"until .+? (?:after|before) (.+?)(?: of \S+)?(?: at .+)?")
_HALF_DAY: Final = re.compile(r"\b(\d{1,2})(?:[:.](\d{2}))? ?([ap])\.?m\b\.?")


def hint(
    reader: Reader, text: str = "", parse: Callable[[str], object] | None = None, facts: Collection[str] = ()
) -> str:
    """What to write instead of `text`, which `parse` does not read; all forms where nothing can be told from it."""
    said = " ".join(text.split())
    if match := _WORKING.fullmatch(said.lower()):
        days = _WORDS.get(match[1], match[1])
        return f"A wait counts calendar days: `{days} {'day' if days == '1' else 'days'}`. Working days are counted only by `due` of a task."
    for proposal in _proposals(said):
        if parse is not None and proposal != said and parse(proposal) is not None:
            return f"Write `{proposal}`."
    fact = _FACT.fullmatch(said.lower())
    if fact is not None and fact[1] not in facts:
        near = reader.near(fact[1], facts, FACT_WORDS)
        return near or f"What can be waited for: {', '.join(facts)}."
    if re.fullmatch(r"\d+", said):
        return f"Say the unit as well, such as `{said} days`."
    return FORMS


def _proposals(said: str) -> Iterator[str]:
    """The same, written a little otherwise."""
    small = " ".join(_WORDS.get(word, word) for word in said.lower().split())
    small = re.sub(r"^(?:wait|for|in) ", "", small)
    small = re.sub(r"(?: later)$", "", small)
    small = re.sub(r"(\d)(?=(?:second|minute|hour|day|week|month|year)s?\b)", r"\1 ", small)
    small = _HALF_DAY.sub(_clock, small)
    small = re.sub(r"\b(\d{1,2})\.(\d{2})\b", r"\1:\2", small)
    small = re.sub(r", (?:and )?", " and ", small)
    bare = re.sub(r"^(?:until|till|on|at|til) (?:the )?", "", small)
    cased = said.rpartition(" of ")[2].split(" ")[0] if " of " in said else ""
    for each in (small, f"until {bare}"):
        yield re.sub(r" of \S+", f" of {cased}", each) if cased else each


def _clock(match: re.Match[str]) -> str:
    hour = int(match[1])
    if not 1 <= hour <= 12:
        return match[0]
    return f"{hour % 12 + (12 if match[3] == 'p' else 0)}:{match[2] or '00'}"
