"""A patient's text as words that can be compared, whatever the keyboard.

Rules
1. Capitals, accents, fullwidth and mathematical letters, zero-width characters and apostrophes make no difference. `S T O P` is one word.
2. A word that mixes alphabets (`SΤΟΡ` with three Greek letters) is read in the one alphabet that it looks like.
3. Greek is compared by sound, so that one table reads Greek and Greeklish: `σταματήστε`, `stamathste` and `stamatiste` sound alike.
4. Only so much of a text is read (`READ`), so that no text is slow.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

READ: Final = 2_000
"""Characters: a long SMS has 1,600. Of a longer text the beginning and the end are read."""
_END: Final = 500

_LOOKS: Final = "αβεζηικμνορτυχ", "abezhikmnoptyx"
"""Greek capitals that look Latin."""
_CYRILLIC: Final = str.maketrans("авекмнорстухѕіј", "abekmhopctyxsij")
_TO_LATIN: Final = str.maketrans(*_LOOKS)
_TO_GREEK: Final = str.maketrans(*reversed(_LOOKS))
_INVISIBLE: Final = frozenset({"Mn", "Me", "Cf"})
_APOSTROPHES: Final = dict.fromkeys(map(ord, "'’‘ʼ´`΄᾽"))

_SPELLED: Final = re.compile(r"(?<![^\W_])[^\W\d_](?:[ .*_-]{1,3}[^\W\d_]){2,}(?![^\W_])")
_BETWEEN: Final = re.compile(r"[ .*_-]")
_LENGTHENED: Final = re.compile(r"([^\W\d_])\1{2,}")
_CLAUSE: Final = re.compile(r"[.!?;:,·…()\n\r\u2013\u2014]|(?<=\s)-+(?=\s)")
_WORD: Final = re.compile(r"[^\W_]+")

_ROMAN: Final = str.maketrans(
    {
        "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o",
        "π": "p", "ρ": "r", "σ": "s", "τ": "t", "υ": "y", "φ": "f", "χ": "x", "ψ": "ps", "ω": "o",
    }
)  # fmt: skip
_HEARD_AS: Final = {
    "ks": "x", "ch": "x", "th": "ti", "3": "x", "8": "ti", "9": "ti", "4": "ps", "j": "x", "w": "o", "c": "k", "q": "k",
    "ai": "e", "ay": "av", "au": "av", "af": "av", "ey": "ev", "eu": "ev", "ef": "ev", "ei": "i", "oi": "i", "ou": "U", "oy": "U", "u": "i", "y": "i", "mp": "v", "b": "v",
    "gk": "g", "ng": "g",
}  # fmt: skip
"""How letters of Greeklish sound. `th` may be θ or τη: both become `ti`."""
_SOUNDS: Final = re.compile("|".join(sorted(_HEARD_AS, key=len, reverse=True)))
_H_BEFORE: Final = re.compile(r"(?<=[aeiouyw])h|^h(?=[aeiouyw])")
_TWICE: Final = re.compile(r"(.)\1+")
_WHOLE_SOUNDS: Final = {"mu": "mU", "su": "sU", "tu": "tU", "th": "ti"}
_NO_GREEKLISH: Final = frozenset({"emma", "ema"})
"""Latin words that are no Greek words, though they sound like one (αίμα)."""


class Token(NamedTuple):
    """One word: as it is written, folded, and as it sounds in Greek."""

    word: str
    sound: str


Clause = tuple[Token, ...]


def fold(text: str) -> str:
    """The text without capitals, marks, invisible characters and apostrophes; about `READ` characters of it."""
    shown = unicodedata.normalize("NFKD", _ends(text).translate(_APOSTROPHES))
    plain = "".join(char for char in shown if unicodedata.category(char) not in _INVISIBLE)
    folded = _ends(plain.casefold().translate(_APOSTROPHES)).replace("thank you", "thanks")
    together = _SPELLED.sub(lambda found: _BETWEEN.sub("", found[0]), folded)
    return _LENGTHENED.sub(r"\1", together)


def _ends(text: str) -> str:
    """A text that is not too long, or the beginning and the end of it: one character may fold into eighteen."""
    return text if len(text) <= READ else f"{text[: READ - _END]}\n{text[1 - _END :]}"


def clauses(text: str) -> tuple[Clause, ...]:
    """The words between commas, full stops, lines; clauses without a word are left out."""
    found = (tuple(map(_token, _WORD.findall(part))) for part in _CLAUSE.split(fold(text)))
    return tuple(clause for clause in found if clause)


@lru_cache(maxsize=4_096)
def _token(raw: str) -> Token:
    word = _one_alphabet(raw)
    silent = word.isascii() and (len(word) == 1 or word in _NO_GREEKLISH)
    return Token(word, "" if silent else sound(word))


@lru_cache(maxsize=4_096)
def sound(word: str) -> str:
    """How a folded Greek or Greeklish word sounds, in Latin letters; capital `U` is ου."""
    roman = word.translate(_ROMAN)
    if roman in _WHOLE_SOUNDS:
        return _WHOLE_SOUNDS[roman]
    if roman.isdigit():
        return roman
    heard = _SOUNDS.sub(lambda found: _HEARD_AS[found[0]], _H_BEFORE.sub("x", roman))
    return _TWICE.sub(r"\1", heard.replace("h", "i"))


def is_greek(word: str) -> bool:
    """True when a folded word is written in Greek letters."""
    return any("α" <= char <= "ω" for char in word)


def _one_alphabet(word: str) -> str:
    latin = any("a" <= char <= "z" for char in word)
    seems = word.translate(_CYRILLIC)
    if seems.isascii() or (latin and seems != word):
        word = seems
    if not is_greek(word) or not any("a" <= char <= "z" for char in word):
        return word
    as_latin = word.translate(_TO_LATIN)
    return as_latin if as_latin.isascii() else word.translate(_TO_GREEK)
