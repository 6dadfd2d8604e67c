"""The life of a message: one table of states with their legal moves. The store refuses every other move.

Rules
1. `scheduled` waits for its moment; `claimed` is with the sender, at most for the time of its lease; `unknown` may have reached the patient.
2. An `unknown` message leaves that state by proof (the provider's word that it has it, or its list that shows that it has not) or by a person's decision.
3. What providers say later moves a message on and never back: `ADVANCES` says which of their words moves it where. An address may still bounce after it seemed delivered.
4. `failed`, `undelivered`, `dropped` and `rehearsed` are ends; so are `sent` and `delivered` unless a provider says more, and `unknown` unless somebody finds out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from worker.domain.history import COUNTED

MOVES: Final[Mapping[str, frozenset[str]]] = {
    "scheduled": frozenset({"claimed", "dropped", "rehearsed"}),
    "claimed": frozenset({"sent", "failed", "unknown", "scheduled"}),
    "unknown": frozenset({"sent", "failed", "scheduled"}),
    "sent": frozenset({"delivered", "undelivered"}),
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

ADVANCES: Final[Mapping[str, str]] = {
    "queued": "sent", "sent": "sent", "deferred": "sent", "opened": "delivered", "clicked": "delivered", "delivered": "delivered",
    "complained": "delivered", "unsubscribed": "delivered", "undelivered": "undelivered", "failed": "undelivered", "canceled": "undelivered",
    "bounced": "undelivered", "blocked": "undelivered", "dropped": "undelivered",
}  # fmt: skip
"""What a provider's normalised word proves of a message; a word that is not here proves nothing."""

RANK: Final[Mapping[str, int]] = {
    "queued": 1, "deferred": 2, "sent": 3, "canceled": 4, "failed": 4, "undelivered": 4, "blocked": 4, "dropped": 4, "delivered": 5, "bounced": 6,
    "opened": 7, "clicked": 8, "unsubscribed": 9, "complained": 10,
}  # fmt: skip
"""How far a word tells; the furthest that was told is the one that is shown."""


def may_follow(state: str, following: str) -> bool:
    """Whether a message may go from `state` to `following`. Raises KeyError for a state that there is not."""
    return following in MOVES[state]


def moves_to(state: str, word: str) -> tuple[str, ...]:
    """The states that a provider's word takes a message through, in order; none where it changes nothing.

    An `unknown` message is `sent` first: the word proves that the provider had it.
    """
    wanted = ADVANCES.get(word)
    if wanted is None or state not in ("unknown", "sent", "delivered"):
        return ()
    path: tuple[str, ...] = ()
    if state == "unknown":
        path, state = ("sent",), "sent"
    return (*path, wanted) if wanted != state and may_follow(state, wanted) else path


def further(known: str | None, word: str) -> bool:
    """Whether a provider's word tells more than what was known."""
    return RANK.get(word, 0) > (RANK.get(known, 0) if known is not None else 0)
