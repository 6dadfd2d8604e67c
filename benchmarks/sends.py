"""Messages from the queue to the provider's yes, through gate, claim, render and record: against a bare loop, and against the script that a clinic would write.

`…_vs_loop`: the messages wait in the outbox. A provider that answers after 50 ms, 16 connections in two processes; the bare loop has the same client and as many connections.
`sends_per_second`, `sends_vs_script`: the events are stored and nobody has looked at them. One message each, PostgreSQL that waits for the disk, a provider without latency.
The clock runs from the first job that is queued until the provider has taken the last message. All is in one run on one machine: provider, database and queue included.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from benchmarks import Measure, benchmark, cron_script
from benchmarks.provider import Provider, provider
from channels.base import Accepted, EmailOut, SmsOut
from channels.sendgrid import SendGridEmail
from channels.twilio import TwilioSms
from tests.postgres import admin, server, url_of
from worker.actors import Queue, declare
from worker.delivery.counted import CountedChannels
from worker.delivery.senders import Credentials
from worker.logs import set_up_logging
from worker.queue.broker import make_broker, run_worker
from worker.queue.embedded import EmbeddedQueue
from worker.queue.places import Places
from worker.queue.tally import Tally
from worker.service.accepting import accept
from worker.service.folding import fold
from worker.service.jobs import BATCH, Job
from worker.service.publishing import publish
from worker.store.engine import make_engine
from worker.store.migrate import upgrade
from worker.workspace.house import House

CLINIC: Final = "default"
ACCOUNT, TOKEN, KEY = "AC" + "0a" * 16, "f0" * 16, "SG.benchmark"
LATENCY: Final = 0.05
PROCESSES, THREADS, CONNECTIONS = 2, 4, 8
"""Two processes with so many jobs at a time and so many connections each."""
SLOW, FAST = 4_000, 4_000
"""How many messages go to a provider with latency, and to one without."""
PURPOSES: Final = ["marketing", "care"]
ROOMS: Final = {
    "config/clinic.yaml": "name: Clinic\ntimezone: Europe/Athens\ncountry: GR\nmode: live\nphone: '+302100000000'\naddress: 1 Street, Athens\nbooking_url: https://example.com/book\n",
    "config/segments.yaml": "lifecycle: [{prospect: {visits: none}}, {patient: otherwise}]\n",
    "config/policy.yaml": "frequency_caps: {marketing: [1 per 7 days, 3 per 30 days]}\nfeed: {max_age: 36 hours, live_window: 7 days}\n",
    "config/channels.yaml": 'sms: {provider: twilio, from: "+15005550006", rate: 9999 per second}\nemail: {provider: sendgrid, from: hello@example.com, rate: 9999 per second}\n',
    "templates/thanks.sms.en.j2": "Hello {{ first_name or 'there' }}, thank you for your visit. Book your next one: {{ clinic.booking_url }} Reply STOP to opt out.\n",
    "templates/thanks.email.en.md": "---\nsubject: Thank you\npreheader: For your visit\n---\nHello {{ first_name or 'there' }},\n\nthank you for your visit. [Book your next one]({{ clinic.booking_url }}).\n",
}  # fmt: skip
_JOURNEY: Final = "journey: thanks\nstart: {{event: visit.completed}}\nrepeat: never\nexpires: 3 days\nsteps:\n  - {{id: thanks, send: {channel}, template: thanks}}\n"
NOON: Final = datetime(2026, 5, 12, 9, tzinfo=UTC)


def _fixed(began: float) -> datetime:
    """Noon in Athens when the benchmark began, so that no quiet hour falls into it; time passes."""
    return NOON + timedelta(seconds=time.time() - began)


def _house(url: str, began: float) -> House:
    return House(make_engine(url), "secret", "http://127.0.0.1:8000", wall=partial(_fixed, began))


def _work(queue_url: str, database_url: str, provider_url: str, began: float, ready: Any, stop: Any) -> None:
    """One worker process, as `revisit worker` makes it."""
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (until the process ends)
    set_up_logging()
    broker = make_broker(queue_url)
    house = _house(database_url, began)
    tally = house.count = Tally(broker.client)
    found = Credentials(ACCOUNT, TOKEN, provider_url, KEY, provider_url)
    with tempfile.TemporaryDirectory() as folder:
        channels = CountedChannels(found, Path(folder), Places(broker.client), tally, connections=CONNECTIONS)
        declare(Queue(broker), house, channels)
        ended = threading.Event()

        def wait() -> None:
            stop.wait()
            ended.set()

        threading.Thread(target=wait, daemon=True).start()
        ready.wait()
        run_worker(broker, threads=THREADS, drain=False, stop=ended)
        channels.close()
        tally.close()


def _loop(provider_url: str, channel: str, number: int, ready: Any) -> None:
    """One process of the bare loop: as many threads as connections, each sends and does nothing else."""
    sms, email = TwilioSms(ACCOUNT, TOKEN, provider_url), SendGridEmail(KEY, provider_url)
    text = "Hello Ada, thank you for your visit. Book your next one: https://example.com/book Reply STOP to opt out."
    left = iter(range(number))
    lock = threading.Lock()

    def run() -> None:
        while True:
            with lock:
                one = next(left, None)
            if one is None:
                return
            if channel == "sms":
                out = sms.send(SmsOut(f"m-{one}", f"+3069{one:08d}", "+15005550006", text))
            else:
                out = email.send(
                    EmailOut(
                        f"m-{one}", f"p{one}@example.com", "hello@example.com", "Clinic", "Thank you", text, f"<html><body><p>{text}</p></body></html>",
                    )
                )  # fmt: skip
            if not isinstance(out, Accepted):
                raise TypeError(f"the loop was refused: {out}")

    threads = [threading.Thread(target=run) for _ in range(CONNECTIONS)]
    ready.wait()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def _processes(work: Callable[..., None], *args: Any, stops: bool) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Barrier(PROCESSES + 1), context.Event()
    more = (ready, stop) if stops else (ready,)
    running = [context.Process(target=work, args=(*args, *more)) for _ in range(PROCESSES)]
    for process in running:
        process.start()
    try:
        ready.wait(60)
        if stops:
            time.sleep(0.5)
        yield
    finally:
        stop.set()
        for process in running:
            process.join(40)


def _until(found: Provider, number: int, patience: float = 120.0) -> float:
    """Seconds until the provider has taken so many more."""
    began = time.perf_counter()
    while found.accepted < number:
        if time.perf_counter() - began > patience:
            raise RuntimeError(f"{found.accepted} of {number} messages arrived")
        time.sleep(0.002)
    return time.perf_counter() - began


def _visits(number: int, began: float) -> list[dict[str, Any]]:
    at = (_fixed(began) - timedelta(minutes=5)).isoformat()
    return [
        {
            "specversion": "1.0", "id": f"e-{one}", "source": "/corpus", "type": "visit.completed", "subject": f"p-{one}", "time": at,
            "data": {
                "appointment_id": f"a-{one}", "starts_at": at, "services": [{"code": "HYD", "family": "facial"}],
                "patient": {
                    "first_name": "Ada", "phone": f"+3069{one:08d}", "email": f"p{one}@example.com", "consent": {"sms": PURPOSES, "email": PURPOSES},
                },
            },
        }
        for one in range(number)
    ]  # fmt: skip


def _stored(house: House, channel: str, number: int, began: float) -> list[Job]:
    """The rooms in force and the visits stored; returns the jobs that fold them."""
    upgrade(house.engine)
    publish(house, {**ROOMS, "journeys/thanks.yaml": _JOURNEY.format(channel=channel)})
    jobs: list[Job] = []
    told = _visits(number, began)
    for index in range(0, number, BATCH):
        taken = accept(house, CLINIC, told[index : index + BATCH], "http")
        if taken.rejected:
            raise ValueError(f"the visits are broken: {taken.rejected[0]}")
        jobs += taken.jobs
    return jobs


def _ours(database_url: str, channel: str, number: int, latency: float, *, folded: bool) -> float:
    """Messages a second."""
    began = time.time()
    house = _house(database_url, began)
    jobs = _stored(house, channel, number, began)
    if folded:
        jobs = [job for one in jobs for job in fold(house, CLINIC, [int(key) for key in one.ids])]
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedQueue(Path(folder)) as queue,
        provider(latency) as found,
        _processes(_work, queue.url, database_url, found.url, began, stops=True),
    ):
        if not Queue(make_broker(queue.url)).put(jobs):
            raise RuntimeError("the queue is away")
        seconds = _until(found, number)
    house.engine.dispose()
    return number / seconds


def _bare(channel: str, number: int) -> float:
    with provider(LATENCY) as found, _processes(_loop, found.url, channel, number // PROCESSES, stops=False):
        return number / _until(found, number)


@contextmanager
def _databases(names: Sequence[str]) -> Iterator[list[str]]:
    with server(durable=True) as folder:
        for name in names:
            admin(folder, f"CREATE DATABASE {name}")
        yield [url_of(folder, name) for name in names]


def _vs_loop(channel: str) -> Measure:
    with _databases(["ours"]) as (url,):
        before = _bare(channel, SLOW)
        ours = _ours(url, channel, SLOW, LATENCY, folded=True)
        after = _bare(channel, SLOW)
    bare = (before + after) / 2
    return Measure(
        round(ours / bare, 3),
        "ratio",
        f"{ours:,.0f} messages/s; the bare loop {before:,.0f} before and {after:,.0f} after; {PROCESSES * CONNECTIONS} connections, {LATENCY * 1000:.0f} ms",
    )


@benchmark("sends_sms_vs_loop")
def sends_sms_vs_loop() -> Measure:
    """SMS a second as a share of a bare loop's."""
    return _vs_loop("sms")


@benchmark("sends_email_vs_loop")
def sends_email_vs_loop() -> Measure:
    """E-mails a second as a share of a bare loop's."""
    return _vs_loop("email")


@lru_cache(maxsize=1)
def _from_event_to_yes() -> tuple[float, float]:
    """Messages a second: ours, and the script's right after it."""
    with _databases(["ours", "theirs"]) as (ours, theirs):
        mine = _ours(ours, "sms", FAST, 0.0, folded=False)
        (folder,) = parse_qs(urlsplit(theirs).query)["host"]
        conninfo = f"host={folder} user=postgres dbname=theirs"
        cron_script.make(conninfo, FAST)
        with provider() as found:
            began = time.perf_counter()
            done = cron_script.send(conninfo, found.url, ACCOUNT, TOKEN)
            script = done / (time.perf_counter() - began)
    return mine, script


@benchmark("sends_per_second")
def sends_per_second() -> Measure:
    """From the stored event to the accepted SMS, one each."""
    mine, _ = _from_event_to_yes()
    return Measure(
        round(mine, 1), "SMS/s", f"{FAST:,} events, one SMS each, {PROCESSES} processes; 1,050 wanted"
    )


@benchmark("sends_vs_script")
def sends_vs_script() -> Measure:
    """The same as a multiple of a script that is run from cron and commits after each send."""
    mine, script = _from_event_to_yes()
    return Measure(round(mine / script, 2), "x", f"ours {mine:,.0f}/s, the script {script:,.0f}/s")
