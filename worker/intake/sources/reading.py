"""One row as its fields, and what is noticed on the way.

Rules
1. A value that decides when and what happened must be readable, or the row is refused; a telephone number, an address, a date of birth, a language that is not is left out and noted.
2. Of several headers that a field may have, the first that the file has and that is not empty in the row counts.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import Any, Final

from worker.domain.calendar import zone
from worker.domain.clinic import Clinic
from worker.intake.sources.moments import NotAMoment, moment_of
from worker.workspace.sources import Sheet, folded

YES: Final = frozenset(
    {"yes", "y", "true", "t", "1", "x", "✓", "✔", "on", "ok", "opted in", "opt in", "opted-in", "opt-in", "subscribed", "agreed", "granted", "ναι", "αληθές"}
)  # fmt: skip
NO: Final = frozenset(
    {"", "no", "n", "false", "f", "0", "off", "-", "opted out", "opt out", "opted-out", "opt-out", "unsubscribed", "revoked", "never", "όχι", "οχι", "ψευδές"}
)  # fmt: skip


class Refused(Exception):
    """The row is not taken; its text says why, and names the column."""


@dataclass
class Notes:
    """What the report says of a file besides its rows: counts only, and names of treatments."""

    counts: Counter[str] = field(default_factory=Counter)
    services: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Context:
    """What a row is read with. `exported` is the moment that the export shows."""

    sheet: Sheet
    clinic: Clinic
    source: str
    exported: datetime
    notes: Notes

    @cached_property
    def zone(self) -> tzinfo:
        """The zone of times without one."""
        return zone(self.sheet.form.zone) if self.sheet.form.zone else self.clinic.tz

    @cached_property
    def codes(self) -> Mapping[str, str]:
        """The codes of services by all that a treatment may be called, in small letters."""
        catalogue = self.clinic.services
        names = {folded(service.name): code for code, service in reversed(list(catalogue.items()))}
        return {**names, **{folded(code): code for code in catalogue}, **self.sheet.services}


@dataclass(frozen=True, slots=True)
class Told:
    """What a row tells. `thing` is what it tells of, the same in every export; `digest` all that it says, so that a row that says the same has the same.

    `own` is the moment by which the row itself is ordered (when it was last changed); `natural` when what it tells came about. `starts` is an appointment's start.
    """

    thing: str
    digest: str
    type: str
    subject: str
    data: Mapping[str, Any]
    own: datetime | None
    natural: datetime | None
    starts: datetime | None = None


class Fields:
    """One row by field name."""

    def __init__(
        self,
        context: Context,
        places: Mapping[str, tuple[int, ...]],
        headers: tuple[str, ...],
        cells: tuple[str, ...],
        *,
        means: str | None = None,
        spoken: bool = False,
    ) -> None:
        """`means`: what the row means, where that is known without its cells; `spoken`: it is a message, which may leave out what was told before."""
        self.context, self._places, self._headers, self._cells = context, places, headers, cells
        self.means, self.spoken = means, spoken
        self._noun = "field" if spoken else "column"

    def has(self, name: str) -> bool:
        """Whether the file has a column for the field or flag."""
        return name in self._places

    def text(self, name: str) -> str:
        """The cell of a field, "" where there is none."""
        for place in self._places.get(name, ()):
            value = self._cells[place].strip()
            if value:
                return value
        return ""

    def column(self, name: str) -> str:
        """The header that a field's value stands under, as a refusal names it."""
        places = self._places.get(name, ())
        for place in places:
            if self._cells[place].strip():
                return f"{self._noun} `{self._headers[place]}`"
        return f"{self._noun} `{self._headers[places[0]]}`" if places else f"`{name}`"

    def needed(self, name: str) -> str:
        """A field that no row can do without."""
        value = self.text(name)
        if not value:
            raise Refused(f"{self.column(name)} is empty")
        return value

    def moment(self, name: str) -> datetime | None:
        """An instant; None where the cell is empty or there is none."""
        text = self.text(name)
        if not text:
            return None
        try:
            return moment_of(text, self.context.sheet.form.date_order, self.context.zone)
        except NotAMoment as error:
            raise Refused(f"{self.column(name)}: {error}") from error

    def flag(self, name: str) -> bool:
        """Whether the column of a flag is filled in with anything but a word for no."""
        places = self._places.get(f"flag:{name}")
        if places is None:
            return False
        no = self.context.sheet.no
        return any(
            (said := folded(self._cells[place])) and said not in NO and said not in no for place in places
        )

    def agreed(self, name: str) -> bool | None:
        """Yes or no; None where the cell is empty or says neither."""
        sheet, said = self.context.sheet, folded(self.text(name))
        if said in sheet.yes or (said in YES and said not in sheet.no):
            return True
        if said and (said in sheet.no or said in NO):
            return False
        if said:
            self.context.notes.left_out[f"{self.column(name)}: neither yes nor no"] += 1
        return None

    def kept(self, name: str, read: Callable[[str], str | None]) -> str | None:
        """A value of a person as `read` understands it: of several columns the first that it does. What none of them says is left out, and noted."""
        cells = [cell for place in self._places.get(name, ()) if (cell := self._cells[place].strip())]
        for cell in cells:
            if (value := read(cell)) is not None:
                return value
        if cells:
            self.context.notes.left_out[f"{self.column(name)}: could not be read, and was left out"] += 1
        return None


def hashed(*parts: str) -> str:
    """Twenty hexadecimal digits for what the parts say."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:20]


def digest_of(type_: str, subject: str, said: Mapping[str, Any]) -> str:
    """The digest of all that a row says."""
    return hashed(type_, subject, json.dumps(said, sort_keys=True, default=str, ensure_ascii=False))


def in_utc(moment: datetime) -> str:
    """An instant as events write it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
