"""What goes wrong in a play, and when, all of it drawn from one seed.

Rules
1. A moment is a share of the way: how many batches were taken and how many messages arrived, of all. So a slow machine meets the same kills as a quick one.
2. What befalls a message is drawn from the recipient and the number of the attempt, not from the order in which requests come.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from tests.acceptance.clinic import Person, Raw
from tests.standins.faults import Faults, Step

Blow = Literal["web", "worker", "ticker", "valkey", "flush"]
ROLES: Final[tuple[Blow, ...]] = ("worker", "web", "ticker", "valkey")
AFTER: Final = frozenset({"hangup_after", "500_after"})
"""Steps of a stand-in that accept and do not say so."""
SMS_FAULTS: Final[Mapping[Step, float]] = {"hangup_after": 0.02, "500": 0.01, "500_after": 0.01, "429": 0.02}
EMAIL_FAULTS: Final = SMS_FAULTS
TIMES_TOLD: Final = 2


@dataclass(frozen=True)
class Plan:
    """One play. `kills` are spread evenly over the roles and, with the flushes, over `span` of the way; `told` is the share of SMS that Twilio reports delivered, `told_after` that of those
    that it took without saying so; `wait` is what the SMS waits after the visit; `ahead` is how many visits are told before the SMS of the earlier ones are out.
    """

    seed: int
    visits: int
    kills: int
    flushes: int
    batch: int = 50
    ahead: int = 300
    told: float = 0.3
    told_after: float = 0.5
    span: tuple[float, float] = (0.0, 0.95)
    wait: str = "2 seconds"
    sms_faults: Mapping[Step, float] = field(default_factory=lambda: SMS_FAULTS)
    email_faults: Mapping[Step, float] = field(default_factory=lambda: EMAIL_FAULTS)

    def people(self) -> list[Person]:
        """Everybody who comes."""
        return [self.person(number) for number in range(1, self.visits + 1)]

    def person(self, number: int) -> Person:
        """One of them, by number from 1."""
        return Person(f"p-{number}", f"+3069{number:08}", f"patient{number}@mail.example.com")

    def batches(self, events: list[Raw]) -> list[list[Raw]]:
        """Each event as often as it is told, in no order, in batches."""
        told = events * TIMES_TOLD
        self._die("order").shuffle(told)
        return [told[at : at + self.batch] for at in range(0, len(told), self.batch)]

    def blows(self) -> list[tuple[float, Blow]]:
        """What is struck when, as (share of the way, what), the first first."""
        die = self._die("blows")
        found: list[Blow] = [ROLES[number % len(ROLES)] for number in range(self.kills)]
        found += ["flush"] * self.flushes
        die.shuffle(found)
        return list(zip(sorted(die.uniform(*self.span) for _ in found), found, strict=True))

    def faults(self, channel: Literal["sms", "email"]) -> Faults:
        """What its provider does by chance."""
        chances = self.sms_faults if channel == "sms" else self.email_faults
        return Faults(int.from_bytes(self._die(channel).randbytes(4)), chances)

    def is_told(self, recipient: str, step: Step) -> bool:
        """Whether Twilio reports this message, given what befell its request."""
        share = self.told_after if step in AFTER else self.told
        return self._die(f"told/{recipient}").random() < share

    def _die(self, what: str) -> random.Random:
        return random.Random(f"{self.seed}/{what}")
