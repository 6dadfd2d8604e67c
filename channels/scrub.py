"""Takes out of a provider's words whatever might be about the recipient, so that they can be stored and
shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_MOST = 200
_GONE = "[…]"
_TAKEN_OUT = (
    re.compile(r"\S*@\S*"),  # addresses, with whatever clings to them
    re.compile(r"https?://\S+", re.IGNORECASE),
    re.compile(
        r"\"[^\"]*\"|`[^`]*`|«[^»]*»|“[^”]*”|‘[^’]*’|(?<!\w)'[^']*'(?!\w)"
    ),  # whatever the provider quotes
    re.compile(r"\+?\d[\d\s().-]{4,}"),  # anything that could be a number of a person
    re.compile(r"[^\x20-\x7e]+"),  # providers write English; another script is the message's own
)


def scrub(words: str, secrets: Iterable[str] = ()) -> str:
    """At most 200 characters of `words`, without addresses, numbers, quotations, other scripts and `secrets`.

    Of a secret of several lines, each line is taken out by itself as well.
    """
    for secret in secrets:
        for part in (secret, *secret.splitlines()):
            if part.strip():
                words = re.sub(re.escape(part.strip()), " ", words, flags=re.IGNORECASE)
    for pattern in _TAKEN_OUT:
        words = pattern.sub("\0", words)
    words = " ".join(words.replace("\0", f" {_GONE} ").split())
    return words if len(words) <= _MOST else words[: _MOST - 1] + "…"
