"""`revisit duplicates`: records that may be one patient, for the clinic's people to decide over."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from worker.cli.app import Usage, Workspace, app, err, fail, out
from worker.cli.whom import actor, opened
from worker.workspace.house import House

if TYPE_CHECKING:
    from worker.service.duplicates import Found
    from worker.store.duplicates import Pair

duplicates = typer.Typer(help="Find records that may be one patient; merge them, or tell them apart.")
app.add_typer(duplicates, name="duplicates")

SAID: Final[Mapping[tuple[str, str], str]] = {
    ("name", "same"): "same name",
    ("name", "near"): "nearly the same name",
    ("name", "short"): "short form of the name",
    ("name", "typo"): "given name spelled differently",
    ("name", "given"): "same given name, another family name",
    ("birth", "same"): "same birth date",
    ("birth", "swapped"): "birth date with day and month swapped",
    ("birth", "digit"): "one digit of the birth date differs",
    ("birth", "other"): "another birth date",
    ("phone", "same"): "same phone",
    ("phone", "near"): "one digit of the phone differs",
    ("email", "same"): "same e-mail",
    ("email", "near"): "nearly the same e-mail",
}
"""What speaks for a pair, and what a person should know; the rest is left out."""

One = Annotated[str, typer.Argument(metavar="A", help="The id of one record.")]
Other = Annotated[str, typer.Argument(metavar="B", help="The id of the other.")]


@duplicates.callback(invoke_without_command=True)
def search(
    context: typer.Context,
    certain: Annotated[
        bool, typer.Option("--certain", help="Show who would be merged by rule; with --yes, merge them.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --certain: do it.")] = False,
    decided: Annotated[bool, typer.Option("--decided", help="List what was decided instead.")] = False,
    names: Annotated[
        bool, typer.Option("--names", help="Show names and birth dates too. On a terminal only.")
    ] = False,
    workspace: Workspace = None,
) -> None:
    """Compare all records and list the pairs that a person should look at."""
    if context.invoked_subcommand is not None:
        return
    from worker.intake.linkage import NoLinkage
    from worker.service import duplicates as service

    if yes and not certain:
        raise Usage("`--yes` belongs to --certain: revisit duplicates --certain --yes")
    if decided and certain:
        raise Usage("Give either --certain or --decided.")
    if names and not sys.stdout.isatty():
        raise Usage("Names are shown on a terminal only, so that they end up in no file. Leave --names out.")
    with opened(workspace) as (house, clinic):
        if decided:
            done = service.decided(house, clinic)
            _list(done, service.names(house, clinic, done) if names else {})
            if not done:
                out.print("Nothing was decided yet.")
            return
        try:
            with _progress("Comparing records") as progress:
                bar = progress.add_task("")
                found = service.search(
                    house, clinic, actor(), lambda done: progress.update(bar, completed=done)
                )
        except NoLinkage as error:
            raise fail(str(error), 1) from error
        if certain:
            _certain(house, clinic, found, yes=yes, names=names)
        else:
            _proposed(house, clinic, found, names=names)


@duplicates.command()
def merge(
    kept: Annotated[str, typer.Argument(metavar="KEPT", help="The id of the record that goes on.")],
    gone: Annotated[str, typer.Argument(metavar="GONE", help="The id of the record that gives way.")],
    workspace: Workspace = None,
) -> None:
    """Say that two records are one patient: GONE goes on as KEPT."""
    from worker.service import duplicates as service

    with opened(workspace) as (house, clinic), _refusals():
        done = service.merge(house, clinic, kept, gone, actor())
    out.print(
        f"`{done.gone[0]}` goes on as `{done.kept}`. Nothing was sent because of it, and the more restrictive consent stands. To take it back: revisit duplicates undo {done.kept} {done.gone[0]}",
        markup=False,
    )


@duplicates.command()
def distinct(one: One, other: Other, workspace: Workspace = None) -> None:
    """Say that two records are two patients; they are never proposed again."""
    from worker.service import duplicates as service

    with opened(workspace) as (house, clinic), _refusals():
        service.tell_apart(house, clinic, one, other, actor())
    out.print(
        f"`{one}` and `{other}` are two patients, and are not proposed again. To take it back: revisit duplicates undo {one} {other}",
        markup=False,
    )


@duplicates.command()
def undo(one: One, other: Other, workspace: Workspace = None) -> None:
    """Take back what was decided over two records; a merge is taken apart."""
    from worker.service import duplicates as service

    with opened(workspace) as (house, clinic), _refusals():
        was = service.undo(house, clinic, one, other, actor())
    if was.state == "distinct":
        out.print(f"`{one}` and `{other}` may be proposed again.", markup=False)
        return
    out.print(
        f"`{one}` and `{other}` are two patients again, each with what was told of it. What happened meanwhile stays: journeys that the merge ended do not go on, "
        "and messages that were sent stay with the patient to whom they were sent. They are not merged by rule again.",
        markup=False,
    )


def _proposed(house: House, clinic: str, found: Found, *, names: bool) -> None:
    from worker.service import duplicates as service

    proposed, certain = found.of("proposed"), found.of("certain")
    _list(proposed, service.names(house, clinic, proposed) if names else {})
    out.print(
        f"{found.patients:,} records compared: {_pairs(len(proposed))} for a person to look at, {_pairs(len(certain))} certain."
    )
    if proposed:
        out.print(
            "One patient: revisit duplicates merge KEPT GONE. Two patients: revisit duplicates distinct A B",
            style="dim",
            markup=False,
        )
    if certain:
        out.print("The certain ones: revisit duplicates --certain", style="dim", markup=False)


def _certain(house: House, clinic: str, found: Found, *, yes: bool, names: bool) -> None:
    from worker.service import duplicates as service

    certain = found.of("certain")
    if not found.groups:
        out.print(f"{found.patients:,} records compared: no pair is certain.")
        return
    if not yes:
        _list(certain, service.names(house, clinic, certain) if names else {})
        for group in found.groups:
            out.print(f"{', '.join(group.gone)} would go on as {group.kept}", markup=False)
        out.print(
            f"{_records(found)} would give way. Nothing was changed; to do it: revisit duplicates --certain --yes",
            markup=False,
        )
        return
    with _progress("Merging") as progress:
        bar = progress.add_task("", total=len(found.groups))
        done = service.merge_certain(
            house, clinic, found, actor(), lambda done: progress.update(bar, completed=done)
        )
    for one in done:
        out.print(f"{', '.join(one.gone)} goes on as {one.kept}", markup=False)
    out.print(f"{_records(found)} gave way. To take one back: revisit duplicates undo A B", markup=False)


def _list(pairs: Sequence[Pair], names: Mapping[str, str]) -> None:
    for pair in pairs:
        decided = (
            f"  {pair.state} by {pair.decided_by}" if pair.decided_by and pair.state != "proposed" else ""
        )
        out.print(f"{pair.left}  {pair.right}{decided}", markup=False)
        why = [SAID[key] for key in (pair.reasons or {}).items() if key in SAID]
        if pair.state == "proposed" and pair.decided_by:
            why.append("was decided before and taken back")
        if why:
            out.print(f"    {', '.join(why)} (score {pair.score})", style="dim", markup=False)
        if names:
            out.print(
                f"    {names.get(pair.left, 'unknown')}  |  {names.get(pair.right, 'unknown')}", markup=False
            )


def _pairs(size: int) -> str:
    return f"{size:,} pair{'' if size == 1 else 's'}"


def _records(found: Found) -> str:
    size = sum(len(group.gone) for group in found.groups)
    return f"{size:,} record{'' if size == 1 else 's'}"


@contextmanager
def _refusals() -> Iterator[None]:
    """What can't be decided over two records ends the command with the reason."""
    from worker.service.duplicates import Refused

    try:
        yield
    except Refused as error:
        raise fail(str(error), 1) from error


def _progress(what: str) -> Progress:
    return Progress(SpinnerColumn(), TextColumn(what), TimeElapsedColumn(), console=err, transient=True)
