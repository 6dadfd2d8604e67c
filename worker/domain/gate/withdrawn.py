"""The run and its journey: what lost its reason is not sent, what is paused waits."""

from __future__ import annotations

from worker.domain.gate.question import PATIENCE, Defer, Drop, Question


def withdrawn(q: Question) -> Defer | Drop | None:
    """The run has ended but for having done all its steps; the journey is paused or gone (waits); its `stop_if` holds."""
    if q.run is not None and not q.run.active and q.run.outcome != "finished":
        return Drop("withdrawn", f"the run has ended: {q.run.reason}")
    if q.journey.stop_if is not None and q.journey.stop_if.holds(q.look):
        return Drop("stopped", "the journey's `stop_if` holds")
    if not q.rules.live(q.message.journey) and q.now <= q.limit:
        why = q.rules.paused.get(q.message.journey)
        return Defer(
            q.now + PATIENCE, "paused", f"the journey is paused: {why}" if why else "the journey is paused"
        )
    return None
