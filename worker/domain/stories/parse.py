"""From a composed file of stories to stories: what the file says for all is laid under what each says for itself, and every name is looked up.

Rules
1. What belongs to a journey is written `step`, or `journey.step`; the long form is needed where several journeys run.
2. A story that expects nothing says until when; so no story ends before it could fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from worker.domain.calendar import local_day, midnight, zone
from worker.domain.events import INTERNAL_TYPES
from worker.domain.journey import GiveTask, Journey, Send, Split, Step
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Place, Scalar
from worker.domain.stories import Expectation, Happening, Moment, Story
from worker.domain.stories.file import STORIES
from worker.domain.stories.kinds import Said

Found = Mapping[str, tuple[Any, Node]]
_NOON: Final = 720
_OF_STEPS: Final = frozenset({"sends", "rehearses", "holds_back", "skips", "task", "withholds", "takes"})
_OF_SENDS: Final = frozenset({"sends", "rehearses", "holds_back"})
_NEEDS_NAME: Final = frozenset({"visit.voided", "booking.cancelled", "booking.no_show"})
_DAY: Final = timedelta(days=1)


def parse_stories(
    reader: Reader, node: Node | None, scope: Scope, journeys: Mapping[str, Journey]
) -> tuple[Story, ...]:
    """The stories of one file. `journeys` are those that could be read; of one that is in `scope.journeys` alone, steps are not looked up."""
    base = STORIES.places(reader, node, scope)
    names: dict[str, Place] = {}
    found: list[Story] = []
    for own in base.get("stories", ((), None))[0]:
        name, at = own["story"]
        if name in names:
            reader.problem(
                "story-twice",
                at,
                f"a second story is called “{name}”; the first is on line {names[name].line}",
                "Tell them apart by their names.",
            )
        names.setdefault(name, at.place)
        found += _Telling(reader, scope, journeys, base, own).story()
    return tuple(found)


class _Telling:
    """One story while it is read."""

    def __init__(
        self, reader: Reader, scope: Scope, journeys: Mapping[str, Journey], base: Found, own: Found
    ) -> None:
        self.reader = reader
        self.scope = scope
        self.journeys = journeys
        self.base = base
        self.own = own
        named = [source for source in (own, base) if "journey" in source or "journeys" in source]
        if named and "journey" in named[0] and "journeys" in named[0]:
            reader.problem(
                "story-journey",
                named[0]["journeys"][1],
                "both `journey` and `journeys` are given",
                "Keep one of the two.",
            )
        settings = {
            key: value for key, value in base.items() if key not in ("journey", "journeys", "stories")
        }
        self.said: Found = {**settings, **(_journeys(named[0]) if named else {}), **_without_journeys(own)}
        self.zone: str = self._get("zone", scope.clinic.timezone)
        self.tz = zone(self.zone)
        self.patient = {**base.get("patient", ({}, None))[0], **own.get("patient", ({}, None))[0]}

    def _get(self, key: str, default: Any) -> Any:
        return self.said[key][0] if key in self.said else default

    @property
    def running(self) -> tuple[str, ...] | None:
        """The journeys that the story names."""
        if "journey" in self.said:
            return (self.said["journey"][0],)
        return tuple(self.said["journeys"][0]) if "journeys" in self.said else None

    def story(self) -> list[Story]:
        """The story; none after a Problem."""
        before = len(self.reader.problems)
        name, at = self.own["story"]
        visits = self._visits(at.place)
        happens = [self._happening(*told) for told in self._get("happens", ())]
        asked = self._get("expect", ())
        expect = [] if asked == "nothing" else [self._expectation(*told) for told in asked]
        variants = self._variants()
        self._in_order(visits, happens)
        ends = self._ends(happens, expect)
        if len(self.reader.problems) > before or ends is None:
            return []
        begins, until = ends
        self._record(begins)
        if len(self.reader.problems) > before:
            return []
        return [
            Story(
                name, at.place, self.running, self.zone, self.patient_words(), tuple(visits), tuple(happens), tuple(expect), begins, until,
                self._get("held_out", default=False), variants, self._get("mode", "live"),
            )
        ]  # fmt: skip

    def patient_words(self) -> dict[str, Any]:
        """The patient's record; what is not known is left out."""
        return {key: value for key, value in self.patient.items() if key != "visits" and value != ""}

    def _record(self, begins: datetime) -> None:
        for source in (self.own, self.base):
            if "date_of_birth" in source.get("patient", ({}, None))[0]:
                self._born(*source["patient"], begins)
                return

    def _born(self, person: Mapping[str, Any], node: Node, at: datetime) -> None:
        """The door refuses a birth that lies after what tells of it."""
        born = person.get("date_of_birth")
        if isinstance(born, date) and born > local_day(at, zone(self.scope.clinic.timezone)):
            place = node.get("date_of_birth") if isinstance(node, Map) else None
            self.reader.problem(
                "story-born",
                place or node,
                f"a patient of {local_day(at, self.tz)} can't be born on {born}",
                "Correct the date, or write `none`.",
            )

    # -- what happens ---------------------------------------------------------------------------------------------------------

    def _visits(self, place: Place) -> list[Happening]:
        found = []
        for words in self.patient.get("visits", ()):
            if "at" not in words:
                continue
            when: Moment = words["at"]
            when = replace(when, minute=_NOON if when.minute is None else when.minute)
            found.append(Happening(when, "visit.completed", {**words, "at": when}, place))
        return sorted(found, key=lambda visit: visit.when.first(self.tz))

    def _happening(self, when: Moment, said: Said, place: Place) -> Happening:
        words = said.plain()
        if "patient" in said.values:
            self._born(*said.values["patient"], when.first(self.tz))
        if said.word in INTERNAL_TYPES and "step" in words:
            words["journey"], words["step"] = self._step(words["step"], said.values["step"][1])
        if said.word in _NEEDS_NAME and not {"appointment", "at"} & words.keys():
            self.reader.problem(
                "story-appointment", place, f"`{said.word}` does not say which appointment it speaks of",
                "Write `appointment: a-1` here and where it is booked, or `at:` if this is the first that is heard of it.",
            )  # fmt: skip
        return Happening(when, said.word, words, place)

    def _in_order(self, visits: list[Happening], happens: list[Happening]) -> None:
        for earlier, later in pairwise(happens):
            if later.when.first(self.tz) < earlier.when.first(self.tz):
                self.reader.problem(
                    "story-order",
                    later.place,
                    f"{later.when} lies before the {earlier.when} above it",
                    "Put what happens in the order of time.",
                )
        first = happens[0].when.first(self.tz) if happens else None
        for visit in visits:
            if first is not None and visit.when.first(self.tz) >= first:
                at = self.own["patient"][1] if "patient" in self.own else self.own["story"][1]
                self.reader.problem(
                    "story-history", at, f"the visit of {visit.when} in `visits` does not lie before what happens first",
                    "`visits` is history; tell later visits under `happens`.",
                )  # fmt: skip

    def _ends(self, happens: list[Happening], expect: list[Expectation]) -> tuple[datetime, datetime] | None:
        entries: list[Happening | Expectation] = [*happens, *expect]
        moments = [told.when for told in entries]
        node = self.own["story"][1]
        if "until" in self.said:
            until: datetime = self.said["until"][0].last(self.tz)
            for told in entries:
                if told.when.first(self.tz) > until:
                    self.reader.problem(
                        "story-until",
                        told.place,
                        f"{told.when} lies after the story's end, {self.said['until'][0]}",
                        "Move `until`, or the entry.",
                    )
        elif not expect:
            self.reader.problem(
                "story-until",
                node,
                "a story that expects nothing must say how long nothing is to happen",
                "Add `until: 2026-06-30`.",
            )
            return None
        else:
            until = max(moment.last(self.tz) for moment in moments)
        visits = [visit.when for visit in self._visits(node.place)]
        firsts = [moment.first(self.tz) for moment in (*moments, *visits)] or [until]
        if "from" in self.said:
            begins: datetime = self.said["from"][0].first(self.tz)
            # A day alone may be any moment of it, so only a day that is over by then lies before.
            early = [moment for moment in (*moments, *visits) if moment.last(self.tz) < begins]
            if early:
                first = min(early, key=lambda moment: moment.first(self.tz))
                self.reader.problem(
                    "story-from",
                    self.said["from"][1],
                    f"{first} lies before the story's `from`, {self.said['from'][0]}",
                    f"Write `from: {first.day - _DAY}`, or move what is told of {first}.",
                )
        else:
            begins = midnight(min(firsts).astimezone(self.tz).date() - _DAY, self.tz)
        return begins, until

    # -- what is expected -----------------------------------------------------------------------------------------------------

    def _expectation(self, when: Moment, said: Said, place: Place) -> Expectation:
        what, node = said.values[said.word]
        more = {key: value for key, (value, _) in said.values.items() if key != said.word}
        journey = ""
        if said.word in _OF_STEPS:
            step_name, _, way = what.partition("/")
            journey, name = self._step(step_name, node)
            self._fits(said.word, journey, name, way, node)
            what = f"{name}/{way}" if way else name
        elif said.word == "ends" and "." in what:
            journey, what = what.split(".")
            self._journey(journey, node)
        return Expectation(when, said.word, journey, what, more, place)

    def _step(self, written: str, node: Node) -> tuple[str, str]:
        """(journey, step) of what is written; both empty after a Problem."""
        journey, _, name = written.rpartition(".")
        if not journey:
            running = (
                self.running
                if self.running is not None
                else tuple(name for name, each in self.journeys.items() if each.status == "live")
            )
            if len(running) != 1:
                self.reader.problem(
                    "story-journey",
                    node,
                    f"several journeys run in this story; which one has the step `{name}`?",
                    f"Write `journey.{name}`, or name the one journey by `journey:`.",
                )
                return "", ""
            journey = running[0]
        if not self._journey(journey, node):
            return "", ""
        known = self._steps(journey)
        if known and name not in known:
            self.reader.problem(
                "unknown-step",
                node,
                f"`{name}` is not a step of {journey}",
                self.reader.did_you_mean(name, known),
            )
            return "", ""
        return journey, name

    def _journey(self, journey: str, node: Node) -> bool:
        if self.running is not None and journey not in self.running:
            self.reader.problem(
                "story-journey",
                node,
                f"`{journey}` does not run in this story",
                f"Running: {', '.join(self.running)}.",
            )
            return False
        known = self.scope.journeys if self.scope.journeys is not None else self.journeys.keys()
        if journey not in known:
            self.reader.problem(
                "unknown-journey",
                node,
                f"`{journey}` is not a journey",
                self.reader.did_you_mean(journey, known),
            )
            return False
        return True

    def _steps(self, journey: str) -> dict[str, Step]:
        found = self.journeys.get(journey)
        return {step.id: step for step in found.all_steps()} if found is not None else {}

    def _fits(self, verb: str, journey: str, name: str, way: str, node: Node) -> None:
        steps = self._steps(journey)
        if name not in steps:
            return
        if verb == "takes":
            self._way(steps[name], way, node)
        wanted = Send if verb in _OF_SENDS else GiveTask if verb == "task" else None
        if wanted is not None and not isinstance(steps[name].action, wanted):
            fitting = [other for other, step in steps.items() if isinstance(step.action, wanted)]
            said = "sends nothing" if wanted is Send else "gives nobody a task"
            self.reader.problem(
                "story-step", node, f"`{name}` {said}", self.reader.did_you_mean(name, fitting)
            )

    def _way(self, step: Step, way: str, node: Node) -> None:
        ways = [known for known, _ in step.ways]
        if way not in ways:
            hint = (
                self.reader.did_you_mean(way, ways)
                if ways
                else "Only `listen_for`, `branch` and `split` have ways."
            )
            self.reader.problem("unknown-way", node, f"`{way}` is not a way of `{step.id}`", hint)

    def _variants(self) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        node = self.said["variant"][1] if "variant" in self.said else None
        for key, value in node.entries if isinstance(node, Map) else ():
            journey, name = self._step(key.value, key)
            step = self._steps(journey).get(name)
            if step is None or not isinstance(value, Scalar):
                continue
            if not isinstance(step.action, Split):
                self.reader.problem(
                    "story-step", key, f"`{name}` is not a split", "Only a `split` has variants."
                )
            else:
                self._way(step, value.value, value)
                found[journey, name] = value.value
        return found


def _journeys(found: Found) -> Found:
    return {key: value for key, value in found.items() if key in ("journey", "journeys")}


def _without_journeys(found: Found) -> Found:
    return {key: value for key, value in found.items() if key not in ("journey", "journeys")}
