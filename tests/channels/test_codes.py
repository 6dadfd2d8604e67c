from __future__ import annotations

import re
from pathlib import Path

import pytest

from channels import status as status_words
from channels.codes import SENDGRID, TWILIO, Remedy, remedy, rule
from channels.status import Status

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/providers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("21211 21614 21635 30005 30006", Remedy.ADDRESS_DEAD),
        ("21610", Remedy.OPTED_OUT),
        ("30007 30034 30002 30004 20003 21606 21608 21408", Remedy.SENDER),
        ("20429 30001 21611 30008 30036 30450 30500", Remedy.LATER),
        ("30003", Remedy.SPACED),
        ("21617", Remedy.CONTENT),
    ],
)
def test_twilios_codes_have_the_remedy_of_their_class(codes: str, expected: Remedy) -> None:
    assert {remedy("twilio", code) for code in codes.split()} == {expected}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("5.1.1", Remedy.ADDRESS_DEAD),
        ("5.0.0", Remedy.ADDRESS_DEAD),
        ("4.2.2", Remedy.LATER),
        ("bounced_address", Remedy.ADDRESS_DEAD),
        ("invalid", Remedy.ADDRESS_DEAD),
        ("unsubscribed_address", Remedy.OPTED_OUT),
        ("spam_reporting_address", Remedy.OPTED_OUT),
        ("spamreport", Remedy.OPTED_OUT),
        ("blocked", Remedy.LATER),
        ("http_429", Remedy.LATER),
        ("http_401", Remedy.SENDER),
        ("http_413", Remedy.CONTENT),
    ],
)
def test_sendgrids_codes_have_the_remedy_of_their_class(code: str, expected: Remedy) -> None:
    assert remedy("sendgrid", code) is expected


@pytest.mark.parametrize(
    ("provider", "code"),
    [("twilio", "39999"), ("twilio", ""), ("sendgrid", "3.1.1"), ("sendgrid", "5.1"), ("other", "21610")],
)
def test_a_code_that_nobody_knows_blames_neither_the_recipient_nor_the_sender(
    provider: str, code: str
) -> None:
    assert rule(provider, code) is None
    assert remedy(provider, code) is Remedy.CONTENT


def test_every_code_stands_in_the_reference_under_its_remedy() -> None:
    for table, heading in ((TWILIO, "Twilio's codes"), (SENDGRID, "SendGrid's codes")):
        section = PAGE.partition(f"### {heading}\n")[2].partition("\n#")[0]
        told = {
            (code, row[0])
            for row in re.findall(r"^\| `(\w+)` \| (.+?) \|", section, re.MULTILINE)
            for code in re.findall(r"`([^`]+)`", row[1])
        }
        assert told == {(code, each.remedy.value) for code, each in table.items()}


def test_what_people_are_told_holds_no_number_that_could_be_a_patients() -> None:
    for each in (*TWILIO.values(), *SENDGRID.values()):
        assert len(each.words) > 15 and not re.search(r"\d{5,}", each.words)


def test_every_status_stands_in_the_reference_with_the_providers_words() -> None:
    section = PAGE.partition("## Statuses\n")[2].partition("\n#")[0]
    rows = {
        ours: [set(re.findall(r"`(\w+)`", cell)) for cell in (twilio, sendgrid)]
        for ours, twilio, sendgrid in re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", section, re.MULTILINE)
    }
    rows["blocked"][1] -= {"bounce", "type"}
    for status in Status:
        if status is not Status.UNKNOWN:
            told = rows.pop(status.value)
            assert told[0] == {word for word, ours in status_words.TWILIO.items() if ours is status}
            assert told[1] == {word for word, ours in status_words.SENDGRID.items() if ours is status}
    assert not rows
