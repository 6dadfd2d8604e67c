"""Where a first start stands, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from worker.cli.app import out
from worker.results.paper import count
from worker.service import start_words
from worker.service.first_start import Standing
from worker.service.rollout import Effect

_MARKS: Final = {True: ("✓", "green"), False: ("·", "dim")}


def overview(stands: Standing, rollouts: Sequence[Effect], at: str) -> None:
    """Each step with whether it is done, what to know of the whole, and how the rollouts stand. `at` are the options that name the workspace."""
    out.print(Text(f"{stands.name}: {count(stands.patients, 'patient')}, mode {stands.mode}", style="bold"))
    for number_, one in enumerate(stands.steps, start=1):
        mark, style = _MARKS[one.done]
        when = f" ({one.at:%Y-%m-%d})" if one.at is not None and one.done else ""
        stale = " (looked at before the rooms were changed; look again)" if one.stale else ""
        out.print(
            Text(f" {mark} {number_}. {one.name:<11}", style=style)
            + Text(f"{start_words.TITLES[one.name]}{when}{stale}")
        )
    if stands.importing:
        out.print("An import is still being read; the numbers grow until it ends.", style="yellow")
    if not stands.patients:
        out.print(
            f"There are no patients yet. Load them: revisit import FILE… --guess --source NAME{at}",
            style="yellow",
            markup=False,
        )
    if stands.edited:
        out.print(
            "The folder says other than what is in force. A restart of `revisit run`, or the next change of the mode, puts it in force.",
            style="yellow",
        )
    for told in rollouts:
        out.print()
        for line in start_words.effect(told):
            out.print(Text(line), soft_wrap=False)
