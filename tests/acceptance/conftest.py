"""One running system for the tests that only bring patients of their own, and a maker of systems for the others. Each on SQLite and on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from tests.acceptance.clinic import athens
from tests.acceptance.system import System
from tests.leaks import WATCH

MONDAY_NOON = athens(6, 1, 12)


@pytest.fixture(scope="session", autouse=True)
def nothing_leaked() -> Iterator[None]:
    """At the end of the session: what the processes logged and what the providers were sent holds nothing of a patient but the messages themselves."""
    yield
    assert not WATCH.findings, "\n".join(
        [f"{len(WATCH.findings)} times a patient's data stood where it must not:", *WATCH.findings[:50]]
    )


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def new_database(request: pytest.FixtureRequest) -> Callable[[], str | None]:
    """Makes the URL of a new, empty database: of the kind that the test runs on; None stands for SQLite in the data directory."""
    if request.param == "sqlite":
        return lambda: None
    folder: Path = request.getfixturevalue("_postgres")

    def make() -> str:
        name = f"a_{uuid.uuid4().hex}"
        with psycopg.connect(
            host=str(folder), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql+psycopg://postgres@/{name}?host={quote(str(folder))}"

    return make


@pytest.fixture(scope="session")
def house(
    new_database: Callable[[], str | None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """`revisit run`, on a clock that the tests move on. It is shared: bring patients of your own, and go from `house.now()`."""
    with System(tmp_path_factory.mktemp("house"), database_url=new_database(), clock=MONDAY_NOON) as system:
        system.run()
        yield system


@pytest.fixture
def make_system(new_database: Callable[[], str | None], tmp_path: Path) -> Iterator[Callable[..., System]]:
    """Makes a system of the test's own, with its stand-ins running and nothing else; takes what `System` takes."""
    with ExitStack() as stack:

        def make(*, clock: datetime | None = None, **more: Any) -> System:
            return stack.enter_context(System(tmp_path, database_url=new_database(), clock=clock, **more))

        yield make
