"""What the demo tells at its end, in a clinic owner's words."""

from __future__ import annotations

from pathlib import Path

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from worker.cli.app import out
from worker.service.overview import Overview, Sent, overview
from worker.workspace.house import House

SAMPLES = 3


def tell(house: House, outbox: Path | None) -> None:
    """Print the summary. `outbox` is where the messages can be read, where they stay."""
    seen = overview(house, "default", recent=400)
    out.print()
    out.rule(f"[bold]{seen.name}[/bold], {seen.now:%A %d %B %Y, %H:%M}")
    _patients(seen)
    _moves(seen)
    _journeys(seen)
    _samples(seen)
    _held(seen)
    out.print()
    due = f"{len(seen.tasks)} tasks wait for the team" if seen.tasks else "No task waits for the team"
    out.print(f"{due}; {len(seen.coming)} messages and steps are scheduled next.")
    if outbox is not None:
        out.print(f"Every message as it was “sent”, to read: {outbox}", markup=False)
    out.print("Nothing left this machine: the sample clinic's channels write to files.")


def _patients(seen: Overview) -> None:
    table = Table(title=f"\n{seen.patients:,} patients", title_justify="left", box=None, pad_edge=False)
    for name, justify in (("stage", "left"), ("patients", "right"), ("", "right"), ("who that is", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for stage in seen.stages:
        table.add_row(stage.title, f"{stage.size:,}", f"{stage.share:.0%}", stage.about)
    out.print(table)
    out.print(
        "Also: " + "; ".join(f"{segment.title} {segment.size:,}" for segment in seen.segments), style="dim"
    )


def _moves(seen: Overview) -> None:
    table = Table(title="\nWho moved in the last seven days", title_justify="left", box=None, pad_edge=False)
    table.add_column("segment")
    table.add_column("entered", justify="right")
    table.add_column("left", justify="right")
    for move in seen.moves:
        table.add_row(move.title, str(move.entered or "–"), str(move.left or "–"))
    out.print(table)


def _journeys(seen: Overview) -> None:
    table = Table(title="\nMessages by journey", title_justify="left", box=None, pad_edge=False)
    for name, justify in (
        ("journey", "left"),
        ("sent", "right"),
        ("held back", "right"),
        ("scheduled", "right"),
        ("patients under way", "right"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for line in seen.journeys:
        table.add_row(
            line.title,
            str(line.gone),
            str(line.states.get("dropped", 0)),
            str(line.states.get("scheduled", 0)),
            str(line.under_way),
        )
    out.print(table)


def _samples(seen: Overview) -> None:
    out.print("\n[bold]Three of the messages, as their readers see them[/bold]")
    for sent in pick(seen.recent):
        said = Text(f"{sent.subject}\n\n" if sent.subject else "", style="bold")
        said.append(_body(sent), style="not bold")
        kind = {"sms": "SMS", "email": "E-mail"}.get(sent.channel, sent.channel)
        out.print(
            Panel(
                said,
                title=f"{kind} · {sent.at:%a %d %b %H:%M}",
                title_align="left",
                subtitle=sent.journey,
                subtitle_align="left",
                width=min(out.width, 88),
            ),
            soft_wrap=False,
        )


def _body(sent: Sent) -> str:
    """The text; an e-mail's repeats its subject as a heading, which stands above already."""
    lines = sent.text.splitlines()
    if (
        sent.subject
        and len(lines) > 1
        and lines[0].strip() == sent.subject
        and set(lines[1].strip()) <= {"-", "="}
    ):
        lines = lines[2:]
    return "\n".join(lines).strip()


def pick(recent: tuple[Sent, ...]) -> list[Sent]:
    """Three messages that differ as much as possible: one in Greek, one e-mail, different journeys."""
    chosen: list[Sent] = []
    for wish in (("el", "sms"), ("en", "email"), ("en", "sms")):
        fitting = [one for one in recent if (one.language, one.channel) == wish and one not in chosen]
        fresh = [one for one in fitting if one.journey not in {other.journey for other in chosen}]
        chosen += (fresh or fitting)[:1]
    return (chosen + [one for one in recent if one not in chosen])[:SAMPLES]


def _held(seen: Overview) -> None:
    out.print("\n[bold]What was held back, and why[/bold]")
    if not seen.held and not seen.not_begun:
        out.print("Nothing.")
    for held in seen.held:
        out.print(Text(f"  {held.size:>4}  {held.title}{' (waits)' if held.waiting else ''}"))
        for example in held.examples[:1]:
            out.print(
                Text(f"        for example {example.patient}, {example.journey}: {example.why}", style="dim")
            )
    for none in seen.not_begun[:6]:
        out.print(Text(f"  {none.size:>4}  not begun: {none.journey}: {none.why}"))
