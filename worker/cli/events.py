"""`revisit ingest`: events from JSON Lines files into the running system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from worker.cli.app import Usage, Workspace, app, err, fail, out, settings
from worker.cli.running import file_or_usage, house_of
from worker.intake.lines import Line, read_lines
from worker.workspace.files import read_folder
from worker.workspace.house import House

CHUNK = 500
SHOWN = 20


@dataclass
class Tally:
    """What became of all lines."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[tuple[str, int, tuple[str, ...]]] = field(default_factory=list)


@app.command()
def ingest(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="JSON Lines files of events, plain or gzipped.")
    ],
    workspace: Workspace = None,
) -> None:
    """Take events from files. The same file twice changes nothing; what is refused is kept in quarantine and told."""
    from worker.wiring import open_queue

    config = settings(workspace)
    paths = [file_or_usage(path) for path in files]
    house = house_of(config)
    tally = Tally()
    clinic = clinic_here(house, config.workspace)
    with open_queue(config) as opened:
        from worker.actors import Gently
        from worker.service.ingesting import Ingest

        queue = Gently(opened)
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=err, transient=True) as progress:
            for path in paths:
                total = sum(1 for _ in path.open("rb")) if path.suffix != ".gz" else None
                bar = progress.add_task(path.name, total=total)
                with Ingest(house, path.name, clinic) as taking:
                    for chunk in _chunks(path):
                        taken = taking.take(chunk)
                        queue.put(taken.jobs)
                        tally.accepted += taken.accepted
                        tally.duplicates += taken.duplicates
                        tally.rejected += [(path.name, number, errors) for number, errors in taken.rejected]
                        progress.advance(bar, len(chunk))
    for name, number, errors in tally.rejected[:SHOWN]:
        for error in errors:
            err.print(f"{name}, line {number}: {error}", style="red", markup=False)
    if len(tally.rejected) > SHOWN:
        err.print(f"… and {len(tally.rejected) - SHOWN} more; all are kept in quarantine.", style="red")
    out.print(f"accepted {tally.accepted}, duplicates {tally.duplicates}, rejected {len(tally.rejected)}")
    if tally.rejected:
        raise fail(
            "Correct the lines that were rejected and ingest the file again: what was accepted counts once.",
            1,
        )


def clinic_here(house: House, folder: Path) -> str:
    """The only clinic there is, else the one whose folder it is. Raises Usage where nothing of it is in force."""
    from worker.service.clinics import known_clinics
    from worker.service.serving import id_in

    known = known_clinics(house)
    clinic = known[0] if len(known) == 1 else id_in(read_folder(folder))
    if clinic not in known:
        raise Usage(
            f"nothing of clinic `{clinic}` is in force; name the folder of one of these with --workspace: {', '.join(known)}"
        )
    return clinic


def _chunks(path: Path) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    for line in read_lines(path):
        chunk.append(line)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
