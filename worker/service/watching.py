"""Exports that arrive in a folder by themselves, taken in as `revisit import` does: `watch` of config/sources/NAME.yaml, as it is in force.

Rules
1. The files of a folder are one run of the same import (`worker/service/importing.py`): what was taken in before changes nothing, so a run that was cut off is simply made again.
2. A run that could not be made lies in `failed/`, any other in `done/`; the rows that were refused lie beside their file. A person is told of both, of the same refused rows once.
3. Where an export is expected and none came, a person is told once, until the next one comes.
4. While the database is away the files wait where they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path, PurePosixPath
from typing import Final

import structlog
from sqlalchemy import Connection

from worker.delivery.trouble import ENGINEER, system_task
from worker.domain.calendar import at_local, local_day, midnight
from worker.domain.clinic import Clinic
from worker.domain.rules import Rules
from worker.intake.sources.error_file import ErrorFile
from worker.intake.sources.survey import Unreadable
from worker.intake.sources.tray import Tray
from worker.service.importing import Import, Report
from worker.service.jobs import Job
from worker.service.whereabouts import place_of
from worker.store import rooms as stored
from worker.store import sourced, tasks
from worker.store.engine import AWAY, read, write
from worker.workspace.config_sources import source_files, source_named
from worker.workspace.house import House
from worker.workspace.sources import Source, Watch

log = structlog.get_logger(__name__)
LATE: Final = {"daily": timedelta(hours=30), "weekly": timedelta(days=8)}
MIDNIGHT: Final = 24 * 60


class Stopped(Exception):
    """This process is asked to end; the run is made again by the next one."""


@dataclass
class Taken:
    """A run over the files of a folder. `why`: why it could not be made, "" where it was."""

    reports: list[Report] = field(default_factory=list)
    refused: str = ""
    why: str = ""

    @property
    def trouble(self) -> str:
        """What of a run that was made a person should look at; "" for nothing."""
        rows = sum(report.refused for report in self.reports)
        said = [f"{rows} rows were refused; they lie beside their file with the reason"] if rows else []
        return "; ".join([*said, *(report.kept for report in self.reports if report.kept)])


@dataclass(frozen=True, slots=True)
class _Clinic:
    version: int
    sources: tuple[Source, ...]


class Watcher:
    """Looks into the folders of all clinics. `folder` is the one that theirs lie in, `put` queues jobs, `stopped` says whether to end."""

    def __init__(
        self,
        house: House,
        folder: Path,
        put: Callable[[Sequence[Job]], object],
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._house, self._folder, self._put, self._stopped = house, folder, put, stopped
        self._clinics: dict[str, _Clinic] = {}
        self._trays: dict[tuple[str, str, Watch], Tray] = {}

    def look(self) -> int:
        """Look once; how many runs were made, whatever became of them. Raises what says that the database is away."""
        with read(self._house.engine) as conn:
            clinics = [
                (self._house.rooms(conn, clinic).rules, self._sources(conn, clinic))
                for clinic in stored.clinic_ids(conn)
            ]
        return sum(
            self._source(rules, source, source.watch)
            for rules, sources in clinics
            for source in sources
            if source.watch is not None and not self._stopped()
        )

    def _sources(self, conn: Connection, clinic: str) -> tuple[Source, ...]:
        version = stored.current_version(conn, clinic) or 0
        known = self._clinics.get(clinic)
        if known is None or known.version != version:
            files = source_files(stored.files_of(conn, clinic, version) or {})
            found = (source_named(PurePosixPath(path).stem, text) for path, text in sorted(files.items()))
            watched = tuple(source for source in found if source is not None and source.watch is not None)
            known = self._clinics[clinic] = _Clinic(version, watched)
        return known.sources

    def _source(self, rules: Rules, source: Source, watch: Watch) -> int:
        clinic = rules.clinic.id
        key = (clinic, source.name, watch)
        tray = self._trays.setdefault(key, Tray(self._folder / clinic / watch.folder, watch.files))
        runs = 0
        try:
            with tray.alone() as mine:
                taken = (tray.left_over() or self._arrived(tray, rules.clinic, watch)) if mine else None
                if taken is not None:
                    self._run(tray, taken, rules, source)
                    runs = 1
        except Stopped:
            return 0
        except OSError as error:
            said = f"The folder {tray.folder} of the exports of `{source.name}` can't be used: {error.strerror or type(error).__name__}."
            day = local_day(self._house.wall(), rules.clinic.tz)
            self._tell(rules, f"export/{source.name}/folder/{day}", said)
            log.warning("exports can't be taken", clinic=clinic, error=type(error).__name__)
        if watch.expect is not None:
            self._expect(rules, source, LATE[watch.expect])
        return runs

    def _arrived(self, tray: Tray, about: Clinic, watch: Watch) -> Path | None:
        now = self._house.wall()
        return tray.take(now, _last_of(watch.at, now, about) if watch.at else None)

    def _run(self, tray: Tray, taken: Path, rules: Rules, source: Source) -> None:
        found = self._take(tray.files(taken), rules.clinic, source)
        where = tray.put_away(taken, "failed" if found.why else "done")
        added = sum(report.added + report.changed for report in found.reports)
        refused = sum(report.refused for report in found.reports)
        log.info("exports taken", clinic=rules.clinic.id, outcome=where.parent.name, count=len(found.reports), added=added, refused=refused)  # fmt: skip
        name = f"export/{source.name}"
        if found.why:
            said = f"The export of `{source.name}` could not be taken in: {found.why}. It lies in {where}; put it right, and put it back into {tray.folder}."
            self._tell(rules, f"{name}/failed/{taken.name}", said, urgent=True)
            return
        with write(self._house.engine) as conn:
            now = self._house.now(conn)
            for over in ("failed/", "missing/", "folder/"):
                tasks.finish(conn, rules.clinic.id, origin=tasks.SYSTEM, name=f"{name}/{over}", at=now)
        if found.trouble:
            digest = hashlib.sha256(f"{found.refused}{found.trouble}".encode()).hexdigest()[:16]
            said = f"The export of `{source.name}` was taken in, but for this: {found.trouble}. It lies in {where}."
            self._tell(rules, f"{name}/rows/{digest}", said)

    def _take(self, paths: Sequence[Path], about: Clinic, source: Source) -> Taken:
        found = Taken()
        refused = hashlib.sha256()
        with read(self._house.engine) as conn:
            now = self._house.now(conn)
        try:
            with Import(self._house, about.id, about, source, now) as run:
                exports = [run.open(path) for path in paths]
                run.begin()
                for export in exports:
                    report = run.report(export)
                    found.reports.append(report)
                    with ErrorFile(export, kept=report.refused) as errors:
                        for step in run.take(export, report):
                            self._put(step.jobs)
                            for row, why in step.refused:
                                errors.write(row, why)
                                refused.update("\x1f".join((*row.cells, why)).encode("utf-8", "replace"))
                            if self._stopped():
                                raise Stopped
        except (*AWAY, Stopped):
            raise
        except Unreadable as error:
            found.why = str(error)
        except OSError as error:
            found.why = error.strerror or type(error).__name__
        except Exception as error:  # noqa: BLE001 (a file that this program stumbles over must not be taken up for ever)
            log.error("export failed", clinic=about.id, error=type(error).__name__, where=place_of(error))
            found.why = f"Revisit stumbled over it ({type(error).__name__}); its log says where"
        found.refused = refused.hexdigest()
        return found

    def _expect(self, rules: Rules, source: Source, late: timedelta) -> None:
        clinic = rules.clinic.id
        with read(self._house.engine) as conn:
            now = self._house.now(conn)
            past = sourced.imports_named(conn, clinic, f"import {source.name} ")
            last = max((one.opened_at for one in past), default=None) or sourced.published_at(conn, clinic)
        if last is None or now - last <= late:
            return
        since = f"{last.astimezone(rules.clinic.tz):%Y-%m-%d %H:%M}"
        said = f"No export of `{source.name}` came since {since}. See whether the system still makes it, and whether it reaches its folder."
        self._tell(rules, f"export/{source.name}/missing/{last:%Y-%m-%dT%H-%M}", said, urgent=True)

    def _tell(self, rules: Rules, name: str, said: str, *, urgent: bool = False) -> None:
        with write(self._house.engine) as conn:
            system_task(conn, rules, name, ENGINEER, said, self._house.now(conn), urgent=urgent)


def _last_of(at: Sequence[int], now: datetime, about: Clinic) -> datetime:
    """The last of these times of the clinic's day that has come."""
    today = local_day(now, about.tz)
    moments = [_moment(day, minute, about) for day in (today, today - timedelta(days=1)) for minute in at]
    moments.append(_moment(today - timedelta(days=2), min(at), about))
    return max(moment for moment in moments if moment <= now)


def _moment(day: date, minute: int, about: Clinic) -> datetime:
    if minute >= MIDNIGHT:
        return midnight(day + timedelta(days=1), about.tz)
    return at_local(day, time(*divmod(minute, 60)), about.tz)
