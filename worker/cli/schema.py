"""`revisit schema`: JSON Schemas, so that an editor completes and explains what may be written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.cli.app import Usage, Workspace, app, out, settings
from worker.workspace.files import read_folder
from worker.workspace.layout_new import write_rooms
from worker.workspace.schema import FOLDER, schema_files


@app.command()
def schema(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            help=f"Where to write them. Default: {FOLDER} in the workspace.",
            show_default=False,
        ),
    ] = None,
    workspace: Workspace = None,
) -> None:
    """Write JSON Schemas for every kind of file, with the names that this workspace has. Run it again after adding a segment, an offer or a template."""
    root = settings(workspace).workspace
    target = folder if folder is not None else root / FOLDER
    if target.exists() and not target.is_dir():
        raise Usage(f"{target} is a file; name a folder")
    files = schema_files(read_folder(root))
    write_rooms(files, target)
    out.print(f"{len(files)} schemas written to {target}.", markup=False)
    if folder is None:
        out.print(
            "VS Code with the extension redhat.vscode-yaml reads them by .vscode/settings.json.", markup=False
        )
