"""`revisit start`: from a base that was loaded to messages that leave, one step after the other. It can be left at any step and taken up again."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, get_args

import typer
from rich.text import Text

from worker.cli.app import Usage, Workspace, app, fail, out, settings
from worker.cli.auditing import Html, refuse, show, show_progress
from worker.cli.rooms import show_problems
from worker.cli.running import broken_rooms
from worker.cli.start_shown import overview
from worker.cli.whom import actor, opened
from worker.intake.phones import e164
from worker.results.paper import count, number
from worker.service import first_start, start_words, words
from worker.service.enrolling import CannotEnroll, Enrolled, enroll_existing, enterable
from worker.service.first_start import STEPS, Standing, StepName
from worker.service.rollout import Halves, UnderWay, effects, roll_out
from worker.workspace.files import read_folder
from worker.workspace.house import House
from worker.workspace.mode_text import FILE
from worker.workspace.rooms import BrokenRooms
from worker.workspace.yaml_text import NotEditable

if TYPE_CHECKING:
    from worker.service.rehearsing import Rehearsal

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class _Asked:
    """What the command was given, with the house and the clinic."""

    house: House
    clinic: str
    folder: Path
    at: str
    actor: str
    yes: bool
    html: Path | None
    allow: Sequence[str]
    confirm: str | None
    existing: bool
    journeys: Sequence[str]
    rollouts: Sequence[str]
    dry_run: bool

    def command(self, step: StepName, more: str = "") -> str:
        """How a step is taken."""
        return f"revisit start --step {step}{more}{self.at}"


def _step(word: str) -> str:
    if word not in get_args(StepName):
        raise Usage(f"there is no step `{word}`; the steps are: {', '.join(get_args(StepName))}")
    return word


@app.command()
def start(
    step: Annotated[
        StepName | None,
        typer.Option("--step", parser=_step, metavar="STEP", help="Take this step. Default: show where the start stands, and go on from there."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing. Without --step: take every look that is left, and stop before anything may leave.")
    ] = False,
    html: Html = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="ADDRESS", help="For the step allow_list: a phone number or e-mail address of the staff; may be given again."),
    ] = None,
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="NAME", help="For the step live: the clinic's name, instead of typing it.")
    ] = None,
    enroll: Annotated[
        bool, typer.Option("--enroll-existing", help="Also let in who stands where journeys start already; what is past is skipped.")
    ] = False,
    journey: Annotated[
        list[str] | None, typer.Option("--journey", metavar="NAME", help="With --enroll-existing: only into this journey; may be given again.")
    ] = None,
    rollout: Annotated[
        list[str] | None,
        typer.Option("--rollout", metavar="NAME", help="Begin this journey anew for all who stand there, in two random halves 60 days apart; may be given again."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="For the step live: say in numbers what would be, and change nothing.")] = False,
    workspace: Workspace = None,
) -> None:  # fmt: skip
    """Go live step by step: audit, segments, journeys, strategy, rehearsal, allow_list, live. Looking sends nothing."""
    from worker.logs import set_up_logging
    from worker.wiring import open_house, publish_first

    refuse(html)
    if journey and not enroll:
        raise Usage("--journey says into which journey --enroll-existing lets patients in; give both")
    config = settings(workspace)
    set_up_logging(quiet=True)
    first = open_house(config)
    with broken_rooms(config):
        publish_first(config, first)
    first.engine.dispose()
    at = f" --workspace {workspace}" if workspace is not None else ""
    with opened(workspace) as (house, clinic):
        asked = _Asked(
            house, clinic, config.workspace, at, actor(), yes, html, allow or (), confirm, enroll, journey or (), rollout or (), dry_run
        )  # fmt: skip
        try:
            if step is not None:
                _TAKE[step](asked)
                _next(asked)
            else:
                _go_on(asked)
        except CannotEnroll as error:
            raise fail(str(error), 1) from error


def _standing(asked: _Asked) -> Standing:
    return first_start.standing(asked.house, asked.clinic, read_folder(asked.folder))


def _go_on(asked: _Asked) -> None:
    """Show where it stands; then take what is left, one after the other, as long as the person at the terminal says so."""
    stands = _standing(asked)
    overview(stands, effects(asked.house, asked.clinic), asked.at)
    for name in STEPS:
        stands = _standing(asked)
        if stands.next == name and not _taken(asked, name):
            break
    _next(asked)


def _taken(asked: _Asked, name: StepName) -> bool:
    """Take a step, where that is wanted."""
    if asked.yes:
        wanted = name in first_start.LOOKS
    else:
        wanted = sys.stdin.isatty() and typer.confirm(f"\nGo on with {name}?", default=True)
    if wanted:
        _TAKE[name](asked)
    return wanted


def _next(asked: _Asked) -> None:
    stands = _standing(asked)
    following = stands.next
    if following is None or stands.mode == "live":
        out.print("\nThe clinic is live. What needs a person stands on the page at / and in `revisit tasks`.")
        return
    more = {"allow_list": " --allow PHONE_OR_EMAIL", "live": ' --confirm "THE CLINIC\'S NAME"'}
    out.print(f"\nNext: {asked.command(following, more.get(following, ''))}", markup=False)


# -- the looks ----------------------------------------------------------------------------------------------------------------


def _audit(asked: _Asked) -> None:
    from worker.service.audit_paper import paper
    from worker.service.auditing import audit

    with show_progress("Looking at every patient") as told:
        seen = audit(asked.house, asked.clinic, told)
    show(paper(seen), asked.html)
    _looked(asked, "audit", {"patients": seen.patients})


def _segments(asked: _Asked) -> None:
    found = first_start.sizes(asked.house, asked.clinic)
    out.print(Text("Segments", style="bold"))
    out.print(f"{count(found.patients, 'patient')}, each in exactly one stage:", markup=False)
    for title, entries in (("", found.stages), ("and in any number of these:", found.segments)):
        if title:
            out.print(title)
        for name, (said, size) in entries.items():
            out.print(f"  {number(size):>9}  {name}: {said}", markup=False)
    out.print("They are written in config/segments.yaml; edit them there, and look again.")
    _looked(asked, "segments", {"patients": found.patients})


def _journeys(asked: _Asked) -> None:
    found = first_start.sizes(asked.house, asked.clinic)
    out.print(Text("Journeys", style="bold"))
    for one in found.journeys:
        about = one.journey
        stands = f"; {count(one.standing, 'patient')} stand there today" if one.standing is not None else ""
        pace = f", {about.pace} a day" if about.pace else ""
        held = f", {about.holdout} % held out" if about.holdout else ""
        out.print(Text(f"{about.name}", style="bold") + Text(f"  {about.status}, priority {about.priority}{pace}{held}", style="dim"))  # fmt: skip
        out.print(f"    {about.title}", markup=False)
        out.print(f"    Starts: {about.start}{stands}.", style="dim", markup=False)
    out.print(
        "Only those whose status is `live` do anything. Set the others to `draft` or remove their files; `revisit show JOURNEY` draws one."
    )
    live = sum(one.journey.status == "live" for one in found.journeys)
    _looked(asked, "journeys", {"journeys": len(found.journeys), "live": live})


def _strategy(asked: _Asked) -> None:
    from worker.service.strategy import strategy
    from worker.service.strategy_paper import paper

    with show_progress("Living through the last year") as told:
        plan = strategy(asked.house, asked.clinic, told)
    show(paper(plan), asked.html)
    _looked(asked, "strategy", {"journeys": len(plan.journeys)})


def _rehearsal(asked: _Asked) -> None:
    from worker.service import rehearsal_paper

    found = _rehearsed(asked)
    show(rehearsal_paper.paper(found), asked.html)
    named = {*asked.journeys, *asked.rollouts}
    for name, part in sorted(found.parts.items()):
        if named and name not in named:
            continue
        if part.examples:
            out.print(Text(f"\n{name}, as its readers would see it", style="bold cyan"))
        for one in part.examples.values():
            channel = words.CHANNELS.get(one.channel, one.channel)
            out.print(
                f"{one.at:%a %Y-%m-%d %H:%M}, {channel} to {one.patient}, step {one.step}",
                style="dim",
                markup=False,
            )
            if one.text is None:
                out.print(f"The text can't be rendered: {one.wrong}", style="red", markup=False)
                continue
            if one.text.subject is not None:
                out.print(f"Subject: {one.text.subject}", markup=False)
            out.print(one.text.text.strip(), markup=False)
    _looked(asked, "rehearsal", rehearsal_paper.numbers(found))


def _rehearsed(asked: _Asked) -> Rehearsal:
    from worker.service.rehearsing import rehearse

    # Whatever can't be entered is said before any work is done.
    enterable(asked.house, asked.clinic, [*asked.journeys, *asked.rollouts])
    able = [one.name for one in enterable(asked.house, asked.clinic, None)]
    existing = (asked.journeys or able) if asked.existing else ()
    with show_progress("Living through the next 60 days") as told:
        return rehearse(asked.house, asked.clinic, existing, asked.rollouts, told)


def _looked(asked: _Asked, step: StepName, detail: Mapping[str, object]) -> None:
    first_start.looked(asked.house, asked.clinic, asked.actor, step, detail)


# -- the mode -----------------------------------------------------------------------------------------------------------------


def _allow_list(asked: _Asked) -> None:
    clinic = first_start.published(asked.house, asked.clinic)
    if clinic.mode == "live":
        raise Usage(f"the mode is live already; to go back, write `mode: allow_list` into {FILE} by hand")
    given = list(asked.allow) or list(clinic.allow_list)
    if not given and sys.stdin.isatty():
        given = typer.prompt("Phone numbers and e-mail addresses of the staff, with spaces").split()
    if not given:
        raise Usage(f"name the staff's own phones: {asked.command('allow_list', ' --allow +306900000001')}")
    listed = [_address(one, clinic.country) for one in given]
    out.print(
        f"From now on messages to these leave, and all others stay rehearsed: {', '.join(listed)}",
        markup=False,
    )
    _agree(asked, f"Set `mode: allow_list` in {FILE} and put the folder in force?")
    _change(asked, "allow_list", listed, {})
    out.print(
        "Make a patient with your own phone in the booking system and live through a journey. Click the unsubscribe link from outside."
    )


def _live(asked: _Asked) -> None:
    from worker.service import rehearsal_paper

    stands = _standing(asked)
    missing = [step.name for step in stands.steps if step.name == "rehearsal" and not step.done]
    if missing and stands.mode != "live" and not asked.dry_run:
        raise fail(f"Look at the rehearsal of the rooms as they are first: {asked.command('rehearsal')}", 1)
    found = _rehearsed(asked)
    out.print(Text(f"{stands.name}: {rehearsal_paper.said_of(found)}.", style="bold"))
    for name in asked.rollouts:
        part = found.parts.get(name)
        first, second = (part.let_in, part.second_half) if part is not None else (0, 0)
        out.print(f"{name}: {number(first)} patients begin now, by turns; {number(second)} in 60 days. Until then they are what the first half is compared with.", markup=False)  # fmt: skip
    if asked.existing:
        for name, part in sorted(found.parts.items()):
            said = ", ".join(
                f"{number(size)} {start_words.ANSWERS[answer]}"
                for answer, size in sorted(part.answers.items())
            )
            if said and name not in asked.rollouts:
                out.print(f"{name}: {said}", markup=False)
    if found.over:
        out.print(f"More would leave on {count(len(found.over), 'day')} than the blast limit of {found.limit} allows. Give the journeys a `pace`.", style="yellow")  # fmt: skip
    if asked.dry_run:
        out.print("Nothing was changed.")
        return
    _named(asked, stands.name)
    if stands.mode != "live":
        _change(asked, "live", None, rehearsal_paper.numbers(found))
    for name in asked.rollouts:
        try:
            _told(name, roll_out(asked.house, asked.clinic, asked.actor, name))
        except UnderWay as error:
            out.print(str(error), markup=False)
    if asked.existing:
        _told("", enroll_existing(asked.house, asked.clinic, asked.actor, asked.journeys or None))


def _told(rollout: str, found: Enrolled) -> None:
    if isinstance(found, Halves):
        out.print(f"{rollout}: {count(found.first, 'patient')} in the first half, {number(found.second)} in the second, which begins on {found.second_at:%Y-%m-%d}.", markup=False)  # fmt: skip
    else:
        for name, answers in sorted(found.answers.items()):
            out.print(f"{name}: {number(answers['enrolled'])} let in", markup=False)
        if found.waiting:
            out.print(f"{count(found.waiting, 'patient')} are left to the second half of a rollout.")
    if found.enrolled():
        out.print("Each begins when its turn comes; the running system (`revisit run`) gives the turns.")


def _named(asked: _Asked, name: str) -> None:
    """The clinic's name, typed: what leaves can't be taken back."""
    given = asked.confirm
    if given is None and sys.stdin.isatty():
        given = typer.prompt(f"Messages to patients can't be taken back. To go live, type the clinic's name ({name})")  # fmt: skip
    if given is None:
        raise fail(f'Nothing was changed. To agree, say whose it is: --confirm "{name}"', 1)
    if " ".join(given.split()).casefold() != " ".join(name.split()).casefold():
        raise fail(f"Nothing was changed: `{given}` is not the clinic's name, {name}.", 1)


def _agree(asked: _Asked, question: str) -> None:
    if asked.yes:
        return
    if not sys.stdin.isatty():
        raise fail("Nothing was changed. To agree, add --yes.", 1)
    if not typer.confirm(question):
        raise fail("Nothing was changed.", 1)


def _change(asked: _Asked, mode: str, listed: Sequence[str] | None, numbers: Mapping[str, int]) -> None:
    try:
        version = first_start.change_mode(
            asked.house,
            asked.folder,
            asked.actor,
            "live" if mode == "live" else "allow_list",
            listed,
            numbers,
        )
    except NotEditable as error:
        raise fail(str(error), 1) from error
    except BrokenRooms as error:
        show_problems(read_folder(asked.folder), error.problems)
        raise fail("The workspace has errors, so nothing was changed.", 1) from error
    out.print(f"{FILE} says `mode: {mode}`, and workspace version {version} is in force.", markup=False)


def _address(text: str, country: str) -> str:
    if _EMAIL.fullmatch(text):
        return text
    phone = e164(text, country)
    if phone is None:
        raise Usage(f"`{text}` is neither a phone number nor an e-mail address; write +306900000001 or me@clinic.example")  # fmt: skip
    return phone


_TAKE: Final[Mapping[StepName, Callable[[_Asked], None]]] = {
    "audit": _audit,
    "segments": _segments,
    "journeys": _journeys,
    "strategy": _strategy,
    "rehearsal": _rehearsal,
    "allow_list": _allow_list,
    "live": _live,
}
