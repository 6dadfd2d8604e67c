"""Phone numbers, addresses, languages and zones of an event.

Each check returns the canonical value, a fixed point of itself, or refuses with one sentence. Empty text
passes: it clears the field.
"""

from __future__ import annotations

import re
import zoneinfo
from functools import lru_cache
from typing import Final

from pydantic import ValidationInfo

from worker.intake.checks import CONTROL, door_of, nearest, refuse, shown
from worker.intake.phones import e164

EMAIL_LENGTH: Final = 254

_LANGUAGE = re.compile(r"([A-Za-z]{2})(?:[-_][A-Za-z0-9]{1,8})*")
# What the full check would pass unchanged, for speed.
_USUAL = re.compile(r"[a-zA-Z0-9_]{1,31}(?:[.+-][a-zA-Z0-9_]{1,32})?@(?:[a-z0-9]{1,40}\.){1,3}[a-z]{2,20}")
_LOCAL_PART = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f-\x9f]{1,64}")
# Any letter or digit of any script and the hyphen: ASCII punctuation is what it leaves out.
_LABEL = re.compile(r"[^\s\x00-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\x9f]{1,63}")


def phone(value: str, info: ValidationInfo) -> str:
    """A phone number in E.164."""
    if not value:
        return value
    country = door_of(info).country
    number = e164(value, country)
    if number is None:
        raise refuse(
            f"{shown(value)} is not a phone number in {country}; "
            "give it with its country code, such as +30 690 000 0000, or leave it out"
        )
    return number


def email(value: str) -> str:
    """An e-mail address: `local@domain.tld`, 254 characters at most; the domain in lower case, the local part
    as given.
    """
    if not value or _USUAL.fullmatch(value):
        return value
    local, at, domain = value.rpartition("@")
    domain = domain.lower()
    labels = domain.split(".")
    plain = _LOCAL_PART.fullmatch(local) and not local.startswith(".") and not local.endswith(".")
    named = len(labels) > 1 and all(_LABEL.fullmatch(x) and x[0] != "-" != x[-1] for x in labels)
    if not (at and plain and named and len(local) + len(domain) < EMAIL_LENGTH):
        raise refuse(
            f"{shown(value)} is not an e-mail address; "
            "give one address, such as eleni@example.com, or leave it out"
        )
    return f"{local}@{domain}"


def language(value: str) -> str:
    """A language as two lower-case letters: `el-GR` is `el`."""
    match = _LANGUAGE.fullmatch(value)
    if match is None and value:
        raise refuse(
            f"{shown(value)} is not a language code; give two letters, such as el or en, or leave it out"
        )
    return match[1].lower() if match else value


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


@lru_cache(maxsize=1024)
def _near_zone(text: str) -> str | None:
    # Comparing with all six hundred names costs milliseconds, and the first letter is seldom wrong.
    names = {name.lower(): name for name in _zones() if name[:1].lower() == text[:1].lower()}
    return names.get(nearest(text, names) or "")


def timezone_name(value: str) -> str:
    """The IANA name of a time zone."""
    if value and value not in _zones():
        near = _near_zone(value)
        way_out = (
            f"did you mean '{near}'?" if near else "give an IANA name, such as Europe/Athens, or leave it out"
        )
        raise refuse(f"{shown(value)} is not a time zone; {way_out}")
    return value


def tidy(value: str) -> str:
    """Text for people on one line: control characters and runs of space become one space."""
    if value.isprintable() and "  " not in value:
        return value.strip()
    return " ".join(CONTROL.sub(" ", value).split())
