"""The whole system as real processes, with strict stand-ins for the providers, as a clinic would run it.

Where `clock` is given, time is the row of the database that every process reads: it stands still until `move_clock`. `settle` waits until all that is
due at that moment is done, so a test can say "nothing was sent" without waiting for something not to happen.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import redis
import urllib3
from sqlalchemy import Connection, select

from tests import commands
from tests.acceptance.clinic import ATHENS, FILES, Person, Raw, workspace
from tests.eventually import alive, eventually
from tests.leaks import WATCH
from tests.standins.sendgrid import API_KEY, Email, SendGridStandin
from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN, Sms, TwilioStandin
from tests.traces import traces_of
from worker.domain.history import Trace
from worker.queue.broker import Depth, depths, make_broker
from worker.queue.client import connect
from worker.queue.embedded import find
from worker.store import due, outbox, rooms, schema
from worker.store.engine import make_engine, read, write
from worker.store.migrate import upgrade

REVISIT = Path(sys.executable).with_name("revisit")
TOKEN = "token-of-the-tests"
CLINIC = "default"
PATIENCE = 60.0
"""Seconds for whatever should happen at once."""
START_PATIENCE = 120.0

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class System:
    """One clinic's house. A context manager: at its end every process is told to stop, and none may be left."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str | None = None,
        redis_url: str | None = None,
        files: Mapping[str, str] = FILES,
        clock: datetime | None = None,
    ) -> None:
        self.folder = folder
        self.workspace = workspace(folder / "workspace", files)
        self.data = folder / "data"
        self.data.mkdir()
        self.log = folder / "log"
        self.sms, self.email = TwilioStandin(), SendGridStandin()
        self.port = free_port()
        self._given_redis = redis_url
        self._database_url = database_url or f"sqlite:///{self.data / 'revisit.db'}"
        self.engine = make_engine(self._database_url)
        upgrade(self.engine)
        if clock is not None:
            self.move_clock(clock)
        self._http = urllib3.PoolManager(retries=False)
        self.main: subprocess.Popen[bytes]
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self.sms.start()
        self.email.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            for process in self._processes:
                for pid in members(process.pid):
                    os.kill(pid, signal.SIGKILL)
            self._http.clear()
            self.engine.dispose()
            self.sms.close()
            self.email.close()
            WATCH.rooms(files_of(self.workspace))
            WATCH.log(str(self.log), self.said())
            WATCH.requests(f"Twilio's stand-in of {self.folder}", self.sms.requests)
            WATCH.requests(f"SendGrid's stand-in of {self.folder}", self.email.requests)

    # -- processes ------------------------------------------------------------------------------------------------------------

    @property
    def environment(self) -> dict[str, str]:
        """What every process is given."""
        env = clean_environment()
        env |= {
            "REVISIT_WORKSPACE": str(self.workspace), "REVISIT_DATA_DIR": str(self.data), "REVISIT_DATABASE_URL": self._database_url,
            "REVISIT_API_TOKEN": TOKEN, "REVISIT_SECRET_KEY": "secret-of-the-tests",
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "TWILIO_BASE_URL": self.sms.url,
            "SENDGRID_API_KEY": API_KEY, "SENDGRID_BASE_URL": self.email.url,
        }  # fmt: skip
        if self._given_redis is not None:
            env["REVISIT_REDIS_URL"] = self._given_redis
        return env

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a command that stays, in a process group of its own."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [REVISIT, *command],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_us,  # noqa: PLW1509
            )
        self._processes.append(process)
        return process

    def run(self) -> subprocess.Popen[bytes]:
        """`revisit run`, until it is ready."""
        self.main = self.start("run", "--port", str(self.port))
        self.await_ready(self.main)
        return self.main

    def await_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for /readyz."""
        last: list[object] = [""]

        def ready() -> bool:
            if process.poll() is not None:
                return True
            try:
                answer = self.request("GET", "/readyz")
            except urllib3.exceptions.HTTPError as error:
                last[0] = error
                return False
            last[0] = answer.data
            return answer.status == 200

        try:
            eventually(ready, START_PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"not ready: {last[0]!r}; the processes said:\n{self.said()}") from error
        assert process.poll() is None, f"it ended with {process.returncode}:\n{self.said()}"

    def command(self, *command: str, answers: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, in the process of the tests."""
        return commands.said(*command, env=self.environment, cwd=self.folder, answers=answers)

    def process(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, in a process of its own, as a person would."""
        return revisit(*command, env=self.environment, cwd=self.folder)

    def stop(self) -> None:
        """SIGTERM to each command, as a service manager does; each must end well and leave nobody of its group behind."""
        running = [process for process in self._processes if process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(60)
        left = {pid: _command_line(pid) for process in self._processes for pid in members(process.pid)}
        assert not left, f"still there after the end: {left}"
        assert [process.returncode for process in running] == [0] * len(running), self.said()

    def child(self, process: subprocess.Popen[bytes], role: str) -> int:
        """The process that a `run` keeps for a role: `web`, `worker`, `ticker`; or the embedded `valkey` server."""

        def is_it(words: list[str]) -> bool:
            return "valkey-server" in words[0] if role == "valkey" else words[1:4] == ["-m", "worker", role]

        return eventually(
            lambda: next((pid for pid in members(process.pid) if is_it(_command_line(pid))), 0), PATIENCE
        )

    def said(self) -> str:
        """What the processes wrote."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # -- the door -------------------------------------------------------------------------------------------------------------

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        """One HTTP request."""
        named = {
            "Authorization": f"Bearer {TOKEN}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self._http.request(
            method, f"http://127.0.0.1:{self.port}{path}", body=body, headers=named, timeout=PATIENCE
        )

    def post(self, events: Sequence[Raw] | Raw) -> dict[str, Any]:
        """Post events; they are taken."""
        kind = (
            "application/cloudevents+json"
            if isinstance(events, dict)
            else "application/cloudevents-batch+json"
        )
        answer = self.request("POST", "/events", json.dumps(events).encode(), Content_Type=kind)
        assert answer.status == 202, answer.data
        told: dict[str, Any] = answer.json()
        return told

    def tell(self, *events: Raw) -> None:
        """Post events that are all new and good, and wait until everything that follows at once is done."""
        assert self.post(list(events)) == {"accepted": len(events), "duplicates": 0, "rejected": []}
        self.settle()

    def ingest(self, events: Sequence[Raw], name: str = "events.jsonl") -> subprocess.CompletedProcess[str]:
        """`revisit ingest` of a file of these events."""
        path = self.folder / name
        path.write_text("".join(json.dumps(event) + "\n" for event in events))
        return self.process("ingest", str(path))

    # -- time -----------------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """What the clock row says, as the clinic reads it."""
        with read(self.engine) as conn:
            found = due.demo_clock(conn)
        assert found is not None
        return found.astimezone(ATHENS)

    def move_clock(self, at: datetime) -> None:
        """Set the clock row. It only ever goes forward."""
        with write(self.engine) as conn:
            before = due.demo_clock(conn)
            assert before is None or before <= at
            due.set_demo_clock(conn, at)

    def live_through(self, at: datetime) -> None:
        """Move the clock and let the system do all that is due by then."""
        self.move_clock(at)
        self.settle()

    def settle(self, patience: float = PATIENCE) -> None:
        """Wait until nothing is due any more and nothing is on the queue."""

        def idle() -> bool:
            with read(self.engine) as conn:
                left = due.count_due(conn, self._now(conn)) or len(rooms.imports_done(conn))
            return not left and not any(depth.waiting or depth.held for depth in self.depths().values())

        eventually(idle, patience)

    def _now(self, conn: Connection) -> datetime:
        now = due.demo_clock(conn)
        assert now is not None, "without a clock row nothing ever settles: time goes on"
        return now

    # -- the queue ------------------------------------------------------------------------------------------------------------

    @property
    def redis_url(self) -> str:
        """The queue that the processes use."""
        return self._given_redis or eventually(lambda: find(self.data), PATIENCE) or ""

    def redis(self, ask: Callable[[redis.Redis], Any]) -> Any:
        """Ask the queue's server something."""
        client = connect(self.redis_url)
        try:
            return ask(client)
        finally:
            client.close()

    def depths(self) -> dict[str, Depth]:
        """What lies on the queues; nothing where the server is away."""
        broker = make_broker(self.redis_url)
        try:
            return depths(broker)
        except redis.RedisError:
            return {}
        finally:
            broker.client.close()

    # -- what came of it ------------------------------------------------------------------------------------------------------

    def texts(self, who: Person) -> list[Sms]:
        """What arrived on the patient's telephone."""
        return [sms for sms in self.sms.messages if sms.to == who.phone]

    def mails(self, who: Person) -> list[Email]:
        """What arrived in the patient's mailbox."""
        return [mail for mail in self.email.messages if mail.to == who.email]

    def messages(self, who: Person) -> list[outbox.Row]:
        """The patient's rows of the outbox, in order of their making."""
        c = schema.messages.c
        with read(self.engine) as conn:
            ids = (
                conn.execute(select(c.id).where(c.clinic_id == CLINIC, c.patient_id == who.id))
                .scalars()
                .all()
            )
            return sorted(
                outbox.get(conn, CLINIC, ids), key=lambda row: (row.created_at, row.message.step_due_at)
            )

    def message(self, who: Person) -> outbox.Row:
        """The patient's only message."""
        (only,) = self.messages(who)
        return only

    def traces(self, who: Person) -> list[Trace]:
        """Why what was done to the patient was done, or was not."""
        with read(self.engine) as conn:
            return traces_of(conn, CLINIC, who.id)

    def segments(self, who: Person) -> set[str]:
        """The segments that the patient is in, as the pages count them."""
        c = schema.memberships.c
        with read(self.engine) as conn:
            return set(
                conn.execute(select(c.segment).where(c.clinic_id == CLINIC, c.patient_id == who.id)).scalars()
            )

    def ledger(self, patient: str) -> Any:
        """The patient's ledger as stored; None for nobody."""
        c = schema.ledgers.c
        with read(self.engine) as conn:
            return conn.execute(
                select(c.data).where(c.clinic_id == CLINIC, c.patient_id == patient)
            ).scalar_one_or_none()

    def rows(self, table: str, *wanted: str, **which: Any) -> list[tuple[Any, ...]]:
        """Columns of those rows of a table, in order of its key."""
        found = schema.metadata.tables[table]
        statement = select(*(found.c[name] for name in wanted)).where(
            *(found.c[name] == value for name, value in which.items())
        )
        with read(self.engine) as conn:
            return [tuple(row) for row in conn.execute(statement.order_by(*found.primary_key.columns))]


def files_of(folder: Path) -> dict[str, str]:
    """The configuration of a workspace."""
    return {f"config/{path.name}": path.read_text(encoding="utf-8") for path in folder.glob("config/*.yaml")}


def clean_environment() -> dict[str, str]:
    """Our environment without anything that speaks to Revisit; as on a clinic's machine, compiled modules are kept."""
    ours = ("REVISIT_", "TWILIO_", "SENDGRID_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def revisit(*command: str, env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [REVISIT, *command],
        env=dict(env),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=START_PATIENCE,
        check=False,
    )


def members(group: int) -> list[int]:
    """The living processes of a process group."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def _command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return [""]


def kill(pid: int) -> None:
    """kill -9, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(pid), PATIENCE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end_with_us() -> None:
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
