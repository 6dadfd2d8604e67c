"""Warnings that an author has looked at and means: `# check: allow CODE: the reason`, in the file that they are about.

Rules
1. In YAML, and between the `---` lines of an e-mail, it is a comment; in the text of a template it is `{# check: allow CODE: the reason #}`.
2. It holds for one code in one file. Only a warning can be silenced, only with a reason, and only while there is one: what silences nothing is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from worker.domain.problem_codes import CODES
from worker.domain.shape import Reader
from worker.domain.source import Place, Problem, place_of
from worker.workspace.file_names import line_break
from worker.workspace.files import Files
from worker.workspace.follow_ups import first_causes

ELSEWHERE: Final = frozenset({"step-renamed", "journey-begun", "journey-over"})
"""Warnings that need more than the folder (what is published, what day it is), so that their absence here says nothing."""
_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#[ \t]*check:[ \t]*allow\b(?P<said>[^\n]*)", re.MULTILINE)
_JINJA: Final = re.compile(r"\{#-?\s*check:\s*allow\b(?P<said>.*?)-?#\}", re.DOTALL)
_FRONT: Final = re.compile(r"---[ \t]*\r?\n.*?\n---", re.DOTALL)
_SAID: Final = re.compile(r"\s*(?P<code>[^\s:]*)\s*(?::\s*(?P<reason>.*\S))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Allowed:
    """One comment that silences: the code, the place of the code, and whether a reason is given."""

    code: str
    place: Place
    reason: bool


def silenced(files: Files, problems: Iterable[Problem]) -> list[Problem]:
    """The Problems that are left, without mere follow-ups, with those of the comments themselves, in reading order."""
    told = first_causes(problems)
    reader = Reader()
    whole = all(problem.severity == "warning" for problem in told)
    warned = {(each.file, each.code) for each in told if each.severity == "warning"}
    failed = {(each.file, each.code) for each in told if each.severity == "error"}
    quiet: set[tuple[str, str]] = set()
    for path, text in files.items():
        if "check:" not in text:
            continue
        for allowed in comments(path, text):
            key = (path, allowed.code)
            if not _usable(reader, allowed, failed=key in failed):
                continue
            quiet.add(key)
            if whole and key not in warned and allowed.code not in ELSEWHERE:
                reader.problem(
                    "silence-unused",
                    allowed.place,
                    f"nothing here is reported as `{allowed.code}`, so there is nothing to allow",
                    "Remove the comment.",
                )
    left = [each for each in told if each.severity == "error" or (each.file, each.code) not in quiet]
    return sorted([*left, *reader.problems], key=lambda problem: problem.sort_key)


def _usable(reader: Reader, allowed: Allowed, *, failed: bool) -> bool:
    known = CODES.get(allowed.code)
    if known is None:
        said = f"`{allowed.code}` is no code of a warning" if allowed.code else "no code is named here"
        hint = reader.near(allowed.code, CODES) or "Write `# check: allow CODE: the reason`."
        reader.problem("silence-unknown", allowed.place, said, hint)
    elif known.severity == "error" or failed:
        said = f"`{allowed.code}` is an error, which no comment can allow"
        reader.problem("silence-error", allowed.place, said, "Correct it, and remove the comment.")
    elif not allowed.reason:
        said = f"no reason is given for allowing `{allowed.code}`"
        hint = f"Write `check: allow {allowed.code}: the reason`, for those who read it after you."
        reader.problem("silence-reason", allowed.place, said, hint)
    else:
        return True
    return False


def comments(path: str, text: str) -> Iterator[Allowed]:
    """The silencing comments of one file."""
    if path.startswith("templates/"):
        front = _FRONT.match(text)
        if front is not None:
            yield from _found(path, text, _COMMENT.finditer(text, 0, front.end()))
        yield from _found(path, text, _JINJA.finditer(text))
    else:
        yield from _found(path, text, _COMMENT.finditer(text))


def _found(path: str, text: str, matches: Iterable[re.Match[str]]) -> Iterator[Allowed]:
    for match in matches:
        said = _SAID.match(match["said"])
        if said is None:
            continue
        line, column = place_of(text, match.start("said") + said.start("code"), line_break(path))
        yield Allowed(said["code"], Place(path, line, column), bool(said["reason"]))
