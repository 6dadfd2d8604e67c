"""A whole application on a loopback port, with the sample clinic's rooms in force, a database of its own, and a clock that the test sets."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import urllib3

from worker.delivery.dispatch import dispatch
from worker.delivery.senders import Channels, Credentials
from worker.service.folding import fold
from worker.service.jobs import Job
from worker.service.publishing import publish
from worker.service.sweeping import sweep
from worker.service.waking import wake
from worker.store import due
from worker.store.engine import make_engine, write
from worker.store.migrate import upgrade
from worker.web.app import make_app
from worker.web.serve import WebServer
from worker.workspace.house import House
from worker.workspace.layout_new import sample_rooms

TOKEN = "a token of good length"
SECRET = "a secret of good length"
MONDAY = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
"""Noon in Athens."""


@dataclass
class Site:
    """The application under test. `jobs` are what it queued; `queue_fails` makes the queue raise, `queue_up` is what it says of itself; `on_jobs` gets the jobs as well."""

    house: House
    url: str = ""
    jobs: list[Job] = field(default_factory=list)
    queue_fails: bool = False
    queue_up: bool = True
    on_jobs: Callable[[Sequence[Job]], object] | None = None
    outbox: Path = Path()
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=20))

    def enqueue(self, jobs: Sequence[Job]) -> None:
        if self.queue_fails:
            raise ConnectionError("the queue is away")
        self.jobs += jobs
        if self.on_jobs is not None:
            self.on_jobs(jobs)

    def get(self, path: str, *, method: str = "GET", password: str | None = None) -> urllib3.BaseHTTPResponse:
        given = (
            {}
            if password is None
            else {"Authorization": "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()}
        )
        return self.pool.request(method, self.url + path, headers=given)

    def post(
        self, body: Any, kind: str = "application/json", *, token: str | None = TOKEN, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        """Post to /events; what is not bytes (or an iterator of bytes) already is written as JSON."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        given = {"Content-Type": kind, **headers}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        return self.pool.request("POST", self.url + "/events", body=body, headers=given)

    def set_clock(self, now: datetime) -> None:
        with write(self.house.engine) as conn:
            due.set_demo_clock(conn, now)

    def live(self) -> None:
        """Do all that is queued or due now, as the workers would, with the console for a provider."""
        channels = Channels(
            Credentials(None, None, "http://127.0.0.1:9", None, "http://127.0.0.1:9"), self.outbox
        )
        jobs, self.jobs = self.jobs, []
        while jobs := [following for job in jobs for following in self._do(job, channels)] or list(
            sweep(self.house).jobs
        ):
            pass
        channels.close()

    def _do(self, job: Job, channels: Channels) -> list[Job]:
        if job.kind == "fold":
            return fold(self.house, job.clinic, [int(key) for key in job.ids])
        if job.kind == "wake":
            return wake(self.house, job.clinic, job.ids)[1]
        following = [
            key for message in job.ids for key in dispatch(self.house, channels, job.clinic, message)
        ]
        return [Job("dispatch", job.clinic, tuple(following))] if following else []


@contextmanager
def a_site(
    database_url: str,
    folder: Path,
    *,
    open_page: bool = False,
    rooms: Mapping[str, str] | None = None,
    published: bool = True,
    migrated: bool = True,
) -> Iterator[Site]:
    """A running application."""
    engine = make_engine(database_url)
    if migrated:
        upgrade(engine)
    site = Site(House(engine, SECRET, "http://127.0.0.1:1", demo=True), outbox=folder / "outbox")
    if migrated:
        site.set_clock(MONDAY)
    if published:
        publish(site.house, {**sample_rooms(), **(rooms or {})})
    app = make_app(
        site.house, token=TOKEN, enqueue=site.enqueue, open_page=open_page, redis_ok=lambda: site.queue_up
    )
    ready = threading.Event()
    server = WebServer(app, "127.0.0.1", 0, lambda _: ready.set())
    site.url = server.url
    thread = threading.Thread(target=server.serve_until_stopped)
    thread.start()
    try:
        assert ready.wait(20)
        yield site
    finally:
        server.stop()
        thread.join(20)
        site.pool.clear()
        engine.dispose()
    assert not thread.is_alive()


def an_event(
    number: int = 1,
    *,
    subject: str = "p-1",
    at: datetime = MONDAY,
    kind: str = "visit.completed",
    **data: Any,
) -> dict[str, Any]:
    """An event as a clinic's system sends it; a visit by default."""
    if kind == "visit.completed":
        data = {
            "appointment_id": f"a-{number}",
            "starts_at": at.isoformat(),
            "services": [{"code": "HYD"}],
            **data,
        }
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "/book",
        "type": kind,
        "subject": subject,
        "time": at.isoformat(),
        "data": data,
    }


def a_person(**fields: Any) -> dict[str, Any]:
    """A patient's record who reads e-mail and allows everything."""
    return {
        "first_name": "Eleni",
        "email": "eleni@example.com",
        "language": "en",
        "consent": {"email": ["marketing", "care"]},
        **fields,
    }
