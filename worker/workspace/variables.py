"""The values that texts may name: of a patient, and of a sample patient for checks and previews."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlsplit

from worker.domain.clinic import Clinic
from worker.workspace.offering import Promise

SAMPLE_NAME: Final = "Eleni"
SAMPLE_CODE: Final = "SAMPLE10"
SAMPLE_DAY: Final = date(2030, 12, 31)
KNOWN: Final = frozenset(
    {
        "first_name", "practitioner", "unsubscribe_url", "answer_url", "language", "clinic.name", "clinic.phone", "clinic.address", "clinic.booking_url", "clinic.review_url",
        "brand.logo", "brand.colour", "brand.accent", "brand.background",
        "offer.code", "offer.text", "offer.until",
    }
)  # fmt: skip
"""All names that a text may use."""
OF_LAYOUT: Final = frozenset({"subject", "preheader", "body"})
"""What layouts know besides; an e-mail in MJML knows the first two."""
TOKEN_LENGTH: Final = 18
"""Characters of the token of a short link; what an SMS costs is counted with a link of that length."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses that a message names. `booking_url` and `review_url` are "" where the clinic's own stand in the text, the others where the text names none."""

    unsubscribe_url: str = ""
    booking_url: str = ""
    review_url: str = ""
    answer_url: str = ""


def sample_variables(clinic: Clinic, *, tracked: bool = False) -> dict[str, Any]:
    """Values as a patient's would be, for checks and previews; `tracked` as for `sample_addresses`."""
    practitioner = next(iter(clinic.practitioners.values()), "")
    return variables(
        clinic,
        first_name=SAMPLE_NAME,
        practitioner=practitioner,
        addresses=sample_addresses(clinic, tracked=tracked),
        offer=sample_offer(clinic),
    )


def sample_addresses(clinic: Clinic, *, tracked: bool = False) -> Addresses:
    """Addresses that lead nowhere, as long as real ones. `tracked`: in a journey that hears `link.clicked`, where links go by way of Revisit."""
    link = sample_link(clinic)
    return (
        Addresses(link, link if clinic.booking_url else "", link if clinic.review_url else "", link)
        if tracked
        else Addresses(link, answer_url=link)
    )


def sample_link(clinic: Clinic) -> str:
    """A short link of ours, on the host of the clinic's own page."""
    found = urlsplit(clinic.booking_url or "https://example.com")
    return f"{found.scheme}://{found.netloc}/r/{'sample'.ljust(TOKEN_LENGTH, '0')}"


def sample_offer(clinic: Clinic) -> Promise:
    """An offer as one would be."""
    words = dict.fromkeys(clinic.languages, "A sample offer") | {"el": "Μια προσφορά"}
    return Promise(SAMPLE_CODE, words, SAMPLE_DAY, clinic.country)


def variables(
    clinic: Clinic,
    *,
    first_name: str,
    practitioner: str,
    addresses: Addresses | None = None,
    offer: Promise | None = None,
) -> dict[str, Any]:
    """All that a text may name. Without an offer, a text that speaks of one unguarded does not render."""
    links = addresses or Addresses()
    about = {
        "name": clinic.name,
        "phone": clinic.phone,
        "address": clinic.address,
        "booking_url": links.booking_url or clinic.booking_url,
        "review_url": links.review_url or clinic.review_url,
    }
    return {
        "first_name": first_name,
        "practitioner": practitioner,
        "clinic": about,
        "brand": asdict(clinic.brand),
        "unsubscribe_url": links.unsubscribe_url,
        "answer_url": links.answer_url,
        "offer": offer,
    }
