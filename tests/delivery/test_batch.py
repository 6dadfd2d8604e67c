"""Messages that leave in a batch: the same rules as for one, whatever the others of the batch do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from channels import twilio_webhooks
from channels.base import Accepted
from tests.delivery.desk import FILES, Desk
from tests.standins.twilio import Sms
from worker.delivery import batch
from worker.delivery.batch import dispatch_all
from worker.delivery.claiming import Ready, claim
from worker.delivery.dispatch import record
from worker.service.publishing import publish
from worker.service.receiving import take
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
    monkeypatch.setattr(batch, "FRESH", 0.0)
    keys = _visits(desk, 3)
    told: list[str] = []

    def places(_name: str, _rate: float) -> float:
        if not told:
            desk.tell("consent.revoked", 9, subject="p-3", channel="sms", purpose="marketing", basis="verbal")
            told.append("revoked")
        return 0.0

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

    def watched(house: House, clinic: str, answers: Sequence[tuple[Ready, Accepted]]) -> object:
        sizes.append(len(answers))
        return record_accepted(house, clinic, answers)

    monkeypatch.setattr(batch, "record_accepted", watched)
    desk.provider.script([("drip", 0.003), "ok", "ok"])
    _send(desk, keys)
    assert {desk.state(key)[0] for key in keys} == {"sent"}
    assert sizes == [2]
