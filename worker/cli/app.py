"""The command's frame: options that every command has, and errors that people can read."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

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

Workspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        metavar="DIR",
        help="The clinic's folder with config/, journeys/ and templates/. Default: REVISIT_WORKSPACE, else this folder.",
    ),
]


class Usage(Exception):
    """What was asked for can't be done as it was asked; the message names the way out."""


def settings(workspace: Path | None) -> Settings:
    """The environment, with this command's workspace."""
    return Settings.from_env(os.environ, workspace)


def fail(message: str, code: int) -> typer.Exit:
    """Say what went wrong and how to go on; `raise fail(…)`."""
    err.print(message, style="red", markup=False)
    return typer.Exit(code)


def main() -> None:
    """Run the command; nothing that a user does ends in a traceback."""
    from worker.cli import (  # noqa: F401  (each registers its commands)
        auditing,
        demo,
        events,
        importing,
        new,
        operations,
        patients,
        preview,
        rooms,
        running,
        schema,
        show,
        testing,
        tokens,
    )

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
