"""`revisit pause`, `resume`, `unknown`, `resend`, `tasks`, `done`: a person decides over a journey, or over a message whose fate nobody knows, and ticks work off."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.app import Usage, Workspace, app, fail, out
from worker.cli.whom import actor, every_clinic, opened
from worker.service.words import CHANNELS

Journey = Annotated[str, typer.Argument(metavar="JOURNEY", help="The journey's name, as its file says it.")]


@app.command()
def pause(
    journey: Annotated[
        str | None, typer.Argument(metavar="JOURNEY", help="The journey's name, as its file says it.")
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for the clinic's people.")
    ] = "a person paused it",
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Every journey of every clinic in the database, as after it was restored by other tools.",
        ),
    ] = False,
    workspace: Workspace = None,
) -> None:
    """Pause a journey at once: nothing of it leaves until it is resumed."""
    from worker.service import intervening

    why = reason.strip() or "a person paused it"
    if everything is (journey is not None):
        raise Usage("Give either a JOURNEY or --all.")
    if journey is None:
        with every_clinic(workspace) as house:
            count = intervening.pause_all(house, why, actor())
        out.print(f"{count} journeys are paused now. To let one go on: revisit resume JOURNEY")
        return
    with opened(workspace) as (house, clinic):
        intervening.pause(house, clinic, journey, why, actor())
    out.print(f"The journey `{journey}` is paused. To let it go on: revisit resume {journey}", markup=False)


@app.command()
def resume(journey: Journey, workspace: Workspace = None) -> None:
    """Let a journey go on that was paused, by a person or by the system."""
    from worker.service import intervening

    with opened(workspace) as (house, clinic):
        intervening.resume(house, clinic, journey, actor())
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
    for one in found:
        known = "being looked for at the provider" if one.searching else f"nobody can tell ({one.code})"
        since = f", {one.at:%Y-%m-%d %H:%M} UTC" if one.at else ""
        channel = CHANNELS.get(one.channel, one.channel)
        out.print(f"{one.id}  {channel} to {one.patient}{since}", markup=False)
        out.print(f"    {one.journey}, step {one.step}: {known}", style="dim", markup=False)


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
        # The running system finds it within seconds, so it is not queued from here.
        intervening.resend(house, clinic, message, actor())
    out.print(f"Message `{message}` is on its way, if nothing speaks against it by now.", markup=False)


@app.command()
def tasks(workspace: Workspace = None) -> None:
    """List what waits for a person."""
    from worker.service import doing

    with opened(workspace) as (house, clinic):
        found = doing.open_tasks(house, clinic)
    if not found:
        out.print("Nothing waits for a person.")
        return
    for one in found:
        whom = f" patient {one.patient}," if one.patient else ""
        when = "at once" if one.urgent else f"until {one.due_at:%Y-%m-%d}"
        out.print(f"{one.id}  {one.assignee},{whom} {when}", markup=False)
        out.print(f"    {one.note}", style="dim", markup=False)


@app.command()
def done(
    task: Annotated[
        int, typer.Argument(metavar="TASK", help="The task's number, as `revisit tasks` lists it.")
    ],
    workspace: Workspace = None,
) -> None:
    """Tick a task off; a journey that waits for it goes on."""
    from worker.service import doing

    with opened(workspace) as (house, clinic):
        # What becomes due is found by the running system within seconds, so it is not queued from here.
        doing.done(house, clinic, task, actor())
    out.print(f"Task {task} is done.")
