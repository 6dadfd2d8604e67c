"""The patient: who must not be written to at all."""

from __future__ import annotations

from typing import Final

from worker.domain.calendar import local_day
from worker.domain.conditions.person import age_on
from worker.domain.gate.question import Drop, Question

DO_NOT_CONTACT: Final = "do_not_contact"


def patient(q: Question) -> Drop | None:
    """Erased, deceased, marked not to be contacted; for marketing, under age where the patient is."""
    if q.facts.erased:
        return Drop("erased", "the patient asked to be forgotten")
    if q.facts.deceased:
        return Drop("deceased", "the patient has died")
    if DO_NOT_CONTACT in q.facts.tags:
        return Drop("do_not_contact", f"the patient is marked `{DO_NOT_CONTACT}`")
    born, age = q.facts.birth_date, q.rules.law(q.facts).marketing_age
    if q.marketing and born is not None and age_on(born, local_day(q.now, q.facts.tz)) < age:
        return Drop("minor", f"the patient is under {age}")
    return None
