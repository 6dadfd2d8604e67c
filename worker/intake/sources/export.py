"""A CSV file of a system, opened: which of the mapping's files it is, and what its rows tell.

Rules
1. Everything that is wrong with the file as a whole is told when it is opened, before a row of it is taken.
2. A row that is refused is told with all its reasons, by the names of its columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from worker.domain.clinic import Clinic
from worker.domain.events import Event
from worker.intake.sources.appointments import joined, same_appointment
from worker.intake.sources.header import Fit, recognise
from worker.intake.sources.reading import Context, Fields, Notes, Refused, Told, hashed
from worker.intake.sources.row_told import event_of, told_of
from worker.intake.sources.rows import Row, Table, totals
from worker.intake.sources.survey import Survey, Unreadable, survey
from worker.workspace.sources import Form, Sheet, Source


@dataclass(frozen=True, slots=True)
class Item:
    """One or more rows of one thing, with what they tell; or one row with why it is refused. Neither: a row that tells nothing."""

    rows: tuple[Row, ...]
    told: Told | None = None
    error: str | None = None


class Export:
    """A file that can be read. Close it."""

    def __init__(self, path: Path, source: Source) -> None:
        """Raises Unreadable, OSError."""
        self.path = path
        self._table, self._fit, self.survey = _open(path, source)
        self.source = source

    @property
    def sheet(self) -> Sheet:
        """Which file of the mapping it is."""
        return self._fit.sheet

    @property
    def header(self) -> tuple[str, ...]:
        """Its columns."""
        return self._table.header

    @property
    def line(self) -> int:
        """The last line that was read."""
        return self._table.line

    def close(self) -> None:
        """Close the file."""
        self._table.close()

    def context(self, clinic: Clinic, exported: datetime, notes: Notes) -> Context:
        """What its rows are read with."""
        return Context(self.sheet, clinic, self.source.uri, exported, notes)

    def items(self, context: Context) -> Iterator[Item]:
        """What the rows tell, in their order."""
        together = self.sheet.kind == "appointments" and self.sheet.one_row_per == "service"
        held: list[tuple[Row, Told]] = []
        for row in self._table.rows():
            item = self._item(context, row)
            if not together or item.told is None:
                yield item
                continue
            if held and not same_appointment(held[0][1], item.told):
                yield _joined(held)
                held = []
            held.append((row, item.told))
        if held:
            yield _joined(held)

    def thing(self, row: Row) -> str | None:
        """What a refused row is about, as far as it can be made out: only an appointment's own id says it."""
        places = self._fit.places.get("id", ())
        if row.error is not None or not places:
            return None
        key = next((value for place in places if (value := row.cells[place].strip())), "")
        return hashed("appointment", key) if key else None

    def event(self, event: Mapping[str, Any], clinic: Clinic, now: datetime) -> Event | str:
        """An event of this file as it is accepted; or why it would not be, by the names of its columns."""
        return event_of(event, clinic, now, self._fit.places, self.header)

    def _item(self, context: Context, row: Row) -> Item:
        if totals(row.cells):
            context.notes.counts["totals"] += 1
            return Item((row,))
        if row.error is not None:
            return Item((row,), error=row.error)
        fields = Fields(context, self._fit.places, self.header, row.cells)
        try:
            return Item((row,), told_of(fields))
        except Refused as error:
            return Item((row,), error=str(error))


def _joined(held: list[tuple[Row, Told]]) -> Item:
    return Item(tuple(row for row, _ in held), joined([told for _, told in held]))


def _open(path: Path, source: Source) -> tuple[Table, Fit, Survey]:
    """The table, by the first way of writing that fits. Of several refusals, that of a header says most."""
    why: Unreadable | None = None
    by_form: dict[Form, list[Sheet]] = {}
    for sheet in source.sheets:
        by_form.setdefault(sheet.form, []).append(sheet)
    for form, sheets in by_form.items():
        try:
            seen = survey(path, form.encoding)
            table = Table(path, form)
        except Unreadable as error:
            why = why or error
            continue
        try:
            return table, recognise(path.name, table.header, sheets), seen
        except Unreadable as error:
            table.close()
            if why is None or len(table.header) > 1:
                why = error
    raise why or Unreadable(f"{path.name}: the mapping names no files")
