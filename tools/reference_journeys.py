"""The examples of docs/marketing/language.md that are of journeys: their keys, starts, steps, waits, conditions and offers; and what each event says.

Each is read by a test as a workspace would be (tests/test_docs_marketing.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

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
