"""A patient comes back as saved; nothing that is settled is undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from tests.store.samples import (
    CLINIC,
    DAY,
    LEASE,
    LONG_AGO,
    NOW,
    STAGES,
    a_ledger,
    a_message,
    a_patient,
    a_run,
    an_event,
    counting,
    keep,
    together,
)
from tests.traces import traces_of
from worker.domain.history import Contact, Message, Transition
from worker.domain.planner import Patient, Plan
from worker.store import decided, due, look, outbox, patients, rooms
from worker.store.engine import read, write
from worker.store.evidence import evidence
from worker.store.schema import consents, holds, messages, tasks
from worker.store.schema import patients as table


def _lock(engine: Engine, pid: str = "p-1", since: datetime = LONG_AGO) -> Patient:
    with write(engine) as conn:
        return patients.lock(conn, CLINIC, [pid], since=since)[pid]


def _state(engine: Engine, key: str) -> str | None:
    with read(engine) as conn:
        found = outbox.find(conn, CLINIC, key)
    return found.message.state if found else None


def test_a_new_patient_is_nobody_yet(engine: Engine) -> None:
    assert _lock(engine) == Patient("p-1")
    assert _lock(engine) == Patient("p-1")


def test_a_patient_with_everything_comes_back_equal(engine: Engine) -> None:
    patient, plan = a_patient()
    ended = a_run(anchor="new@2025-01-01").end("goal", "visit.completed, within 60 days", NOW)
    patient.enrollments[ended.id] = ended
    plan.enrollments.add(ended.id)
    keep(engine, (patient, plan), a_patient("p-2"))
    back = _lock(engine)
    assert back == patient
    assert back.as_of is not None
    assert back.as_of.utcoffset() == timedelta()
    with read(engine) as conn:
        assert traces_of(conn, CLINIC, "p-1") == plan.traces
        assert [task.step for task in look.open_tasks(conn, CLINIC)] == ["call", "call"]


def test_clinics_do_not_share_patients(engine: Engine) -> None:
    keep(engine, a_patient())
    with write(engine) as conn:
        assert patients.lock(conn, "another", ["p-1"], since=LONG_AGO)["p-1"] == Patient("p-1")


def test_a_claimed_message_is_under_way_and_a_settled_one_is_not(engine: Engine) -> None:
    patient, plan = a_patient()
    [message] = patient.messages.values()
    keep(engine, (patient, plan))
    claimed = replace(message, state="claimed", channel="sms", address="+306900000001", decided_at=NOW)
    patient.messages[message.key] = claimed
    keep(engine, (patient, Plan(messages={message.key})))
    assert _lock(engine).messages == {message.key: claimed}
    patient.messages[message.key] = replace(claimed, state="sent")
    keep(engine, (patient, Plan(messages={message.key})))
    assert _lock(engine).messages == {}
    assert _state(engine, message.key) == "sent"


@pytest.mark.parametrize(
    "path", [["dropped"], ["rehearsed"], ["claimed", "sent"], ["claimed", "failed"], ["claimed", "unknown"]]
)
def test_a_settled_message_is_not_raised_from_the_dead(engine: Engine, path: list[str]) -> None:
    patient, plan = a_patient()
    [message] = patient.messages.values()
    keep(engine, (patient, plan))
    for state in path:
        patient.messages[message.key] = replace(message, state=state)
        keep(engine, (patient, Plan(messages={message.key})))
    for again in ("scheduled", "claimed", "dropped"):
        patient.messages[message.key] = replace(message, state=again, due_at=NOW + DAY)
        keep(engine, (patient, Plan(messages={message.key})))
        assert _state(engine, message.key) == path[-1]
    with read(engine) as conn:
        assert len(conn.execute(select(messages.c.id)).all()) == 1


@pytest.mark.parametrize(
    ("first", "then"), [(None, "sent"), ("claimed", "dropped"), ("claimed", "rehearsed"), (None, "unknown")]
)
def test_an_illegal_move_leaves_the_message_as_it_is(engine: Engine, first: str | None, then: str) -> None:
    patient, plan = a_patient()
    [message] = patient.messages.values()
    keep(engine, (patient, plan))
    for state in filter(None, (first, then)):
        patient.messages[message.key] = replace(message, state=state)
        keep(engine, (patient, Plan(messages={message.key})))
    assert _state(engine, message.key) == first or first is None
    assert _state(engine, message.key) == (first or "scheduled")


def test_a_key_is_unique_within_its_clinic(engine: Engine) -> None:
    keep(engine, a_patient())
    keep(engine, a_patient())
    keep(engine, a_patient(), clinic="another")
    with read(engine) as conn:
        assert sorted(conn.execute(select(messages.c.clinic_id)).scalars()) == ["another", CLINIC]
        assert len(conn.execute(select(tasks.c.id).where(tasks.c.clinic_id == CLINIC)).all()) == 1


def test_a_message_that_is_put_off_is_free_to_be_taken_at_its_new_time(engine: Engine) -> None:
    patient, plan = a_patient()
    [message] = patient.messages.values()
    keep(engine, (patient, plan))
    with write(engine) as conn:
        assert len(due.take_messages(conn, NOW, 2 * DAY, 10)) == 1
    keep(engine, (patient, Plan(messages={message.key})))
    with write(engine) as conn:
        assert due.take_messages(conn, NOW + DAY, LEASE, 10) == []
    patient.messages[message.key] = replace(message, due_at=NOW + DAY, reason="cap")
    keep(engine, (patient, Plan(messages={message.key})))
    with write(engine) as conn:
        assert due.take_messages(conn, NOW, LEASE, 10) == []
        [(_, taken)] = due.take_messages(conn, NOW + DAY, LEASE, 10)
        [row] = outbox.get(conn, CLINIC, [taken])
    assert (row.message.reason, row.tries) == ("cap", 1)


def test_a_patient_whose_next_change_moves_is_free_to_be_taken(engine: Engine) -> None:
    patient, plan = a_patient(next_change_at=NOW)
    keep(engine, (patient, plan))
    with write(engine) as conn:
        assert due.take_patients(conn, NOW, 9 * DAY, 10) == [(CLINIC, "p-1")]
    keep(engine, (patient, Plan()))
    with write(engine) as conn:
        assert due.take_patients(conn, NOW, LEASE, 10) == []
    patient.next_change_at = NOW + DAY
    keep(engine, (patient, Plan()))
    with write(engine) as conn:
        assert due.take_patients(conn, NOW + DAY, LEASE, 10) == [(CLINIC, "p-1")]


def test_sizes_follow_the_memberships(engine: Engine) -> None:
    first, plan = a_patient()
    keep(engine, (first, plan), a_patient("p-2"))
    first.members = frozenset({"regular", "body_history", "start:nudge"})
    moved = Plan(
        transitions=[
            Transition("p-1", "new", "left", "event", NOW),
            Transition("p-1", "regular", "entered", "event", NOW),
        ]
    )
    keep(engine, (first, moved))
    with read(engine) as conn:
        assert look.stage_sizes(conn, CLINIC) == {"new": 1, "regular": 1}
        assert look.segment_sizes(conn, CLINIC) == {"body_history": 2, "new": 1, "regular": 1}


def test_a_segment_that_is_entered_and_left_at_once_has_nobody(engine: Engine) -> None:
    there = [
        Transition("p-1", "regular", "entered", "time", NOW),
        Transition("p-1", "regular", "left", "event", NOW),
    ]
    keep(engine, (Patient("p-1", as_of=NOW), Plan(transitions=there)))
    with read(engine) as conn:
        assert look.segment_sizes(conn, CLINIC) == {}


def test_a_patient_comes_once_in_a_batch(engine: Engine) -> None:
    with pytest.raises(ValueError, match="twice"):
        keep(engine, a_patient(), a_patient())


# -- contacts -----------------------------------------------------------------------------------------------------------------


def _sent(
    pid: str, step: str, at: datetime, address: str, state: str = "sent", **fields: Any
) -> tuple[Patient, Plan]:
    whole = a_message(pid, step, state=state, channel="sms", address=address, decided_at=at, **fields)
    patient = Patient(pid, ledger=a_ledger(pid, phone=address), as_of=NOW, messages={whole.key: whole})
    return patient, Plan(messages={whole.key})


def _contact(message: Message) -> Contact:
    assert message.decided_at is not None
    assert message.channel is not None
    assert message.address is not None
    return Contact(
        message.decided_at,
        message.purpose,
        message.channel,
        message.address,
        message.journey,
        message.patient,
    )


def test_contacts_are_those_of_the_patient_and_of_the_addresses(engine: Engine) -> None:
    shared, old = "+306900000001", "+306900000009"
    kept = [
        _sent("p-1", "old_number", NOW - 3 * DAY, old),
        _sent("p-1", "own", NOW - 2 * DAY, shared, "delivered"),
        _sent("p-2", "shared", NOW - DAY, shared, "unknown"),
        _sent("p-3", "other", NOW, "+306900000003", "claimed"),
        _sent("p-1", "too_old", LONG_AGO - DAY, shared),
        _sent("p-1", "refused", NOW, shared, "failed"),
        _sent("p-1", "bounced", NOW, shared, "undelivered"),
        _sent("p-2", "care", NOW, shared, purpose="care"),
    ]
    for change in kept:
        keep(engine, change)
    contact = {
        next(iter(p.messages.values())).step: _contact(next(iter(p.messages.values()))) for p, _ in kept
    }
    keep(engine, (Patient("p-1", ledger=a_ledger(phone=shared), as_of=NOW), Plan()))
    with write(engine) as conn:
        found = patients.lock(conn, CLINIC, ["p-1", "p-2", "p-3"], since=LONG_AGO, purposes=["marketing"])
        everything = patients.lock(conn, CLINIC, ["p-2"], since=NOW)
    assert list(found["p-1"].contacts) == [contact["old_number"], contact["own"], contact["shared"]]
    assert list(found["p-2"].contacts) == [contact["own"], contact["shared"]]
    assert list(found["p-3"].contacts) == [contact["other"]]
    assert list(everything["p-2"].contacts) == [contact["care"]]


# -- many at once -------------------------------------------------------------------------------------------------------------


def test_any_number_of_patients_costs_the_same_number_of_statements(engine: Engine) -> None:
    sent: list[tuple[int, ...]] = []
    # From fifty rows on they are copied: a few statements more, whatever their number.
    for size in (60, 500):
        changes = [a_patient(f"{size}-{number}") for number in range(size)]
        ids = [patient.id for patient, _ in changes]
        events = [(pid, an_event(subject=pid, patient={"consent": {"sms": ["care"]}})) for pid in ids]
        with counting(engine) as new, write(engine) as conn:
            patients.resolve(conn, CLINIC, ids)
            patients.lock(conn, CLINIC, ids, since=LONG_AGO)
            decided.save(conn, CLINIC, changes, NOW, stages=STAGES)
            evidence(conn, CLINIC, events)
        with counting(engine) as known, write(engine) as conn:
            assert len(patients.lock(conn, CLINIC, ids, since=LONG_AGO)) == size
            decided.save(conn, CLINIC, changes, NOW, stages=STAGES)
        sent.append((len(new), len(known)))
    assert sent[0] == sent[1]
    assert max(sent[0]) <= 25


def test_more_patients_than_one_statement_takes(engine: Engine) -> None:
    changes = [a_patient(f"p-{number}") for number in range(1500)]
    keep(engine, *changes)
    with write(engine) as conn:
        back = patients.lock(conn, CLINIC, [patient.id for patient, _ in changes], since=LONG_AGO)
    assert all(back[patient.id] == patient for patient, _ in changes)


def test_those_who_want_the_same_patients_in_any_order_all_get_them(engine: Engine) -> None:
    ids = [f"{name}{number}" for number in range(20) for name in ("p-", "P_", "ά")]

    def fold(order: list[str], mark: str) -> None:
        for _ in range(5):
            with write(engine) as conn:
                found = patients.lock(conn, CLINIC, order, since=LONG_AGO)
                for patient in found.values():
                    tags = patient.ledger["own_tags"]
                    more = {**tags, f"{mark}{len(tags)}": {"on": True}}
                    patient.ledger = {**patient.ledger, "own_tags": more}
                decided.save(conn, CLINIC, [(p, Plan()) for p in found.values()], NOW, stages=STAGES)

    together(lambda: fold(ids, "a"), lambda: fold(ids[::-1], "b"), lambda: fold(ids[30:] + ids[:30], "c"))
    with write(engine) as conn:
        found = patients.lock(conn, CLINIC, ids, since=LONG_AGO)
    assert [len(patient.ledger["own_tags"]) for patient in found.values()] == [15] * len(ids)


# -- merging ------------------------------------------------------------------------------------------------------------------


def test_an_id_that_gave_way_stands_for_the_survivor(engine: Engine) -> None:
    keep(engine, a_patient("a", next_change_at=NOW), a_patient("b"))
    with write(engine) as conn:
        patients.alias(conn, CLINIC, "a", "b")
        patients.alias(conn, CLINIC, "b", "c")
        patients.alias(conn, CLINIC, "never seen", "c")
        found = patients.resolve(conn, CLINIC, ["a", "b", "c", "d", "never seen"])
        assert found == {"a": "c", "b": "c", "c": "c", "d": "d", "never seen": "c"}
        assert patients.resolve(conn, "another", ["a"]) == {"a": "a"}
        assert due.take_patients(conn, NOW, LEASE, 10) == []
        rooms.publish(conn, CLINIC, {"v": "1"}, NOW, {})
        rooms.publish(conn, CLINIC, {"v": "2"}, NOW, {})
        conn.execute(table.update().values(rules_version=1))
        assert due.take_stale_rules(conn, NOW, LEASE, 10) == []
        patients.lock(conn, CLINIC, ["d"], since=LONG_AGO)
        conn.execute(table.update().values(rules_version=1))
        assert due.take_stale_rules(conn, NOW, LEASE, 10) == [(CLINIC, "d")]
        assert look.stage_sizes(conn, CLINIC) == {}
        with pytest.raises(ValueError, match="into itself"):
            patients.alias(conn, CLINIC, "a", "a")


def test_saving_a_patient_who_gave_way_keeps_the_alias(engine: Engine) -> None:
    with write(engine) as conn:
        both = patients.lock(conn, CLINIC, ["a", "b"], since=LONG_AGO)
        patients.alias(conn, CLINIC, "a", "b")
        decided.save(conn, CLINIC, [(patient, Plan()) for patient in both.values()], NOW, stages=STAGES)
        assert patients.resolve(conn, CLINIC, ["a"]) == {"a": "b"}


def test_chains_are_followed_to_their_end(engine: Engine) -> None:
    with write(engine) as conn:
        patients.lock(conn, CLINIC, ["a", "b", "c"], since=LONG_AGO)
        for gone, survivor in (("a", "b"), ("b", "c")):
            conn.execute(table.update().where(table.c.patient_id == gone).values(alias_of=survivor))
        assert patients.resolve(conn, CLINIC, ["a"]) == {"a": "c"}


def test_a_patient_who_was_merged_meanwhile_is_not_given_out(engine: Engine) -> None:
    with write(engine) as conn:
        patients.alias(conn, CLINIC, "a", "b")
        with pytest.raises(patients.PatientMoved) as raised:
            patients.lock(conn, CLINIC, ["a", "b"], since=LONG_AGO)
    assert raised.value.ids == ("a",)


# -- evidence -----------------------------------------------------------------------------------------------------------------


def test_evidence_is_kept_of_every_consent_and_hold(engine: Engine) -> None:
    told = [
        an_event(1, patient={"consent": {"sms": ["marketing", "care"], "email": None}}),
        an_event(
            2,
            kind="consent.revoked",
            channel="email",
            purpose="marketing",
            basis="written",
            text_hash="ab",
            source="desk",
        ),
        an_event(3, kind="patient.held", reason="complaint", until="2026-12-01"),
        an_event(4, kind="patient.released"),
        an_event(5),
    ]
    with write(engine) as conn:
        evidence(conn, CLINIC, [("p-9", event) for event in told])
        c = consents.c
        kept = conn.execute(
            select(c.event_id, c.patient_id, c.channel, c.purpose, c.action, c.basis, c.text_hash).order_by(
                c.id
            )
        ).all()
        held = conn.execute(
            select(holds.c.action, holds.c.reason, holds.c.until, holds.c.at).order_by(holds.c.id)
        ).all()
    assert [tuple(row) for row in kept] == [
        ("e-1", "p-9", "sms", "marketing", "listed", "record", None),
        ("e-1", "p-9", "sms", "care", "listed", "record", None),
        ("e-1", "p-9", "sms", "health_profiling", "unlisted", "record", None),
        ("e-2", "p-9", "email", "marketing", "revoked", "written", "ab"),
    ]
    assert [tuple(row) for row in held] == [
        ("held", "complaint", "2026-12-01", NOW),
        ("released", "", None, NOW),
    ]
