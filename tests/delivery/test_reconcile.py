"""Messages of unknown fate, looked for in the provider's own list."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.delivery.desk import FILES, Desk
from tests.standins.faults import Faults, Step
from tests.standins.twilio import AUTH_TOKEN
from worker.delivery.claiming import LEASE
from worker.delivery.reconcile import APART, CERTAIN, EARLY, MOST_TRIES
from worker.delivery.senders import Channels, Credentials
from worker.service.intervening import Refused, doubtful, resend
from worker.service.publishing import publish
from worker.store import outbox


def _reads(desk: Desk) -> int:
    return sum(request.method == "GET" for request in desk.provider.requests)


def nobody_can_tell(desk: Desk) -> str:
    """A message that may have left, and that is not looked for any more."""
    desk.provider.script(["hangup_before"])
    key = desk.visit(1)
    desk.send(key)
    with desk.house.engine.begin() as conn:
        outbox.look_for(conn, "default", key, deadline=desk.now, lookup_at=None)
    return key


def again(desk: Desk, key: str) -> None:
    """A person sends it again."""
    for job in resend(desk.house, "default", key, "user test"):
        for one in job.ids:
            desk.send(one)


def test_what_the_list_shows_was_sent_and_is_not_sent_again(desk: Desk) -> None:
    desk.provider.script(["hangup_after"])
    key = desk.visit(1)
    desk.send(key)
    assert desk.state(key)[0] == "unknown"
    whats = [trace.what for trace in desk.traces()]
    assert "unknown" in whats, "that is said"
    assert "finished" not in whats, "its run waits"
    desk.turn(EARLY.total_seconds() + 1)
    assert desk.state(key) == ("sent", "")
    assert desk.row(key).provider_id == desk.provider.messages[0].sid
    assert "finished" in [trace.what for trace in desk.traces()], "its run goes on"
    for _ in range(8):
        desk.turn(60)
    assert len(desk.provider.messages) == 1
    assert not desk.tasks()


def test_what_the_list_twice_does_not_show_is_sent_once_more_within_three_minutes(desk: Desk) -> None:
    desk.provider.script(["500"])
    began = desk.now
    key = desk.visit(1)
    desk.send(key)
    assert desk.state(key) == ("unknown", "http_500")
    while desk.state(key)[0] == "unknown":
        desk.turn(1)
        assert desk.now - began <= timedelta(seconds=180)
    assert desk.state(key) == ("sent", "")
    assert desk.now - began >= CERTAIN + timedelta(seconds=30)
    assert len(desk.provider.messages) == 1
    reads = [request for request in desk.provider.requests if request.method == "GET"]
    assert len(reads) >= 2 * 2, "each reading asks by date and without"


def test_a_dead_sender_is_found_out_within_three_minutes_of_its_claim(desk: Desk) -> None:
    key = desk.visit(1)
    with desk.house.engine.begin() as conn:
        assert outbox.claim(conn, "default", key, desk.now, desk.now + LEASE, "sms", "+306900000001")
        outbox.attempt(conn, "default", key, desk.now, desk.channels.account("twilio"))
    began = desk.now
    while desk.state(key)[0] in ("claimed", "unknown"):
        desk.turn(1)
        assert desk.now - began <= timedelta(seconds=180)
    assert desk.state(key) == ("sent", "")
    assert len(desk.provider.messages) == 1


def test_a_list_that_cannot_be_read_proves_nothing(desk: Desk) -> None:
    desk.provider.script(["500"])
    key = desk.visit(1)
    desk.send(key)
    desk.provider.script(["500"] * 40)
    for _ in range(12):
        desk.turn(31)
    assert desk.state(key) == ("unknown", "http_500")
    assert not desk.provider.messages
    desk.provider.script([])
    with pytest.raises(Refused, match="still being looked for"):
        resend(desk.house, "default", key, "user test")


def test_the_two_readings_stand_apart_and_come_after_a_minute(desk: Desk) -> None:
    desk.provider.script(["500"])
    key = desk.visit(1)
    desk.send(key)
    began, seen = desk.now, []
    while desk.state(key)[0] == "unknown":
        before = _reads(desk)
        desk.turn(1)
        if _reads(desk) > before:
            seen.append((desk.now - began).total_seconds())
    late = [second for second in seen if second >= CERTAIN.total_seconds()]
    assert len(late) == 2
    assert late[1] - late[0] >= 30
    assert timedelta(seconds=30) <= APART


def test_which_of_two_in_doubt_was_taken_may_stay_open(desk: Desk) -> None:
    """The provider lists one, whose text it has altered: it may be either, so neither is sent again."""
    publish(desk.house, {**FILES, "config/policy.yaml": "{}\n"})
    desk.provider.script(["hangup_after", "500"])
    keys = [desk.visit(1, "p-1"), desk.visit(2, "p-2")]
    for key in keys:
        desk.send(key)
    desk.provider.row(desk.provider.messages[0].sid).body = "Hello, shortened"
    for _ in range(20):
        desk.turn(60)
    assert [desk.state(key)[0] for key in keys] == ["unknown", "unknown"]
    assert not desk.tasks()
    for _ in range(30):
        desk.turn(16 * 60)
    assert [desk.state(key)[0] for key in keys] == ["unknown", "unknown"]
    assert len(desk.provider.messages) == 1
    assert sorted(task.about for task in desk.tasks()) == sorted(keys), "a person is asked"
    assert [one.searching for one in doubtful(desk.house, "default")] == [False, False]
    for patient in ("p-1", "p-2"):
        assert "finished" in [trace.what for trace in desk.traces(patient)], "the run goes on"


def test_of_several_in_doubt_an_equal_text_tells_which_was_sent(desk: Desk) -> None:
    desk.provider.script(["500"])
    key = desk.visit(1)
    desk.send(key)
    row = desk.provider.plant("+306900000001", body="Hello Maria, C")
    desk.turn(EARLY.total_seconds() + 1)
    assert desk.state(key) == ("sent", "")
    assert desk.row(key).provider_id == row.sid


class NothingIsTaken(Faults):
    """Every message is refused with a 500; the list answers."""

    def roll(self, name: str, nth: int) -> tuple[Step, float]:
        return ("500" if name.startswith("POST") else "ok"), 0.0


def test_a_provider_that_never_takes_it_is_left_to_a_person(desk: Desk) -> None:
    desk.provider.faults(NothingIsTaken(1))
    key = desk.visit(1)
    desk.send(key)
    for _ in range(100):
        desk.turn(15)
    assert desk.state(key)[0] == "unknown"
    posts = [request for request in desk.provider.requests if request.method == "POST"]
    assert len(posts) == MOST_TRIES
    assert [task.about for task in desk.tasks() if task.kind == "unknown"] == [key]
    assert not desk.provider.messages


def test_a_person_sends_again_what_nobody_can_tell_of(desk: Desk) -> None:
    key = nobody_can_tell(desk)
    (found,) = doubtful(desk.house, "default")
    assert (found.id, found.journey, found.channel, found.searching) == (key, "hello", "sms", False)
    desk.now += timedelta(days=20)
    again(desk, key)
    assert desk.state(key) == ("sent", "")
    assert len(desk.provider.messages) == 1
    with pytest.raises(Refused, match="is sent, so there is nothing"):
        resend(desk.house, "default", key, "user test")


def test_what_a_person_sends_again_passes_the_gate(desk: Desk) -> None:
    key = nobody_can_tell(desk)
    desk.tell("consent.revoked", 2, channel="sms", purpose="marketing", basis="verbal")
    again(desk, key)
    assert desk.state(key) == ("dropped", "no_consent")
    assert not desk.provider.messages


def test_the_list_of_another_account_proves_nothing_and_the_one_of_the_attempt_does(
    desk: Desk, tmp_path: Path
) -> None:
    desk.provider.script(["hangup_after"])
    key = desk.visit(1)
    desk.send(key)
    ours, reads = desk.channels, _reads(desk)
    desk.channels = Channels(Credentials("AC" + "9" * 32, AUTH_TOKEN, desk.provider.url), tmp_path / "outbox")
    for _ in range(12):
        desk.turn(31)
    desk.channels.close()
    assert desk.state(key)[0] == "unknown", "that account never had it"
    assert _reads(desk) == reads and len(desk.provider.messages) == 1
    desk.channels = ours
    desk.turn(900)
    assert desk.state(key) == ("sent", "")


def test_a_list_proves_nothing_where_another_provider_took_the_attempts_place(desk: Desk) -> None:
    desk.provider.script(["500"])
    key = desk.visit(1)
    desk.send(key)
    publish(desk.house, {**FILES, "config/channels.yaml": 'sms: {provider: console, from: "+15005550006"}\n'})
    for _ in range(12):
        desk.turn(31)
    assert desk.state(key) == ("unknown", "http_500")
    assert not desk.provider.messages
