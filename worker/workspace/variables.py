"""The values that texts may name: of a patient, and of a sample patient for checks and previews."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any, Final

from worker.domain.clinic import Clinic
from worker.workspace.offering import Promise

SAMPLE_NAME: Final = "Eleni"
SAMPLE_CODE: Final = "SAMPLE10"
SAMPLE_DAY: Final = date(2030, 12, 31)
KNOWN: Final = frozenset(
    {
        "first_name", "practitioner", "unsubscribe_url", "language", "clinic.name", "clinic.phone", "clinic.address", "clinic.booking_url", "clinic.review_url",
        "brand.logo", "brand.colour", "brand.accent", "brand.background",
        "offer.code", "offer.text", "offer.until",
    }
)  # fmt: skip
"""All names that a text may use."""
OF_LAYOUT: Final = frozenset({"subject", "preheader", "body"})
"""What layouts know besides; an e-mail in MJML knows the first two."""


def sample_variables(clinic: Clinic) -> dict[str, Any]:
    """Values as a patient's would be, for checks and previews."""
    practitioner = next(iter(clinic.practitioners.values()), "")
    return variables(
        clinic,
        first_name=SAMPLE_NAME,
        practitioner=practitioner,
        unsubscribe_url=sample_link(clinic),
        offer=sample_offer(clinic),
    )


def sample_link(clinic: Clinic) -> str:
    """A link to unsubscribe that leads nowhere."""
    return f"{clinic.booking_url or 'https://example.com'}/u/sample"


def sample_offer(clinic: Clinic) -> Promise:
    """An offer as one would be."""
    words = dict.fromkeys(clinic.languages, "A sample offer") | {"el": "Μια προσφορά"}
    return Promise(SAMPLE_CODE, words, SAMPLE_DAY, clinic.country)


def variables(
    clinic: Clinic,
    *,
    first_name: str,
    practitioner: str,
    unsubscribe_url: str = "",
    offer: Promise | None = None,
) -> dict[str, Any]:
    """All that a text may name. Without an offer, a text that speaks of one unguarded does not render."""
    about = {
        "name": clinic.name,
        "phone": clinic.phone,
        "address": clinic.address,
        "booking_url": clinic.booking_url,
        "review_url": clinic.review_url,
    }
    return {
        "first_name": first_name,
        "practitioner": practitioner,
        "clinic": about,
        "brand": asdict(clinic.brand),
        "unsubscribe_url": unsubscribe_url,
        "offer": offer,
    }
