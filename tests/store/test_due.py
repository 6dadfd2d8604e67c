"""What is due is taken once, the oldest first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from tests.store.samples import (
    CLINIC,
    DAY,
    LEASE,
    LONG_AGO,
    NOW,
    STAGES,
    a_message,
    a_run,
    an_event,
    keep,
    together,
)
from worker.domain.planner import Patient, Plan
from worker.store import decided, due, events, outbox, patients, rooms
from worker.store.engine import read, write

Taken = tuple[Any, ...]
COUNT = 60


def _events(engine: Engine) -> None:
    with write(engine) as conn:
        events.accept(conn, CLINIC, [an_event(number) for number in range(COUNT)], NOW)


def _patients(engine: Engine) -> None:
    keep(
        engine, *[(Patient(f"p-{n}", as_of=NOW, next_change_at=NOW - n * DAY), Plan()) for n in range(COUNT)]
    )


def _stale(engine: Engine) -> None:
    keep(engine, *[(Patient(f"p-{n}", as_of=NOW, rules_version=0), Plan()) for n in range(COUNT)])
    keep(
        engine,
        (Patient("new", as_of=NOW, rules_version=1), Plan()),
        (Patient("never", rules_version=None), Plan()),
    )
    with write(engine) as conn:
        rooms.publish(conn, CLINIC, {"a": "b"}, NOW, {})


def _enrollments(engine: Engine) -> None:
    keep(engine, *[_with_run(f"p-{n}", NOW - n * DAY) for n in range(COUNT)])


def _with_run(pid: str, due_at: datetime | None) -> tuple[Patient, Plan]:
    run = a_run(pid, due_at=due_at)
    return Patient(pid, as_of=NOW, enrollments={run.id: run}), Plan(enrollments={run.id})


def _messages(engine: Engine) -> None:
    keep(engine, *[_with_message(f"p-{n}", NOW - n * DAY) for n in range(COUNT)])


def _with_message(pid: str, due_at: datetime, **fields: Any) -> tuple[Patient, Plan]:
    message = a_message(pid, due_at=due_at, **fields)
    return Patient(pid, as_of=NOW, messages={message.key: message}), Plan(messages={message.key})


KINDS: list[tuple[Callable[[Engine], None], Callable[..., list[Taken]]]] = [
    (_events, due.take_events),
    (_patients, due.take_patients),
    (_stale, due.take_stale_rules),
    (_enrollments, due.take_enrollments),
    (_messages, due.take_messages),
]
each_kind = pytest.mark.parametrize(
    ("fill", "take"), KINDS, ids=["events", "patients", "rules", "enrollments", "messages"]
)


def _pid(conn: Connection, row: Taken) -> str:
    """The patient of what was taken."""
    if str(row[1]).startswith("p-"):
        return str(row[1])
    [found] = outbox.get(conn, CLINIC, [row[1]])
    return found.message.patient


@each_kind
def test_a_row_goes_to_one_taker_only(
    engine: Engine, fill: Callable[[Engine], None], take: Callable[..., list[Taken]]
) -> None:
    fill(engine)

    def taker() -> list[Taken]:
        mine: list[Taken] = []
        for _ in range(COUNT):
            with write(engine) as conn:
                mine += take(conn, NOW, LEASE, 7)
        return mine

    taken = [row[:2] for rows in together(taker, taker, taker) for row in rows]
    assert len(taken) == COUNT
    assert len(set(taken)) == COUNT


@each_kind
def test_a_lease_that_has_run_out_frees_the_row(
    engine: Engine, fill: Callable[[Engine], None], take: Callable[..., list[Taken]]
) -> None:
    fill(engine)
    with write(engine) as conn:
        assert len(take(conn, NOW, LEASE, 1000)) == COUNT
        assert take(conn, NOW + LEASE - timedelta(seconds=1), LEASE, 1000) == []
        assert len(take(conn, NOW + LEASE, LEASE, 1000)) == COUNT
        assert len(take(conn, NOW, LEASE, 1000, wall=NOW + 2 * LEASE)) == COUNT
        assert take(conn, NOW + 9 * DAY, LEASE, 1000, wall=NOW + 2 * LEASE) == []


@each_kind
def test_no_more_than_the_limit_is_taken(
    engine: Engine, fill: Callable[[Engine], None], take: Callable[..., list[Taken]]
) -> None:
    fill(engine)
    with write(engine) as conn:
        assert len(take(conn, NOW, LEASE, 7)) == 7
        assert len(take(conn, NOW, LEASE, 1000)) == COUNT - 7


@pytest.mark.parametrize(
    ("fill", "take"), KINDS[1:2] + KINDS[3:], ids=["patients", "enrollments", "messages"]
)
def test_the_oldest_go_first(
    engine: Engine, fill: Callable[[Engine], None], take: Callable[..., list[Taken]]
) -> None:
    fill(engine)
    with write(engine) as conn:
        taken = [_pid(conn, row) for row in take(conn, NOW, LEASE, 5)]
    assert taken == [f"p-{n}" for n in range(COUNT - 1, COUNT - 6, -1)]


@pytest.mark.parametrize(
    ("fill", "take"), KINDS[1:2] + KINDS[3:], ids=["patients", "enrollments", "messages"]
)
def test_what_is_not_due_is_not_taken(
    engine: Engine, fill: Callable[[Engine], None], take: Callable[..., list[Taken]]
) -> None:
    fill(engine)
    with write(engine) as conn:
        assert len(take(conn, NOW - 10 * DAY, LEASE, 1000)) == COUNT - 10


def test_events_tell_how_often_they_were_tried(engine: Engine) -> None:
    with write(engine) as conn:
        [seq] = events.accept(conn, CLINIC, [an_event()], NOW, queued_until=NOW + LEASE).seqs
        assert due.take_events(conn, NOW, LEASE, 10) == []
        assert due.take_events(conn, NOW + LEASE, LEASE, 10) == [(CLINIC, seq, 1)]
        assert due.take_events(conn, NOW + 2 * LEASE, LEASE, 10) == [(CLINIC, seq, 2)]
        assert events.load(conn, CLINIC, [seq])[0].tries == 2
        events.done(conn, [seq], NOW)
        assert due.take_events(conn, NOW + 9 * LEASE, LEASE, 10) == []


def test_the_lower_priority_goes_first_among_those_due_together(engine: Engine) -> None:
    changes = [
        _with_message("p-1", NOW),
        _with_message("p-2", NOW, journey="urgent"),
        _with_message("p-3", NOW - DAY),
    ]
    with write(engine) as conn:
        patients.lock(conn, CLINIC, ["p-1", "p-2", "p-3"], since=LONG_AGO)
        decided.save(conn, CLINIC, changes, NOW, stages=STAGES, priorities={"urgent": 1})
        assert [_pid(conn, row) for row in due.take_messages(conn, NOW, LEASE, 10)] == ["p-3", "p-2", "p-1"]


def test_time_stands_still_for_a_clinic_with_an_open_import(engine: Engine) -> None:
    _patients(engine)
    with write(engine) as conn:
        other = rooms.open_import(conn, "another", NOW, "history.csv")
        number = rooms.open_import(conn, CLINIC, NOW, "history.csv")
        assert due.take_patients(conn, NOW, LEASE, 10) == []
        assert due.count_due(conn, NOW) == 0
        assert due.next_due(conn, LONG_AGO) is None
        assert not rooms.close_import(conn, CLINIC, other, NOW)
        assert rooms.close_import(conn, CLINIC, number, NOW)
        assert not rooms.close_import(conn, CLINIC, number, NOW)
        assert [opened.id for opened in rooms.open_imports(conn)] == [other]
        assert rooms.open_imports(conn, CLINIC) == []
        assert due.count_due(conn, NOW) == COUNT
        assert len(due.take_patients(conn, NOW, LEASE, 10)) == 10


def test_the_next_due_moment_is_the_earliest_of_all(engine: Engine) -> None:
    keep(
        engine,
        (Patient("p-1", as_of=NOW, next_change_at=NOW + 3 * DAY), Plan()),
        _with_run("p-2", NOW + 2 * DAY),
    )
    keep(engine, _with_message("p-3", NOW + DAY), _with_message("p-4", NOW + DAY / 2, state="dropped"))
    with read(engine) as conn:
        moments = [NOW]
        while (following := due.next_due(conn, moments[-1])) is not None:
            moments.append(following)
        assert moments == [NOW, NOW + DAY, NOW + 2 * DAY, NOW + 3 * DAY]
        assert [due.count_due(conn, moment) for moment in moments] == [0, 1, 2, 3]


def test_a_claim_that_has_run_out_is_found(engine: Engine) -> None:
    keep(engine, _with_message("p-1", NOW))
    with write(engine) as conn:
        [(_, taken)] = due.take_messages(conn, NOW, LEASE, 10)
        assert outbox.claim(conn, CLINIC, taken, NOW, NOW + LEASE, "sms", "+306900000001")
        assert due.expired_claims(conn, NOW + LEASE, 10) == []
        assert due.expired_claims(conn, NOW + LEASE + timedelta(seconds=1), 10) == [(CLINIC, taken)]
        assert due.take_messages(conn, NOW + DAY, LEASE, 10) == []
        assert outbox.finish(conn, CLINIC, taken, "unknown", at=NOW + DAY, reason="lease")
        assert due.expired_claims(conn, NOW + DAY, 10) == []


def test_a_run_that_has_ended_or_waits_for_a_message_is_not_due(engine: Engine) -> None:
    waiting = _with_run("p-1", None)
    ended = a_run("p-2", due_at=NOW).end("goal", "came", NOW)
    keep(
        engine,
        waiting,
        (Patient("p-2", as_of=NOW, enrollments={ended.id: ended}), Plan(enrollments={ended.id})),
    )
    with write(engine) as conn:
        assert due.take_enrollments(conn, NOW + DAY, LEASE, 10) == []
