"""Events as journeys name them: `booking.created`, or `{booking.created: {families: [toxin]}}` for some appointments only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from worker.domain.conditions.grammar_visits import NARROW, parse_narrow
from worker.domain.conditions.visits import ANYTHING
from worker.domain.events import APPOINTMENT_STATUS, EVENT_TYPES
from worker.domain.journey import Goal, Heard
from worker.domain.kinds import SPAN, Block, Either, Field, Kind, Many, Schema
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Scalar, Seq

SYNONYMS: Final[Mapping[str, str]] = {
    "visit": "visit.completed", "visited": "visit.completed", "came": "visit.completed", "completed": "visit.completed", "appointment.completed": "visit.completed", "booking.completed": "visit.completed",
    "booking": "booking.created", "booked": "booking.created", "books": "booking.created", "appointment": "booking.created", "appointment.created": "booking.created", "appointment.booked": "booking.created",
    "cancelled": "booking.cancelled", "cancels": "booking.cancelled", "canceled": "booking.cancelled", "booking.canceled": "booking.cancelled", "visit.cancelled": "booking.cancelled", "appointment.cancelled": "booking.cancelled",
    "no_show": "booking.no_show", "missed": "booking.no_show", "visit.no_show": "booking.no_show", "visit.missed": "booking.no_show", "booking.missed": "booking.no_show", "appointment.no_show": "booking.no_show",
    "moved": "booking.rescheduled", "rescheduled": "booking.rescheduled", "booking.moved": "booking.rescheduled", "refund": "payment.refunded", "refunded": "payment.refunded",
    "reply": "message.replied", "replied": "message.replied", "replies": "message.replied", "answer": "message.replied", "sms.replied": "message.replied", "email.replied": "message.replied", "message.answered": "message.replied",
    "click": "link.clicked", "clicked": "link.clicked", "clicks": "link.clicked", "link.opened": "link.clicked", "answered": "link.answered", "task": "task.done", "done": "task.done", "task.completed": "task.done",
    "opt_out": "consent.revoked", "unsubscribed": "consent.revoked", "consent": "consent.granted",
}  # fmt: skip
"""Other words that people use for events."""

AFTER_THE_END: Final = frozenset({"patient.erased", "patient.merged", "patient.deceased"})
"""Events that end every run of a patient, so that no run can hear them."""


class HeardKind(Kind[Heard]):
    """One event, perhaps narrowed."""

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> Heard | None:
        """The event; None after a Problem."""
        of = ANYTHING
        inside: Node | None = None
        if isinstance(node, Map) and len(node.entries) == 1:
            node, inside = node.entries[0]
        if not isinstance(node, Scalar):
            reader.problem("shape-type", node, "an event is one word", "For example `booking.created`.")
            return None
        if node.value not in EVENT_TYPES:
            hint = reader.did_you_mean(node.value, EVENT_TYPES, SYNONYMS)
            reader.problem("unknown-event", node, f"`{node.value}` is not an event", hint)
            return None
        if inside is not None:
            if node.value not in APPOINTMENT_STATUS:
                reader.problem(
                    "shape-type", inside, f"`{node.value}` is not about an appointment, so it can't be narrowed", f"Write `{node.value}` alone.",
                )  # fmt: skip
                return None
            of = parse_narrow(reader, inside, scope, f"`{node.value}`")
        return Heard(node.value, of)

    def schema(self, scope: Any) -> Schema:
        """The words, or one of those of appointments with what narrows it."""
        narrowed = {name: NARROW.schema(scope) for name in sorted(APPOINTMENT_STATUS)}
        return {
            "anyOf": [
                {"enum": sorted(EVENT_TYPES)},
                {"type": "object", "additionalProperties": False, "properties": narrowed, "minProperties": 1, "maxProperties": 1},
            ]
        }  # fmt: skip


HEARD: Final = HeardKind()


class HeardsKind(Kind[tuple[Heard, ...]]):
    """A list of events; one stands for a list of one, narrowed or not."""

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> tuple[Heard, ...] | None:
        """The events that could be read."""
        listed = Seq((node,), node.place) if isinstance(node, Map) else node
        return _HEARDS.read(reader, listed, what, scope)

    def schema(self, scope: Any) -> Schema:
        """One or a list."""
        return _HEARDS.schema(scope)


_HEARDS: Final = Many(HEARD, least=1)
HEARDS: Final = HeardsKind()
_LONG_GOAL: Final = Block(
    "`goal`",
    {
        "any_of": Field(HEARDS, "The events that are success.", required=True),
        "within": Field(SPAN, "How long after entry it still counts as success.", default="60 days"),
    },
)


class GoalKind(Kind[Goal]):
    """One event, or several with a window."""

    def __init__(self, within: Any) -> None:
        self._within = within
        self._forms = Either("an event, or `{any_of: […], within: …}`", scalar=HEARD, block=_LONG_GOAL)

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> Goal | None:
        """The goal; None after a Problem."""
        if isinstance(node, Map) and not {"any_of", "within"} & {key.value for key, _ in node.entries}:
            heard = HEARD.read(reader, node, what, scope)
            goal = Goal((heard,), self._within) if heard is not None else None
        elif isinstance(node, Seq):
            reader.problem(
                "shape-type",
                node,
                "`goal` is an event or a block",
                "For example `goal: {any_of: [booking.created, visit.completed], within: 60 days}`.",
            )
            return None
        elif isinstance(node, Scalar):
            heard = HEARD.read(reader, node, what, scope)
            goal = Goal((heard,), self._within) if heard is not None else None
        else:
            long = _LONG_GOAL.read(reader, node, what, scope)
            goal = Goal(long["any_of"], long.get("within", self._within)) if long.get("any_of") else None
        for one in goal.heard if goal is not None else ():
            if one.type in AFTER_THE_END:
                reader.problem(
                    "goal-impossible", node, f"`{one.type}` ends every run of the patient, so no journey can reach it as its goal",
                    "Choose what the journey exists for, such as `booking.created`.",
                )  # fmt: skip
        return goal

    def schema(self, scope: Any) -> Schema:
        """Both forms."""
        return {"anyOf": [HEARD.schema(scope), _LONG_GOAL.schema(scope)]}
