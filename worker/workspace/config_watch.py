"""`watch` of config/sources/NAME.yaml: the folder that a system's exports arrive in by themselves.

A folder is always one of the clinic's own below the data directory, so that no workspace can have files taken from elsewhere; a link there may lead anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from worker.domain.kinds import CLOCK, Block, Field, Fields, Kind, Many, Parsed, Word
from worker.workspace.sources import Watch

_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_FOLDER: Final = rf"{_PART}(?:/{_PART})*"
_FILES: Final = r"[^/\\\s][^/\\]*"
EXPECTED: Final = ("daily", "weekly")


def _matching(pattern: str, is_a: str, example: str) -> Kind[str]:
    def parse(text: str) -> str | None:
        plain = text.strip()
        return plain if re.fullmatch(pattern, plain) else None

    return Parsed(is_a, parse, pattern, example)


WATCH: Final = Block(
    "`watch`",
    {
        "folder": Field(
            _matching(_FOLDER, "a folder below the clinic's own", "exports"),
            "The folder, below `exports/CLINIC/` of the data directory.",
            default="the mapping's name",
        ),
        "files": Field(
            _matching(_FILES, "a pattern of file names", "*.csv"), "Which files are exports.", default='`"*.csv"`'
        ),
        "at": Field(Many(CLOCK), "Times of the clinic's day at which what lies there is taken.", default="as soon as it is whole"),
        "expect": Field(
            Word("how often an export comes", EXPECTED),
            "`daily` or `weekly`: a person is told when none came for 30 hours, or 8 days.",
            default="nobody is told",
        ),
    },
)  # fmt: skip
FIELDS: Final[Fields] = {
    "watch": Field(
        WATCH, "Exports are taken from a folder as they come; `{}` is enough.", default="no folder"
    ),
}


def watch_of(found: Mapping[str, Any], name: str) -> Watch | None:
    """What a mapping says of its folder; None where it has none."""
    values = found.get("watch")
    if values is None:
        return None
    return Watch(
        values.get("folder", name),
        values.get("files", "*.csv"),
        tuple(sorted(set(values.get("at", ())))),
        values.get("expect"),
    )
