"""A provider whose weather a test makes: what befalls every request, the clinic's clock, and a list that lags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.standins.faults import Faults, Step
from tests.standins.server import Reply, Request
from tests.standins.twilio import Sms, TwilioStandin
from tests.standins.twilio_list import Row as Listed


@dataclass(frozen=True)
class Weather(Faults):
    """What befalls every request of one rule: those that send, and those that read the list."""

    post: Step = "ok"
    get: Step = "ok"

    def roll(self, name: str, nth: int) -> tuple[Step, float]:
        return (self.post if name.startswith("POST") else self.get), 0.0


LAG = timedelta(seconds=45)
"""How long the provider takes to list what it has accepted."""


class Provider(TwilioStandin):
    """Twilio, by the clinic's clock, with a list that lags; `taken` hears of each message before the answer leaves."""

    def __init__(self, clock: Callable[[], datetime], taken: Callable[[Sms], None]) -> None:
        super().__init__()
        self._clock, self._taken = clock, taken
        self._unlisted: list[tuple[datetime, Listed]] = []

    def accepted(self, message: Sms) -> Reply:
        reply = super().accepted(message)
        with self._changed:
            row = self._rows.pop(message.sid)
            row.created = self._clock().timestamp()
            self._unlisted.append((self._clock() + LAG, row))
        self._taken(message)
        return reply

    def read(self, request: Request) -> Reply | None:
        with self._changed:
            self._rows.update({row.sid: row for at, row in self._unlisted if at <= self._clock()})
        return super().read(request)
