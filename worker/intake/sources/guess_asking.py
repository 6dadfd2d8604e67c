"""What no file shows of itself, and a person is asked: the order of dates that may be read in two ways, and what a past booking is that nobody closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from worker.intake.sources.guess import Draft

MONTH_FIRST: Final = frozenset({"US", "PH"})


@dataclass(frozen=True, slots=True)
class Question:
    """`key` is `order` or `past`; one of `words` is the answer, `default` where nobody is asked."""

    key: str
    text: str
    words: tuple[str, ...]
    default: str


def questions(drafts: Sequence[Draft], country: str) -> list[Question]:
    """At most two; none where the files show it all."""
    return [one for one in (_order(drafts, country), _past(drafts)) if one is not None]


def answered(drafts: Sequence[Draft], country: str, answers: Mapping[str, str]) -> tuple[str, str]:
    """The order of dates and the meaning of a past booking: what the files show, else the answer, else what is likeliest."""
    asked = {one.key: answers.get(one.key, one.default) for one in questions(drafts, country)}
    shown = next((one.order for one in drafts if one.order in ("dmy", "mdy")), None)
    return shown or asked.get("order", _likely_order(country)), asked.get("past", _likely_past(drafts))


def _order(drafts: Sequence[Draft], country: str) -> Question | None:
    orders = {one.order for one in drafts}
    if orders & {"dmy", "mdy"} or orders == {"iso"}:
        return None
    text = "What does 03/04/2026 mean: 3 April (dmy) or 4 March (mdy)?"
    return Question("order", text, ("dmy", "mdy"), _likely_order(country))


def _past(drafts: Sequence[Draft]) -> Question | None:
    visits = [one for one in drafts if one.kind == "appointments"]
    if not any(_open(one) for one in visits):
        return None
    text = "What is a past booking that nobody closed: completed, no_show or unknown?"
    return Question("past", text, ("completed", "no_show", "unknown"), _likely_past(drafts))


def _open(one: Draft) -> bool:
    """Whether a row of it may be a booking: its status says so, or may, or there is none."""
    return "status" not in one.columns or bool({"booked", None} & set(one.statuses.values()))


def _likely_order(country: str) -> str:
    return "mdy" if country in MONTH_FIRST else "dmy"


def _likely_past(drafts: Sequence[Draft]) -> str:
    closes = any(
        "completed" in one.statuses.values() or "flag:completed" in one.columns
        for one in drafts
        if one.kind == "appointments"
    )
    return "unknown" if closes else "completed"
