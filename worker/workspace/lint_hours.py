"""A clinic whose policy has nothing at all, where the law has hours: the night is open then, and somebody should have meant it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from worker.domain.calendar import Window
from worker.domain.law import Law
from worker.domain.policy import Policy
from worker.domain.shape import Reader
from worker.domain.source import Node, Place

FILE: Final = "config/policy.yaml"
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def hours_without_policy(reader: Reader, policy: Policy, law: Law, trees: Mapping[str, Node | None]) -> None:
    """An empty policy (`{}`, or no file) means no hours and no caps, the law's included: a warning where the law has any."""
    if policy != Policy() or not (law.has_hours or law.caps):
        return
    at = trees.get("policy") or trees.get("clinic")
    reader.problem(
        "policy-no-hours",
        at or Place(FILE),
        f"nothing keeps marketing out of the night; the law of {law.country} asks for {hours_in_words(law)}",
        f"Write `quiet_hours` in {FILE}; as soon as there is any rule in it, the law's hours and caps hold too.",
    )


def hours_in_words(law: Law) -> str:
    """`08:00 - 21:00`, with the days that differ: `09:00 - 21:00, Sunday 12:00 - 21:00`."""
    first = law.hours[0]
    others = [
        f"{name} {_window(window)}" for name, window in zip(_DAYS, law.hours, strict=True) if window != first
    ]
    return ", ".join([_window(first), *others])


def _window(window: Window | None) -> str:
    return "none" if window is None else "any hour" if window.all_day else str(window)
