"""`revisit new`: a journey of one's own, made from a recipe."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from worker.cli.app import Usage, Workspace, app, fail, out, settings
from worker.cli.rooms import show_problems
from worker.workspace.files import Files, raw, read_folder
from worker.workspace.layout_new import sample_rooms
from worker.workspace.recipes import CannotMake, Draft, Recipe, drafted, make, questions, recipes
from worker.workspace.yaml_text import NotEditable


@app.command()
def new(
    what: Annotated[Literal["journey"], typer.Argument(metavar="journey", help="What to make.")],
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="What the new journey is called.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="RECIPE", help="The recipe to make it from; see --list.")
    ] = None,
    list_recipes: Annotated[bool, typer.Option("--list", help="Show the recipes.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; take what the recipe has.")] = False,
    workspace: Workspace = None,
) -> None:
    """Make a journey from a recipe, with its texts and stories. It begins as a draft; nothing of yours is overwritten."""
    sample = sample_rooms()
    known = recipes(sample)
    if list_recipes:
        out.print(all_recipes(known), soft_wrap=False)
        return
    if name is None:
        raise Usage(
            f"Name it: revisit new {what} NAME --from RECIPE. `revisit new {what} --list` shows the recipes."
        )
    if source is None or source not in known:
        near = difflib.get_close_matches(source or name, known, n=1)
        said = (
            f"There is no recipe `{source}`."
            if source
            else "A journey is made from a recipe; name one with --from."
        )
        hint = f" Did you mean `{near[0]}`?" if near else ""
        raise Usage(f"{said}{hint} Recipes: {', '.join(sorted(known))}.")
    # Rendering e-mails takes long to load, and no other command needs it.
    from worker.service.starting import fitted

    folder = settings(workspace).workspace
    files = read_folder(folder)
    try:
        draft = fitted(_made(name, known[source], sample, files, yes=yes), files)
        write(draft, folder)
    except CannotMake as problem:
        if problem.problems:
            show_problems(problem.files, list(problem.problems))
        raise fail(str(problem), 2) from problem
    except NotEditable as problem:
        raise fail(str(problem), 2) from problem
    _told(name, source, draft, folder)


def all_recipes(known: Mapping[str, Recipe]) -> Table:
    """The recipes with what they are for."""
    table = Table("recipe", "what it is for", box=SIMPLE_HEAD, pad_edge=False)
    for each in sorted(known):
        table.add_row(Text(each, style="bold"), Text(known[each].title))
    return table


def write(draft: Draft, folder: Path) -> None:
    """Write a draft's files below a folder. Raises CannotMake, with nothing written, where a new file is there already."""
    for path in draft.new:
        if (folder / path).exists():
            raise CannotMake(
                f"{path} is there already, and nothing is overwritten. Choose another name, or move that file."
            )
    for path, text in draft.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(raw(text))


def _made(name: str, recipe: Recipe, sample: Files, files: Files, *, yes: bool) -> Draft:
    if yes:
        return make(name, recipe, {}, sample, files)
    # What can't be made at all is said before anybody answers questions.
    drafted(name, recipe, {}, sample, files)
    answers: dict[str, str] = {}
    for question in questions(recipe, sample, files):
        while True:
            answer = typer.prompt(question.ask, default=question.default)
            wrong = question.wrong(answer)
            if not wrong:
                break
            out.print(wrong, style="yellow", markup=False)
        answers[question.key] = answer
    draft = make(name, recipe, answers, sample, files)
    for line in draft.added:
        out.print(Text(f"To be added to {line}"))
    if draft.added and not typer.confirm("Add this to config/?", default=True):
        raise CannotMake("Nothing was written. Make the segments, services and offers that it needs first.")
    return draft


def _told(name: str, recipe: str, draft: Draft, folder: Path) -> None:
    for path in draft.new:
        out.print(Text(f"  new      {path}"))
    for line in draft.added:
        out.print(Text(f"  changed  {line}"))
    for story, why in draft.left_out:
        out.print(Text(f"  left out the story “{story}”: {why}"))
    stories = [path for path in draft.new if path.startswith("journeys/scenarios/")]
    out.print(
        f"{name} is made from {recipe}. It is a draft: set `status: live` in journeys/{name}.yaml when it is ready.",
        markup=False,
    )
    if draft.differs and stories:
        out.print("Its stories still tell what the recipe does; where your answers differ, move their dates.")
    at = "" if folder == Path() else f" --workspace {folder}"
    commands = [
        f"revisit show {name}{at}",
        f"revisit check{at}",
        *(f"revisit test {folder / path}{at}" for path in stories),
    ]
    out.print(Text("Next:\n" + "\n".join(f"  {command}" for command in commands)))
