"""Whether a call comes from the system that it says: its signature, or its secret, by the mapping.

Rules
1. The bytes are checked as they came, before anything of them is read.
2. Secrets and signatures are compared in constant time. A secret that is not there fits nothing.
3. Where the time of signing is signed too, a call that is older or younger than the tolerance is a recording.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from worker.workspace.sources import Signature

_HEX: Final = re.compile("(?:[0-9a-fA-F]{2})+")


def fits(
    signature: Signature, secrets: Sequence[str], headers: Mapping[str, str], body: bytes, urls: Sequence[str], now: datetime
) -> bool:  # fmt: skip
    """Whether the call is signed with one of `secrets`. `headers` by their names in small letters; `urls` are those that may have been called; `now` is the wall's clock."""
    if signature.kind == "bearer":
        return _brought(signature, secrets, headers)
    if signature.kind != "hmac":
        return False
    given = _decoded(signature, headers.get(signature.header.lower(), ""))
    moment = headers.get(signature.timestamp.lower(), "").strip() if signature.timestamp else ""
    if given is None or (signature.timestamp and not _fresh(moment, signature.tolerance, now)):
        return False
    texts = [_signed(signature.signed, url, moment, body) for url in (urls if "{url}" in signature.signed else ("",))]  # fmt: skip
    hash_ = hashlib.sha256 if signature.algorithm == "sha256" else hashlib.sha1
    found = [hmac.digest(secret.encode(), text, hash_) for secret in secrets if secret for text in texts]
    return any(hmac.compare_digest(given, one) for one in found)


def _brought(signature: Signature, secrets: Sequence[str], headers: Mapping[str, str]) -> bool:
    if signature.header:
        given = headers.get(signature.header.lower(), "").strip()
    else:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else ""
    said = given.encode("utf-8", "surrogateescape")
    return any(hmac.compare_digest(said, secret.encode()) for secret in secrets if secret)


def _decoded(signature: Signature, text: str) -> bytes | None:
    plain = text.strip()
    if not plain.startswith(signature.prefix):
        return None
    plain = plain.removeprefix(signature.prefix)
    # One way to write a signature each: what is read too kindly can be changed without anybody noticing.
    if signature.encoding == "hex":
        return bytes.fromhex(plain) if _HEX.fullmatch(plain) else None
    try:
        found = base64.b64decode(plain, validate=True)
    except ValueError:
        return None
    return found if found and base64.b64encode(found).decode() == plain else None


def _fresh(moment: str, tolerance: int, now: datetime) -> bool:
    return moment.isascii() and moment.isdigit() and len(moment) <= 12 and abs(now.timestamp() - int(moment)) <= tolerance  # fmt: skip


def _signed(form: str, url: str, moment: str, body: bytes) -> bytes:
    before, _, after = form.partition("{body}")

    def filled(text: str) -> bytes:
        return text.replace("{url}", url).replace("{timestamp}", moment).encode("utf-8", "surrogateescape")

    return filled(before) + body + filled(after)
