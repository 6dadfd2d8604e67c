"""One record of a clinic's base, made comparable.

Rules
1. A phone is E.164 already, as the door made it. An e-mail is compared without capitals; dots and what follows a plus mean nothing at Gmail, and only there.
2. What too many records share says nothing of a person: a phone or an e-mail on more than `CROWD` records is the clinic's own or a stopgap, and so is a birth date on more than one in
   `DAY_CROWD`. Both are taken as unknown.
3. A birth date is compared day by day, with day and month swapped, and digit by digit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from worker.domain.ledger import Ledger
from worker.intake.linkage.names import name_of

CROWD: Final = 8
DAY_CROWD: Final = 200
_DAYS_LEAST: Final = 25
_GMAIL: Final = frozenset({"gmail.com", "googlemail.com"})


@dataclass(frozen=True, slots=True)
class Record:
    """What a clinic's systems told of one patient, "" where they told nothing. `entries` are its appointments; `since` is when the first thing was told; `gone`: the patient has died."""

    id: str
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    email: str = ""
    birth_date: str = ""
    entries: int = 0
    since: str = ""
    gone: bool = False


def record_of(patient: str, ledger: Ledger) -> Record | None:
    """A patient's record from her ledger; None for one who asked to be forgotten."""
    if ledger.get("erased"):
        return None
    profile = {name: entry["value"] or "" for name, entry in ledger["profile"].items()}
    stamps = [entry["stamp"][0] for entry in ledger["profile"].values()]
    stamps += [record["since"] for records in ledger["appointments"].values() for record in records]
    first, last, phone, email, birth = (
        str(profile.get(name, "")) for name in ("first_name", "last_name", "phone", "email", "date_of_birth")
    )
    entries, gone = len(ledger["appointments"]), bool(ledger.get("deceased"))
    return Record(patient, first, last, phone, email, birth, entries, min(stamps, default=""), gone)


def email_key(email: str) -> str:
    """An address as it is delivered: `Maria.P+spa@Gmail.com` is `mariap@gmail.com`."""
    local, at, domain = email.strip().casefold().rpartition("@")
    if domain in _GMAIL:
        local, domain = local.partition("+")[0].replace(".", ""), "gmail.com"
    return f"{local}{at}{domain}"


def columns(records: Sequence[Record]) -> dict[str, list[Any]]:
    """The columns that are scored, row by row as the records come; None is unknown. `id` is the row's number."""
    names = [name_of(one.first_name, one.last_name) for one in records]
    emails = _less_crowded((email_key(one.email) for one in records), CROWD)
    days = _less_crowded((one.birth_date for one in records), max(_DAYS_LEAST, len(records) // DAY_CROWD))
    return {
        "id": list(range(len(records))),
        "given": [name.given or None if name else None for name in names],
        "family": [name.family or None if name else None for name in names],
        "whole": [name.whole if name and len(name.words) > 1 else None for name in names],
        "words": [list(name.words) if name else [] for name in names],
        "roots": [list(name.roots) if name else [] for name in names],
        "birth": days,
        "swapped": [_swapped(day) if day else None for day in days],
        "either": [min(day, _swapped(day) or day) if day else None for day in days],
        "phone": _less_crowded((one.phone for one in records), CROWD),
        "email": emails,
        "local": [email.partition("@")[0] if email else None for email in emails],
    }


def _less_crowded(values: Iterable[str], most: int) -> list[str | None]:
    found = list(values)
    bearers = Counter(found)
    return [value if value and bearers[value] <= most else None for value in found]


def _swapped(day: str) -> str | None:
    """The date with day and month swapped, None where that is no date."""
    year, month, of_month = day[:4], day[5:7], day[8:10]
    return f"{year}-{of_month}-{month}" if of_month <= "12" else None
