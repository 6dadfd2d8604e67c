"""Whatever is wrong gets a clear answer, and holds up nothing else."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.acceptance.clinic import FILES, Raw, person, visit, workspace
from tests.acceptance.system import CLINIC, PATIENCE, System, clean_environment, free_port, revisit
from tests.eventually import eventually
from worker.domain.events import Event
from worker.store import events as stored
from worker.store import schema
from worker.store.engine import write


def said(house: System, body: bytes) -> tuple[int, Any]:
    answer = house.request("POST", "/events", body, Content_Type="application/cloudevents-batch+json")
    return answer.status, answer.json()


@pytest.mark.parametrize("body", [b"{", b"", b"[1,", b"\xff\xfe", b'{"a": NaN}'])
def test_what_is_not_json_is_refused_in_words(house: System, body: bytes) -> None:
    status, told = said(house, body)
    assert status == 400
    assert isinstance(told["error"], str)
    assert len(told["error"]) > 10


def test_a_body_of_ten_megabytes_is_refused_and_the_next_one_is_taken(house: System) -> None:
    answer = house.request("POST", "/events", b"[" + b" " * 10_000_000 + b"]")
    assert answer.status == 413
    assert len(answer.json()["error"]) > 10
    eleni = person()
    house.tell(visit(eleni, house.now()))
    assert house.segments(eleni)


def test_each_bad_event_of_a_batch_is_told_by_its_field_and_the_good_ones_go_on(house: System) -> None:
    good, now = [person(), person()], house.now()

    def spoilt(**envelope: Any) -> Raw:
        return {**visit(person(), now), **envelope}

    bad_phone = person()
    bad = [
        spoilt(type="visit.complete"),
        visit(bad_phone, now, patient={**bad_phone.record, "phone": "not a number"}),
        spoilt(time="1890-01-01T10:00:00Z"),
        spoilt(time="2090-01-01T10:00:00Z"),
        {"nothing": "of this is an event"},
    ]
    told = house.post([visit(good[0], now), *bad, visit(good[1], now)])
    assert (told["accepted"], told["duplicates"]) == (2, 0)
    reasons = {rejected["index"]: " ".join(rejected["errors"]) for rejected in told["rejected"]}
    assert reasons.keys() == {1, 2, 3, 4, 5}
    assert "type: 'visit.complete' is not known" in reasons[1]
    assert "visit.completed" in reasons[1]
    assert "data.patient.phone: " in reasons[2]
    assert "time: 1890-01-01 lies before 1950" in reasons[3]
    assert "time: 2090-01-01 lies in the future" in reasons[4]
    assert "specversion" in reasons[5]
    house.settle()
    assert all("new" in house.segments(who) for who in good)
    kept = [json.loads(raw) for (raw,) in house.rows("quarantine", "raw", clinic_id=CLINIC)]
    assert all(event in kept for event in bad)


def taken_up_again(row: Callable[[], tuple[Any, ...]], tries: int) -> bool:
    return bool(row()[1] > tries)


def test_an_event_that_cannot_be_folded_ends_in_quarantine_and_the_rest_of_its_batch_does_not_wait(
    house: System,
) -> None:
    now = house.now()
    people, poison = [person() for _ in range(4)], person()
    events = [
        Event(raw["id"], raw["source"], raw["type"], raw["subject"], now, raw["data"])
        for raw in (visit(who, now, code="HYD") for who in people)
    ]
    events.insert(
        2,
        Event(
            f"{poison.id}/poison",
            "/somewhere",
            "booking.created",
            poison.id,
            now,
            {"starts_at": now.isoformat()},
        ),
    )
    with write(house.engine) as conn:
        stored.accept(conn, CLINIC, events, now)

    def row() -> tuple[Any, ...]:
        return house.rows("events", "state", "tries", "error", subject=poison.id)[0]

    eventually(lambda: all("new" in house.segments(who) for who in people), PATIENCE)
    assert row()[0] == "new"

    e = schema.events
    for tries in range(1, 5):
        # Its lease of half a minute is over.
        with write(house.engine) as conn:
            conn.execute(
                update(e).where(e.c.subject == poison.id, e.c.state == "new").values(queued_until=None)
            )
        eventually(partial(taken_up_again, row, tries), PATIENCE)
    eventually(lambda: row()[0] == "quarantined", PATIENCE)
    assert "could not be folded after" in row()[2]
    assert "KeyError" in row()[2]
    house.settle()
    assert not house.segments(poison)
    assert eventually(lambda: [len(house.messages(who)) for who in people] == [1] * 4, PATIENCE)


TYPO = {
    **FILES,
    "journeys/win_back.yaml": FILES["journeys/win_back.yaml"].replace("inactive_6", "inactive_66"),
}


def test_a_journey_with_a_typo_is_told_with_its_place_and_the_way_out(tmp_path: Path) -> None:
    env = {**clean_environment(), "REVISIT_WORKSPACE": str(workspace(tmp_path, TYPO))}
    for command in (("check",), ("run", "--port", str(free_port()))):
        told = revisit(*command, env=env, cwd=tmp_path)
        assert told.returncode == 1, told.stdout + told.stderr
        place = "journeys/win_back.yaml:4:11: error"
        assert f"{place} [unknown-segment] `inactive_66` is not a segment" in told.stdout
        assert "did you mean `inactive_6`?" in told.stdout.lower()
    found = json.loads(revisit("check", "--format", "json", env=env, cwd=tmp_path).stdout)
    errors = [
        (one["code"], one["file"], one["line"], one["column"]) for one in found if one["severity"] == "error"
    ]
    assert errors == [("unknown-segment", "journeys/win_back.yaml", 4, 11)]


def test_a_port_that_is_taken_is_told_with_the_way_out(tmp_path: Path) -> None:
    env = {**clean_environment(), "REVISIT_WORKSPACE": str(workspace(tmp_path))}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = revisit("run", "--port", str(port), env=env, cwd=tmp_path)
    assert told.returncode == 2
    assert f"port {port} can't be used" in told.stderr
    assert "--port" in told.stderr
