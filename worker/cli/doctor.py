"""`revisit doctor`: what is wrong with this installation, each with its way out."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from worker.cli.app import Workspace, Workspaces, app, out, settings
from worker.workspace.files import read_folder


class Format(StrEnum):
    """How it is told."""

    text = "text"
    json = "json"


@app.command()
def doctor(
    form: Annotated[Format, typer.Option("--format", help="For people, or JSON for programs.")] = Format.text,
    workspace: Workspace = None,
    workspaces: Workspaces = None,
) -> None:
    """Look for what is wrong: configuration, credentials, connections, clocks, and what waits. Changes nothing and sends nothing."""
    from worker.logs import set_up_logging
    from worker.service.doctoring import examine
    from worker.service.serving import workspaces_in

    set_up_logging(quiet=True)
    config = settings(workspace, workspaces)
    if config.workspaces is None:
        found = examine(config, {"": read_folder(config.workspace)})
    else:
        found = examine(
            config, {f"{one.name}/": read_folder(one) for one in workspaces_in(config.workspaces)}
        )
    if form is Format.json:
        told = {"findings": [asdict(one) for one in found.findings], "well": found.well}
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    else:
        for one in found.findings:
            out.print(f"{one.severity}: {one.what}  [{one.code}]", style="red" if one.severity == "error" else "yellow", markup=False)  # fmt: skip
            out.print(f"    {one.way_out}", markup=False)
        out.print(f"Found well: {', '.join(found.well) or 'nothing'}", style="dim", markup=False)
    raise typer.Exit(1 if found.ill else 0)
