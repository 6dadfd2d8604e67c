"""What a file of a clinic system is, guessed from the file itself, for a person to look at.

Rules
1. What the file shows is taken from it: encoding, delimiter, lines above the header, decimal mark, the order of dates where a day over 12 shows it, the order of names where first
   names are known, and whether several rows are one appointment. What it does not show is asked (`guess_asking`).
2. Headers and statuses are known by the words of the ready mappings; a status that is not known is left to the person, and until then its rows are refused.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import Final

from worker.intake.sources.guess_names import order_of_names
from worker.intake.sources.guess_words import plain, status_of, vocabulary
from worker.intake.sources.rows import Table, totals
from worker.intake.sources.survey import Unreadable, survey
from worker.workspace.sources import Form, SheetKind

SAMPLE: Final = 20_000
STATUSES: Final = 40
DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
TITLES: Final = 8
"""So many lines may stand above the header."""
_DATES: Final = ("starts_at", "date", "date_of_birth", "created_at", "updated_at", "cancelled_at", "at")
_DAY: Final = re.compile(r"\s*(\d{1,2})[-/.](\d{1,2})[-/.](?:\d{4}|\d{2})\b")
_COMMA: Final = re.compile(r"\d,\d{1,2}(?!\d)")
_WIDE: Final = re.compile(rb"[\x80-\xff]")
_WORDS: Final = re.compile(rb"[\x80-\xff]{3,}")


@dataclass
class Draft:
    """What is guessed of one file. `order` None: its dates may be read in two ways; `statuses` with None: not known."""

    path: Path
    kind: SheetKind
    encoding: str
    delimiter: str
    columns: dict[str, tuple[str, ...]]
    order: str | None = None
    decimal: str = "."
    statuses: dict[str, str | None] = field(default_factory=dict)
    treatments: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    skip_lines: int = 0
    name_order: str = "first_last"
    by_service: bool = False
    unused: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the file is called in the mapping."""
        return {"appointments": "visits"}.get(self.kind, self.kind)


def draft(path: Path) -> Draft:
    """Guess what a file is. Raises Unreadable, OSError."""
    encoding = encoding_of(path)
    delimiter, skipped = _form(path, encoding)
    table = Table(path, Form(delimiter, encoding, skip_lines=skipped))
    try:
        rows = [
            row.cells for row in islice(table.rows(), SAMPLE) if row.error is None and not totals(row.cells)
        ]
        header = table.header
    finally:
        table.close()
    kind, columns = _kind(path.name, header)
    found = Draft(path, kind, encoding, delimiter, columns, skip_lines=skipped)
    found.rows = len(rows)
    at = {name: header.index(headers[0]) for name, headers in columns.items()}
    used = {column for headers in columns.values() for column in headers}
    found.unused = tuple(name for name in header if name and name not in used)
    found.order = _order([row[at[name]] for name in _DATES if name in at for row in rows])
    if "name" in at:
        found.name_order = order_of_names(row[at["name"]] for row in rows)
    found.by_service = kind == "appointments" and _repeats(rows, at)
    if "net" in at:
        found.decimal = "," if any(_COMMA.search(row[at["net"]]) for row in rows) else "."
    if "status" in at:
        seen = Counter(" ".join(row[at["status"]].split()) for row in rows)
        found.statuses = {said: status_of(said) for said, _ in seen.most_common(STATUSES) if said}
        if "completed" not in found.statuses.values():
            # Where no other word says that she was there, the one for her arrival does.
            came = {said: "completed" for said in found.statuses if plain(said).startswith("arriv")}
            found.statuses |= came
        if seen.get(""):
            found.statuses["empty"] = "booked"
    if "service" in at:
        found.treatments = Counter(name for row in rows if (name := " ".join(row[at["service"]].split())))
    return found


def encoding_of(path: Path) -> str:
    """The encoding that a file is in. Raises Unreadable, OSError."""
    with path.open("rb") as stream:
        sample = stream.read(1 << 20)
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        survey(path, "utf-8")
    except Unreadable:
        wide = len(_WIDE.findall(sample))
        # Greek words are wide letters in a row; accents of other languages stand alone among narrow ones.
        in_words = sum(len(word) for word in _WORDS.findall(sample))
        found = "cp1253" if in_words > wide * 0.6 else "cp1252"
        survey(path, found)
        return found
    return "utf-8"


def _form(path: Path, encoding: str) -> tuple[str, int]:
    """The delimiter by which the header has most cells, and the rows as many; and the lines above the header, if its words stand further down."""
    at_top = _delimiter(path, encoding, 0)
    for skipped in range(TITLES + 1):
        found = at_top if skipped == 0 else _delimiter(path, encoding, skipped)
        if found is not None and _knows(path, Form(found, encoding, skip_lines=skipped)):
            return found, skipped
    if at_top is None:
        raise Unreadable(f"{path.name}: no delimiter splits its header; is it a CSV file?")
    return at_top, 0


def _delimiter(path: Path, encoding: str, skipped: int) -> str | None:
    best = (0.0, ",")
    for delimiter in DELIMITERS:
        try:
            table = Table(path, Form(delimiter, encoding, skip_lines=skipped))
        except Unreadable:
            continue
        rows = list(islice(table.rows(), 200))
        table.close()
        whole = sum(row.error is None for row in rows) / len(rows) if rows else 1.0
        best = max(best, ((len(table.header) - 1) * whole, delimiter))
    return best[1] if best[0] else None


def _knows(path: Path, form: Form) -> bool:
    """Whether the words of a header stand there."""
    table = Table(path, form)
    table.close()
    try:
        _kind(path.name, table.header)
    except Unreadable:
        return False
    return True


def _repeats(rows: Sequence[Sequence[str]], at: Mapping[str, int]) -> bool:
    """Whether rows that follow each other are services of one appointment: the same id, start and status, and another service."""
    if not {"id", "service"} <= at.keys():
        return False
    same = [at[name] for name in ("id", "patient", "starts_at", "date", "time", "status") if name in at]
    return any(
        one[at["id"]]
        and one[at["service"]] != two[at["service"]]
        and all(one[place] == two[place] for place in same)
        for one, two in pairwise(rows)
    )


def _kind(name: str, header: Sequence[str]) -> tuple[SheetKind, dict[str, tuple[str, ...]]]:
    """The kind of file by what its headers mean, and the column of each field; of telephones all."""
    found: dict[SheetKind, dict[str, tuple[str, ...]]] = {}
    for kind, words in vocabulary().items():
        fields: dict[str, tuple[str, ...]] = {}
        for column in header:
            meant = words.get(plain(column))
            if meant is not None and (meant == "phone" or meant not in fields):
                fields[meant] = (*fields.get(meant, ()), column)
        found[kind] = fields
    visits = found.get("appointments", {})
    if "time" in visits and not {"starts_at", "date"} & visits.keys():
        visits["starts_at"] = visits.pop("time")
    if "cancelled_at" in visits and "status" not in visits:
        visits.setdefault("flag:cancelled", visits["cancelled_at"])
    if {"starts_at", "date"} & visits.keys() and {"service", "status"} & visits.keys():
        if "starts_at" in visits and "date" in visits:
            visits.pop("date")
            visits.pop("time", None)
        return "appointments", visits
    people = found.get("patients", {})
    if len(people) >= 2 and {"phone", "email", "id", "name", "last_name"} & people.keys():
        return "patients", people
    raise Unreadable(
        f"{name}: its headers do not say whether these are patients or appointments ({', '.join(header)[:200]}); write the mapping by hand"
    )


def _order(values: Sequence[str]) -> str | None:
    """`iso` where no date can be read in two ways, `dmy` or `mdy` where a day over 12 shows it, else None."""
    pairs = [(int(match[1]), int(match[2])) for value in values if (match := _DAY.match(value))]
    if not pairs:
        return "iso"
    first, second = sum(one > 12 for one, _ in pairs), sum(two > 12 for _, two in pairs)
    if first == second:
        return None
    return "dmy" if first > second else "mdy"
