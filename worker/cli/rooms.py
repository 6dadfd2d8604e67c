"""Commands about the rooms: `check`, `init`, `replay`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from worker.cli.app import Usage, Workspace, app, err, fail, out, settings
from worker.domain.source import Problem
from worker.workspace.files import Files, read_folder
from worker.workspace.layout_new import AlreadyThere, lay_out
from worker.workspace.rooms import read


@app.command()
def check(
    workspace: Workspace = None,
    format: Annotated[
        Literal["text", "json", "github"],
        typer.Option(help="text for people, json for tools, github for annotations in a pull request."),
    ] = "text",
) -> None:
    """Look for mistakes in config/, journeys/ and templates/. Exit 1 on errors, 0 on warnings alone."""
    files = read_folder(settings(workspace).workspace)
    _, problems = read(files)
    if format == "json":
        sys.stdout.write(
            json.dumps([asdict(problem) for problem in problems], ensure_ascii=False, indent=1) + "\n"
        )
    elif format == "github":
        for problem in problems:
            said = f"{problem.message} {problem.hint}".strip().replace("%", "%25").replace("\n", "%0A")
            sys.stdout.write(
                f"::{problem.severity} file={problem.file},line={problem.line},col={problem.column},title={problem.code}::{said}\n"
            )
    else:
        show_problems(files, problems)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)


def show_problems(files: Files, problems: list[Problem]) -> None:
    """Problems for people: where, what, the line with a caret, the way out."""
    for problem in problems:
        style = "red" if problem.severity == "error" else "yellow"
        head = Text(f"{problem.file}:{problem.line}:{problem.column}: ")
        head.append(problem.severity, style=f"bold {style}")
        head.append(f" [{problem.code}] {problem.message}")
        out.print(head)
        lines = files.get(problem.file, "").splitlines()
        if 0 < problem.line <= len(lines):
            shown = lines[problem.line - 1].encode("utf-8", "replace").decode().replace("\t", " ")
            out.print(Text(f"    {shown}", style="dim"))
            out.print(Text("    " + " " * (problem.column - 1) + "^", style=style))
        if problem.hint:
            out.print(Text(f"    {problem.hint}"))
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    said = f"{errors} error{'' if errors == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}"
    out.print(Text("No problems found." if not problems else said, style="green" if not errors else "red"))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, or an empty one.")],
) -> None:
    """Lay out a new clinic's workspace, in mode rehearsal: nothing leaves until you say so."""
    try:
        count = lay_out(folder)
    except AlreadyThere as error:
        raise Usage(str(error)) from error
    out.print(f"{count} files written to {folder}.")
    out.print("Next: edit config/clinic.yaml, look at journeys/ and templates/, then run")
    out.print(Text(f"  revisit check --workspace {folder}\n  revisit run --workspace {folder}"))
    out.print("The mode is `rehearsal`: everything is decided and shown, nothing is sent.")


@app.command()
def replay(
    events: Annotated[
        Path,
        typer.Argument(metavar="EVENTS.jsonl", help="Events, one a line, sorted by `time`; may be gzipped."),
    ],
    emit: Annotated[
        Literal["transitions", "messages", "trace"], typer.Option(help="What to print, as JSON Lines.")
    ],
    workspace: Workspace = None,
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="T", help="Print from then on: a date, or an instant with offset."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="T",
            help="Let time pass until then; a date means through its end. Default: the last event.",
        ),
    ] = None,
) -> None:
    """Run events through the same rules on a virtual clock. Nothing is stored, nothing is sent."""
    from worker.service.replaying import Unsorted, moment, replay_file

    files = read_folder(settings(workspace).workspace)
    rooms, problems = read(files)
    if rooms is None:
        show_problems(files, problems)
        raise fail("The workspace has errors; nothing was replayed.", 1)
    tz = rooms.rules.clinic.tz
    ends = []
    for name, text, end in (("--from", since, False), ("--until", until, True)):
        value = moment(text, tz, end=end) if text is not None else None
        if text is not None and value is None:
            raise Usage(
                f"{name}: `{text}` is neither a date (2026-03-29) nor an instant with offset (2026-03-29T10:00:00+03:00)"
            )
        ends.append(value)
    refused = 0

    def complain(line: int, errors: tuple[str, ...]) -> None:
        nonlocal refused
        refused += 1
        for error in errors:
            err.print(f"{events.name}, line {line}: {error}", style="red", markup=False)

    if not events.is_file():
        raise Usage(f"{events}: there is no such file")
    try:
        for line in replay_file(rooms.rules, events, emit, since=ends[0], until=ends[1], complain=complain):
            sys.stdout.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    except Unsorted as error:
        sys.stdout.flush()
        raise Usage(str(error)) from error
    if refused:
        raise fail(f"{refused} line(s) were refused and left out.", 1)
