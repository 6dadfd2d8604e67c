"""Messages that leave in a batch: the same rules as for one, whatever the others of the batch do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from channels import twilio_webhooks
from channels.base import Accepted
from tests.delivery.desk import FILES, Desk
from tests.standins.twilio import Sms
from worker.delivery import batch
from worker.delivery.batch import dispatch_all
from worker.delivery.calls import Calls
from worker.delivery.claiming import LEASE, Ready, begin, claim
from worker.delivery.dispatch import give_up, record
from worker.service.holding import hold
from worker.service.intervening import pause
from worker.service.publishing import publish
from worker.service.receiving import take
from worker.store import outbox
from worker.store.engine import read, write
from worker.store.outbox_many import Heard
from worker.store.schema import ledgers
from worker.workspace.house import House


def _guarded(_key: str, work: Callable[[], list[str]]) -> list[str]:
    try:
        return work()
    except RuntimeError:
        return []


def _send(desk: Desk, keys: list[str]) -> None:
    for following in dispatch_all(desk.house, desk.channels, "default", keys, _guarded):
        assert not following


def _visits(desk: Desk, number: int) -> list[str]:
    return [desk.visit(one, f"p-{one}", f"+3069000000{one:02d}") for one in range(1, number + 1)]


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be taken apart: what goes the single way fails."""

    def alone(*_: object) -> list[str]:
        raise AssertionError("a message of a batch went the single way")

    monkeypatch.setattr(batch, "dispatch", alone)
    monkeypatch.setattr(batch, "record", alone)


@pytest.mark.usefixtures("together")
def test_a_batch_is_claimed_called_and_recorded_together(desk: Desk) -> None:
    keys = _visits(desk, 12)
    _send(desk, keys)
    assert {desk.state(key) for key in keys} == {("sent", "")}
    assert len({sms.to for sms in desk.provider.messages}) == len(desk.provider.messages) == 12
    rows = [desk.row(key) for key in keys]
    assert {row.provider_id for row in rows} == {sms.sid for sms in desk.provider.messages}
    assert all(row.body == "Hello Maria, C" and row.sent_at == desk.now for row in rows)
    assert [trace.what for trace in desk.traces("p-3")][-3:] == ["claimed", "sent", "finished"]


def test_patients_of_one_phone_share_a_cap_within_a_batch(desk: Desk) -> None:
    keys = [desk.visit(one, f"p-{one}") for one in (1, 2, 3)]
    _send(desk, keys)
    assert len(desk.provider.messages) == 1
    assert sorted(desk.state(key) for key in keys) == [
        ("scheduled", "cap"),
        ("scheduled", "cap"),
        ("sent", ""),
    ]


def test_two_messages_of_a_patient_go_one_after_the_other(desk: Desk) -> None:
    other = desk.visit(2, "p-2", "+306900000002")
    again = FILES["journeys/hello.yaml"].replace("journey: hello", "journey: again")
    publish(desk.house, {**FILES, "journeys/again.yaml": again})
    person = {"first_name": "Maria", "phone": "+306900000001", "consent": {"sms": ["marketing"]}}
    at = desk.now.isoformat()
    keys = desk.tell("visit.completed", 1, appointment_id="a-1", starts_at=at, patient=person)
    claimed = claim(desk.house, desk.channels, "default", [*keys, other])
    assert len(keys) == 2
    assert len(claimed.ready) == 1 + (desk.state(keys[0])[0] == "claimed")
    assert claimed.later == [keys[1]]
    for key in claimed.later:
        desk.send(key)
    for ready in claimed.ready:
        record(desk.house, "default", ready, Accepted(ready.id, "queued"))
    assert sorted(desk.state(key)[0] for key in keys) == ["scheduled", "sent"]


def test_no_more_are_claimed_than_the_rate_lets_out(desk: Desk) -> None:
    slow = FILES["config/channels.yaml"].replace('"}', '", rate: 4 per second}')
    publish(desk.house, {**FILES, "config/channels.yaml": slow})
    keys = _visits(desk, 5)
    claimed = claim(desk.house, desk.channels, "default", keys)
    assert [ready.id for ready in claimed.ready] == keys[:2]
    assert claimed.later == keys[2:]
    assert {desk.state(key)[0] for key in claimed.later} == {"scheduled"}


def test_the_days_limit_counts_within_a_batch(desk: Desk) -> None:
    policy = "blast_limit: {marketing: 1% of patients a day, at least: 2}\n"
    publish(desk.house, {**FILES, "config/policy.yaml": policy})
    keys = _visits(desk, 5)
    _send(desk, keys)
    assert len(desk.provider.messages) == 2
    codes = [desk.state(key) for key in keys]
    assert codes[:3] == [("sent", ""), ("sent", ""), ("scheduled", "blast_limit")]
    assert {code for _, code in codes[3:]} <= {"paused", "blast_limit"}
    assert len(desk.tasks()) == 1


def test_what_is_not_folded_yet_keeps_its_message_in_and_no_other(desk: Desk) -> None:
    keys = _visits(desk, 3)
    desk.tell(
        "consent.revoked", 9, subject="p-2", folded=False, channel="sms", purpose="marketing", basis="verbal"
    )
    _send(desk, keys)
    assert [desk.state(key)[0] for key in keys] == ["sent", "scheduled", "sent"]


def test_leave_that_is_taken_back_while_a_claim_waits_keeps_its_call_from_beginning(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = _visits(desk, 3)
    told: list[str] = []

    def places(_name: str, _rate: float, number: int) -> list[float]:
        if not told:
            desk.tell("consent.revoked", 9, subject="p-3", channel="sms", purpose="marketing", basis="verbal")
            told.append("revoked")
        return [0.0] * number

    monkeypatch.setattr(desk.channels, "_places", places)
    for _ in dispatch_all(desk.house, desk.channels, "default", keys, _guarded):
        pass
    assert sorted(sms.to for sms in desk.provider.messages) == ["+306900000001", "+306900000002"]
    assert desk.state(keys[2]) != ("sent", "")


def test_each_answer_of_a_batch_is_recorded_for_what_it_says(desk: Desk) -> None:
    fast = FILES["config/channels.yaml"].replace('"}', '", rate: 100 per second}')
    publish(desk.house, {**FILES, "config/channels.yaml": fast})
    keys = _visits(desk, 6)
    desk.provider.script(["ok", "hangup_after", "ok", ("error", 21211), "429", "ok"])
    _send(desk, keys)
    states = sorted(desk.state(key)[0] for key in keys)
    assert states == ["failed", "scheduled", "sent", "sent", "sent", "unknown"]


def test_one_that_cannot_be_claimed_holds_up_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = _visits(desk, 4)
    hashed = desk.house.hashed

    def breaks(channel: str, address: str) -> str:
        if address.endswith("03"):
            raise RuntimeError("this one is bad")
        return hashed(channel, address)

    monkeypatch.setattr(desk.house, "hashed", breaks)
    _send(desk, keys)
    assert [desk.state(key)[0] for key in keys] == ["sent", "sent", "scheduled", "sent"]


def test_a_report_that_comes_before_the_record_is_not_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = _visits(desk, 3)
    record_accepted = batch.record_accepted

    def reported_first(*given: object) -> object:
        sms: Sms = desk.provider.messages[0]
        signed = desk.provider.signed(
            sms.status_callback or "",
            [("MessageSid", sms.sid), ("MessageStatus", "delivered"), ("To", sms.to)],
        )
        take(desk.house, "default", [twilio_webhooks.parse_status(signed.body, signed.url.partition("?")[2])])
        return record_accepted(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(batch, "record_accepted", reported_first)
    _send(desk, keys)
    assert sorted(desk.state(key)[0] for key in keys) == ["delivered", "sent", "sent"]


def test_a_slow_call_keeps_no_record_waiting(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, sizes = _visits(desk, 3), list[int]()
    record_accepted = batch.record_accepted

    def watched(
        house: House, clinic: str, answers: Sequence[tuple[Ready, Accepted]], unheard: set[str]
    ) -> object:
        sizes.append(len(answers))
        return record_accepted(house, clinic, answers, unheard)

    monkeypatch.setattr(batch, "record_accepted", watched)
    desk.provider.script([("drip", 0.003), "ok", "ok"])
    _send(desk, keys)
    assert {desk.state(key)[0] for key in keys} == {"sent"}
    assert sizes == [2]


class Killed(BaseException):
    """The process is gone."""


def _few(desk: Desk, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(desk.channels, "calls", Calls(number))


def _give_up_all(desk: Desk, keys: list[str]) -> None:
    desk.now += LEASE + timedelta(seconds=1)
    for key in keys:
        give_up(desk.house, "default", key)


def test_a_batch_goes_in_waves_and_what_is_not_begun_is_in_no_doubt(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = FILES["config/channels.yaml"].replace('"}', '", rate: 100 per second}')
    publish(desk.house, {**FILES, "config/channels.yaml": fast})
    _few(desk, monkeypatch, 2)
    most = desk.channels.calls.places
    keys, waves = _visits(desk, 7), list[int]()

    def dies(house: House, clinic: str, waiting: Sequence[Ready], heard: Sequence[Heard]) -> set[str]:
        if len(waves) == 2:
            raise Killed
        begun = begin(house, clinic, waiting, heard)
        waves.append(len(begun))
        return begun

    monkeypatch.setattr(batch, "begin", dies)
    with pytest.raises(Killed):
        _send(desk, keys)
    desk.channels.calls.close()
    assert max(waves) <= most < 4
    assert {desk.state(key)[0] for key in keys} == {"claimed"}
    monkeypatch.setattr(batch, "begin", begin)
    _give_up_all(desk, keys)
    states = Counter(desk.state(key)[0] for key in keys)
    arrived = len(desk.provider.messages)
    assert arrived == sum(waves)
    assert states["unknown"] <= most, "what was under way at that moment"
    assert states["sent"] == arrived - states["unknown"], "what was noted before is known"
    assert states["scheduled"] == 7 - arrived, "what had not begun has not left"
    _few(desk, monkeypatch, 2)
    _send(desk, keys)
    assert len(desk.provider.messages) == len({sms.to for sms in desk.provider.messages}) == 7


def test_a_claim_whose_process_dies_before_its_call_leaves_once_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = _visits(desk, 2)
    dead, other = claim(desk.house, desk.channels, "default", keys).ready
    assert begin(desk.house, "default", [other]) == {other.id}
    _give_up_all(desk, keys)
    assert desk.state(dead.id) == ("scheduled", "lease")
    assert desk.state(other.id) == ("unknown", "lease"), "its call had begun"
    assert begin(desk.house, "default", [dead, other]) == set(), "and it never begins any more"
    desk.send(dead.id)
    assert [sms.ref for sms in desk.provider.messages] == [dead.id]


@pytest.mark.parametrize("how", ["folded", "not folded", "not folded, under an earlier id", "STOP", "held"])
def test_what_became_known_since_the_claim_keeps_the_call_from_beginning(desk: Desk, how: str) -> None:
    publish(desk.house, {**FILES, "config/policy.yaml": "{}\n"})
    desk.tell("patient.merged", 8, subject="p-0", into="p-1")
    keys = _visits(desk, 2)
    claimed = claim(desk.house, desk.channels, "default", keys).ready
    assert [ready.id for ready in claimed] == keys
    if how == "STOP":
        with write(desk.house.engine) as conn:
            hashed = desk.house.hashed("sms", "+306900000001")
            outbox.suppress(conn, "default", "sms", hashed, "opted_out", desk.now)
    elif how == "held":
        hold(desk.house, "default", "p-1", "by test", None, "user test")
    else:
        who = "p-0" if "earlier" in how else "p-1"
        desk.tell(
            "consent.revoked", 9, subject=who, folded=how == "folded", channel="sms", purpose="marketing", basis="verbal",
        )  # fmt: skip
    assert begin(desk.house, "default", claimed) == {keys[1]}


@pytest.mark.parametrize("how", ["paused", "published"])
def test_what_a_person_decides_since_the_claims_keeps_all_their_calls_from_beginning(
    desk: Desk, how: str
) -> None:
    keys = _visits(desk, 2)
    claimed = claim(desk.house, desk.channels, "default", keys).ready
    assert [ready.id for ready in claimed] == keys
    if how == "paused":
        pause(desk.house, "default", claimed[0].message.journey, "by test", "user test")
    else:
        publish(desk.house, {**FILES, "config/policy.yaml": "{}\n"})
    assert begin(desk.house, "default", claimed) == set()


def test_what_changes_nothing_of_a_patient_writes_nothing_of_her(desk: Desk) -> None:
    keys = _visits(desk, 3)
    c, written = ledgers.c, list[str]()

    def note(_c: object, _r: object, statement: str, *_: object) -> None:
        written.append(statement)

    event.listen(desk.house.engine, "before_cursor_execute", note)
    _send(desk, keys)
    assert [one for one in written if one.startswith(("INSERT INTO patients", "INSERT INTO ledgers"))] == []
    with read(desk.house.engine) as conn:
        before = conn.execute(select(c.changes).where(c.patient_id == "p-1")).scalar_one()
    desk.tell("consent.revoked", 9, subject="p-1", channel="sms", purpose="marketing", basis="verbal")
    with read(desk.house.engine) as conn:
        assert conn.execute(select(c.changes).where(c.patient_id == "p-1")).scalar_one() == before + 1
