"""What a journey says that can't be meant: it is well formed, and would do harm or nothing.

Rules
1. Only what is certain is an error. What may be meant is a warning, which a written reason can silence.
2. What day it is is an argument; who gives none is told nothing that depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from worker.domain.calendar import Span, next_open
from worker.domain.conditions import AllOf, Condition, InSegment
from worker.domain.events import INTERNAL_TYPES
from worker.domain.journey import GiveTask, Journey, Listen, Send, Step, UntilFact, Wait
from worker.domain.policy import Policy
from worker.domain.shape import Reader
from worker.domain.source import Map, Node

A_MINUTE = timedelta(minutes=1)
_MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


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
    if journey.holdout == 100:
        reader.problem(
            "journey-holdout-all",
            fields["holdout"],
            "everybody is held out, so nobody would be written to",
            "For example `holdout: 10%`.",
        )
    _never_heard(reader, journey)
    _offers(reader, journey)
    _care(reader, fields, journey)
    _pointless(reader, fields, journey)


def _care(reader: Reader, fields: Mapping[str, Node], journey: Journey) -> None:
    """Care needs no consent, so it must not be a way around it."""
    if journey.purpose == "care" and journey.start.kind != "event" and _writes(journey):
        reader.problem(
            "journey-care",
            fields["purpose"],
            f"care is about a patient's own visit, but this journey starts {'by a date' if journey.start.kind == 'date' else f'when a patient {journey.start.kind} `{journey.start.name}`'}",
            "Write `purpose: marketing`, which needs leave; or start it by the event of a visit or booking.",
        )


def _pointless(reader: Reader, fields: Mapping[str, Node], journey: Journey) -> None:
    """Journeys that end before they do anything, steps whose moment is always past."""
    if journey.stop_if is not None and any(part == journey.stop_if for part in _parts(journey.start.only_if)):
        reader.problem(
            "journey-never",
            fields["stop_if"],
            "`stop_if` asks for what starts the journey, so it ends every run at once",
            "Change one of the two.",
        )
    asked = list(_asked(journey.start.only_if))
    wanted = {name for one in asked if one.inside and len(one.names) == 1 for name in one.names}
    shut = {name for one in asked if not one.inside for name in one.names}
    if wanted & shut:
        reader.problem(
            "journey-never",
            fields["start"],
            f"nobody is both in and not in `{min(wanted & shut)}`, so this journey never starts",
            "Take one of the two out.",
        )
    for step in journey.all_steps():
        wait = step.wait
        came = journey.start.kind == "event" and journey.start.name in ("visit.completed", "booking.no_show")
        if (
            isinstance(wait, UntilFact)
            and wait.before
            and (wait.fact in ("first_visit", "last_visit") or (wait.fact == "this" and came))
        ):
            reader.problem(
                "wait-past",
                step.place,
                f"`{step.id}` waits until {wait}, which is always past, so it is always skipped",
                "Did you mean `after`?",
            )


def _parts(condition: Condition) -> tuple[Condition, ...]:
    return (condition, *condition.parts) if type(condition) is AllOf else (condition,)


def closed_hours(reader: Reader, journey: Journey, node: Node, policy: Policy) -> None:
    """Warnings for a journey whose own hours and the policy's leave no moment open, or so few that its messages expire meanwhile."""
    if not _writes(journey) or (journey.send_between is None and journey.send_on is None):
        return
    closed = policy.closed(journey.purpose, frozenset(), journey.send_between, journey.send_on)
    opening = next_open(_MONDAY, UTC, closed)
    at = (
        node.get("send_on" if journey.send_on is not None else "send_between")
        if isinstance(node, Map)
        else None
    )
    if opening is None:
        reader.problem(
            "send-never",
            at or node,
            "with the quiet hours of config/policy.yaml this leaves no moment to send",
            "Widen `send_between` or `send_on`.",
        )
        return
    longest, moment = timedelta(), opening
    while journey.send_on is not None and moment < opening + timedelta(days=8):
        shut = next(
            (
                moment + timedelta(minutes=m)
                for m in range(0, 1441, 15)
                if next_open(moment + timedelta(minutes=m), UTC, closed) != moment + timedelta(minutes=m)
            ),
            None,
        )
        following = next_open(shut, UTC, closed) if shut is not None else None
        if shut is None or following is None:
            break
        longest, moment = max(longest, following - shut), following
    if longest > shortest(journey.expires):
        days = longest.days + bool(longest.seconds)
        reader.problem(
            "send-seldom",
            at or node,
            f"messages wait up to {days} days for an open hour, but expire {journey.expires} after they are due",
            f"Write `expires: {days} days`, or let them leave on more days.",
        )


def days_come(reader: Reader, journey: Journey, node: Node, today: date) -> None:
    """Warnings for a live announcement whose days have come or are over on `today`, a clinic-local day: putting it in force reaches nobody who fits already."""
    days = journey.start.days
    if journey.status != "live" or days is None or today < days.first:
        return
    start = node.get("start") if isinstance(node, Map) else None
    told = start.get("date") if isinstance(start, Map) else None
    if today > days.last:
        reader.problem(
            "journey-over",
            (told.get("until") if isinstance(told, Map) else None) or node,
            f"the last day of this announcement was {days.last}, so it starts for nobody any more",
            "Give it new days; or write `status: draft` once nobody is under way.",
        )
        return
    reader.problem(
        "journey-begun",
        (told.get("from") if isinstance(told, Map) else None) or node,
        f"this announcement begins on {days.first}, and today is {today}: put in force only now, it does not reach those who fit already",
        "Choose a later first day. If it was in force before that day, all is well.",
    )


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
    """Warnings for live journeys that would write to the same patients on the same transition: one for each journey, that names those read before it."""
    live = [
        (journey, node)
        for journey, node in journeys
        if journey.status == "live" and journey.start.kind in ("enters", "leaves")
    ]
    for index, (journey, node) in enumerate(live):
        others = sorted(other.name for other, _ in live[:index] if _same_people(journey, other))
        if others:
            at = node.get("start") if isinstance(node, Map) else None
            reader.problem(
                "journey-same-start", at or node, f"{_first_three(others)} also start{'s' if len(others) == 1 else ''} when a patient {journey.start.kind} `{journey.start.name}`, so {'both' if len(others) == 1 else 'all'} would write to the same people",
                "Tell them apart by `if` (`in: [a]` here, `not_in: [a]` there), or make one of them.", "warning",
            )  # fmt: skip


def _same_people(one: Journey, other: Journey) -> bool:
    ours, theirs = one.start, other.start
    same = (ours.kind, ours.name, one.purpose) == (theirs.kind, theirs.name, other.purpose)
    return same and _writes(one) and _writes(other) and not _apart(ours.only_if, theirs.only_if)


def _first_three(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


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
