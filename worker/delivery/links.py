"""Links that only we can have made, without patient data in them: `/u/TOKEN` for what a patient may be sent, `/r/TOKEN` for the rest.

Rules
1. A `/u` token is signed over the clinic, the message's id and a moment, and is valid for 400 days. The law asks that it works for at least 30 days after the
   message was sent (CAN-SPAM, 15 U.S.C. 7704(a)(3)(A)(ii)).
2. An SMS pays for each character, so a `/r` token is short: 11 letters that name the link (65 bits) and 7 of a seal over them (41 bits), both keyed with the
   house's secret. What it stands for is in the database, for 90 days.
3. The same message, kind and target give the same token: a text that is rendered again says the same.
4. Tokens are letters and digits only, as far as it is ours to say: phones cut a link before a mark at its end.
"""

from __future__ import annotations

import hashlib
import hmac
import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer

from worker.workspace.variables import TOKEN_LENGTH

SIGNED_FOR: Final = timedelta(days=400)
"""How long a `/u` token is valid."""
KEPT_FOR: Final = timedelta(days=90)
"""How long a `/r` token is valid."""
_SALT: Final = "unsubscribe"
_LETTERS: Final = string.digits + string.ascii_letters
_NAME: Final = 11


@dataclass(frozen=True, slots=True)
class Signed:
    """What a `/u` token stands for. `at` is the moment that was signed with it, to the second."""

    clinic: str
    message: str
    at: datetime

    def expired(self, now: datetime) -> bool:
        """Whether it is too old to be used."""
        return now - self.at > SIGNED_FOR


class _Stamp(TimestampSigner):
    """Signs the moment that it is given: our time may be a demo's."""

    def __init__(self, *args: Any, at: int = 0, **named: Any) -> None:
        super().__init__(*args, **named)
        self._at = at

    def get_timestamp(self) -> int:
        """Seconds since 1970."""
        return self._at


def unsubscribe_url(public_url: str, secret: str, clinic: str, message_id: str, at: datetime) -> str:
    """The link to what a patient may be sent; `at` is the moment that is signed with it."""
    return f"{public_url}/u/{_signer(secret, at).dumps([clinic, message_id])}"


def read_signed(secret: str, token: str) -> Signed | None:
    """What a `/u` token stands for, however old; None where we have not made it."""
    try:
        found, at = _signer(secret).loads(token, return_timestamp=True)
    except (BadSignature, OverflowError, OSError):
        return None
    if not isinstance(found, list) or len(found) != 2:
        return None
    # Base64 has spare bits at its end: of the tokens that say the same only the one that we made is ours.
    if _signer(secret, at).dumps(found) != token:
        return None
    return Signed(str(found[0]), str(found[1]), at)


def short_url(public_url: str, token: str) -> str:
    """The address of a short link."""
    return f"{public_url}/r/{token}"


def short_token(secret: str, message_id: str, kind: str, target: str) -> str:
    """The token of a message's short link (rule 3)."""
    name = _letters(secret, "name", f"{message_id}\n{kind}\n{target}", _NAME)
    return name + _letters(secret, "seal", name, TOKEN_LENGTH - _NAME)


def is_short(secret: str, token: str) -> bool:
    """Whether we have made this `/r` token; compared in constant time."""
    if len(token) != TOKEN_LENGTH or not token.isascii():
        return False
    seal = _letters(secret, "seal", token[:_NAME], TOKEN_LENGTH - _NAME)
    return hmac.compare_digest(token[_NAME:], seal)


def _letters(secret: str, purpose: str, words: str, size: int) -> str:
    number = int.from_bytes(
        hmac.digest(secret.encode(), f"link {purpose}\n{words}".encode(), hashlib.sha256), "big"
    )
    found = []
    for _ in range(size):
        number, at = divmod(number, len(_LETTERS))
        found.append(_LETTERS[at])
    return "".join(found)


def _signer(secret: str, at: datetime | None = None) -> URLSafeTimedSerializer:
    named = {"at": int(at.timestamp()) if at is not None else 0}
    return URLSafeTimedSerializer(secret, salt=_SALT, signer=_Stamp, signer_kwargs=named)
