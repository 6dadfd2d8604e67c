"""The life of a message: which state may follow which. The store refuses every other move.

`scheduled` waits for its moment; `claimed` is with the sender, at most for the time of its lease; `unknown` may have reached the patient. A receipt of the provider
moves `sent` on, never backwards; an address may still bounce after it seemed delivered. `failed`, `dropped` and `rehearsed` are ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from worker.domain.history import COUNTED

MOVES: Final[Mapping[str, frozenset[str]]] = {
    "scheduled": frozenset({"claimed", "dropped", "rehearsed"}),
    "claimed": frozenset({"sent", "failed", "unknown", "scheduled"}),
    "sent": frozenset({"delivered", "undelivered"}),
    "unknown": frozenset({"sent", "failed"}),
    "delivered": frozenset({"undelivered"}),
    "undelivered": frozenset(),
    "failed": frozenset(),
    "dropped": frozenset(),
    "rehearsed": frozenset(),
}
"""Every state, with the states that may follow it."""

UNDER_WAY: Final = frozenset({"scheduled", "claimed"})
"""States in which the planner still decides over a message."""

REACHED: Final = COUNTED | {"delivered"}
"""States that take a place under a cap once receipts are in: what was delivered counts, what bounced reached nobody."""


def may_follow(state: str, following: str) -> bool:
    """Whether a message may go from `state` to `following`. Raises KeyError for a state that there is not."""
    return following in MOVES[state]
