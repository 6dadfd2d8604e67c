"""`revisit backup` and `revisit restore`: the embedded default as one file, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from worker.cli.app import Workspace, Workspaces, app, fail, out, settings
from worker.settings import Settings

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup's file; it holds patients' data.")]


@app.command()
def backup(file: File, workspace: Workspace = None, workspaces: Workspaces = None) -> None:
    """Write the database, the workspace (or all of them) and the keys into one file, while the system runs."""
    from worker.service.backing_up import NotPossible, back_up

    config = settings(workspace, workspaces)
    try:
        made = back_up(config, file.expanduser().absolute(), datetime.now(UTC))
    except NotPossible as error:
        raise fail(str(error), 1) from error
    out.print(f"Written to {file}: the database (tables {made.revision}), {made.files} files of the workspace{'s' if config.workspaces else ''}.", markup=False)  # fmt: skip
    if not made.key:
        out.print("The secret key comes from REVISIT_SECRET_KEY and is not in it: keep it beside, or the backup is of no use.", markup=False)  # fmt: skip
    out.print("It holds patients' data and can be read by its owner only. Keep it on another machine.")


@app.command()
def restore(
    file: File,
    yes: Annotated[
        bool, typer.Option("--yes", help="Replace the database, rooms and keys that are there.")
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Pause no journey: nothing has left since the backup was made.")
    ] = False,
    workspace: Workspace = None,
    workspaces: Workspaces = None,
) -> None:
    """Put a backup in place, while nothing runs. Journeys are paused until a person resumes them."""
    from worker.service.backing_up import NotPossible
    from worker.service.backing_up import restore as put_back

    config = settings(workspace, workspaces)
    refuse_running(config)
    try:
        held, paused = put_back(
            config, file.expanduser().absolute(), datetime.now(UTC), over=yes, go_on=go_on
        )
    except NotPossible as error:
        raise fail(str(error), 1) from error
    out.print(f"Restored as of {held.made_at:%Y-%m-%d %H:%M} UTC.", markup=False)
    if not held.key:
        out.print("Set REVISIT_SECRET_KEY to the key of that time before you start.", markup=False)
    if paused:
        out.print(
            f"{paused} journeys are paused: the backup does not know what left after it was made. Start the system, compare with the provider's list of sent messages, "
            "then: revisit resume JOURNEY",
            markup=False,
        )


def refuse_running(config: Settings) -> None:
    """Ends the command where the system runs: its processes hold the database open."""
    from redis.exceptions import RedisError

    from worker.queue.client import connect
    from worker.queue.embedded import find
    from worker.queue.pulse import heard
    from worker.service.readiness import LATE_SECONDS

    if find(config.data_dir) is not None:
        raise fail("The system runs: its embedded queue answers. Stop it first.", 1)
    if config.redis_url is None:
        return
    client = connect(config.redis_url)
    try:
        age = heard(client)
    except RedisError:
        age = None
    finally:
        client.close()
    if age is not None and age < LATE_SECONDS:
        raise fail(
            f"The system runs: a ticker was heard of {age:.0f} seconds ago. Stop every process first.", 1
        )
