"""What a text may say of an offer: its code, its words, and its last day, as people write it in the language of the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from worker.domain.offers import Offer


@dataclass(frozen=True, slots=True)
class Promise:
    """An offer as one message makes it. `text` is by language; `until` is its last day; `country` (ISO 3166) says how dates are written."""

    code: str
    text: Mapping[str, str]
    until: date
    country: str

    def said(self, language: str) -> dict[str, str]:
        """`code`, `text` and `until` in a language; the first text that there is where none is in it."""
        words = self.text.get(language) or next(iter(self.text.values()), "")
        return {"code": self.code, "text": words, "until": day_in_words(self.until, language, self.country)}


def promise(offer: Offer, sent: date, country: str) -> Promise:
    """An offer as a message of that patient-local day makes it."""
    return Promise(offer.code, offer.text, offer.last_day(sent), country)


@lru_cache(maxsize=1024)
def day_in_words(day: date, language: str, country: str) -> str:
    """A date in full: `1 December 2026`, in a country that writes the month first `December 1, 2026`."""
    return format_date(day, "long", locale=_locale(language, country))


@lru_cache(maxsize=256)
def _locale(language: str, country: str) -> Locale:
    for name in (f"{language}_{country}", f"{language}_001", language):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse("en_001")
