"""What a mapping file says of a system's exports, as plain values: `config_sources` reads them, `worker/intake/sources` reads CSV files by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

SheetKind = Literal["patients", "appointments", "consents"]
Past = Literal["completed", "unknown", "no_show"]

PERSON: Final[Mapping[str, str]] = {
    "name": "The whole name, where it stands in one column.",
    "first_name": "The first name.",
    "last_name": "The last name.",
    "phone": "The number for SMS; of several columns the first that is not empty counts.",
    "email": "The e-mail address.",
    "date_of_birth": "The date of birth.",
    "language": "The language, two letters.",
    "tags": "The system's own tags, with commas or semicolons between them.",
    "consent_sms": "Whether the patient agreed to marketing by SMS.",
    "consent_email": "Whether the patient agreed to marketing by e-mail.",
}
"""Fields of a person, in any file that has them."""

ORDER: Final[Mapping[str, str]] = {
    "updated_at": "When the row was last changed: of two rows of one thing the later one holds.",
    "exported_at": "When the file was made, where a column says so.",
}

FIELDS: Final[Mapping[SheetKind, Mapping[str, str]]] = {
    "patients": {
        "id": "The system's id of the patient.",
        **PERSON,
        "created_at": "When the patient was entered.",
        **ORDER,
    },
    "appointments": {
        "id": "The system's id of the appointment.",
        "patient": "The system's id of the patient.",
        "starts_at": "Start, date and time in one column.",
        "date": "The date, where the time has a column of its own.",
        "time": "The time of day, beside `date`.",
        "ends_at": "The end.",
        "status": "The status, by `statuses`.",
        "service": "The treatment; see `services`.",
        "net": "What was paid for it.",
        "currency": "The currency, where it is not the clinic's.",
        "location": "The place.",
        "practitioner": "Who treats.",
        "referred_by": "The id of the patient who referred this one.",
        "created_at": "When it was booked.",
        "cancelled_at": "When it was cancelled.",
        "version": "A number that grows with every change; only where the live connection sends the same one.",
        **ORDER,
        **PERSON,
    },
    "consents": {
        "patient": "The system's id of the patient.",
        "channel": "SMS or e-mail.",
        "purpose": "What for.",
        "decision": "Given or taken back.",
        "at": "When it was given or taken back.",
        "basis": "`explicit`, `soft_opt_in`, `written` or `verbal`.",
        "origin": "Where it was given: a form, the front desk.",
        "text": "The words that were agreed to; kept as a hash.",
        "evidence": "Where the evidence is.",
        "exported_at": ORDER["exported_at"],
        **PERSON,
    },
}
"""The fields that a column may be, by kind of file, each with what it is."""

FLAGS: Final[Mapping[SheetKind, Mapping[str, str]]] = {
    "patients": {
        "gone": "Deleted or archived in the system.",
        "deceased": "Has died.",
    },
    "appointments": {
        "cancelled": "Cancelled.",
        "no_show": "Did not come.",
        "completed": "Came.",
        "voided": "Entered by mistake.",
    },
    "consents": {},
}
"""What a column may say by being filled in with anything but "no". The first that does counts, in this order."""

MEANINGS: Final = (
    "completed",
    "booked",
    "cancelled",
    "cancelled_by_patient",
    "cancelled_by_clinic",
    "no_show",
    "voided",
    "left_out",
)
"""What a status may mean. `left_out`: the row is none of an appointment of a patient, such as a blocked hour."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written. `zone` None is the clinic's; `skip_lines` lines stand above the header."""

    delimiter: str = ","
    encoding: str = "utf-8"
    date_order: Literal["ymd", "dmy", "mdy"] = "ymd"
    zone: str | None = None
    decimal: Literal[".", ","] = "."
    skip_lines: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """One kind of file of a system. `columns` maps a field to the headers that may hold it, the likeliest first; fields in `may_lack` may have none of theirs."""

    name: str
    kind: SheetKind
    form: Form
    columns: Mapping[str, tuple[str, ...]]
    may_lack: frozenset[str] = frozenset()
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    statuses: Mapping[str, str] = field(default_factory=dict)
    otherwise: str | None = None
    empty: str | None = None
    past_booked_means: Past = "unknown"
    id_from: tuple[str, ...] = ()
    patient_from: tuple[str, ...] = ()
    services: Mapping[str, str] = field(default_factory=dict)
    services_between: str = ""
    one_row_per: Literal["appointment", "service"] = "appointment"
    name_order: Literal["first_last", "last_first"] = "first_last"
    full_export: bool = False
    live_from: date | None = None
    yes: frozenset[str] = frozenset()
    no: frozenset[str] = frozenset()
    always: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signature:
    """How a call proves that it comes from the system. `secrets` are names of environment variables, any of which may fit; `signed` is what an HMAC is taken of, with `{url}`,
    `{timestamp}` and `{body}` in it; `timestamp` the header that says when it was signed, "" for none; `tolerance` in seconds.
    """

    kind: Literal["hmac", "bearer", "none"]
    secrets: tuple[str, ...] = ()
    header: str = ""
    algorithm: Literal["sha256", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    timestamp: str = ""
    tolerance: int = 300
    signed: str = "{body}"


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of message that a system posts: `sheet` has paths where a file has headers; `events` maps the system's types of events to what they mean."""

    sheet: Sheet
    events: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fhir:
    """How FHIR resources are read: by `appointments` and `encounters` (their statuses), `patients`, and codes of the system `service_system`, "" for any."""

    appointments: Sheet
    encounters: Sheet
    patients: Sheet
    service_system: str = ""


@dataclass(frozen=True, slots=True)
class Webhook:
    """What a system posts. `event` is the path of a message's type, `id` that of its own id, `each` that of the list of messages in a body; "" for none.

    `unknown_left_out`: types of events that no message names are passed over, and not put aside. `fhir` None: messages are JSON, by `messages`.
    """

    signature: Signature
    event: str = ""
    id: str = ""
    each: str = ""
    unknown_left_out: bool = False
    messages: tuple[Message, ...] = ()
    fhir: Fhir | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """The folder that exports arrive in. `at` are minutes of the clinic's day, none for any time; `expect` None: nobody waits for them."""

    folder: str
    files: str = "*.csv"
    at: tuple[int, ...] = ()
    expect: Literal["daily", "weekly"] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A system whose exports or messages are read. `uri` is the `source` of its events."""

    name: str
    uri: str
    sheets: tuple[Sheet, ...]
    webhook: Webhook | None = None
    watch: Watch | None = None


def folded(text: str) -> str:
    """A word of an export as it is compared: without case and without doubled space."""
    return " ".join(text.casefold().split())
