"""The strategy as a paper for the clinic to sign: for whom, what for, which words, when, by what, how many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from worker.domain.calendar import Window
from worker.domain.journey import GiveTask, Journey, Send
from worker.domain.policy import Policy
from worker.domain.source import Node
from worker.results.paper import UNKNOWN, Bars, Grid, Paper, Section, Tile, count, number, share
from worker.results.strategy import DAYS
from worker.service import words
from worker.service.auditing import titles as titles_of
from worker.service.strategy import Strategy
from worker.service.strategy_steps import Noticed, goal, noticed, who
from worker.workspace.drawing import written_journeys
from worker.workspace.preview import Texts, preview
from worker.workspace.templates import TemplateError
from worker.workspace.variables import sample_variables

WEEKS: Final = 365 / 7
CHANNELS: Final = ("sms", "email")
SIGN: Final = ("For the clinic: name, date", "For the medical side: name, date", "Prepared by: name, date")
PREVIEW: Final = 110


def paper(plan: Strategy) -> Paper:
    """The strategy of a clinic, to be shown and signed."""
    return _Writing(plan).paper()


class _Writing:
    def __init__(self, plan: Strategy) -> None:
        self.plan, self.rules = plan, plan.rules
        stages, free = titles_of(plan.rules)
        self.titles: Mapping[str, str] = {**stages, **free}
        self.about = words.stages(plan.files.get("config/segments.yaml", ""))
        self.written: Mapping[str, tuple[str, Node]] = written_journeys(plan.files)
        self.texts = Texts(plan.rules.clinic, plan.rooms.templates, plan.rooms.senders, plan.rules.offers)

    def paper(self) -> Paper:
        plan, clinic = self.plan, self.rules.clinic
        live = plan.journeys
        return Paper(
            clinic=clinic.name,
            title="Who hears from us, when, and why",
            now=plan.now,
            lede=tuple(self.lede()),
            tiles=tuple(self.tiles()),
            sections=(
                self.overview(),
                *(self.journey(journey) for journey in live),
                self.calendar(),
                self.limits(),
                self.measured(),
            ),
            sign=SIGN,
            fine=self.fine(),
        )

    # -- what is said first -----------------------------------------------------------------------------------------------

    def lede(self) -> Iterator[str]:
        plan = self.plan
        live, others = plan.journeys, len(self.rules.journeys) - len(plan.journeys)
        more = f" {count(others, 'more is', 'more are')} written and not live." if others else ""
        yield f"{count(len(live), 'journey')} {'is' if len(live) == 1 else 'are'} live for {count(plan.patients, 'patient')}.{more}"
        if self.rules.clinic.mode != "live":
            yield words.MODES.get(self.rules.clinic.mode, self.rules.clinic.mode)

    def tiles(self) -> Iterator[Tile]:
        plan = self.plan
        weekly = self.sums()
        yield Tile("Messages a week", number(weekly["messages"]), "in a usual week, by the year behind")
        yield Tile("Tasks a week", number(weekly["tasks"]), "for people at the clinic")
        sixty = sum(self.expected(day, *CHANNELS) for day in plan.ahead.days)
        yield Tile(f"First {DAYS} days", number(sixty), "messages, if all of it begins today")

    def sums(self) -> Mapping[str, float]:
        found = {"messages": 0.0, "tasks": 0.0}
        for journey in self.plan.journeys:
            found["messages"] += self.load(journey, Send)
            found["tasks"] += self.load(journey, GiveTask)
        return found

    def load(self, journey: Journey, kind: type[Send | GiveTask]) -> float:
        steps = self.plan.past[journey.name].steps
        return sum(steps[step.id] for step in journey.all_steps() if isinstance(step.action, kind)) / WEEKS

    # -- the journeys -----------------------------------------------------------------------------------------------------

    def overview(self) -> Section:
        rows = []
        for journey in self.plan.journeys:
            past = self.plan.past[journey.name]
            rows.append(
                (
                    journey.title,
                    self.segment(journey),
                    self.size(journey),
                    week(past.starts),
                    few(self.load(journey, Send)),
                    few(self.load(journey, GiveTask)),
                    f"{journey.holdout} %" if journey.holdout else UNKNOWN,
                )
            )
        columns = ("what for", "for whom", "in it now", "begin a week", "messages a week", "tasks a week", "held out")  # fmt: skip
        fine = "“In it now” are patients in the segment today; nobody is written to for being there already, only for coming into it. A week is the average of the last twelve months, lived again with these journeys; in it nobody answers, opens a link or ticks off a task, so what follows an answer has no number, and what follows silence has a high one."
        return Section(
            "overview",
            "At a glance",
            (),
            (),
            (Grid(columns, tuple(rows), left=frozenset({0, 1}), fine=fine),) if rows else (),
        )

    def segment(self, journey: Journey) -> str:
        start = journey.start
        if start.kind in ("enters", "leaves"):
            return self.titles.get(start.name, words.name(start.name))
        return who(journey, None, self.titles, {})

    def size(self, journey: Journey) -> str:
        start = journey.start
        return number(self.plan.members.get(start.name, 0)) if start.kind in ("enters", "leaves") else UNKNOWN

    def journey(self, journey: Journey) -> Section:
        node = self.written[journey.name][1] if journey.name in self.written else None
        past = self.plan.past[journey.name]
        said = [f"{who(journey, node, self.titles, self.about)}."]
        said.append(
            f"Aim: {goal(journey)[:1].lower()}{goal(journey)[1:]}." if journey.goal else "No goal is counted."
        )
        now = f"{self.size(journey)} patients are there now. " if self.size(journey) != UNKNOWN else ""
        said.append(f"{now}{week(past.starts)} begin in a usual week.{self.bounds(journey)}")
        rows = tuple(self.row(journey, step) for step in noticed(journey, node, self.titles))
        columns = ("step", "what", "when", "by", "a week")
        grids = (Grid(columns, rows, left=frozenset({0, 1, 2, 3})),) if rows else ()
        return Section(f"journey-{journey.name}", journey.title, tuple(said), (), grids)

    def bounds(self, journey: Journey) -> str:
        found = []
        if journey.send_between is not None:
            found.append(f"messages leave from {_hours(journey.send_between)}")
        if journey.pace is not None:
            found.append(f"at most {journey.pace} begin a day")
        if journey.repeat.every is not None:
            found.append(f"for one patient once every {str(journey.repeat.every).removeprefix('1 ')}")
        elif not journey.repeat.always and not journey.per_appointment:
            found.append("for one patient once ever")
        if journey.holdout:
            found.append(f"{journey.holdout} % get nothing, so that the effect can be measured")
        return f" {words.sentence('; '.join(found))}." if found else ""

    def row(self, journey: Journey, one: Noticed) -> tuple[str, ...]:
        step, when, name = journey.step(one.id), one.when, words.name(one.id)
        weekly = UNKNOWN if one.heard else week(self.plan.past[journey.name].steps[one.id])
        if step is not None and isinstance(step.action, Send):
            by = ", else ".join(words.CHANNELS.get(channel, channel) for channel in step.action.channels)
            return name, f"{self.message(step.action)}{self.offer(step.action)}", when, by, weekly
        if step is not None and isinstance(step.action, GiveTask):
            days = step.action.due_days
            due = f"within {count(days, 'working day')}" if days else "the same working day"
            return name, " ".join(step.action.note.split()), when, f"{words.name(step.action.assignee)}, {due}", weekly  # fmt: skip
        return name, "", when, "", weekly

    def offer(self, send: Send) -> str:
        offer = self.rules.offers.get(send.offer or "")
        if offer is None:
            return ""
        return f" Offers {offer.text.get(self.rules.clinic.language, offer.code)}."

    def message(self, send: Send) -> str:
        """How the message begins, in the clinic's own language: an SMS by its words, an e-mail by its subject."""
        channel = send.channels[0]
        try:
            found = preview(
                self.texts, send.template, channel, None, sample_variables(self.rules.clinic), None
            )
        except (TemplateError, LookupError):
            return send.template
        if found.email is not None:
            return f"“{found.email.subject}”"
        text = " ".join(found.sms.split())
        return f"“{text if len(text) <= PREVIEW else text[:PREVIEW].rsplit(' ', 1)[0] + ' …'}”"

    # -- the weeks ahead --------------------------------------------------------------------------------------------------

    def expected(self, day: date, *kinds: str) -> float:
        return self.plan.ahead.time(day, *kinds) + self.plan.ahead.event(day, *kinds)

    def calendar(self) -> Section:
        plan = self.plan
        days = plan.ahead.days
        label = tuple(f"{day.day} {day:%b}" for day in days)
        plot = Bars(
            f"Messages expected on each of the first {DAYS} days",
            label,
            (
                ("because time has passed", tuple(plan.ahead.time(day, *CHANNELS) for day in days)),
                ("because of visits and bookings", tuple(plan.ahead.event(day, *CHANNELS) for day in days)),
            ),
        )
        rows = []
        for first in range(0, DAYS, 7):
            week_days = days[first : first + 7]
            sizes = [self.expected(day, *CHANNELS) for day in week_days]
            rows.append(
                (
                    f"{_day(week_days[0])} to {_day(week_days[-1])}",
                    *(few(sum(self.expected(day, kind) for day in week_days)) for kind in CHANNELS),
                    few(sum(sizes)),
                    few(max(sizes)),
                    few(sum(self.expected(day, "task") for day in week_days)),
                )
            )
        daily = tuple(
            (f"{day:%a} {day.day} {day:%b}", *(few(self.expected(day, kind)) for kind in (*CHANNELS, "task")), self.why_none(day))
            for day in days
        )  # fmt: skip
        already = f" {count(plan.waiting, 'message')} scheduled already come on top." if plan.waiting else ""
        said = (
            "If all live journeys begin today and nobody is enrolled for what lies behind. Who moves by time alone is known and went through hours, caps, paces and closed days; what visits and bookings will start is an average of the year behind, from the first day on."
            + already,
        )
        columns = ("week", "SMS", "e-mails", "messages", "on the fullest day", "tasks")
        return Section(
            "calendar",
            f"The first {DAYS} days",
            said,
            (plot,),
            (
                Grid(columns, tuple(rows), bold=frozenset({3})),
                Grid(
                    ("day", "SMS", "e-mails", "tasks", ""),
                    daily,
                    caption="Day by day",
                    left=frozenset({0, 4}),
                ),
            ),
            alone=True,
        )

    def why_none(self, day: date) -> str:
        if day in self.rules.clinic.closed and self.rules.policy.holidays is not None:
            return "holiday: no marketing"
        if day.weekday() == 6 and self.rules.policy.sunday is not None and self.rules.policy.sunday.all_day:
            return "Sunday: no marketing"
        return ""

    # -- rules and measuring ----------------------------------------------------------------------------------------------

    def limits(self) -> Section:
        rows = tuple(_limits(self.rules.policy))
        said = (
            "These hold for every journey and are asked again right before a message leaves. Nobody is written to without consent for the channel, and nobody who is on hold.",
        )
        return Section(
            "limits",
            "When nobody is written to",
            said,
            (),
            (Grid(("rule", "what holds"), rows, left=frozenset({0, 1})),) if rows else (),
        )

    def measured(self) -> Section:
        held = [journey for journey in self.plan.journeys if journey.holdout]
        rows = tuple(
            (
                journey.title,
                f"{journey.holdout} %",
                few(self.plan.past[journey.name].starts * journey.holdout / 100),
                goal(journey),
            )
            for journey in held
        )
        said = "Some patients are left out by lot, always the same ones, so that what the messages did can be told from what would have happened anyway."
        none = "No journey holds anybody out, so its effect cannot be measured."
        grids = (Grid(("journey", "held out", "patients a year", "what is counted"), rows, left=frozenset({0, 3})),) if rows else ()  # fmt: skip
        return Section("measured", "How it is measured", (said if held else none,), (), grids)

    def fine(self) -> str:
        part = (
            ""
            if self.plan.part == 1
            else f" Estimated from {share(self.plan.part)} of the patients, taken by lot."
        )
        return f"Written from the journeys that are published. The numbers are expectations, and no promise.{part}"


def _limits(policy: Policy) -> Iterator[tuple[str, str]]:
    for purpose, window in policy.quiet.items():
        yield f"Quiet hours, {purpose}", f"nothing leaves from {_hours(window)}, where the patient is"
    if policy.sunday is not None:
        yield (
            "Sundays",
            "no marketing" if policy.sunday.all_day else f"no marketing from {_hours(policy.sunday)}",
        )
    if policy.holidays is not None:
        yield (
            "Holidays",
            "no marketing" if policy.holidays.all_day else f"no marketing from {_hours(policy.holidays)}",
        )
    for purpose, caps in policy.caps.items():
        yield (
            f"At most, {purpose}",
            " and ".join(str(cap) for cap in caps) + ", for one patient and for one address",
        )
    for purpose, limit in policy.blast_limit.items():
        yield (
            f"More than expected, {purpose}",
            f"more than {limit.share:.0%} of the patients in a day (never under {limit.at_least}) pauses the journey",
        )
    if policy.feed_max_age is not None:
        yield "A silent booking system", f"marketing waits when nothing was heard for {policy.feed_max_age}"


def _hours(window: Window) -> str:
    return str(window).replace(" - ", " to ")


def week(yearly: float) -> str:
    """What happens so often in a year, by the week."""
    return few(yearly / WEEKS)


def few(value: float) -> str:
    """A rate for people: whole from ten on, one decimal below, `under 0.1` for what is little but not nothing."""
    if value <= 0:
        return "0"
    if value < 0.1:
        return "under 0.1"
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
