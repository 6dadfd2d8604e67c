"""`revisit token`: tokens of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from worker.cli.app import Usage, Workspace, app, fail, out
from worker.cli.whom import actor, opened

token = typer.Typer(help="Tokens of the API: make one, list them, revoke one.", no_args_is_help=True)
app.add_typer(token, name="token")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What it is for, such as booking-system.")]


@token.command()
def create(
    name: Name,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="What it opens: events, page. May be given more than once."),
    ] = None,
    workspace: Workspace = None,
) -> None:
    """Make a token and show it, once."""
    from worker.service.tokens import BadName, create

    with opened(workspace) as (house, clinic):
        try:
            made = create(house, clinic, name, scope or ["events"], actor())
        except BadName as error:
            raise Usage(str(error)) from error
    out.print(made, markup=False)
    out.print(
        f"This is the only time that it is shown. It opens {' and '.join(scope or ['events'])} of clinic `{clinic}`; "
        f"put it where the system that needs it keeps its secrets. To take it back: revisit token revoke {name}",
        style="dim",
        markup=False,
    )


@token.command(name="list")
def list_(workspace: Workspace = None) -> None:
    """Show all tokens: what each opens, since when, when it was used last. Never the token itself."""
    from worker.service.tokens import listed

    with opened(workspace) as (house, clinic):
        found = listed(house, clinic)
    if not found:
        out.print("There is no token yet; make one with: revisit token create NAME", markup=False)
        return
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for column in ("name", "opens", "created", "last used", "revoked"):
        table.add_column(column, no_wrap=True)
    for one in found:
        moments = (one.created_at, one.used_at, one.revoked_at)
        table.add_row(
            one.name, ", ".join(one.scopes), *map(_told, moments), style="dim" if one.revoked_at else ""
        )
    out.print(table, soft_wrap=False)


@token.command()
def revoke(name: Name, workspace: Workspace = None) -> None:
    """Take a token back: it opens nothing from the next request on."""
    from worker.service.tokens import listed, revoke

    with opened(workspace) as (house, clinic):
        if revoke(house, clinic, name, actor()):
            out.print(f"`{name}` opens nothing any more.", markup=False)
            return
        open_now = sorted({one.name for one in listed(house, clinic) if one.revoked_at is None})
    raise fail(f"There is no open token `{name}`. There are: {', '.join(open_now) or 'none'}.", 1)


def _told(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment is not None else "-"
