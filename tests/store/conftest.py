"""A migrated, empty database for each test, on both engines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from worker.store.engine import make_engine


@pytest.fixture
def bare(bare_database_url: str) -> Iterator[Engine]:
    """An engine on a new database without tables."""
    engine = make_engine(bare_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a new database with all tables."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()
