"""Tokens of the API: shown once, kept as a keyed hash, of one clinic, scoped, revocable; and how often somebody may try."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from tests.web.site import SECRET, TOKEN, Site, an_event
from worker.service.publishing import publish
from worker.service.tokens import BadName, Caller, create, listed, revoke
from worker.store import schema
from worker.store.engine import read
from worker.web.door import BURST, FAILURES, Budget, Door, address_of
from worker.workspace.house import House
from worker.workspace.layout_new import sample_rooms


def make(site: Site, *scopes: str, clinic: str = "default", name: str = "book") -> str:
    return create(site.house, clinic, name, scopes or ["events"], "user anna")


def another_clinic(site: Site) -> None:
    rooms = sample_rooms()
    about = (
        rooms["config/clinic.yaml"]
        .replace("id: default", "id: second")
        .replace("Alkyon Skin Clinic", "Second Clinic")
    )
    assert "id: second" in about
    publish(site.house, {**rooms, "config/clinic.yaml": about})


def whose(site: Site) -> list[str]:
    with read(site.house.engine) as conn:
        return list(conn.execute(select(schema.events.c.clinic_id).order_by(schema.events.c.seq)).scalars())


def test_a_token_is_shown_once_and_kept_as_a_keyed_hash(door: Site) -> None:
    token = make(door)
    assert len(base64.urlsafe_b64decode(token.removeprefix("revisit_") + "=")) == 32
    with read(door.house.engine) as conn:
        (row,) = conn.execute(select(schema.api_tokens))
        stored = json.dumps([str(value) for value in row])
        noted = [
            tuple(each)
            for each in conn.execute(
                select(schema.audit.c.actor, schema.audit.c.action, schema.audit.c.detail)
            )
        ]
    assert token not in stored
    assert token.removeprefix("revisit_") not in stored
    assert len(row.hash) == 64
    assert ("user anna", "token created", {"name": "book", "scopes": ["events"]}) in noted
    with_another_key = House(door.house.engine, SECRET + "x", door.house.public_url)
    revoke(door.house, "default", "book", "user anna")
    create(with_another_key, "default", "book", ["events"], "user anna")
    assert {one.hash for one in _rows(door)} != {row.hash}


def _rows(site: Site) -> list[Any]:
    with read(site.house.engine) as conn:
        return list(conn.execute(select(schema.api_tokens)))


def test_it_says_whose_event_it_is(door: Site) -> None:
    another_clinic(door)
    assert door.post(an_event(1), token=make(door, clinic="second")).status == 202
    assert door.post(an_event(2), token=make(door)).status == 202
    assert door.post(an_event(3)).status == 202
    assert whose(door) == ["second", "default", "default"]


def test_it_opens_what_its_scope_names_and_nothing_else(site: Site) -> None:
    another_clinic(site)
    events, page = make(site, "events", clinic="second"), make(site, "page", clinic="second", name="board")
    both = make(site, "events", "page", name="both")
    assert site.post(an_event(1), token=events).status == 202
    refused = site.post(an_event(2), token=page)
    assert (refused.status, "--scope events" in refused.json()["error"]) == (403, True)
    assert site.get("/", password=events).status == 403
    seen = site.get("/", password=page)
    assert (seen.status, "Second Clinic" in seen.data.decode()) == (200, True)
    assert site.get("/", password=both).status == 200
    assert site.post(an_event(3), token=both).status == 202
    assert whose(site) == ["second", "default"]


def test_from_the_moment_that_it_is_revoked_it_opens_nothing(door: Site) -> None:
    token = make(door)
    assert door.post(an_event(1), token=token).status == 202
    assert revoke(door.house, "default", "book", "user anna")
    assert door.post(an_event(2), token=token).status == 401
    assert not revoke(door.house, "default", "book", "user anna")
    assert [one.revoked_at is None for one in listed(door.house, "default")] == [False]
    assert door.post(an_event(3), token=make(door)).status == 202


def test_a_token_of_one_clinic_is_not_revoked_by_another(site: Site) -> None:
    token = make(site)
    assert not revoke(site.house, "second", "book", "user anna")
    assert site.post(an_event(1), token=token).status == 202


def test_when_it_was_used_is_known_to_the_minute(site: Site) -> None:
    token, now = make(site), site.house.wall()
    assert listed(site.house, "default")[0].used_at is None
    for seconds, told in ((0, 0), (30, 0), (61, 61)):
        moment = now + timedelta(seconds=seconds)
        site.house.wall = partial(datetime.fromtimestamp, moment.timestamp(), UTC)
        assert site.post(an_event(seconds), token=token).status == 202
        assert listed(site.house, "default")[0].used_at == now + timedelta(seconds=told)


@pytest.mark.parametrize("wrong", ["revisit_" + "A" * 43, "revisit_", "", "ü", "x" * 7_000])
def test_a_token_that_nobody_made_opens_nothing(site: Site, wrong: str) -> None:
    make(site)
    headers: Any = {"Authorization": f"Bearer {wrong}".encode()}
    answer = site.pool.request("POST", site.url + "/events", body=b"{}", headers=headers)
    assert (answer.status, whose(site)) == (401, [])


@pytest.mark.parametrize(
    ("name", "scopes"),
    [("Book", ["events"]), ("", ["events"]), ("a b", ["events"]), ("a", ["all"]), ("a", [])],
)
def test_a_name_or_scope_that_there_cannot_be_is_told_in_words(
    site: Site, name: str, scopes: list[str]
) -> None:
    with pytest.raises(BadName, match=r"can't be|no scope|opens nothing"):
        create(site.house, "default", name, scopes, "user anna")
    make(site, name="taken")
    with pytest.raises(BadName, match="already"):
        make(site, name="taken")


# -- how often ----------------------------------------------------------------------------------------------------------------


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def asked(token: str | None, *, client: str = "203.0.113.9", forwarded: str | None = None) -> Request:
    headers = [(b"authorization", f"Bearer {token}".encode())] if token is not None else []
    if forwarded is not None:
        headers.append((b"x-forwarded-for", forwarded.encode()))
    return Request(
        {"type": "http", "method": "POST", "path": "/events", "headers": headers, "client": (client, 4711)}
    )


def status(found: Caller | Response) -> int:
    return found.status_code if isinstance(found, Response) else 200


def test_who_tries_too_often_waits_and_the_right_token_does_not_help(site: Site) -> None:
    clock = Clock()
    door = Door(site.house, TOKEN, clock)
    tries = [status(door.let_in(asked(f"wrong-{n}"), "bearer", "events")) for n in range(FAILURES + 3)]
    assert tries == [401] * FAILURES + [429] * 3
    refused = door.let_in(asked(TOKEN), "bearer", "events")
    assert isinstance(refused, Response)
    assert (refused.status_code, 1 <= int(refused.headers["Retry-After"]) <= 60) == (429, True)
    assert status(door.let_in(asked(TOKEN, client="203.0.113.10"), "bearer", "events")) == 200
    clock.now += int(refused.headers["Retry-After"])
    assert status(door.let_in(asked(TOKEN), "bearer", "events")) == 200


def test_a_token_that_was_right_before_is_not_shut_out_by_its_neighbours(site: Site) -> None:
    door = Door(site.house, TOKEN, Clock())
    assert status(door.let_in(asked(TOKEN), "bearer", "events")) == 200
    for n in range(FAILURES + 1):
        door.let_in(asked(f"wrong-{n}"), "bearer", "events")
    assert status(door.let_in(asked("wrong"), "bearer", "events")) == 429
    assert status(door.let_in(asked(TOKEN), "bearer", "events")) == 200


def test_who_sends_no_token_at_all_is_asked_for_one_and_not_counted(site: Site) -> None:
    door = Door(site.house, TOKEN, Clock())
    assert {status(door.let_in(asked(None), "bearer", "events")) for _ in range(FAILURES * 2)} == {401}
    assert status(door.let_in(asked(TOKEN), "bearer", "events")) == 200


def test_one_token_asks_only_so_often(site: Site) -> None:
    clock = Clock()
    door = Door(site.house, TOKEN, clock)
    assert {status(door.let_in(asked(TOKEN), "bearer", "events")) for _ in range(int(BURST))} == {200}
    refused = door.let_in(asked(TOKEN), "bearer", "events")
    assert isinstance(refused, Response)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert status(door.let_in(asked(make(site)), "bearer", "events")) == 200
    clock.now += 1
    assert status(door.let_in(asked(TOKEN), "bearer", "events")) == 200


def test_through_the_running_server_too_many_wrong_tokens_are_429(site: Site) -> None:
    answers = [site.post(an_event(1), token=f"wrong-{n}") for n in range(FAILURES + 5)]
    assert answers[0].status == 401
    assert (answers[-1].status, int(answers[-1].headers["Retry-After"]) > 0) == (429, True)
    assert site.get("/", password="wrong").status == 429
    assert whose(site) == []


def test_what_is_counted_takes_bounded_memory() -> None:
    budget = Budget(5, 1, most=100, clock=Clock())
    for n in range(10_000):
        budget.spend(str(n))
    assert len(budget) == 100
    for _ in range(5):
        budget.spend("last")
    assert budget.wait("last") == 1
    assert budget.wait("0") == 0


@pytest.mark.parametrize(
    ("client", "forwarded", "expected"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "2001:db8:1:2:aaaa::1", "2001:db8:1:2::"),
        ("::1", "2001:db8:1:2:bbbb::2", "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", None, "203.0.113.9"),
    ],
)
def test_an_address_is_believed_from_a_proxy_alone(client: str, forwarded: str | None, expected: str) -> None:
    assert address_of(asked("x", client=client, forwarded=forwarded)) == expected
