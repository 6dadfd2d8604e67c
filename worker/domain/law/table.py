"""All laws that are known here, and the way from a place to its law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from worker.domain.clinic import Clinic
from worker.domain.law import europe, us
from worker.domain.law.model import EVERYWHERE, Law, strictest

AS_OF: Final = "2026-11"
"""When the tables were last gone through."""

_REGIONS: Final[Mapping[str, Mapping[str, Law]]] = {"US": us.STATES}
_NAMES: Final[Mapping[str, Mapping[str, str]]] = {"US": us.NAMES}
COUNTRIES: Final[Mapping[str, Law]] = {
    **europe.COUNTRIES,
    "US": strictest(us.STATES.values()),
    **{code: us.STATES[code] for code in us.TERRITORIES},
}
"""The law of each country that is known; of one whose regions differ, the strictest of them."""


def regions_of(country: str) -> Mapping[str, str]:
    """The regions whose laws differ, by the part of ISO 3166-2 after the country, with their names; empty where the law is one for all."""
    return _NAMES.get(country, {})


@cache
def law_of(country: str, region: str | None = None) -> Law:
    """The law of a country (ISO 3166-1) and a region of it (`FL` of `US-FL`). Never fails: an unknown region has the strictest law of its country, an unknown country `EVERYWHERE`."""
    found = _REGIONS.get(country, {}).get(region or "")
    return found or COUNTRIES.get(country) or replace(EVERYWHERE, country=country)


def law_of_clinic(clinic: Clinic) -> Law:
    """What binds every text of a clinic: the strictest of its own law and those of its places."""
    regions = [place.region or clinic.region for place in clinic.locations.values()]
    regions += [clinic.region] if clinic.region or not regions else []
    return strictest(law_of(clinic.country, region) for region in dict.fromkeys(regions))
