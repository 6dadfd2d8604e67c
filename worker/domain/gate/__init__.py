"""The one gate: may this message leave now, through which channel, to which address?

Asked by the planner's clock, by replay and by dispatch right before the send. Stages in order, one module each; the first that objects answers:
 1. `mode`: live marketing waits until our links can be opened (rehearsal and allow list are decided with the channel)
 2. `patient`: erased, deceased, not to be contacted, under age (marketing)
 3. `hold` (waits)
 4. `channel`: consent for the channel and purpose, leave to be chosen by treatment where the law asks for it, suppression; the first channel that passes
 5. `reached`: the goal is reached, or a booking makes it pointless
 6. `withdrawn`: the run has ended, `stop_if` holds, the journey is paused (waits)
 7. `staleness`: too late, or an offer that is over
 8. `feed`: a clinic that fell silent writes no marketing (waits)
 9. `interval`: medically too soon for what the journey is about
10. `caps`: a more urgent journey goes first (waits); as many as may be (waits)
11. `hours`: quiet hours where the patient is (waits)
12. `blast`: more than expected in a day (waits)
13. `rate`: the provider's, asked by whoever holds the claim

A message that no stage lets pass within its time is dropped by `staleness`: the stages that wait before it let it through once it is too late.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from worker.domain.gate.blast import blast
from worker.domain.gate.caps import caps, priority
from worker.domain.gate.channel import channel
from worker.domain.gate.feed import feed
from worker.domain.gate.hold import hold
from worker.domain.gate.hours import first_moment, hours, stays_open
from worker.domain.gate.interval import interval
from worker.domain.gate.mode import door
from worker.domain.gate.patient import patient
from worker.domain.gate.question import (
    ADDRESS_FIELD,
    MAX_EXCUSED,
    Blast,
    Defer,
    DeferCode,
    Drop,
    DropCode,
    Go,
    Outside,
    Question,
    Verdict,
)
from worker.domain.gate.reached import reached
from worker.domain.gate.staleness import offer, staleness
from worker.domain.gate.withdrawn import withdrawn

__all__ = [
    "ADDRESS_FIELD",
    "MAX_EXCUSED",
    "Blast",
    "Defer",
    "DeferCode",
    "Drop",
    "DropCode",
    "Go",
    "Outside",
    "Question",
    "Verdict",
    "ask",
    "first_moment",
    "stays_open",
]


def ask(q: Question) -> Verdict:
    """The verdict of the first stage that objects, else Go."""
    for stage in _OF_THE_PATIENT:
        if (verdict := stage(q)) is not None:
            return verdict
    go = channel(q)
    if isinstance(go, Drop):
        return go
    for stage in _OF_THE_RUN:
        if (verdict := stage(q)) is not None:
            return verdict
    return priority(q, go) or caps(q, go) or hours(q) or blast(q, go) or go


_OF_THE_PATIENT: Final[Sequence[Callable[[Question], Defer | Drop | None]]] = (door, patient, hold)
_OF_THE_RUN: Final[Sequence[Callable[[Question], Defer | Drop | None]]] = (
    reached,
    withdrawn,
    staleness,
    offer,
    feed,
    interval,
)
