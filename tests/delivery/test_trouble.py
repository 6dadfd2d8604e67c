"""Trouble, through the real way out: a sender that is paused and tried again, a journey that fails too often, a rate, a claim that grew old, links that nobody can open."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from channels import twilio_webhooks
from tests.delivery.desk import FILES, Desk, desk_of
from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN
from worker.delivery.outside import DOOR_STANDS
from worker.delivery.senders import Channels, Credentials, Places
from worker.domain.trouble import (
    AWAY_IN_A_ROW,
    ENOUGH,
    FIRST_PAUSE,
    SENDER_IN_A_ROW,
    SENDER_PAUSE,
    SenderState,
)
from worker.queue.client import connect
from worker.queue.places import Places as SharedPlaces
from worker.service.intervening import resume
from worker.service.receiving import take
from worker.store import doors, senders
from worker.store.engine import read, write
from worker.store.schema import suppressions

UNCAPPED = {**FILES, "config/policy.yaml": "{}\n"}
RATED = {
    **UNCAPPED, "config/channels.yaml": 'sms: {provider: twilio, from: "+15005550006", rate: 1 per second}\n',
}  # fmt: skip


@pytest.fixture
def busy(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """A desk without caps."""
    with desk_of(database_url, tmp_path, UNCAPPED) as found:
        yield found


def visits(desk: Desk, first: int, count: int) -> list[str]:
    """Messages to as many patients, each with a phone of her own."""
    return [desk.visit(n, f"p-{n}", f"+3069000{n:05}") for n in range(first, first + count)]


def sender(desk: Desk) -> SenderState:
    with read(desk.house.engine) as conn:
        return senders.state_of(conn, "default", "sms")


def suppressed(desk: Desk) -> int:
    with read(desk.house.engine) as conn:
        return conn.execute(select(func.count()).select_from(suppressions)).scalar_one()


def reported(desk: Desk, number: int, word: str, code: int) -> None:
    signed = desk.provider.callback(desk.provider.messages[number].sid, word, code)
    take(desk.house, "default", [twilio_webhooks.parse_status(signed.body, urlsplit(signed.url).query)])


def states(desk: Desk, keys: list[str]) -> set[tuple[str, str]]:
    return {desk.state(key) for key in keys}


def test_an_account_that_is_refused_is_paused_and_nothing_is_lost(busy: Desk) -> None:
    desk = busy
    desk.provider.script([("error", 20003)] * SENDER_IN_A_ROW)
    keys = visits(desk, 1, SENDER_IN_A_ROW + 2)
    for key in keys:
        desk.send(key)
    assert len(desk.provider.requests) == SENDER_IN_A_ROW, "the others did not even ask"
    assert states(desk, keys[:3]) == {("scheduled", "20003")}
    assert states(desk, keys[3:]) == {("scheduled", "sender_paused")}
    assert (sender(desk).paused, sender(desk).code) == (True, "20003")
    (task,) = desk.tasks()
    assert (task.kind, task.urgent, task.assignee) == ("system", True, "operations")
    assert "SMS is paused" in task.note
    assert suppressed(desk) == 0, "no patient is blamed"

    desk.turn(SENDER_PAUSE.total_seconds() + 1)
    assert sender(desk) == SenderState(), "the first that is taken lifts the pause"
    for _ in range(6):
        desk.turn(20 * 60)
    assert states(desk, keys) == {("sent", "")}
    assert sorted(sms.ref or "" for sms in desk.provider.messages) == sorted(keys), "each once"
    assert len(desk.tasks()) == 1


def test_a_sender_that_stays_broken_fails_its_messages_in_the_end_and_says_so_once(busy: Desk) -> None:
    desk = busy
    desk.provider.script([("error", 20003)] * 200)
    keys = visits(desk, 1, 3)
    for key in keys:
        desk.send(key)
    for _ in range(24):
        desk.turn(4 * 3_600)
    assert {state for state, _ in states(desk, keys)} <= {"failed", "dropped"}
    assert not desk.provider.messages
    assert len([task for task in desk.tasks() if task.step.startswith("sender/")]) == 1
    assert suppressed(desk) == 0


def test_a_number_that_is_none_is_not_written_to_again_and_says_nothing_against_the_sender(
    desk: Desk,
) -> None:
    desk.provider.script([("error", 21211)])
    first = desk.visit(1)
    desk.send(first)
    assert desk.state(first) == ("failed", "21211")
    assert (suppressed(desk), sender(desk)) == (1, SenderState())
    desk.now += timedelta(days=8)
    second = desk.visit(2)
    desk.send(second)
    assert desk.state(second) == ("dropped", "suppressed")


def test_what_carriers_filter_counts_against_the_sender_hours_later(busy: Desk) -> None:
    desk = busy
    keys = visits(desk, 1, SENDER_IN_A_ROW)
    for key in keys:
        desk.send(key)
    for number in range(SENDER_IN_A_ROW):
        assert not sender(desk).paused
        desk.now += timedelta(hours=1)
        reported(desk, number, "undelivered", 30007)
    assert (sender(desk).paused, sender(desk).code) == (True, "30007")
    assert suppressed(desk) == 0
    assert [task.urgent for task in desk.tasks()] == [True]


def test_five_percent_of_failures_warn_ten_pause_the_journey_and_a_person_lets_it_go_on(busy: Desk) -> None:
    desk = busy
    for key in visits(desk, 1, ENOUGH - 1):
        desk.send(key)
    desk.provider.script([("error", 21614)] * 3)
    failing, (waiting,) = visits(desk, 100, 3), visits(desk, 200, 1)
    desk.send(failing[0])
    (warning,) = desk.tasks()
    assert warning.step.startswith("failures/hello/")
    assert "1 of 20 messages" in warning.note
    desk.send(failing[1])
    assert len(desk.tasks()) == 1, "once a day"
    desk.send(failing[2])
    _, stopped = desk.tasks()
    assert (stopped.step.split("/")[:2], stopped.urgent) == (["pause", "hello"], True)
    assert "revisit resume hello" in stopped.note

    desk.send(waiting)
    assert desk.state(waiting) == ("scheduled", "paused")
    said = [trace.why for trace in desk.traces("p-200") if trace.what == "waits"]
    assert said == ["the journey is paused: 3 of its 22 messages of the last day failed"]
    resume(desk.house, "default", "hello", "user test")
    desk.turn()
    assert desk.state(waiting) == ("sent", "")


def test_of_all_that_wait_for_a_provider_that_is_away_one_tries(busy: Desk) -> None:
    desk = busy
    desk.provider.script(["500"] * (AWAY_IN_A_ROW + 1))
    keys = visits(desk, 1, AWAY_IN_A_ROW + 3)
    for key in keys[: AWAY_IN_A_ROW + 1]:
        desk.send(key)
    assert {state for state, _ in states(desk, keys[:AWAY_IN_A_ROW])} == {"unknown"}
    assert desk.state(keys[AWAY_IN_A_ROW]) == ("scheduled", "sender_paused")
    asked = len(desk.provider.requests)

    desk.now += FIRST_PAUSE + timedelta(seconds=1)
    one, two = keys[-2:]
    desk.send(one)
    assert desk.state(one)[0] == "unknown", "it tried, and the provider is away still"
    desk.send(two)
    assert desk.state(two) == ("scheduled", "sender_paused")
    assert len(desk.provider.requests) == asked + 1

    desk.now += 2 * FIRST_PAUSE + timedelta(seconds=1)
    desk.send(two)
    assert desk.state(two) == ("sent", "")
    assert sender(desk) == SenderState()
    for _ in range(6):
        desk.turn(60)
    assert states(desk, keys) == {("sent", "")}
    assert sorted(sms.ref or "" for sms in desk.provider.messages) == sorted(keys)


def with_places(desk: Desk, folder: Path, places: Places) -> None:
    desk.channels.close()
    desk.channels = Channels(
        Credentials(ACCOUNT_SID, AUTH_TOKEN, desk.provider.url), folder / "outbox", places
    )


def test_messages_wait_for_their_places_in_the_rate(
    database_url: str, tmp_path: Path, valkey_url: str
) -> None:
    client = connect(valkey_url)
    with desk_of(database_url, tmp_path, RATED) as desk:
        with_places(desk, tmp_path, SharedPlaces(client))
        keys, began = visits(desk, 1, 3), time.time()
        for key in keys:
            desk.send(key)
        assert states(desk, keys) == {("sent", "")}
        assert desk.provider.messages[-1].received_at - began >= 1.9
    client.close()


def test_a_place_that_is_far_off_gives_the_claim_back(database_url: str, tmp_path: Path) -> None:
    with desk_of(database_url, tmp_path, RATED) as desk:
        with_places(desk, tmp_path, lambda *asked: [9.0 if asked == ("default/sms", 1.0, 1) else 0.0])
        (key,) = visits(desk, 1, 1)
        desk.send(key)
        assert desk.state(key) == ("scheduled", "rate")
        assert desk.row(key).message.due_at - desk.now == timedelta(seconds=9)
        assert not desk.provider.requests
        assert sender(desk) == SenderState()


def test_a_claim_that_grew_old_is_given_back_and_the_provider_is_not_called(
    database_url: str, tmp_path: Path
) -> None:
    with desk_of(database_url, tmp_path, RATED) as desk:
        slow = [21.0]

        def places(_name: str, _rate: float, number: int) -> list[float]:
            desk.now += timedelta(seconds=slow.pop() if slow else 0)
            return [0.0] * number

        with_places(desk, tmp_path, places)
        (key,) = visits(desk, 1, 1)
        desk.send(key)
        assert desk.state(key) == ("scheduled", "late")
        assert not desk.provider.requests
        desk.turn(60)
        assert desk.state(key) == ("sent", "")


# -- our public address -------------------------------------------------------------------------------------------------------


def outside_of(desk: Desk, url: str) -> None:
    desk.house = replace(desk.house, public_url=url)


def test_marketing_waits_until_our_links_can_be_opened_and_a_person_is_told_once(busy: Desk) -> None:
    desk = busy
    outside_of(desk, "http://clinic.example")
    keys = visits(desk, 1, 2)
    for key in keys:
        desk.send(key)
    assert states(desk, keys) == {("scheduled", "no_public_url")}
    (task,) = desk.tasks()
    assert task.urgent
    assert "not https" in task.note
    outside_of(desk, "http://127.0.0.1:8000")
    desk.turn(3_601)
    assert states(desk, keys) == {("sent", "")}


@pytest.mark.parametrize(
    ("url", "hours", "why", "expected"),
    [
        ("https://clinic.example", 1, "", "sent"), ("https://clinic.example", 23, "it answers 502", "sent"), ("https://clinic.example", 25, "it answers 502", "scheduled"),
        ("https://clinic.example", None, "it answers 502", "scheduled"), ("https://moved.example", 1, "", "scheduled"), (None, None, "", "scheduled"),
    ],
)  # fmt: skip
def test_an_answer_of_our_address_counts_for_a_day(
    busy: Desk, url: str | None, hours: int | None, why: str, expected: str
) -> None:
    desk = busy
    outside_of(desk, "https://clinic.example")
    if url is not None:
        answered = desk.now - timedelta(hours=hours) if hours is not None else None
        with write(desk.house.engine) as conn:
            doors.keep(conn, "default", doors.Door(url, desk.now, answered, why))
    (key,) = visits(desk, 1, 1)
    desk.send(key)
    assert desk.state(key) == (expected, "" if expected == "sent" else "no_public_url")
    assert timedelta(hours=24) == DOOR_STANDS


def test_a_provider_without_credentials_tells_a_person_once_a_day(desk: Desk) -> None:
    desk.channels = Channels(Credentials(), Path("unused"))
    keys = [desk.visit(1), desk.visit(2, "p-2", "+306900000002")]
    for key in keys:
        desk.send(key)
    assert [desk.state(key) for key in keys] == [("scheduled", "not_configured")] * 2
    (told,) = [task for task in desk.tasks() if task.step.startswith("credentials/")]
    assert told.urgent
    assert (
        told.note
        == "No SMS leaves: TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set. Messages wait until they are too late."
    )
