"""No query of a sweep looks through all patients, ledgers, events, enrollments or messages: the databases' own plans say so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import Connection, Engine, event, text

from tests.store.samples import CLINIC, DAY, LEASE, LONG_AGO, NOW
from worker.store import due, erasing, redacting, rollouts, rooms, turns
from worker.store.engine import make_engine, write

LARGE: Final = ("patients", "ledgers", "events", "enrollments", "messages")
ROWS: Final = 20_000
_FILL: Final = """
INSERT INTO patients (clinic_id, patient_id, members, next_change_at, rules_version, tries) SELECT :clinic, 'p-' || n, '[]', :far, 1, 0 FROM {};
INSERT INTO ledgers (clinic_id, patient_id, data) SELECT :clinic, 'p-' || n, '{{}}' FROM {};
INSERT INTO events (clinic_id, source, event_id, type, subject, time, data, received_at, state, tries) SELECT :clinic, '/book', 'e-' || n,
'visit.completed', 'p-' || n, :past, '{{}}', :past, 'done', 0 FROM {};
INSERT INTO enrollments (clinic_id, id, patient_id, journey, version, anchor, entered_at, started_by, position, based_at, hears_from, due_at, excused,
outcome, reason, reached, heard, held_out, tries) SELECT :clinic, 'r-' || n, 'p-' || n, 'nudge', 'v', 'a', :past, 'time', '1', :past, :past, :past, 0,
'finished', '', 0, '[]', false, 0 FROM {};
INSERT INTO messages (id, clinic_id, key, patient_id, enrollment, journey, version, step, template, purpose, channels, step_due_at, due_at,
expires_at, state, excused, reason, decided_at, priority, tries, created_at, redacted_at) SELECT 'm-' || n, :clinic, 'k-' || n, 'p-' || n, 'r-' || n,
'nudge', 'v', 's', 't', 'care', '[]', :past, :past, :past, 'delivered', 0, '', :past, 5, 0, :past, :past FROM {}
"""


def _fill(conn: Connection) -> None:
    """A base at rest: everybody has a far change, a run that has ended, a message that was sent and an event that was folded."""
    far, past = NOW + 300 * DAY, NOW - 300 * DAY
    numbers = (
        f"generate_series(1, {ROWS}) AS s(n)"
        if conn.dialect.name == "postgresql"
        else f"(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {ROWS}) SELECT n FROM c) AS s"
    )
    given = {"clinic": CLINIC, "far": far, "past": past}
    if conn.dialect.name == "sqlite":
        given |= {name: at.strftime("%Y-%m-%d %H:%M:%S.%f") for name, at in (("far", far), ("past", past))}
    else:
        conn.execute(text("SET LOCAL synchronous_commit = off"))
    for statement in _FILL.split(";"):
        names = {name: given[name] for name in given if f":{name}" in statement}
        conn.execute(text(statement.format(numbers)), names)


@pytest.fixture
def resting(database_url: str) -> Iterator[Engine]:
    """A database with a base at rest, as one that has stood for a while: with statistics."""
    engine = make_engine(database_url)
    with write(engine) as conn:
        rooms.publish(conn, CLINIC, {"a": "b"}, NOW, {})
        _fill(conn)
        conn.execute(
            text(
                "UPDATE patients SET erased_at = next_change_at, next_change_at = NULL WHERE patient_id = 'p-7'"
            )
        )
        conn.execute(text("ANALYZE"))
    yield engine
    engine.dispose()


def _sweep(conn: Connection) -> None:
    """Everything that a sweep asks while nothing is due, and what follows where something is."""
    due.anything(conn, NOW, NOW)
    for take in (
        due.take_events,
        due.take_patients,
        due.take_stale_rules,
        due.take_enrollments,
        due.take_messages,
    ):
        take(conn, NOW, LEASE, 2_000)
    due.take_lookups(conn, NOW, LEASE, 2_000)
    due.expired_claims(conn, NOW, 2_000)
    due.next_due(conn, NOW)
    due.count_due(conn, NOW)
    rooms.imports_done(conn)
    rollouts.due(conn, NOW)
    turns.anybody(conn)
    turns.waiting(conn, NOW)
    turns.sharing(conn, CLINIC, NOW)
    turns.given(conn, CLINIC, "nudge", NOW - DAY)
    redacting.bodies(conn, CLINIC, None, LONG_AGO, 500, NOW)
    redacting.answers(conn, CLINIC, None, LONG_AGO, 500, NOW)
    erasing.stragglers(conn, CLINIC, NOW - timedelta(days=2), 500, NOW)


@contextmanager
def _plans(engine: Engine) -> Iterator[list[tuple[str, list[str]]]]:
    """Each statement that is sent meanwhile, with the tables that its plan reads whole."""
    found: list[tuple[str, list[str]]] = []

    def heard(_conn: Any, cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "WITH", "DELETE")):
            found.append((statement, _whole(engine.dialect.name, cursor.connection, statement, given)))

    event.listen(engine, "before_cursor_execute", heard)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", heard)


def _whole(dialect: str, connection: Any, statement: str, given: Any) -> list[str]:
    cursor = connection.cursor()
    if dialect == "postgresql":
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", given)
        plan = cursor.fetchone()[0]
        return list(_scans((plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]))
    cursor.execute(f"EXPLAIN QUERY PLAN {statement}", given)
    # `SCAN x USING INDEX` walks an index from its first row to its last; a partial one holds only what is waited for.
    lines = [row[3] for row in cursor.fetchall()]
    return [line for line in lines if re.match(r"SCAN \w+", line) and not _partial(line)]


def _partial(line: str) -> bool:
    waited = ("new", "due", "next", "claimed", "lookup", "turn", "open", "queued", "next_change", "under_way")
    return re.search(rf"INDEX ix_\w+?_({'|'.join(waited)})$", line) is not None


def _scans(node: dict[str, Any]) -> Iterator[str]:
    # An index of all rows is looked through whole where there is no condition on it.
    walked = node["Node Type"] in ("Index Scan", "Index Only Scan") and "Index Cond" not in node
    whole = node["Node Type"] == "Seq Scan" or (walked and not _partial(f"INDEX {node['Index Name']}"))
    if whole and node["Relation Name"] in LARGE:
        yield f"{node['Node Type']} {node['Relation Name']} {node.get('Index Name', '')} {node.get('Filter', '')}"
    for below in node.get("Plans", ()):
        yield from _scans(below)


def _named(whole: list[str]) -> list[str]:
    return [line for line in whole if any(table in line for table in LARGE)]


def test_no_query_of_a_sweep_looks_through_all_of_anything(resting: Engine) -> None:
    with _plans(resting) as plans, write(resting) as conn:
        _sweep(conn)
    assert len(plans) > 20, "every query is looked at"
    assert [(statement, _named(whole)) for statement, whole in plans if _named(whole)] == []


def test_a_look_at_everybody_is_seen(resting: Engine) -> None:
    with _plans(resting) as plans, write(resting) as conn:
        conn.execute(text("SELECT count(*) FROM patients WHERE tries > 3"))
        conn.execute(text("SELECT count(*) FROM messages WHERE journey = 'x'"))
    assert [bool(_named(whole)) for _, whole in plans] == [True, True]
