"""The journey file: from a composed tree to a `Journey`, with every mistake as a Problem. One table, `JOURNEY`, names its keys."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, Final

from worker.domain.calendar import Span
from worker.domain.events import APPOINTMENT_STATUS
from worker.domain.journey import Journey, Repeat, Start
from worker.domain.kinds import PERCENT, SPAN, TEXT, WINDOW, Block, Field, Many, Name, Whole, Word
from worker.domain.language.events import GoalKind
from worker.domain.language.lints import lint
from worker.domain.language.start import PACE, REPEAT, START, SendOnKind, StopIfKind
from worker.domain.language.steps import STEPS, VERBS
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Node, Scalar, Seq

DEFAULT_EXPIRES: Final = Span(days=1)
DEFAULT_WITHIN: Final = Span(days=60)

JOURNEY: Final = Block(
    "a journey",
    {
        "journey": Field(Name("a journey's name"), "Its name, unique among the journeys. Results are counted by it: keep it.", required=True),
        "title": Field(TEXT, "What people read.", default="the name"),
        "owner": Field(TEXT, "Who looks after it; nothing depends on it."),
        "status": Field(Word("a status", ("draft", "live", "paused")), "Only a live journey starts and sends; a paused one waits.", default="live"),
        "purpose": Field(Word("a purpose", ("marketing", "care")), "Marketing needs consent; care is about a patient's own visit.", default="marketing"),
        "priority": Field(Whole(1, 9), "Who goes first when two journeys want one patient: 1 before 9.", default="5"),
        "about": Field(
            Block("`about`", {"families": Field(Many(Word("a family of config/services.yaml", lambda scope: scope.clinic.families, "unknown-family")), "Treatment families.")}),
            "What it promotes, if anything.",
        ),
        "start": Field(START, "What brings a patient in.", required=True),
        "repeat": Field(REPEAT, "How often a patient may go through, measured from entry.", default="never; always for a birthday and with `one_per: appointment`"),
        "one_per": Field(Word("a kind of `one_per`", ("appointment", "patient")), "One run per patient, or one per appointment that starts it.", default="patient"),
        "goal": Field(GoalKind(DEFAULT_WITHIN), "What the journey exists for; reaching it ends the run."),
        "stop_if": Field(StopIfKind(), "What ends a run without success, whenever it becomes so."),
        "holdout": Field(PERCENT, "The share of patients who are not written to, so that the effect can be measured.", default="0%"),
        "send_between": Field(WINDOW, "Hours in which messages leave, where the patient is.", default="whenever the policy allows"),
        "send_on": Field(SendOnKind(), "Days of the week on which messages leave.", default="every day that the policy allows"),
        "expires": Field(SPAN, "How late a step may be; one that is later is skipped and says so.", default="1 day"),
        "pace": Field(PACE, "How many patients a day may begin; the rest wait their turn.", default="no limit"),
        "steps": Field(STEPS, "What happens, one after another.", required=True),
    },
)  # fmt: skip


def version_of(text: str) -> str:
    """A journey version's name: a short hash of its text."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def parse_journey(reader: Reader, node: Node | None, text: str, scope: Scope) -> Journey | None:
    """One file of journeys/. Returns None where the file holds an error; all Problems are with the reader."""
    before = len(reader.problems)
    fields = reader.fields(
        node, JOURNEY.is_a, JOURNEY.fields, [name for name, field in JOURNEY.fields.items() if field.required]
    )
    start: Start | None = None
    if "start" in fields:
        start = START.read(reader, fields["start"], "`start`", scope)
        if start is not None:
            scope = replace(scope, this=_has_appointment(start))
    found: dict[str, Any] = {
        name: JOURNEY.fields[name].kind.read(reader, inner, f"`{name}`", scope)
        for name, inner in fields.items()
        if name != "start"
    }
    values = {name: value for name, value in found.items() if value is not None}
    _steps_twice(reader, values)
    if "steps" in fields and isinstance(fields["steps"], Seq) and not fields["steps"].items:
        reader.problem(
            "journey-no-steps",
            fields["steps"],
            "this journey has no steps",
            f"Add a step with one of {', '.join(f'`{verb}`' for verb in VERBS)}.",
        )
    per_appointment = values.get("one_per") == "appointment"
    if per_appointment and start is not None and not _has_appointment(start):
        reader.problem(
            "journey-one-per",
            fields["one_per"],
            "`one_per: appointment` needs a start by an event of an appointment",
            "For example `start: {event: booking.no_show}`.",
        )
    if start is None or any(problem.severity == "error" for problem in reader.problems[before:]):
        return None
    birthday = start.name == "birthday" and start.kind == "date"
    name = values["journey"]
    journey = Journey(
        name=name, version=version_of(text), title=values.get("title") or name.replace("_", " "), status=values.get("status", "live"),
        purpose=values.get("purpose", "marketing"), priority=values.get("priority", 5), start=start,
        repeat=values.get("repeat", Repeat(always=per_appointment or birthday)), per_appointment=per_appointment, goal=values.get("goal"),
        stop_if=values.get("stop_if"), send_between=values.get("send_between"), expires=values.get("expires", DEFAULT_EXPIRES), steps=values.get("steps", ()),
        families=tuple(values.get("about", {}).get("families", ())), send_on=values.get("send_on"), holdout=values.get("holdout", 0), pace=values.get("pace"),
        owner=values.get("owner", ""),
    )  # fmt: skip
    lint(reader, fields, journey)
    return None if any(problem.severity == "error" for problem in reader.problems[before:]) else journey


def _has_appointment(start: Start) -> bool:
    return start.kind == "event" and start.name in APPOINTMENT_STATUS


def _steps_twice(reader: Reader, values: dict[str, Any]) -> None:
    """A step's id names it in messages, traces and results, at whatever depth it stands."""
    seen: dict[str, int] = {}

    def walk(steps: Any) -> None:
        for step in steps:
            if step.id in seen:
                at = Scalar(step.id, step.place)
                reader.problem(
                    "step-twice",
                    at,
                    f"a second step is called `{step.id}`; the first is on line {seen[step.id]}",
                    "Give each step a name of its own.",
                )
            seen.setdefault(step.id, step.place.line)
            for _, inner in step.ways:
                walk(inner)

    walk(values.get("steps", ()))
