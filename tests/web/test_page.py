"""The overview: who may see it, what it says, and that nothing in it is anything but text."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.web.site import MONDAY, TOKEN, Site, a_person, a_site, an_event
from worker.delivery.trouble import pause_journey, system_task
from worker.domain.trouble import SenderState
from worker.store import outbox, pauses, replies, senders, tasks
from worker.store.engine import read, write
from worker.store.schema import messages
from worker.workspace.layout_new import sample_rooms


class Page(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page(site: Site) -> Page:
    answer = site.get("/", password=TOKEN)
    assert answer.status == 200
    return Page(answer.data.decode())


def a_month_of_life(site: Site) -> None:
    """One patient who got an e-mail, one with a text message, one who allows nothing, one who comes today."""
    site.post(
        [
            an_event(1, subject="p-mail", patient=a_person()),
            an_event(
                2,
                subject="p-text",
                patient=a_person(phone="+306900000001", language="el", consent={"sms": ["marketing"]}),
            ),
            an_event(3, subject="p-none", patient=a_person(consent={"email": [], "sms": []})),
        ]
    )
    site.live()
    site.set_clock(MONDAY + timedelta(days=31))
    site.post(an_event(4, subject="p-today", at=MONDAY + timedelta(days=31)))
    site.live()


def test_the_page_asks_for_the_token_as_a_password(site: Site) -> None:
    for answer in (
        site.get("/"),
        site.get("/", password="wrong"),
        site.get("/", password=""),
        site.get("/", method="HEAD"),
    ):
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert "Alkyon" not in answer.data.decode()
    assert site.get("/", password=TOKEN).status == 200
    bearer = site.pool.request("GET", site.url, headers={"Authorization": f"Bearer {TOKEN}"})
    broken = site.pool.request("GET", site.url, headers={"Authorization": "Basic ===="})
    assert (bearer.status, broken.status) == (401, 401)


def test_a_page_that_was_opened_on_purpose_asks_for_nothing(sqlite_url: str, tmp_path: Path) -> None:
    with a_site(sqlite_url, tmp_path, open_page=True) as site:
        assert site.get("/").status == 200
        assert site.get("/", method="HEAD").data == b""
        assert site.post(an_event(), token=None).status == 401


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/u/x", "/nowhere", "/events"])
def test_every_answer_carries_the_headers_that_protect_it(site: Site, path: str) -> None:
    for method in ("GET", "HEAD", "POST"):
        headers = site.get(path, method=method).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
        assert "script-src" not in policy
        assert (
            headers["X-Content-Type-Options"],
            headers["X-Frame-Options"],
            headers["Referrer-Policy"],
        ) == ("nosniff", "DENY", "no-referrer")
        assert headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in headers


def test_the_page_says_what_went_out_what_comes_and_what_was_held_back(site: Site) -> None:
    a_month_of_life(site)
    seen = page(site)
    assert "4 patients, each in exactly one stage" in seen.text
    assert "2 messages went out in the last 7 days" in seen.text
    assert "No leave to write for marketing" in seen.text
    assert "p-none" in seen.text
    assert "From the first visit to a second" in seen.text
    assert "Today, 11:00" in seen.text
    assert "Greek" in seen.text
    frames = [attrs for tag, attrs in seen.tags if tag == "iframe"]
    assert len(frames) == 1
    assert frames[0]["sandbox"] is None
    assert "<html" in (frames[0]["srcdoc"] or "")
    assert {"script", "img", "form"} & {tag for tag, _ in seen.tags} == set()


def test_an_empty_clinic_is_told_in_words(site: Site) -> None:
    seen = page(site)
    for words in (
        "Nothing has gone out yet",
        "Nothing is scheduled",
        "No open tasks",
        "No message was held back",
        "Nobody moved",
        "0 patients",
    ):
        assert words in seen.text


def test_before_anything_is_published_the_page_says_so(sqlite_url: str, tmp_path: Path) -> None:
    with a_site(sqlite_url, tmp_path, published=False) as site:
        answer = site.get("/", password=TOKEN)
        assert (answer.status, "Nothing is published yet" in answer.data.decode()) == (503, True)


def test_a_rehearsal_is_said_loudly_and_shows_what_would_have_left(sqlite_url: str, tmp_path: Path) -> None:
    clinic = re.sub(r"(?m)^mode:.*$", "mode: rehearsal", sample_rooms()["config/clinic.yaml"])
    with a_site(sqlite_url, tmp_path, rooms={"config/clinic.yaml": clinic}) as site:
        a_month_of_life(site)
        seen = page(site)
        assert "Rehearsal: everything is decided and shown here, and nothing is sent." in seen.text
        assert "Rehearsed, not sent" in seen.text
        assert "would have gone out" in seen.text


def test_whatever_a_patient_or_a_message_is_called_it_is_text(sqlite_url: str, tmp_path: Path) -> None:
    nasty = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    clinic = sample_rooms()["config/clinic.yaml"].replace(
        "name: Alkyon Skin Clinic\n", "name: '<b>Alkyon</b> & <script>'\n", 1
    )
    with a_site(sqlite_url, tmp_path, rooms={"config/clinic.yaml": clinic}) as site:
        site.post(
            [
                an_event(1, subject=f"p-{nasty}", patient=a_person(first_name=nasty)),
                an_event(
                    2,
                    subject="p-text",
                    patient=a_person(phone="+306900000001", consent={"sms": ["marketing"]}),
                ),
                an_event(3, subject=f"q-{nasty}", patient=a_person(consent={"email": []})),
            ]
        )
        site.live()
        site.set_clock(MONDAY + timedelta(days=31))
        site.post(an_event(4, subject="p-today", at=MONDAY + timedelta(days=31)))
        site.live()
        with read(site.house.engine) as conn:
            ids = list(conn.execute(select(messages.c.id).where(messages.c.state == "sent")).scalars())
        assert len(ids) == 2
        with write(site.house.engine) as conn:
            for key in ids:
                outbox.content(conn, key, "en", nasty, f"</p></iframe>{nasty}", f"<p>{nasty}</p>")
        seen = page(site)
    assert {"script", "img"} & {tag for tag, _ in seen.tags} == set()
    assert not [name for _, attrs in seen.tags for name in attrs if name.startswith("on")]
    assert seen.text.count("alert(1)") >= 4
    assert "<b>Alkyon</b>" in seen.text
    frames = [attrs for tag, attrs in seen.tags if tag == "iframe"]
    assert [(frame["sandbox"], frame["srcdoc"]) for frame in frames] == [(None, f"<p>{nasty}</p>")]


def test_it_lives_and_says_whether_it_is_ready(site: Site) -> None:
    assert site.get("/healthz").status == 200
    assert (site.get("/readyz").status, site.get("/readyz").json()) == (
        200,
        {"ready": True, "database": "ok", "rooms": "ok", "queue": "ok"},
    )
    site.queue_up = False
    answer = site.get("/readyz")
    assert (answer.status, answer.json()["ready"], answer.json()["database"]) == (503, False, "ok")
    assert answer.json()["queue"] != "ok"
    assert site.get("/healthz").status == 200


def test_it_is_not_ready_before_the_tables_or_the_rooms_are_there(tmp_path: Path) -> None:
    with a_site(f"sqlite:///{tmp_path / 'bare.db'}", tmp_path, published=False, migrated=False) as site:
        assert site.get("/readyz").status == 503
        assert "version" in site.get("/readyz").json()["database"]
        assert site.get("/healthz").status == 200
    with a_site(f"sqlite:///{tmp_path / 'empty.db'}", tmp_path, published=False) as site:
        assert (site.get("/readyz").status, site.get("/readyz").json()["database"]) == (503, "ok")


def test_what_needs_a_person_stands_first_with_what_can_be_done(door: Site) -> None:
    a_month_of_life(door)
    with write(door.house.engine) as conn:
        rules, now = door.house.rooms(conn, "default").rules, door.house.now(conn)
        pause_journey(
            conn, rules, "win_back_6", "failures", "5 of its 40 messages of the last day failed", now
        )
        state = SenderState(True, 3, now, "20003", "it refuses our credentials")
        senders.keep(conn, "default", "sms", state, now)
        doubtful = conn.execute(select(messages.c.id).where(messages.c.state == "sent").limit(1)).scalar_one()
        conn.execute(update(messages).where(messages.c.id == doubtful).values(state="unknown"))
        number = replies.keep(
            conn, "default", patient="p-text", message=None, channel="sms", provider="twilio", key="SM1", address_hash="", body="My lip <b>hurts</b>",
            kind="reply", keyword=False, harm=["pain"], at=now, raw={},
        )  # fmt: skip
        desk: dict[str, Any] = {
            "origin": f"reply/{number}",
            "assignee": "front_desk",
            "patient": "p-text",
            "at": now,
        }
        soon, later = now + timedelta(hours=1), now + timedelta(hours=2)
        tasks.add(conn, "default", **desk, name="answer", kind="reply", note="About answer.", due_at=soon)
        tasks.add(
            conn, "default", **desk, name="harm", kind="harm", note="About harm.", due_at=later, urgent=True
        )
    seen = page(door).text
    now_part = seen[seen.index("Needs a person now") : seen.index("Where patients stand")]
    assert "a patient speaks of harm" in now_part
    assert "My lip <b>hurts</b>" in now_part
    assert "The journey “Bring back patients we have not seen for six months” is paused" in now_part
    assert "5 of its 40 messages of the last day failed" in now_part
    assert "revisit resume win_back_6" in now_part
    assert "SMS is paused" in now_part
    assert f"revisit resend {doubtful}" in now_part
    assert "About answer." in seen[seen.index("For the team") :]
    assert "About answer." not in now_part
    assert "2 tasks wait for a person" in seen


def test_what_is_over_needs_nobody_any_more(site: Site) -> None:
    with write(site.house.engine) as conn:
        rules, now = site.house.rooms(conn, "default").rules, site.house.now(conn)
        pause_journey(conn, rules, "win_back_6", "failures", "too many failed", now)
        assert pauses.resume(conn, "default", "win_back_6", actor="user anna", at=now)
        for name in ("feed/2026-10-01T10:00", "door/2026-10-01"):
            system_task(conn, rules, name, "marketing", "No marketing leaves.", now, urgent=True)
    assert "Needs a person now" not in page(site).text


def test_what_the_providers_report_is_counted(site: Site) -> None:
    a_month_of_life(site)
    assert "known to have arrived" not in page(site).text
    with write(site.house.engine) as conn:
        ids = list(conn.execute(select(messages.c.id).where(messages.c.state == "sent")).scalars())
        for key, state in zip(ids, ("delivered", "undelivered"), strict=True):
            conn.execute(update(messages).where(messages.c.id == key).values(state=state, reason="30005"))
    seen = page(site).text
    assert "1 of them is known to have arrived, 1 did not" in seen
    assert "Did not arrive (30005)" in seen


def test_a_trouble_that_lasts_is_told_for_as_long(sqlite_url: str, tmp_path: Path) -> None:
    policy = "feed: {max_age: 36 hours}\n"
    with a_site(sqlite_url, tmp_path, rooms={"config/policy.yaml": policy}) as site:
        site.post(an_event(1, subject="p-mail", patient=a_person()))
        site.live()
        with write(site.house.engine) as conn:
            rules, now = site.house.rooms(conn, "default").rules, site.house.now(conn)
            said = "No marketing leaves: nothing was heard."
            system_task(conn, rules, "feed/2026-10-05T09:00", "marketing", said, now, urgent=True)
        assert said not in page(site).text
        site.set_clock(MONDAY + timedelta(days=3))
        assert said in page(site).text
