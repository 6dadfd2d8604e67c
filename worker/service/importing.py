"""CSV exports of a clinic system taken in: what is new in them becomes events.

Rules
1. All files of a run are one open import: while they are taken in and folded, time changes no patient of the clinic. What broke off is gone on with by the same command, behind the last row that
   is in; rows before it are read once more for what the report tells of them, and for nothing else.
2. A file is known again by its digest. It then shows what it showed when it was first taken in, so that taking it in again changes nothing, whatever came since.
3. A booking vanished from a full export if it lies ahead of the export's moment, is in none of the run's files of that kind, and was last told before that moment. If most bookings vanished, the export is
   taken for broken and none is cancelled, unless that is asked for.
4. A dry run reads the same, and writes nothing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from worker.domain.clinic import Clinic
from worker.domain.events import Event
from worker.intake.sources.deciding import Known, decide, thing_of, vanished
from worker.intake.sources.error_file import ERRORS
from worker.intake.sources.export import Export, Item
from worker.intake.sources.reading import Context, Notes, Told, hashed
from worker.intake.sources.rows import Row
from worker.intake.sources.seen import Seen
from worker.service.accepting import accept
from worker.service.jobs import Job
from worker.service.loading import Loader
from worker.service.told_before import as_known, told_before
from worker.store import events as stored
from worker.store import rooms, sourced
from worker.store.audit import note
from worker.store.engine import read, write
from worker.workspace.house import House
from worker.workspace.sources import Sheet, Source

CHUNK: Final = 2000
FEW: Final = 5
"""So many bookings may vanish at once, however few there are."""
BOOKED: Final = frozenset({"booking.created", "booking.rescheduled"})


@dataclass
class Report:
    """What became of a file. `rows` are counted as things: several rows of one appointment are one. `since_line` is the line that an earlier run which broke off had reached, 0 for none."""

    name: str
    sheet: str
    kind: str
    exported: datetime
    seen_before: datetime | None
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0
    refused: int = 0
    historical: int = 0
    vanished: int = 0
    kept: str = ""
    shared_phones: int = 0
    since_line: int = 0
    notes: Notes = field(default_factory=Notes)


@dataclass(frozen=True, slots=True)
class Step:
    """What a part of a file came to: the line that was reached, the jobs to queue, the rows that were refused. `folded`: all lines are in, and so many events that lay scattered are folded."""

    line: int
    jobs: tuple[Job, ...]
    refused: tuple[tuple[Row, str], ...]
    folded: int = 0


_COUNTS: Final = ("added", "changed", "unchanged", "older", "refused", "historical")


class Import:
    """One run over some files. A context manager: an error inside leaves the import open, and the same command goes on with it."""

    def __init__(
        self,
        house: House | None,
        clinic: str,
        about: Clinic,
        source: Source,
        now: datetime,
        *,
        exported: datetime | None = None,
        dry_run: bool = False,
        cancel_vanished: bool = False,
    ) -> None:
        """`house` None: nothing was ever stored. `about` are the clinic's zone, country and services; `exported` the moment that the files show, where it is known."""
        self._house, self._clinic, self._about, self._source = house, clinic, about, source
        self._now, self._exported, self._dry = now, exported, dry_run
        self._cancel_vanished = cancel_vanished
        self._mine: list[int] = []
        self._past: list[sourced.PastImport] = []
        self._exports: list[Export] = []
        self._seen: defaultdict[str, Seen] = defaultdict(Seen)
        self._loaders: dict[Path, Loader] = {}
        if house is not None:
            with read(house.engine) as conn:
                self._past = sourced.imports_named(conn, clinic, self._start)
        self._first = not any(past.loaded for past in self._past)

    @property
    def _start(self) -> str:
        return f"import {self._source.name} "

    def open(self, path: Path) -> Export:
        """A file, looked over. Raises Unreadable, OSError."""
        export = Export(path, self._source)
        self._exports.append(export)
        return export

    def __enter__(self) -> Self:
        return self

    def begin(self) -> None:
        """All files were opened: the import is open from now on."""
        if self._dry or self._house is None:
            return
        self._mine = [past.id for past in self._past if not past.loaded and not past.closed]
        digests = " ".join(export.survey.digest[:16] for export in self._exports)
        what = self._start + digests
        if not any(past.id in self._mine and past.what == what for past in self._past):
            with write(self._house.engine) as conn:
                number = rooms.open_import(conn, self._clinic, self._now, what)
                self._mine.append(number)
                detail = {"import": number, "source": self._source.name, "files": len(self._exports)}
                note(conn, self._clinic, self._now, "revisit", "import opened", detail)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for export in self._exports:
            export.close()
        for seen in self._seen.values():
            seen.close()
        if error is None and self._mine and self._house is not None:
            for loader in self._loaders.values():
                loader.done()
            with write(self._house.engine) as conn:
                last = stored.last_seq(conn, self._clinic)
                for number in self._mine:
                    rooms.loaded(conn, self._clinic, number, last)
                # A night without news is a sign of life too.
                stored.saw(conn, self._clinic, self._house.now(conn))

    def report(self, export: Export) -> Report:
        """An empty report of a file, with the moment that it shows (rule 2)."""
        digest = export.survey.digest[:16]
        before = next((past.opened_at for past in self._past if digest in past.what.split()), None)
        exported = min(self._exported or before or self._now, self._now)
        report = Report(export.path.name, export.sheet.name, export.sheet.kind, exported, before)
        if self._house is not None and not self._dry:
            loader = Loader(
                self._house, self._clinic, f"import {self._source.name}", self._digest(export, report)
            )
            self._loaders[export.path] = loader
            report.since_line = loader.line
            for name in _COUNTS:
                setattr(report, name, int(loader.counts.get(name, 0)))
        return report

    def _digest(self, export: Export, report: Report) -> str:
        """What the file is gone on with by: what it says, and how it is read."""
        read_by = (self._source, self._about.services, self._about.timezone, self._about.country)
        said = json.dumps([_plain(one) for one in read_by], sort_keys=True)
        exported = report.exported.isoformat() if self._exported is not None else ""
        return f"import {export.survey.digest} {hashed(said, exported)}"

    def take(self, export: Export, report: Report) -> Iterator[Step]:
        """Take a file in, part by part. What vanished is told with the last of a run's files of its kind: each may hold a part, such as one place of the clinic. History that lay scattered is folded
        with the last file."""
        context = export.context(self._about, report.exported, report.notes)
        seen = self._seen[export.sheet.name]
        before = seen.shared
        seen.since = min(report.exported, seen.since or report.exported)
        items = export.items(context)
        while part := list(islice(items, CHUNK)):
            was = [item for item in part if item.rows[-1].number <= report.since_line]
            if was:
                self._pass_over(export, seen, was)
            if len(was) < len(part):
                yield from self._part(export, context, report, seen, part[len(was) :])
            else:
                yield Step(export.line, (), ())
        loader = self._loaders.get(export.path)
        if loader is not None:
            seen.unsure = max(seen.unsure, int(loader.counts.get("unsure", 0)))
        report.shared_phones = seen.shared - before
        if (
            self._whole(export.sheet)
            and export is [one for one in self._exports if one.sheet is export.sheet][-1]
        ):
            yield self._vanished(export, context, report, seen)
        if export is self._exports[-1]:
            folded = 0
            for loader in self._loaders.values():
                for number, jobs in loader.fold_rest():
                    folded += number
                    yield Step(export.line, tuple(jobs), (), folded)

    def _pass_over(self, export: Export, seen: Seen, part: Sequence[Item]) -> None:
        """Rows that an earlier run has taken in."""
        for item in part:
            if item.error is not None:
                self._refuse(export, seen, item, item.error)
        told = [item.told for item in part if item.told is not None]
        if export.sheet.full_export:
            seen.add(one.thing for one in told)
        seen.phones(told)

    def _whole(self, sheet: Sheet) -> bool:
        """Whether the files of this kind hold every future booking."""
        files = [one for one in self._exports if one.sheet is sheet]
        return sheet.full_export and not any(one.path.name.endswith(ERRORS) for one in files)

    def _part(
        self, export: Export, context: Context, report: Report, seen: Seen, part: Sequence[Item]
    ) -> Iterator[Step]:
        refused: list[tuple[Row, str]] = []
        told: list[tuple[Item, Told]] = []
        for item in part:
            if item.error is not None:
                refused += self._refuse(export, seen, item, item.error)
            elif item.told is not None:
                told.append((item, item.told))
        known = told_before(self._house, self._clinic, self._source.uri, [one for _, one in told])
        events: list[Event] = []
        good: list[Told] = []
        for item, one in told:
            verdict = decide(context, one, known[one.thing], first=self._first)
            if verdict.event is not None:
                event = export.event(verdict.event, self._about, self._now)
                if isinstance(event, str):
                    refused += self._refuse(export, seen, item, event)
                    continue
                events.append(event)
                known[one.thing].append(as_known(verdict.event, self._now))
                report.historical += event.historical
            good.append(one)
            setattr(report, verdict.fate, getattr(report, verdict.fate) + 1)
        if export.sheet.full_export:
            seen.add(one.thing for one in good)
        seen.phones(good)
        report.refused += len(refused)
        if refused:
            # Told first: a part that is in is never read again.
            yield Step(export.line, (), tuple(sorted(refused, key=lambda one: one[0].number)))
        loader = self._loaders.get(export.path)
        jobs: tuple[Job, ...] = ()
        if loader is not None:
            counts = {**{name: getattr(report, name) for name in _COUNTS}, "unsure": seen.unsure}
            jobs, _ = loader.take(events, part[-1].rows[-1].number, lambda _: counts)
        yield Step(export.line, jobs, ())

    def _refuse(self, export: Export, seen: Seen, item: Item, why: str) -> list[tuple[Row, str]]:
        things = [export.thing(row) for row in item.rows]
        seen.unsure += things.count(None)
        seen.add(thing for thing in things if thing is not None)
        return [(row, why) for row in item.rows]

    def _accept(self, events: Sequence[dict[str, Any]]) -> tuple[Job, ...]:
        if self._dry or self._house is None or not events:
            return ()
        return accept(self._house, self._clinic, events, f"import {self._source.name}").jobs

    def _vanished(self, export: Export, context: Context, report: Report, seen: Seen) -> Step:
        if self._house is None:
            return Step(export.line, (), ())
        ahead = self._ahead(seen.since or report.exported)
        gone = [one for one in ahead if not seen.has(thing_of(one[0].id))]
        if gone and seen.unsure:
            report.kept = f"{len(gone)} bookings are not in it, and {seen.unsure} rows that were refused may be they: none was cancelled. Correct the rows and import the file again"
            return Step(export.line, (), ())
        if len(gone) > max(FEW, len(ahead) // 2) and not self._cancel_vanished:
            report.kept = f"{len(gone)} of {len(ahead)} bookings are not in it, which looks like half an export: none was cancelled. If they are gone indeed, import it again with --cancel-vanished"
            return Step(export.line, (), ())
        report.vanished = len(gone)
        jobs: list[Job] = []
        for start in range(0, len(gone), CHUNK):
            part = gone[start : start + CHUNK]
            jobs += self._accept([vanished(context, newest, subject) for newest, subject in part])
        return Step(export.line, tuple(jobs), ())

    def _ahead(self, exported: datetime) -> list[tuple[Known, str]]:
        """The bookings of this source that lie ahead of an export and were last told before it, each with its patient."""
        if self._house is None:
            return []
        by_thing: defaultdict[str, list[sourced.Head]] = defaultdict(list)
        found: list[tuple[Known, str]] = []
        source = self._source.uri
        # The day before, since starts are written in any zone: what began meanwhile is left out below.
        day = exported.date() - timedelta(days=2)
        with read(self._house.engine) as conn:
            booked = {thing_of(key) for key in sourced.booked_from(conn, self._clinic, source, BOOKED, day)}
            for head in sourced.appointment_heads(conn, self._clinic, source) if booked else ():
                if thing_of(head.id) in booked:
                    by_thing[thing_of(head.id)].append(head)
            seqs = [head.seq for thing in booked for head in by_thing[thing]]
            data = sourced.data_of(conn, self._clinic, seqs)
        for thing in sorted(booked):
            known = [
                (Known(head.id, head.type, head.time, head.received, data[head.seq]), head.subject)
                for head in by_thing[thing]
                if data.get(head.seq)
            ]
            newest = max(known, key=lambda one: one[0].stamp, default=None)
            if newest is None or newest[0].type not in BOOKED or newest[0].received > exported:
                continue
            if datetime.fromisoformat(newest[0].data["starts_at"]) > exported:
                found.append(newest)
        return found


def _plain(value: Any) -> Any:
    """A frozen value as JSON writes it, the same in every process."""
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(str(one) for one in value)
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else str(value)
