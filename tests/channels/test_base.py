from __future__ import annotations

import pytest

from channels.base import is_ref
from tests.channels.messages import ADDRESS, PHONE, an_email, an_sms


@pytest.mark.parametrize(
    "ref", ["", ".", "..", "../up", "a/b", "a\\b", "a b", "a\n", "-x", "ü", "x" * 129, "a\0"]
)
def test_a_ref_that_is_not_a_plain_name_is_refused(ref: str) -> None:
    with pytest.raises(ValueError, match=r"plain name|letters, digits"):
        an_sms(ref=ref)
    with pytest.raises(ValueError, match=r"plain name|letters, digits"):
        an_email(ref=ref)


def test_a_message_in_a_log_shows_its_ref_alone() -> None:
    shown = f"{an_sms()!r} {an_email()!r}"
    assert "m-1" in shown and "m-2" in shown
    assert PHONE not in shown and ADDRESS not in shown and "Ελένη" not in shown and "6900" not in shown


@pytest.mark.parametrize("text", [None, 5, "", "a b", "../a", ["m-1"], "m-1\n"])
def test_what_cannot_be_a_ref_is_not_taken_for_one(text: object) -> None:
    assert not is_ref(text)
    assert is_ref("m-1") and is_ref("01JD.x_Y")
