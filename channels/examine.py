"""What a provider says of our account when it is asked harmlessly: are the credentials right, is the sender ours. Nothing is sent and nothing is changed.

Sources: https://www.twilio.com/docs/iam/api/account, https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource,
https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions, …/sender-verification, …/domain-authentication
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

from urllib3.util import make_headers

from channels.http import Answer, Http, NoAnswer, NotSent

SECONDS: Final = 6.0


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found: `login` is `ok`, `refused`, `away` or `suspended` (with `why`); `sender` is `ok`, `foreign`, or `unknown` where it cannot be told;
    `date` is the provider's clock in Unix seconds, None where it did not tell."""

    login: str
    why: str = ""
    sender: str = "unknown"
    date: float | None = None


def twilio(account_sid: str, auth_token: str, base_url: str, sender: str) -> Examined:
    """The account, and whether `sender` (a number, or a Messaging Service `MG…`) is one of it."""
    login = make_headers(basic_auth=f"{account_sid}:{auth_token}")
    http = Http(base_url, SECONDS)
    account = f"/2010-04-01/Accounts/{quote(account_sid, safe='')}"
    try:
        answer = http.get(f"{account}.json", login)
        date = _date(answer)
        if answer.status != 200:
            return Examined(*_refusal(answer), date=date)
        state = str(_object(answer).get("status", "active"))
        if state != "active":
            return Examined("suspended", f"Twilio says that the account is {state}", date=date)
        if not sender.startswith("+"):
            return Examined("ok", date=date)
        listed = http.get(f"{account}/IncomingPhoneNumbers.json?PhoneNumber={quote(sender, safe='')}", login)
        numbers = _object(listed).get("incoming_phone_numbers") if listed.status == 200 else None
        found = "unknown" if not isinstance(numbers, list) else "ok" if numbers else "foreign"
        return Examined("ok", sender=found, date=date)
    except (NotSent, NoAnswer) as error:
        return Examined("away", error.why)
    finally:
        http.close()


def sendgrid(api_key: str, base_url: str, sender: str) -> Examined:
    """The key, whether it may send, and whether `sender` or its domain is verified."""
    login = {"Authorization": f"Bearer {api_key}"}
    http = Http(base_url, SECONDS)
    try:
        answer = http.get("/v3/scopes", login)
        date = _date(answer)
        if answer.status != 200:
            return Examined(*_refusal(answer), date=date)
        scopes = _object(answer).get("scopes")
        if isinstance(scopes, list) and "mail.send" not in scopes:
            return Examined(
                "refused", "the key may not send mail: it lacks the permission “Mail Send”", date=date
            )
        return Examined("ok", sender=_verified(http, login, sender), date=date)
    except (NotSent, NoAnswer) as error:
        return Examined("away", error.why)
    finally:
        http.close()


def _verified(http: Http, login: Mapping[str, str], sender: str) -> str:
    """A key that may only send cannot read these lists: then nobody knows."""
    domain = sender.rpartition("@")[2].casefold()
    domains = http.get("/v3/whitelabel/domains?limit=200", login)
    singles = http.get("/v3/verified_senders?limit=200", login)
    if domains.status != 200 or singles.status != 200:
        return "unknown"
    for one in _list(_json(domains)):
        known = str(one.get("domain", "")).casefold()
        if one.get("valid") and known and (domain == known or domain.endswith(f".{known}")):
            return "ok"
    for one in _list(_object(singles).get("results")):
        if one.get("verified") and str(one.get("from_email", "")).casefold() == sender.casefold():
            return "ok"
    return "foreign"


def _refusal(answer: Answer) -> tuple[str, str]:
    if answer.status in (401, 403, 404):
        return "refused", f"it answers {answer.status}: these credentials are not known to it"
    return "away", f"it answers {answer.status}"


def _date(answer: Answer) -> float | None:
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except (ValueError, TypeError):
        return None


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _object(answer: Answer) -> Mapping[str, Any]:
    found = _json(answer)
    return found if isinstance(found, dict) else {}


def _list(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
