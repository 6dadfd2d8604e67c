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

from worker.cli.app import Workspace, app, err, fail, out, settings
from worker.cli.running import file_or_usage, house_of
from worker.intake.lines import Line, read_lines

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
    with open_queue(config) as queue:
        from worker.service.ingesting import Ingest

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
                with Ingest(house, path.name) as taking:
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


def _chunks(path: Path) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    for line in read_lines(path):
        chunk.append(line)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
