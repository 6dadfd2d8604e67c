"""What Twilio keeps of each message, and its list of them, filtered and in pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from channels.segments import count_segments
from tests.standins.server import Refused, Reply

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?")
_DATES = ("DateSent", "DateSent<", "DateSent>")
_KNOWN = frozenset({"To", "From", *_DATES, "PageSize", "Page", "PageToken"})


@dataclass
class Row:
    """One message as Twilio keeps it. Times are Unix seconds."""

    sid: str
    to: str
    sender: str | None  # none yet for a Messaging Service
    service: str | None
    body: str
    created: float | None
    sent: float | None = None
    word: str = "queued"
    error_code: int | None = None
    direction: str = "outbound-api"


def content(account: str, row: Row) -> dict[str, Any]:
    """A message as Twilio tells of it."""
    uri = f"/2010-04-01/Accounts/{account}/Messages/{row.sid}"
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": row.body,
        "date_created": _date(row.created),
        "date_sent": _date(row.sent),
        "date_updated": _date(row.sent or row.created),
        "direction": row.direction,
        "error_code": row.error_code,
        "error_message": None,
        "from": row.sender,
        "messaging_service_sid": row.service,
        "num_media": "0",
        "num_segments": "0"
        if row.service and row.word == "accepted"
        else str(count_segments(row.body).count),
        "price": None,
        "price_unit": "USD",
        "sid": row.sid,
        "status": row.word,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": row.to,
        "uri": f"{uri}.json",
    }


def listing(account: str, rows: list[Row], query: str) -> Reply:
    """One page of the messages, the newest first. A filter by DateSent takes days and finds no message that
    has not left. Raises Refused.
    """
    params = _params(query)
    rows = [row for row in rows if _matches(row, params)]
    rows.sort(key=lambda row: row.created or 0.0, reverse=True)
    size, page = int(params.get("PageSize", "50")), int(params.get("Page", "0"))
    if page and not params.get("PageToken", "").startswith("PA"):
        raise Refused(error_reply(20001, "A page after the first needs its PageToken"))
    here = rows[page * size : (page + 1) * size]
    path = f"/2010-04-01/Accounts/{account}/Messages.json"
    kept = {name: value for name, value in params.items() if name not in ("Page", "PageToken", "PageSize")}

    def uri(number: int, token: str | None = None) -> str:
        more = {"PageSize": str(size), "Page": str(number)} | ({"PageToken": token} if token else {})
        return f"{path}?{urlencode({**kept, **more})}"

    more_follow = len(rows) > (page + 1) * size
    return Reply.json(
        200,
        {
            "first_page_uri": uri(0),
            "end": max(0, page * size + len(here) - 1),
            "messages": [content(account, row) for row in here],
            "next_page_uri": uri(page + 1, f"PA{here[-1].sid}") if more_follow else None,
            "page": page,
            "page_size": size,
            "previous_page_uri": uri(page - 1, "PB") if page else None,
            "start": page * size,
            "uri": f"{path}?{query}",
        },
    )


def error_reply(code: int, words: str, status: int = 400) -> Reply:
    """A refusal as Twilio words it."""
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    return Reply.json(status, {"code": code, "message": words, "more_info": more_info, "status": status})


def _params(query: str) -> dict[str, str]:
    try:
        pairs = (
            parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict") if query else []
        )
    except ValueError:
        raise Refused(error_reply(20001, "The query cannot be read")) from None
    params = dict(pairs)
    if len(params) != len(pairs):
        raise Refused(error_reply(20001, "A parameter is given twice"))
    if strangers := sorted(params.keys() - _KNOWN):
        raise Refused(error_reply(20001, f"Unknown parameter {strangers[0]}"))
    for name in _DATES:
        if name in params and not _DAY.fullmatch(params[name]):
            raise Refused(error_reply(20001, f"{name} must be a GMT date"))
    size, page = params.get("PageSize", "50"), params.get("Page", "0")
    if not re.fullmatch(r"\d{1,4}", size) or not 1 <= int(size) <= 1000:
        raise Refused(error_reply(20006, "PageSize must be 1 to 1000"))
    if not re.fullmatch(r"\d{1,6}", page):
        raise Refused(error_reply(20006, "Page must be a number"))
    return params


def _matches(row: Row, params: dict[str, str]) -> bool:
    if "To" in params and row.to != params["To"]:
        return False
    if "From" in params and row.sender != params["From"]:
        return False
    day = _day(row.sent)
    wanted = {name: params[name][:10] for name in _DATES if name in params}
    if wanted and day is None:
        return False
    return not wanted or (
        wanted.get("DateSent", day) == day
        and (day or "") >= wanted.get("DateSent>", "")
        and (day or "") <= wanted.get("DateSent<", "9")
    )


def _date(seconds: float | None) -> str | None:
    return None if seconds is None else format_datetime(datetime.fromtimestamp(seconds, UTC))


def _day(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).date().isoformat()
