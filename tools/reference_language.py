"""The page of the whole language, docs/marketing/language.md, from the tables that the parser goes by. `tools/make_reference.py` writes it.

Rules
1. Keys, verbs, words, events and what they are for come from the tables of `worker/domain`. Only the examples stand here.
2. An example that is missing is a KeyError; one that is wrong, or left over, a test finds (tests/test_docs.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tools.reference_texts import people, texts
from worker.domain.conditions.grammar import VOCABULARY
from worker.domain.conditions.grammar_visits import NARROW_FIELDS
from worker.domain.events import APPOINTMENT_STATUS, EVENT_TYPES, INTERNAL_TYPES
from worker.domain.kinds import Fields
from worker.domain.language import JOURNEY
from worker.domain.language.start import DATE_FIELDS, START_FIELDS
from worker.domain.language.verbs import COMMON, VERBS
from worker.domain.offers import OFFER
from worker.domain.stories.file import BASE, DROPS, ENDS, EVENTS, SETTINGS, STORY
from worker.domain.stories.file import VERBS as EXPECTED

LANGUAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "marketing" / "language.md"

JOURNEY_EXAMPLES: Final[Mapping[str, str]] = {
    "journey": "journey: win_back_6",
    "title": "title: Bring back patients we have not seen for six months",
    "owner": "owner: marketing",
    "status": "status: draft",
    "purpose": "purpose: care",
    "priority": "priority: 3",
    "about": "about: {families: [peel]}",
    "start": "start: {enters: inactive_6, if: {next_booking: none}}",
    "repeat": "repeat: once every 18 months",
    "one_per": "one_per: appointment",
    "goal": "goal: {any_of: [booking.created, visit.completed], within: 60 days}",
    "stop_if": "stop_if: {tags: [complaint]}",
    "holdout": "holdout: 10%",
    "send_between": "send_between: 10:00 - 19:00",
    "send_on": "send_on: [tue, wed, thu]",
    "expires": "expires: 2 days",
    "pace": "pace: 50 per day",
    "steps": "steps: [{id: hello, send: [sms, email], template: win_back_6/hello}]",
}
START_EXAMPLES: Final[Mapping[str, str]] = {
    "enters": "enters: inactive_6",
    "leaves": "leaves: laser_course_open",
    "event": "event: {visit.completed: {families: [toxin]}}",
    "date": "date: {from: 2026-11-02, until: 2026-11-30}",
    "if": "if: {next_booking: none, not_in: [high_value]}",
}
DATE_EXAMPLES: Final[Mapping[str, str]] = {
    "from": "date: {from: 2026-11-02, until: 2026-11-30}",
    "until": "date: {from: 2026-11-02, until: 2026-11-02}",
    "birthday": "date: {birthday: 7 days before}",
}
NARROW_EXAMPLES: Final[Mapping[str, str]] = {
    "families": "families: [toxin, filler]",
    "services": "services: [LHR-F]",
    "areas": "areas: [body]",
    "practitioner": "practitioner: [dr-markou]",
    "location": "location: [glyfada]",
    "cancelled_by": "cancelled_by: [clinic]",
}
WAITS: Final[tuple[tuple[str, str], ...]] = (
    ("3 weeks", "so long after the step before it; for the first step, after the start"),
    ("1 day and 2 hours", "several units, joined by `and`"),
    ("until 10:00", "until the next ten o'clock; at ten sharp, now"),
    ("until tuesday 10:00", "until the next Tuesday at ten, never now"),
    ("until next tuesday 10:00", "the same, read aloud"),
    ("until 90 days after last_visit", "counted from the last visit, at the visit's time of day"),
    (
        "until 90 days after last_visit of toxin",
        "only visits of this family; a service's code will do as well",
    ),
    ("until 12 months after first_visit at 10:00", "on that day, at ten"),
    ("until 2 days before next_booking at 10:00", "before the next booking"),
    ("until 1 day after this at 11:00", "`this` is the appointment that started the journey"),
)
STEP_EXAMPLES: Final[Mapping[str, str]] = {
    "send": """\
- id: review
  wait: 2 weeks
  send: [email, sms]
  template: win_back_6/review
  offer: free_review
""",
    "listen_for": """\
- id: answer
  listen_for: [message.replied, link.clicked]
  up_to: 14 days
  then:
    message.replied:
      - id: write_back
        task: front_desk
    nothing:
      - id: let_go
        stop: no answer
""",
    "branch": """\
- id: who
  branch:
    never_returned:
      - id: hello_once
        send: [sms, email]
        template: win_back_6/hello_once
    otherwise: []
""",
    "split": """\
- id: words
  split: {short: 50%, long: 50%}
  then:
    short:
      - id: hello_short
        send: sms
        template: win_back_6/hello
    long:
      - id: hello_long
        send: email
        template: win_back_6/hello
""",
    "task": """\
- id: call
  wait: 3 days
  task: front_desk
  due: 2 working days
  note: Look at the record first. If a call is welcome, ask how they are.
""",
    "tag": """\
- id: remember
  tag: {add: [likes_calls], remove: [not_asked_yet]}
""",
    "stop": """\
- id: done
  stop: handed to the front desk
""",
}
BRANCH_BY_CONDITION: Final = """\
- id: by_whom
  branch:
    - name: by_the_clinic
      if: {this: {cancelled_by: [clinic]}}
      then:
        - id: apology
          send: [sms, email]
          template: cancelled/apology
    - if: {tags: [likes_calls]}
      then:
        - id: ring
          task: front_desk
    - otherwise: []
"""
LONGER: Final[Mapping[str, tuple[str, ...]]] = {
    "visits": ("visits: {of: {families: [laser_hair]}, is: 1 to 5, in: 18 months}",),
    "treatments": ("treatments: {of: {areas: [face]}, is: at least 3}",),
    "cancelled": ("cancelled: {of: {cancelled_by: [clinic]}, is: any, in: 90 days}",),
    "first_visit": ("first_visit: {of: {families: [filler]}, is: at least 1 year ago}",),
    "last_visit": ("last_visit: {of: {families: [toxin]}, is: at least 90 days ago}",),
    "next_booking": ("next_booking: within 7 days", "next_booking: {of: {families: [laser_hair]}, is: none}"),
    "families": ("families: exactly 1",),
    "complement": ("complement: {of: {families: [peel]}, is: untried}",),
    "series": ("series: {of: {families: [laser_hair]}, is: finished}",),
    "net_revenue": ("net_revenue: {is: at least 1500 EUR in 12 months, leave_below: 1000 EUR}",),
    "age": ("age: 30 to 45",),
    "birthday": ("birthday: in the next 7 days",),
    "allows": ("allows: {sms: care, email: [marketing, health_profiling]}",),
    "got_message": ("got_message: {in: 7 days}",),
    "journey": ("journey: {ever: [win_back_6]}",),
}
EVENTS_TOLD: Final[Mapping[str, str]] = {
    "visit.completed": "the patient was there",
    "visit.voided": "a visit was a wrong entry",
    "booking.created": "an appointment was made",
    "booking.rescheduled": "an appointment was moved",
    "booking.cancelled": "an appointment was cancelled, by the patient or by the clinic",
    "booking.no_show": "the patient did not come",
    "payment.refunded": "money was given back",
    "patient.upserted": "something about the patient changed: a number, a language, a tag",
    "patient.merged": "two records turned out to be one patient",
    "patient.erased": "the patient wants to be forgotten",
    "patient.deceased": "the patient has died",
    "patient.held": "do not write for now",
    "patient.released": "a hold is over",
    "consent.granted": "the patient agreed to be written to",
    "consent.revoked": "the patient took it back",
    "message.replied": "the patient answered a message",
    "link.clicked": "the patient opened the link of a message",
    "link.answered": "the patient chose an answer on the page behind the link",
    "task.done": "a person ticked a task off",
}
OFFER_EXAMPLE: Final = """\
offers:
  free_review:
    code: REVIEW
    text:
      en: a skin review of about twenty minutes, free of charge
      el: έλεγχος δέρματος περίπου είκοσι λεπτών, χωρίς χρέωση
    expires: 60 days
    approved_by: Dr Kalliopi Markou
    approved_on: 2026-10-01
"""
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

INTRO: Final = """\
# The language on one page

Everything that may stand in a journey, with an example. Those who look something up find it here; those who begin read the [tutorial](tutorial.md) first. Whole journeys
are in the [cookbook](cookbook.md), and what happens exactly, to the minute, in [segments and journeys](../reference/journeys.md).

- [A journey](#a-journey)
- [How it starts](#how-it-starts)
- [Steps](#steps)
- [Waiting](#waiting)
- [Events](#events)
- [Conditions](#conditions)
- [Stages and segments](#stages-and-segments)
- [Texts](#texts)
- [Offers](#offers)
- [Stories](#stories)

This page is made from the tables by which files are read, so what stands here is what works. **Bold** keys must be there.

How to write: `key: value`, with a space after the colon. `[a, b]` is a list, `{a: 1, b: 2}` a block on one line. A list of one may be written without brackets: `send: sms`.
A length of time is a number and a unit, `3 weeks`; the units are minute, hour, day, week, month, year. A name has small letters, digits and underscores.
"""


def language_page() -> str:
    """docs/marketing/language.md."""
    return "\n".join(
        (
            INTRO,
            *_journey(),
            *_start(),
            *_steps(),
            *_waits(),
            *_events(),
            *_conditions(),
            *people(),
            *texts(),
            *_offers(),
            *_stories(),
        )
    )


def _journey() -> Iterable[str]:
    yield "## A journey\n\nOne file in `journeys/`, called as the journey is: `journeys/win_back_6.yaml`.\n"
    yield _table(JOURNEY.fields, JOURNEY_EXAMPLES)
    yield "What may stand in `goal` is under [events](#events), in `stop_if` under [conditions](#conditions), in `steps` under [steps](#steps).\n"
    yield "Who fits `stop_if` does not start, either. The journey is for those whom it leaves.\n"
    yield (
        "Marketing needs consent, keeps `quiet_hours` and the caps of config/policy.yaml, and leaves out its Sundays and holidays. Care keeps its own hours, and leaves on Sundays and holidays as well: "
        "if that is not wanted, write `send_on: mon-sat`.\n"
    )


def _start() -> Iterable[str]:
    yield "## How it starts\n\n`start:` holds exactly one of `enters`, `leaves`, `event` and `date`, and perhaps an `if`.\n"
    yield _table(START_FIELDS, START_EXAMPLES)
    yield "A `date` is the word `birthday`, or one of these:\n"
    yield _table(DATE_FIELDS, DATE_EXAMPLES)


def _steps() -> Iterable[str]:
    yield "## Steps\n\nA step has an `id`, perhaps a `wait`, and exactly one verb.\n"
    yield _table(COMMON, {"id": "id: hello", "wait": "wait: 3 weeks"})
    for name, verb in VERBS.items():
        yield f"### {name}\n\n{verb.does}\n"
        yield _fence(STEP_EXAMPLES[name])
        yield _plain({key: field for key, field in verb.fields.items() if key not in COMMON})
        if name == "task":
            yield "Who does it is a free word, which stands above the task in the list. The sample uses `front_desk`, `manager` and `practitioner`.\n"
        if name == "branch":
            yield "By conditions it is a list. The first case that holds is taken; the last may be `otherwise`.\n"
            yield _fence(BRANCH_BY_CONDITION)
            yield "A case has an `if` and a `then`, and perhaps a `name`: what traces, stories and `revisit show` call it. Without one it is called by its number.\n"


def _waits() -> Iterable[str]:
    yield "## Waiting\n\n| `wait:` | means |\n|---|---|"
    for example, means in WAITS:
        yield f"| `{example}` | {means} |"
    yield (
        "\nFour facts can be waited for: `first_visit`, `last_visit`, `next_booking`, `this`. While a step waits for a fact, it follows it: a new visit moves the step. "
        "Times of day are those where the patient is.\n"
    )


def _events() -> Iterable[str]:
    yield "## Events\n\n| event | what happened |\n|---|---|"
    for name in sorted(EVENT_TYPES, key=list(EVENTS_TOLD).index):
        yield f"| `{name}` | {EVENTS_TOLD[name]} |"
    about = ", ".join(f"`{name}`" for name in APPOINTMENT_STATUS)
    yield f"\nThose of an appointment ({about}) can be narrowed: `{{booking.created: {{families: [toxin]}}}}`. The same keys stand in `this` and `of`:\n"
    yield _table(NARROW_FIELDS, NARROW_EXAMPLES)
    answers = ", ".join(f"`{name}`" for name in EVENTS_TOLD if name in INTERNAL_TYPES)
    yield f"Revisit tells {answers} itself. A run hears only the answers to its own messages and tasks.\n"


def _conditions() -> Iterable[str]:
    yield (
        "## Conditions\n\nThey stand in `if`, in `stop_if`, in a branch, and in config/segments.yaml. Several in one block mean all of them. "
        "`got_message` and `journey` can't stand in segments; `this` only where an appointment's event starts the journey.\n"
    )
    yield "| word | asks | examples |\n|---|---|---|"
    for name, word in VOCABULARY.items():
        yield f"| `{name}` | {word.asks} | {_list((word.example, *LONGER.get(name, ())))} |"
    yield (
        "\nHow many: `none`, `any`, `exactly 1`, `at least 2`, `at most 3`, `1 to 5`, or a number; `in 12 months` after it counts only those days. "
        "How long ago: `at least 6 months ago`, `less than 30 days ago`, `within 30 days`, `any`, `none`. "
        "A block without `is` means any: `visits: {of: {families: [peel]}, in: 6 months}` is at least one such visit in six months.\n"
    )


def _offers() -> Iterable[str]:
    yield "## Offers\n\nconfig/offers.yaml says what a message may promise. A step names it by `offer: free_review`.\n"
    yield _fence(OFFER_EXAMPLE)
    yield _plain(OFFER.fields)
    yield "Exactly one of `expires` and `until`, and a name under `approved_by`: without them the offer is refused.\n"


def _stories() -> Iterable[str]:
    yield "## Stories\n\nOne file in `journeys/scenarios/`: what holds for all its stories, then `stories:`, a list.\n"
    yield f"```yaml story\n{STORY_EXAMPLE}```\n"
    yield "Of messages that leave or are held back, tasks, tags, skipped steps and ends, all that happens must be expected; what a story does not expect must not happen.\n"
    yield _plain({name: field for name, field in STORY.fields.items() if name not in SETTINGS})
    yield "These may stand above `stories:`, and in a story:\n"
    yield _table(SETTINGS, SETTING_EXAMPLES)
    yield "The patient:\n"
    yield _table(BASE, PERSON_EXAMPLES)
    yield "What may happen, each with its date before it:\n\n| event | what may be said of it | example |\n|---|---|---|"
    for name in EVENTS_TOLD:
        if name in EVENTS:
            said = ", ".join(_key(key, field.required) for key, field in EVENTS[name].items())
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


def _table(fields: Fields, examples: Mapping[str, str]) -> str:
    rows = [
        f"| {_key(name, field.required)} | {_about(field.about, field.default)} | `{examples[name]}` |"
        for name, field in fields.items()
    ]
    return "\n".join(("| key | means | example |\n|---|---|---|", *rows, ""))


def _plain(fields: Fields) -> str:
    rows = [
        f"| {_key(name, field.required)} | {_about(field.about, field.default)} |"
        for name, field in fields.items()
    ]
    return "\n".join(("| key | means |\n|---|---|", *rows, ""))


def _key(name: str, required: bool) -> str:
    return f"**`{name}`**" if required else f"`{name}`"


def _about(about: str, default: str) -> str:
    return f"{about} Left out: {default}." if default else about


def _list(examples: Iterable[str]) -> str:
    return "<br>".join(f"`{example}`" for example in examples)


def _fence(text: str) -> str:
    return f"```yaml\n{text}```\n"
