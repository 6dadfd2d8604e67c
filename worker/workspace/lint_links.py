"""Links that lead astray: everything that is not https, a telephone number, an e-mail address, or an address of the clinic's own.

Rules
1. Neither are those right that hide where they lead: with a user before the host, to a number or a computer without a domain, without a protocol, or with another
   address shown than the one they lead to.
2. What Jinja puts together counts as it reads once it is filled in. The clinic's own addresses, as they come from its config, are no finding.
3. No link carries the patient's name: who sees an address would know who she is.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from worker.domain.source import Problem
from worker.workspace.lint_text import BLANK, URL, Finding, Part, Text

_PLAIN = re.compile(r"\b(?:http|ftp|ftps|file|javascript|data|vbscript|ws):(?=\S)[^\s)>\"'<]*", re.IGNORECASE)
_TARGET = re.compile(
    r"\]\(\s*<?(?P<target>[^)\s>]*)|(?:href|src|background-url)\s*=\s*[\"'](?P<quoted>[^\"']*)[\"']"
)
_BARE = re.compile(
    r"(?<![\w@./:=-])(?:www\.[\w-]+(?:\.[\w-]+)+|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|gr|cy|net|org|eu|co|me|ly|io|gl|link|site|clinic|health|info|uk|de|fr|it))(?:/[^\s)>\"'<]*)?(?![\w@])", re.IGNORECASE
)  # fmt: skip
_NO_PROTOCOL = re.compile(r"(?<![^\s(\"'<>])//[\w-]+(?:\.[\w-]+)+[^\s)>\"'<]*")
_HIDDEN = re.compile(
    r"https://(?:[^\s/?#@)>\"'<{]*@|(?:\d+(?:\.\d+){3}|0x[0-9a-f]+|\d+|\[[0-9a-f:.]+\]|localhost|[a-z0-9-]+\.local)(?=[/:?#\s)>\"'<]|$))[^\s)>\"'<]*",
    re.IGNORECASE,
)
_SHOWN = re.compile(
    r"\[(?P<label>[^\[\]\n]*)\]\(\s*<?(?P<target>https?://[^)\s>]*)"
    r"|<(?:a|mj-button)\b[^<>]*?href\s*=\s*[\"'](?P<quoted>https?://[^\"']*)[\"'][^<>]*>(?P<inner>[^<>]*)<",
    re.IGNORECASE,
)
_HOST = re.compile(
    r"(?:https?://)?(?:www\.)?(?P<host>[\w-]+(?:\.[\w-]+)*\.[a-z]{2,})(?=[/:?#]|$)\S*", re.IGNORECASE
)
_VALUE = re.compile(
    r"\{\{-?\s*(?:first_name|practitioner|language|unsubscribe_url|answer_url|(?:clinic|offer|brand)\.\w+)\s*-?\}\}"
)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_GOOD: Final = ("https://", "tel:", "mailto:", "#")
_OWN = re.compile(r"\{\{-?\s*(?:clinic\.(?:booking|review)_url|unsubscribe_url|answer_url|brand\.logo)\b")
_NO_HTTPS: Final = "Links begin with https://, tel: or mailto:, or are {{ clinic.booking_url }}, {{ answer_url }} or {{ unsubscribe_url }}."
_WHERE: Final = "Write the whole address: https://, the name of a site, and nothing before that name."


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
        for match in _bare(part.words, text):
            found.setdefault(match.start(), match[0])
        for at, target in sorted(found.items()):
            yield _not_https(part, at, target)
        for match in _HIDDEN.finditer(part.source.text):
            yield _hides(part, match.start(), match[0])


def links_once_filled(
    text: Text, filled: Mapping[str, str], values: Mapping[str, Any], written: Iterable[Problem]
) -> Iterator[Problem]:
    """What shows only once the values stand in it (rules 2 and 3), and addresses that are not where they lead.

    `filled` is by part, `values` are what it was filled with; `written` are the findings in the text as written.
    """
    told = any(problem.code == "template-link" for problem in written)
    own = sorted(_addresses(values), key=len, reverse=True)
    name = str(values.get("first_name", "")).lower()
    for part in text.parts:
        said, source = _unescaped(text, part, filled.get(part.name, "")), part.source.text
        yield from _disguised(part, said)
        tags = part.source.tags()
        if not tags:
            continue
        if name:
            for match in URL.finditer(said):
                if name in unquote(match[0]).lower() and match[0] not in source:
                    yield _names_her(part)
                    break
        if told:
            continue
        for address in own:
            said = said.replace(address, " " * len(address))
        for match in (*_PLAIN.finditer(said), *_bare(said, text), *_HIDDEN.finditer(said)):
            if match[0] not in source:
                made = _hides if _HIDDEN.fullmatch(match[0]) else _not_https
                yield made(part, _made_by(part), match[0])
                break


def _made_by(part: Part) -> int:
    """The first piece of Jinja that prints more than a value as it is; the first that prints where there is none."""
    text = part.source.text
    printed = [(at, end) for at, end in part.source.tags() if text.startswith("{{", at)]
    worked = [at for at, end in printed if not _VALUE.fullmatch(text[at:end])]
    return next(iter(worked or [at for at, _ in printed]), 0)


def _unescaped(text: Text, part: Part, said: str) -> str:
    """Values stand escaped in the body of an e-mail."""
    if text.sms or part.name != "body":
        return said
    return html.unescape(said) if part.markup else _ESCAPED.sub(r"\1", said)


def _bare(words: str, text: Text) -> Iterator[re.Match[str]]:
    for match in _BARE.finditer(words):
        if text.sms or match[0].lower().startswith("www."):
            yield match
    yield from _NO_PROTOCOL.finditer(words)


def _disguised(part: Part, said: str) -> Iterator[Problem]:
    """Links that show one address and lead to another."""
    if part.name != "body":
        return
    for match in _SHOWN.finditer(said):
        label = (match["label"] if match["label"] is not None else match["inner"]).strip()
        target = match["target"] or match["quoted"]
        shown, led = _HOST.fullmatch(label), _HOST.match(target)
        if shown is None or led is None or _akin(shown["host"].lower(), led["host"].lower()):
            continue
        at = part.source.text.find(label)
        yield Finding(part, max(at, 0)).problem(
            "template-link",
            "error",
            f"this link shows `{shown['host']}` and leads to `{led['host']}`",
            "Show words, or the address that it leads to.",
        )


def _akin(shown: str, led: str) -> bool:
    return shown == led or led.endswith(f".{shown}") or shown.endswith(f".{led}")


def _addresses(values: Mapping[str, Any]) -> Iterator[str]:
    """Values of the clinic's that are, or hold, an address."""
    for value in values.values():
        if isinstance(value, Mapping):
            yield from _addresses(value)
        elif isinstance(value, str) and re.search(r"[.:]\S", value):
            yield value


def _not_https(part: Part, at: int, target: str) -> Problem:
    said = f"the link `{target}` is not https" if target else "this link leads nowhere"
    return Finding(part, at).problem("template-link", "error", said, _NO_HTTPS)


def _hides(part: Part, at: int, target: str) -> Problem:
    said = f"the link `{target}` does not say which site it leads to"
    return Finding(part, at).problem("template-link", "error", said, _WHERE)


def _names_her(part: Part) -> Problem:
    text = part.source.text
    tags = [at for at, end in part.source.tags() if "first_name" in text[at:end]]
    at = next((at for at in tags if text.startswith("{{", at)), tags[0] if tags else 0)
    said = "the patient's name stands in the address of a link"
    return Finding(part, at).problem(
        "template-link", "error", said, "Take it out: who sees the address would know who she is."
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
