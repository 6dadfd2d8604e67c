"""One caller wins a message; no message goes backwards; a suppressed address stays so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine, select, update

from tests.store.samples import CLINIC, DAY, LEASE, LONG_AGO, NOW, a_message, a_patient, keep, together
from worker.domain.outbox import MOVES, may_follow
from worker.domain.planner import Plan
from worker.store import outbox, patients
from worker.store.engine import write
from worker.store.schema import attempts, messages, suppressions

KEY = a_message().key
PHONE = "+306900000001"


@pytest.fixture
def message_id(engine: Engine) -> str:
    """The id of a scheduled message."""
    keep(engine, a_patient())
    with write(engine) as conn:
        found = outbox.find(conn, CLINIC, KEY)
    assert found is not None
    return found.id


def _claim(engine: Engine, message_id: str) -> bool:
    with write(engine) as conn:
        return outbox.claim(conn, CLINIC, message_id, NOW, NOW + LEASE, "sms", PHONE)


def test_every_state_that_can_follow_is_a_state() -> None:
    assert {state for following in MOVES.values() for state in following} <= set(MOVES)
    assert not may_follow("sent", "scheduled")
    assert may_follow("unknown", "scheduled"), "by proof, or by a person"


def test_a_message_is_found_whole(engine: Engine, message_id: str) -> None:
    with write(engine) as conn:
        assert outbox.find(conn, "another", KEY) is None
        assert outbox.get(conn, "another", [message_id]) == []
        [row] = outbox.get(conn, CLINIC, [message_id, "none"])
    assert row.message == a_message()
    assert (row.clinic, row.priority, row.body, row.created_at, row.tries) == (CLINIC, 5, None, NOW, 0)
    assert len(message_id) == 32


def test_of_all_who_claim_a_message_one_gets_it(engine: Engine, message_id: str) -> None:
    assert sorted(together(*[lambda: _claim(engine, message_id)] * 4)) == [False, False, False, True]


def test_of_all_who_finish_a_message_one_does(engine: Engine, message_id: str) -> None:
    _claim(engine, message_id)

    def finish(state: str) -> bool:
        with write(engine) as conn:
            return outbox.finish(conn, CLINIC, message_id, state, at=NOW)

    assert sorted(together(lambda: finish("sent"), lambda: finish("unknown"))) == [False, True]


def test_a_plan_that_is_saved_after_the_claim_keeps_the_lease(engine: Engine, message_id: str) -> None:
    assert _claim(engine, message_id)
    patient, _ = a_patient()
    claimed = replace(patient.messages[KEY], state="claimed", channel="sms", address=PHONE, decided_at=NOW)
    patient.messages[KEY] = claimed
    keep(engine, (patient, Plan(messages={KEY})))
    with write(engine) as conn:
        [row] = outbox.get(conn, CLINIC, [message_id])
        assert (row.message, row.claimed_until) == (claimed, NOW + LEASE)
        assert outbox.finish(conn, CLINIC, message_id, "sent", at=NOW, provider_id="SM1", sent_at=NOW)
    patient.messages[KEY] = replace(claimed, state="sent", reason="late")
    keep(engine, (patient, Plan(messages={KEY})))
    with write(engine) as conn:
        [row] = outbox.get(conn, CLINIC, [message_id])
    assert (row.message.state, row.message.reason, row.provider_id, row.sent_at, row.claimed_until) == (
        "sent",
        "",
        "SM1",
        NOW,
        None,
    )


def test_a_move_is_made_or_refused_by_the_one_table(engine: Engine, message_id: str) -> None:
    for was in MOVES:
        for state in MOVES:
            with write(engine) as conn:
                conn.execute(update(messages).values(state=was))
                if may_follow(was, state):
                    assert not any(
                        outbox.finish(conn, CLINIC, message_id, state, was=other, at=NOW, due_at=NOW)
                        for other in _others(was, state)
                    )
                    assert outbox.finish(conn, CLINIC, message_id, state, was=was, at=NOW, due_at=NOW)
                else:
                    with pytest.raises(outbox.IllegalMove, match=f"that is {was} cannot become {state}"):
                        outbox.finish(conn, CLINIC, message_id, state, was=was, at=NOW, due_at=NOW)
                found = conn.execute(select(messages.c.state)).scalar_one()
            assert found == (state if may_follow(was, state) else was)


def _others(was: str, state: str) -> list[str]:
    return [other for other in MOVES if other != was and may_follow(other, state)]


def test_a_provider_that_asks_to_come_back_gets_the_message_later(engine: Engine, message_id: str) -> None:
    _claim(engine, message_id)
    with write(engine) as conn:
        with pytest.raises(ValueError, match="needs the moment"):
            outbox.finish(conn, CLINIC, message_id, "scheduled", at=NOW)
        assert outbox.finish(conn, CLINIC, message_id, "scheduled", at=NOW, reason="retry", due_at=NOW + DAY)
        [row] = outbox.get(conn, CLINIC, [message_id])
        assert (row.message.state, row.message.due_at, row.claimed_until) == ("scheduled", NOW + DAY, None)
        assert patients.lock(conn, CLINIC, ["p-1"], since=LONG_AGO)["p-1"].messages[KEY] == row.message


def test_attempts_and_words_are_kept(engine: Engine, message_id: str) -> None:
    with write(engine) as conn:
        number = outbox.attempt(conn, CLINIC, message_id, NOW, "console")
        outbox.attempted(conn, CLINIC, number, NOW + LEASE, "temporary", code="429", why="too many")
        outbox.attempt(conn, CLINIC, message_id, NOW + DAY, "console")
        assert outbox.attempts_of(conn, CLINIC, message_id) == 2
        outbox.content(conn, message_id, "el", "Θέμα", "Γειά", "<p>Γειά</p>")
        [row] = outbox.get(conn, CLINIC, [message_id])
        kept = conn.execute(
            select(attempts.c.outcome, attempts.c.code, attempts.c.ended_at).order_by(attempts.c.id)
        ).all()
    assert (row.language, row.subject, row.body, row.html) == ("el", "Θέμα", "Γειά", "<p>Γειά</p>")
    assert [tuple(line) for line in kept] == [("temporary", "429", NOW + LEASE), (None, "", None)]


def test_a_suppressed_address_stays_so_until_it_is_lifted(engine: Engine) -> None:
    asked = {
        ("sms", PHONE): "h1",
        ("email", "a@example.com"): "h1",
        ("sms", "+3069"): "h2",
        ("sms", "same"): "h1",
    }
    with write(engine) as conn:
        assert outbox.suppressed(conn, CLINIC, asked) == set()
        outbox.suppress(conn, CLINIC, "sms", "h1", "stop", NOW)
        outbox.suppress(conn, CLINIC, "sms", "h1", "carrier", NOW + DAY)
        assert outbox.suppressed(conn, CLINIC, asked) == {("sms", PHONE), ("sms", "same")}
        assert conn.execute(select(suppressions.c.reason, suppressions.c.at)).one() == ("stop", NOW)
        assert outbox.suppressed(conn, "another", asked) == set()
        assert outbox.suppressed(conn, CLINIC, {}) == set()
        assert outbox.lift(conn, CLINIC, "sms", "h1", NOW + DAY)
        assert not outbox.lift(conn, CLINIC, "sms", "h1", NOW + DAY)
        assert outbox.suppressed(conn, CLINIC, asked) == set()
        outbox.suppress(conn, CLINIC, "sms", "h1", "stop", NOW + 2 * DAY)
        assert outbox.suppressed(conn, CLINIC, asked) == {("sms", PHONE), ("sms", "same")}
