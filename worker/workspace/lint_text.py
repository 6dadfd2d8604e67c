"""A text as its lints look at it: its words with everything else blanked out, folded, and each place in it a place in the file.

Rules
1. Blanked characters keep their place, so a finding's offset is an offset in the file's own text.
2. Folding takes away what hides a word: capitals, accents, typographic apostrophes, invisible marks; `_`, `-` and line ends count as blanks.
3. Words within quotes inside Jinja are words too: `{{ first_name or "friend" }}`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from worker.domain.source import Problem, Severity
from worker.workspace.jinja import Source
from worker.workspace.templates import Draft

BLANK: Final = "\0"
URL = re.compile(r"https?://[^\s)>\"'<]+", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_MARKUP = re.compile(
    r"<mj-(?:style|attributes|raw|font|breakpoint)\b.*?</mj-(?:style|attributes|raw|font|breakpoint)>|<style\b.*?</style>|<!--.*?-->|<[^<>]*>", re.DOTALL
)  # fmt: skip
_ENTITY = re.compile(r"&#?\w{1,8};")
_APART = str.maketrans({"_": " ", "-": " ", "–": " ", "\n": " ", "\u00a0": " ", "’": "'", "ʼ": "'", "‘": "'"})


@lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    plain = unicodedata.normalize("NFD", char)
    kept = "".join(c for c in plain if unicodedata.category(c) not in ("Mn", "Cf"))
    return kept.casefold().translate(_APART)


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded text; `offsets` say where each of its characters came from, None where nothing moved."""

    text: str
    offsets: tuple[int, ...] | None

    def origin(self, at: int) -> int:
        """The offset in the text that was folded."""
        return at if self.offsets is None else self.offsets[at]


def fold(text: str) -> Folded:
    """Rule 2."""
    if text.isascii():
        return Folded(text.lower().translate(_APART), None)
    pieces = [_folded(char) for char in text]
    if all(len(piece) == 1 for piece in pieces):
        return Folded("".join(pieces), None)
    offsets = tuple(at for at, piece in enumerate(pieces) for _ in piece)
    return Folded("".join(pieces), offsets)


@dataclass(frozen=True)
class Part:
    """One piece of a file: `subject`, `preheader` or `body`."""

    name: str
    source: Source
    markup: bool = False

    @cached_property
    def words(self) -> str:
        """What is written for a reader, and the addresses of links; the rest blanked."""
        text = self.source.text
        for start, end in self.source.tags():
            inner = text[start:end]
            kept = [BLANK] * len(inner)
            if not inner.startswith("{#"):
                for match in _QUOTED.finditer(inner):
                    kept[match.start() + 1 : match.end() - 1] = match[0][1:-1]
            text = text[:start] + "".join(kept) + text[end:]
        if self.markup:
            text = _MARKUP.sub(lambda m: BLANK * len(m[0]), text)
            text = _ENTITY.sub(lambda m: BLANK * len(m[0]), text)
        return text

    @cached_property
    def prose(self) -> Folded:
        """The words without the addresses of links, folded."""
        return fold(URL.sub(lambda match: BLANK * len(match[0]), self.words) if self.links else self.words)

    @cached_property
    def links(self) -> tuple[re.Match[str], ...]:
        """The addresses that are written out, in the file's own text."""
        return tuple(URL.finditer(self.source.text))

    @property
    def seen_by_others(self) -> bool:
        """Whether it shows on a locked screen: a subject or a preheader."""
        return self.name != "body"


@dataclass(frozen=True)
class Text:
    """One file that is looked at."""

    draft: Draft
    parts: tuple[Part, ...]
    about_health: bool = False
    offers: bool = False

    @property
    def path(self) -> str:
        """Its path in the workspace."""
        return self.draft.path

    @property
    def sms(self) -> bool:
        """Whether it is an SMS."""
        return self.draft.channel == "sms"

    @property
    def open_parts(self) -> Iterator[Part]:
        """The parts that others may see: all of an SMS; subject line and preheader of an e-mail."""
        return (part for part in self.parts if self.sms or part.seen_by_others)


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding in a part, at an offset of its text."""

    part: Part
    at: int

    def problem(self, code: str, severity: Severity, message: str, hint: str) -> Problem:
        """The Problem that it is."""
        line, column = self.part.source.place(self.at)
        return Problem(code, severity, self.part.source.path, line, column, message, hint)
