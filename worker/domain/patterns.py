"""The short texts of a file as regular expressions that mean the same to Python and to editors (ECMA 262).

Rules
1. Only what both read alike: `[0-9]` and no `\\d`, no inline flags, no named groups. None has an anchor; `whole` adds them.
2. A pattern knows the writing. It can't add up or compare: `5 to 1`, 30 February and a span of more than a hundred years pass it, and are refused when the file is read.
"""

from __future__ import annotations

from typing import Final


def whole(pattern: str) -> str:
    """The pattern for a whole text, as `pattern` in a JSON Schema wants it."""
    return f"^(?:{pattern})$"


def any_case(word: str) -> str:
    """The word in capital or small letters."""
    return "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in word)


def _unit(*names: str) -> str:
    return f"(?:{'|'.join(any_case(name) for name in names)})[Ss]?"


def _spans(unit: str) -> str:
    part = rf"[0-9]{{1,5}}\s+{unit}"
    return rf"\s*(?=[^1-9]*[1-9]){part}(?:\s* and \s*{part})*\s*"


def counts(number: str) -> str:
    """`none`, `any`, `exactly 1`, `at least 2`, `at most 3`, `1 to 5`, `2`, of such numbers."""
    return rf"(?:none|any|(?:exactly |at least |at most )?{number}|{number} to {number})"


DAY_UNIT: Final = _unit("day", "week", "month", "year")
SPAN: Final = _spans(_unit("second", "minute", "hour", "day", "week", "month", "year"))
"""A length of time that is not zero."""
DAYS: Final = _spans(DAY_UNIT)
"""One of whole days."""
_START: Final = "(?:[01]?[0-9]|2[0-3]):[0-5][0-9]"
CLOCK: Final = rf"\s*(?:{_START}|24:00)\s*"
_SAME: Final = r"0?([0-9]{1,2}:[0-9]{2})\s*[-–]\s*0?\1\s*$"
WINDOW: Final = rf"\s*(?:(?!{_SAME}){_START}\s*[-–]\s*(?:{_START}|24:00)|{any_case('all day')})\s*"
_BIG: Final = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
_SMALL: Final = "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
DATE: Final = f"(?!0000)[0-9]{{4}}-(?:{_BIG}|{_SMALL}|02-(?:0[1-9]|[12][0-9]))"
PERCENT: Final = r"\s*(?:100|[0-9]{1,2})\s*%\s*"
CURRENCY: Final = "[A-Z]{3}"
MONEY: Final = rf"(?:[0-9]{{1,12}}|[0-9]{{1,3}}(?:,[0-9]{{3}}){{1,3}})(?:\.[0-9]{{1,2}})? {CURRENCY}"
COUNT: Final = counts("[0-9]{1,6}")
AGE: Final = counts("(?:0{0,5}[0-9]|0{0,4}[1-9][0-9]|0{0,3}1(?:[0-4][0-9]|50))")
"""A count up to 150."""
