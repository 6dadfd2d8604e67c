"""`revisit pause`, `resume`, `unknown`, `resend`: a person decides over a journey, or over a message whose fate nobody knows."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from worker.cli.app import Workspace, app, fail, out
from worker.cli.whom import actor, opened
from worker.service.intervening import Refused

Journey = Annotated[str, typer.Argument(metavar="JOURNEY", help="The journey's name, as its file says it.")]


@app.command()
def pause(
    journey: Journey,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for the clinic's people.")
    ] = "a person paused it",
    workspace: Workspace = None,
) -> None:
    """Pause a journey at once: nothing of it leaves until it is resumed."""
    from worker.service import intervening

    with opened(workspace) as (house, clinic):
        try:
            intervening.pause(house, clinic, journey, reason.strip() or "a person paused it", actor())
        except Refused as error:
            raise fail(str(error), 1) from error
    out.print(f"The journey `{journey}` is paused. To let it go on: revisit resume {journey}", markup=False)


@app.command()
def resume(journey: Journey, workspace: Workspace = None) -> None:
    """Let a journey go on that was paused, by a person or by the system."""
    from worker.service import intervening

    with opened(workspace) as (house, clinic):
        try:
            intervening.resume(house, clinic, journey, actor())
        except Refused as error:
            raise fail(str(error), 1) from error
    out.print(
        f"The journey `{journey}` goes on. What has become too late is skipped, and says so.", markup=False
    )


@app.command()
def unknown(workspace: Workspace = None) -> None:
    """List the messages of which nobody knows whether they left."""
    from worker.service import intervening

    with opened(workspace) as (house, clinic):
        found = intervening.doubtful(house, clinic)
    if not found:
        out.print("There is no message whose fate is unknown.")
        return
    table = Table("message", "patient", "journey", "step", "channel", "since", "what is known")
    for one in found:
        known = "being looked for at the provider" if one.searching else f"nobody can tell ({one.code})"
        since = f"{one.at:%Y-%m-%d %H:%M} UTC" if one.at else ""
        table.add_row(one.id, one.patient, one.journey, one.step, one.channel, since, known)
    out.print(table)


@app.command()
def resend(
    message: Annotated[
        str, typer.Argument(metavar="MESSAGE", help="The message's id, as `revisit unknown` lists it.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    workspace: Workspace = None,
) -> None:
    """Send a message again of which nobody knows whether it left. The patient may get it twice."""
    from worker.service import intervening

    if not yes and not typer.confirm("If it did leave, the patient gets it twice. Send it again?"):
        raise fail("Nothing was sent.", 1)
    with opened(workspace) as (house, clinic):
        try:
            # The running system finds it within seconds, so it is not queued from here.
            intervening.resend(house, clinic, message, actor())
        except Refused as error:
            raise fail(str(error), 1) from error
    out.print(f"Message `{message}` is on its way, if nothing speaks against it by now.", markup=False)
