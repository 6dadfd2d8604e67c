"""A clinic for exports, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake.desk import FILES, Desk
from worker.service.publishing import publish
from worker.store.engine import make_engine
from worker.workspace.house import House


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """A clinic that is live and has no patient yet; its time stands still."""
    engine = make_engine(database_url)
    found = Desk(House(engine, "secret", "http://127.0.0.1:8000"), tmp_path)
    found.house.wall = lambda: found.now
    publish(found.house, FILES)
    yield found
    engine.dispose()
