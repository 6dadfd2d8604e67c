"""What Twilio itself lists of an address: the one way to learn whether a call that nobody answered was heard.

1. Two lists are read and put together: To with DateSent, and To alone, because a message that has not left yet
   may have no DateSent.
2. A message counts that went out and that Twilio recorded at `since`, less a minute of slack for two clocks,
   or later, or at a time that it does not tell. Its text does not matter: Twilio may have altered it.
3. `From` tells messages apart only where we sent from a number: a Messaging Service chooses one, and a name may
   be replaced on the way. Then every message to the address counts.
4. A list that could not be read to its end is `NoWord`: what is missing from it proves nothing. No page is
   asked for after `MOST_SECONDS`, so the whole takes no longer than that and one call.

Source: https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.base import Listed, Lookup, NoWord, Sighting, Unknown
from channels.status import twilio_status
from channels.twilio_http import NotTaken

SLACK = timedelta(seconds=60)
PAGE_SIZE = 500
MOST_PAGES = 4
MOST_SECONDS = 20.0

_NUMBER = re.compile(r"\+[1-9]\d{6,14}")


class _Unfinished(Exception):
    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


def look_up(messages: Any, to: str, sender: str, since: datetime) -> Lookup:
    """`messages`: the SDK's list resource. `sender`: that of the attempt, or "". Never raises."""
    oldest = since.astimezone(UTC) - SLACK
    midnight = oldest.replace(hour=0, minute=0, second=0, microsecond=0)  # the filter takes days
    until = time.monotonic() + MOST_SECONDS
    found: dict[str, Sighting] = {}
    try:
        for filters in ({"to": to, "date_sent_after": midnight}, {"to": to}):
            for row in _rows(messages, filters, until):
                if _counts(row, sender, oldest):
                    found[row.sid] = _sighting(row)
    except NotTaken as told:
        return _no_word(told)
    except _Unfinished as told:
        return NoWord(told.code, told.why)
    except Exception:  # noqa: BLE001  the SDK may raise anything over an answer that it does not expect
        return NoWord("unreadable_answer", "Twilio's list of messages could not be read")
    return Listed(tuple(found.values()))


def _rows(messages: Any, filters: dict[str, Any], until: float) -> list[Any]:
    rows: list[Any] = []
    page = None
    for _ in range(MOST_PAGES):
        if time.monotonic() > until:
            raise _Unfinished("too_slow", "Twilio took too long over its list of messages")
        page = page.next_page() if page else messages.page(page_size=PAGE_SIZE, **filters)
        rows += page
        if not page.next_page_url:
            return rows
    raise _Unfinished("too_many", "Twilio lists more messages to this address than can be looked through")


def _counts(row: Any, sender: str, oldest: datetime) -> bool:
    if not isinstance(row.sid, str) or not row.sid:
        raise ValueError("no sid")
    if not str(row.direction).startswith("outbound"):
        return False
    if _NUMBER.fullmatch(sender) and _NUMBER.fullmatch(row.from_ or "") and row.from_ != sender:
        return False
    recorded = row.date_created or row.date_sent
    return recorded is None or recorded >= oldest


def _sighting(row: Any) -> Sighting:
    word = str(row.status or "")
    code = "" if row.error_code is None else str(row.error_code)
    return Sighting(
        row.sid, twilio_status(word), word, code, row.date_created or row.date_sent, str(row.body or "")
    )


def _no_word(told: NotTaken) -> NoWord:
    outcome = told.outcome
    if isinstance(outcome, Unknown) and outcome.code.startswith("http_"):
        return NoWord(
            outcome.code, f"Twilio answered {outcome.code[5:]} when it was asked for its list of messages"
        )
    return NoWord(outcome.code, outcome.why)
