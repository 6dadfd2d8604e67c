"""The door for events over HTTP: what each answer says, and that nothing an answer promised is missing."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from tests.web.site import TOKEN, Site, a_person, a_site, an_event
from worker.service import accepting
from worker.store.engine import read
from worker.store.schema import events, quarantine

BATCH = "application/cloudevents-batch+json"


def kept(site: Site) -> list[tuple[str, str]]:
    with read(site.house.engine) as conn:
        return [
            (row.event_id, row.state)
            for row in conn.execute(select(events.c.event_id, events.c.state).order_by(events.c.event_id))
        ]


def put_aside(site: Site) -> list[str]:
    with read(site.house.engine) as conn:
        return list(conn.execute(select(quarantine.c.raw).order_by(quarantine.c.id)).scalars())


def test_an_accepted_event_is_stored_before_the_answer_and_queued_after(door: Site) -> None:
    answer = door.post(an_event(patient=a_person()), "application/cloudevents+json; charset=utf-8")
    assert (answer.status, answer.json()) == (202, {"accepted": 1, "duplicates": 0, "rejected": []})
    assert kept(door) == [("e-1", "new")]
    assert [(job.kind, job.clinic, len(job.ids)) for job in door.jobs] == [("fold", "default", 1)]
    door.live()
    assert kept(door) == [("e-1", "done")]


def test_what_was_told_before_is_a_duplicate_and_is_not_queued_again(door: Site) -> None:
    door.post(an_event(1))
    queued = len(door.jobs)
    answer = door.post([an_event(1), an_event(2), an_event(2)], BATCH)
    assert answer.json() == {"accepted": 1, "duplicates": 2, "rejected": []}
    assert [event for event, _ in kept(door)] == ["e-1", "e-2"]
    assert sum(len(job.ids) for job in door.jobs[queued:]) == 1


def test_a_wrong_event_is_put_aside_and_the_rest_of_its_batch_is_accepted(door: Site) -> None:
    unknown = an_event(2, kind="visit.imagined")
    late = an_event(3) | {"time": "yesterday"}
    ours = an_event(4, kind="message.replied")
    answer = door.post([an_event(1), unknown, late, ours, 7, None, [], an_event(5)], BATCH)
    said = answer.json()
    assert (answer.status, said["accepted"], said["duplicates"]) == (202, 2, 0)
    assert [one["index"] for one in said["rejected"]] == [1, 2, 3, 4, 5, 6]
    assert "visit.imagined" in said["rejected"][0]["errors"][0]
    assert said["rejected"][1]["errors"][0].startswith("time: ")
    assert [event for event, _ in kept(door)] == ["e-1", "e-5"]
    assert json.loads(put_aside(door)[0]) == unknown
    assert len(put_aside(door)) == 6


def test_a_single_wrong_event_is_202_with_its_reasons(door: Site) -> None:
    answer = door.post(an_event(kind="nothing.known"), "application/cloudevents+json")
    said = answer.json()
    assert (answer.status, said["accepted"]) == (202, 0)
    assert [one["index"] for one in said["rejected"]] == [0]
    assert len(put_aside(door)) == 1
    assert door.jobs == []


def test_text_that_no_database_keeps_holds_up_no_other_event(door: Site) -> None:
    poison = [
        an_event(2, subject="p-\x00", patient=a_person(first_name="\x00")),
        an_event(3, patient=a_person(first_name="\ud800")),
        an_event(4, patient=a_person(first_name="x" * 100_000)),
        an_event(5, net={"minor": 10**30, "currency": "EUR"}),
    ]
    answer = door.post([an_event(1), *poison, an_event(6)], BATCH)
    assert answer.status == 202
    assert {"e-1", "e-6"} <= {event for event, _ in kept(door)}
    said = answer.json()
    assert said["accepted"] + len(said["rejected"]) == 6
    door.live()
    assert {state for _, state in kept(door)} == {"done"}


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        (b"", "application/json", "empty"),
        (b"{", "application/json", "line 1"),
        (b'{"a": NaN}', "application/json", "NaN"),
        (b'{"a": 1e999}', "application/json", "number"),
        (b"\xff\xfe", "application/json", "UTF-8"),
        (b"[" * 100_000, "application/json", "deep"),
        (b'{"a": 1, "a": 2}', "application/json", "twice"),
        (b"7", "application/json", "object"),
        (b"[]", "application/cloudevents+json", "batch"),
        (b"{}", BATCH, "single"),
        (b"{}", "text/plain", "content type"),
        (b"{}", "application/json; charset=utf-16", "charset"),
        (gzip.compress(b"{}", mtime=0), "application/json", "UTF-8"),
    ],
)
def test_what_cannot_be_read_is_400_in_words_and_nothing_is_kept(
    site: Site, body: bytes, kind: str, word: str
) -> None:
    answer = site.post(body, kind)
    assert answer.status == 400
    assert word in answer.json()["error"]
    assert (kept(site), put_aside(site), site.jobs) == ([], [], [])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": TOKEN},
    ],
)
def test_without_the_token_nothing_is_taken(site: Site, headers: dict[str, str]) -> None:
    answer = site.pool.request(
        "POST",
        site.url + "/events",
        body=json.dumps(an_event()),
        headers={"Content-Type": "application/json", **headers},
    )
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["error"]
    assert kept(site) == []


def test_the_scheme_of_the_token_may_be_written_in_any_letters(site: Site) -> None:
    assert site.post(an_event(), token=None, Authorization=f"bearer {TOKEN}").status == 202


def test_ten_megabytes_are_refused_and_the_server_goes_on(site: Site) -> None:
    big = b'"' + b"x" * 10_000_000 + b'"'
    for _ in range(3):
        answer = site.post(big)
        assert (answer.status, "5 MB" in answer.json()["error"]) == (413, True)
    assert site.post(an_event()).status == 202


def test_a_body_without_a_length_is_refused_where_it_grows_too_long(site: Site) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 100_000
            yield b"x" * 100_000

    answer = site.post(endless())
    assert answer.status == 413
    assert site.post(an_event()).status == 202


def test_a_length_that_is_too_long_is_answered_before_the_body_comes(site: Site) -> None:
    address = urlsplit(site.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as line:
        head = f"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n"
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413")


def test_a_sender_that_hangs_up_in_the_middle_leaves_nothing(site: Site) -> None:
    address = urlsplit(site.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as line:
        line.sendall(
            f"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode()
        )
    assert site.post(an_event()).status == 202
    assert len(kept(site)) == 1


def test_a_batch_of_more_than_ten_thousand_is_refused_whole(site: Site) -> None:
    assert site.post(b"[" + b",".join([b"0"] * 10_001) + b"]").status == 413
    assert put_aside(site) == []
    answer = site.post(b"[" + b",".join([b"0"] * 10_000) + b"]")
    assert (answer.status, len(answer.json()["rejected"])) == (202, 10_000)


def test_an_empty_batch_is_accepted(site: Site) -> None:
    assert site.post([], BATCH).json() == {"accepted": 0, "duplicates": 0, "rejected": []}


def test_a_queue_that_is_away_costs_no_event(door: Site) -> None:
    door.queue_fails = True
    assert door.post(an_event()).status == 202
    door.queue_fails = False
    with read(door.house.engine) as conn:
        assert conn.execute(select(func.count()).select_from(events)).scalar_one() == 1


def test_with_too_much_waiting_the_door_asks_to_come_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "BACKLOG_LIMIT", 1)
    assert site.post([an_event(1), an_event(2)]).status == 202
    answer = site.post(an_event(3))
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0
    site.live()
    assert site.post(an_event(3)).status == 202


def test_before_anything_is_published_the_door_says_so(sqlite_url: str, tmp_path: Path) -> None:
    with a_site(sqlite_url, tmp_path, published=False) as site:
        answer = site.post(an_event())
        assert (answer.status, "publish" in answer.json()["error"]) == (503, True)


def test_the_only_clinic_there_is_gets_the_events_whatever_it_is_called(
    sqlite_url: str, tmp_path: Path
) -> None:
    from worker.workspace.layout_new import sample_rooms

    clinic = sample_rooms()["config/clinic.yaml"].replace("id: default", "id: glyfada")
    with a_site(sqlite_url, tmp_path, rooms={"config/clinic.yaml": clinic}) as site:
        assert site.post(an_event()).status == 202
        assert [job.clinic for job in site.jobs] == ["glyfada"]


def test_a_failure_inside_is_told_to_nobody_in_its_own_words(sqlite_url: str, tmp_path: Path) -> None:
    with a_site(sqlite_url, tmp_path, published=False, migrated=False) as site:
        answer: Any = site.post(an_event(patient=a_person()))
        assert answer.status == 503
        assert set(answer.json()) == {"error"}
        assert "SELECT" not in answer.json()["error"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_other_methods_and_other_paths_are_refused(site: Site) -> None:
    assert site.get("/events").status == 405
    assert site.get("/nowhere").status == 404
