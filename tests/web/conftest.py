"""Sites to ask: on SQLite, and on both databases where what is written matters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.site import Site, a_site


@pytest.fixture
def site(sqlite_url: str, tmp_path: Path) -> Iterator[Site]:
    """On SQLite."""
    with a_site(sqlite_url, tmp_path) as running:
        yield running


@pytest.fixture
def door(database_url: str, tmp_path: Path) -> Iterator[Site]:
    """On SQLite, and once more on PostgreSQL."""
    with a_site(database_url, tmp_path) as running:
        yield running
