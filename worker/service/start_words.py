"""The words of a first start: what each step is for, and how a rollout stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from worker.domain.existing import Answer
from worker.results.halves import Half
from worker.results.paper import count, number, share
from worker.service.first_start import StepName
from worker.service.rollout import Effect

TITLES: Final[Mapping[StepName, str]] = {
    "audit": "See what the base looks like, and what is wrong with it",
    "segments": "See who is in which segment",
    "journeys": "See the journeys, and who stands where they start",
    "strategy": "See who hears what, when and why; for the clinic to sign",
    "rehearsal": "Live through the next 60 days; nothing leaves",
    "allow_list": "Let messages leave to the staff's own phones alone",
    "live": "Let messages leave to patients",
}
ANSWERS: Final[Mapping[Answer, str]] = {
    "enrolled": "let in",
    "another": "let into another journey that goes first",
    "under_way": "under way in a journey already",
    "before": "were in it before",
    "stopped": "its stop_if holds",
    "past": "every step of it is past",
}


def effect(told: Effect) -> list[str]:
    """A rollout in sentences: who is in it, what each half did, and what that proves."""
    rollout = told.rollout
    lines = [
        f"{rollout.journey}, in two halves since {rollout.started_at:%Y-%m-%d}; the second begins on {rollout.second_at:%Y-%m-%d}"
        + (f", {count(told.waiting, 'patient')} of it still to be let in." if told.waiting else "."),
        f"First half: {_half(told.first)}. Second half: {_half(told.second)}.",
    ]
    if told.difference is not None:
        found = told.difference
        until = "" if told.whole else " so far"
        lines.append(
            f"The first half has {_points(found.value)} more{until} (95 % interval {_points(found.low)} to {_points(found.high)}){_proves(found.low, found.high)}."
        )
    return lines


def _half(half: Half) -> str:
    return f"{count(half.size, 'patient')}, {number(half.written_to)} written to, {number(half.reached)} came or booked ({share(half.rate)})"


def _points(value: float) -> str:
    return f"{value * 100:.1f} points"


def _proves(low: float, high: float) -> str:
    return "; chance alone may have made that" if low <= 0 <= high else ""
