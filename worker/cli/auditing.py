"""`revisit audit` and `revisit strategy`: what the base looks like, and what will be done about it, for the terminal and as a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from worker.cli.app import Usage, Workspace, app, err, fail, out
from worker.cli.whom import opened
from worker.results.paper import Grid, Paper, Section
from worker.results.plots import NoPlots, can_draw

Html = Annotated[
    Path | None,
    typer.Option(
        "--html", metavar="FILE", help="Also write it as one page that loads nothing, to show and to print."
    ),
]


@app.command()
def audit(html: Html = None, workspace: Workspace = None) -> None:
    """What the patient base looks like, and what is wrong with it: stages, second visits, lapses, money, reach, holes in the data."""
    from worker.service.audit_paper import paper
    from worker.service.auditing import audit

    refuse(html)
    with opened(workspace) as (house, clinic), show_progress("Looking at every patient") as told:
        seen = audit(house, clinic, told)
    show(paper(seen), html)


@app.command()
def strategy(html: Html = None, workspace: Workspace = None) -> None:
    """Who hears what, when and by what, how many that is, and the calendar of the first 60 days: for the clinic to sign."""
    from worker.service.strategy import strategy
    from worker.service.strategy_paper import paper

    refuse(html)
    with opened(workspace) as (house, clinic), show_progress("Living through the last year") as told:
        plan = strategy(house, clinic, told)
    show(paper(plan), html)


def refuse(html: Path | None) -> None:
    """What can be known before any work is done."""
    if html is None:
        return
    if html.is_dir():
        raise Usage(f"{html} is a folder; name a file, as {html / 'audit.html'}")
    if not html.absolute().parent.is_dir():
        raise Usage(f"there is no folder {html.absolute().parent}; make it first")
    if not can_draw():
        raise fail(str(NoPlots()), 1)


@contextmanager
def show_progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr while it lasts; what is given is to be called with how much is done, and of how much."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        bar = progress.add_task(what, total=None)
        yield lambda done, whole: progress.update(bar, completed=done, total=whole)


def show(paper: Paper, html: Path | None) -> None:
    tell(paper)
    if html is not None:
        from worker.web.papers import page

        html.write_text(page(paper), encoding="utf-8")
        out.print(f"\nThe page: {html}", markup=False)


def tell(paper: Paper) -> None:
    """The paper on the terminal: sentences and tables."""
    out.print()
    out.rule(Text(f"{paper.clinic}: {paper.title}", style="bold"), align="left")
    for said in paper.lede:
        out.print(Text(said), soft_wrap=False)
    for section in paper.sections:
        _section(section)
    if paper.fine:
        out.print()
        out.print(Text(paper.fine, style="dim"), soft_wrap=False)


def _section(section: Section) -> None:
    out.print()
    out.print(Text(section.title, style="bold cyan"))
    for said in section.said:
        out.print(Text(said), soft_wrap=False)
    for grid in section.grids:
        if grid.rows:
            out.print(_table(grid), soft_wrap=False)
            if grid.fine:
                out.print(Text(grid.fine, style="dim"), soft_wrap=False)


def _table(grid: Grid) -> Table:
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        title=grid.caption or None,
        title_justify="left",
        header_style="dim",
    )
    for at, column in enumerate(grid.columns):
        left = at in grid.left
        table.add_column(
            Text(column),
            justify="left" if left else "right",
            style="bold" if at in grid.bold else "",
            vertical="top",
            overflow="fold",
            no_wrap=not left and all(len(row[at]) <= 24 for row in grid.rows),
        )
    for row in grid.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
