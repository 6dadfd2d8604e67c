"""The channels with every call to a provider counted, timed and traced: which channel, how it ended, with which code. Nobody's address."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from channels.base import Accepted, EmailOut, Outcome, SmsOut
from worker import tracing
from worker.delivery.calls import CALLS
from worker.delivery.senders import Channels, Credentials, Places
from worker.workspace.config import Sender


class CountedChannels(Channels):
    """As `Channels`. `count` is told a counter's name, an amount and labels."""

    def __init__(
        self,
        credentials: Credentials,
        outbox: Path,
        places: Places | None,
        count: Callable[..., None],
        *,
        connections: int = CALLS,
    ) -> None:
        super().__init__(credentials, outbox, places, connections=connections)
        self._count = count

    def sms(self, sender: Sender, out: SmsOut) -> Outcome:
        """One attempt."""
        return self._counted("sms", sender, out.ref, lambda: super(CountedChannels, self).sms(sender, out))

    def email(self, sender: Sender, out: EmailOut) -> Outcome:
        """One attempt."""
        return self._counted(
            "email", sender, out.ref, lambda: super(CountedChannels, self).email(sender, out)
        )

    def _counted(self, channel: str, sender: Sender, message: str, call: Callable[[], Outcome]) -> Outcome:
        began = time.perf_counter()
        with tracing.span(f"call {sender.provider}", message=message, channel=channel):
            outcome = call()
            kind = type(outcome).__name__.lower()
            tracing.note(outcome=kind)
        code = "" if isinstance(outcome, Accepted) else outcome.code
        labels = {"channel": channel, "provider": sender.provider}
        self._count("provider_calls", outcome=kind, code=code, **labels)
        self._count("provider_seconds", time.perf_counter() - began, **labels)
        return outcome
