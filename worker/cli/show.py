"""`revisit show`: a journey drawn, or all of them in a table."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from typing import Annotated, Literal

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from worker.cli.app import Usage, Workspace, app, fail, out, settings
from worker.cli.rooms import show_problems
from worker.domain.journey import Journey
from worker.workspace.drawing import Drawing, Mark, channels_of, draw, written_journeys
from worker.workspace.files import read_folder
from worker.workspace.mermaid import mermaid
from worker.workspace.rooms import BrokenRooms, load

NAME_WIDTH = 18
STATUS_STYLE = {"live": "green", "paused": "yellow", "draft": "dim"}


@app.command()
def show(
    journey: Annotated[
        str | None, typer.Argument(metavar="JOURNEY", help="Which one. Left out: all, in a table.")
    ] = None,
    workspace: Workspace = None,
    format: Annotated[
        Literal["text", "mermaid"], typer.Option(help="text for the terminal, mermaid for a page.")
    ] = "text",
) -> None:
    """Draw a journey: its start, its steps with their ways, and everything that can end it."""
    files = read_folder(settings(workspace).workspace)
    try:
        journeys = load(files).rules.journeys
    except BrokenRooms as error:
        show_problems(files, error.problems)
        raise fail("The workspace has errors; correct them to see its journeys.", 1) from error
    if journey is None:
        if format == "mermaid":
            raise Usage(
                f"`--format mermaid` draws one journey; name it: {', '.join(sorted(journeys)) or 'there is none yet'}"
            )
        out.print(
            all_journeys(journeys.values()) if journeys else "There are no journeys yet.", soft_wrap=False
        )
        return
    if journey not in journeys:
        near = difflib.get_close_matches(journey, journeys, n=1)
        hint = f"Did you mean `{near[0]}`?" if near else f"Known: {', '.join(sorted(journeys)) or 'none'}."
        raise Usage(f"There is no journey `{journey}`. {hint}")
    drawing = draw(journeys[journey], written_journeys(files)[journey][1])
    if format == "mermaid":
        sys.stdout.write(mermaid(drawing))
    else:
        out.print(tree(drawing), soft_wrap=False)


def all_journeys(journeys: Iterable[Journey]) -> Table:
    """All journeys, one a line."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    journeys = sorted(journeys, key=lambda journey: journey.name)
    table.add_column(
        "journey",
        overflow="fold",
        min_width=min(NAME_WIDTH, max((len(each.name) for each in journeys), default=0)),
    )
    for column in ("title", "status", "starts", "steps", "by"):
        table.add_column(column, justify="right" if column == "steps" else "left", overflow="fold")
    for each in journeys:
        table.add_row(
            Text(each.name, style="bold"), Text(each.title), Text(each.status, style=STATUS_STYLE[each.status]),
            Text(str(each.start).removeprefix("event ")), str(len(list(each.all_steps()))), Text(", ".join(channels_of(each)) or "-"),
        )  # fmt: skip
    return table


def tree(drawing: Drawing) -> Tree:
    """A journey as a tree that wraps in terminals of any width."""
    head = _said(drawing.name, f"{drawing.title}  ").append(
        drawing.status, style=STATUS_STYLE[drawing.status]
    )
    root = Tree(head, guide_style="dim")
    start = root.add(_said("starts", drawing.start))
    if drawing.condition:
        start.add(_said("if", drawing.condition))
    for label, says in drawing.facts:
        root.add(_said(label, says))
    steps = root.add(Text("steps", style="bold"))
    _add(steps, drawing.steps)
    if not (drawing.steps and drawing.steps[-1].ends):
        steps.add(Text("finished", style="dim"))
    exits = root.add(Text("ends early, or falls silent", style="bold"))
    for leaving in drawing.exits:
        exits.add(_said(leaving.name, leaving.says))
    return root


def _add(parent: Tree, steps: tuple[Mark, ...]) -> None:
    for step in steps:
        line = Text()
        if step.wait:
            line.append(f"{step.wait}, then\n", style="italic")
        line.append(step.id, style="bold cyan").append(f"  {step.says}")
        for more in step.more:
            line.append(f"\n{more}", style="dim")
        branch = parent.add(line)
        for way in step.ways:
            inner = branch.add(_said(way.name, way.about, "magenta"))
            _add(inner, way.steps)
            if not way.steps:
                inner.add(Text("goes on", style="dim"))


def _said(label: str, says: str, style: str = "bold") -> Text:
    return Text.assemble((label, style), f"  {says}" if says else "")
