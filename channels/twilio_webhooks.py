"""What Twilio reports to us: is it Twilio, what became of a message, what did a patient write.

1. The signature is checked by Twilio's own validator. Ours is only what it is checked against: the URL that
   Twilio called, which a server behind a proxy has to piece together, and the body as it came.
2. A body that is no form is vouched for only by `bodySHA256` in the query: without it the signature covers the
   URL alone, so it is refused.
3. Nothing is parsed before it is verified. What is verified may still be new: parameters grow without notice
   and all of them are kept in `raw`.

Sources: https://www.twilio.com/docs/usage/security and
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status and .../webhook-request
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, urlsplit

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from channels.base import Inbound, Receipt, Unreadable, is_ref
from channels.status import twilio_status
from channels.webhooks import header, storable

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1000
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")


class _Form(dict[str, list[str]]):
    """A form as the validator wants it: a name may come more than once."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def verify(auth_token: str, urls: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the request is from Twilio and was meant for one of `urls` (see `urls_behind`). Never raises."""
    signature = header(headers, "X-Twilio-Signature")
    if not auth_token or not signature:
        return False
    kind = header(headers, "Content-Type").partition(";")[0].strip().lower()
    try:
        params = _form(body) if kind == _FORM or not body else body.decode()
    except ValueError:
        return False
    validator = RequestValidator(auth_token)
    return any(_vouched(validator, url, params, signature) for url in urls)


def _vouched(validator: RequestValidator, url: str, params: _Form | str, signature: str) -> bool:
    try:
        if isinstance(params, str) and "bodySHA256" not in parse_qs(urlsplit(url).query):
            return False
        return bool(validator.validate(url, params, signature))
    except ValueError:  # a URL that is none, such as one with port 99999
        return False


def urls_behind(
    public_url: str, path: str, query: str, host: str | None, forwarded: Mapping[str, str]
) -> tuple[str, ...]:
    """The URLs that Twilio may have called, the likeliest first.

    `path` and `query` are those of the request as they came, still percent-encoded, the query without `?`.
    First our public URL, whose own path a proxy may have cut off or left; then what X-Forwarded-Proto, -Host
    and -Port say; then the Host header. That a caller can forge these headers does no harm: the signature has
    to fit the URL. (With and without the usual port: the validator tries both.)
    """
    tail = f"{path}?{query}" if query else path
    found: list[str] = []
    ours = urlsplit(public_url.rstrip("/"))
    if ours.scheme and ours.netloc:
        found.append(f"{ours.scheme}://{ours.netloc}{ours.path}{tail}")
        if ours.path and f"{path}/".startswith(f"{ours.path}/"):
            found.append(f"{ours.scheme}://{ours.netloc}{tail}")
    proto, name, port = (_first(forwarded, f"X-Forwarded-{part}") for part in ("Proto", "Host", "Port"))
    schemes = [s for s in (proto.lower(), ours.scheme, "https", "http") if s in ("https", "http")]
    for each in (name, host or ""):
        if not _HOST.fullmatch(each):
            continue
        for scheme in schemes:
            found.append(f"{scheme}://{each}{tail}")
            if port.isdigit() and not re.search(r":\d+$", each):
                found.append(f"{scheme}://{each}:{port}{tail}")
    return tuple(dict.fromkeys(found))


def parse_status(body: bytes, query: str) -> Receipt:
    """What became of a message. `query` is that of the request: it carries our ref. Raises Unreadable."""
    form = _fields(body)
    sid, word = _sid(form), form.get("MessageStatus") or form.get("SmsStatus") or ""
    code = form.get("ErrorCode", "")
    ref = parse_qs(query).get("ref", [""])[-1]
    return Receipt(
        provider="twilio",
        key=f"{sid}:{word[:40].lower()}",
        ref=ref if is_ref(ref) else None,
        provider_id=sid,
        status=twilio_status(word),
        word=word[:40],
        code=code if _WORD.fullmatch(code) and code != "0" else "",
        at=_carriers_time(form.get("RawDlrDoneDate", "")),
        address=form.get("To") or None,
        url=None,
        user_agent=None,
        raw=_raw(body),
    )


def parse_inbound(body: bytes) -> Inbound:
    """A message from a patient. Raises Unreadable."""
    form = _fields(body)
    sid = _sid(form)
    for name in ("From", "To"):
        if not form.get(name):
            raise Unreadable(f"a message from Twilio without {name}: it cannot be told whose it is")
    media = form.get("NumMedia", "")
    return Inbound(
        provider="twilio",
        key=sid,
        sender=form["From"],
        to=form["To"],
        body=form.get("Body", ""),
        media=int(media) if media.isascii() and media.isdigit() and len(media) < 5 else 0,
        opt_out_type=form.get("OptOutType", "").strip().upper() or None,
        raw=_raw(body),
    )


def _form(body: bytes) -> _Form:
    form = _Form()
    pairs = parse_qsl(
        body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS, separator="&"
    )
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def _raw(body: bytes) -> dict[str, str | list[str]]:
    return {k: v[0] if len(v) == 1 else v for k, v in storable(dict(_form(body))).items()}


def _fields(body: bytes) -> dict[str, str]:
    try:
        return {name: values[0] for name, values in storable(dict(_form(body))).items()}
    except ValueError:
        raise Unreadable("a report of Twilio that is not a form in UTF-8") from None


def _sid(form: Mapping[str, str]) -> str:
    sid = form.get("MessageSid") or form.get("SmsSid") or ""
    if not _SID.fullmatch(sid):
        raise Unreadable("a report of Twilio without MessageSid: it cannot be told which message it is about")
    return sid


def _first(headers: Mapping[str, str], name: str) -> str:
    return header(headers, name).partition(",")[0].strip()


def _carriers_time(text: str) -> datetime | None:
    """`YYMMDDhhmm`, without a zone: carriers mean UTC, as far as anyone knows."""
    if not re.fullmatch(r"\d{10}", text, re.ASCII):
        return None
    try:
        return datetime.strptime(text, "%y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
