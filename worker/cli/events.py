"""`revisit ingest`: events from JSON Lines files into the running system."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.app import Usage, Workspace, app, err, fail, out, settings
from worker.cli.lines import Lines
from worker.cli.running import file_or_usage, house_of
from worker.intake.lines import read_lines
from worker.workspace.files import read_folder
from worker.workspace.house import House

if TYPE_CHECKING:
    from worker.actors import Gently

SHOWN = 20


@dataclass
class Tally:
    """What became of all lines; `told` are the first of those that were rejected."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    told: list[tuple[str, int, tuple[str, ...]]] = field(default_factory=list)


@app.command()
def ingest(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="JSON Lines files of events, plain or gzipped.")
    ],
    workspace: Workspace = None,
) -> None:
    """Take events from files. The same file twice changes nothing, and a run that broke off is gone on with; what is refused is kept in quarantine and told."""
    from worker.wiring import open_queue

    config = settings(workspace)
    paths = [file_or_usage(path) for path in files]
    house = house_of(config)
    tally = Tally()
    clinic = clinic_here(house, config.workspace)
    with open_queue(config) as opened:
        from worker.actors import Gently

        queue = Gently(opened)
        with Lines() as progress:
            for path in paths:
                _take(house, path, clinic, queue, tally, progress)
    for name, number, errors in tally.told:
        for error in errors:
            err.print(f"{name}, line {number}: {error}", style="red", markup=False)
    if tally.rejected > len(tally.told):
        err.print(f"… and {tally.rejected - len(tally.told)} more; all are kept in quarantine.", style="red")
    out.print(f"accepted {tally.accepted}, duplicates {tally.duplicates}, rejected {tally.rejected}")
    if tally.rejected:
        raise fail(
            "Correct the lines that were rejected and ingest the file again: what was accepted counts once.",
            1,
        )


def _take(house: House, path: Path, clinic: str, queue: Gently, tally: Tally, progress: Lines) -> None:
    from worker.service.ingesting import Ingest
    from worker.service.loading import PART
    from worker.store.sql import chunks

    digest, total = _look_over(path)
    with Ingest(house, path.name, clinic, digest=digest) as taking:
        progress.begin(path.name, total, taking.line)
        for part in chunks(read_lines(path, after=taking.line), PART):
            taken = taking.take(part)
            queue.put(taken.jobs)
            room = SHOWN - len(tally.told)
            tally.told += [(path.name, number, errors) for number, errors in taken.rejected[:room]]
            progress.reach(part[-1].number)
        folded = 0
        for number, jobs in taking.fold_rest():
            queue.put(jobs)
            progress.fold(folded := folded + number)
    tally.accepted += taking.accepted
    tally.duplicates += taking.duplicates
    tally.rejected += taking.rejected


def _look_over(path: Path) -> tuple[str, int | None]:
    """A file's digest and, unless it is compressed, how many lines it has."""
    found, lines = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            found.update(block)
            lines += block.count(b"\n")
    return found.hexdigest(), None if path.suffix == ".gz" else lines


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
