"""A list of words and phrases, found in folded text as whole words.

A term is written folded: small letters, no accents, one blank between words. `*` at the end of a word stands for any ending, as inflected languages need it:
`αποτριχωσ*`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from worker.workspace.lint_text import Folded, fold

_WORD = re.compile(r"\w+")


class WordList:
    """Terms to look for; `harmless` are phrases in which they mean something else."""

    def __init__(self, terms: Iterable[str], harmless: Iterable[str] = ()) -> None:
        cleaned = sorted({" ".join(fold(term).text.split()) for term in terms} - {"", "*"})
        # The longest first, so that `laser hair removal` is told and not `laser`.
        self._terms = _pattern(sorted(cleaned, key=lambda term: (-len(term), term)))
        harmless = sorted(" ".join(fold(phrase).text.split()) for phrase in harmless)
        self._harmless = _pattern(harmless) if harmless else None
        firsts = [term.partition(" ")[0] for term in cleaned]
        self._exact = frozenset(
            match[0] for first in firsts if (match := _WORD.search(first)) and "*" not in first
        )
        self._stems = tuple(match[0] for first in firsts if (match := _WORD.search(first)) and "*" in first)

    def find(self, folded: Folded) -> Iterator[tuple[int, str]]:
        """Where a term begins in the text that was folded, and the words that were found there."""
        text = folded.text
        # Most texts hold none: one look at each word is cheaper than the pattern at each place.
        if not any(word in self._exact or word.startswith(self._stems) for word in _WORD.findall(text)):
            return
        for match in self._terms.finditer(self.without_harmless(text)):
            yield folded.origin(match.start()), " ".join(match[0].split())

    def without_harmless(self, text: str) -> str:
        """Folded text, its harmless phrases blanked."""
        if self._harmless is None:
            return text
        return self._harmless.sub(lambda match: "\0" * len(match[0]), text)


def _pattern(terms: Iterable[str]) -> re.Pattern[str]:
    written = (
        " +".join(re.escape(word).replace(r"\*", r"\w*") for word in term.split(" ")) for term in terms
    )
    return re.compile(rf"(?<!\w)(?:{'|'.join(written) or '(?!)'})(?!\w)")
