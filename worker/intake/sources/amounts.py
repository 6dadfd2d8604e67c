"""Amounts of money as exports write them: `1.234,50 €`, `€1,234.50`, `(20.00)`, `EUR 15`.

Rules
1. The decimal mark is what the mapping says. The other mark, spaces and apostrophes group thousands, and only in threes: `1234.50` where the mark is a comma is refused, not taken for 123450.
2. More than two decimals are rounded to the cent, halves away from zero.
3. A sign or letters beside the number name the currency; where there are none, the caller knows it.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final, Literal

_SIGNS: Final = {"€": "EUR", "£": "GBP", "₺": "TRY", "₪": "ILS", "zł": "PLN", "kr": "", "$": "", "лв": "BGN"}
"""Signs that are of one currency; "" for those of several."""
_PARTS: Final = re.compile(r"(?P<before>[^\d.,(\-+]*)(?P<open>\()?\s*(?P<sign>[-+−]?)\s*(?P<between>[^\d.,]*?)(?P<number>[.,]?\d[\d.,'’ ]*)\)?\s*(?P<after>[^\d]*)")  # fmt: skip


class NotAnAmount(ValueError):
    """The text is no amount; its text says what was expected."""


@lru_cache(maxsize=4096)
def amount_of(text: str, mark: Literal[".", ","], currency: str) -> tuple[int, str]:
    """Minor units and currency. Raises NotAnAmount."""
    plain = " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())
    match = _PARTS.fullmatch(plain)
    if match is None:
        raise NotAnAmount(f"`{_short(text)}` is not an amount")
    digits = _digits(match["number"].strip(), mark)
    if digits is None:
        raise NotAnAmount(f"`{_short(text)}` is not an amount with `{mark}` before the cents")
    minor = int((Decimal(digits) * 100).quantize(Decimal(1), ROUND_HALF_UP))
    negative = match["open"] is not None or match["sign"] in ("-", "−")
    beside = match["before"] + match["between"] + match["after"]
    return -minor if negative else minor, _currency(beside, currency)


def _digits(number: str, mark: str) -> str | None:
    whole, found, cents = number.partition(mark)
    if found and not re.fullmatch(r"\d{1,6}", cents):
        return None
    other = "." if mark == "," else ","
    if not re.fullmatch(rf"\d*|\d{{1,3}}(?:[{re.escape(other)}'’ ]\d{{3}})+", whole):
        return None
    plain = re.sub(r"\D", "", whole)
    return f"{plain or '0'}.{cents or '0'}" if len(plain) <= 10 else None


def _currency(beside: str, otherwise: str) -> str:
    code = re.search(r"(?<![A-Z])[A-Z]{3}(?![A-Z])", beside)
    if code is not None:
        return code[0]
    return next((known for sign, known in _SIGNS.items() if sign in beside and known), otherwise)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
