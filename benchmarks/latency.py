"""From a visit that is posted to the SMS that the provider has taken, while nothing else is to be done; and what `revisit run` costs while nothing is.

Against: a bare HTTP post whose handler queues a job that does nothing but queue a second one, which posts to the same provider. It has the parts, the threads, the prefetch and
the machine that ours has, and neither database nor decisions. It is measured twice: with dramatiq as it comes, whose workers look at the queue every 100 ms, which is
what the ratios are told against; and with our bell, which tells what the bell alone brings.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final
from urllib.parse import urlsplit

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks import Measure, benchmark
from benchmarks.provider import Provider, provider
from benchmarks.running import TOKEN, running, until
from benchmarks.sends import ACCOUNT, PURPOSES, ROOMS
from benchmarks.sends import TOKEN as PROVIDER_TOKEN
from worker.queue.bell import RungBroker
from worker.queue.broker import PREFETCH, make_broker, run_worker
from worker.queue.client import connect
from worker.queue.embedded import EmbeddedQueue

VISITS: Final = 200
WARM: Final = 10
THREADS: Final = 8
POLL_MS: Final = 100
PAUSE: Final = (0.05, 0.15)
"""Seconds between an arrival and the next visit; each of the three then rests for three times as long."""
IDLE_SECONDS: Final = 30.0
SETTLES: Final = 10.0
JOURNEY: Final = "journey: thanks\npurpose: care\nstart: {event: visit.completed}\nrepeat: never\nexpires: 3 days\nsteps:\n  - {id: thanks, send: sms, template: thanks}\n"


def _rooms() -> dict[str, str]:
    """Rooms of a place where it is noon, so that no quiet hour falls into it."""
    noon = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
    files = {name: text for name, text in ROOMS.items() if ".email." not in name}
    files["config/clinic.yaml"] = files["config/clinic.yaml"].replace("Europe/Athens", noon)
    return {**files, "journeys/thanks.yaml": JOURNEY}


def _visit(number: int) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    return {
        "specversion": "1.0", "id": f"e-{number}", "source": "/bench", "type": "visit.completed", "subject": f"p-{number}", "time": at,
        "data": {
            "appointment_id": f"a-{number}", "starts_at": at, "services": [{"code": "HYD", "family": "facial"}],
            "patient": {"first_name": "Ada", "phone": f"+3069{number:08d}", "consent": {"sms": PURPOSES}},
        },
    }  # fmt: skip


class _Asked:
    """One of those that are measured."""

    def __init__(self, url: str, found: Provider) -> None:
        self._link, self._found = HTTPConnection(urlsplit(url).netloc, timeout=30), found
        self.times: list[float] = []

    def once(self, number: int) -> None:
        """Post a visit and wait until the provider has taken what comes of it."""
        headers = {"Content-Type": "application/cloudevents+json", "Authorization": f"Bearer {TOKEN}"}
        body, before = json.dumps(_visit(number)).encode(), self._found.accepted
        began = time.perf_counter()
        self._link.request("POST", "/events", body, headers)
        answer = self._link.getresponse()
        answer.read()
        if answer.status != 202:
            raise RuntimeError(f"the visit was answered {answer.status}")
        until(lambda: self._found.accepted > before, 30, 0.0005)
        self.times.append(time.perf_counter() - began)


@cache
def _times() -> list[list[float]]:
    """Seconds from post to yes: ours, the bare hops, the bare hops with our bell. All three stand side by side and are asked in turns, so that whatever else the machine does meets all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = [stack.enter_context(provider()) for _ in range(3)]
        house = stack.enter_context(
            running(
                folder, _rooms(), TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN=PROVIDER_TOKEN, TWILIO_BASE_URL=found[0].url,
                REVISIT_PUBLIC_URL="https://clinic.example.com",
            )
        )  # fmt: skip
        urls = [
            house.url,
            stack.enter_context(_bare(_stock, found[1].url)),
            stack.enter_context(_bare(_rung, found[2].url)),
        ]
        asked = [_Asked(url, one) for url, one in zip(urls, found, strict=True)]
        die = random.Random(1)
        for number in range(WARM + VISITS):
            for one in asked:
                time.sleep(die.uniform(*PAUSE))
                one.once(number)
    return [one.times[WARM:] for one in asked]


def _stock(url: str) -> RedisBroker:
    broker = RedisBroker(client=connect(url), namespace="bare", middleware=[])  # type: ignore[no-untyped-call]
    for queue in ("events", "sends"):
        broker.declare_queue(queue)
    return broker


def _rung(url: str) -> RedisBroker:
    return make_broker(url, namespace="bare")


def _work(make: Callable[[str], RedisBroker], queue_url: str, provider_url: str, stop: Any) -> None:
    """A worker process with the two jobs."""
    broker, there = make(queue_url), urlsplit(provider_url).netloc
    kept = threading.local()

    def send() -> None:
        if not hasattr(kept, "link"):
            kept.link = HTTPConnection(there, timeout=10)
        kept.link.request("POST", "/2010-04-01/Accounts/A/Messages.json", b"To=1&From=2&Body=3")
        kept.link.getresponse().read()

    second = dramatiq.actor(actor_name="send", queue_name="sends", broker=broker)(send)

    def fold() -> None:
        second.send()

    dramatiq.actor(actor_name="fold", queue_name="events", broker=broker)(fold)
    if not isinstance(broker, RungBroker):
        worker = dramatiq.Worker(broker, worker_timeout=POLL_MS, worker_threads=THREADS)
        worker.queue_prefetch = PREFETCH
        worker.start()
        stop.wait()
        worker.stop()
        return
    ended = threading.Event()

    def wait() -> None:
        stop.wait()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    run_worker(broker, threads=THREADS, drain=False, stop=ended)


def _serve(make: Callable[[str], RedisBroker], queue_url: str, told: Any) -> None:
    """A web process that queues the first job and says so."""
    import uvicorn

    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (until the process ends)
    broker = make(queue_url)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            more = (await receive()).get("more_body", False)
        broker.enqueue(dramatiq.Message("events", "fold", (), {}, {}))
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            told.send(self.servers[0].sockets[0].getsockname()[1])

    Server(uvicorn.Config(app, port=0, http="h11", lifespan="off", log_level="error", access_log=False)).run()


@contextmanager
def _bare(make: Callable[[str], RedisBroker], provider_url: str) -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    stop, (mine, theirs) = context.Event(), context.Pipe()
    with tempfile.TemporaryDirectory() as folder, EmbeddedQueue(Path(folder)) as queue:
        worker = context.Process(target=_work, args=(make, queue.url, provider_url, stop), daemon=True)
        web = context.Process(target=_serve, args=(make, queue.url, theirs), daemon=True)
        worker.start()
        web.start()
        try:
            yield f"http://127.0.0.1:{mine.recv()}"
        finally:
            web.terminate()
            stop.set()
            worker.join(10)
            web.join(10)


def _against(name: str, share: Callable[[list[float]], float]) -> Measure:
    ours, stock, rung = (share(times) * 1000 for times in _times())
    return Measure(
        round(ours / stock, 3),
        "ratio",
        f"{name} {ours:.0f} ms; two bare hops {stock:.0f} ms, with our bell {rung:.0f} ms; at most 2 wanted",
    )


@benchmark("latency_p50_vs_hops")
def latency_p50_vs_hops() -> Measure:
    """Visit posted → SMS taken, the median, against two hops of a bare queue."""
    return _against("p50", median)


@benchmark("latency_p99_vs_hops")
def latency_p99_vs_hops() -> Measure:
    """The same, the slowest hundredth."""
    return _against("p99", lambda times: quantiles(times, n=100)[98])


@benchmark("idle_cpu")
def idle_cpu() -> Measure:
    """What all processes of `revisit run` take of a core while there is nothing to do."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as house:
        time.sleep(SETTLES)
        before, began = house.cpu_seconds(), time.monotonic()
        time.sleep(IDLE_SECONDS)
        share = (house.cpu_seconds() - before) / (time.monotonic() - began)
    return Measure(round(share, 4), "core", f"over {IDLE_SECONDS:.0f} s; at most 0.05 wanted")
