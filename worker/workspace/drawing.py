"""A journey as a picture in plain values, before anybody decides how to draw it: on a terminal or as Mermaid.

Rules
1. What happens comes from the journey that was read; conditions are told in the author's own YAML, taken from the same file.
2. Every way is there, those included that the author left out (`nothing`, `otherwise`).
3. The exits are what can end a run at any step, or silence it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from worker.domain.calendar import WEEKDAYS, Span
from worker.domain.journey import (
    NOTHING,
    OTHERWISE,
    Branch,
    GiveTask,
    Heard,
    Journey,
    Listen,
    Send,
    Split,
    Start,
    Step,
    Stop,
    Tag,
    UntilClock,
    UntilFact,
    Wait,
)
from worker.domain.source import Node, Seq
from worker.workspace.files import Files
from worker.workspace.trees import steps as step_blocks
from worker.workspace.trees import tree_of, under, word
from worker.workspace.yaml_text import flow

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Way:
    """One way on from a step; `about` says who takes it."""

    name: str
    about: str
    steps: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """One step: `verb` is its key in the file, `says` what it does, `more` what else is to be known. `ends` where a run ends with it."""

    id: str
    verb: str
    wait: str
    says: str
    more: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Exit:
    """What ends a run at whatever step it stands, or silences it."""

    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A whole journey. `facts` are pairs of a label and what holds."""

    name: str
    title: str
    status: str
    start: str
    condition: str
    facts: tuple[tuple[str, str], ...]
    steps: tuple[Mark, ...]
    exits: tuple[Exit, ...]


def draw(journey: Journey, written: Node | None) -> Drawing:
    """The picture of a journey; `written` is the composed tree of its file."""
    start = under(written, "start")
    nodes: dict[str, Node] = {word(step.get("id")): step for step in step_blocks(under(written, "steps"))}
    return Drawing(
        journey.name,
        journey.title,
        journey.status,
        str(journey.start),
        flow(under(start, "if")),
        tuple(_facts(journey)),
        tuple(_mark(step, nodes) for step in journey.steps),
        tuple(_exits(journey, written)),
    )


def written_journeys(files: Files) -> dict[str, tuple[str, Node]]:
    """The journeys of a workspace by name: the path of each with its composed tree. What can't be read is left out."""
    found: dict[str, tuple[str, Node]] = {}
    for path in sorted(files):
        if not path.startswith("journeys/") or path.count("/") != 1:
            continue
        node = tree_of(files, path)
        name = word(under(node, "journey"))
        if node is not None and name:
            found.setdefault(name, (path, node))
    return found


def channels_of(journey: Journey) -> tuple[str, ...]:
    """The channels that its messages may take, each once, in the order of their steps."""
    sends = [step.action for step in journey.all_steps() if isinstance(step.action, Send)]
    return tuple(dict.fromkeys(channel for send in sends for channel in send.channels))


def wait_in_words(wait: Wait) -> str:
    """How long, or until when; "" for no time at all."""
    if isinstance(wait, Span):
        return "" if wait.is_zero else f"wait {wait}"
    if isinstance(wait, UntilClock):
        day = f"{_DAYS[wait.weekday]} " if wait.weekday is not None else ""
        return f"wait until {day}{_clock(wait.minute)}"
    return f"wait until {_fact(wait)}"


def _fact(wait: UntilFact) -> str:
    at = f" at {_clock(wait.minute)}" if wait.minute is not None else ""
    return f"{str(wait).replace(f' {wait.fact}', f' {_named(wait.fact)}')}{at}"


def _named(fact: str) -> str:
    return "the appointment that started it" if fact == "this" else f"the {fact.replace('_', ' ')}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _facts(journey: Journey) -> Iterator[tuple[str, str]]:
    about = f", about {', '.join(journey.families)}" if journey.families else ""
    yield "purpose", f"{journey.purpose}, priority {journey.priority}{about}"
    each = "a run for each appointment" if journey.per_appointment else "one run at a time"
    yield "repeat", f"{journey.repeat}; {each}"
    hours = str(journey.send_between) if journey.send_between is not None else ""
    days = _weekdays(journey.send_on) if journey.send_on is not None else ""
    if hours or days:
        yield "hours", " ".join(part for part in (days, hours) if part)
    yield "expires", f"a step that is later than {journey.expires} is skipped"
    if journey.pace is not None:
        yield "pace", f"at most {journey.pace} starts per day"
    if journey.holdout:
        yield "holdout", f"{journey.holdout}% get nothing, so that the effect can be measured"
    if journey.owner:
        yield "owner", journey.owner


def _weekdays(days: frozenset[int]) -> str:
    ordered = sorted(days)
    if len(ordered) > 2 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{WEEKDAYS[ordered[0]]}-{WEEKDAYS[ordered[-1]]}"
    return ", ".join(WEEKDAYS[day] for day in ordered)


def _exits(journey: Journey, written: Node | None) -> Iterator[Exit]:
    if journey.goal is not None:
        yield Exit("goal", f"{_events(journey.goal.heard)}; a success within {journey.goal.within} of entry")
    if journey.stop_if is not None:
        yield Exit("stop_if", flow(under(written, "stop_if")))
    if journey.start.days is None and journey.start.name != "birthday":
        yield Exit("correction", _correction(journey.start))
    yield Exit("opt-out", "no further message by that channel; what is not a message goes on")


def _correction(start: Start) -> str:
    if start.kind == "event":
        return "what started it turns out not to have happened"
    moved = "entered" if start.kind == "enters" else "left"
    return f"a correction shows that the patient never {moved} {start.name}"


def _events(heard: tuple[Heard, ...]) -> str:
    return " or ".join(str(each) for each in heard)


def _mark(step: Step, nodes: Mapping[str, Node]) -> Mark:
    node = nodes.get(step.id)
    action = step.action
    wait = wait_in_words(step.wait)
    if isinstance(action, Send):
        offer = (f"offer {action.offer}",) if action.offer else ()
        return Mark(
            step.id, "send", wait, f"send {action.template} by {', else '.join(action.channels)}", offer
        )
    if isinstance(action, GiveTask):
        due = f"{action.due_days} working day{'' if action.due_days == 1 else 's'}"
        note = " ".join(action.note.split())
        return Mark(
            step.id, "task", wait, f"task for {action.assignee}, due in {due}", (note,) if note else ()
        )
    if isinstance(action, Tag):
        changes = [*(f"+{tag}" for tag in action.add), *(f"-{tag}" for tag in action.remove)]
        return Mark(step.id, "tag", wait, f"tag {', '.join(changes)}")
    if isinstance(action, Stop):
        return Mark(step.id, "stop", wait, f"stop: {action.reason}", ends=True)
    about = _about(action, node)
    ways = tuple(
        Way(name, about.get(name, ""), tuple(_mark(inner, nodes) for inner in steps))
        for name, steps in step.ways
    )
    if isinstance(action, Listen):
        says = f"listen for {_events(action.heard)}, up to {action.up_to}"
        return Mark(step.id, "listen_for", wait, says, ways=ways)
    if isinstance(action, Branch):
        return Mark(step.id, "branch", wait, "branch: the first that fits", ways=ways)
    return Mark(step.id, "split", wait, "split by lot", ways=ways)


def _about(action: Listen | Branch | Split, node: Node | None) -> dict[str, str]:
    if isinstance(action, Listen):
        return {NOTHING: f"heard in {action.up_to}"}
    if isinstance(action, Split):
        return {variant.name: f"{variant.share}%" for variant in action.variants}
    cases = under(node, "branch")
    if not isinstance(cases, Seq):
        return {}
    told = [flow(under(case, "if")) for case in cases.items if under(case, OTHERWISE) is None]
    named = [case.name for case in action.cases if case.only_if is not None]
    return dict(zip(named, told, strict=False))
