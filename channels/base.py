"""What goes into a channel and what comes out of it.

1. One `send` is one attempt: a channel never tries again by itself. Whoever calls it decides that, from the
   outcome.
2. The four outcomes are told apart by what they *prove*: the provider has it (`Accepted`), will never take it
   (`Permanent`), has not taken it and may be asked again (`Temporary`), or nobody knows (`Unknown`). In
   doubt: `Unknown`.
3. `send` returns an outcome for whatever a provider or a network does; it raises only for a mistake of the
   caller.
4. `code` and `why` are safe to store, log and show: they never hold a phone number, an address or words of
   the message.
5. The repr of a message shows its ref alone, for the same reason; that of what a provider reports shows ids
   and words of the provider, and nothing about a patient.
6. A channel has four verbs: `send`, `lookup` (what the provider itself lists), `verify` (is a report from the
   provider?) and `parse` (what does it say?). The last two are functions, because they need no connection:
   `twilio_webhooks`, `sendgrid_events`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

from channels.status import Status

Blame = Literal["address", "opted_out", "sender", "content"]
"""Whose fault a permanent refusal is: the recipient's address; the recipient's wish (write a suppression);
our own account, number or rights (stop sending, do not blame the recipient); or this one message.
"""

_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def is_ref(text: object) -> bool:
    """Whether it can be one of our refs. What comes back from outside is asked before it is believed."""
    return isinstance(text, str) and _REF.fullmatch(text) is not None


def _check_ref(ref: str) -> None:
    if not is_ref(ref):
        raise ValueError(
            "a message's ref must be 1 to 128 letters, digits, dots, dashes and underscores and begin with "
            f"a letter or digit (it becomes part of URLs and file names); got {len(ref)} characters"
        )


@dataclass(frozen=True, slots=True)
class SmsOut:
    """One SMS, ready to leave. Raises ValueError when `ref` is not a plain name."""

    ref: str  # our opaque message id: the provider hands it back with each receipt
    to: str = field(repr=False)  # E.164
    sender: str = field(repr=False)  # E.164, short code, name, or a Messaging Service (MG + 32 hex)
    body: str = field(repr=False)
    status_callback: str | None = field(default=None, repr=False)  # absolute URL; `ref` is added to its query
    validity: int | None = None  # seconds for which the provider may keep it; None: as it likes
    before: float | None = None  # Unix seconds: not a byte leaves later than that; None: whenever

    def __post_init__(self) -> None:
        _check_ref(self.ref)


@dataclass(frozen=True, slots=True)
class EmailOut:
    """One e-mail, ready to leave. Raises ValueError when `ref` is not a plain name."""

    ref: str  # our opaque message id: the provider hands it back with each event
    to: str = field(repr=False)  # the bare address
    sender: str = field(repr=False)  # the bare address
    sender_name: str = field(repr=False)  # "" for none
    subject: str = field(repr=False)
    text: str = field(repr=False)  # the plain part; always there
    html: str = field(repr=False)  # "" for a plain message
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # List-Unsubscribe and the like
    category: str | None = None  # visible to staff at the provider for ever: never a segment or a treatment
    before: float | None = None  # Unix seconds: not a byte leaves later than that; None: whenever

    def __post_init__(self) -> None:
        _check_ref(self.ref)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has taken it."""

    provider_id: str | None  # the provider's own id of the message, if it gave one
    raw_status: str  # the provider's word, see `status`


@dataclass(frozen=True, slots=True)
class Permanent:
    """Refused, and it would be refused again."""

    code: str
    why: str
    blame: Blame


@dataclass(frozen=True, slots=True)
class Temporary:
    """Proven not to have been accepted: safe to try again."""

    code: str
    why: str
    retry_after: float | None  # seconds that the provider asked for; None: it did not say


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have reached the provider and nobody knows what became of it. Never blindly send it
    again.
    """

    code: str
    why: str


Outcome: TypeAlias = Accepted | Permanent | Temporary | Unknown


@dataclass(frozen=True, slots=True)
class Sighting:
    """One message to an address, as the provider lists it. That it is listed proves that it was accepted."""

    provider_id: str
    status: Status
    word: str  # the provider's word
    code: str  # the provider's error code, "" for none
    at: datetime | None  # when the provider made the record; None: it does not say
    body: str = field(repr=False)  # the provider may have altered it: a body that differs proves nothing


@dataclass(frozen=True, slots=True)
class Listed:
    """The provider's list was read to its end: what is not here was not accepted before it was asked."""

    messages: tuple[Sighting, ...]


@dataclass(frozen=True, slots=True)
class NoWord:
    """The provider's list could not be read, or not to its end: it proves nothing."""

    code: str
    why: str


Lookup: TypeAlias = Listed | NoWord


class Unreadable(ValueError):
    """A report that cannot be what the provider sends. Its words are for people and hold no patient data."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider reports of one message that we sent: one status."""

    provider: str  # "twilio" or "sendgrid"
    key: str  # tells this report from every other: two with the same key are the same report
    ref: str | None  # our opaque message id; None: the report does not carry it
    provider_id: str | None
    status: Status  # UNKNOWN for a word that we do not know
    word: str  # the provider's word, as it came
    code: str  # what went wrong, see `codes`; "" for nothing
    at: datetime | None  # when it happened, aware; None: the provider does not say
    address: str | None = field(repr=False)  # the recipient's
    url: str | None = field(repr=False)  # the link that was followed
    user_agent: str | None = field(repr=False)  # of whoever opened or followed it
    raw: Mapping[str, Any] = field(repr=False)  # the whole report


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message from a patient."""

    provider: str
    key: str  # the provider's id of the message
    sender: str = field(repr=False)  # E.164
    to: str = field(repr=False)  # the number of ours that it was sent to
    body: str = field(repr=False)  # "" for pictures alone
    media: int  # pictures and other attachments
    opt_out_type: str | None  # STOP, START or HELP: the provider has acted and answered itself
    raw: Mapping[str, Any] = field(repr=False)  # the whole report


class SmsChannel(Protocol):
    """Safe to share between threads."""

    def send(self, out: SmsOut, /) -> Outcome: ...

    def lookup(self, to: str, sender: str, since: datetime) -> Lookup:
        """What the provider has accepted to this address at `since` (aware) or later.

        `sender` is that of the attempt, or "" for any. Never raises for what a provider or a network does.
        """
        ...

    def close(self) -> None: ...


class EmailChannel(Protocol):
    """Safe to share between threads."""

    def send(self, out: EmailOut, /) -> Outcome: ...

    def close(self) -> None: ...
