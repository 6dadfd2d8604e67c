from __future__ import annotations

import email
import email.policy
import os
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from channels.base import Accepted, EmailChannel, Listed, NoWord, Permanent, SmsChannel, Temporary
from channels.console import ConsoleEmail, ConsoleSms
from channels.status import Status
from tests.channels.messages import ADDRESS, GREEK, PHONE, an_email, an_sms


def read_eml(path: Path) -> EmailMessage:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def test_an_sms_becomes_a_file_that_can_be_read(tmp_path: Path) -> None:
    outcome = ConsoleSms(tmp_path / "deep" / "outbox").send(an_sms())
    assert outcome == Accepted("console-m-1", "delivered")
    text = (tmp_path / "deep" / "outbox" / "m-1.sms.txt").read_text(encoding="utf-8")
    assert PHONE in text and text.endswith(f"\n\n{GREEK}\n")


def test_an_email_becomes_a_message_that_parses_back(tmp_path: Path) -> None:
    out = an_email()
    assert ConsoleEmail(tmp_path).send(out) == Accepted("console-m-2", "delivered")
    message = read_eml(tmp_path / "m-2.eml")
    assert message.get_content_type() == "multipart/alternative"
    plain, html = message.iter_parts()
    assert isinstance(plain, EmailMessage) and isinstance(html, EmailMessage)
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content().replace("\r\n", "\n").strip() == out.text
    assert html.get_content().strip() == out.html
    assert message["Subject"] == out.subject
    assert message["To"].addresses[0].addr_spec == ADDRESS
    assert message["From"].addresses[0].display_name == out.sender_name
    assert message["From"].addresses[0].addr_spec == out.sender
    assert message["List-Unsubscribe"] == out.headers["List-Unsubscribe"]
    assert (
        f"List-Unsubscribe: {out.headers['List-Unsubscribe']}\r\n".encode()
        in (tmp_path / "m-2.eml").read_bytes()
    )
    assert message["Date"] is None
    assert (tmp_path / "m-2.html").read_text(encoding="utf-8") == out.html


def test_a_plain_email_has_one_part_and_no_page(tmp_path: Path) -> None:
    ConsoleEmail(tmp_path).send(an_email(html="", sender_name=""))
    message = read_eml(tmp_path / "m-2.eml")
    assert message.get_content_type() == "text/plain"
    assert [path.name for path in tmp_path.iterdir()] == ["m-2.eml"]


def test_sending_the_same_ref_again_changes_nothing(tmp_path: Path) -> None:
    def all_files() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    ConsoleEmail(tmp_path).send(an_email())
    ConsoleSms(tmp_path).send(an_sms())
    first = all_files()
    assert sorted(first) == ["m-1.sms.txt", "m-2.eml", "m-2.html"]  # and no left-over of an unfinished file
    ConsoleEmail(tmp_path).send(an_email())
    ConsoleSms(tmp_path).send(an_sms())
    assert all_files() == first


def test_what_a_patient_reads_is_readable_by_the_owner_only(tmp_path: Path) -> None:
    ConsoleSms(tmp_path).send(an_sms())
    assert (tmp_path / "m-1.sms.txt").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_temporary(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file in the way")
    for outcome in (
        ConsoleSms(tmp_path / "outbox").send(an_sms()),
        ConsoleEmail(tmp_path / "outbox").send(an_email()),
    ):
        assert isinstance(outcome, Temporary)
        assert outcome.code == "not_written" and "exists" in outcome.why


def test_a_file_in_the_way_leaves_no_rubbish(tmp_path: Path) -> None:
    (tmp_path / "m-1.sms.txt").mkdir()
    assert isinstance(ConsoleSms(tmp_path).send(an_sms()), Temporary)
    assert [path.name for path in tmp_path.iterdir()] == ["m-1.sms.txt"]


@pytest.mark.parametrize(
    "change", [{"subject": "a\nBcc: x@example.com"}, {"headers": {"X-A": "a\r\nB: c"}}, {"text": "\ud800"}]
)
def test_a_message_that_cannot_be_an_email_is_refused_for_good(
    tmp_path: Path, change: dict[str, object]
) -> None:
    outcome = ConsoleEmail(tmp_path).send(an_email(**change))
    assert isinstance(outcome, Permanent) and outcome.blame == "content"
    assert list(tmp_path.iterdir()) == []


def test_an_sms_with_half_a_character_is_refused_for_good(tmp_path: Path) -> None:
    outcome = ConsoleSms(tmp_path).send(an_sms(body="\ud800"))
    assert isinstance(outcome, Permanent) and outcome.blame == "content"


def test_what_was_written_can_be_looked_up_without_having_been_noted(tmp_path: Path) -> None:
    channel: SmsChannel = ConsoleSms(tmp_path)
    since = datetime.now(UTC)
    assert channel.lookup(PHONE, "", since) == Listed(())
    for ref, to in (("m-1", PHONE), ("m-2", "+306900000018"), ("m-3", PHONE)):
        channel.send(an_sms(ref=ref, to=to))
    long_ago = (since - timedelta(minutes=2)).timestamp()
    os.utime(tmp_path / "m-3.sms.txt", (long_ago, long_ago))
    lookup = channel.lookup(PHONE, "", since)
    assert isinstance(lookup, Listed)
    (sighting,) = lookup.messages
    assert (sighting.provider_id, sighting.status, sighting.body) == ("console-m-1", Status.DELIVERED, GREEK)
    assert sighting.at is not None and abs(sighting.at - since) < timedelta(minutes=1)


def test_an_outbox_that_cannot_be_read_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / "m-1.sms.txt").write_bytes(b"\xff")
    told = ConsoleSms(tmp_path).lookup(PHONE, "", datetime.now(UTC))
    assert isinstance(told, NoWord) and told.code == "not_read"


def test_an_email_channel_is_one(tmp_path: Path) -> None:
    channel: EmailChannel = ConsoleEmail(tmp_path)
    assert isinstance(channel.send(an_email()), Accepted)
