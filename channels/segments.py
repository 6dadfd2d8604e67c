"""How many SMS segments a text costs, and which characters make it dear.

A text made only of the GSM 03.38 alphabet goes as 7-bit units: 160 in one segment, 153 in each of several.
One other character turns the whole text into UCS-2: 70, or 67 each. Characters of the GSM extension table
cost two units, and so do characters outside the basic plane in UCS-2; neither pair may straddle two segments.
Source: 3GPP TS 23.038 section 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = frozenset("\f^{}\\[~]|€")

_SINGLE = {"gsm7": 160, "ucs2": 70}
_EACH = {"gsm7": 153, "ucs2": 67}


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs."""

    encoding: Literal["gsm7", "ucs2"]
    count: int  # 0 for an empty text
    units: int  # 7-bit or 16-bit units, without the padding that keeps pairs together
    forced_by: tuple[str, ...]  # the characters that force UCS-2, each once, in order of appearance


def count_segments(text: str) -> Segments:
    """Encoding, number of segments and the characters to blame for UCS-2."""
    foreign = tuple(dict.fromkeys(c for c in text if c not in GSM_BASIC and c not in GSM_EXTENSION))
    encoding: Literal["gsm7", "ucs2"] = "ucs2" if foreign else "gsm7"
    if encoding == "gsm7":
        costs = [2 if c in GSM_EXTENSION else 1 for c in text]
    else:
        costs = [2 if ord(c) > 0xFFFF else 1 for c in text]
    units = sum(costs)
    if units <= _SINGLE[encoding]:
        return Segments(encoding, 1 if text else 0, units, foreign)
    count, used = 1, 0
    for cost in costs:
        if used + cost > _EACH[encoding]:
            count, used = count + 1, 0
        used += cost
    return Segments(encoding, count, units, foreign)
