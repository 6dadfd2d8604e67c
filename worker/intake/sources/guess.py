"""A mapping drafted from the files themselves, for a person to look at.

Rules
1. What the file shows is taken from it: encoding, delimiter, decimal mark, and the order of dates where a day over 12 shows it. What it does not show is asked.
2. Headers and statuses are known by the words of the ready mappings; a status that is not known is left to the person, and until then its rows are refused.
3. If one file knows its patients by no id, none does: the same fields make the id in all of them.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from worker.intake.sources.guess_words import family_of, latin, plain, status_of, vocabulary
from worker.intake.sources.rows import Table
from worker.intake.sources.survey import Unreadable, survey
from worker.workspace.sources import Form, SheetKind

SAMPLE: Final = 20_000
STATUSES: Final = 40
DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
KNOWN_BY: Final = ("name", "phone", "email")
MORE: Final = {"consultation": ", counts_as_treatment: false", "toxin": ", rx_only: true"}
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
    unused: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the file is called in the mapping."""
        return {"appointments": "visits"}.get(self.kind, self.kind)


def draft(path: Path) -> Draft:
    """Guess what a file is. Raises Unreadable, OSError."""
    encoding = encoding_of(path)
    delimiter = _delimiter(path, encoding)
    table = Table(path, Form(delimiter, encoding))
    try:
        rows = [row.cells for row in islice(table.rows(), SAMPLE) if row.error is None]
        header = table.header
    finally:
        table.close()
    kind, columns = _kind(path.name, header)
    found = Draft(path, kind, encoding, delimiter, columns)
    found.rows = len(rows)
    at = {name: header.index(headers[0]) for name, headers in columns.items()}
    used = {column for headers in columns.values() for column in headers}
    found.unused = tuple(name for name in header if name and name not in used)
    found.order = _order([row[at[name]] for name in _DATES if name in at for row in rows])
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


def mapping_text(drafts: Sequence[Draft], order: str, past: str) -> str:
    """config/sources/NAME.yaml. `order` and `past` are answers: the order of dates that may be read in two ways, and what a past booking is that nobody closed."""
    lines = ["# A draft from the files themselves. Look at every line before you import."]
    if any(one.order != "iso" for one in drafts):
        known = next((one.order for one in drafts if one.order not in (None, "iso")), order)
        lines.append(f"date_order: {known}")
    lines.append("files:")
    common = _common(drafts)
    used: Counter[str] = Counter()
    for one in drafts:
        used[one.name] += 1
        name = one.name if used[one.name] == 1 else f"{one.name}_{used[one.name]}"
        lines += [f"  {name}:", *(f"    {line}" for line in _file(one, common, past))]
    return "\n".join(lines) + "\n"


def service_entries(treatments: Mapping[str, int], taken: Sequence[str]) -> dict[str, str]:
    """Entries for `services` of services.yaml by code, the commonest treatment first. `taken` are codes that are there."""
    codes, entries = set(taken), {}
    for name in sorted(treatments, key=lambda name: (-treatments[name], name)):
        stem = re.sub(r"[^A-Z0-9]+", "_", latin(name).upper()).strip("_")[:40] or "SERVICE"
        code, number = stem, 2
        while code in codes:
            code, number = f"{stem}_{number}", number + 1
        codes.add(code)
        family, area = family_of(name) or ("other", "none")
        more = MORE.get(family, "")
        entries[code] = f"{code}: {{name: {_quoted(name)}, family: {family}, area: {area}{more}}}"
    return entries


def _common(drafts: Sequence[Draft]) -> tuple[str, ...]:
    """The fields that make a patient's id; none where every file has one."""
    lacks = [one for one in drafts if ("id" if one.kind == "patients" else "patient") not in one.columns]
    if not lacks:
        return ()
    shared = [name for name in KNOWN_BY if all(_has(one, name) for one in drafts)]
    if not shared:
        raise Unreadable(
            f"{lacks[0].path.name} has no column by which a patient is known in all files; export her id too"
        )
    return tuple(shared)  # fmt: skip


def _has(one: Draft, name: str) -> bool:
    names = ("name", "first_name", "last_name") if name == "name" else (name,)
    return any(each in one.columns for each in names)


def _file(one: Draft, common: tuple[str, ...], past: str) -> list[str]:
    written = {name: _headers(headers) for name, headers in one.columns.items()}
    columns = {name: text for name, text in written.items() if not name.startswith("flag:")}
    flags = {name.removeprefix("flag:"): text for name, text in written.items() if name.startswith("flag:")}
    lines = [f"kind: {one.kind}"]
    if one.encoding != "utf-8":
        lines.append(f"encoding: {one.encoding}")
    if one.delimiter != ",":
        lines.append(f"delimiter: {DELIMITERS[one.delimiter]}")
    if one.decimal != ".":
        lines.append('decimal: ","')
    own = "id" if one.kind == "patients" else "patient"
    if common:
        columns.pop(own, None)
        lines.append(f"{'id_from' if own == 'id' else 'patient_from'}: [{', '.join(common)}]")
    if one.kind == "appointments" and "id" not in columns:
        lines.append(f"id_from: [starts_at{', service' if 'service' in columns else ''}]")
    lines += _table("columns", columns)
    lines += _table("flags", flags)
    if "name" in columns:
        lines.append("name_order: first_last  # or last_first, where the last name stands first")
    if one.unused:
        lines.append(f"# not used: {', '.join(one.unused)[:400]}")
    if "status" in columns:
        known = {
            said if said == "empty" else _quoted(said): means for said, means in one.statuses.items() if means
        }
        lines += _table("statuses", known)
        lines += [
            f"  # {_quoted(said)}: what does it mean?" for said, means in one.statuses.items() if not means
        ]
    if one.kind == "appointments":
        lines.append(f"past_booked_means: {past}")
    return lines


def _table(name: str, values: Mapping[str, str]) -> list[str]:
    return [f"{name}:", *(f"  {key}: {value}" for key, value in values.items())] if values else []


def _headers(headers: Sequence[str]) -> str:
    return _quoted(headers[0]) if len(headers) == 1 else f"[{', '.join(map(_quoted, headers))}]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _delimiter(path: Path, encoding: str) -> str:
    """The delimiter by which the header has most cells, and the rows as many."""
    best = (0.0, ",")
    for delimiter in DELIMITERS:
        try:
            table = Table(path, Form(delimiter, encoding))
        except Unreadable:
            continue
        rows = list(islice(table.rows(), 200))
        table.close()
        whole = sum(row.error is None for row in rows) / len(rows) if rows else 1.0
        best = max(best, ((len(table.header) - 1) * whole, delimiter))
    if not best[0]:
        raise Unreadable(f"{path.name}: no delimiter splits its header; is it a CSV file?")
    return best[1]


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
