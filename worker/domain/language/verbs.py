"""The verbs of a step. One table, `VERBS`, names them with their keys; the parser, the schema and the reference use it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from worker.domain.calendar import Span
from worker.domain.events import CHANNELS, EVENT_TYPES
from worker.domain.journey import NOTHING, Action, GiveTask, Listen, Send, Split, Stop, Tag, Variant
from worker.domain.kinds import (
    PERCENT,
    SPAN,
    TEXT,
    Block,
    Either,
    Field,
    Fields,
    Many,
    Name,
    Offered,
    Parsed,
    Table,
    Word,
)
from worker.domain.language.events import AFTER_THE_END, HEARDS
from worker.domain.language.wait import WAIT
from worker.domain.language.ways import BranchKind, Steps, WaysKind
from worker.domain.scope import Scope
from worker.domain.shape import Reader, nearest
from worker.domain.source import Map, Node, Scalar, Seq

MAX_LISTEN: Final = Span(months=24)
_TEMPLATE: Final = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)*")
Found = Mapping[str, tuple[Any, Node]]
Maker = Callable[[Reader, Found, Scope], Action | None]


def _working_days(text: str) -> int | None:
    match = re.fullmatch(r"(\d{1,3}) working days?", text.strip())
    return int(match[1]) if match else None


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: its keys beside `id` and `wait`, how its action is made of them, what it does."""

    does: str
    fields: Fields
    make: Maker


def _send(reader: Reader, found: Found, scope: Scope) -> Action | None:
    if "send" not in found or "template" not in found:
        return None
    channels, (template, at) = found["send"][0], found["template"]
    if not _TEMPLATE.fullmatch(template):
        reader.problem(
            "template-name",
            at,
            f"`{template}` is not the name of a template",
            "Name it by folder and file without endings, such as `win_back/miss_you`.",
        )
    elif scope.templates is not None and template not in scope.templates:
        near = nearest(template, scope.templates)
        hint = f"Make templates/{template}.sms.en.j2 or .email.en.md.{f' There is `{near}`.' if near else ''}"
        reader.problem("unknown-template", at, f"there is no template `{template}`", hint)
    elif scope.templates is not None:
        for channel in channels:
            if channel not in scope.templates[template]:
                reader.problem(
                    "unknown-template",
                    at,
                    f"`{template}` has no {channel} text",
                    f"Make templates/{template}.{channel}.…, or leave `{channel}` out of `send`.",
                )
    return Send(channels, template, found["offer"][0] if "offer" in found else None)


def _task(reader: Reader, found: Found, scope: Scope) -> Action | None:
    values = {name: value for name, (value, _) in found.items()}
    return (
        GiveTask(values["task"], values.get("due", 1), values.get("note", "")) if "task" in values else None
    )


def _stop(reader: Reader, found: Found, scope: Scope) -> Action | None:
    return Stop(found["stop"][0]) if "stop" in found else None


def _tag(reader: Reader, found: Found, scope: Scope) -> Action | None:
    if "tag" not in found:
        return None
    value, at = found["tag"]
    tag = (
        Tag(tuple(value.get("add", ())), tuple(value.get("remove", ())))
        if isinstance(value, dict)
        else Tag((value,) if isinstance(value, str) else tuple(value))
    )
    if not tag.add and not tag.remove:
        reader.problem("shape-empty", at, "this step names no tag", "For example `tag: likes_email`.")
        return None
    both = sorted({*tag.add} & {*tag.remove})
    if both:
        reader.problem("tag-both", at, f"`{both[0]}` is both added and removed", "Keep one of the two.")
    return tag


def _listen(reader: Reader, found: Found, scope: Scope) -> Action | None:
    if "listen_for" not in found:
        return None
    heard, at = found["listen_for"]
    if "up_to" not in found:
        return None
    up_to, until = found["up_to"]
    if up_to.months > MAX_LISTEN.months or up_to.days > 31 * MAX_LISTEN.months:
        reader.problem(
            "listen-for-ever",
            until,
            f"`up_to: {up_to}` listens longer than {MAX_LISTEN}",
            "End it sooner; a later visit can start a journey of its own.",
        )
    types = [one.type for one in heard]
    for item in at.items if isinstance(at, Seq) else (at,):
        _hearable(reader, item, scope)
    for name in {name for name in types if types.count(name) > 1}:
        reader.problem(
            "listen-twice",
            at,
            f"`{name}` is listened for twice",
            "Keep one; a list inside `of` means any of it.",
        )
    then: dict[str, Steps] = {}
    for key, steps in found["then"][0] if "then" in found else ():
        if key.value != NOTHING and key.value not in types:
            reader.problem(
                "listen-unheard",
                key,
                f"`{key.value}` is not in `listen_for`, so this way is never taken",
                f"Add it there, or remove it here. Known: {', '.join((*types, NOTHING))}.",
            )
        then[key.value] = steps
    return Listen(heard, up_to, then)


def _hearable(reader: Reader, node: Node, scope: Scope) -> None:
    name = node.entries[0][0] if isinstance(node, Map) and node.entries else node
    if not isinstance(name, Scalar):
        return
    if name.value == "message.replied" and not scope.two_way:
        reader.problem(
            "listen-one-way", name, "`message.replied` can't be heard: the sender of SMS in config/channels.yaml is one-way",
            "Set `two_way: true` there if patients can answer, or listen for `link.answered`.",
        )  # fmt: skip
    if name.value in AFTER_THE_END:
        reader.problem(
            "listen-impossible",
            name,
            f"`{name.value}` ends every run of the patient, so it can't be heard",
            "Remove it.",
        )


def _branch(reader: Reader, found: Found, scope: Scope) -> Action | None:
    return found["branch"][0] if "branch" in found else None


def _split(reader: Reader, found: Found, scope: Scope) -> Action | None:
    if "split" not in found:
        return None
    shares, at = found["split"]
    then = {key.value: (key, steps) for key, steps in (found["then"][0] if "then" in found else ())}
    for name, (key, _) in then.items():
        if name not in shares and not (isinstance(at, Map) and at.get(name) is not None):
            reader.problem(
                "split-unknown",
                key,
                f"`{name}` has no share in `split`, so this way is never taken",
                f"Known: {', '.join(shares)}.",
            )
    if sum(shares.values()) != 100 and len(shares) == len(at.entries if isinstance(at, Map) else ()):
        reader.problem(
            "split-total",
            at,
            f"the shares make {sum(shares.values())} %, not 100 %",
            "For example `split: {short: 50%, long: 50%}`.",
        )
    return Split(
        tuple(Variant(name, share, then[name][1] if name in then else ()) for name, share in shares.items())
    )


_CHANNEL: Final = Word("a channel", CHANNELS)
_TEMPLATE_NAME: Final = Offered(lambda scope: scope.templates or ())
_OFFER: Final = Word("an offer of config/offers.yaml", lambda scope: scope.offers, "unknown-offer")
_TAG_NAME: Final = Name("a tag")
_WAY: Final = Word("an event, or `nothing`", {*EVENT_TYPES, NOTHING}, "unknown-event")

COMMON: Final[Fields] = {
    "id": Field(Name("a step's id"), "The step's name, unique in its journey. Results are counted by it: keep it once patients have passed.", required=True),
    "wait": Field(WAIT, "How long to wait before this step, or until when.", default="not at all"),
}  # fmt: skip


def _verb(does: str, fields: Fields, make: Maker) -> Verb:
    return Verb(does, {**COMMON, **fields}, make)


VERBS: Final[Mapping[str, Verb]] = {
    "send": _verb(
        "Sends a message through the first of these channels that the patient has and allows.",
        {
            "send": Field(Many(_CHANNEL, least=1), "The channels, in the order in which they are tried.", required=True),
            "template": Field(_TEMPLATE_NAME, "The text, by folder and file without endings: `win_back/miss_you`.", required=True),
            "offer": Field(_OFFER, "An approved offer that the text may name."),
        },
        _send,
    ),
    "listen_for": _verb(
        "Waits for an answer, and goes the way of what is heard first, or of `nothing`.",
        {
            "listen_for": Field(HEARDS, "Answers to this run's messages and tasks, or events of the patient's appointments.", required=True),
            "up_to": Field(SPAN, "How long to listen at most.", required=True),
            "then": Field(WaysKind(_WAY), "The steps that follow each of them, and `nothing`.", default="go on"),
        },
        _listen,
    ),
    "branch": _verb(
        "Goes the way of the first segment or condition that fits; `otherwise` takes the rest.",
        {"branch": Field(BranchKind(), "Segments with their steps, or a list of `if` and `then`.", required=True)},
        _branch,
    ),
    "split": _verb(
        "Goes one of several ways by lot, always the same one for one patient.",
        {
            "split": Field(Table("a way", Name("a way's name"), PERCENT), "The ways with their shares; together 100%.", required=True),
            "then": Field(WaysKind(Name("a way's name")), "The steps of each way."),
        },
        _split,
    ),
    "task": _verb(
        "Gives a person at the clinic something to do.",
        {
            "task": Field(TEXT, "Who does it, such as `front_desk`.", required=True),
            "due": Field(Parsed("a number of working days", _working_days, r" *[0-9]{1,3} working days? *", "1 working day"), "By the end of which working day.", default="1 working day"),
            "note": Field(TEXT, "What to do, in words."),
        },
        _task,
    ),
    "tag": _verb(
        "Sets or removes Revisit's own tags, which conditions can ask for.",
        {
            "tag": Field(
                Either(
                    "a tag, a list of tags, or `{add: […], remove: […]}`", scalar=_TAG_NAME, many=Many(_TAG_NAME, least=1),
                    block=Block("`tag`", {"add": Field(Many(_TAG_NAME), "Tags to set."), "remove": Field(Many(_TAG_NAME), "Tags to take away.")}),
                    hint="For example `tag: likes_email`.",
                ),
                "The tag, several, or `{add: […], remove: […]}`.", required=True,
            ),
        },
        _tag,
    ),
    "stop": _verb("Ends the run.", {"stop": Field(TEXT, "Why, in words.", required=True)}, _stop),
}  # fmt: skip
