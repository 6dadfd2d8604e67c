"""The broken files of tests/rooms/bad: each lies over a small clinic without mistakes, and says itself what is to be reported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from worker.domain.problem_codes import severity_of
from worker.domain.source import Problem
from worker.workspace.files import read_folder

BAD = Path(__file__).resolve().parent / "bad"
PLACES = {
    "journeys": "journeys/later.yaml",
    "scenarios": "journeys/scenarios/later.yaml",
    "sms": "templates/hello.sms.en.j2",
    "email": "templates/hello.email.en.md",
    "mjml": "templates/hello.email.en.mjml",
    "sources": "config/sources/later.yaml",
    **{
        name: f"config/{name}.yaml"
        for name in ("clinic", "services", "segments", "policy", "channels", "offers")
    },
}
"""Where a broken file of each kind lies in the small clinic."""
_EXPECT = re.compile(r"^(?:---\n)?(?:#|\{#) expect: (?P<said>[^\n]*?)(?: #\})?\n")
_ONE = re.compile(r"(?P<code>[a-z0-9-]+) (?P<line>\d+):(?P<column>\d+)(?: (?P<severity>error|warning))?")

Told = tuple[str, str, str, int, int]
"""Code, severity, file, line and column of a Problem."""


@dataclass(frozen=True, slots=True)
class BadFile:
    """One broken file: its kind, its text, and what is to be reported of it."""

    kind: str
    name: str
    text: str
    expected: tuple[Told, ...]

    @property
    def place(self) -> str:
        """Where it lies in a workspace."""
        return PLACES[self.kind]

    def over(self, files: Mapping[str, str]) -> dict[str, str]:
        """The workspace with this file laid over it; an e-mail has one file a language."""
        kept = {
            place: text for place, text in files.items() if self.kind != "mjml" or place != PLACES["email"]
        }
        return {**kept, self.place: self.text}

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def told(problems: list[Problem]) -> list[Told]:
    """What matters of Problems here."""
    return sorted((each.code, each.severity, each.file, each.line, each.column) for each in problems)


def small_clinic() -> dict[str, str]:
    """The workspace that the broken files are laid over."""
    return read_folder(BAD / "base")


def bad_files() -> list[BadFile]:
    """All of them, by kind and name."""
    return [
        _read(path) for path in sorted(BAD.rglob("*")) if path.is_file() and path.parent.name in PLACES
        and path.parent.parent == BAD
    ]  # fmt: skip


def _read(path: Path) -> BadFile:
    kind, text = path.parent.name, path.read_text(encoding="utf-8")
    match = _EXPECT.match(text)
    assert match is not None, f"{path} does not say what is expected of it"
    expected = []
    for part in match["said"].split(", "):
        one = _ONE.fullmatch(part)
        assert one is not None, f"{path}: {part}"
        severity = one["severity"] or severity_of(one["code"])
        expected.append((one["code"], severity, PLACES[kind], int(one["line"]), int(one["column"])))
    return BadFile(kind, path.name, text, tuple(sorted(expected)))
