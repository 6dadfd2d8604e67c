"""Which of a mapping's files a CSV file is: its header says.

Rules
1. It is the one that has most columns in it. If it lacks one of those that it must have, it is refused, and not taken for another one: appointments without their status are no
   patients.
2. Headers are compared without case and doubled space.
3. What is missing is named, with what stands there instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from worker.domain.shape import nearest
from worker.intake.sources.survey import Unreadable
from worker.workspace.sources import Sheet, folded

Places = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a header fits: the places of the columns that are there by field, what is missing, and what stands twice."""

    sheet: Sheet
    places: Places
    missing: tuple[str, ...]
    twice: tuple[str, ...]


def fit(sheet: Sheet, header: Sequence[str]) -> Fit:
    """How well a header fits one kind of file."""
    at: dict[str, int] = {}
    for place, name in enumerate(header):
        at.setdefault(folded(name), place)
    often = Counter(folded(name) for name in header)
    wanted = {**sheet.columns, **{f"flag:{name}": columns for name, columns in sheet.flags.items()}}
    places: dict[str, tuple[int, ...]] = {}
    missing: list[str] = []
    twice: list[str] = []
    for field, columns in wanted.items():
        found = tuple(at[folded(column)] for column in columns if folded(column) in at)
        if found:
            places[field] = found
        elif field.removeprefix("flag:") not in sheet.may_lack:
            missing.append(" or ".join(columns))
        twice += [column for column in columns if often[folded(column)] > 1]
    if sheet.kind == "appointments" and not {"starts_at", "date"} & places.keys():
        missing.append(" or ".join(sheet.columns.get("starts_at", sheet.columns.get("date", ()))))
    return Fit(sheet, places, tuple(dict.fromkeys(missing)), tuple(twice))


def recognise(name: str, header: Sequence[str], sheets: Sequence[Sheet]) -> Fit:
    """The file that this is. Raises Unreadable."""
    best = max((fit(sheet, header) for sheet in sheets), key=lambda one: (len(one.places), not one.missing))
    if best.missing:
        raise Unreadable(_none(name, header, best))
    if best.twice:
        raise Unreadable(
            f"{name}: the header has `{best.twice[0]}` twice, so it is not clear which is meant; rename one of them"
        )
    return best


def _none(name: str, header: Sequence[str], near: Fit) -> str:
    parts = []
    for column in near.missing:
        close = nearest(column.partition(" or ")[0], header)
        parts.append(f"`{column}`" + (f" (did you mean `{close}`?)" if close else ""))
    if len(header) == 1:
        hint = "It has a single column: is the delimiter right?"
    else:
        hint = "Correct `columns` in the mapping, or list the field in `may_lack`."
    return f"{name} is none of this source's files. As `{near.sheet.name}` ({near.sheet.kind}) its header lacks {', '.join(parts)}. {hint}"
