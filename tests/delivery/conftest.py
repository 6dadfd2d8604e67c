"""Fixtures of the tests of delivery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.desk import Desk, desk_of


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """A clinic on each of the databases, and its provider."""
    with desk_of(database_url, tmp_path) as found:
        yield found
