"""What a journey says that can't be meant: it is well formed, and would do harm or nothing.

Rules
1. Only what is certain is an error. What may be meant is a warning, which a written reason can silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from worker.domain.calendar import Span
from worker.domain.conditions import AllOf, Condition, InSegment
from worker.domain.events import INTERNAL_TYPES
from worker.domain.journey import GiveTask, Journey, Listen, Send, Step, UntilFact, Wait
from worker.domain.shape import Reader
from worker.domain.source import Map, Node

A_MINUTE = timedelta(minutes=1)


def lint(reader: Reader, fields: Mapping[str, Node], journey: Journey) -> None:
    """Problems of one journey. `fields` are the nodes of its keys."""
    _reentry(reader, fields, journey)
    _goal(reader, fields, journey)
    if journey.holdout and journey.purpose == "care":
        reader.problem(
            "journey-holdout",
            fields["holdout"],
            "care messages are owed to every patient, so none may be held out",
            "Remove `holdout`, or make this a marketing journey.",
        )
    _never_heard(reader, journey)
    _offers(reader, journey)


def _offers(reader: Reader, journey: Journey) -> None:
    if journey.purpose != "care":
        return
    for step in journey.all_steps():
        if isinstance(step.action, Send) and step.action.offer is not None:
            reader.problem(
                "offer-care",
                step.place,
                "an offer makes a care message marketing, which needs consent",
                "Take the offer out, or make this a marketing journey.",
            )


def _reentry(reader: Reader, fields: Mapping[str, Node], journey: Journey) -> None:
    """Events may come twice a minute. What enters a segment does so at most once a day, an appointment once."""
    if journey.start.kind != "event" or journey.per_appointment:
        return
    repeat = journey.repeat
    often = repeat.always or (repeat.every is not None and shortest(repeat.every) < A_MINUTE)
    if not often or "repeat" not in fields or _least(journey.steps) >= A_MINUTE:
        return
    reader.problem(
        "journey-reentry", fields["repeat"], f"two `{journey.start.name}` events in one minute would take the same patient through this journey twice",
        "Write for example `repeat: once every 1 day`, add `one_per: appointment` where an appointment starts it, or begin with a `wait`.",
        "warning",
    )  # fmt: skip


def shortest(span: Span) -> timedelta:
    """The least that a span can be."""
    return timedelta(days=span.months * 28 + span.days, seconds=span.seconds)


def _at_least(wait: Wait) -> timedelta:
    """A time of day may be now; a span after the last visit is one after today, where a visit starts the journey."""
    if isinstance(wait, Span):
        return shortest(wait)
    after = isinstance(wait, UntilFact) and not wait.before and wait.fact in ("last_visit", "this")
    return shortest(wait.span) if isinstance(wait, UntilFact) and after else timedelta()


def _least(steps: Sequence[Step]) -> timedelta:
    """The least time that a run can take: answers may come at once, moments of the day may be now."""
    total = timedelta()
    for step in steps:
        total += _at_least(step.wait)
        if step.ways:
            total += min(_least(way) for _, way in step.ways)
    return total


def _goal(reader: Reader, fields: Mapping[str, Node], journey: Journey) -> None:
    """A goal that no step can bring about, or whose window closes before the first message leaves."""
    goal = journey.goal
    if goal is None:
        return
    actions = [step.action for step in journey.all_steps()]
    for heard in goal.heard:
        if heard.type == "task.done" and not any(isinstance(action, GiveTask) for action in actions):
            reader.problem(
                "goal-impossible",
                fields["goal"],
                "`task.done` can't be reached: this journey gives no task",
                "Add a `task` step, or choose another goal.",
            )
        elif heard.type in INTERNAL_TYPES - {"task.done"} and not any(
            isinstance(action, Send) for action in actions
        ):
            reader.problem(
                "goal-impossible",
                fields["goal"],
                f"`{heard.type}` can't be reached: this journey sends nothing",
                "Add a `send` step, or choose another goal.",
            )
    before = _before_first_effect(journey.steps)
    if before is not None and shortest(goal.within) < before:
        reader.problem(
            "goal-impossible", fields["goal"], f"the goal counts within {goal.within}, but nothing is done before {before.days} days have passed",
            "Make `within` longer, or the first `wait` shorter.",
        )  # fmt: skip


def _before_first_effect(steps: Sequence[Step]) -> timedelta | None:
    """How long at least until the first message or task; None where there is none."""
    total = timedelta()
    for step in steps:
        total += _at_least(step.wait)
        if isinstance(step.action, Send | GiveTask):
            return total
        inner = [found for _, way in step.ways if (found := _before_first_effect(way)) is not None]
        if inner:
            return total + min(inner)
    return None


def _never_heard(reader: Reader, journey: Journey) -> None:
    """The goal wins over `listen_for`, so a way for it is never taken; and nobody answers before anything was said."""
    goals = {heard.type: heard for heard in journey.goal.heard} if journey.goal is not None else {}
    for step, said, tasked in _with_effects(journey.steps, sent=False, tasked=False):
        if not isinstance(step.action, Listen):
            continue
        for heard in step.action.heard:
            goal = goals.get(heard.type)
            if goal is not None and goal.of in (heard.of, type(goal.of)()):
                reader.problem(
                    "listen-goal",
                    step.place,
                    f"`{heard.type}` is the journey's goal and ends it, so `{step.id}` never hears it",
                    "Take it out of `listen_for`, or out of `goal`.",
                )
            if heard.type == "task.done" and not tasked:
                reader.problem(
                    "listen-before",
                    step.place,
                    f"`{step.id}` listens for `task.done`, but no task comes before it",
                    "Move it behind a `task` step.",
                )
            if heard.type in INTERNAL_TYPES - {"task.done"} and not said:
                reader.problem(
                    "listen-before",
                    step.place,
                    f"`{step.id}` listens for `{heard.type}`, but nothing is sent before it",
                    "Move it behind a `send` step.",
                )


def _with_effects(steps: Sequence[Step], *, sent: bool, tasked: bool) -> Iterator[tuple[Step, bool, bool]]:
    """Every step, with whether a message and a task can have come before it."""
    for step in steps:
        yield step, sent, tasked
        sent |= isinstance(step.action, Send)
        tasked |= isinstance(step.action, GiveTask)
        for _, way in step.ways:
            yield from _with_effects(way, sent=sent, tasked=tasked)
        inner = [each.action for _, way in step.ways for each in _flat(way)]
        sent |= any(isinstance(action, Send) for action in inner)
        tasked |= any(isinstance(action, GiveTask) for action in inner)


def _flat(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        for _, way in step.ways:
            yield from _flat(way)


def clashes(reader: Reader, journeys: Sequence[tuple[Journey, Node]]) -> None:
    """Warnings for two live journeys that would write to the same patients on the same transition."""
    live = [
        (journey, node)
        for journey, node in journeys
        if journey.status == "live" and journey.start.kind in ("enters", "leaves")
    ]
    for index, (journey, node) in enumerate(live):
        for other, _ in live[:index]:
            same = (journey.start.kind, journey.start.name, journey.purpose) == (
                other.start.kind,
                other.start.name,
                other.purpose,
            )
            if (
                same
                and _writes(journey)
                and _writes(other)
                and not _apart(journey.start.only_if, other.start.only_if)
            ):
                at = node.get("start") if isinstance(node, Map) else None
                reader.problem(
                    "journey-same-start", at or node, f"`{other.name}` also starts when a patient {journey.start.kind} `{journey.start.name}`, so both would write to the same people",
                    "Tell them apart by `if` (`in: [a]` here, `not_in: [a]` there), or make one of them.", "warning",
                )  # fmt: skip


def _writes(journey: Journey) -> bool:
    return any(isinstance(step.action, Send) for step in journey.all_steps())


def _apart(one: Condition, other: Condition) -> bool:
    """Whether no patient can fit both, as far as it shows: one asks for a segment that the other shuts out."""
    ours, theirs = list(_asked(one)), list(_asked(other))
    return any(
        a.inside != b.inside
        and set(a.names if a.inside else b.names) <= set(b.names if a.inside else a.names)
        for a in ours
        for b in theirs
    )


def _asked(condition: Condition) -> Iterator[InSegment]:
    if isinstance(condition, InSegment):
        yield condition
    elif type(condition) is AllOf:
        for part in condition.parts:
            yield from _asked(part)


def renamed(reader: Reader, published: Journey, edited: Journey) -> None:
    """Warnings for steps of a live journey that stand where another id stood before, doing the same."""
    if published.status != "live" or edited.status != "live":
        return
    old, new = {s.id: s for s in published.all_steps()}, {s.id: s for s in edited.all_steps()}
    gone = [step for name, step in old.items() if name not in new]
    for step in (step for name, step in new.items() if name not in old):
        same = next((was for was in gone if was.action == step.action and was.wait == step.wait), None)
        if same is not None:
            reader.problem(
                "step-renamed", step.place, f"`{step.id}` was called `{same.id}` in the published version; its results would be counted anew, and it could be sent again",
                f"Keep the name `{same.id}`.", "warning",
            )  # fmt: skip
