"""The part of docs/marketing/language.md that is about stories: its examples, and its words.

Rules
1. Keys, events and what may be expected come from the tables of `worker/domain/stories`. Only the examples stand here.
2. An example that is missing is a KeyError; one that is wrong, or left over, a test finds (tests/test_docs_marketing.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from tools.reference_journeys import EVENTS_TOLD
from tools.reference_tables import key_cell, plain, table
from worker.domain.stories.file import BASE, DROPS, ENDS, EVENTS, SETTINGS, STORY
from worker.domain.stories.file import VERBS as EXPECTED

SETTING_EXAMPLES: Final[Mapping[str, str]] = {
    "journey": "journey: second_visit",
    "journeys": "journeys: [win_back_6, birthday]",
    "zone": "zone: Europe/London",
    "patient": "patient: {first_name: Eleni, visits: [2025-01-10 10:00 LHR+HYD]}",
    "from": "from: 2026-01-01",
    "until": "until: 2026-06-30",
    "mode": "mode: rehearsal",
    "held_out": "held_out: true",
    "variant": "variant: {words: short}",
}
PERSON_EXAMPLES: Final[Mapping[str, str]] = {
    "first_name": "first_name: Eleni",
    "last_name": "last_name: none",
    "phone": 'phone: "+306900000001"',
    "email": "email: eleni@example.com",
    "date_of_birth": "date_of_birth: 1988-02-29",
    "language": "language: el",
    "timezone": "timezone: Europe/London",
    "tags": "tags: [vip]",
    "consent": "consent: {sms: [marketing, care], email: [care]}",
    "visits": "visits: [2024-05-06 10:00 HYD, 2025-01-10 LHR 120 EUR]",
}
EVENT_EXAMPLES: Final[Mapping[str, str]] = {
    "visit.completed": "visit.completed: {services: [HYD], practitioner: dr-markou}",
    "visit.voided": "visit.voided: {appointment: a-1}",
    "booking.created": "booking.created: {appointment: b-1, at: 2026-05-01 10:00, services: [HYD]}",
    "booking.rescheduled": "booking.rescheduled: {appointment: b-1, at: 2026-05-08 10:00}",
    "booking.cancelled": "booking.cancelled: {appointment: b-1, cancelled_by: patient}",
    "booking.no_show": "booking.no_show: {appointment: b-1}",
    "payment.refunded": "payment.refunded: {appointment: a-1, net: 120 EUR}",
    "patient.upserted": "patient.upserted: {tags: [complaint]}",
    "patient.merged": "patient.merged: {into: p-2}",
    "patient.erased": "patient.erased",
    "patient.deceased": "patient.deceased",
    "patient.held": "patient.held: {reason: a rash, until: 2026-05-01}",
    "patient.released": "patient.released",
    "consent.granted": "consent.granted: {channel: sms, purpose: marketing, basis: explicit}",
    "consent.revoked": "consent.revoked: {channel: sms, purpose: marketing}",
    "message.replied": "message.replied",
    "link.clicked": "link.clicked: {step: hello}",
    "link.answered": "link.answered: {answer: call me}",
    "task.done": "task.done: {step: call}",
}
EXPECTED_EXAMPLES: Final[Mapping[str, str]] = {
    "sends": "sends: hello, by: sms, language: el",
    "rehearses": "rehearses: hello, by: sms",
    "holds_back": "holds_back: hello, because: no_consent",
    "skips": "skips: hello",
    "task": "task: call, for: front_desk",
    "tags": "tags: likes_calls",
    "untags": "untags: not_asked_yet",
    "starts": "starts: win_back_6",
    "ends": "ends: goal",
    "takes": "takes: answer/nothing",
    "enters": "enters: inactive_6",
    "leaves": "leaves: new",
    "withholds": "withholds: hello",
}

LESS_PLAIN: Final[Mapping[str, str]] = {
    "version": "The clinic's system may tell of one appointment several times. The greatest number is what counts, even if a smaller one is told later. Left out: 0, and the later one counts.",
    "historical": "`yes`: told when old data is loaded. It changes what is known of the patient, and starts no journey.",
    "referred_by": "Who sent the patient, as the clinic's system says it. Kept with the appointment; no condition asks for it.",
    "basis": "On what ground the consent rests: `explicit`, `soft_opt_in`, `written` or `verbal`. Kept as evidence; nothing is decided by it.",
    "source": "Where it was said: a form, the telephone. Kept as evidence.",
}
"""Keys of events whose names alone do not tell."""
STORY_EXAMPLE: Final = """\
journey: second_visit
patient:
  first_name: Eleni
  phone: "+306900000001"
  language: en
  consent: {sms: [marketing, care]}
stories:
  - story: She books after the first message
    happens:
      - 2026-03-02 10:00: {visit.completed: {services: [HYD]}}
      - 2026-04-02 12:00: {booking.created: {at: 2026-05-05 10:00, services: [HYD]}}
    expect:
      - 2026-04-01 10:00: {sends: plan_next, by: sms}
      - 2026-04-02: {ends: goal}
"""


def stories() -> Iterable[str]:
    """How a story is told: its settings, its patient, what happens, what is expected."""
    yield "## Stories\n\nOne file in `journeys/scenarios/`: what holds for all its stories, then `stories:`, a list.\n"
    yield f"```yaml story\n{STORY_EXAMPLE}```\n"
    yield "Of messages that leave or are held back, tasks, tags, skipped steps and ends, all that happens must be expected; what a story does not expect must not happen.\n"
    yield plain({name: field for name, field in STORY.fields.items() if name not in SETTINGS})
    yield "These may stand above `stories:`, and in a story:\n"
    yield table(SETTINGS, SETTING_EXAMPLES)
    yield "The patient:\n"
    yield table(BASE, PERSON_EXAMPLES)
    yield "What may happen, each with its date before it:\n\n| event | what may be said of it | example |\n|---|---|---|"
    for name in EVENTS_TOLD:
        if name in EVENTS:
            said = ", ".join(key_cell(key, field.required) for key, field in EVENTS[name].items())
            yield f"| `{name}` | {said} | `- 2026-03-02 10:00: {one_line(EVENT_EXAMPLES[name])}` |"
    yield "\nMost of these keys say what their names say. The others:\n\n| key | means |\n|---|---|"
    for key, means in LESS_PLAIN.items():
        yield f"| `{key}` | {means} |"
    yield "\nWhat may be expected, each with its moment, or its day alone, before it:\n\n| word | means | example |\n|---|---|---|"
    for name, fields in EXPECTED.items():
        more = "".join(f" `{key}`: {field.about}" for key, field in fields.items() if key != name)
        yield f"| `{name}` | {fields[name].about}{more} | `- 2026-04-01 10:00: {{{EXPECTED_EXAMPLES[name]}}}` |"
    ends, drops = (", ".join(f"`{word}`" for word in words) for words in (ENDS, sorted(DROPS)))
    yield f"\nA journey ends as {ends}. A message is held back `because` of {drops}; [messages](../reference/messages.md) explains them.\n"
    yield "Where several journeys run, a step is written `win_back_6.hello`. A story that expects `nothing` says `until` when.\n"


def one_line(event: str) -> str:
    """An event in a list: a bare word, or a block of one."""
    return f"{{{event}}}" if ": " in event else event
