"""Links that only we can have made: signed, without patient data in them."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeSerializer

_SALT = "unsubscribe"


def unsubscribe_url(public_url: str, secret: str, clinic: str, message_id: str) -> str:
    """The unsubscribe link of a message."""
    return f"{public_url}/u/{_signer(secret).dumps([clinic, message_id])}"


def message_of(secret: str, token: str) -> tuple[str, str] | None:
    """The clinic and the message that a token stands for; None where we have not made it."""
    try:
        found = _signer(secret).loads(token)
    except BadSignature:
        return None
    if not isinstance(found, list) or len(found) != 2:
        return None
    return str(found[0]), str(found[1])


def _signer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=_SALT)
