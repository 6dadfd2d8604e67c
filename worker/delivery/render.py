"""A message as its reader will see it: the patient's language, the clinic's texts, the patient's name."""

from __future__ import annotations

from dataclasses import dataclass

from worker.domain.facts import Facts
from worker.domain.history import Message
from worker.workspace.rooms import Rooms
from worker.workspace.template_problems import variables

MAX_NAME = 40


@dataclass(frozen=True, slots=True)
class Rendered:
    """Ready to leave. `subject` and `html` are None for an SMS."""

    language: str
    subject: str | None
    text: str
    html: str | None


def render(rooms: Rooms, facts: Facts, message: Message, channel: str, unsubscribe_url: str) -> Rendered:
    """Raises TemplateError where a text is missing or names something that there is not."""
    clinic = rooms.rules.clinic
    values = variables(
        clinic,
        first_name=_name(facts),
        practitioner=_practitioner(facts),
        unsubscribe_url=unsubscribe_url,
    )
    language = rooms.templates.language_for(message.template, channel, facts.language, clinic.language)
    if channel == "sms":
        text = rooms.templates.render_sms(message.template, language, values, fallback=clinic.language)
        return Rendered(language, None, text, None)
    email = rooms.templates.render_email(message.template, language, values, fallback=clinic.language)
    return Rendered(language, email.subject, email.text, email.html)


def _name(facts: Facts) -> str:
    """The first name; one that is no name (a link, a sentence) is left out, since phones turn such text into links."""
    name = " ".join(str(facts.profile("first_name") or "").split())
    return name if len(name) <= MAX_NAME and not any(mark in name for mark in "./:@<>{}[]") else ""


def _practitioner(facts: Facts) -> str:
    known = facts.clinic.practitioners
    seen = (a.practitioner for a in reversed(facts.completed) if a.practitioner in known)
    code = next(seen, None)
    return known[code] if code is not None else ""
