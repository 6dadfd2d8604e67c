"""`revisit import`: CSV exports of a clinic system into the running system."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from sqlalchemy import make_url

from worker.cli import guessing
from worker.cli.app import Usage, Workspace, app, fail, out, settings
from worker.cli.import_report import show, show_refused
from worker.cli.lines import Lines
from worker.cli.rooms import show_problems
from worker.cli.running import file_or_usage, house_of
from worker.domain.clinic import Clinic, Service
from worker.domain.scope import Scope
from worker.domain.shape import Reader, nearest
from worker.domain.source import compose
from worker.settings import Settings
from worker.workspace.config_sources import (
    FOLDER,
    parse_source,
    ready_names,
    ready_text,
    source_files,
)
from worker.workspace.files import Files, raw, read_folder
from worker.workspace.house import House
from worker.workspace.rooms import BrokenRooms, load
from worker.workspace.sources import Source

if TYPE_CHECKING:
    from worker.intake.sources.export import Export
    from worker.service.importing import Import, Report

SHOWN: Final = 20


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV files as the system exports them.")],
    source: Annotated[
        str, typer.Option("--source", metavar="NAME", help="The system: config/sources/NAME.yaml, or one that is ready.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    guess: Annotated[
        bool,
        typer.Option("--guess", help="Draft config/sources/NAME.yaml and entries of services.yaml from the files, ask, write, and import by them."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --guess: ask nothing, take what is guessed.")] = False,
    copy: Annotated[
        bool,
        typer.Option("--copy", help="Write the ready mapping into config/sources/NAME.yaml first, to be changed there: live_from, full_export, watch."),
    ] = False,
    exported: Annotated[
        str | None,
        typer.Option("--exported", metavar="DATE", help="The day that the files were exported on. Default: now, or what is known of a file that was imported before."),
    ] = None,
    cancel_vanished: Annotated[
        bool,
        typer.Option("--cancel-vanished", help="Cancel what vanished from a full export, even if that is most of the bookings."),
    ] = False,
    workspace: Workspace = None,
) -> None:  # fmt: skip
    """Take in CSV exports of a clinic system. The same file twice changes nothing; rows that are refused land beside the file with the reason."""
    from worker.intake.sources.survey import Unreadable
    from worker.service.importing import Import

    config = settings(workspace)
    paths = [file_or_usage(path) for path in files]
    rooms: Files = read_folder(config.workspace)
    about = _clinic(config, rooms)
    if copy:
        if guess or dry_run:
            raise Usage("--copy writes a mapping that is ready; leave out --guess and --dry-run")
        rooms = _copied(config.workspace, rooms, source)
    day = _day(exported)
    services: Mapping[str, Service] = {}
    if guess:
        found = guessing.guess(config.workspace, rooms, about, source, paths, yes=yes, dry_run=dry_run)
        if found is None:
            return
        mapping, services = found.source, found.services
    else:
        mapping = _mapping(config, rooms, source, about)
    with _house(config, about, dry_run=dry_run) as stands:
        # The mapping is the folder's, so the codes that it leads to are too, in force or not.
        catalogue = {**stands.about.services, **about.services, **services}
        waits = stands.house is not None and not set(services) <= set(stands.about.services)
        moment = _end_of(day, stands) if day is not None else None
        run = Import(
            stands.house, stands.clinic, replace(stands.about, services=catalogue), mapping, stands.now,
            exported=moment, dry_run=dry_run, cancel_vanished=cancel_vanished,
        )  # fmt: skip
        try:
            with run:
                exports = [run.open(path) for path in paths]
                run.begin()
                reports = _take(config, run, exports, dry_run=dry_run)
        except Unreadable as error:
            raise Usage(str(error)) from error
    for report in reports:
        show(report.report, dry_run=dry_run)
        show_refused(report.report, report.refused, report.errors)
    if waits:
        out.print("The new entries of services.yaml count for segments once they are in force: `revisit run` puts them in force when it starts.")  # fmt: skip
    if any(one.report.refused or one.report.kept for one in reports):
        raise typer.Exit(1)


@dataclass
class _Taken:
    """A file, its report, the first of its refused rows, and where all of them are."""

    report: Report
    refused: list[tuple[int, str]] = field(default_factory=list)
    errors: Path | None = None


@dataclass(frozen=True)
class _Stands:
    house: House | None
    clinic: str
    about: Clinic
    now: datetime


def _take(config: Settings, run: Import, exports: list[Export], *, dry_run: bool) -> list[_Taken]:
    from worker.actors import Gently
    from worker.wiring import open_queue

    with Lines() as progress:
        if dry_run:
            return [_one(run, export, progress, None, dry_run=True) for export in exports]
        with open_queue(config) as queue:
            gently = Gently(queue)
            return [_one(run, export, progress, gently, dry_run=False) for export in exports]


def _one(run: Import, export: Export, progress: Lines, queue: Any, *, dry_run: bool) -> _Taken:
    from worker.intake.sources.error_file import ErrorFile

    found = _Taken(run.report(export))
    progress.begin(export.path.name, export.survey.lines, found.report.since_line)
    with ErrorFile(export, kept=found.report.refused) as errors:
        for step in run.take(export, found.report):
            if queue is not None:
                queue.put(step.jobs)
            for row, why in step.refused:
                if len(found.refused) < SHOWN:
                    found.refused.append((row.number, why))
                if not dry_run:
                    errors.write(row, why)
            if step.folded:
                progress.fold(step.folded)
            else:
                progress.reach(step.line)
        found.errors = errors.path
    return found


def _clinic(config: Settings, rooms: Files) -> Clinic:
    try:
        return load(rooms).rules.clinic
    except BrokenRooms as error:
        show_problems(rooms, error.problems)
        raise fail("The workspace has errors; correct them first.", 1) from error


def _copied(folder: Path, rooms: Files, name: str) -> Files:
    """The workspace with the ready mapping of that name in it."""
    target, text = f"{FOLDER}{name}.yaml", ready_text(name)
    if target in rooms:
        raise Usage(f"{target} is there already; leave out --copy")
    if text is None:
        raise Usage(f"no mapping is ready for `{name}`; there is one for {', '.join(ready_names())}")
    path = folder / target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw(text))
    out.print(f"  new      {target}", markup=False)
    return {**rooms, target: text}


def _mapping(config: Settings, rooms: Files, name: str, about: Clinic) -> Source:
    path = f"{FOLDER}{name}.yaml"
    own, ready = rooms.get(path), ready_text(name)
    text = own if own is not None else ready
    if text is None:
        known = sorted({Path(one).stem for one in source_files(rooms)} | set(ready_names()))
        near = nearest(name, known)
        hint = f"did you mean `{near}`?" if near else f"known are {', '.join(known)}"
        raise Usage(f"no source is called `{name}`; {hint} Or write {path}.")
    node, problems = compose(raw(text), path)
    reader = Reader()
    reader.problems += problems
    found = parse_source(reader, node, name, Scope(about, frozenset())) if node is not None else None
    if reader.problems or found is None:
        show_problems({**rooms, path: text}, reader.problems)
        raise fail(f"The mapping of `{name}` has mistakes; nothing was imported.", 1)
    return found


@contextmanager
def _house(config: Settings, about: Clinic, *, dry_run: bool) -> Iterator[_Stands]:
    """The house; for a dry run one that is there already, or none."""
    from worker.service.clinics import clinic_of
    from worker.store.engine import read
    from worker.store.rooms import clinic_ids

    house = _there(config) if dry_run else house_of(config)
    if house is None:
        yield _Stands(None, about.id, about, datetime.now(UTC))
        return
    try:
        with read(house.engine) as conn:
            clinic = clinic_of(conn, about.id)
            published = house.rooms(conn, clinic).rules.clinic if clinic in clinic_ids(conn) else about
            now = house.now(conn)
        yield _Stands(house, clinic, published, now)
    finally:
        house.engine.dispose()


def _there(config: Settings) -> House | None:
    """The house as it stands; None where there is no database, or none that this version knows. Changes nothing."""
    from sqlalchemy import inspect

    from worker.store import due
    from worker.store.engine import make_engine, read
    from worker.store.rooms import clinic_ids
    from worker.wiring import DEFAULT_URL

    url = make_url(config.database_url)
    if url.get_backend_name() == "sqlite" and not (config.data_dir / (url.database or "")).is_file():
        return None
    engine = make_engine(config.database_url, data_dir=config.data_dir)
    if not inspect(engine).has_table("imports"):
        engine.dispose()
        return None
    with read(engine) as conn:
        demo = due.demo_clock(conn) is not None
        known = clinic_ids(conn)
    if not known:
        engine.dispose()
        return None
    return House(engine, "", config.public_url or DEFAULT_URL, demo)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Usage(f"--exported {text} is not a date; write it like 2026-03-29")


def _end_of(day: date, stands: _Stands) -> datetime:
    from worker.domain.calendar import midnight

    end = midnight(day + timedelta(days=1), stands.about.tz) - timedelta(seconds=1)
    if midnight(day, stands.about.tz) > stands.now:
        raise Usage(f"--exported {day} lies in the future")
    return min(end, stands.now)
