"""What is done to a clinic's rules is kept."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from tests.delivery.desk import FILES
from worker.service.publishing import publish
from worker.store.engine import make_engine, read
from worker.store.migrate import upgrade
from worker.store.schema import audit
from worker.workspace.house import House


def test_publishing_is_noted_once_for_each_version(database_url: str) -> None:
    engine = make_engine(database_url)
    upgrade(engine)
    house = House(
        engine, "secret", "http://127.0.0.1:8000", wall=lambda: datetime(2026, 3, 3, 10, tzinfo=UTC)
    )
    for policy in ("{}", "{}", "feed: {max_age: 36 hours}"):
        publish(house, {**FILES, "config/policy.yaml": policy})
    with read(engine) as conn:
        rows = conn.execute(select(audit.c.action, audit.c.detail).order_by(audit.c.id)).all()
    assert [(action, detail["version"]) for action, detail in rows] == [("published", 1), ("published", 2)]
    engine.dispose()
