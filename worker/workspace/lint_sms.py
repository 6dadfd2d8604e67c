"""What an SMS costs: how many segments, and which characters make it dear.

Rules
1. Measured is the text as a sample patient would read it, with her name.
2. A text in the plain alphabet is meant to be one segment. One whose letters are not of that alphabet (Greek, say) has 70 characters a segment by its nature: up to
   two segments are what it needs, and nothing is said.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from channels.segments import Segments, count_segments
from worker.domain.source import Problem
from worker.workspace.lint_text import Finding, Text

Price = tuple[Decimal, str]
OWN_ALPHABET: Final = 0.3
"""The share of letters outside the plain alphabet from which on a text is taken to be written in another one."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one SMS comes to: its segments, the characters that force UCS-2 with how often, its price and currency (None where the clinic gave none)."""

    segments: Segments
    forced_by: tuple[tuple[str, int], ...]
    price: Price | None
    own_alphabet: bool

    @property
    def fair(self) -> int:
        """How many segments a text of this alphabet may have (rule 2)."""
        return 2 if self.own_alphabet else 1


def cost(text: str, price: Price | None = None) -> Cost:
    """What a text costs; `price` is that of one segment."""
    segments = count_segments(text)
    counted = Counter(char for char in text if char in segments.forced_by)
    letters = sum(char.isalpha() for char in text)
    foreign = sum(size for char, size in counted.items() if char.isalpha())
    whole = (price[0] * segments.count, price[1]) if price is not None else None
    forced = tuple((char, counted[char]) for char in segments.forced_by)
    return Cost(segments, forced, whole, bool(letters) and foreign / letters >= OWN_ALPHABET)


def name_of(char: str) -> str:
    """A character as people can look for it: itself, and its name where it can't be told apart or seen."""
    shown = char if char.isprintable() and not char.isspace() else " "
    return f"{shown} ({unicodedata.name(char, f'U+{ord(char):04X}').lower()})"


def dear(text: Text, filled: str, price: Price | None) -> Iterator[Problem]:
    """An SMS of more segments than it should have, at the first character that is to blame."""
    found = cost(filled, price)
    if found.segments.count <= found.fair:
        return
    body = text.parts[0]
    at, why = (
        0,
        f"{found.segments.units} of {160 if found.segments.encoding == 'gsm7' else 70 if found.fair == 1 else 134} characters",
    )
    hint = "Say it in fewer words."
    if found.forced_by and not found.own_alphabet:
        written = [body.source.text.find(char) for char, _ in found.forced_by]
        at = min((place for place in written if place >= 0), default=0)
        why += "; UCS-2 because of " + ", ".join(f"{name_of(char)} {size}×" for char, size in found.forced_by)
        hint = "Replace these characters: without them a segment holds 160 characters, with them 70."
    each = f", {_money(found.price)} a message" if found.price is not None else ""
    yield Finding(body, at).problem(
        "sms-segments", "warning", f"this SMS goes as {found.segments.count} segments{each} ({why})", hint
    )


def _money(price: Price) -> str:
    return f"{price[0].normalize():f} {price[1]}"
