"""A clinic's base of any size on PostgreSQL, made in a minute or two: some patients are folded, and the database multiplies what came of them.

Rules
1. Every patient has ten visits, an address of her own, facts, segments and a next change, as if each had been folded.
2. Those who change in the night of `NOW` come in groups of `CHANGE`; a group stands aside until `wake` puts it into this night.
3. Nothing here is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import psycopg
from sqlalchemy import Engine, text

from worker.service.accepting import accept
from worker.service.folding import fold
from worker.service.publishing import publish
from worker.store.engine import make_engine, read, write
from worker.store.migrate import upgrade
from worker.workspace.house import House
from worker.workspace.layout_new import sample_rooms

CLINIC: Final = "default"
NOW: Final = datetime(2026, 5, 12, 21, 30, tzinfo=UTC)
"""Half an hour after midnight in Athens."""
CHANGE: Final = 1_000
VISITS: Final = 10
RESTING, CHANGING = 40, 10
_LAST: Final = datetime(2026, 2, 13, 10, tzinfo=UTC)
"""The last visit of those who change: three months before this night."""
_ASIDE: Final = timedelta(days=3650)

_PATIENTS: Final = """
INSERT INTO patients (clinic_id, patient_id, stage, members, as_of, next_change_at, rules_version, queued_until, tries)
SELECT t.clinic_id, 'p' || lpad(n::text, 8, '0'), t.stage, t.members, t.as_of,
       t.next_change_at + CASE WHEN n < {changing} THEN interval '3650 days' ELSE interval '0' END, t.rules_version, NULL, 0
FROM {numbers} JOIN patients t ON t.clinic_id = 'default' AND t.patient_id = {template}
"""
_LEDGERS: Final = """
INSERT INTO ledgers (clinic_id, patient_id, data, seen)
SELECT t.clinic_id, 'p' || lpad(n::text, 8, '0'),
       replace(replace(t.data::text, t.patient_id, 'p' || lpad(n::text, 8, '0')), '+30690000' || right(t.patient_id, 4), '+3069' || lpad((n + 10000)::text, 8, '0'))::json,
       t.seen
FROM {numbers} JOIN ledgers t ON t.clinic_id = 'default' AND t.patient_id = {template}
"""
_MEMBERSHIPS: Final = """
INSERT INTO memberships (clinic_id, segment, patient_id)
SELECT t.clinic_id, t.segment, 'p' || lpad(n::text, 8, '0')
FROM {numbers} JOIN memberships t ON t.clinic_id = 'default' AND t.patient_id = {template}
"""


def house_on(url: str, at: datetime) -> House:
    """A house whose clock stands."""
    return House(make_engine(url), "secret", "http://127.0.0.1:8000", wall=partial(_fixed, at))


def build(url: str, patients: int, groups: int) -> House:
    """A migrated database with so many patients; returns its house, with its clock at `NOW`. `groups` times `CHANGE` of them will change."""
    house = house_on(url, NOW - timedelta(hours=12))
    upgrade(house.engine)
    publish(house, sample_rooms())
    taken = accept(house, CLINIC, list(_templates()), "http")
    if taken.rejected:
        raise ValueError(f"the corpus is broken: {taken.rejected[0]}")
    for job in taken.jobs:
        fold(house, CLINIC, [int(key) for key in job.ids])
    changing = groups * CHANGE
    parts = {
        "changing": changing,
        "numbers": f"generate_series(0, {patients - 1}) n",
        "template": f"CASE WHEN n < {changing} THEN 't' || lpad((n % {CHANGING} + {RESTING})::text, 4, '0') ELSE 't' || lpad((n % {RESTING})::text, 4, '0') END",
    }
    with write(house.engine) as conn:
        for statement in (_PATIENTS, _LEDGERS, _MEMBERSHIPS):
            conn.execute(text(statement.format(**parts)))
    with write(house.engine) as conn:
        conn.execute(text("UPDATE patients SET next_change_at = NULL WHERE patient_id LIKE 't%'"))
    tidy(url)
    house.wall = partial(_fixed, NOW)
    return house


def tidy(url: str) -> None:
    """As a database is that has stood for a while: its statistics known, nothing left to write."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def wake(engine: Engine, group: int) -> None:
    """Put a group into this night."""
    first, last = (f"p{number:08d}" for number in (group * CHANGE, group * CHANGE + CHANGE - 1))
    with write(engine) as conn:
        conn.execute(
            text(
                "UPDATE patients SET next_change_at = next_change_at - interval '3650 days' WHERE clinic_id = 'default' AND patient_id BETWEEN :first AND :last"
            ),
            {"first": first, "last": last},
        )


def bytes_of(engine: Engine) -> dict[str, int]:
    """What each table takes on the disk, its indexes included."""
    asked = "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    with read(engine) as conn:
        return {name: size for name, size in conn.execute(text(asked)) if size > 1_000_000}


def _fixed(at: datetime) -> datetime:
    return at


def _templates() -> Iterator[dict[str, Any]]:
    told = (NOW - timedelta(days=900)).isoformat()
    for number in range(RESTING + CHANGING):
        key = f"t{number:04d}"
        person = {
            "first_name": "Ada", "phone": f"+30690000{number:04d}", "email": f"{key}@example.com", "language": ("en", "el")[number % 2],
            "consent": {"sms": ["marketing", "care"], "email": ["marketing", "care"]},
        }  # fmt: skip
        yield _event(f"r-{key}", "patient.upserted", key, told, {"patient": person, "historical": True})
        last = _LAST if number >= RESTING else _LAST + timedelta(days=40 + number)
        for visit in range(VISITS):
            at = (last - timedelta(days=(30 + number % 30) * visit)).isoformat()
            data = {
                "appointment_id": f"a-{key}-{visit}", "starts_at": at, "services": [{"code": "HYD"}], "practitioner": f"dr-{number % 3}",
                "net": {"minor": 4000, "currency": "EUR"}, "historical": True,
            }  # fmt: skip
            yield _event(f"v-{key}-{visit}", "visit.completed", key, at, data)


def _event(key: str, name: str, subject: str, at: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"specversion": "1.0", "id": key, "source": "/corpus", "type": name, "subject": subject, "time": at, "data": data}  # fmt: skip
