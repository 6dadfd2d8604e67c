"""The providers of a play: what befalls a request hangs on its recipient, is counted, and Twilio reports some of what it took."""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl

import urllib3

from tests.chaos.plan import Plan
from tests.standins.faults import Step
from tests.standins.sendgrid import SendGridStandin
from tests.standins.server import Request
from tests.standins.twilio import Sms, TwilioStandin

ASKED = 2
"""Seconds that a 429 asks for. All of a sender's messages wait for them, and forty come in a long play."""


class Befallen:
    """What befell the requests, by the recipient of those that send."""

    def __init__(self) -> None:
        self.steps: Counter[Step] = Counter()
        self.last: dict[str, Step] = defaultdict(lambda: "ok")
        self.guard = threading.Lock()

    def note(self, recipient: str, step: Step) -> None:
        with self.guard:
            self.steps[step] += 1
            self.last[recipient] = step


class ChaosTwilio(TwilioStandin):
    """Named by its recipient: our own ids differ from run to run."""

    def __init__(self) -> None:
        super().__init__()
        self.retry_after = ASKED
        self.befallen = Befallen()

    def name_of(self, request: Request) -> str:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        return (
            f"{request.method} {form.get('To') or dict(parse_qsl(request.path.partition('?')[2])).get('To')}"
        )

    def _next_step(self, request: Request) -> tuple[Step, float]:
        step, delay = super()._next_step(request)
        self.befallen.note(self.name_of(request).removeprefix("POST "), step)
        return step, delay


class ChaosSendGrid(SendGridStandin):
    """The same for e-mail."""

    def __init__(self) -> None:
        super().__init__()
        self.reset_after = ASKED
        self.befallen = Befallen()

    def name_of(self, request: Request) -> str:
        return f"{request.method} {json.loads(request.body)['personalizations'][0]['to'][0]['email']}"

    def _next_step(self, request: Request) -> tuple[Step, float]:
        step, delay = super()._next_step(request)
        self.befallen.note(self.name_of(request).removeprefix("POST "), step)
        return step, delay


class Reports:
    """Twilio's status callbacks, sent while the play goes on. One that finds nobody at home is lost."""

    def __init__(self, plan: Plan, twilio: ChaosTwilio) -> None:
        self._plan, self._twilio = plan, twilio
        self._stop = threading.Event()
        self.answers: Counter[str] = Counter()

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Until the block ends."""
        thread = threading.Thread(target=self._report, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(30)

    def _report(self) -> None:
        done = 0
        while not self._stop.is_set():
            for sms in self._twilio.messages[done:]:
                done += 1
                self._one(sms)
            self._stop.wait(0.1)

    def _one(self, sms: Sms) -> None:
        if not self._plan.is_told(sms.to, self._twilio.befallen.last[sms.to]):
            return
        try:
            status = self._twilio.callback(sms.sid, "delivered").post(timeout=5.0)
            self.answers[str(status)] += 1
        except urllib3.exceptions.HTTPError:
            self.answers["lost"] += 1
