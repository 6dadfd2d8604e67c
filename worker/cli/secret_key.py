"""`revisit accept-secret-key`: go on with another secret key, knowing what is lost."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.app import Workspace, app, fail, out, settings
from worker.cli.whom import actor


@app.command(name="accept-secret-key")
def accept_secret_key(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, workspace: Workspace = None
) -> None:
    """Go on with another REVISIT_SECRET_KEY where the one of before is lost for good. Suppressed addresses are not recognised any more."""
    from worker.logs import set_up_logging
    from worker.service.secret_key import accept_key
    from worker.wiring import open_unchecked

    set_up_logging(quiet=True)
    if not yes and not typer.confirm(
        "Addresses that were suppressed will not be recognised any more, and no program can bring them back. Go on?"
    ):
        raise fail("Nothing was changed.", 1)
    house = open_unchecked(settings(workspace))
    try:
        lost = accept_key(house, actor())
    finally:
        house.engine.dispose()
    if not any(lost):
        out.print("Nothing was kept under another key, so nothing is lost.")
        return
    out.print(
        f"The new key is in force. Lost: {lost.suppressions} suppressed addresses, {lost.tokens} tokens, the links of {lost.messages} messages.\n"
        "Who said stop stays without marketing, since that stands with the patient; who was forgotten, and addresses that were dead, are protected no longer. "
        "Make the tokens anew with: revisit token create NAME",
        markup=False,
    )
