"""Orders of events that are rare and that a system meets all the same: what comes late, twice, or between two others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import func, select, text, update
from structlog.testing import capture_logs

from channels.base import Inbound, Receipt
from channels.status import twilio_status
from tests.delivery.desk import FILES, Desk, desk_of
from tests.delivery.weather import Provider
from tests.eventually import eventually
from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN, Sms
from worker.actors import Queue, declare
from worker.delivery.claiming import LEASE
from worker.delivery.dispatch import dispatch, give_up
from worker.delivery.planning import planner_of
from worker.delivery.reconcile import EARLY, reconcile
from worker.delivery.senders import Channels, Credentials
from worker.domain.history import Trace
from worker.service import sweeping
from worker.service.accepting import accept
from worker.service.folding import fold
from worker.service.forgetting import forget, take_rest
from worker.service.hearing import hear_sms
from worker.service.publishing import publish
from worker.service.receiving import take
from worker.service.sweeping import sweep
from worker.service.waking import wake
from worker.store import links, outbox, patients, receipts, schema
from worker.store.engine import read, write

PHONE = "+306900000001"
RATED = {
    **FILES,
    "config/channels.yaml": 'sms: {provider: twilio, from: "+15005550006", rate: 1 per second}\n',
}
WITHOUT_CAPS = {**FILES, "config/policy.yaml": "{}\n"}


def report(key: str, word: str, sid: str = "SM1") -> Receipt:
    return Receipt(
        "twilio", f"{sid}:{word}", key, sid, twilio_status(word), word, "", None, PHONE, None, None, {}
    )


def between(desk: Desk, folder: Path, happens: Callable[[], None]) -> None:
    """What happens once between the next claim and its call."""
    left = [happens]

    def places(_name: str, _rate: float, number: int) -> list[float]:
        if left:
            left.pop()()
        return [0.0] * number

    desk.channels.close()
    desk.channels = Channels(
        Credentials(ACCOUNT_SID, AUTH_TOKEN, desk.provider.url), folder / "outbox", places
    )


def given_up_and_proven_absent(desk: Desk, key: str) -> None:
    """Somebody has looked for it meanwhile, and has not found it."""
    with write(desk.house.engine) as conn:
        assert outbox.finish(conn, "default", key, "unknown", at=desk.now)
        assert outbox.finish(conn, "default", key, "scheduled", at=desk.now, was="unknown", due_at=desk.now)


def claimed(desk: Desk, key: str) -> None:
    """Somebody else has the message, and calls the provider."""
    with write(desk.house.engine) as conn:
        assert outbox.claim(conn, "default", key, desk.now, desk.now + LEASE, "sms", PHONE)
        outbox.attempt(conn, "default", key, desk.now, desk.channels.account("twilio"))


# -- records that become one --------------------------------------------------------------------------------------------------


def test_a_message_of_a_record_that_gave_way_is_not_tried_for_ever(desk: Desk) -> None:
    desk.provider.script(["500"])
    key = desk.visit(1, "p-1")
    desk.send(key)
    desk.tell("patient.merged", 2, subject="p-1", into="p-2")
    for _ in range(8):
        desk.turn(31)
    assert desk.state(key) == ("dropped", "merged")
    assert not sweep(desk.house).due
    assert not desk.provider.messages


def test_what_was_told_under_an_earlier_id_is_folded_before_anything_leaves(desk: Desk) -> None:
    desk.tell("patient.merged", 1, subject="p-0", into="p-1")
    key = desk.visit(2, "p-1")
    desk.tell(
        "consent.revoked", 3, subject="p-0", folded=False, channel="sms", purpose="marketing", basis="verbal"
    )
    desk.send(key)
    assert desk.state(key) == ("scheduled", "")
    assert not desk.provider.messages


def test_what_was_sent_to_a_record_that_gave_way_takes_its_place_under_the_cap(desk: Desk) -> None:
    desk.send(desk.visit(1, "p-1"))
    desk.tell("patient.merged", 2, subject="p-1", into="p-2")
    desk.now += timedelta(days=1)
    key = desk.visit(3, "p-2", phone="+306900000002")
    desk.send(key)
    assert desk.state(key) == ("scheduled", "cap")
    assert len(desk.provider.messages) == 1


def test_a_journey_that_does_not_repeat_knows_what_ran_under_the_other_id(desk: Desk) -> None:
    once = FILES["journeys/hello.yaml"].replace("repeat: always\n", "")
    publish(desk.house, {**WITHOUT_CAPS, "journeys/hello.yaml": once})
    desk.send(desk.visit(1, "p-1"))
    desk.tell("patient.merged", 2, subject="p-1", into="p-2")
    desk.now += timedelta(days=1)
    data: dict[str, Any] = {"appointment_id": "a-3", "starts_at": desk.now.isoformat()}
    assert desk.tell("visit.completed", 3, subject="p-2", **data) == []
    assert "does not repeat" in desk.traces("p-2")[-1].why
    assert len(desk.provider.messages) == 1


def test_work_that_meets_one_merge_after_another_is_begun_anew_and_not_for_ever() -> None:
    moves = [patients.PatientMoved(["p-1"]) for _ in range(patients.MOST_MOVES - 1)]

    def meets() -> str:
        if moves:
            raise moves.pop()
        return "done"

    assert patients.again_when_moved(meets) == "done"
    moves += [patients.PatientMoved(["p-1"]) for _ in range(patients.MOST_MOVES)]
    with pytest.raises(patients.PatientMoved):
        patients.again_when_moved(meets)
    assert not moves


# -- what the provider tells, and when ----------------------------------------------------------------------------------------


def test_what_a_report_proves_sent_is_not_tried_again_whatever_the_last_attempt_says(
    database_url: str, tmp_path: Path
) -> None:
    """An earlier attempt arrived after all, and its report comes while the next one is under way."""
    with desk_of(database_url, tmp_path, RATED) as desk:
        key = desk.visit(1)

        def told() -> None:
            take(desk.house, None, [report(key, "sent")])

        between(desk, tmp_path, told)
        desk.provider.script(["429"])
        desk.send(key)
        assert desk.state(key) == ("sent", "")
        for _ in range(3):
            desk.turn(3600)
        assert not desk.provider.messages


def during(desk: Desk, folder: Path, happens: Callable[[Sms], None]) -> Provider:
    """What happens while the provider has the message and has not answered."""
    provider = Provider(lambda: desk.now, happens)
    desk.channels.close()
    desk.channels = Channels(
        Credentials(ACCOUNT_SID, AUTH_TOKEN, provider.start().url), folder / "outbox", None
    )
    return provider


def test_an_acceptance_that_is_noted_after_the_lease_still_counts(desk: Desk, tmp_path: Path) -> None:
    key = desk.visit(1)

    def given_up(_: Sms) -> None:
        desk.now += LEASE + timedelta(seconds=1)
        give_up(desk.house, "default", key)

    provider = during(desk, tmp_path, given_up)
    desk.send(key)
    assert desk.state(key) == ("sent", "")
    assert desk.row(key).provider_id == provider.messages[0].sid
    assert "finished" in [trace.what for trace in desk.traces()], "its run goes on"
    provider.close()


def test_an_acceptance_that_comes_late_keeps_a_message_from_leaving_again(desk: Desk, tmp_path: Path) -> None:
    key = desk.visit(1)

    def proven_absent(_: Sms) -> None:
        given_up_and_proven_absent(desk, key)

    provider = during(desk, tmp_path, proven_absent)
    desk.send(key)
    assert desk.state(key) == ("sent", "")
    provider.close()


def test_an_answer_to_an_earlier_attempt_does_not_end_the_one_that_is_under_way(
    desk: Desk, tmp_path: Path
) -> None:
    key = desk.visit(1)

    def tried_again(_: Sms) -> None:
        given_up_and_proven_absent(desk, key)
        claimed(desk, key)

    provider = during(desk, tmp_path, tried_again)
    desk.send(key)
    assert desk.state(key)[0] == "claimed"
    row = desk.row(key)
    assert (row.status, row.provider_id) == ("queued", provider.messages[0].sid), "and what it says is kept"
    desk.now += LEASE + timedelta(seconds=1)
    give_up(desk.house, "default", key)
    assert desk.state(key) == ("sent", "")
    provider.close()


# -- the provider's list ------------------------------------------------------------------------------------------------------


def test_what_the_list_shows_of_a_message_in_doubt_is_not_taken_for_a_later_one(desk: Desk) -> None:
    publish(desk.house, WITHOUT_CAPS)
    desk.provider.script(["hangup_after", "500"])
    first, second = desk.visit(1, "p-1"), desk.visit(2, "p-2")
    desk.send(first)
    desk.provider.row(desk.provider.messages[0].sid).body = "Hello, shortened"
    desk.now += timedelta(seconds=30)
    desk.send(second)
    desk.now += EARLY
    reconcile(desk.house, desk.channels, "default", second)
    assert desk.state(second)[0] == "unknown"


def test_what_another_worker_has_just_sent_is_not_taken_for_a_message_of_the_same_words(desk: Desk) -> None:
    publish(desk.house, WITHOUT_CAPS)
    desk.provider.script(["500"])
    lost, other = desk.visit(1, "p-1"), desk.visit(2, "p-2")
    desk.send(lost)
    claimed(desk, other)
    desk.provider.plant(PHONE, body="Hello Maria, C")
    desk.now += EARLY
    reconcile(desk.house, desk.channels, "default", lost)
    assert desk.state(lost)[0] == "unknown"


def test_what_left_between_a_refusal_and_the_attempt_in_doubt_is_not_taken_for_it(desk: Desk) -> None:
    """The clinic's other systems may write from the same number."""
    desk.provider.script(["429", "500"])
    key = desk.visit(1)
    desk.send(key)
    foreign = desk.now + timedelta(minutes=1)
    desk.provider.plant(PHONE, body="Your booking is tomorrow", created=foreign.timestamp())
    desk.now += timedelta(hours=1)
    desk.send(key)
    assert desk.state(key) == ("unknown", "http_500")
    desk.now += EARLY
    reconcile(desk.house, desk.channels, "default", key)
    assert desk.state(key) == ("unknown", "http_500")


def waits_for_a_lock(desk: Desk) -> Callable[[], bool]:
    def asked() -> bool:
        with read(desk.house.engine) as conn:
            return bool(conn.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())

    return asked


def test_who_looks_for_a_message_and_who_sends_one_do_not_wait_for_each_other(
    postgres_url: str, tmp_path: Path
) -> None:
    """Both want the patient and the address: in one order."""
    with desk_of(postgres_url, tmp_path) as desk:
        desk.provider.script(["hangup_after"])
        key = desk.visit(1)
        desk.send(key)
        desk.now += EARLY
        looking = threading.Thread(target=reconcile, args=(desk.house, desk.channels, "default", key))
        with write(desk.house.engine) as conn:
            planner_of(conn, desk.house, desk.house.rooms(conn, "default"), "p-1", desk.now)
            looking.start()
            eventually(waits_for_a_lock(desk), timeout=20)
            outbox.alone(conn, "default", [("sms", PHONE)])
        looking.join()
        assert desk.state(key) == ("sent", "")


def test_whoever_writes_of_a_patient_while_she_is_being_forgotten_writes_in_vain(
    postgres_url: str, tmp_path: Path
) -> None:
    with desk_of(postgres_url, tmp_path) as desk:
        desk.visit(1)
        forget(desk.house, "default", "p-1", "user test")
        late = threading.Thread(target=take_rest, args=(desk.house, "default", "p-1"))
        with write(desk.house.engine) as conn:
            planner_of(conn, desk.house, desk.house.rooms(conn, "default"), "p-1", desk.now)
            line = Trace("p-1", "hello", "hello", desk.now, "waits", "Maria has moved")
            receipts.trace(conn, "default", line, desk.now)
            late.start()
            eventually(waits_for_a_lock(desk), timeout=20)
        late.join()
        assert "Maria has moved" not in [trace.why for trace in desk.traces()]


def test_no_attempt_begins_once_an_address_that_others_share_is_closed(
    postgres_url: str, tmp_path: Path
) -> None:
    with desk_of(postgres_url, tmp_path, WITHOUT_CAPS) as desk:
        key = desk.visit(1)
        sending = threading.Thread(target=desk.send, args=(key,))
        with write(desk.house.engine) as conn:
            outbox.alone(conn, "default", [("sms", PHONE)])
            outbox.suppress(conn, "default", "sms", desk.house.hashed("sms", PHONE), "opted_out", desk.now)
            sending.start()
            waiting = waits_for_a_lock(desk)
            eventually(lambda: waiting() or not sending.is_alive(), timeout=20)
        sending.join()
        assert desk.state(key) == ("dropped", "suppressed")
        assert not desk.provider.messages


def test_a_stop_waits_for_the_claim_that_is_being_decided(postgres_url: str, tmp_path: Path) -> None:
    with desk_of(postgres_url, tmp_path) as desk:
        stop = Inbound("twilio", "SM1", PHONE, "+15005550006", "STOP", 0, None, {"MessageSid": "SM1"})
        hearing = threading.Thread(target=hear_sms, args=(desk.house, "default", stop))
        with write(desk.house.engine) as conn:
            outbox.alone(conn, "default", [("sms", PHONE)])
            hearing.start()
            waiting = waits_for_a_lock(desk)
            eventually(lambda: waiting() or not hearing.is_alive(), timeout=20)
            assert hearing.is_alive()
        hearing.join()
        with read(desk.house.engine) as conn:
            pair = ("sms", PHONE)
            assert outbox.suppressed(conn, "default", {pair: desk.house.hashed(*pair)}) == {pair}


def test_a_claim_is_given_up_though_the_patient_becomes_another_at_that_moment(
    postgres_url: str, tmp_path: Path
) -> None:
    with desk_of(postgres_url, tmp_path) as desk:
        key = desk.visit(1, "p-1")
        claimed(desk, key)
        desk.now += LEASE + timedelta(seconds=1)
        found: list[Any] = []
        giving = threading.Thread(target=lambda: found.append(give_up(desk.house, "default", key)))
        with write(desk.house.engine) as conn:
            patients.lock(conn, "default", ["p-1", "p-2"], since=desk.now)
            giving.start()
            eventually(waits_for_a_lock(desk), timeout=20)
            patients.alias(conn, "default", "p-1", "p-2")
        giving.join()
        assert found == [[]]
        assert desk.state(key)[0] == "unknown"


# -- one that fails, and the others ------------------------------------------------------------------------------------------


def spoil(desk: Desk, patient: str) -> None:
    """What stands of this patient can't be read."""
    c = schema.ledgers.c
    with write(desk.house.engine) as conn:
        conn.execute(update(schema.ledgers).where(c.patient_id == patient).values(data={"profile": 1}))


def test_a_claim_that_cannot_be_given_up_does_not_stop_the_sweep(desk: Desk) -> None:
    bad, good = desk.visit(1, "p-1"), desk.visit(2, "p-2", phone="+306900000002")
    claimed(desk, bad)
    claimed(desk, good)
    spoil(desk, "p-1")
    desk.now += LEASE + timedelta(seconds=1)
    sweep(desk.house)
    assert desk.state(good)[0] == "unknown"


def test_a_patient_who_cannot_be_woken_does_not_keep_the_others_asleep(desk: Desk) -> None:
    for number, patient in enumerate(("p-1", "p-2"), 1):
        desk.visit(number, patient, phone=f"+30690000000{number}")
    c = schema.patients.c
    with write(desk.house.engine) as conn:
        conn.execute(update(schema.patients).values(as_of=desk.now))
    spoil(desk, "p-1")
    desk.now += timedelta(days=1)
    wake(desk.house, "default", ["p-1", "p-2"])
    with read(desk.house.engine) as conn:
        woken = conn.execute(select(func.count()).where(c.patient_id == "p-2", c.as_of == desk.now))
        assert woken.scalar_one() == 1


def test_a_turn_that_cannot_be_given_does_not_stop_the_sweep(desk: Desk) -> None:
    paced = FILES["journeys/hello.yaml"].replace("repeat: always", "repeat: always\npace: 50 per day")
    publish(desk.house, {**FILES, "journeys/hello.yaml": paced})
    for number in (1, 2):
        person = {"phone": f"+30690000000{number}", "consent": {"sms": ["marketing"]}}
        data: dict[str, Any] = {
            "appointment_id": f"a-{number}",
            "starts_at": desk.now.isoformat(),
            "patient": person,
        }
        desk.tell("visit.completed", number, subject=f"p-{number}", **data)
    spoil(desk, "p-1")
    sweep(desk.house)
    c = schema.enrollments.c
    with read(desk.house.engine) as conn:
        given = conn.execute(select(c.patient_id).where(c.turn_at.is_not(None))).scalars().all()
    assert given == ["p-2"]


def test_a_clinic_whose_rooms_cannot_be_read_does_not_stop_the_others_and_is_told_once(desk: Desk) -> None:
    paced = FILES["journeys/hello.yaml"].replace("repeat: always", "repeat: always\npace: 50 per day")
    rooms = {**FILES, "journeys/hello.yaml": paced}
    publish(desk.house, rooms)
    publish(desk.house, {**rooms, "config/clinic.yaml": "id: broken\n" + FILES["config/clinic.yaml"]})
    person = {"phone": PHONE, "consent": {"sms": ["marketing"]}}
    at = desk.now.isoformat()
    for clinic in ("default", "broken"):
        event = {
            "specversion": "1.0", "id": "e-1", "source": "/t", "type": "visit.completed", "subject": "p-1", "time": at,
            "data": {"appointment_id": "a-1", "starts_at": at, "patient": person},
        }  # fmt: skip
        for job in accept(desk.house, clinic, [event], "test").jobs:
            fold(desk.house, clinic, [int(key) for key in job.ids])
    versions, runs, told = schema.workspace_versions, schema.enrollments.c, schema.tasks.c
    with write(desk.house.engine) as conn:
        spoilt = {**rooms, "config/segments.yaml": "lifecycle: 7\n"}
        row = {"clinic_id": "broken", "version": 2, "published_at": desk.now, "files": spoilt, "digest": "?"}
        conn.execute(versions.insert().values(row))
    with capture_logs() as logs:
        sweep(desk.house)
        sweep(desk.house)
    assert [line["clinic"] for line in logs if line["event"] == "clinic fails"] == ["broken"]
    with read(desk.house.engine) as conn:
        given = conn.execute(select(runs.clinic_id).where(runs.turn_at.is_not(None))).scalars().all()
        notes = conn.execute(select(told.note).where(told.clinic_id == "broken")).scalars().all()
    assert given == ["default"]
    assert len(notes) == 1
    assert "revisit check" in notes[0]


def test_a_part_of_the_sweep_that_fails_keeps_nothing_else_from_being_queued(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(sweeping, "redact_when_due", fails)
    key = desk.visit(1)
    desk.now += timedelta(minutes=1)
    assert key in {one for job in sweep(desk.house).jobs for one in job.ids}


def test_a_claim_that_is_given_back_has_reached_nobody(desk: Desk) -> None:
    def reached() -> tuple[int, object]:
        c = schema.enrollments.c
        with read(desk.house.engine) as conn:
            return tuple(conn.execute(select(c.reached, c.reached_at)).one())

    desk.provider.script(["429"])
    key = desk.visit(1)
    desk.send(key)
    assert desk.state(key)[0] == "scheduled"
    assert reached() == (0, None)
    desk.now = desk.row(key).message.due_at
    desk.send(key)
    assert reached() == (1, desk.now)


def test_of_the_hits_of_a_link_the_last_are_kept_and_its_person(desk: Desk) -> None:
    link = links.Link("t", "default", desk.visit(1), "booking", "https://example.com", desk.now, desk.now)
    with write(desk.house.engine) as conn:
        links.keep(conn, [link])
        links.hit(conn, link, desk.now, "person")
        for number in range(links.MOST_HITS + 50):
            links.hit(conn, link, desk.now + timedelta(seconds=number), "scanner")
        kept = conn.execute(select(func.count()).select_from(schema.link_hits)).scalar_one()
        assert links.known(conn, link)
        assert links.others_since(conn, replace(link, token="other"), desk.now + timedelta(seconds=number))
    assert kept == links.MOST_HITS + 1


def test_a_message_that_fails_does_not_hold_up_those_behind_it(desk: Desk) -> None:
    broker = StubBroker()
    declare(Queue(cast(Any, broker)), desk.house, desk.channels)
    bad, good = desk.visit(1, "p-1"), desk.visit(2, "p-2", phone="+306900000002")
    spoil(desk, "p-1")
    broker.get_actor("dispatch").fn("default", [bad, good])
    assert desk.state(good) == ("sent", "")
    broker.close()


# -- clocks and settings ------------------------------------------------------------------------------------------------------


def test_no_call_begins_after_quiet_hours_have(database_url: str, tmp_path: Path) -> None:
    files = {**RATED, "config/policy.yaml": "quiet_hours: {marketing: 19:00 - 10:00}\n"}
    with desk_of(database_url, tmp_path, files) as desk:
        key = desk.visit(1)
        desk.now += timedelta(hours=7) - timedelta(seconds=5)  # 18:59:55 in Athens

        def late() -> None:
            desk.now += timedelta(seconds=10)

        between(desk, tmp_path, late)
        desk.send(key)
        assert desk.state(key)[0] == "scheduled"
        assert not desk.provider.requests


@pytest.mark.parametrize("seconds", [86_400 * 30, 10**30])
def test_a_provider_cannot_close_its_sender_for_longer_than_an_hour(desk: Desk, seconds: int) -> None:
    desk.provider.retry_after = seconds
    desk.provider.script(["429"])
    key = desk.visit(1)
    desk.send(key)
    assert desk.state(key)[0] == "scheduled"
    desk.now += timedelta(hours=1)
    desk.send(key)
    assert desk.state(key) == ("sent", "")


def test_credentials_that_cannot_be_right_put_no_message_in_doubt(desk: Desk, tmp_path: Path) -> None:
    desk.channels.close()
    desk.channels = Channels(Credentials("AC 1", AUTH_TOKEN, desk.provider.url), tmp_path / "outbox")
    key = desk.visit(1)
    dispatch(desk.house, desk.channels, "default", key)
    assert desk.state(key) == ("scheduled", "not_configured")


def test_words_that_were_taken_out_and_leave_again_are_taken_out_again(desk: Desk) -> None:
    key = desk.visit(1)
    with write(desk.house.engine) as conn:
        c = schema.messages.c
        conn.execute(update(schema.messages).where(c.id == key).values(redacted_at=desk.now))
    desk.send(key)
    with read(desk.house.engine) as conn:
        assert conn.execute(select(c.redacted_at).where(c.id == key)).scalar_one() is None
