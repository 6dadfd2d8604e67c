"""The short links of messages, through the running server: where they lead, who is counted, and the answers that a patient may give."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import urllib3
from sqlalchemy import select

from tests.web.site import MONDAY, Site, an_event
from worker.delivery.links import KEPT_FOR, short_token
from worker.service.publishing import publish
from worker.store import outbox
from worker.store.engine import read, write
from worker.store.links import Link, keep
from worker.store.schema import consents, enrollments, events, link_hits, messages, tasks
from worker.web.guard import HEADERS
from worker.web.scanners import PROGRAMS, is_machine
from worker.workspace.layout_new import sample_rooms

BOOKING = "https://alkyon.example.com/book"
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
JOURNEY = """
journey: hello
start: {event: visit.completed}
repeat: always
expires: 3 days
steps:
  - {id: hello, send: [%s], template: hello}
  - id: heard
    listen_for: [link.clicked, link.answered]
    up_to: 2 weeks
    then:
      link.clicked: [{id: clicked, stop: has clicked}]
      link.answered: [{id: answered, stop: has answered}]
"""
ROOMS = {
    "templates/hello.sms.en.j2": "Book: {{ clinic.booking_url }} or tell us: {{ answer_url }} No more: {{ unsubscribe_url }}",
    "templates/hello.sms.el.j2": "Ραντεβού: {{ clinic.booking_url }} Απάντηση: {{ answer_url }} Διακοπή: {{ unsubscribe_url }}",
    "templates/hello.email.en.md": "---\nsubject: Hello\n---\n[Book]({{ clinic.booking_url }}) [Tell us]({{ answer_url }}) [Review]({{ clinic.review_url }})",
}


def sent(site: Site, channel: str = "sms", **person: Any) -> dict[str, str]:
    """A patient has got a message of a journey that listens, a minute ago; the paths of its links."""
    kept = {path: text for path, text in sample_rooms().items() if not path.startswith("journeys/")}
    publish(site.house, {**kept, **ROOMS, "journeys/hello.yaml": JOURNEY % channel})
    about = {
        "first_name": "Eleni",
        "phone": "+306900000001",
        "email": "eleni@example.com",
        "language": "en",
        "consent": {"sms": ["marketing", "care"], "email": ["marketing", "care"]},
        **person,
    }
    site.post(an_event(1, patient=about))
    site.live()
    with read(site.house.engine) as conn:
        body, state = conn.execute(
            select(messages.c.body, messages.c.state).where(messages.c.journey == "hello")
        ).one()
    assert state == "sent"
    site.set_clock(MONDAY + timedelta(minutes=1))
    paths = list(dict.fromkeys(re.findall(r"http://127\.0\.0\.1:1(/[ru]/[\w.-]+)", body)))
    names = ("booking", "answer", "unsubscribe") if channel == "sms" else ("booking", "answer", "review")
    return dict(zip(names, paths, strict=False))


def ask(site: Site, path: str, method: str = "GET", **headers: str) -> urllib3.BaseHTTPResponse:
    given = {"User-Agent": BROWSER, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return site.pool.request(method, site.url + path, headers=given, redirect=False)


def press(site: Site, path: str, answer: str) -> urllib3.BaseHTTPResponse:
    return site.pool.request(
        "POST", site.url + path, fields={"answer": answer}, encode_multipart=False, redirect=False
    )


def told(site: Site, kind: str) -> list[dict[str, Any]]:
    with read(site.house.engine) as conn:
        return list(
            conn.execute(select(events.c.data).where(events.c.type == kind).order_by(events.c.seq)).scalars()
        )


def hits(site: Site) -> list[str]:
    with read(site.house.engine) as conn:
        return list(conn.execute(select(link_hits.c.verdict).order_by(link_hits.c.id)).scalars())


def run(site: Site) -> tuple[str | None, str]:
    with read(site.house.engine) as conn:
        row = conn.execute(
            select(enrollments.c.outcome, enrollments.c.reason).where(enrollments.c.journey == "hello")
        ).one()
        return row.outcome, row.reason


def revoked(site: Site) -> list[tuple[str, str, str]]:
    with read(site.house.engine) as conn:
        c = consents.c
        found = conn.execute(select(c.channel, c.purpose, c.source).where(c.action == "revoked"))
        return [tuple(row) for row in found]


# -- following ----------------------------------------------------------------------------------------------------------------


def test_a_person_who_follows_a_link_gets_there_and_counts_once(door: Site) -> None:
    path = sent(door)["booking"]
    for _ in range(3):
        answer = ask(door, path)
        assert (answer.status, answer.headers["Location"]) == (302, BOOKING)
        assert "Set-Cookie" not in answer.headers
    door.live()
    (data,) = told(door, "link.clicked")
    assert (data["journey"], data["channel"], data["link"]) == ("hello", "sms", "booking")
    assert hits(door) == ["person", "again", "again"]
    assert run(door) == ("finished", "has clicked")


def test_a_look_at_the_head_leads_on_and_is_not_even_kept(site: Site) -> None:
    path = sent(site)["booking"]
    answer = ask(site, path, "HEAD")
    assert (answer.status, answer.headers["Location"]) == (302, BOOKING)
    assert (hits(site), told(site, "link.clicked")) == ([], [])


def test_programs_get_there_and_are_not_counted(site: Site) -> None:
    path = sent(site)["booking"]
    programs = [
        {
            "User_Agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
        },
        {"User_Agent": "BarracudaCentral"},
        {"User_Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
        {"User_Agent": "WhatsApp/2.23.20.0"},
        {"User_Agent": "Twitterbot/1.0"},
        {"User_Agent": ""},
        {"Purpose": "prefetch"},
        {"Sec_Purpose": "prefetch;prerender"},
        {"X_Purpose": "preview"},
        {"X_Moz": "prefetch"},
    ]
    for headers in programs:
        assert ask(site, path, **headers).status == 302
    assert (hits(site), told(site, "link.clicked")) == (["scanner"] * len(programs), [])
    assert ask(site, path).status == 302
    assert (hits(site)[-1], len(told(site, "link.clicked"))) == ("person", 1)


@pytest.mark.parametrize(
    "agent",
    [
        BROWSER,
        "Mozilla/5.0 (Linux; Android 9; CUBOT NOTE 20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 9; CUBOT_NOVA) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 350.0",
        "Mozilla/5.0 (Linux; Android 14; SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/140 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/480]",
    ],
)
def test_a_browser_of_a_person_is_not_taken_for_a_program(agent: str) -> None:
    assert not is_machine({"user-agent": agent})


@pytest.mark.parametrize("word", PROGRAMS)
def test_every_program_of_the_table_is_recognised(word: str) -> None:
    assert is_machine({"user-agent": f"Mozilla/5.0 (compatible; {word.upper()}1.0)"})


def test_an_emails_link_that_is_followed_at_once_is_a_filters_doing(site: Site) -> None:
    path = sent(site, "email")["booking"]
    site.set_clock(MONDAY + timedelta(seconds=3))
    ask(site, path)
    site.set_clock(MONDAY + timedelta(seconds=11))
    ask(site, path)
    assert (hits(site), len(told(site, "link.clicked"))) == (["scanner", "person"], 1)


def test_a_text_message_may_be_answered_at_once(site: Site) -> None:
    path = sent(site)["booking"]
    site.set_clock(MONDAY + timedelta(seconds=3))
    ask(site, path)
    assert hits(site) == ["person"]


def test_two_links_within_a_second_are_not_two_clicks(site: Site) -> None:
    paths = sent(site, "email")
    ask(site, paths["booking"])
    ask(site, paths["review"])
    assert hits(site) == ["person", "scanner"]
    site.set_clock(MONDAY + timedelta(minutes=2))
    ask(site, paths["review"])
    assert hits(site) == ["person", "scanner", "person"]
    assert [data["link"] for data in told(site, "link.clicked")] == ["booking", "review"]


def test_nothing_of_the_request_says_where_a_link_leads(site: Site) -> None:
    path = sent(site)["booking"]
    for more in (
        "?url=https://evil.example",
        "?next=//evil.example",
        "/https://evil.example",
        "/..//evil.example",
    ):
        answer = ask(site, path + more, Host="evil.example", X_Forwarded_Host="evil.example")
        assert answer.headers.get("Location", BOOKING) == BOOKING


def test_a_link_that_we_have_not_made_says_whom_to_call(site: Site) -> None:
    for token in ("x", "%00", "a" * 18, "a" * 3000, "%CE%95%CE%BB%CE%AD%CE%BD%CE%B7"):
        for answer in (ask(site, f"/r/{token}"), press(site, f"/r/{token}", "stop")):
            assert answer.status == 404
            page = answer.data.decode()
            assert "This link does not work" in page
            assert "Ο σύνδεσμος δεν λειτουργεί" in page
            assert "+30\N{NO-BREAK SPACE}21" in page
    assert hits(site) == []


def test_a_link_with_a_letter_changed_is_not_ours(site: Site) -> None:
    path = sent(site)["booking"]
    for at in range(3, len(path)):
        changed = path[:at] + ("a" if path[at] != "a" else "b") + path[at + 1 :]
        assert ask(site, changed).status == 404
    assert hits(site) == []


def test_after_90_days_a_link_says_that_it_is_too_old(site: Site) -> None:
    paths = sent(site, language="el")
    site.set_clock(MONDAY + KEPT_FOR + timedelta(minutes=1))
    for answer in (
        ask(site, paths["booking"]),
        ask(site, paths["answer"]),
        press(site, paths["answer"], "stop"),
    ):
        assert answer.status == 410
        assert "Ο σύνδεσμος έχει λήξει" in answer.data.decode()
    assert (hits(site), revoked(site)) == ([], [])


def test_a_message_that_was_only_rehearsed_counts_nobody(site: Site) -> None:
    path = sent(site)["booking"]
    with write(site.house.engine) as conn:
        conn.execute(messages.update().values(state="rehearsed"))
    assert ask(site, path).status == 302
    assert (hits(site), told(site, "link.clicked")) == ([], [])


def test_the_link_of_a_text_message_leads_to_what_she_may_be_sent(site: Site) -> None:
    path = sent(site)["unsubscribe"]
    answer = ask(site, path)
    assert answer.status == 302
    where = answer.headers["Location"].removeprefix(site.house.public_url)
    assert where.startswith("/u/")
    assert "Stop news and offers by text message" in ask(site, where).data.decode()
    assert (hits(site), revoked(site)) == ([], [])


# -- answering ----------------------------------------------------------------------------------------------------------------


def test_the_answer_page_speaks_her_language_and_changes_nothing(site: Site) -> None:
    path = sent(site, language="el", first_name="Ελένη")["answer"]
    for method in ("GET", "HEAD", "GET"):
        answer = ask(site, path, method)
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers
    page = answer.data.decode()
    assert '<html lang="el">' in page
    assert re.findall(r'name="answer" value="(\w+)"', page) == ["book", "call_me", "not_now", "stop"]
    for private in ("Ελένη", "+306900000001", "p-1", "<script"):
        assert private not in page
    assert (told(site, "link.answered"), revoked(site)) == ([], [])


@pytest.mark.parametrize("given", ["book", "stop"])
def test_an_answer_is_heard_by_its_run_once(door: Site, given: str) -> None:
    path = sent(door)["answer"]
    for _ in range(2):
        answer = press(door, path, given)
        where = (answer.status, answer.headers.get("Location"))
        assert where == ((303, BOOKING) if given == "book" else (200, None))
    door.live()
    (data,) = told(door, "link.answered")
    assert (data["answer"], data["journey"], data["channel"]) == (given, "hello", "sms")
    assert run(door) == ("finished", "has answered")
    assert revoked(door) == ([("sms", "marketing", "answer page")] if given == "stop" else [])


def test_who_wants_a_call_is_a_task_for_the_front_desk_by_the_next_working_day(door: Site) -> None:
    path = sent(door)["answer"]
    press(door, path, "call_me")
    press(door, path, "call_me")
    with read(door.house.engine) as conn:
        row = conn.execute(select(tasks).where(tasks.c.kind == "reply")).one()
    assert (row.patient_id, row.assignee, row.urgent, row.journey) == ("p-1", "front_desk", False, "hello")
    assert row.note == "Asks to be called: answered the SMS of hello."
    assert row.due_at.date() == (MONDAY + timedelta(days=1)).date()


def test_after_one_answer_another_changes_nothing_but_stop_always_does(site: Site) -> None:
    path = sent(site)["answer"]
    press(site, path, "not_now")
    answer = press(site, path, "call_me")
    assert "We have had your answer before" in answer.data.decode()
    with read(site.house.engine) as conn:
        assert conn.execute(select(tasks).where(tasks.c.kind == "reply")).all() == []
    assert [data["answer"] for data in told(site, "link.answered")] == ["not_now"]
    page = ask(site, path).data.decode()
    assert re.findall(r'name="answer" value="(\w+)"', page) == ["book", "stop"]
    assert "You are unsubscribed" in press(site, path, "stop").data.decode()
    assert revoked(site) == [("sms", "marketing", "answer page")]


def test_what_is_no_answer_is_asked_again(site: Site) -> None:
    path = sent(site)["answer"]
    for given in ("", "yes", "BOOK", "stop "):
        answer = press(site, path, given)
        assert answer.status == 400
        assert answer.data.decode().count("<button") == 4
    assert (told(site, "link.answered"), revoked(site)) == ([], [])


def test_a_tracked_link_takes_no_answer(site: Site) -> None:
    path = sent(site)["booking"]
    assert press(site, path, "stop").status == 404
    assert (told(site, "link.answered"), revoked(site)) == ([], [])


def test_without_a_booking_page_nobody_is_asked_to_book(site: Site) -> None:
    path = sent(site)["answer"]
    with write(site.house.engine) as conn:
        (key,) = conn.execute(select(messages.c.id).where(messages.c.journey == "hello")).scalars()
        token = short_token(site.house.secret, key, "answer", "")
        keep(conn, [Link(token, "default", key, "answer", "", MONDAY, MONDAY + KEPT_FOR)])
        assert outbox.get(conn, "default", [key])
    assert f"/r/{token}" != path
    page = ask(site, f"/r/{token}").data.decode()
    assert 'value="book"' not in page
    answer = press(site, f"/r/{token}", "book")
    assert (answer.status, "Thank you" in answer.data.decode()) == (200, True)


def test_a_browser_may_go_on_from_the_answer_page_to_the_booking_page_and_nowhere_else(site: Site) -> None:
    path = sent(site)["answer"]
    said = ask(site, path).headers["Content-Security-Policy"]
    assert "form-action 'self' https://alkyon.example.com;" in said
    assert said.replace(" https://alkyon.example.com", "") == HEADERS["Content-Security-Policy"]
