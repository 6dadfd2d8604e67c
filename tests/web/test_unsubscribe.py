"""The link in every e-mail: looking changes nothing, pressing the button ends marketing, twice is once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import urllib3
from sqlalchemy import select

from tests.web.site import MONDAY, Site, a_person, an_event
from worker.delivery.links import unsubscribe_url
from worker.store import patients
from worker.store.engine import read, write
from worker.store.schema import consents, events, messages


def sent(site: Site, **person: object) -> str:
    """The path of the link in an e-mail that a patient has received."""
    site.post(an_event(1, patient=a_person(**person)))
    site.live()
    site.set_clock(MONDAY + timedelta(days=31))
    site.post(an_event(2, subject="p-2", at=MONDAY + timedelta(days=31)))
    site.live()
    with read(site.house.engine) as conn:
        state, key, body = conn.execute(
            select(messages.c.state, messages.c.id, messages.c.body).where(messages.c.patient_id == "p-1")
        ).one()
    link = unsubscribe_url(site.house.public_url, site.house.secret, "default", key)
    assert (state, link in body) == ("sent", True)
    return link.removeprefix(site.house.public_url)


def press(site: Site, path: str, body: str = "") -> urllib3.BaseHTTPResponse:
    return site.pool.request(
        "POST", site.url + path, body=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )


def told(site: Site) -> list[tuple[str, str, str]]:
    with read(site.house.engine) as conn:
        c = consents.c
        return [
            tuple(row)
            for row in conn.execute(
                select(c.channel, c.purpose, c.action)
                .where(c.action.in_(("granted", "revoked")))
                .order_by(c.id)
            )
        ]


def allows(site: Site) -> bool:
    from worker.domain.facts import Facts

    with write(site.house.engine) as conn:
        found = patients.lock(conn, "default", ["p-1"], since=MONDAY)["p-1"]
        return Facts("p-1", found.ledger, site.house.rooms(conn, "default").rules.clinic).consent(
            "email", "marketing"
        )[0]


def test_looking_at_the_link_changes_nothing(site: Site) -> None:
    path = sent(site)
    for method in ("GET", "HEAD", "GET"):
        answer = site.get(path, method=method)
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers
    assert told(site) == []
    assert allows(site)


def test_the_page_asks_in_the_patients_language_and_says_nothing_of_the_patient(site: Site) -> None:
    page = site.get(sent(site, first_name="Ελένη", language="el")).data.decode()
    assert '<html lang="el">' in page
    assert "Διαγραφή" in page
    assert page.count("<button") == 1
    for private in ("Ελένη", "eleni@example.com", "p-1"):
        assert private not in page


@pytest.mark.parametrize("body", ["", "List-Unsubscribe=One-Click", "anything=else"])
def test_pressing_the_button_ends_marketing_on_that_channel_at_once(site: Site, body: str) -> None:
    path = sent(site)
    answer = press(site, path, body)
    assert (answer.status, "You are unsubscribed" in answer.data.decode()) == (200, True)
    assert told(site) == [("email", "marketing", "revoked")]
    assert not allows(site)
    with read(site.house.engine) as conn:
        row = conn.execute(select(events).where(events.c.source == "/revisit/unsubscribe")).one()
        assert (row.state, row.subject, row.data["source"]) == ("done", "p-1", "unsubscribe link")


def test_pressing_it_again_changes_nothing_more(site: Site) -> None:
    path = sent(site)
    assert [press(site, path).status for _ in range(3)] == [200, 200, 200]
    assert told(site) == [("email", "marketing", "revoked")]


def test_after_a_new_leave_the_old_link_works_once_more(site: Site) -> None:
    path = sent(site)
    press(site, path)
    later = MONDAY + timedelta(days=32)
    site.set_clock(later)
    site.post(
        an_event(3, at=later, kind="consent.granted", channel="email", purpose="marketing", basis="written")
    )
    site.live()
    assert allows(site)
    press(site, path)
    assert not allows(site)
    assert told(site) == [("email", "marketing", action) for action in ("revoked", "granted", "revoked")]


def test_it_stops_the_message_that_was_to_come(site: Site) -> None:
    path = sent(site)
    press(site, path)
    site.set_clock(MONDAY + timedelta(days=53))
    site.post(an_event(4, subject="p-2", at=MONDAY + timedelta(days=53)))
    site.live()
    with read(site.house.engine) as conn:
        states = conn.execute(
            select(messages.c.step, messages.c.state, messages.c.reason)
            .where(messages.c.patient_id == "p-1")
            .order_by(messages.c.created_at)
        ).all()
    assert [tuple(row) for row in states] == [
        ("plan_next", "sent", ""),
        ("questions", "dropped", "no_consent"),
    ]


def test_it_counts_for_the_patient_that_two_records_became(site: Site) -> None:
    path = sent(site)
    later = MONDAY + timedelta(days=32)
    site.set_clock(later)
    site.post(
        [
            an_event(5, at=later, kind="patient.merged", into="p-2"),
            an_event(6, subject="p-2", at=later, kind="patient.upserted", patient=a_person()),
        ]
    )
    site.live()
    press(site, path)
    with read(site.house.engine) as conn:
        assert patients.resolve(conn, "default", ["p-1"]) == {"p-1": "p-2"}
        assert conn.execute(
            select(consents.c.patient_id).where(consents.c.action == "revoked")
        ).scalars().all() == ["p-2"]


@pytest.mark.parametrize("token", ["x", "WyJkZWZhdWx0IiwiYSJd.AAAA", "%00", "a" * 3000])
def test_a_link_that_is_not_ours_is_a_page_in_both_languages(site: Site, token: str) -> None:
    for answer in (site.get(f"/u/{token}"), press(site, f"/u/{token}")):
        assert answer.status == 404
        assert "This link does not work" in answer.data.decode()
        assert "Ο σύνδεσμος δεν λειτουργεί" in answer.data.decode()


def test_a_link_whose_message_is_gone_or_signed_by_another_is_not_ours(site: Site) -> None:
    for secret in (site.house.secret, "another secret"):
        path = unsubscribe_url("", secret, "default", "0" * 32)
        assert press(site, path).status == 404
    assert told(site) == []


def test_a_link_with_a_letter_changed_is_not_ours(site: Site) -> None:
    path = sent(site)
    changed = path[:-1] + ("A" if path[-1] != "A" else "Q")
    assert press(site, path[:-3] + "AAA").status == 404
    assert press(site, changed[:10] + "x" + changed[11:]).status == 404
    assert allows(site)


def test_a_long_body_is_not_read(site: Site) -> None:
    path = sent(site)
    assert press(site, path, "x" * 1_000_000).status == 413
    assert allows(site)
