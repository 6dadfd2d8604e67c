"""The Fellegi–Sunter weights: how often each likeness is found between two records of one patient (m), and of two patients (u). Fixed, so that a score means the same everywhere.

A level's weight is log2(m / u); a pair's score is their sum and log2(`PRIOR`). `u` comes from counting in bases of 20,000 with Greek and English names (a name is shared by one pair in
5,000, a birthday by one in 20,000); `m` is what clinics' double entries look like, and errs towards caution. Levels are tried from the top; unknown on either side weighs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

PRIOR: Final = 2**-17
"""How many of all pairs are one patient: one in 131,000. For 20,000 records that would be 1,500 double ones."""
CERTAIN: Final = 10.0
"""The least score of a certain pair, beside the rules of `bands`: odds of a thousand to one."""
PROPOSED: Final = 0.0
"""The least score of a pair that staff are asked about: odds of one to one."""


class Level(NamedTuple):
    """One likeness of a field: its name, when it is so (SQL over a pair), m and u."""

    name: str
    sql: str
    m: float
    u: float


def _near(one: str, other: str) -> str:
    """Spelled a little differently: one letter in a word of four, two in one of nine."""
    return (
        f"(damerau_levenshtein({one}, {other}) <= "
        f"CASE WHEN least(length({one}), length({other})) > 8 THEN 2 WHEN least(length({one}), length({other})) > 3 THEN 1 ELSE 0 END)"
    )


_FAMILY: Final = f"(family_l = family_r OR {_near('family_l', 'family_r')})"
_PART: Final = "(least(len(words_l), len(words_r)) > 1 AND (list_has_all(words_l, words_r) OR list_has_all(words_r, words_l)))"
_ROOTS: Final = "(list_has_all(roots_l, roots_r) OR list_has_all(roots_r, roots_l))"
_CROSSED: Final = f"(given_l = family_r AND {_near('family_l', 'given_r')}) OR (family_l = given_r AND {_near('given_l', 'family_r')})"
_INITIAL: Final = "(least(length(given_l), length(given_r)) = 1 AND (starts_with(given_l, given_r) OR starts_with(given_r, given_l)) AND family_l = family_r)"

NAME: Final = (
    Level("unknown", "given_l IS NULL OR given_r IS NULL", 0, 0),
    Level("same", "whole_l = whole_r", 0.62, 0.00018),
    Level("near", f"(given_l = given_r AND {_near('family_l', 'family_r')}) OR {_PART}", 0.12, 0.00005),
    Level("short", f"{_ROOTS} AND {_FAMILY}", 0.04, 0.00002),
    Level(
        "typo", f"({_near('given_l', 'given_r')} AND {_FAMILY}) OR {_CROSSED} OR {_INITIAL}", 0.10, 0.00012
    ),
    Level("given", f"given_l = given_r OR {_ROOTS}", 0.07, 0.02),
    Level("other", "ELSE", 0.05, 0.97963),
)
BIRTH: Final = (
    Level("unknown", "birth_l IS NULL OR birth_r IS NULL", 0, 0),
    Level("same", "birth_l = birth_r", 0.86, 0.00005),
    Level("swapped", "birth_l = swapped_r", 0.04, 0.00004),
    Level("digit", "levenshtein(birth_l, birth_r) = 1", 0.05, 0.0012),
    Level("other", "ELSE", 0.05, 0.99871),
)
PHONE: Final = (
    Level("unknown", "phone_l IS NULL OR phone_r IS NULL", 0, 0),
    Level("same", "phone_l = phone_r", 0.72, 0.00006),
    Level("near", "damerau_levenshtein(phone_l, phone_r) = 1", 0.06, 0.0002),
    Level("other", "ELSE", 0.22, 0.99974),
)
EMAIL: Final = (
    Level("unknown", "email_l IS NULL OR email_r IS NULL", 0, 0),
    Level("same", "email_l = email_r", 0.70, 0.00004),
    Level(
        "near",
        "(length(local_l) > 5 AND local_l = local_r) OR damerau_levenshtein(email_l, email_r) <= 2",
        0.08,
        0.0001,
    ),
    Level("other", "ELSE", 0.22, 0.99986),
)
FIELDS: Final[dict[str, Sequence[Level]]] = {"name": NAME, "birth": BIRTH, "phone": PHONE, "email": EMAIL}
BLOCKS: Final = ("phone", "email", "either", "whole")
"""Two records are compared at all where they share one of these: the phone, the e-mail, the birth date (swapped or not), or the whole name."""
