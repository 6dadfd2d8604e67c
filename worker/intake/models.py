"""The shape of each event type: its envelope and its `data`.

Rules
1. Unknown keys are dropped; a known key of the wrong type is an error: `"7"` is no number, `1` no boolean.
2. Null and empty text mean that a key is absent; in `patient` they mean "clear it" and are kept as None.
3. Identifiers lose the space around them and hold no control characters.
4. Everything is a plain dict: canonical data is the JSON that the contract describes, ready to be stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Required

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StringConstraints, TypeAdapter
from typing_extensions import TypedDict

from worker.intake import instants, values

ID_LENGTH: Final = 256
LIST_LENGTH: Final = 100
VERSION_LIMIT: Final = 2**63 - 1
MINOR_LIMIT: Final = 10**12

_CLEAN: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"

Id = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=ID_LENGTH, pattern=_CLEAN),
]
Name = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, max_length=ID_LENGTH, pattern=_CLEAN)
]
"""An identifier that may be left out, also as empty text."""
Text = Annotated[str, StringConstraints(strict=True, max_length=2000), AfterValidator(values.tidy)]
_Short = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, max_length=ID_LENGTH)]
Instant = Annotated[str, StringConstraints(strict=True, max_length=ID_LENGTH)]
Currency = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{3}$")]
Purpose = Literal["marketing", "care", "health_profiling"]


def _listed(given: list[str] | None) -> list[str]:
    return list(dict.fromkeys(entry for entry in given or () if entry))


Purposes = Annotated[Annotated[list[Purpose], Field(max_length=LIST_LENGTH)] | None, AfterValidator(_listed)]
Tags = Annotated[list[Name], Field(max_length=LIST_LENGTH), AfterValidator(_listed)]


class Envelope(TypedDict, total=False):
    """CloudEvents 1.0, structured JSON. Extension attributes are dropped."""

    specversion: Required[Literal["1.0"]]
    id: Required[Id]
    source: Required[Id]
    type: Required[Id]
    subject: Required[Id]
    # Text goes in; the check turns it into a datetime in UTC.
    time: Required[Annotated[Instant, AfterValidator(instants.event_time)]]
    data: dict[Any, Any] | None


class Consents(TypedDict, total=False):
    """A snapshot: what the patient allows, per channel. Null is an empty list."""

    sms: Purposes
    email: Purposes


class Patient(TypedDict, total=False):
    """What a system knows of a person; partial."""

    first_name: Annotated[_Short, AfterValidator(values.tidy)] | None
    last_name: Annotated[_Short, AfterValidator(values.tidy)] | None
    phone: Annotated[_Short, AfterValidator(values.phone)] | None
    email: Annotated[_Short, AfterValidator(values.email)] | None
    date_of_birth: Annotated[_Short, AfterValidator(instants.birth_date)] | None
    language: Annotated[_Short, AfterValidator(values.language)] | None
    timezone: Annotated[_Short, AfterValidator(values.timezone_name)] | None
    tags: Tags | None
    consent: Consents | None


class Service(TypedDict, total=False):
    """One service of an appointment; `family` and `area` where the catalogue lacks it."""

    code: Required[Id]
    family: Name | None
    area: Literal["face", "body", "none", ""] | None


class Money(TypedDict):
    """An amount in minor units (cents) of an ISO 4217 currency."""

    minor: Annotated[StrictInt, Field(ge=-MINOR_LIMIT, le=MINOR_LIMIT)]
    currency: Currency


class Refund(TypedDict):
    """An amount given back: more than nothing."""

    minor: Annotated[StrictInt, Field(gt=0, le=MINOR_LIMIT)]
    currency: Currency


class Erased(TypedDict, total=False):
    """`patient.erased`: it carries nothing about the person, whatever was sent."""

    historical: StrictBool | None


class Person(Erased, total=False):
    """What any other event may carry, and all that `patient.upserted`, `.deceased` and `.released` carry."""

    patient: Patient | None


class Appointment(Person, total=False):
    """`visit.voided` and `booking.no_show`; the base of every other appointment event."""

    appointment_id: Required[Id]
    version: Annotated[StrictInt, Field(ge=0, le=VERSION_LIMIT)] | None
    starts_at: Annotated[Instant, AfterValidator(instants.booking_start)] | None
    services: Annotated[list[Service], Field(max_length=LIST_LENGTH)] | None
    location: Name | None
    practitioner: Name | None
    net: Money | None
    referred_by: Name | None


class Cancelled(Appointment, total=False):
    """`booking.cancelled`."""

    cancelled_by: Literal["patient", "clinic", ""] | None


class Booked(Appointment, total=False):
    """`booking.created` and `booking.rescheduled`."""

    starts_at: Required[Annotated[Instant, Field(min_length=1), AfterValidator(instants.booking_start)]]  # type: ignore[misc]


class Completed(Appointment, total=False):
    """`visit.completed`."""

    starts_at: Required[Annotated[Instant, Field(min_length=1), AfterValidator(instants.visit_start)]]  # type: ignore[misc]


class Refunded(Person, total=False):
    """`payment.refunded`."""

    appointment_id: Required[Id]
    net: Required[Refund]


class Merged(Person, total=False):
    """`patient.merged`: the subject is the same person as `into`, and goes on under that id."""

    into: Required[Id]


class Held(Person, total=False):
    """`patient.held`: do not write for now. Without `until` it holds until it is released."""

    reason: Text | None
    until: Annotated[_Short, AfterValidator(instants.hold_end)] | None


class Consent(Person, total=False):
    """`consent.*`: evidence for one channel and purpose. `text` is kept as `text_hash`, its SHA-256."""

    channel: Required[Literal["sms", "email"]]
    purpose: Required[Purpose]
    basis: Literal["explicit", "soft_opt_in", "written", "verbal", ""] | None
    source: Text | None
    text: Annotated[str, StringConstraints(strict=True, max_length=100_000)] | None
    text_hash: Annotated[str, StringConstraints(strict=True, pattern=r"^([0-9a-f]{64})?$")] | None
    evidence: Text | None


ENVELOPE: Final[TypeAdapter[Envelope]] = TypeAdapter(Envelope)

DATA: Final[Mapping[str, TypeAdapter[Any]]] = {
    "visit.completed": TypeAdapter(Completed),
    "visit.voided": TypeAdapter(Appointment),
    "booking.created": TypeAdapter(Booked),
    "booking.rescheduled": TypeAdapter(Booked),
    "booking.cancelled": TypeAdapter(Cancelled),
    "booking.no_show": TypeAdapter(Appointment),
    "payment.refunded": TypeAdapter(Refunded),
    "patient.upserted": TypeAdapter(Person),
    "patient.merged": TypeAdapter(Merged),
    "patient.erased": TypeAdapter(Erased),
    "patient.deceased": TypeAdapter(Person),
    "patient.held": TypeAdapter(Held),
    "patient.released": TypeAdapter(Person),
    "consent.granted": TypeAdapter(Consent),
    "consent.revoked": TypeAdapter(Consent),
}
"""The check of `data` for every type that a clinic's systems may send."""
