"""`python -m tests.chaos.soak`: visits at half of what the machine can do, for half an hour, on PostgreSQL, while its providers fail and its processes are killed.

Nothing may be lost or sent twice, and nobody may wait longer at the end than at the beginning. Exit code 1 where anything of that is not so.

1. First the most that it can do: `BURST` visits told as fast as they are taken; how many a second had been worked off when nine tenths of their SMS had arrived is the maximum.
2. Then half of that each second. Every `--every` seconds one of its processes is killed, each role in its turn, and comes back by itself.
3. How long an SMS took is from the answer that took its visit until the provider took it. It is due 2 seconds after the visit.

REVISIT_SOAK_SECONDS, REVISIT_SOAK_RATE (visits a second, in place of half of what was measured) and the options say the same; the options hold.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from tests import postgres
from tests.acceptance.clinic import visit
from tests.acceptance.system import kill
from tests.chaos.__main__ import MOST_SHOWN, table
from tests.chaos.plan import ROLES, Plan
from tests.chaos.play import LOOK, Play, Result
from tests.chaos.providers import Reports
from tests.eventually import eventually
from tests.standins.faults import Step

BURST: Final = 1000
SECONDS: Final = 1800.0
EVERY: Final = 60.0
TALES: Final = 60.0
"""Seconds between two lines that tell how it goes."""
PATIENCE: Final = 900.0
"""Seconds after the last visit in which all must have come to its end: what is in doubt is looked for twice, a minute apart and more."""
FAULTS: Final[Mapping[Step, float]] = {"hangup_after": 0.003, "500": 0.003, "500_after": 0.002, "429": 0.002}
"""Of each hundred calls one goes wrong. A 429 has all of a sender's messages wait, so there are few."""
SLOWER, SECONDS_MORE = 1.5, 1.0
"""It is flat where the median of the last third is at most so many times that of the first, and so many seconds."""
_GIVES_UP = "it could not be measured: {found} of {burst} SMS had arrived after {seconds:.0f} s"

Delay = tuple[float, float]
"""When a visit was taken, in seconds from the beginning, and how many seconds its SMS took."""


def drift(delays: Sequence[Delay], seconds: float) -> tuple[float, float]:
    """The median delay of what was taken in the first third of so many seconds, and of the last. Raises ValueError where one of them has none."""
    first = [delay for at, delay in delays if at < seconds / 3]
    last = [delay for at, delay in delays if at >= seconds * 2 / 3]
    if not first or not last:
        raise ValueError("no SMS arrived in a third of the time")
    return median(first), median(last)


def is_flat(first: float, last: float) -> bool:
    """Whether nobody waits longer at the end."""
    return last <= first * SLOWER + SECONDS_MORE


def most_a_second(arrivals: Sequence[float], began: float) -> float:
    """How many visits a second are worked off, from the first that was told until nine tenths of the messages that came of them had arrived: what was in doubt does not count."""
    ordered = sorted(arrivals)
    nine_tenths = len(ordered) * 9 // 10
    return nine_tenths / max(ordered[nine_tenths - 1] - began, 0.001)


class Soak(Play):
    """A play without an end of its own: as long as it is told, at an even pace."""

    def __init__(self, plan: Plan, folder: Path, url: str, tell: Callable[[str], object]) -> None:
        super().__init__(plan, folder, url, tell)
        self.taken_at: dict[str, float] = {}
        """When the visit of a phone was taken, in Unix seconds."""

    def last(self, seconds: float, rate: float | None, every: float) -> tuple[Result, list[Delay]]:
        """Go on so long at `rate` visits a second (None: half of what it can do); returns what came of it and what each SMS took."""
        self.twilio.faults(self.plan.faults("sms"))
        self.sendgrid.faults(self.plan.faults("email"))
        reports = Reports(self.plan, self.twilio)
        began = time.time()
        with self.system, reports.going_on():
            self.system.run()
            if rate is None:
                most = self._most()
                rate = most / 2
                self._tell(f"{most:.0f} visits a second at most; {rate:.1f} from now on")
            began = time.time()
            over = threading.Event()
            killer = threading.Thread(target=self._kill_each, args=(every, over), daemon=True)
            killer.start()
            self._steadily(began, seconds, rate)
            over.set()
            killer.join(60)
            self.plan = replace(self.plan, visits=len(self.taken_at))
            try:
                eventually(lambda: not self.left(), PATIENCE, LOOK)
            except AssertionError:
                self.result.wrong.append(f"not at its end {PATIENCE:g} s after the last visit: {self.left()}")
            self._judge(self.plan.people())
        self.result.reports, self.result.seconds = reports.answers, time.time() - began
        return self.result, self._delays(began)

    def _most(self) -> float:
        began = time.time()
        while len(self.taken_at) < BURST:
            self._next(self.plan.batch)
        arrived: list[float] = []
        while len(arrived) < BURST * 0.95:
            if time.time() - began > PATIENCE:
                raise RuntimeError(
                    _GIVES_UP.format(found=len(arrived), burst=BURST, seconds=time.time() - began)
                )
            time.sleep(LOOK)
            arrived = [sms.received_at for sms in self.twilio.messages]
        return most_a_second(arrived, began)

    def _steadily(self, began: float, seconds: float, rate: float) -> None:
        before, told = len(self.taken_at), began
        while (now := time.time()) < began + seconds:
            behind = int((now - began) * rate) - (len(self.taken_at) - before)
            if behind > 0:
                self._next(min(behind, self.plan.batch))
            else:
                time.sleep(min(1 / rate, 0.2))
            if now - told >= TALES:
                told = now
                self._tell(self._how_it_goes(began, now))

    def _next(self, number: int) -> None:
        """Tell so many visits of new people until they are taken."""
        have = len(self.taken_at)
        people = [self.plan.person(one) for one in range(have + 1, have + number + 1)]
        batch = [visit(who, datetime.now(UTC)) for who in people]
        while not self._taken(batch):
            time.sleep(0.2)
        now = time.time()
        self.taken_at.update((who.phone, now) for who in people)

    def _kill_each(self, every: float, over: threading.Event) -> None:
        turn = 0
        while not over.wait(every):
            role = ROLES[turn % len(ROLES)]
            turn += 1
            try:
                kill(self.system.child(self.system.main, role))
            except AssertionError:
                self.result.wrong.append(f"there was no {role} to kill: it had not come back")
                continue
            self.result.kills[role] += 1

    def _delays(self, began: float) -> list[Delay]:
        taken = self.taken_at
        return [
            (taken[sms.to] - began, sms.received_at - taken[sms.to])
            for sms in self.twilio.messages
            if taken.get(sms.to, 0.0) >= began
        ]

    def _how_it_goes(self, began: float, now: float) -> str:
        arrived = {sms.to for sms in self.twilio.messages}
        waits = [now - at for phone, at in self.taken_at.items() if phone not in arrived]
        lately = [delay for at, delay in self._delays(began) if now - began - at < TALES]
        middle = f"{median(lately):.1f} s" if lately else "none"
        kills = sum(self.result.kills.values())
        return (
            f"{len(self.taken_at)} visits taken, {len(arrived)} SMS arrived, median of the last minute {middle}, "
            f"{len(waits)} on their way, the oldest for {max(waits, default=0.0):.0f} s, {kills} kills"
        )


def verdict(result: Result, delays: Sequence[Delay], seconds: float) -> list[tuple[str, bool, str]]:
    """What was promised, whether it is so, and what shows it."""
    try:
        first, last = drift(delays, seconds)
        flat, shown = (
            is_flat(first, last),
            f"median {first:.1f} s in the first third, {last:.1f} s in the last",
        )
    except ValueError as error:
        flat, shown = False, str(error)
    lost = result.missing_sms
    return [
        (
            "nothing lost",
            lost == 0 and not result.wrong,
            f"{lost} SMS missing, {len(result.wrong)} things wrong",
        ),
        ("nothing double", result.doubles == 0, f"{result.doubles} doubles"),
        ("lag flat", flat, shown),
    ]


def _number(name: str, default: float | None) -> float | None:
    """A number from the environment. Ends the process where it is none."""
    said = os.environ.get(name)
    if said is None:
        return default
    try:
        found = float(said)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise SystemExit(
            f"{name}={said} is not a number above nothing; leave it out or give one, such as {name}=60"
        )
    return found


def main() -> int:
    """0 where all that was promised is so."""
    options = argparse.ArgumentParser(
        prog="python -m tests.chaos.soak", description="A long load under faults."
    )
    options.add_argument("--seconds", type=float, default=_number("REVISIT_SOAK_SECONDS", SECONDS))
    options.add_argument(
        "--rate", type=float, default=_number("REVISIT_SOAK_RATE", None), help="visits a second"
    )
    options.add_argument("--every", type=float, default=EVERY, help="seconds between two kills")
    options.add_argument("--seed", type=int, default=None, help="what goes wrong; a new one each time")
    asked = options.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10_000)
    plan = Plan(seed=seed, visits=0, kills=0, flushes=0, sms_faults=FAULTS, email_faults=FAULTS)
    folder = Path(tempfile.mkdtemp(prefix="revisit-soak-"))
    began = time.monotonic()

    def tell(said: str) -> None:
        sys.stdout.write(f"  {time.monotonic() - began:5.0f} s  {said}\n")
        sys.stdout.flush()

    sys.stdout.write(f"\npostgres, seed {seed}, {asked.seconds:g} s, a kill every {asked.every:g} s\n")
    with postgres.server(durable=True) as server:
        postgres.admin(server, "CREATE DATABASE soak")
        soak = Soak(plan, folder, postgres.url_of(server, "soak"), tell)
        result, delays = soak.last(asked.seconds, asked.rate, asked.every)
    sys.stdout.write(table(result))
    for line in result.wrong[:MOST_SHOWN]:
        sys.stdout.write(f"  WRONG  {line}\n")
    found = verdict(result, delays, asked.seconds)
    for promise, holds, shown in found:
        sys.stdout.write(f"  {'ok   ' if holds else 'WRONG'}  {promise}: {shown}\n")
    if all(holds for _, holds, _ in found):
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    sys.stdout.write(f"  what the processes said: {soak.system.log}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
