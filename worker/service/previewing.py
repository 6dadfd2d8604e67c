"""The values of a real patient, as a message to her would have them now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from worker.delivery.render import name_in_text, practitioner_in_text
from worker.domain.calendar import local_day
from worker.domain.clinic import Clinic
from worker.domain.facts import Facts
from worker.domain.offers import Offer
from worker.store.engine import read
from worker.store.ledgers import ledger_of
from worker.store.patients import resolve
from worker.workspace.house import House
from worker.workspace.offering import Promise, promise
from worker.workspace.variables import sample_addresses, sample_offer, variables


@dataclass(frozen=True, slots=True)
class Reader:
    """What a text needs to know of its reader; `language` is hers where the clinic writes it."""

    values: dict[str, Any]
    language: str


def reader_of(house: House, clinic: Clinic, patient: str, offer: Offer | None) -> Reader | None:
    """A patient's values; None where no event ever told of her, or she was forgotten. Nothing is locked and nothing is written.

    The links are samples: real ones would work for whoever sees them.
    """
    with read(house.engine) as conn:
        found = resolve(conn, clinic.id, [patient])[patient]
        ledger = ledger_of(conn, clinic.id, found)
        now = house.now(conn)
    if ledger is None:
        return None
    facts = Facts(found, ledger, clinic)
    if facts.erased:
        return None
    told: Promise = (
        promise(offer, local_day(now, facts.tz), clinic.country)
        if offer is not None
        else sample_offer(clinic)
    )
    values = variables(
        clinic,
        first_name=name_in_text(facts),
        practitioner=practitioner_in_text(facts),
        addresses=sample_addresses(clinic),
        offer=told,
    )
    return Reader(values, facts.language)
