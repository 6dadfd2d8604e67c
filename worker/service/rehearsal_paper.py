"""A rehearsal as a paper: what would leave in the days ahead, by journey and by day, and what would not and why. The examples, which name patients, are the terminal's alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from worker.results.paper import UNKNOWN, Bars, Grid, Paper, Section, Tile, count, number
from worker.results.strategy import DAYS
from worker.service import words
from worker.service.rehearsing import Part, Rehearsal

CHANNELS: Final = ("sms", "email")
WEEK: Final = 7


def paper(found: Rehearsal) -> Paper:
    """What a clinic's owner needs to see before anything may leave."""
    sections = [_journeys(found), *_backlog(found), *_kept_back(found), _calendar(found)]
    return Paper(
        clinic=found.rooms.rules.clinic.name,
        title="The rehearsal: what would leave",
        now=found.now,
        lede=tuple(_lede(found)),
        tiles=(
            Tile("On the first day", number(found.messages(1)), "messages"),
            Tile("In the first week", number(found.messages(WEEK)), "messages"),
            Tile(f"In {DAYS} days", number(found.messages()), f"messages to {count(len(found.reached), 'patient')}"),
        ),
        sections=tuple(sections),
        fine="Lived through in memory by the same rules as the running system. Only time passes in it: what visits and bookings will start comes on top.",
    )  # fmt: skip


def numbers(found: Rehearsal) -> dict[str, int]:
    """What a person agrees to: messages on the first day, in the first week, in all, and to how many patients."""
    return {
        "day": found.messages(1),
        "week": found.messages(WEEK),
        "total": found.messages(),
        "patients": len(found.reached),
    }


def said_of(found: Rehearsal) -> str:
    """The same in a sentence."""
    told = numbers(found)
    return (
        f"{count(told['day'], 'message')} on the first day, {number(told['week'])} in the first week, {number(told['total'])} in {DAYS} days,"
        f" to {count(told['patients'], 'patient')} of {number(found.patients)}"
    )


def _lede(found: Rehearsal) -> Iterator[str]:
    yield f"Nothing was sent, and nothing was stored. If all of it began today: {said_of(found)}."
    if found.scheduled:
        yield f"{count(found.scheduled, 'message')} that wait already are not among these."
    if found.over:
        days = ", ".join(f"{day.day} {day:%b}" for day in found.over[:3])
        yield (
            f"On {count(len(found.over), 'day')} ({days}) more would leave than the blast limit of {found.limit} allows; the journeys would be paused until a person has looked."
        )


def _journeys(found: Rehearsal) -> Section:
    rules = found.rooms.rules
    rows = []
    for journey in sorted(rules.journeys.values(), key=lambda one: (one.priority, one.name)):
        part = found.parts.get(journey.name)
        if part is None or not (part.entered or part.let_in or part.sent or part.tasks):
            continue
        first = f"{part.days[0].day} {part.days[0]:%b}" if part.days else UNKNOWN
        rows.append(
            (
                journey.name, number(part.entered), number(part.let_in), number(len(part.held_out)), number(len(part.patients)),
                *(number(part.messages[channel]) for channel in CHANNELS), number(part.tasks), first,
            )
        )  # fmt: skip
    columns = ("journey", "come in", "let in", "held out", "patients", "SMS", "e-mails", "tasks", "first")  # fmt: skip
    fine = "“Come in” are those who come there as time passes, “let in” those who stood there already. Nobody answers a message in a rehearsal, so what follows silence is counted."
    said = () if rows else ("No journey would begin for anybody.",)
    return Section("journeys", "By journey", said, (), (Grid(columns, tuple(rows), fine=fine),))  # fmt: skip


def _backlog(found: Rehearsal) -> Iterator[Section]:
    rows = []
    for journey in sorted(found.rooms.rules.journeys.values(), key=lambda one: (one.priority, one.name)):
        part = found.parts.get(journey.name, Part())
        if not sum(part.standing.values()):
            continue
        others = sum(part.standing[one] for one in ("another", "under_way", "before", "stopped"))
        last = f"{part.last_turn:%Y-%m-%d}" if part.last_turn else UNKNOWN
        rows.append(
            (
                journey.name, number(sum(part.standing.values())), number(part.standing["enrolled"]), number(part.standing["past"]), number(others),
                number(part.let_in), number(part.second_half), last,
            )
        )  # fmt: skip
    if rows:
        columns = ("journey", "stand there", "ahead", "past", "not now", "let in", "2nd half", "last begins")
        fine = "“Ahead”: a step of theirs lies ahead; “past”: every step is past; “not now”: in another journey, or in this one before."
        said = (
            "Nobody is written to for standing there already, unless you say so.",
            "--enroll-existing lets in those with steps ahead, and skips what is past; --rollout JOURNEY begins anew for all of them, in two halves 60 days apart.",
        )
        yield Section(
            "backlog", "Who stands there already", said, (), (Grid(columns, tuple(rows), fine=fine),)
        )


def _kept_back(found: Rehearsal) -> Iterator[Section]:
    reasons: Counter[tuple[str, str]] = Counter()
    for name, part in found.parts.items():
        for reason, size in part.kept_back.items():
            reasons[name, words.REASONS.get(reason, reason)] += size
    if reasons:
        rows = tuple((name, said, number(size)) for (name, said), size in sorted(reasons.items()))
        grid = Grid(("journey", "why not", "messages"), rows, left=frozenset({0, 1}))
        yield Section("kept_back", "What would not leave", (), (), (grid,))


def _calendar(found: Rehearsal) -> Section:
    days = found.days
    bars = Bars(
        f"Messages on each of the next {DAYS} days",
        tuple(f"{day.day} {day:%b}" for day in days),
        tuple(
            (words.CHANNELS[channel], tuple(float(found.load[day][channel]) for day in days))
            for channel in CHANNELS
        ),
    )
    weeks = []
    for first in range(0, DAYS, WEEK):
        span = days[first : first + WEEK]
        sums = [sum(found.load[day][channel] for channel in CHANNELS) for day in span]
        weeks.append(
            (
                f"{span[0].day} {span[0]:%b} to {span[-1].day} {span[-1]:%b}",
                *(number(sum(found.load[day][channel] for day in span)) for channel in CHANNELS),
                number(sum(sums)), number(max(sums)), number(sum(found.load[day]["task"] for day in span)),
            )
        )  # fmt: skip
    daily = tuple(
        (f"{day:%a} {day.day} {day:%b}", *(number(found.load[day][kind]) for kind in (*CHANNELS, "task")))
        for day in days
        if found.load.get(day)
    )
    columns = ("week", "SMS", "e-mails", "messages", "on the fullest day", "tasks")
    grids = (Grid(columns, tuple(weeks), bold=frozenset({3})), Grid(("day", "SMS", "e-mails", "tasks"), daily, caption="Day by day, where anything leaves"))  # fmt: skip
    return Section("calendar", f"The next {DAYS} days", (), (bars,), grids, alone=True)
