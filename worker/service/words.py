"""Codes as people at a clinic read them. The gate and the planner name reasons by a code; every place that shows one to a person takes its words from here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from worker.domain.source import Map, Scalar, Seq, compose
from worker.workspace.files import raw

REASONS: Final[Mapping[str, str]] = {
    "no_consent": "No leave to write",
    "no_profiling": "No leave to be chosen by treatment",
    "suppressed": "This address must not be written to",
    "no_address": "No address on record",
    "rebooked": "Has booked again",
    "goal": "Booked or came before the message left",
    "goal_late": "Booked or came before the message left",
    "withdrawn": "The reason for writing was corrected",
    "stopped": "The journey was stopped for this patient",
    "merged": "Two records turned out to be one person",
    "expired": "Too late to be of use",
    "cap": "Was written to recently",
    "quiet_hours": "Outside the hours for messages",
    "never_open": "The quiet hours leave no moment to write",
    "hold": "On hold",
    "interval": "Medically too soon",
    "priority": "Another message goes first",
    "feed_stale": "Nothing heard from the clinic's systems",
    "no_public_url": "Links in messages cannot be opened",
    "blast_limit": "More messages in a day than expected",
    "sender_paused": "The provider is not taking messages",
    "rate": "The provider takes only so many at once",
    "lookup": "Looked for at the provider",
    "not_there": "Proven not to have left; sent once more",
    "paused": "The journey is paused",
    "offer_over": "The offer is over",
    "retry": "The provider asked to try again later",
    "minor": "Under 18",
    "erased": "Asked to be forgotten",
    "deceased": "Has died",
    "do_not_contact": "Marked as “do not contact”",
    "no_sender": "The channel is not set up",
    "template": "The text could not be written",
}
"""Why a message was held back: for good, or for now."""

ADVICE: Final[Mapping[str, str]] = {
    "no_consent": "Ask at the next visit whether they would like to hear from the clinic.",
    "no_address": "Ask for a phone number or an e-mail address at the next visit.",
    "no_profiling": "Ask at the next visit whether the clinic may choose news by past treatments.",
    "no_public_url": "Set REVISIT_PUBLIC_URL to an https address that reaches this system.",
    "blast_limit": "See whether so many messages are meant; then: revisit resume JOURNEY.",
    "sender_paused": "Look at the provider's console; sending is tried again by itself.",
    "feed_stale": "Check that the clinic's system still sends its bookings.",
    "no_sender": "Set the channel up in config/channels.yaml.",
    "template": "Run “revisit check”; it names the text and the line.",
    "never_open": "Look at quiet_hours in config/policy.yaml and send_between in the journey.",
}
"""What a person can do about it, where there is something."""

STATES: Final[Mapping[str, str]] = {
    "scheduled": "Scheduled",
    "claimed": "Leaving now",
    "sent": "Sent",
    "delivered": "Delivered",
    "undelivered": "Did not arrive",
    "unknown": "Not known whether it left",
    "failed": "Refused by the provider",
    "dropped": "Held back",
    "rehearsed": "Rehearsed, not sent",
}
CHANNELS: Final[Mapping[str, str]] = {"sms": "SMS", "email": "E-mail"}
MODES: Final[Mapping[str, str]] = {
    "rehearsal": "Rehearsal: everything is decided and shown here, and nothing is sent.",
    "allow_list": "Trial: messages leave only to the addresses on the list in config/clinic.yaml; all others are shown here and not sent.",
    "live": "Live",
}
STAGES: Final = ("prospect", "new", "regular", "returning", "inactive_6", "inactive_12")
"""The usual stages as a patient goes through them; a clinic may have others."""

_SAID: Final[Mapping[str, str]] = {
    "sms:": "SMS:",
    "email:": "E-mail:",
    "booking.created": "a booking was made",
    "booking.rescheduled": "a booking was moved",
    "booking.cancelled": "a booking was cancelled",
    "booking.no_show": "a booking was missed",
    "visit.completed": "the patient came",
    "visit.voided": "a visit was struck out",
    "`stop_if` holds": "condition to stop holds",
}
_CODES = re.compile("|".join(rf"(?<![\w.]){re.escape(code)}" for code in _SAID))
_DAY = re.compile(r"\b(\d{4}-\d{2}-\d{2})\b")
_INACTIVE = re.compile(r"inactive_(\d+)")
_DATED = re.compile(r" on \d{4}-\d{2}-\d{2}\b")
_LONE_SEGMENT = re.compile(r"(in|not in) ([a-z][a-z0-9_]*)")
_PER_ONE = re.compile(r"\bper 1 (day|week|month|year)\b")
_LEAVE = re.compile(r"\b(sms|email) (marketing|care|health_profiling): [^;]*")
_NO_LEAVE: Final[Mapping[str, str]] = {
    "marketing": "no leave for marketing",
    "care": "no leave for care",
    "health_profiling": "no leave to be chosen by treatment",
}
_UNDERSCORE = re.compile(r"(?<=[a-z0-9])_(?=[a-z0-9])")
_FORBIDDEN = "this must not hold, and does: "
_OF_FAMILIES = re.compile(r"of: families: ([\w, ]+), is: (.+)")


def name(code: str) -> str:
    """A code that has no words of its own, as words: `win_back_6` is `Win back 6`."""
    text = code.replace("_", " ").strip()
    return sentence(text)


def sentence(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def explain(why: str) -> str:
    """The sentence of a trace for one who knows neither codes nor how dates sort: `sms: … since 2026-03-01` is `SMS: … since 1 Mar 2026`."""
    said = _DAY.sub(lambda found: _day(found[1]), _CODES.sub(lambda found: _SAID[found[0]], why))
    return sentence(_PER_ONE.sub(r"per \1", said))


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day.day} {day:%b %Y}"


def reason(code: str, purpose: str = "marketing") -> str:
    """Why a message was held back."""
    if code == "no_consent" and purpose == "marketing":
        return "No leave to write for marketing"
    return REASONS.get(code) or name(code) or "No reason was noted"


def stage(code: str) -> str:
    """The heading of a lifecycle stage."""
    months = _INACTIVE.fullmatch(code)
    return f"Inactive {months[1]} months" if months else name(code)


def condition(entries: Mapping[str, str]) -> str:
    """The conditions of a stage, as they are written in segments.yaml, as one phrase: `visits: exactly 1` is `Exactly 1 visit`."""
    phrase = ", ".join(_phrase(key, value) for key, value in entries.items())
    return sentence(phrase)


def stages(text: str) -> dict[str, str]:
    """What the conditions of each stage say, from segments.yaml as it was written; a stage whose conditions are too intricate for a phrase has none."""
    node, _ = compose(raw(text), "config/segments.yaml")
    lifecycle = node.get("lifecycle") if isinstance(node, Map) else None
    found: dict[str, str] = {}
    for item in lifecycle.items if isinstance(lifecycle, Seq) else ():
        if not isinstance(item, Map) or len(item.entries) != 1:
            continue
        key, value = item.entries[0]
        if isinstance(value, Scalar):
            found[key.value] = "Everyone else"
        elif isinstance(value, Map):
            parts = {name.value: part.value for name, part in value.entries if isinstance(part, Scalar)}
            if len(parts) == len(value.entries):
                found[key.value] = condition(parts)
    return found


def _phrase(key: str, value: str) -> str:
    if key in ("visits", "treatments") and (
        match := re.fullmatch(r"(none|exactly|at least|at most)(?: (\d+))?(.*)", value)
    ):
        word = key.removesuffix("s") if match[2] == "1" else key
        count = "no" if match[1] == "none" else f"{match[1]} {match[2]}"
        return f"{count} {word}{match[3]}"
    if narrowed := _OF_FAMILIES.fullmatch(value):
        return f"{key.replace('_', ' ')} ({narrowed[1].replace('_', ' ')}) {narrowed[2]}"
    if key == "series":
        return f"a course is {value}"
    return f"{key.replace('_', ' ')} {value}"


def why_not_started(why: str, titles: Mapping[str, str]) -> str:
    """The planner's reason without what differs from patient to patient, so that equal ones can be counted together."""
    lone = _LONE_SEGMENT.fullmatch(why)
    if lone and lone[2] in titles:
        return f"{'Is' if lone[1] == 'in' else 'Is not'} in “{sentence(titles[lone[2]])}”"
    if why.startswith(_FORBIDDEN):
        key, _, value = why.removeprefix(_FORBIDDEN).partition(": ")
        return f"Left out by a condition: {_phrase(key, value) if value else key}"
    said = _LEAVE.sub(lambda found: f"{CHANNELS[found[1]]}: {_NO_LEAVE[found[2]]}", _DATED.sub("", why))
    return sentence(_UNDERSCORE.sub(" ", said.replace("`stop_if` holds", _SAID["`stop_if` holds"])))
