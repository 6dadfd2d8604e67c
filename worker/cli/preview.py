"""`revisit preview`: a text as its reader will see it."""

from __future__ import annotations

import tempfile
import webbrowser
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from worker.cli.app import Usage, Workspace, app, fail, out, settings
from worker.cli.rooms import show_problems
from worker.domain.calendar import local_day
from worker.domain.offers import Offer
from worker.workspace.files import read_folder
from worker.workspace.lint_sms import Cost, name_of
from worker.workspace.offering import promise
from worker.workspace.preview import NotThere, Preview, Texts, channels, offer_named, read_texts
from worker.workspace.preview import preview as filled_in
from worker.workspace.templates import TemplateError
from worker.workspace.variables import sample_variables

_RULE = "─" * 60


@app.command()
def preview(
    template: Annotated[
        str, typer.Argument(metavar="TEMPLATE", help="Its name, as a step names it: win_back_6/hello")
    ],
    workspace: Workspace = None,
    patient: Annotated[
        str | None,
        typer.Option("--patient", metavar="ID", help="With the values of this patient. Default: a sample."),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            metavar="L",
            help="In this language, as `el`. Default: the patient's or the clinic's.",
        ),
    ] = None,
    channel: Annotated[
        Literal["sms", "email"] | None, typer.Option(help="Default: every channel that it has.")
    ] = None,
    offer: Annotated[
        str | None,
        typer.Option(
            "--offer", metavar="NAME", help="With this offer of config/offers.yaml. Default: a sample."
        ),
    ] = None,
    show: Annotated[
        bool,
        typer.Option("--open/--no-open", help="Open an e-mail in the browser, or only write it to a file."),
    ] = True,
) -> None:
    """Show a text as its reader will see it: an SMS with its segments and cost, an e-mail in the browser. Nothing is sent."""
    config = settings(workspace)
    files = read_folder(config.workspace)
    texts, problems = read_texts(files)
    if texts is None:
        show_problems(files, problems)
        raise fail("The clinic can't be read, so there is nothing to fill the text with.", 1)
    try:
        wanted = channels(texts, template, channel)
        chosen = offer_named(texts, offer) if offer is not None else None
        values, own = _values(texts, workspace, patient, chosen)
        shown = [filled_in(texts, template, each, language, values, own) for each in wanted]
    except NotThere as error:
        raise Usage(str(error)) from error
    except TemplateError as error:
        raise fail(f"{error.path}:{error.line}:{error.column}: {error.message}", 1) from error
    for each in shown:
        _print(each, show)


def _values(
    texts: Texts, workspace: Path | None, patient: str | None, offer: Offer | None
) -> tuple[dict[str, Any], str]:
    clinic = texts.clinic
    if patient is None:
        values = sample_variables(clinic)
        if offer is not None:
            today = local_day(datetime.now(UTC), clinic.tz)
            values["offer"] = promise(offer, today, clinic.country)
        return values, clinic.language
    from worker.logs import set_up_logging
    from worker.service.previewing import reader_of
    from worker.wiring import open_house

    set_up_logging(quiet=True)
    house = open_house(settings(workspace))
    try:
        found = reader_of(house, clinic, patient, offer)
    finally:
        house.engine.dispose()
    if found is None:
        raise NotThere(f"there is no patient `{patient}` in the data of clinic `{clinic.id}`")
    return found.values, found.language


def _print(shown: Preview, show: bool) -> None:
    out.print(Text(shown.path, style="bold"))
    if shown.email is not None:
        mail = shown.email
        _line("Subject", mail.subject)
        _line("Preheader", mail.preheader or "(none)")
        out.print(Text(f"{_RULE}\n{mail.text.rstrip()}\n{_RULE}"))
        path = _write(shown)
        opened = show and webbrowser.open(path.as_uri())
        _line("Opened" if opened else "HTML", str(path))
    elif shown.cost is not None:
        out.print(Text(f"{_RULE}\n{shown.sms}\n{_RULE}"))
        for name, said in told_cost(shown.cost):
            _line(name, said)
    out.print()


def told_cost(cost: Cost) -> list[tuple[str, str]]:
    """What an SMS costs, in words, line by line."""
    segments = cost.segments
    gsm = segments.encoding == "gsm7"
    one, each = (160, 153) if gsm else (70, 67)
    room = one if segments.count <= 1 else each * segments.count
    lines = [
        (
            "Encoding",
            "GSM-7, the plain alphabet"
            if gsm
            else "UCS-2, since some characters are not in the plain alphabet",
        ),
        ("Segments", f"{segments.count} ({segments.units} of {room} characters)"),
    ]
    if cost.price is not None:
        lines.append(("Cost", f"{cost.price[0].normalize():f} {cost.price[1]} a message"))
    if cost.own_alphabet:
        letters = " ".join(f"{char}×{size}" for char, size in cost.forced_by)
        lines.append(("Forced by", f"the text's own alphabet: {letters}"))
    else:
        lines += [("Forced by", f"{name_of(char)}, {size}×") for char, size in cost.forced_by]
    return lines


def _line(name: str, said: str) -> None:
    out.print(Text(f"{name + ':':<11}", style="dim") + Text(said))


def _write(shown: Preview) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="revisit-preview-"))
    path = folder / (Path(shown.path).name.rpartition(".")[0] + ".html")
    path.write_text(shown.email.html if shown.email else "", encoding="utf-8")
    return path
