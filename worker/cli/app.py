"""The command's frame: options that every command has, and errors that people can read."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from worker.settings import Settings, SettingsError
from worker.workspace.files import NoWorkspace

app = typer.Typer(
    name="revisit",
    help="The follow-up worker of an aesthetic-medicine clinic.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

COMMANDS: Final = {
    "auditing": ("audit", "strategy"),
    "backup": ("backup", "restore"),
    "demo": ("demo",),
    "doctor": ("doctor",),
    "duplicates": ("duplicates",),
    "events": ("ingest",),
    "importing": ("import",),
    "new": ("new",),
    "operations": ("pause", "resume", "unknown", "resend", "tasks", "done"),
    "patients": ("hold", "forget", "export"),
    "preview": ("preview",),
    "rooms": ("check", "init", "replay"),
    "running": ("run", "web", "worker", "ticker"),
    "schema": ("schema",),
    "secret_key": ("accept-secret-key",),
    "show": ("show",),
    "start": ("start",),
    "testing": ("test",),
    "tokens": ("token",),
}
"""The modules of this folder with the commands that each registers. Only the module of the command that was given is loaded: all of them take a second."""

Workspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        metavar="DIR",
        help="The clinic's folder with config/, journeys/ and templates/. Default: REVISIT_WORKSPACE, else this folder.",
    ),
]


Workspaces = Annotated[
    Path | None,
    typer.Option(
        "--workspaces",
        metavar="DIR",
        help="Serve every clinic's folder that lies in DIR, instead of one. Default: REVISIT_WORKSPACES, else one.",
    ),
]


class Usage(Exception):
    """What was asked for can't be done as it was asked; the message names the way out."""


def settings(workspace: Path | None, workspaces: Path | None = None) -> Settings:
    """The environment, with this command's workspace or folder of workspaces. Raises Usage where both are given."""
    if workspace is not None and workspaces is not None:
        raise Usage(
            "--workspace names one clinic's folder, --workspaces one that holds many; give one of them"
        )
    return Settings.from_env(os.environ, workspace, workspaces)


def fail(message: str, code: int) -> typer.Exit:
    """Say what went wrong and how to go on; `raise fail(…)`."""
    err.print(message, style="red", markup=False)
    return typer.Exit(code)


def register(command: str | None = None) -> None:
    """Register the module of this command; without one, or where there is none of this name, all of them."""
    wanted = [module for module, names in COMMANDS.items() if command in names] or list(COMMANDS)
    for module in wanted:
        importlib.import_module(f"worker.cli.{module}")


@app.callback()
def _revisit() -> None:
    """The follow-up worker of an aesthetic-medicine clinic."""


def main() -> None:
    """Run the command; nothing that a user does ends in a traceback."""
    register(sys.argv[1] if len(sys.argv) > 1 else None)
    try:
        app(prog_name="revisit")
    except (Usage, SettingsError, NoWorkspace) as error:
        err.print(str(error), style="red", markup=False)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output has gone, as `| head` does; nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        err.print(
            f"{error.strerror or error}: {error.filename}" if error.filename else str(error),
            style="red",
            markup=False,
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        # What nobody foresaw is a mistake of the program's. Its text may quote a patient's data; its kind and place do not.
        if os.environ.get("REVISIT_LOG") == "debug":
            raise
        frame = traceback.extract_tb(error.__traceback__)[-1]
        err.print(
            f"Revisit itself failed ({type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}). This is a mistake in the program, not in your files. "
            "Please report it with this line; REVISIT_LOG=debug shows all of it.",
            style="red",
            markup=False,
        )
        sys.exit(1)
