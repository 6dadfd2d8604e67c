"""The link in every e-mail: looking changes nothing, pressing the button ends marketing, twice is once; and the form behind it."""

from __future__ import annotations

import re
import string
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.web.site import MONDAY, Site, a_person, an_event
from worker.delivery.links import unsubscribe_url
from worker.domain.facts import Facts
from worker.store import outbox, patients
from worker.store.engine import read, write
from worker.store.schema import audit, consents, events, messages


def sent(site: Site, **person: object) -> str:
    """The path of the link in an e-mail that a patient has received."""
    site.post(an_event(1, patient=a_person(**person)))
    site.live()
    site.set_clock(MONDAY + timedelta(days=31))
    site.post(an_event(2, subject="p-2", at=MONDAY + timedelta(days=31)))
    site.live()
    with read(site.house.engine) as conn:
        state, body = conn.execute(
            select(messages.c.state, messages.c.body).where(messages.c.patient_id == "p-1")
        ).one()
    (path,) = re.findall(rf"{site.house.public_url}(/u/[\w.-]+)", body)
    assert state == "sent"
    return str(path)


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


def allows(site: Site, channel: str = "email", purpose: str = "marketing") -> bool:
    with write(site.house.engine) as conn:
        found = patients.lock(conn, "default", ["p-1"], since=MONDAY)["p-1"]
        facts = Facts("p-1", found.ledger, site.house.rooms(conn, "default").rules.clinic)
        return facts.allows(channel, purpose)


def fields(html: str) -> tuple[list[str], list[str], list[str]]:
    """What a form says was on, what is ticked, and all that can be."""
    shown = re.findall(r'name="shown" value="([\w.]+)"', html)
    ticked = re.findall(r'name="wanted" value="([\w.]+)" checked', html)
    return shown, ticked, re.findall(r'name="wanted" value="([\w.]+)"', html)


def save(site: Site, path: str, shown: list[str], wanted: list[str]) -> urllib3.BaseHTTPResponse:
    """Send the form, as a browser would."""
    told = [("form", "preferences"), *(("shown", one) for one in shown), *(("wanted", one) for one in wanted)]
    return press(site, path, urlencode(told))


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
    assert "Διακοπή νέων και προσφορών με e\u2011mail" in page
    assert "<script" not in page
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


def test_a_link_that_is_not_ours_is_a_page_in_both_languages_that_says_whom_to_call(site: Site) -> None:
    for token in ("x", "WyJkZWZhdWx0IiwiYSJd.AAAA", "WyJkZWZhdWx0IiwiYSJd.AAAA.AAAA", "%00", "a" * 3000):
        for answer in (
            site.get(f"/u/{token}"),
            press(site, f"/u/{token}"),
            save(site, f"/u/{token}", [], []),
        ):
            assert answer.status == 404
            page = answer.data.decode()
            assert "This link does not work" in page
            assert "Ο σύνδεσμος δεν λειτουργεί" in page
            assert "+30\N{NO-BREAK SPACE}21" in page


def test_after_400_days_the_link_is_too_old_and_says_so(site: Site) -> None:
    path = sent(site)
    site.set_clock(MONDAY + timedelta(days=399))
    assert site.get(path).status == 200
    site.set_clock(MONDAY + timedelta(days=440))
    for answer in (site.get(path), press(site, path), save(site, path, ["email.marketing"], [])):
        assert answer.status == 410
        assert "This link is too old" in answer.data.decode()
        assert "+30\N{NO-BREAK SPACE}21" in answer.data.decode()
    assert told(site) == []


def test_a_link_whose_message_is_gone_or_signed_by_another_is_not_ours(site: Site) -> None:
    for secret in (site.house.secret, "another secret"):
        path = unsubscribe_url("", secret, "default", "0" * 32, MONDAY)
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


def test_one_click_as_a_form_of_many_parts_is_as_good(site: Site) -> None:
    path = sent(site)
    answer = site.pool.request(
        "POST", site.url + path, fields={"List-Unsubscribe": "One-Click"}, redirect=False
    )
    assert (answer.status, "Set-Cookie" in answer.headers) == (200, False)
    assert told(site) == [("email", "marketing", "revoked")]


# -- the form -----------------------------------------------------------------------------------------------------------------


def test_the_form_shows_what_she_gets_now_on_each_channel_that_she_has(site: Site) -> None:
    both = {"email": ["marketing", "care"], "sms": ["care"]}
    path = sent(site, phone="+306900000001", consent=both)
    shown, ticked, there = fields(site.get(path).data.decode())
    assert ticked == shown == ["sms.care", "email.marketing", "email.care"]
    assert there == ["sms.marketing", "sms.care", "email.marketing", "email.care"]


def test_choosing_by_treatments_is_offered_where_it_was_ever_allowed(site: Site) -> None:
    path = sent(site, consent={"email": ["marketing", "health_profiling"]})
    assert "email.health_profiling" in fields(site.get(path).data.decode())[0]


def test_the_form_changes_what_she_has_changed_and_keeps_the_evidence(door: Site) -> None:
    path = sent(door, phone="+306900000001", consent={"email": ["marketing", "care"], "sms": ["care"]})
    shown = fields(door.get(path).data.decode())[0]
    answer = save(door, path, shown, ["sms.marketing", "sms.care", "email.care"])
    assert (answer.status, "Your choice is saved." in answer.data.decode()) == (200, True)
    assert sorted(told(door)) == [("email", "marketing", "revoked"), ("sms", "marketing", "granted")]
    assert [allows(door, channel) for channel in ("email", "sms")] == [False, True]
    assert fields(answer.data.decode())[0] == ["sms.marketing", "sms.care", "email.care"]
    with read(door.house.engine) as conn:
        rows = conn.execute(select(consents).where(consents.c.action == "granted")).all()
        key = conn.execute(select(messages.c.id).where(messages.c.patient_id == "p-1")).scalar_one()
        said = conn.execute(select(audit.c.detail).where(audit.c.action == "preferences")).scalar_one()
    assert [(row.basis, row.source, row.evidence, len(row.text_hash)) for row in rows] == [
        ("explicit", "preference page", key, 64)
    ]
    assert said == {
        "message": key,
        "changed": {"sms.marketing": "consent.granted", "email.marketing": "consent.revoked"},
    }


def test_sending_the_form_again_changes_nothing(site: Site) -> None:
    path = sent(site)
    for _ in range(3):
        assert save(site, path, ["email.marketing", "email.care"], ["email.care"]).status == 200
    assert told(site) == [("email", "marketing", "revoked")]
    assert save(site, path, ["email.care"], ["email.care"]).status == 200
    assert told(site) == [("email", "marketing", "revoked")]


def test_off_and_on_again_counts_each_time_whatever_the_clock_says(site: Site) -> None:
    path = sent(site)
    for _ in range(2):
        save(site, path, ["email.marketing", "email.care"], ["email.care"])
        assert not allows(site)
        save(site, path, ["email.care"], ["email.marketing", "email.care"])
        assert allows(site)
    assert [action for _, _, action in told(site)] == ["revoked", "granted"] * 2


def test_a_page_from_before_a_stop_gives_no_leave_back(site: Site) -> None:
    path = sent(site)
    shown = fields(site.get(path).data.decode())[0]
    press(site, path)
    save(site, path, shown, shown)
    assert told(site) == [("email", "marketing", "revoked")]
    assert not allows(site)


def test_care_can_be_ended_too_and_what_is_not_on_the_form_cannot_be_given(site: Site) -> None:
    path = sent(site)
    wanted = ["email.marketing", "email.health_profiling", "sms.marketing", "fax.marketing", "x"]
    save(site, path, ["email.marketing", "email.care"], wanted)
    assert told(site) == [("email", "care", "revoked")]
    assert not allows(site, purpose="care")
    assert not allows(site, channel="sms")


def test_a_leave_lifts_no_suppression_and_the_page_says_so(site: Site) -> None:
    path = sent(site)
    with write(site.house.engine) as conn:
        hashed = site.house.hashed("email", "eleni@example.com")
        outbox.suppress(conn, "default", "email", hashed, "complained", MONDAY)
    save(site, path, ["email.marketing", "email.care"], ["email.care"])
    page = save(site, path, ["email.care"], ["email.marketing", "email.care"]).data.decode()
    assert "This address is closed to our messages" in page
    assert allows(site)
    with read(site.house.engine) as conn:
        pair = ("email", "eleni@example.com")
        assert outbox.suppressed(conn, "default", {pair: hashed}) == {pair}


def test_of_a_patient_who_was_forgotten_nothing_is_shown(site: Site) -> None:
    path = sent(site)
    site.post(an_event(7, at=MONDAY + timedelta(days=31), kind="patient.erased"))
    site.live()
    answer = site.get(path)
    assert answer.status in (200, 404)
    assert fields(answer.data.decode()) == ([], [], [])


TOKENS = st.text(string.ascii_letters + string.digits + "-_.~%", min_size=1, max_size=120)
HEADERS = st.dictionaries(
    st.sampled_from(["User-Agent", "Purpose", "List-Unsubscribe", "Content-Type", "X-HTTP-Method-Override", "Cookie", "Referer"]),
    st.sampled_from(["", "POST", "One-Click", "List-Unsubscribe=One-Click", "prefetch", "application/x-www-form-urlencoded", "Mozilla/5.0"]),
)  # fmt: skip


def test_no_look_at_any_link_with_any_headers_changes_what_she_allows(site: Site) -> None:
    ours = sent(site)
    query = st.sampled_from(
        ["", "?List-Unsubscribe=One-Click", "?form=preferences&shown=email.marketing", "?answer=stop"]
    )

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(
        method=st.sampled_from(["GET", "HEAD"]),
        path=st.just(ours) | TOKENS.map("/u/{}".format) | TOKENS.map("/r/{}".format),
        query=query,
        headers=HEADERS,
        body=st.sampled_from(["", "List-Unsubscribe=One-Click", "answer=stop"]),
    )
    def looks(method: str, path: str, query: str, headers: dict[str, str], body: str) -> None:
        site.pool.request(method, site.url + path + query, headers=headers, body=body, redirect=False)
        assert told(site) == []
        assert allows(site)

    looks()
