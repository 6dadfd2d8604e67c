"""The journey file: from a composed tree to a `Journey`, with every mistake as a Problem."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal, cast

from worker.domain.calendar import Span, parse_span
from worker.domain.conditions import AnyOf, Condition
from worker.domain.conditions_visits import ANYTHING
from worker.domain.events import APPOINTMENT_STATUS, CHANNELS, EVENT_TYPES
from worker.domain.grammar import Scope, parse_condition, parse_narrow
from worker.domain.journey import EVERYONE, GiveTask, Goal, Heard, Journey, Repeat, Send, Start, Step, Stop
from worker.domain.segments import start_condition
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Scalar

TOP_KEYS: Final = (
    "journey", "title", "owner", "status", "purpose", "priority", "about", "start", "repeat", "one_per", "goal", "stop_if", "send_between",
    "expires", "steps",
)  # fmt: skip
VERBS: Final = ("send", "task", "stop")
STEP_KEYS: Final[Mapping[str, tuple[str, ...]]] = {"send": ("template",), "task": ("due", "note"), "stop": ()}
_TEMPLATE = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)*")
DEFAULT_EXPIRES = Span(days=1)
DEFAULT_WITHIN = Span(days=60)


def version_of(text: str) -> str:
    """A journey version's name: a short hash of its text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse_journey(
    reader: Reader,
    node: Node | None,
    text: str,
    scope: Scope,
    templates: Mapping[str, frozenset[str]] | None = None,
) -> Journey | None:
    """One file of journeys/. `templates` are the known template names with their channels; None leaves them unchecked.

    Returns None where the file holds an error; all Problems are with the reader.
    """
    before = len(reader.problems)
    fields = reader.fields(node, "a journey", TOP_KEYS, ("journey", "start", "steps"))
    name = reader.name(fields.get("journey"), "a journey's name")
    one_per = reader.choice(
        fields.get("one_per"), "a kind of `one_per`", ("appointment", "patient"), "patient"
    )
    start = _start(reader, fields.get("start"), scope)
    expires = reader.span(fields.get("expires"), "`expires`") or DEFAULT_EXPIRES
    about = reader.fields(fields.get("about"), "`about`", ("families",))
    priority = reader.integer(fields.get("priority"), "`priority`", 1, 9, 5)
    repeat = _repeat(reader, fields.get("repeat"), one_per == "appointment")
    goal = _goal(reader, fields.get("goal"), scope)
    stop_if = _stop_if(reader, fields.get("stop_if"), scope)
    hours = reader.window(fields.get("send_between"), "hours of a day")
    steps = _steps(reader, fields.get("steps"), templates)
    purpose = reader.choice(fields.get("purpose"), "a purpose", ("marketing", "care"), "marketing")
    if one_per == "appointment" and start is not None and not _has_appointment(start):
        reader.problem(
            "journey-one-per",
            fields["one_per"],
            "`one_per: appointment` needs a start by an event of an appointment",
            "For example `start: {event: booking.no_show}`.",
        )
    families = (
        reader.choices(
            about.get("families"), "a family of config/services.yaml", scope.clinic.families, "unknown-family"
        )
        if about.get("families") is not None
        else ()
    )
    title = reader.text(fields.get("title"), "`title`") or name.replace("_", " ")
    status = reader.choice(fields.get("status"), "a status", ("draft", "live", "paused"), "live")
    if start is None or any(problem.severity == "error" for problem in reader.problems[before:]):
        return None
    return Journey(
        name, version_of(text), title, cast(Literal["draft", "live", "paused"], status), cast(Literal["marketing", "care"], purpose), priority, start, repeat,
        one_per == "appointment", goal, stop_if, hours, expires, steps, families,
    )  # fmt: skip


def _has_appointment(start: Start) -> bool:
    return start.kind == "event" and start.name in APPOINTMENT_STATUS


def _start(reader: Reader, node: Node | None, scope: Scope) -> Start | None:
    if node is None:
        return None
    fields = reader.fields(node, "`start`", ("enters", "leaves", "event", "if"))
    known: tuple[Literal["enters", "leaves", "event"], ...] = ("enters", "leaves", "event")
    kinds = [found for found in known if found in fields]
    if len(kinds) != 1:
        reader.problem(
            "journey-start",
            node,
            "a journey starts in exactly one way",
            "Write one of `enters: SEGMENT`, `leaves: SEGMENT`, `event: TYPE`.",
        )
        return None
    kind = kinds[0]
    if kind == "event":
        heard = _heard(reader, fields[kind], scope)
        if heard is None:
            return None
        inner = replace(scope, this=heard.type in APPOINTMENT_STATUS)
        only_if = parse_condition(reader, fields.get("if"), inner, "`if`") if "if" in fields else EVERYONE
        return Start(kind, heard.type, only_if, heard.of)
    name = reader.text(fields[kind], "a segment")
    if name not in scope.segments:
        reader.problem(
            "unknown-segment",
            fields[kind],
            f"`{name}` is not a segment",
            reader.did_you_mean(name, scope.segments),
        )
        return None
    asked = parse_condition(reader, fields["if"], scope, "`if`") if "if" in fields else None
    if kind == "enters":
        return Start(kind, name, start_condition(name, asked))
    return Start(kind, name, asked or EVERYONE)


def _heard(reader: Reader, node: Node, scope: Scope) -> Heard | None:
    """`booking.created`, or `{booking.created: {families: [toxin]}}`."""
    of = ANYTHING
    if isinstance(node, Map) and len(node.entries) == 1:
        key, value = node.entries[0]
        of, node = parse_narrow(reader, value, scope, f"`{key.value}`"), key
    if not isinstance(node, Scalar):
        reader.problem("shape-type", node, "an event is one word", "For example `booking.created`.")
        return None
    if node.value not in EVENT_TYPES:
        reader.problem(
            "unknown-event",
            node,
            f"`{node.value}` is not an event",
            reader.did_you_mean(node.value, EVENT_TYPES),
        )
        return None
    return Heard(node.value, of)


def _repeat(reader: Reader, node: Node | None, per_appointment: bool) -> Repeat:
    if node is None:
        return Repeat(always=per_appointment)
    text = reader.text(node, "`repeat`").strip()
    if text in ("always", "never"):
        return Repeat(always=text == "always")
    match = re.fullmatch(r"once every (.+)", text)
    span = parse_span(match[1]) if match else None
    if span is None or span.is_zero:
        reader.problem(
            "shape-value",
            node,
            f"`{text}` does not say how often",
            "Write `never`, `always`, or for example `once every 18 months`.",
        )
        return Repeat()
    return Repeat(every=span)


def _goal(reader: Reader, node: Node | None, scope: Scope) -> Goal | None:
    if node is None:
        return None
    if isinstance(node, Scalar):
        heard = _heard(reader, node, scope)
        return Goal((heard,), DEFAULT_WITHIN) if heard else None
    fields = reader.fields(node, "`goal`", ("any_of", "within"), ("any_of",))
    found = [_heard(reader, item, scope) for item in reader.items(fields.get("any_of"), "`any_of`")]
    within = reader.span(fields.get("within"), "`within`") or DEFAULT_WITHIN
    return Goal(tuple(heard for heard in found if heard is not None), within)


def _stop_if(reader: Reader, node: Node | None, scope: Scope) -> Condition | None:
    if node is None:
        return None
    if isinstance(node, Map):
        return parse_condition(reader, node, scope, "`stop_if`")
    return AnyOf(
        tuple(parse_condition(reader, item, scope, "`stop_if`") for item in reader.items(node, "`stop_if`"))
    )


def _steps(
    reader: Reader, node: Node | None, templates: Mapping[str, frozenset[str]] | None
) -> tuple[Step, ...]:
    steps: list[Step] = []
    seen: dict[str, int] = {}
    if node is not None and isinstance(node, Scalar):
        reader.problem("shape-type", node, "`steps` must be a list of steps", "Begin each step with a dash.")
        return ()
    for item in reader.items(node, "`steps`"):
        step = _step(reader, item, templates)
        if step is None:
            continue
        if step.id in seen:
            reader.problem(
                "step-twice",
                item,
                f"a second step is called `{step.id}`; the first is on line {seen[step.id]}",
                "Give each step a name of its own.",
            )
        seen[step.id] = step.line
        if steps and isinstance(steps[-1].action, Stop):
            reader.problem(
                "step-unreachable",
                item,
                f"`{step.id}` is never reached: `{steps[-1].id}` stops before it",
                "Move it up, or remove one of the two.",
            )
        steps.append(step)
    if node is not None and not steps and not reader.problems:
        reader.problem(
            "journey-no-steps", node, "this journey has no steps", "Add a step with `send`, `task` or `stop`."
        )
    return tuple(steps)


def _step(reader: Reader, node: Node, templates: Mapping[str, frozenset[str]] | None) -> Step | None:
    if not isinstance(node, Map):
        reader.problem(
            "shape-type",
            node,
            "a step is a block of `key: value` lines",
            "For example `- id: hello`, then `send: sms` below it.",
        )
        return None
    verbs = [key.value for key, _ in node.entries if key.value in VERBS]
    if len(verbs) != 1:
        known = ("id", "wait", *VERBS, *(key for keys in STEP_KEYS.values() for key in keys))
        reader.fields(node, "a step", known)
        said = "has two verbs" if verbs else "has no verb"
        reader.problem(
            "step-verb",
            node,
            f"a step does one thing; this one {said}",
            f"Give it exactly one of {', '.join(f'`{verb}`' for verb in VERBS)}.",
        )
        return None
    verb = verbs[0]
    required = ("id", "template") if verb == "send" else ("id", verb)
    fields = reader.fields(node, f"a `{verb}` step", ("id", "wait", verb, *STEP_KEYS[verb]), required)
    name = reader.name(fields.get("id"), "a step's id")
    wait = (reader.span(fields["wait"], "`wait`") or Span()) if "wait" in fields else Span()
    action: Send | GiveTask | Stop
    if verb == "send":
        action = _send(reader, fields, templates)
    elif verb == "task":
        due = reader.parsed(fields.get("due"), "a number of working days", _working_days, "1 working day")
        action = GiveTask(
            reader.text(fields.get("task"), "`task`"),
            1 if due is None else due,
            reader.text(fields.get("note"), "`note`"),
        )
    else:
        action = Stop(reader.text(fields.get("stop"), "`stop`"))
    return Step(name, wait, action, node.place.line)


def _send(reader: Reader, fields: Mapping[str, Node], templates: Mapping[str, frozenset[str]] | None) -> Send:
    channels = reader.choices(fields.get("send"), "a channel", CHANNELS)
    template = reader.text(fields.get("template"), "`template`")
    at = fields.get("template")
    if at is not None and not _TEMPLATE.fullmatch(template):
        reader.problem(
            "template-name",
            at,
            f"`{template}` is not the name of a template",
            "Name it by folder and file without endings, such as `win_back/miss_you`.",
        )
    elif at is not None and templates is not None:
        if template not in templates:
            reader.problem(
                "unknown-template",
                at,
                f"there is no template `{template}`",
                reader.did_you_mean(template, templates)
                or f"Make templates/{template}.sms.en.j2 or .email.en.md.",
            )
        else:
            for channel in channels:
                if channel not in templates[template]:
                    reader.problem(
                        "unknown-template",
                        at,
                        f"`{template}` has no {channel} text",
                        f"Make templates/{template}.{channel}.…, or leave `{channel}` out of `send`.",
                    )
    return Send(channels, template)


def _working_days(text: str) -> int | None:
    match = re.fullmatch(r"(\d{1,3}) working days?", text.strip())
    return int(match[1]) if match else None
