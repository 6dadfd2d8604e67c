from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from urllib3.util import make_headers

from channels import twilio_lookup
from channels.base import Accepted, Listed, Lookup, NoWord, Sighting, SmsChannel, Unknown
from channels.http import Http
from channels.status import Status
from channels.twilio import TwilioSms
from tests.channels.messages import GREEK, PHONE, an_sms
from tests.standins.server import now
from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN, TwilioStandin

NUMBER = "+15005550006"
SERVICE = "MG" + "ab" * 16


def just_now() -> datetime:
    return datetime.now(UTC)


def seen(lookup: Lookup) -> list[str]:
    assert isinstance(lookup, Listed), lookup
    return [sighting.provider_id for sighting in lookup.messages]


def test_a_message_whose_acceptance_was_never_heard_of_is_found(
    sms: TwilioSms, twilio_standin: TwilioStandin
) -> None:
    since = just_now()
    twilio_standin.script(["hangup_after"])
    assert isinstance(sms.send(an_sms()), Unknown)
    (message,) = twilio_standin.messages
    lookup = sms.lookup(PHONE, NUMBER, since)
    assert isinstance(lookup, Listed)
    (sighting,) = lookup.messages
    created = twilio_standin.row(message.sid).created
    assert created is not None
    at = datetime.fromtimestamp(int(created), UTC)
    assert sighting == Sighting(message.sid, Status.QUEUED, "queued", "", at, GREEK)


def test_a_message_that_was_refused_is_not_found(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    twilio_standin.script(["500"])
    assert isinstance(sms.send(an_sms()), Unknown)
    assert sms.lookup(PHONE, NUMBER, just_now()) == Listed(())


def test_both_lists_are_asked_because_unsent_messages_have_no_date(
    sms: TwilioSms, twilio_standin: TwilioStandin
) -> None:
    unsent = twilio_standin.plant(PHONE, sent=None)
    sent = twilio_standin.plant(PHONE, sent=now(), word="delivered")
    assert sorted(seen(sms.lookup(PHONE, NUMBER, just_now()))) == sorted([unsent.sid, sent.sid])
    first, second = (request.path.partition("?")[2] for request in twilio_standin.requests)
    assert first.startswith("To=%2B306900000017&DateSent%3E=20") and "DateSent" not in second
    assert twilio_standin.connections == 1


def test_a_failed_message_was_accepted_all_the_same(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    twilio_standin.plant(PHONE, word="undelivered", error_code=30003, sent=now())
    lookup = sms.lookup(PHONE, NUMBER, just_now())
    assert isinstance(lookup, Listed)
    (sighting,) = lookup.messages
    assert (sighting.status, sighting.code) == (Status.UNDELIVERED, "30003")


def test_a_text_that_twilio_has_altered_is_found(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    sms.send(an_sms())
    (message,) = twilio_standin.messages
    twilio_standin.row(message.sid).body = "Kalimera"
    assert seen(sms.lookup(PHONE, NUMBER, just_now())) == [message.sid]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, True),
        ({"direction": "inbound"}, False),
        ({"direction": "outbound-reply"}, True),
        ({"created_ago": 50}, True),
        ({"created_ago": 90}, False),
        ({"created_ago": 90, "sent_ago": 0}, False),
        ({"created": None, "sent_ago": 0}, True),
        ({"created": None}, True),
        ({"sender": "+15005550007"}, False),
        ({"sender": "ALPHA"}, True),
        ({"sender": None, "service": SERVICE}, True),
    ],
)
def test_what_counts_is_what_went_out_from_us_since_then(
    sms: TwilioSms, twilio_standin: TwilioStandin, change: dict[str, object], found: bool
) -> None:
    changes = dict(change)
    for name in ("created", "sent"):
        if f"{name}_ago" in changes:
            changes[name] = now() - float(str(changes.pop(f"{name}_ago")))
    row = twilio_standin.plant(PHONE, **changes)
    assert seen(sms.lookup(PHONE, NUMBER, just_now())) == ([row.sid] if found else [])


@pytest.mark.parametrize("sender", [SERVICE, "ALPHA", "12345", ""])
def test_where_we_did_not_send_from_a_number_every_number_counts(
    sms: TwilioSms, twilio_standin: TwilioStandin, sender: str
) -> None:
    row = twilio_standin.plant(PHONE, sender="+15005550007")
    assert seen(sms.lookup(PHONE, sender, just_now())) == [row.sid]


def test_messages_to_others_do_not_count(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    twilio_standin.plant("+306900000018")
    assert sms.lookup(PHONE, NUMBER, just_now()) == Listed(())


def test_a_search_that_begins_before_midnight_finds_both_days(
    sms: TwilioSms, twilio_standin: TwilioStandin
) -> None:
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    times = [(midnight + timedelta(seconds=s)).timestamp() for s in (-50, -10, 10)]
    rows = [twilio_standin.plant(PHONE, created=t, sent=t) for t in times]
    found = sms.lookup(PHONE, NUMBER, midnight + timedelta(seconds=30))
    assert sorted(seen(found)) == sorted(row.sid for row in rows[1:])
    assert "DateSent%3E=2026-11-22T00%3A00%3A00Z" in twilio_standin.requests[0].path


def test_a_moment_in_another_zone_is_the_same_moment(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    row = twilio_standin.plant(PHONE, sent=now())
    there = just_now().astimezone(ZoneInfo("Pacific/Kiritimati"))
    assert seen(sms.lookup(PHONE, NUMBER, there)) == [row.sid]


def test_every_page_is_read(
    sms: TwilioSms, twilio_standin: TwilioStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_lookup, "PAGE_SIZE", 3)
    rows = [twilio_standin.plant(PHONE, sent=now() if n % 2 else None) for n in range(11)]
    assert sorted(seen(sms.lookup(PHONE, NUMBER, just_now()))) == sorted(row.sid for row in rows)


def test_a_list_that_is_too_long_to_read_proves_nothing(
    sms: TwilioSms, twilio_standin: TwilioStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_lookup, "PAGE_SIZE", 2)
    for _ in range(9):
        twilio_standin.plant(PHONE)
    told = sms.lookup(PHONE, NUMBER, just_now())
    assert isinstance(told, NoWord) and told.code == "too_many"
    assert len(twilio_standin.requests) == 1 + twilio_lookup.MOST_PAGES


def test_a_list_of_as_many_pages_as_are_read_is_read_to_its_end(
    sms: TwilioSms, twilio_standin: TwilioStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_lookup, "PAGE_SIZE", 2)
    rows = [twilio_standin.plant(PHONE) for _ in range(2 * twilio_lookup.MOST_PAGES)]
    assert len(seen(sms.lookup(PHONE, NUMBER, just_now()))) == len(rows)


def test_a_list_that_takes_too_long_proves_nothing(
    sms: TwilioSms, twilio_standin: TwilioStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_lookup, "MOST_SECONDS", -1.0)
    told = sms.lookup(PHONE, NUMBER, just_now())
    assert isinstance(told, NoWord) and told.code == "too_slow"
    assert twilio_standin.requests == []


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("500", "http_500"),
        ("503", "http_503"),
        ("429", "20429"),
        ("401", "20003"),
        ("404", "20404"),
        ("redirect", "http_307"),
        ("hangup_before", "cut_off"),
        ("hangup_after", "cut_off"),
        ("reset_after", "cut_off"),
        ("garbage", "unreadable_answer"),
        ("half_answer", "unreadable_answer"),
    ],
)
@pytest.mark.parametrize("before", [0, 1])
def test_a_list_that_cannot_be_read_proves_nothing(
    sms: TwilioSms, twilio_standin: TwilioStandin, step: str, code: str, before: int
) -> None:
    twilio_standin.plant(PHONE)
    twilio_standin.script([*["ok"] * before, step])
    told = sms.lookup(PHONE, NUMBER, just_now())
    assert isinstance(told, NoWord) and told.code == code
    assert len(told.why) > 20 and "6900" not in told.why and "took the message" not in told.why


def test_no_answer_in_time_proves_nothing(twilio_standin: TwilioStandin) -> None:
    twilio_standin.script(["slow"])
    told = TwilioSms(ACCOUNT_SID, AUTH_TOKEN, twilio_standin.url, timeout=0.3).lookup(
        PHONE, NUMBER, just_now()
    )
    assert isinstance(told, NoWord) and told.code == "no_answer"


def test_a_lookup_does_not_disturb_a_message(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    sms.lookup(PHONE, NUMBER, just_now())
    twilio_standin.script(["hangup_after"])
    assert isinstance(sms.send(an_sms()), Unknown)
    assert isinstance(sms.send(an_sms(ref="next")), Accepted)


def test_a_base_url_with_a_path_keeps_it(twilio_standin: TwilioStandin) -> None:
    channel: SmsChannel = TwilioSms(ACCOUNT_SID, AUTH_TOKEN, f"{twilio_standin.url}/gateway")
    assert isinstance(channel.lookup(PHONE, NUMBER, just_now()), NoWord)
    assert twilio_standin.requests[0].path.startswith("/gateway/2010-04-01/Accounts/")


def test_what_is_seen_hides_its_text_in_a_log(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    sms.send(an_sms())
    shown = repr(sms.lookup(PHONE, NUMBER, just_now()))
    assert "SM" in shown and "Καλημέρα" not in shown and "6900" not in shown


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("PageSize=1001", 20006),
        ("PageSize=0", 20006),
        ("PageSize=x", 20006),
        ("Page=1", 20001),
        ("DateSent%3E=yesterday", 20001),
        ("Too=1", 20001),
        ("To=1&To=2", 20001),
    ],
)
def test_the_standin_refuses_a_list_that_twilio_would_not_give(
    twilio_standin: TwilioStandin, query: str, code: int
) -> None:
    login = make_headers(basic_auth=f"{ACCOUNT_SID}:{AUTH_TOKEN}")
    path = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json?{query}"
    answer = Http(twilio_standin.url).get(path, login)
    assert answer.status == 400 and json.loads(answer.body)["code"] == code


def test_a_list_is_only_for_who_has_the_token(twilio_standin: TwilioStandin) -> None:
    told = TwilioSms(ACCOUNT_SID, "wrong", twilio_standin.url).lookup(PHONE, NUMBER, just_now())
    assert isinstance(told, NoWord) and told.code == "20003"
