"""What the store keeps of trouble: senders, pauses, counts of a day, our public address, tasks; on both databases, told twice, and by several at once."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Engine, select

from tests.store.samples import CLINIC, NOW, together
from worker.domain.trouble import SenderState
from worker.store import day_counts, doors, pauses, senders, tasks
from worker.store.engine import read, write
from worker.store.schema import pauses as pauses_table
from worker.store.schema import tasks as tasks_table

PAUSED = SenderState(True, 3, NOW, "20003", "check the credentials")
DAY = date(2026, 3, 3)


def test_a_sender_is_as_it_was_kept_and_a_well_one_needs_no_row(engine: Engine) -> None:
    with write(engine) as conn:
        assert senders.state_of(conn, CLINIC, "sms") == SenderState()
        senders.keep(conn, CLINIC, "sms", PAUSED, NOW)
        senders.keep(conn, CLINIC, "email", SenderState(failures=1, code="c"), NOW)
        assert senders.state_of(conn, CLINIC, "sms") == PAUSED
        assert senders.state_of(conn, "other", "sms") == SenderState()
        assert senders.in_trouble(conn, CLINIC) == {"sms": PAUSED}
        senders.keep(conn, CLINIC, "sms", SenderState(), NOW)
        assert senders.in_trouble(conn, CLINIC) == {}


def test_of_all_that_want_to_try_a_paused_sender_one_may(engine: Engine) -> None:
    with write(engine) as conn:
        senders.keep(conn, CLINIC, "sms", PAUSED, NOW)
    tried = PAUSED.trying(NOW)

    def one() -> bool:
        with write(engine) as conn:
            return senders.try_once(conn, CLINIC, "sms", PAUSED, tried)

    assert sorted(together(*[one] * 4)) == [False, False, False, True]
    with read(engine) as conn:
        assert senders.state_of(conn, CLINIC, "sms") == tried


def test_a_journey_has_one_open_pause_and_the_lifted_ones_stay_as_history(engine: Engine) -> None:
    def pause(code: str) -> bool:
        with write(engine) as conn:
            return pauses.pause(conn, CLINIC, "j", code=code, why=f"because {code}", actor="revisit", at=NOW)

    assert sorted(together(*(lambda code=code: pause(code) for code in "aaaa"))) == [
        False,
        False,
        False,
        True,
    ]
    with write(engine) as conn:
        assert pauses.paused(conn, CLINIC) == {"j": "because a"}
        assert pauses.paused(conn, "other") == {}
        assert pauses.resume(conn, CLINIC, "j", actor="user x", at=NOW)
        assert not pauses.resume(conn, CLINIC, "j", actor="user x", at=NOW)
        assert pauses.paused(conn, CLINIC) == {}
    assert pause("b")
    with read(engine) as conn:
        rows = conn.execute(select(pauses_table.c.code, pauses_table.c.lifted_by).order_by(pauses_table.c.id))
        assert [tuple(row) for row in rows] == [("a", "user x"), ("b", None)]


def test_a_days_number_is_counted_by_all_and_no_further_than_its_limit(engine: Engine) -> None:
    def take() -> bool:
        with write(engine) as conn:
            return day_counts.take(conn, CLINIC, DAY, "left/marketing", 3)

    assert sorted(together(*[take] * 5)) == [False, False, True, True, True]
    with write(engine) as conn:
        assert day_counts.count_of(conn, CLINIC, DAY, "left/marketing") == 3
        assert day_counts.count_of(conn, CLINIC, DAY + timedelta(days=1), "left/marketing") == 0
        assert not day_counts.take(conn, CLINIC, DAY, "nothing", 0)
        assert [day_counts.add(conn, CLINIC, DAY, "past", more) for more in (1, 24, 5)] == [1, 25, 30]
        assert day_counts.base(conn, CLINIC) == 0


def test_the_door_is_as_it_was_found_last(engine: Engine) -> None:
    found = doors.Door("https://a.example", NOW, None, "it does not answer")
    with write(engine) as conn:
        assert doors.door_of(conn, CLINIC) is None
        doors.keep(conn, CLINIC, found)
        assert doors.door_of(conn, CLINIC) == found
        open_ = doors.Door("https://a.example", NOW, NOW, "")
        doors.keep(conn, CLINIC, open_)
        assert doors.door_of(conn, CLINIC) == open_
        assert doors.door_of(conn, "other") is None


def test_a_task_is_made_once_for_its_name_even_after_it_was_done(engine: Engine) -> None:
    def add(name: str = "sender/sms") -> bool:
        with write(engine) as conn:
            return tasks.add(
                conn, CLINIC, origin=tasks.SYSTEM, name=name, kind="system", assignee="operations", note="n", at=NOW, due_at=NOW, urgent=True,
            )  # fmt: skip

    assert sorted(together(*[add] * 4)) == [False, False, False, True]
    with write(engine) as conn:
        tasks.finish(conn, CLINIC, origin=tasks.SYSTEM, name="sender/sms", at=NOW)
    assert not add()
    assert add("sender/email")
    with read(engine) as conn:
        rows = conn.execute(
            select(tasks_table.c.step, tasks_table.c.state, tasks_table.c.urgent).order_by(tasks_table.c.id)
        )
        assert [tuple(row) for row in rows] == [("sender/sms", "done", True), ("sender/email", "open", True)]
