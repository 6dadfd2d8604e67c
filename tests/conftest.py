"""Real services for the tests: a Valkey and a PostgreSQL of our own, one each per test process, empty for each test.

A service that cannot be started is a failure, never a skip. What the tests write lies in memory where it can (`tests/scratch.py`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import postgres, scratch, statements
from tests.scheduling import Together, rank
from worker.queue.client import connect
from worker.queue.embedded import EmbeddedQueue
from worker.store.engine import make_engine
from worker.store.migrate import upgrade

# The same examples every time, so that a run says something about the change that it is run on. To look for new ones: REVISIT_TEST_EXPLORE=1.
settings.register_profile(
    "steady",
    derandomize="REVISIT_TEST_EXPLORE" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("steady")

statements.share()

# Before anybody asks for a temporary folder; the processes that run the tests are started from this one and inherit it.
_SCRATCH = scratch.take()


def pytest_unconfigure() -> None:
    """Frees what `scratch` took."""
    if _SCRATCH is not None:
        scratch.leave(_SCRATCH)


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


@pytest.fixture(scope="session")
def _tables_of_postgres(_postgres: Path) -> str:
    """The name of a PostgreSQL database with all tables and nothing in them, to be copied: migrating takes longer than most tests."""
    postgres.admin(_postgres, "CREATE DATABASE tables")
    _migrated(postgres.url_of(_postgres, "tables"))
    return "tables"


@pytest.fixture(scope="session")
def _tables_of_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file of SQLite."""
    path = tmp_path_factory.mktemp("tables") / "revisit.db"
    _migrated(f"sqlite:///{path}")
    return path


def _migrated(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()


@contextmanager
def _database(folder: Path, template: str) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex}"
    postgres.admin(folder, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield postgres.url_of(folder, name)
    postgres.admin(folder, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(_postgres: Path, _tables_of_postgres: str) -> Iterator[str]:
    """The SQLAlchemy URL of a new PostgreSQL database with all tables."""
    with _database(_postgres, _tables_of_postgres) as url:
        yield url


@pytest.fixture
def bare_postgres_url(_postgres: Path) -> Iterator[str]:
    """The SQLAlchemy URL of a new PostgreSQL database without tables."""
    with _database(_postgres, "template1") as url:
        yield url


@pytest.fixture
def sqlite_url(_tables_of_sqlite: Path, tmp_path: Path) -> str:
    """The SQLAlchemy URL of a new SQLite database with all tables."""
    path = tmp_path / "revisit.db"
    shutil.copyfile(_tables_of_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The SQLAlchemy URL of a new database with all tables: the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same without tables, for those who make them."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bare.db'}"
    url: str = request.getfixturevalue("bare_postgres_url")
    return url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first, so that no process is left with them at the end."""
    items.sort(key=lambda item: rank(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Tests that share something dear go to one process."""
    config.option.loadscopereorder = False
    return Together(config, log)
