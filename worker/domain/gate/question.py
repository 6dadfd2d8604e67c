"""What the gate is asked, and what it may answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from worker.domain.conditions import Look
from worker.domain.facts import Facts
from worker.domain.history import Contact, Enrollment, Message
from worker.domain.journey import Journey
from worker.domain.rules import Rules

MAX_EXCUSED: Final = timedelta(days=7)
"""For how long what caps and holds cost is not counted as lateness."""
PATIENCE: Final = timedelta(hours=1)
"""How soon to ask again where nobody knows when an obstacle goes."""
ADDRESS_FIELD: Final = {"sms": "phone", "email": "email"}


DropCode = Literal[
    "erased", "deceased", "do_not_contact", "minor", "no_address", "suppressed", "no_consent", "no_profiling", "goal", "rebooked", "withdrawn", "stopped",
    "expired", "offer_over", "interval", "never_open", "no_sender",
]  # fmt: skip
"""Why a message is held back for good."""
DeferCode = Literal[
    "no_public_url", "hold", "paused", "feed_stale", "interval", "priority", "cap", "quiet_hours", "blast_limit", "sender_paused", "rate"
]  # fmt: skip
"""Why it waits."""


@dataclass(frozen=True, slots=True)
class Go:
    """It may leave now. `rehearsal`: the mode keeps it in; it is rendered and shown, and counts nowhere."""

    channel: str
    address: str
    rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class Defer:
    """Not before `until`. `excused` where the wait does not count towards `expires`."""

    until: datetime
    code: DeferCode
    why: str
    excused: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """Never; the journey goes on."""

    code: DropCode
    why: str


Verdict = Go | Defer | Drop


@dataclass(frozen=True, slots=True)
class Blast:
    """How many messages of the purpose left today, and how many may."""

    sent: int
    limit: int


@dataclass(frozen=True, slots=True)
class Outside:
    """What is known beside the patient. In replay and in stories all of it is as good as it can be.

    `suppressed` are (channel, address) pairs that must not be written to; `feed_seen_at` is when the clinic's systems were last heard; `door` says why patients could
    not open a link of ours, "" where they can; `blast` is None where the policy has no such limit.
    """

    suppressed: frozenset[tuple[str, str]] = frozenset()
    feed_seen_at: datetime | None = None
    door: str = ""
    blast: Blast | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that the gate looks at. `contacts` are what counts towards caps, of this patient and of the addresses in question.

    `run` is the message's run, None where it is not known any more; `ahead` are the messages of this patient that go first, as the contacts that they will be.
    """

    now: datetime
    message: Message
    journey: Journey
    rules: Rules
    facts: Facts
    look: Look
    contacts: Sequence[Contact] = ()
    outside: Outside = field(default_factory=Outside)
    run: Enrollment | None = None
    ahead: Sequence[Contact] = ()

    @property
    def marketing(self) -> bool:
        """Whether the message is marketing."""
        return self.message.purpose == "marketing"

    @property
    def limit(self) -> datetime:
        """Until when it may leave: `expires`, and what caps and holds cost up to a week."""
        return self.message.expires_at + min(self.message.excused, MAX_EXCUSED)

    def local(self, moment: datetime) -> str:
        """A moment as the patient's clock shows it."""
        return f"{moment.astimezone(self.facts.tz):%Y-%m-%d %H:%M}"
