"""`revisit hold`, `revisit forget`, `revisit export`: what a person of the clinic says of one patient, and what one patient may ask for."""

from __future__ import annotations

import json
import os
import sys
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated

import typer

from worker.cli.app import Usage, Workspace, app, err, fail, out, settings
from worker.cli.whom import actor, opened
from worker.domain.calendar import at_local
from worker.domain.clinic import Clinic
from worker.domain.facts import Hold
from worker.workspace.house import House

Patient = Annotated[
    str,
    typer.Argument(
        metavar="PATIENT", help="The patient's id in the clinic's system; one that was merged works too."
    ),
]
LONGEST_REASON = 1_000


@app.command()
def hold(
    patient: Patient,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="TEXT", help="Why, for the clinic's people. Patients never see it."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="DATE", help="The last day of it, as 2027-01-31. Without it: until released."
        ),
    ] = None,
    release: Annotated[bool, typer.Option("--release", help="End the hold.")] = False,
    workspace: Workspace = None,
) -> None:
    """Write nothing to this patient for now; or, with --release, go on."""
    from worker.service import holding

    if release and (reason or until):
        raise Usage("`--release` ends a hold, so it takes neither --reason nor --until.")
    if not release and not (reason or "").strip():
        raise Usage('Say why, so that others understand it: --reason "complaint about the last visit"')
    if len(reason or "") > LONGEST_REASON:
        raise Usage(f"The reason is longer than {LONGEST_REASON} characters; write it shorter.")
    with opened(workspace) as (house, clinic):
        about = _about(house, clinic)
        end = _end(until, about, _now(house)) if until else None
        try:
            if release:
                done = holding.release(house, clinic, patient, actor())
            else:
                done = holding.hold(house, clinic, patient, (reason or "").strip(), end, actor())
        except holding.Forgotten as error:
            raise fail(str(error), 1) from error
    if release:
        said = "is no longer on hold" if done.before else "was not on hold; nothing has changed"
        out.print(f"Patient `{done.patient}` {said}.", markup=False)
    elif done.hold is not None:
        out.print(
            f"Nothing is written to patient `{done.patient}` {_told(done.hold, about)}. "
            f"What falls due meanwhile waits for up to seven days, then it is skipped. To end it: revisit hold {patient} --release",
            markup=False,
        )


@app.command()
def forget(
    patient: Patient,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    workspace: Workspace = None,
) -> None:
    """Forget a patient for good: erase what is stored of her, and never write to her again."""
    from worker.service.forgetting import ask, forget

    with opened(workspace) as (house, clinic):
        about = ask(house, clinic, patient)
        if about.before:
            out.print(
                f"Patient `{about.patient}` is forgotten already; what came in since is erased as well.",
                markup=False,
            )
        elif not yes:
            also = f" (also known as {', '.join(about.also)})" if about.also else ""
            out.print(
                f"Patient `{about.patient}`{also}: {about.events} events and {about.messages} messages will lose everything that says who she is. "
                "She is never written to again, whatever the clinic's systems tell later. This cannot be undone.",
                markup=False,
            )
            if not typer.confirm("Forget her?", err=True):
                raise fail("Nothing was changed.", 1)
        done = forget(house, clinic, patient, actor())
    files = _remove_files(settings(workspace).data_dir / "outbox", done.messages)
    if not about.before:
        out.print(
            f"Forgotten: patient `{done.patient}`. {done.addresses} of her addresses {'is' if done.addresses == 1 else 'are'} kept as a keyed hash only, so that nobody writes "
            f"there again.{f' {files} files of the console channel were removed.' if files else ''}",
            markup=False,
        )
    out.print(
        "Copies elsewhere are not reached from here: the clinic's own system, backups, and what the providers keep of messages (docs/how-to/privacy.md).",
        style="dim",
        markup=False,
    )


@app.command()
def export(
    patient: Patient,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Write it there, readable by you alone. Left out: to the terminal."
        ),
    ] = None,
    workspace: Workspace = None,
) -> None:
    """Everything that is stored of one patient, as JSON that she can read."""
    from worker.service.exporting import export

    with opened(workspace) as (house, clinic):
        found = export(house, clinic, patient)
    text = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    if to is None:
        sys.stdout.write(text)
        return
    # For its owner alone from the first byte on; a file that is there already keeps what it holds.
    try:
        with os.fdopen(
            os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
    except FileExistsError:
        raise Usage(f"{to} is there already; name another file, or remove it.") from None
    err.print(f"Written to {to}. It holds health data: pass it on safely, then remove it.", markup=False)


def _about(house: House, clinic: str) -> Clinic:
    from worker.store.engine import read

    with read(house.engine) as conn:
        return house.clinic(conn, clinic)


def _now(house: House) -> datetime:
    from worker.store.engine import read

    with read(house.engine) as conn:
        return house.now(conn)


def _end(text: str, about: Clinic, now: datetime) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Usage(f"--until: {text} is not a date; write it like 2027-01-31 (year, month, day).") from None
    if at_local(day, time(23, 59, 59), about.tz) <= now:
        raise Usage(
            f"--until: {day} is over already; name a day to come, or leave it out to hold until you release it."
        )
    return day.isoformat()


def _told(hold: Hold, about: Clinic) -> str:
    if hold.until is None:
        return "until you release it"
    return f"through {hold.until.astimezone(about.tz):%Y-%m-%d}"


def _remove_files(folder: Path, messages: tuple[str, ...]) -> int:
    found = [path for message in messages for path in folder.glob(f"{message}.*")]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)
