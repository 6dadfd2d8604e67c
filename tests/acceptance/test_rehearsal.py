"""Rehearsal: everything is decided and shown, nothing leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.acceptance.clinic import FILES, athens, person, visit
from tests.acceptance.system import System

REHEARSAL = {
    **FILES,
    "config/clinic.yaml": FILES["config/clinic.yaml"].replace("mode: live", "mode: rehearsal"),
}


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_in_a_rehearsal_every_message_is_written_and_kept_and_nothing_leaves_and_run_ends_with_all_its_children(
    make_system: Callable[..., System],
) -> None:
    seen = athens(6, 1, 12)
    system = make_system(clock=seen, files=REHEARSAL)
    process = system.run()
    by_sms, by_email = person(language="el"), person(channels=("email",))
    system.tell(visit(by_sms, seen), visit(by_email, seen))
    system.live_through(seen + timedelta(days=14))

    assert not system.sms.requests
    assert not system.email.requests
    text, mail = system.message(by_sms), system.message(by_email)
    assert (text.message.state, text.message.channel, text.message.address, text.language) == (
        "rehearsed",
        "sms",
        by_sms.phone,
        "el",
    )
    assert text.body is not None
    assert text.body.startswith("Γεια σας Eleni")
    assert (mail.message.state, mail.subject, mail.provider_id) == ("rehearsed", "Your next visit", None)
    assert "Hello Eleni" in (mail.body or "")
    assert "Hello Eleni" in (mail.html or "")
    assert not system.rows("attempts", "id")

    assert all(system.child(process, role) for role in ("web", "worker", "ticker", "valkey"))
    system.stop()
    assert process.returncode == 0
