"""What `revisit import` tells of a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from worker.cli.app import err, out

if TYPE_CHECKING:
    from worker.service.importing import Report

NAMED: Final = 15


def show(report: Report, *, dry_run: bool) -> None:
    """Counts of a file, and what was noticed."""
    counts = (
        ("would be added" if dry_run else "added", report.added),
        ("changed", report.changed),
        ("unchanged", report.unchanged),
        ("refused", report.refused),
    )
    told = ", ".join(f"{word} {number}" for word, number in counts)
    out.print(f"{report.name} ({report.sheet}): {told}", markup=False)
    for line in (*_of_export(report, dry_run=dry_run), *_of_people(report), *_of_rows(report)):
        out.print(f"  {line}", markup=False)


def show_refused(report: Report, first: Sequence[tuple[int, str]], errors: Path | None) -> None:
    """The first of the refused rows by their lines, and where all of them are."""
    for number, why in first:
        err.print(f"{report.name}, line {number}: {why}", style="red", markup=False)
    if report.refused > len(first):
        err.print(f"… and {report.refused - len(first)} more.", style="red", markup=False)
    if errors is not None:
        told = (
            f"The refused rows with their reasons are in {errors}; correct them there and import that file."
        )
        err.print(told, style="red", markup=False)


def _of_export(report: Report, *, dry_run: bool) -> Iterator[str]:
    if report.seen_before is not None:
        yield f"this very file was imported before, on {report.seen_before:%Y-%m-%d}; it is read as it was then"
    if report.older:
        yield f"{report.older} say what an older export said, and were passed over"
    if news := report.added + report.changed:
        yield f"{report.historical} are history and fire nothing, {news - report.historical} are news"
    if report.vanished:
        yield f"{report.vanished} bookings are no longer in it and {'would be' if dry_run else 'were'} cancelled"
    if report.kept:
        yield f"{report.kept}."


_PEOPLE: Final = (
    ("without consent", "have no consent: marketing will not reach them"),
    ("without address", "have neither telephone nor e-mail"),
    ("gone", "are deleted or archived in the system: kept, without consent"),
)
_ROWS: Final = (
    ("never closed, completed", "past bookings were never closed; they count as visits"),
    ("never closed, no_show", "past bookings were never closed; they count as missed"),
    ("never closed, unknown", "past bookings were never closed; they count as no visits"),
    ("left out by status", "rows are left out by their status"),
    ("unknown status", "rows have a status that the mapping does not know"),
    ("totals", "rows are totals, and were passed over"),
)


def _of_people(report: Report) -> Iterator[str]:
    counts = report.notes.counts
    for name, told in _PEOPLE:
        if counts[name]:
            yield f"{counts[name]} of {counts['patients']} patients {told}"
    if report.shared_phones:
        yield f"{report.shared_phones} telephone numbers belong to more than one patient: all are kept"


def _of_rows(report: Report) -> Iterator[str]:
    notes = report.notes
    for name, told in _ROWS:
        if notes.counts[name]:
            yield f"{notes.counts[name]} {told}"
    for what, number in notes.left_out.most_common(NAMED):
        yield f"{what} ({number} times)"
    if notes.services:
        yield f"{len(notes.services)} treatments are not in services.yaml, and count for no family:"
        for name, number in notes.services.most_common(NAMED):
            yield f"  {name} ({number} times)"
        if len(notes.services) > NAMED:
            yield f"  … and {len(notes.services) - NAMED} more"
