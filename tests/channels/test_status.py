from __future__ import annotations

import pytest
from twilio.rest.api.v2010.account.message import MessageInstance  # type: ignore[import-untyped]

from channels.status import SENDGRID, TWILIO, Status, sendgrid_status, twilio_status


def test_every_status_of_twilios_own_library_has_our_word() -> None:
    theirs = {v for k, v in vars(MessageInstance.Status).items() if not k.startswith("_")}
    assert theirs == set(TWILIO)
    assert Status.UNKNOWN not in TWILIO.values()


def test_every_documented_event_of_sendgrid_has_our_word() -> None:
    events = "processed deferred delivered bounce dropped open click spamreport unsubscribe"
    events += " group_unsubscribe group_resubscribe"
    assert set(events.split()) <= set(SENDGRID)
    assert Status.UNKNOWN not in SENDGRID.values()


@pytest.mark.parametrize("word", ["", "teleported", "DELIVERED!"])
def test_a_new_word_is_unknown_and_no_error(word: str) -> None:
    assert twilio_status(word) is Status.UNKNOWN
    assert sendgrid_status(word) is Status.UNKNOWN


def test_a_block_is_not_a_bounce() -> None:
    assert sendgrid_status("bounce", "bounce") is Status.BOUNCED
    assert sendgrid_status("bounce") is Status.BOUNCED
    assert sendgrid_status("bounce", "blocked") is Status.BLOCKED
