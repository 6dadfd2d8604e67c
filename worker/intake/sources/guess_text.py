"""config/sources/NAME.yaml and entries of services.yaml, written from what was guessed of the files.

Rules
1. Whatever a person may have to change stands there, with a remark where the files did not say it.
2. If one file knows its patients by no id, none does: the same fields make the id in all of them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from worker.intake.sources.guess import DELIMITERS, Draft
from worker.intake.sources.guess_words import family_of, latin
from worker.intake.sources.survey import Unreadable

KNOWN_BY: Final = ("name", "phone", "email")
MORE: Final = {"consultation": ", counts_as_treatment: false", "toxin": ", rx_only: true"}


def mapping_text(drafts: Sequence[Draft], order: str, past: str, zone: str = "") -> str:
    """config/sources/NAME.yaml. `order` and `past` are answers: the order of dates that may be read in two ways, and what a past booking is that nobody closed. `zone` is the clinic's."""
    lines = ["# A draft from the files themselves. Look at every line."]
    if zone:
        lines.append(f"zone: {zone}")
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
    if one.skip_lines:
        lines.append(f"skip_lines: {one.skip_lines}")
    own = "id" if one.kind == "patients" else "patient"
    if common:
        columns.pop(own, None)
        lines.append(f"{'id_from' if own == 'id' else 'patient_from'}: [{', '.join(common)}]")
    if one.kind == "appointments" and "id" not in columns:
        lines.append(f"id_from: [starts_at{', service' if 'service' in columns else ''}]")
    lines += _table("columns", columns)
    lines += _table("flags", flags)
    if "name" in columns:
        other = "last_first" if one.name_order == "first_last" else "first_last"
        lines.append(f"name_order: {one.name_order}  # or {other}")
    if one.by_service:
        lines.append("one_row_per: service")
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
