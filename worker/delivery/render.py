"""A message as its reader will see it: the patient's language, the clinic's texts, the patient's name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from worker.domain.calendar import local_day
from worker.domain.facts import Facts
from worker.domain.history import Message
from worker.domain.rules import Rules
from worker.workspace.offering import Promise, promise
from worker.workspace.rooms import Rooms
from worker.workspace.variables import Addresses, variables

MAX_NAME = 40


@dataclass(frozen=True, slots=True)
class Rendered:
    """Ready to leave. `subject` and `html` are None for an SMS."""

    language: str
    subject: str | None
    text: str
    html: str | None


def render(
    rooms: Rooms,
    facts: Facts,
    message: Message,
    channel: str,
    addresses: Addresses,
    offer: Promise | None = None,
) -> Rendered:
    """Raises TemplateError where a text is missing or names something that there is not. `offer` is that of the message's step."""
    clinic = rooms.rules.clinic
    values = variables(
        clinic,
        first_name=name_in_text(facts),
        practitioner=practitioner_in_text(facts),
        addresses=addresses,
        offer=offer,
    )
    language = rooms.templates.language_for(message.template, channel, facts.language, clinic.language)
    if channel == "sms":
        text = rooms.templates.render_sms(message.template, language, values, fallback=clinic.language)
        return Rendered(language, None, text, None)
    email = rooms.templates.render_email(message.template, language, values, fallback=clinic.language)
    return Rendered(language, email.subject, email.text, email.html)


def promised(rules: Rules, facts: Facts, message: Message, now: datetime) -> Promise | None:
    """The offer of a message's step, as a message of that patient-local day makes it."""
    offer = rules.offer_of(message)
    return promise(offer, local_day(now, facts.tz), rules.clinic.country) if offer is not None else None


def name_in_text(facts: Facts) -> str:
    """The first name; one that is no name (a link, a sentence) is left out, since phones turn such text into links."""
    name = " ".join(str(facts.profile("first_name") or "").split())
    return name if len(name) <= MAX_NAME and not any(mark in name for mark in "./:@<>{}[]") else ""


def practitioner_in_text(facts: Facts) -> str:
    """The name of who saw the patient last, of those whom clinic.yaml names; else ""."""
    known = facts.clinic.practitioners
    seen = (a.practitioner for a in reversed(facts.completed) if a.practitioner in known)
    code = next(seen, None)
    return known[code] if code is not None else ""
