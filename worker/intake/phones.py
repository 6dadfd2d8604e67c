"""Phone numbers as clinics write them, turned into E.164.

Rules
1. A number without a country code is one of the clinic's country.
2. A number must be *possible* (right length for its country), not *assigned*: providers' test numbers and
   ranges opened last week must pass.
3. The result is a fixed point: the E.164 form of an E.164 form is itself.
"""

from __future__ import annotations

from functools import lru_cache

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_possible_number, parse

_ROUNDS = 3


@lru_cache(maxsize=16384)
def e164(text: str, country: str) -> str | None:
    """`690 000 0000` in `GR` as `+306900000000`; None where the text is no possible number. `country` is ISO
    3166 alpha-2, in capitals.
    """
    for _ in range(_ROUNDS):
        try:
            number = parse(text, country)
        except NumberParseException:
            return None
        if not is_possible_number(number):
            return None
        formatted = format_number(number, PhoneNumberFormat.E164)
        if formatted == text:
            return formatted
        # Parsing may take a trunk prefix away, and the shorter number may start with another one (rule 3).
        text = formatted
    return None
