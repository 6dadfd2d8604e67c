"""Whether a journey chooses patients by what was done to them: what European law reads as health data (Court of Justice, C-21/23)."""

from __future__ import annotations

from collections.abc import Iterator

from worker.domain.conditions import AllOf, Condition, InSegment, NoneOf
from worker.domain.conditions.courses import Series, Untried
from worker.domain.conditions.visits import Had, Narrow
from worker.domain.journey import Branch, Journey
from worker.domain.segments import Segments


def chooses_by_treatment(journey: Journey, segments: Segments) -> bool:
    """Whether its start, its `if` or one of its branches asks for families, services, areas, series or complements, by segments too.

    What keeps patients out (`stop_if`, `none_of`, `not_in`) protects them, and chooses nobody.
    """
    if _of_treatment(journey.start.of):
        return True
    return any(_asks(condition, segments, set()) for condition in _chosen_by(journey, segments))


def _chosen_by(journey: Journey, segments: Segments) -> Iterator[Condition]:
    yield journey.start.only_if
    if journey.start.kind in ("enters", "leaves") and journey.start.name in segments.named:
        yield segments.named[journey.start.name]
    for step in journey.all_steps():
        if isinstance(step.action, Branch):
            yield from (case.only_if for case in step.action.cases if case.only_if is not None)


def _asks(condition: Condition, segments: Segments, seen: set[str]) -> bool:
    if isinstance(condition, NoneOf):
        return False
    if isinstance(condition, AllOf):
        return any(_asks(part, segments, seen) for part in condition.parts)
    if isinstance(condition, InSegment):
        named = [name for name in condition.names if condition.inside and name in segments.named]
        new = [name for name in named if name not in seen]
        seen.update(new)
        return any(_asks(segments.named[name], segments, seen) for name in new)
    return isinstance(condition, Had | Series | Untried) or _of_treatment(getattr(condition, "of", None))


def _of_treatment(of: object) -> bool:
    return isinstance(of, Narrow) and bool(of.families or of.services or of.areas)
