"""Real services for the tests: a Valkey and a PostgreSQL of our own, one each per test process, empty for each test.

A service that cannot be started is a failure, never a skip.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import postgres
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


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Path]:
    """The folder of the socket of a running PostgreSQL server."""
    with postgres.server() as folder:
        yield folder


@pytest.fixture
def postgres_url(_postgres: Path) -> Iterator[str]:
    """The SQLAlchemy URL of a new, empty PostgreSQL database."""
    name = f"t_{uuid.uuid4().hex}"
    postgres.admin(_postgres, f"CREATE DATABASE {name}")
    yield postgres.url_of(_postgres, name)
    postgres.admin(_postgres, f"DROP DATABASE {name} WITH (FORCE)")


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
