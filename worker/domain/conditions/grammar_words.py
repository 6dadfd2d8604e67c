"""Words that people use for the vocabulary's own: each a pattern of what is written, in small letters, and what to write instead. For hints alone; nothing is read by it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

Instead = tuple[tuple[str, str], ...]
_MORE: Final = r"(?:more than|over|longer than|>)"
_LEAST: Final = r"(?:>=|no less than|minimum|min)"
COUNT_WORDS: Final[Instead] = (
    ("(?:no|never|zero)", "none"), ("(?:some|yes|true)", "any"), ("once|one", "exactly 1"), ("twice|two", "exactly 2"), (rf"{_LEAST} ?([0-9]+)(.*)", r"at least \1\2"),
    (r"([0-9]+) ?(?:\+|or more)(.*)", r"at least \1\2"), (r"(?:<=|up to|maximum|max|no more than) ?([0-9]+)(.*)", r"at most \1\2"),
    (r"([0-9]+) ?(?:-|–|and|until) ?([0-9]+)(.*)", r"\1 to \2\3"), (r"between ([0-9]+) and ([0-9]+)(.*)", r"\1 to \2\3"), (r"(.+) times(.*)", r"\1\2"),
    (r"(.+?) (?:within|during|over|in the last|in the past) (.+)", r"\1 in \2"), (r"(?:within|in the last|in the past|in) (.+)", r"any in \1"),
)  # fmt: skip
AGO_WORDS: Final[Instead] = (
    ("(?:no|never)", "none"), ("(?:yes|ever|true)", "any"), (r"(?:at most|up to|no more than|not more than|<=) ?(.+?)(?: ago)?", r"within \1"),
    (r"(?:in the last|in the past|in) (.+?)(?: ago)?", r"within \1"), (rf"(?:{_MORE}|{_LEAST}) ?(.+?)(?: ago)?", r"at least \1 ago"), (r"< ?(.+?)(?: ago)?", r"less than \1 ago"),
    (r"(?:before|older than) (.+?)(?: ago)?", r"at least \1 ago"), (r"([0-9].*?) ago", r"at least \1 ago"),
)  # fmt: skip
NEAR_WORDS: Final[Instead] = (
    ("(?:no|never|false)", "none"), ("(?:yes|some|true|exists)", "any"), (r"(?:in|next|at most|less than|in less than) (.+)", r"within \1"), (r"([0-9].*)", r"within \1"),
)  # fmt: skip


def reworded(text: str, instead: Instead, parse: Callable[[str], Any]) -> str:
    """The hint to write what was meant: the first of the rewritings that `parse` reads, or ""."""
    said = " ".join(text.lower().split())
    for pattern, words in (("(.+)", r"\1"), *instead):
        match = re.fullmatch(pattern, said)
        if match is not None and parse(proposal := match.expand(words)) is not None:
            return f"Write `{proposal}`."
    return ""
