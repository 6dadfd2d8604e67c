"""The file of stories: its keys, its events, its expectations. The parser, the schema and the reference go by these tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, get_args

from worker.domain.events import CHANNELS, PURPOSES
from worker.domain.gate import DropCode
from worker.domain.kinds import (
    MONEY,
    SWITCH,
    TEXT,
    TEXTS,
    Block,
    Either,
    Field,
    Fields,
    Kind,
    Many,
    Parsed,
    Schema,
    Table,
    Whole,
    Word,
)
from worker.domain.shape import NAME, Reader
from worker.domain.source import Node
from worker.domain.stories.kinds import (
    BORN,
    EXACT,
    LINE,
    LIVED,
    NONE,
    WHEN,
    Dated,
    Events,
    ServiceCode,
    Verbs,
    Visit,
)
from worker.domain.zones import ZONE

DROPS: Final = frozenset(get_args(DropCode)) - {"no_sender"}
"""The gate's codes for a message that is held back for good."""

ENDS: Final = ("goal", "goal_late", "finished", "stopped", "withdrawn", "merged")
"""How a run may end."""

_NAME: Final = NAME.pattern
_JOURNEY: Final[Kind[str]] = Word("a journey", lambda scope: scope.journeys, "unknown-journey")
_SEGMENT: Final[Kind[str]] = Word("a segment", lambda scope: scope.segments, "unknown-segment")
_CHANNEL: Final[Kind[str]] = Word("a channel", CHANNELS)
_TEMPLATE: Final[Kind[str]] = Word("a template", lambda scope: scope.templates, "unknown-template")


def _written(is_a: str, pattern: str, example: str) -> Kind[str]:
    return Parsed(is_a, lambda text: text if re.fullmatch(pattern, text) else None, pattern, example)


_STEP: Final = _written("a step", rf"(?:{_NAME}\.)?{_NAME}", "plan_next")
_WAY: Final = _written("a way that a step takes", rf"(?:{_NAME}\.)?{_NAME}/[a-z0-9_.]+", "answer/nothing")
_END: Final = _written("an end of a run", rf"(?:{_NAME}\.)?(?:{'|'.join(ENDS)})", "goal")

_ALLOWED: Final[Kind[tuple[str, ...]]] = Many(Word("a purpose", PURPOSES))
_CONSENT: Final = Either(
    "what the patient allows",
    scalar=Word("what the patient allows", (NONE,)),
    block=Block(
        "`consent`", {name: Field(_ALLOWED, f"The purposes allowed by {name}.") for name in CHANNELS}
    ),
    hint="For example `{sms: [marketing, care], email: [care]}`.",
)
PERSON: Final[Fields] = {
    "first_name": Field(LINE, "The first name; `none` where it is not known."),
    "last_name": Field(LINE, "The last name; `none` where it is not known."),
    "phone": Field(LINE, "The number for SMS; `none` where there is none."),
    "email": Field(LINE, "The address for e-mail; `none` where there is none."),
    "date_of_birth": Field(BORN, "The date of birth; `none` where it is not known."),
    "language": Field(LINE, "The language to write in; `none` where it is not known."),
    "timezone": Field(
        LIVED, "The zone where the patient lives, if not the clinic's; `none` where it is not known."
    ),
    "tags": Field(TEXTS, "The tags of the clinic's system."),
    "consent": Field(_CONSENT, "What the patient allows, by channel; `none` where nobody asked."),
}
"""A patient, as an event's `data.patient` tells of one."""

_SERVICES: Final[Kind[Any]] = Many(
    Either(
        "a service",
        scalar=ServiceCode(),
        block=Block(
            "a service",
            {
                "code": Field(TEXT, "The code in the clinic's system.", required=True),
                "family": Field(TEXT, "Its family, where the catalogue lacks the code."),
                "area": Field(
                    Word("an area", ("face", "body", "none")), "Its area, where the catalogue lacks the code."
                ),
            },
        ),
    )
)
_OF_ANY: Final[Fields] = {
    "patient": Field(Block("`patient`", PERSON), "What the event tells of the patient."),
    "tags": Field(TEXTS, "Short for `patient: {tags: […]}`."),
    "historical": Field(SWITCH, "Whether it changes facts and starts nothing.", default="no"),
}
_ABOUT: Final[Fields] = {
    "services": Field(_SERVICES, "The codes of the services."),
    "practitioner": Field(TEXT, "The practitioner's code."),
    "location": Field(TEXT, "The location's code."),
    "net": Field(MONEY, "What it costs, as `120 EUR`."),
}
_APPOINTMENT: Final[Fields] = {
    "appointment": Field(
        TEXT,
        "Which appointment; name it where a later event speaks of the same one.",
        default="a-1, a-2… in the order told",
    ),
    "at": Field(EXACT, "When the appointment begins."),
    **_ABOUT,
    "version": Field(Whole(0, 999_999_999), "The greater version wins over the later event.", default="0"),
    "referred_by": Field(TEXT, "Who sent the patient."),
    **_OF_ANY,
}
_AT_REQUIRED: Final[Fields] = {
    **_APPOINTMENT,
    "at": Field(EXACT, "When the appointment begins.", required=True),
}
_ANSWER: Final[Fields] = {
    "step": Field(_STEP, "The step whose message or task is meant.", default="the last one")
}
_EVIDENCE: Final[Fields] = {
    "channel": Field(_CHANNEL, "By which channel.", required=True),
    "purpose": Field(Word("a purpose", PURPOSES), "For which purpose.", required=True),
    "basis": Field(Word("a basis", ("explicit", "soft_opt_in", "written", "verbal")), "On what basis."),
    "source": Field(TEXT, "Where it was given."),
    **_OF_ANY,
}
_NEEDED: Final = Field(TEXT, "Which appointment.", required=True)
EVENTS: Final[Mapping[str, Fields]] = {
    "visit.completed": {
        **_APPOINTMENT,
        "at": Field(EXACT, "When the visit began.", default="the moment it is told"),
    },
    "visit.voided": _APPOINTMENT,
    "booking.created": _AT_REQUIRED,
    "booking.rescheduled": _AT_REQUIRED,
    "booking.cancelled": {
        **_APPOINTMENT,
        "cancelled_by": Field(Word("who cancelled", ("patient", "clinic")), "Who cancelled."),
    },
    "booking.no_show": _APPOINTMENT,
    "payment.refunded": {
        "appointment": _NEEDED,
        "net": Field(MONEY, "How much was given back.", required=True),
        **_OF_ANY,
    },
    "patient.upserted": _OF_ANY,
    "patient.merged": {"into": Field(TEXT, "The id of the patient that remains.", required=True), **_OF_ANY},
    "patient.erased": {"historical": _OF_ANY["historical"]},
    "patient.deceased": _OF_ANY,
    "patient.held": {
        "reason": Field(TEXT, "Why not to write."),
        "until": Field(WHEN, "Until when; without it until released."),
        **_OF_ANY,
    },
    "patient.released": _OF_ANY,
    "consent.granted": _EVIDENCE,
    "consent.revoked": _EVIDENCE,
    "message.replied": {**_ANSWER, "text": Field(TEXT, "What the patient wrote.")},
    "link.clicked": _ANSWER,
    "link.answered": {**_ANSWER, "answer": Field(TEXT, "Which answer was chosen.")},
    "task.done": _ANSWER,
}
"""What a story may say of each event."""

ABOUT: Final[Mapping[str, str]] = {
    "visit.completed": "The patient came.",
    "visit.voided": "A visit was taken back.",
    "booking.created": "A booking was made.",
    "booking.rescheduled": "A booking was moved.",
    "booking.cancelled": "A booking was cancelled.",
    "booking.no_show": "The patient did not come.",
    "payment.refunded": "Money was given back.",
    "patient.upserted": "The patient's record changed.",
    "patient.merged": "The record turned out to be another patient's too, and gives way to it.",
    "patient.erased": "The patient asked to be forgotten.",
    "patient.deceased": "The patient has died.",
    "patient.held": "The patient is not to be written to for now.",
    "patient.released": "The hold is over.",
    "consent.granted": "The patient allowed a channel for a purpose.",
    "consent.revoked": "The patient took that back.",
    "message.replied": "The patient answered a message.",
    "link.clicked": "The patient followed a link of a message.",
    "link.answered": "The patient chose an answer on a message's page.",
    "task.done": "A person at the clinic has done a task.",
}
"""What each event means."""

_LEAVING: Final[Fields] = {
    "by": Field(_CHANNEL, "Through which channel."),
    "language": Field(TEXT, "In which language."),
    "template": Field(_TEMPLATE, "With which text."),
}
VERBS: Final[Mapping[str, Fields]] = {
    "sends": {"sends": Field(_STEP, "The step whose message leaves.", required=True), **_LEAVING},
    "rehearses": {
        "rehearses": Field(_STEP, "The step whose message would leave, in mode `rehearsal`.", required=True),
        **_LEAVING,
    },
    "holds_back": {
        "holds_back": Field(_STEP, "The step whose message is held back for good.", required=True),
        "because": Field(Word("a reason for holding a message back", DROPS), "The reason's code."),
    },
    "skips": {"skips": Field(_STEP, "The step that is skipped.", required=True)},
    "task": {
        "task": Field(_STEP, "The step that makes work for a person.", required=True),
        "for": Field(TEXT, "For whom."),
        "due": Field(WHEN, "Until when."),
    },
    "tags": {"tags": Field(TEXT, "The tag that is set.", required=True)},
    "untags": {"untags": Field(TEXT, "The tag that is taken away.", required=True)},
    "starts": {"starts": Field(_JOURNEY, "The journey that starts.", required=True)},
    "ends": {"ends": Field(_END, "How the journey ends.", required=True)},
    "takes": {"takes": Field(_WAY, "The way that a step takes: `answer/nothing`.", required=True)},
    "enters": {"enters": Field(_SEGMENT, "The segment that the patient enters.", required=True)},
    "leaves": {"leaves": Field(_SEGMENT, "The segment that the patient leaves.", required=True)},
    "withholds": {
        "withholds": Field(_STEP, "The step that is not done to a patient who is held out.", required=True)
    },
}
"""What a story may expect."""

HAPPENING: Final[Kind[Any]] = Dated(
    "what happens", EXACT, Events(EVENTS, ABOUT), "2026-03-02 10:00: {visit.completed: {services: [HYD]}}"
)
EXPECTATION: Final[Kind[Any]] = Dated(
    "what is expected",
    WHEN,
    Verbs(VERBS, "{sends: plan_next, by: sms}"),
    "2026-04-01 10:00: {sends: plan_next}",
)
VISIT: Final[Kind[Any]] = Either(
    "a visit",
    scalar=Visit(),
    block=Block(
        "a visit of the past",
        {
            "at": Field(WHEN, "When; noon where no time is given.", required=True),
            "appointment": Field(TEXT, "Its name, where an event speaks of it."),
            **_ABOUT,
        },
    ),
    hint="For example `2025-01-10 10:00 LHR+HYD`.",
)
BASE: Final[Fields] = {
    **PERSON,
    "visits": Field(Many(VISIT), "Visits of the past. They change facts and start nothing."),
}
SETTINGS: Final[Fields] = {
    "journey": Field(_JOURNEY, "The one journey that runs.", default="all that are live"),
    "journeys": Field(Many(_JOURNEY, least=1), "The journeys that run.", default="all that are live"),
    "zone": Field(ZONE, "The zone of the times.", default="the clinic's"),
    "patient": Field(
        Block("`patient`", BASE), "The patient. A story's own is laid over the file's, field by field."
    ),
    "from": Field(
        WHEN, "When the patient becomes known.", default="the day before the first date of the story"
    ),
    "until": Field(
        WHEN,
        "How long time passes; a day through its end.",
        default="the last thing that happens or is expected",
    ),
    "mode": Field(Word("a mode", ("live", "rehearsal")), "Whether messages leave.", default="live"),
    "held_out": Field(SWITCH, "Whether the patient is one of those held out.", default="no"),
    "variant": Field(
        Table("the way of", _STEP, TEXT),
        "Which way the patient goes at a split: `{words: short}`.",
        default="by lot",
    ),
}
"""What may stand at the top of a file, and in a story."""

STORY: Final = Block(
    "a story",
    {
        "story": Field(TEXT, "What is told, in one line.", required=True),
        **SETTINGS,
        "happens": Field(Many(HAPPENING, alone=False), "What happens, in the order of time."),
        "expect": Field(
            Either(
                "a list of what is expected, or `nothing`",
                scalar=Word("a list, or `nothing`", ("nothing",)),
                many=Many(EXPECTATION, alone=False),
            ),
            "What is to follow, and nothing else; `nothing` for silence.",
            required=True,
        ),
    },
)


class Placed(Kind[dict[str, tuple[Any, Node]]]):
    """A block whose values keep the places that they were read from."""

    def __init__(self, block: Block) -> None:
        self.block = block

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> dict[str, tuple[Any, Node]] | None:
        """The values with their nodes; "" stands for the block itself. None after a Problem."""
        before = len(reader.problems)
        found = self.block.places(reader, node, scope)
        return {**found, "": (None, node)} if len(reader.problems) == before else None

    def schema(self, scope: Any) -> Schema:
        """The block's."""
        return self.block.schema(scope)


STORIES: Final = Block(
    "a file of stories",
    {**SETTINGS, "stories": Field(Many(Placed(STORY), alone=False, least=1), "The stories.", required=True)},
)
"""A file of stories."""
