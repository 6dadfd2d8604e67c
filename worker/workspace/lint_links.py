"""Links that lead astray: everything that is not https, a telephone number, an e-mail address, or an address of the clinic's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from worker.domain.source import Problem
from worker.workspace.lint_text import BLANK, Finding, Part, Text

_PLAIN = re.compile(r"\b(?:http|ftp|ftps|file|javascript|data|vbscript|ws):(?=\S)[^\s)>\"'<]*", re.IGNORECASE)
_TARGET = re.compile(
    r"\]\(\s*<?(?P<target>[^)\s>]*)|(?:href|src|background-url)\s*=\s*[\"'](?P<quoted>[^\"']*)[\"']"
)
_BARE = re.compile(
    r"(?<![\w@./:=-])(?:www\.[\w-]+(?:\.[\w-]+)+|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|gr|cy|net|org|eu|co|me|ly|io|gl|link|site|clinic|health|info|uk|de|fr|it))(?:/[^\s)>\"'<]*)?(?![\w@])", re.IGNORECASE
)  # fmt: skip
_GOOD: Final = ("https://", "tel:", "mailto:", "#")
_OWN = re.compile(r"\{\{-?\s*(?:clinic\.(?:booking|review)_url|unsubscribe_url)\b")
_HINT: Final = (
    "Links begin with https://, tel: or mailto:, or are {{ clinic.booking_url }} or {{ unsubscribe_url }}."
)


def links(text: Text) -> Iterator[Problem]:
    """Every link that is not one of those, where its address begins."""
    for part in text.parts:
        found: dict[int, str] = {}
        for match in _PLAIN.finditer(part.source.text):
            found[match.start()] = match[0]
        if not text.sms and part.name == "body":
            for match in _TARGET.finditer(part.source.text):
                group = "target" if match["target"] is not None else "quoted"
                target, at = _whole(part, match[group], match.start(group)), match.start(group)
                if not _fine(target):
                    found.setdefault(at, target)
        for match in _BARE.finditer(part.words):
            if text.sms or match[0].lower().startswith("www."):
                found.setdefault(match.start(), match[0])
        for at, target in sorted(found.items()):
            yield Finding(part, at).problem(
                "template-link",
                "error",
                f"the link `{target}` is not https" if target else "this link leads nowhere",
                _HINT,
            )


def _whole(part: Part, target: str, at: int) -> str:
    """A target that begins with Jinja, up to the end of that."""
    for start, end in part.source.tags():
        if start == at:
            return part.source.text[start:end]
    return target.replace(BLANK, "")


def _fine(target: str) -> bool:
    if target.startswith("{%"):
        return True
    return target.lower().startswith(_GOOD) or _OWN.match(target) is not None
