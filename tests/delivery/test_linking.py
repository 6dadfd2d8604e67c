"""The addresses that a message names: no more than the journey and the text need, the same ones each time, and no letter of them can be changed."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from worker.delivery.dispatch import dispatch
from worker.delivery.linking import Addresses, addresses
from worker.delivery.links import SIGNED_FOR, is_short, read_signed, short_token, unsubscribe_url
from worker.delivery.senders import Channels, Credentials, headers
from worker.service.accepting import accept
from worker.service.folding import fold
from worker.service.publishing import publish
from worker.store import links as stored_links
from worker.store import outbox
from worker.store.engine import make_engine, read, write
from worker.store.migrate import upgrade
from worker.store.schema import links, messages
from worker.workspace.house import House
from worker.workspace.variables import TOKEN_LENGTH, sample_addresses

NOON = datetime(2026, 3, 3, 10, tzinfo=UTC)
BOOKING = "https://clinic.example/book"
REVIEW = "https://clinic.example/review"
CONFIG = {
    "config/clinic.yaml": f"name: C\ntimezone: Europe/Athens\ncountry: GR\nmode: live\nbooking_url: {BOOKING}\nreview_url: {REVIEW}\naddress: 1 Street\n",
    "config/segments.yaml": "lifecycle: [{prospect: {visits: none}}, {patient: otherwise}]\n",
    "config/channels.yaml": 'sms: {provider: console, from: "+15005550006"}\nemail: {provider: console, from: a@clinic.example}\n',
}
HEARS = "  - {id: heard, listen_for: [link.clicked], up_to: 2 weeks, then: {link.clicked: [{id: end, stop: seen}]}}\n"


def rooms(text: str, *, channel: str = "sms", more: str = "") -> dict[str, str]:
    """A clinic with one journey that sends one text at each visit."""
    ending = "sms.en.j2" if channel == "sms" else "email.en.md"
    return {
        **CONFIG,
        f"templates/hello.{ending}": text,
        "journeys/hello.yaml": (
            "journey: hello\nstart: {event: visit.completed}\nrepeat: always\nexpires: 3 days\n"
            f"steps:\n  - {{id: hello, send: {channel}, template: hello}}\n{more}"
        ),
    }


@dataclass
class Desk:
    """A clinic whose time stands still unless told otherwise."""

    house: House
    channels: Channels
    now: datetime = NOON

    def visit(self) -> str:
        """A patient comes; the id of the message that may leave."""
        person = {
            "phone": "+306900000001",
            "email": "maria@patient.example",
            "consent": {"sms": ["marketing"], "email": ["marketing"]},
        }
        event = {
            "specversion": "1.0", "id": "e-1", "source": "/t", "type": "visit.completed", "subject": "p-1", "time": self.now.isoformat(),
            "data": {"appointment_id": "a-1", "starts_at": self.now.isoformat(), "patient": person},
        }  # fmt: skip
        jobs = accept(self.house, "default", [event], "test").jobs
        (key,) = (
            key
            for job in jobs
            for one in fold(self.house, "default", [int(seq) for seq in job.ids])
            for key in one.ids
        )
        return key

    def made(self, key: str, channel: str) -> Addresses:
        """The addresses of a message."""
        with write(self.house.engine) as conn:
            row = outbox.get(conn, "default", [key])[0]
            found = self.house.rooms(conn, "default")
            named, kept = addresses(conn, self.house, found, row.message, key, channel, self.now)
            stored_links.keep(conn, kept)
            return named

    def kinds(self) -> list[tuple[str, str]]:
        """The links that are kept."""
        with read(self.house.engine) as conn:
            return sorted(tuple(row) for row in conn.execute(select(links.c.kind, links.c.target)))


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    engine = make_engine(database_url)
    upgrade(engine)
    channels = Channels(
        Credentials(None, None, "http://127.0.0.1:9", None, "http://127.0.0.1:9"), tmp_path / "outbox"
    )
    found = Desk(House(engine, "secret", "http://127.0.0.1:8000"), channels)
    found.house.wall = lambda: found.now
    yield found
    channels.close()
    engine.dispose()


def test_without_anybody_who_listens_the_clinics_own_addresses_stand_in_the_text(desk: Desk) -> None:
    publish(
        desk.house, rooms("Book {{ clinic.booking_url }} or tell {{ clinic.review_url }} Stop? Reply STOP")
    )
    key = desk.visit()
    assert desk.made(key, "sms") == Addresses()
    assert desk.kinds() == []
    dispatch(desk.house, desk.channels, "default", key)
    with read(desk.house.engine) as conn:
        assert (
            conn.execute(select(messages.c.body)).scalar_one().startswith(f"Book {BOOKING} or tell {REVIEW}")
        )


def test_a_journey_that_hears_clicks_has_the_links_that_its_text_names_and_no_others(desk: Desk) -> None:
    publish(desk.house, rooms("Book: {{ clinic.booking_url }} Stop? Reply STOP", more=HEARS))
    made = desk.made(desk.visit(), "sms")
    assert made.booking_url.startswith("http://127.0.0.1:8000/r/")
    assert (made.review_url, made.answer_url, made.unsubscribe_url) == ("", "", "")
    assert desk.kinds() == [("booking", BOOKING)]


def test_a_click_that_is_the_goal_counts_as_well(desk: Desk) -> None:
    files = rooms("Tell: {{ clinic.review_url }} Stop? Reply STOP")
    files["journeys/hello.yaml"] = files["journeys/hello.yaml"].replace(
        "expires:", "goal: link.clicked\nexpires:"
    )
    publish(desk.house, files)
    assert desk.made(desk.visit(), "sms").review_url
    assert desk.kinds() == [("review", REVIEW)]


def test_an_answer_page_is_there_where_the_text_names_it(desk: Desk) -> None:
    publish(desk.house, rooms("Answer: {{ answer_url }} No more? {{ unsubscribe_url }}"))
    key = desk.visit()
    made = desk.made(key, "sms")
    assert made.answer_url.startswith("http://127.0.0.1:8000/r/")
    assert made.unsubscribe_url.startswith("http://127.0.0.1:8000/r/")
    assert desk.kinds() == [("answer", BOOKING), ("unsubscribe", "")]
    dispatch(desk.house, desk.channels, "default", key)
    with read(desk.house.engine) as conn:
        body = conn.execute(select(messages.c.body)).scalar_one()
    assert body == f"Answer: {made.answer_url} No more? {made.unsubscribe_url}"


def test_an_email_always_carries_the_signed_link(desk: Desk) -> None:
    publish(desk.house, rooms("---\nsubject: Hello\n---\nHello", channel="email"))
    key = desk.visit()
    made = desk.made(key, "email")
    token = made.unsubscribe_url.removeprefix("http://127.0.0.1:8000/u/")
    signed = read_signed("secret", token)
    assert signed is not None
    assert (signed.clinic, signed.message) == ("default", key)
    assert desk.kinds() == []


def test_made_again_when_their_message_leaves_again_they_are_the_same_and_live_on(desk: Desk) -> None:
    publish(desk.house, rooms("{{ clinic.booking_url }} {{ answer_url }} Stop? Reply STOP", more=HEARS))
    key = desk.visit()
    first = desk.made(key, "sms")
    desk.now += timedelta(days=1)
    assert desk.made(key, "sms") == first
    with read(desk.house.engine) as conn:
        ends = conn.execute(select(links.c.expires_at)).scalars().all()
    assert ends == [NOON + timedelta(days=91)] * 2


def test_a_run_on_an_earlier_version_keeps_its_links(desk: Desk) -> None:
    publish(desk.house, rooms("Book: {{ clinic.booking_url }} Stop? Reply STOP", more=HEARS))
    key = desk.visit()
    publish(desk.house, rooms("Book: {{ clinic.booking_url }} Stop? Reply STOP"))
    assert desk.made(key, "sms").booking_url


def test_the_samples_of_check_are_as_long_as_real_links(desk: Desk) -> None:
    publish(desk.house, rooms("{{ clinic.booking_url }} {{ answer_url }} Stop? Reply STOP", more=HEARS))
    made = desk.made(desk.visit(), "sms")
    with read(desk.house.engine) as conn:
        sample = sample_addresses(desk.house.rooms(conn, "default").rules.clinic, tracked=True)
    tails = [link.rpartition("/")[2] for link in (sample.booking_url, made.booking_url, made.answer_url)]
    assert [len(tail) for tail in tails] == [TOKEN_LENGTH] * 3


# -- tokens -------------------------------------------------------------------------------------------------------------------


def test_a_signed_token_works_for_400_days_and_says_since_when() -> None:
    token = unsubscribe_url("", "secret", "default", "m", NOON).removeprefix("/u/")
    signed = read_signed("secret", token)
    assert signed is not None
    assert (signed.at, SIGNED_FOR) == (NOON, timedelta(days=400))
    assert not signed.expired(NOON + timedelta(days=399))
    assert not signed.expired(NOON - timedelta(days=3))
    assert signed.expired(NOON + timedelta(days=401))


def test_a_token_holds_nothing_but_the_clinic_and_a_random_number() -> None:
    token = short_token("secret", "a" * 32, "booking", BOOKING)
    assert len(token) == TOKEN_LENGTH
    assert token.isalnum()
    assert len({short_token("secret", "a" * 32, kind, BOOKING) for kind in ("booking", "review")}) == 2
    assert short_token("other", "a" * 32, "booking", BOOKING) != token


@given(at=st.integers(0, TOKEN_LENGTH - 1), letter=st.characters(codec="ascii"))
def test_a_short_token_with_a_letter_changed_is_not_ours(at: int, letter: str) -> None:
    token = short_token("secret", "m", "answer", "")
    changed = token[:at] + letter + token[at + 1 :]
    assert is_short("secret", changed) == (changed == token)


@given(st.text(max_size=60))
def test_whatever_is_asked_for_is_not_ours(token: str) -> None:
    assert not is_short("secret", token)
    assert read_signed("secret", token) is None


@given(at=st.integers(1, 110), letter=st.sampled_from(string.ascii_letters + string.digits + "-_.= "))
def test_a_signed_token_with_a_letter_changed_is_not_ours(at: int, letter: str) -> None:
    token = unsubscribe_url("", "secret", "default", "m" * 32, NOON).removeprefix("/u/")
    changed = token[:-at] + letter + token[len(token) - at + 1 :]
    assert changed == token or read_signed("secret", changed) is None


def test_both_headers_of_one_click_go_with_https_and_one_of_them_without() -> None:
    assert headers("https://c.example/u/x") == {
        "List-Unsubscribe": "<https://c.example/u/x>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert headers("http://127.0.0.1:8000/u/x") == {"List-Unsubscribe": "<http://127.0.0.1:8000/u/x>"}
