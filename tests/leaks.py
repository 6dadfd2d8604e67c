"""What must not be in a log or in a request to a provider: a patient's name, phone number or e-mail address, the name of a treatment or of a segment.

`WATCH` gathers over a whole test session what the tests' processes wrote and what the stand-ins received; at its end nothing may have been found. In a request, the fields that
carry the address and the message itself are left out: there it belongs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml

from tests.standins.server import Request

MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PHONE: Final = re.compile(r"(?<![\w.])(?:\+|%2B|00)\d{9,15}(?!\w)", re.IGNORECASE)
TWILIO_OWN: Final = frozenset({"To", "From", "Body"})
SENDGRID_OWN: Final = frozenset({"to", "from", "reply_to", "content"})
UNSAID: Final = frozenset({"authorization", "host", "user-agent", "content-length"})


@dataclass
class Watch:
    """The words that are looked for, and what was found: one line each, with its place."""

    names: set[str] = field(default_factory=set)
    treatments: set[str] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)
    looked_at: int = 0

    def person(self, *names: str) -> None:
        """Look for these names."""
        self.names.update(name for name in names if len(name) > 2)

    def rooms(self, files: Mapping[str, str]) -> None:
        """Look for the treatments and segments of a workspace."""
        services = yaml.safe_load(files.get("config/services.yaml", "")) or {}
        for code, service in (services.get("services") or {}).items():
            self.treatments |= {str(code), str(service.get("name", "")), str(service.get("family", ""))}
        segments = yaml.safe_load(files.get("config/segments.yaml", "")) or {}
        for name, segment in (segments.get("segments") or {}).items():
            self.treatments |= {str(name), str(segment.get("title", ""))}
        for stage in segments.get("lifecycle") or []:
            # `new` and `regular` are words of every day; a stage with a number in it is not.
            self.treatments |= {name for name in stage if "_" in name}
        self.treatments -= {word for word in self.treatments if len(word) < 3}

    def log(self, name: str, text: str) -> None:
        """Look through a log."""
        for number, line in enumerate(text.splitlines(), start=1):
            self.looked_at += 1
            self._look(f"{name}:{number}", line)

    def requests(self, name: str, requests: Iterable[Request]) -> None:
        """Look through what a provider was sent."""
        for number, request in enumerate(requests, start=1):
            self.looked_at += 1
            for part, text in _said(request):
                self._look(f"{name}, request {number}, {part}", text)

    def _look(self, place: str, text: str) -> None:
        for kind, found in self._found(text):
            self.findings.append(f"{place}: {kind} {found!r}")

    def _found(self, text: str) -> Iterator[tuple[str, str]]:
        for spelled in dict.fromkeys((text, unquote(text))):
            yield from (("e-mail", found) for found in MAIL.findall(spelled))
            yield from (("phone", found) for found in PHONE.findall(spelled))
            yield from (("name", word) for word in sorted(self.names) if _stands(word, spelled))
            yield from (
                ("treatment or segment", word) for word in sorted(self.treatments) if _stands(word, spelled)
            )


WATCH: Final = Watch()
"""The one of this process."""


def _stands(word: str, text: str) -> bool:
    forms = {word, json.dumps(word)[1:-1]}
    return any(re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text, re.IGNORECASE) for form in forms)


def _said(request: Request) -> Iterator[tuple[str, str]]:
    address = urlsplit(request.path)
    yield "path", address.path
    for name, value in parse_qsl(address.query):
        if name not in TWILIO_OWN:
            yield f"query {name}", value
    for name, value in request.headers.items():
        if name.lower() not in UNSAID:
            yield f"header {name}", value
    text = request.body.decode("utf-8", "replace")
    if request.headers.get("Content-Type", "").startswith("application/json"):
        yield from _leaves("body", json.loads(text or "null"))
    else:
        for name, value in parse_qsl(text, keep_blank_values=True):
            if name not in TWILIO_OWN:
                yield f"field {name}", value


def _leaves(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{place} key", name
            if name not in SENDGRID_OWN:
                yield from _leaves(f"{place}.{name}", inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(place, inner)
    elif isinstance(value, str):
        yield place, value
