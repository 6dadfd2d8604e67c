"""`revisit show`: a journey drawn, or all of them in a table."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
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

WIDE = 120
TITLE_WIDTH = 16
COLUMNS = ("journey", "title", "status", "starts", "steps", "by")
STATUS_STYLE = {"live": "green", "paused": "yellow", "draft": "dim"}
Row = tuple[Text, ...]


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
            all_journeys(journeys.values(), out.width) if journeys else "There are no journeys yet.",
            soft_wrap=False,
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


def all_journeys(journeys: Iterable[Journey], width: int = WIDE) -> RenderableType:
    """All journeys, one a line, on a terminal of so many characters. No name is broken: where it is narrow the titles go first, then the table becomes a list."""
    rows = [
        (
            Text(each.name, style="bold"), Text(each.title), Text(each.status, style=STATUS_STYLE[each.status]),
            Text(_starts(each)), Text(str(len(list(each.all_steps())))), Text(", ".join(channels_of(each)) or "-"),
        )
        for each in sorted(journeys, key=lambda journey: journey.name)
    ]  # fmt: skip
    for columns in (COLUMNS, tuple(column for column in COLUMNS if column != "title")):
        if _least_width(columns, rows) <= width:
            return _table(columns, rows)
    return Group(*(_listed(dict(zip(COLUMNS, row, strict=True))) for row in rows))


def _starts(journey: Journey) -> str:
    return str(journey.start).removeprefix("event ")


def _least_width(columns: tuple[str, ...], rows: Sequence[Row]) -> int:
    """How many characters a table needs so that only titles wrap, and none to fewer than `TITLE_WIDTH`."""
    width = 0
    for at, column in enumerate(COLUMNS):
        if column in columns:
            widest = max((row[at].cell_len for row in rows), default=0)
            width += 2 + max(len(column), min(widest, TITLE_WIDTH) if column == "title" else widest)
    return width


def _table(columns: tuple[str, ...], rows: Sequence[Row]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column == "steps" else "left", no_wrap=column != "title")
    for row in rows:
        table.add_row(*(cell for column, cell in zip(COLUMNS, row, strict=True) if column in columns))
    return table


def _listed(cells: Mapping[str, Text]) -> Text:
    """One journey on lines of its own; a long name is folded by the terminal, and by nothing else."""
    by = f" by {cells['by']}" if cells["by"].plain != "-" else ""
    return Text.assemble(
        cells["journey"], "  ", cells["status"], f"\n  {cells['title']}\n  starts: {cells['starts']}\n  steps: {cells['steps']}{by}"
    )  # fmt: skip


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
