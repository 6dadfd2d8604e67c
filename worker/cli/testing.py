"""`revisit test`: the scenario stories of a workspace."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

from worker.cli.app import Usage, Workspace, app, err, fail, out, settings
from worker.cli.rooms import show_problems
from worker.domain.journey import Journey
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Problem
from worker.domain.stories import Story
from worker.domain.stories.gone import CODE as GONE
from worker.workspace.files import MAX_FILE, ROOMS, Files, read_folder
from worker.workspace.rooms import Rooms, read
from worker.workspace.stories import FOLDER, read_stories

if TYPE_CHECKING:
    from worker.service.testing import Outcome

_STYLES = {"bad": "red", "dim": "dim", "": ""}


@app.command("test")
def tell_stories(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PATH]", help=f"A file of stories, or a folder of such files. Default: {FOLDER}"
        ),
    ] = None,
    workspace: Workspace = None,
    format: Annotated[
        Literal["text", "junit"], typer.Option(help="text for people, junit (XML) for tools.")
    ] = "text",
    coverage: Annotated[
        bool,
        typer.Option(
            "--coverage", help="Name the steps and ways that no story reaches. Exit 1 where there are any."
        ),
    ] = False,
) -> None:
    """Tell the scenario stories, and show which do not go as they expect. Exit 1 where one fails."""
    # Rendering e-mails takes long to load, and no other command of this module's neighbours needs it.
    from worker.service.testing import Teller
    from worker.service.testing_report import junit, summary

    root = settings(workspace).workspace
    files = read_folder(root)
    chosen = None if path is None else _chosen(path, root)
    rooms, problems = read(files)
    if rooms is None:
        _refused(files, _errors(problems), format)
        raise fail("The workspace has errors; no story was told.", 1)
    stories: Sequence[Story] = rooms.stories
    if chosen is not None:
        stories, problems = _stories(rooms, files, chosen, format)
    left_out = [problem for problem in problems if problem.code == GONE]
    teller = Teller(rooms)
    timed: list[tuple[Outcome, float]] = []
    for story in stories:
        begun = perf_counter()
        outcome = teller.tell(story)
        timed.append((outcome, perf_counter() - begun))
        if format == "text" and not outcome.passed:
            _show_failure(outcome)
    for problem in left_out:
        show = err if format == "junit" else out
        show.print(Text(f"{problem.file}: {problem.message}", style="yellow"))
    outcomes = [outcome for outcome, _ in timed]
    good = all(outcome.passed for outcome in outcomes)
    if format == "junit":
        sys.stdout.write(junit(timed))
    elif stories:
        out.print(Text(summary(outcomes), style="green" if good else "red"))
    elif not left_out:
        out.print(f"There are no stories in {path or FOLDER}.", markup=False)
    if coverage:
        named = {name for story in stories for name in story.journeys or ()}
        journeys = [
            each
            for name, each in sorted(rooms.rules.journeys.items())
            if (each.status == "live" if path is None else name in named)
        ]
        show = err if format == "junit" else out
        resting = [name for name, each in rooms.rules.journeys.items() if each.status != "live"]
        if path is None and resting:
            show.print(
                Text(f"Not counted, since they are not live: {', '.join(sorted(resting))}", style="yellow")
            )
        good = _all_reached(journeys, outcomes, show) and good
    if not good:
        raise typer.Exit(1)


def _all_reached(journeys: Sequence[Journey], outcomes: Sequence[Outcome], show: Console) -> bool:
    """Whether stories reach every step and way of these journeys; says what none reaches."""
    from worker.service.testing_report import gaps

    found = gaps(journeys, outcomes)
    for gap in found:
        show.print(
            Text(
                f"{gap.journey}: "
                + (f"no story reaches {', '.join(gap.missing)}" if gap.told else "has no stories"),
                style="red",
            )
        )
    if not found:
        show.print(
            Text(f"Every step and way of {_count(len(journeys), 'journey')} is reached.", style="green")
        )
    return not found


def _chosen(path: Path, root: Path) -> dict[str, str]:
    """The files that a person names, by the path in the workspace where they lie in it."""
    if path.is_dir():
        found = sorted(
            each for each in path.rglob("*") if each.suffix in ROOMS["journeys"] and each.is_file()
        )
    elif path.is_file():
        found = [path]
    elif not path.is_absolute() and (root / path).exists():
        return _chosen(root / path, root)
    else:
        raise Usage(f"{path}: there is no such file or folder")
    return {
        _name(each, root): each.read_bytes()[: MAX_FILE + 1].decode("utf-8", "surrogateescape")
        for each in found
    }


def _name(path: Path, root: Path) -> str:
    full = path.resolve()
    return full.relative_to(root.resolve()).as_posix() if full.is_relative_to(root.resolve()) else str(path)


def _refused(files: Files, errors: list[Problem], format: str) -> None:
    from worker.service.testing_report import junit_of

    if format == "junit":
        sys.stdout.write(junit_of(errors))
    else:
        show_problems(files, errors)


def _stories(rooms: Rooms, files: Files, chosen: Files, format: str) -> tuple[Sequence[Story], list[Problem]]:
    """The stories, and what is to be warned of; ends the command where they have mistakes."""
    rules = rooms.rules
    templates = {name: rooms.templates.channels_of(name) for name in rooms.templates.names()}
    scope = Scope(
        rules.clinic, frozenset(rules.segments.named), templates=templates, journeys=frozenset(rules.journeys)
    )
    reader = Reader()
    stories = read_stories(reader, chosen, scope, rules.journeys)
    if errors := _errors(reader.problems):
        _refused({**files, **chosen}, errors, format)
        raise fail("The stories have errors; none was told.", 1)
    return stories, reader.problems


def _errors(problems: Sequence[Problem]) -> list[Problem]:
    """Those that keep stories from being told, in reading order. Warnings are for `check`."""
    return sorted(
        (problem for problem in set(problems) if problem.severity == "error"),
        key=lambda problem: problem.sort_key,
    )


def _show_failure(outcome: Outcome) -> None:
    from worker.service.testing_report import failure

    head = Text("failed", style="bold red")
    head.append(
        f"  {outcome.story.place.file}:{outcome.story.place.line}  {outcome.story.name}",
        style="not bold default",
    )
    out.print(head)
    for style, line in failure(outcome):
        out.print(Text(line, style=_STYLES[style]))
    out.print()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
