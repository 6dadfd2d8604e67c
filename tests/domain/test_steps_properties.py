"""The verbs of a journey, whatever is built from them and whatever happens: random journeys, steps within steps to a depth of three, and random histories."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.build import SEGMENTS, at, journey, rules, willing
from tests.domain.strategies import zones
from tests.domain.test_replay import interrupted
from worker.domain.calendar import zone
from worker.domain.events import APPOINTMENT_STATUS, Event
from worker.domain.history import Message, Task, Trace
from worker.domain.journey import OTHERWISE
from worker.domain.replay import Replay, Sent
from worker.domain.rules import Rules

DEPTH: Final = 3
VERBS: Final = ("send", "send", "task", "tag", "listen", "listen", "branch", "split")
UNTIL: Final = "2024-12-31"
TAGGED: Final = SEGMENTS + "segments: {warm: {tags: [warm]}, had_body: {areas: [body]}}\n"
QUIET: Final = 'quiet_hours: {marketing: "19:00 - 10:00", sunday: all day}'
CAPPED: Final = f"{QUIET}\nfrequency_caps: {{marketing: [1 per 7 days, 3 per 30 days]}}"
ACTS: Final = frozenset({"scheduled", "task", "tagged"})

WAITS = ("2 hours", "1 day", "3 days", "2 weeks", "1 month", "until 10:00", "until tuesday 09:30", "until 30 days after last_visit", "until 5 days after first_visit at 11:00",
         "until 60 days after last_visit of laser_hair", "until 1 day before next_booking", "until 3 hours before next_booking at 10:00")  # fmt: skip
OF_THIS = ("until 2 weeks after this at 10:00", "until 1 day before this")
ASKED = ("{visits: at least 2}", "{next_booking: any}", "{areas: [body]}", "{series: open}", "{last_visit: at least 10 days ago}", "{visits: {of: {families: [toxin]}, is: any}}")  # fmt: skip
HAPPENS = (
    "booking.created",
    "{booking.created: {families: [toxin]}}",
    "visit.completed",
    "booking.cancelled",
)
ANSWERED = ("message.replied", "link.clicked", "link.answered")


class Writer:
    """Writes the steps of one journey as flow mappings. `alone`: nothing in them depends on what the run itself did."""

    def __init__(self, draw: st.DrawFn, *, about_this: bool, alone: bool) -> None:
        self.draw = draw
        self.about_this = about_this
        self.alone = alone
        self.count = 0

    def steps(self, depth: int, done: frozenset[str], *, stops: bool = False) -> list[str]:
        """Some steps; `done` is what surely stands before them (`send`, `task`). One way of each step must not stop, or what follows is never reached."""
        found: list[str] = []
        verbs = VERBS if depth < DEPTH else VERBS[:4]
        for _ in range(self.draw(st.integers(2, 4) if depth == 0 else st.integers(0, 2))):
            verb = self.draw(st.sampled_from(verbs)) if depth or found else "send"
            found.append(self._step(verb, depth, done))
            done |= {verb}
        if stops and self.draw(st.booleans()):
            found.append(self._step("stop", depth, done))
        return found

    def _step(self, verb: str, depth: int, done: frozenset[str]) -> str:
        self.count += 1
        waits = (*WAITS, *(OF_THIS if self.about_this else ()))
        wait = self.draw(st.one_of(st.none(), st.sampled_from(waits)))
        said = {"id": f"s{self.count}", **({"wait": wait} if wait else {}), **getattr(self, f"_{verb}")(depth, done)}  # fmt: skip
        return f"{{{', '.join(f'{key}: {value}' for key, value in said.items())}}}"

    def _within(self, depth: int, done: frozenset[str], *, stops: bool = False) -> str:
        return f"[{', '.join(self.steps(depth + 1, done, stops=stops))}]"

    def _send(self, *_: Any) -> dict[str, str]:
        return {
            "send": self.draw(st.sampled_from(["sms", "[email, sms]"])),
            "template": "t",
        }

    def _task(self, *_: Any) -> dict[str, str]:
        return {"task": "desk", "due": f"{self.draw(st.integers(0, 3))} working days"}

    def _tag(self, *_: Any) -> dict[str, str]:
        return {"tag": self.draw(st.sampled_from(["warm", "[warm, other]", "{remove: [warm]}"]))}

    def _stop(self, *_: Any) -> dict[str, str]:
        return {"stop": "enough"}

    def _listen(self, depth: int, done: frozenset[str]) -> dict[str, str]:
        known = [*HAPPENS]
        if not self.alone:
            known = [*(ANSWERED * 3 if "send" in done else ()), *(["task.done"] if "task" in done else []), *known]  # fmt: skip
        heard = self.draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique_by=_type))
        ways = [name for name in (*map(_type, heard), "nothing") if self.draw(st.booleans())]
        span = self.draw(st.sampled_from(["10 days", "1 month", "1 day", "6 hours"]))
        then = ", ".join(f"{name}: {self._within(depth, done, stops=name != 'nothing')}" for name in ways)
        return {"listen_for": f"[{', '.join(heard)}]", "up_to": span, "then": f"{{{then}}}"}

    def _branch(self, depth: int, done: frozenset[str]) -> dict[str, str]:
        if self.draw(st.booleans()):
            free = ["new", "regular", "inactive_6", "had_body", *([] if self.alone else ["warm"])]
            names = self.draw(st.lists(st.sampled_from(free), min_size=1, max_size=2, unique=True))
            names += ["otherwise"] if self.draw(st.booleans()) else []
            return {
                "branch": f"{{{', '.join(f'{name}: {self._within(depth, done, stops=name != OTHERWISE)}' for name in names)}}}"
            }
        asked = (*ASKED, *(["{this: {families: [toxin]}}"] if self.about_this else []))
        chosen = self.draw(st.lists(st.sampled_from(asked), min_size=1, max_size=2, unique=True))
        cases = [f"{{if: {one}, then: {self._within(depth, done, stops=True)}}}" for one in chosen]
        cases += [f"{{otherwise: {self._within(depth, done)}}}"] if self.draw(st.booleans()) else []
        return {"branch": f"[{', '.join(cases)}]"}

    def _split(self, depth: int, done: frozenset[str]) -> dict[str, str]:
        share = self.draw(st.sampled_from([10, 50, 90]))
        then = f"{{a: {self._within(depth, done, stops=True)}, b: {self._within(depth, done)}}}"
        return {"split": f"{{a: {share}%, b: {100 - share}%}}", "then": then}


def _type(heard: str) -> str:
    return heard.strip("{").partition(":")[0]


@st.composite
def journeys(draw: st.DrawFn, name: str, *, alone: bool = False) -> str:
    """One journey's text."""
    starts = ["{event: visit.completed}", "{event: visit.completed}", "{event: booking.created}", "{enters: new}", "{enters: regular}"]  # fmt: skip
    if not alone:
        starts += ["{enters: warm}", "{leaves: warm}", "{event: message.replied}"]
    start = draw(st.sampled_from(starts))
    appointment = start in starts[:3]
    more: dict[str, str] = {"expires": draw(st.sampled_from(["1 day", "3 days", "30 days"]))}
    if not alone:
        more["repeat"] = draw(st.sampled_from(["never", "always", "once every 10 days"]))
        more |= draw(st.sampled_from([{}, {}, {"goal": "{any_of: [booking.cancelled], within: 24 months}"}, {"stop_if": "{tags: [complaint]}"}, {"pace": "1 per day"}, {"purpose": "care"}]))  # fmt: skip
        if appointment and draw(st.booleans()):
            more["one_per"] = "appointment"
            del more["repeat"]
    written = Writer(draw, about_this=appointment, alone=alone).steps(0, frozenset())
    if "booking.cancelled" in more.get("goal", ""):
        written = [step.replace("booking.cancelled", "booking.no_show") for step in written]
    return journey(name, start, *written, **more)


_HAPPENINGS = (*(["visit.completed"] * 4), *(["booking.created"] * 3), "booking.cancelled", "booking.rescheduled", "booking.no_show", "patient.upserted", "consent.revoked")  # fmt: skip
_TROUBLE = ("visit.voided", "patient.held", "patient.released", "patient.upserted")
_ANSWERS = ("message.replied", "message.replied", "link.clicked", "link.answered", "task.done")


@st.composite
def _bodies(draw: st.DrawFn, kind: str, told: datetime) -> dict[str, Any]:
    """What such an event says."""
    if kind in APPOINTMENT_STATUS:
        ahead = timedelta(days=draw(st.sampled_from([1, 3, 20]))) if kind.startswith("booking.") else timedelta()  # fmt: skip
        data = {"appointment_id": draw(st.sampled_from(["a-1", "a-2", "a-3", "a-4"])), "starts_at": (told + ahead).isoformat()}  # fmt: skip
        return {**data, "services": [{"code": draw(st.sampled_from(["LHR", "TOX", "PEEL"]))}], "version": draw(st.integers(0, 2))}  # fmt: skip
    if kind == "consent.revoked":
        return {"channel": "sms", "purpose": "marketing", "basis": "verbal"}
    if kind == "patient.held":
        return {"reason": "complaint", "until": None}
    return {"patient": {"tags": ["complaint"]}} if kind == "patient.upserted" else {}


@st.composite
def histories(draw: st.DrawFn, tz: str, *, alone: bool = False) -> list[Event]:
    """What happens to two patients, close enough together that most of it meets a run under way."""
    kinds = _HAPPENINGS if alone else (*_ANSWERS, *_ANSWERS, *_HAPPENINGS, *_TROUBLE)
    found: list[Event] = []
    for number in (1, 2):
        name = f"p-{number}"
        found.append(willing("2023-12-20", name, phone=f"+3069000000{number:02}", email=f"{name}@example.com"))  # fmt: skip
        moment = datetime(2024, 3, 25, draw(st.sampled_from([2, 9, 12, 20])), tzinfo=zone(tz))
        for index in range(draw(st.integers(5, 12))):
            moment += timedelta(hours=draw(st.sampled_from([36, 5, 24, 72, 1, 240, 0, 720])))
            kind = "visit.completed" if index == 0 else draw(st.sampled_from(kinds))
            data = draw(_bodies(kind, moment))
            if alone and "appointment_id" in data:
                data["appointment_id"] = (
                    f"a-{index}"  # no corrections: a run that is taken back may count as one only where it reached somebody
                )
            found.append(Event(f"{name}-e{index}", "/a", kind, name, moment, data))
    return sorted(found, key=lambda one: one.order)


@st.composite
def worlds(draw: st.DrawFn, *, alone: bool = False, policy: str = CAPPED) -> tuple[Rules, list[Event], datetime]:  # fmt: skip
    """Rules with a journey or two, a history, and its end."""
    tz = draw(zones)
    texts = [draw(journeys(name, alone=alone)) for name in (["one"] if alone else ["one", "two"])]
    return (
        rules(*texts, tz=tz, segments=TAGGED, policy=policy),
        draw(histories(tz, alone=alone)),
        at(UNTIL, tz),
    )


@settings(max_examples=30)
@given(worlds(), st.integers(0, 2**16))
def test_stopping_and_resuming_at_any_moment_changes_no_line(
    world: tuple[Rules, list[Event], datetime], seed: int
) -> None:
    these, story, until = world
    whole = list(Replay(these).run(story, until))
    assert list(interrupted(Replay(these), story, until, Random(seed))) == whole


@settings(max_examples=30)
@given(worlds(), st.data())
def test_an_event_that_is_told_again_changes_nothing(
    world: tuple[Rules, list[Event], datetime], data: st.DataObject
) -> None:
    these, story, until = world
    again = data.draw(st.sets(st.integers(0, len(story) - 1), min_size=1))
    doubled = [one for index, one in enumerate(story) for _ in range(1 + (index in again))]

    def shown(events: list[Event]) -> list[Any]:
        return [line for line in Replay(these).run(events, until) if getattr(line[2], "what", "") != "not started"]  # fmt: skip

    assert shown(doubled) == shown(story)


@settings(max_examples=40)
@given(worlds())
def test_a_run_ends_or_waits_for_something_that_comes_and_does_each_step_once(
    world: tuple[Rules, list[Event], datetime],
) -> None:
    these, story, until = world
    replay = Replay(these)
    done = Counter(
        (line.patient, line.journey, line.step)
        for _, _, line in replay.run(story, until)
        if isinstance(line, Trace) and line.what in ACTS
    )
    runs = [run for patient in replay.patients.values() for run in patient.enrollments.values()]
    for run in runs:
        message = replay.patients[run.patient].messages.get(run.waiting_for or "")
        coming = message.due_at if message is not None and message.state == "scheduled" else run.due_at
        assert (run.outcome is None) == (coming is not None or run.waits_for_turn), run
        assert coming is None or coming > until, run
        assert (run.outcome is None) == (run.ended_at is None)
    entered = Counter((run.patient, run.journey) for run in runs)
    assert all(count <= entered[patient, name] for (patient, name, _), count in done.items())


@settings(max_examples=40)
@given(worlds(alone=True, policy=QUIET))
def test_who_is_held_out_gets_nothing_and_takes_the_same_ways(
    world: tuple[Rules, list[Event], datetime],
) -> None:
    these, story, until = world

    def ways(lines: list[tuple[datetime, str, Any]]) -> list[tuple[datetime, str, str]]:
        return [
            (moment, patient, line.step)
            for moment, patient, line in lines
            if isinstance(line, Trace) and line.what == "took"
        ]

    treated = list(Replay(these).run(story, until))
    apart = Replay(_with_holdout(these), holdout="everybody")
    withheld = list(apart.run(story, until))
    assert not [line for _, _, line in withheld if isinstance(line, Sent | Task | Message)]
    assert not [line for _, _, line in withheld if isinstance(line, Trace) and line.what in ACTS]
    assert not [patient for patient in apart.patients.values() if "warm" in patient.members]
    assert ways(withheld) == ways(treated)


def _with_holdout(these: Rules) -> Rules:
    return replace(these, journeys={name: replace(one, holdout=10) for name, one in these.journeys.items()})
