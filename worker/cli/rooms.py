"""Commands about the rooms: `check`, `init`, `replay`."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.text import Text

from worker.cli import watch as watching
from worker.cli.app import Usage, Workspace, app, err, fail, out, settings
from worker.domain.source import Problem
from worker.settings import Settings
from worker.workspace.extends import Gathered, standing, text_at
from worker.workspace.file_names import line_break, strays
from worker.workspace.files import Files, NoWorkspace, read_folder
from worker.workspace.layout_new import AlreadyThere, NothingShared, lay_out
from worker.workspace.rooms import read


@app.command()
def check(
    workspace: Workspace = None,
    format: Annotated[
        Literal["text", "json", "github"],
        typer.Option(help="text for people, json for tools, github for annotations in a pull request."),
    ] = "text",
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again whenever a file is saved; Ctrl-C ends.")
    ] = False,
) -> None:
    """Look for mistakes in config/, journeys/ and templates/. Exit 1 on errors, 0 on warnings alone."""
    given = settings(workspace)
    folder = given.workspace
    if not watch:
        files, problems = problems_of(given)
        _WRITERS[format](folder, files, problems)
        right = not has_errors(problems)
    elif format != "text":
        raise Usage("--watch writes for people; leave --format out")
    else:
        right = watching.watch(folder, lambda: _looked(given))
    if not right:
        raise typer.Exit(1)


def problems_of(given: Settings) -> tuple[Gathered, list[Problem]]:
    """The files of a workspace, and all Problems, also those of files that nothing reads, and against what is published. Raises NoWorkspace."""
    from worker.wiring import renamed_since_published

    files = read_folder(given.workspace)
    rooms, problems = read(files, now=datetime.now(UTC))
    problems = [*problems, *strays(given.workspace)]
    for shared in files.chain:
        below = os.path.relpath(shared, given.workspace)
        problems += [replace(one, file=f"{below}/{one.file}") for one in strays(shared)]
    if rooms is not None:
        problems += standing(files, renamed_since_published(given, rooms, files))
    return files, sorted(problems, key=lambda problem: problem.sort_key)


def has_errors(problems: list[Problem]) -> bool:
    """Whether the workspace can't be put in force."""
    return any(problem.severity == "error" for problem in problems)


def _looked(given: Settings) -> bool:
    try:
        files, problems = problems_of(given)
    except NoWorkspace as error:
        out.print(Text(str(error), style="red"))
        return False
    _refresh_schemas(given.workspace, files)
    show_problems(files, problems)
    return not has_errors(problems)


def _refresh_schemas(folder: Path, files: Files) -> None:
    """Tell the editor the names that there are now; only where it was told names before."""
    from worker.workspace.schema import FOLDER, schema_files

    for name, text in schema_files(files).items():
        path = folder / FOLDER / name
        if path.is_file() and path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _write_text(folder: Path, files: Files, problems: list[Problem]) -> None:
    show_problems(files, problems)


def _write_json(folder: Path, files: Files, problems: list[Problem]) -> None:
    told = [asdict(problem) for problem in problems]
    sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")


def _write_github(folder: Path, files: Files, problems: list[Problem]) -> None:
    """Workflow commands; a file is named from where the command runs, which in a pull request is the repository."""
    here = Path.cwd()
    below = folder.resolve().relative_to(here) if folder.resolve().is_relative_to(here) else Path()
    for problem in problems:
        said = _escaped(f"{problem.message}. {problem.hint}".strip())
        name = _escaped((below / problem.file).as_posix()).replace(":", "%3A").replace(",", "%2C")
        place = f"file={name},line={problem.line},col={problem.column},title={problem.code}"
        sys.stdout.write(f"::{problem.severity} {place}::{said}\n")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


_WRITERS: Final = {"text": _write_text, "json": _write_json, "github": _write_github}


def show_problems(files: Files, problems: list[Problem]) -> None:
    """Problems for people, file by file: where, what, the line with a caret, the way out."""
    problems = standing(files, problems)
    for number, problem in enumerate(problems):
        if number and problems[number - 1].file != problem.file:
            out.print()
        style = "red" if problem.severity == "error" else "yellow"
        head = Text(f"{problem.file}:{problem.line}:{problem.column}: ")
        head.append(problem.severity, style=f"bold {style}")
        head.append(f" [{problem.code}] {problem.message}")
        out.print(head)
        lines = line_break(problem.file).split(text_at(files, problem.file).removeprefix("\ufeff"))
        if problem.line <= len(lines) and lines[problem.line - 1].strip():
            shown = lines[problem.line - 1].encode("utf-8", "replace").decode()
            shown = "".join(letter if letter.isprintable() else " " for letter in shown)
            out.print(Text(f"    {shown}", style="dim"))
            out.print(Text("    " + " " * (problem.column - 1) + "^", style=style))
        if problem.hint:
            out.print(Text(f"    {problem.hint}"))
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    said = f"{errors} error{'' if errors == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}"
    if problems:
        out.print()
    out.print(Text("No problems found." if not problems else said, style="green" if not errors else "red"))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, or an empty one.")],
    extends: Annotated[
        str | None,
        typer.Option(
            "--extends",
            metavar="FOLDER",
            help="Shared rooms beside DIR, such as ../agency-rooms: only what they lack is laid out.",
        ),
    ] = None,
) -> None:
    """Lay out a new clinic's workspace, in mode rehearsal: nothing leaves until you say so."""
    try:
        count = lay_out(folder, extends)
    except (AlreadyThere, NothingShared) as error:
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
