"""The replies of tests/data/replies.tsv."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).resolve().parents[2] / "data" / "replies.tsv"
KINDS = ("opt_out_keyword", "opt_out_free", "reply", "opt_in", "help", "nothing")
_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|([nt]))")


class Row(NamedTuple):
    """One reply and what is to be heard in it."""

    line: int
    text: str
    label: str
    harm: tuple[str, ...]


def read() -> tuple[Row, ...]:
    """Every row, its escapes undone."""
    lines = FILE.read_text(encoding="utf-8").split("\n")
    return tuple(_rows(enumerate(lines, 1)))


def _rows(lines: Iterable[tuple[int, str]]) -> Iterable[Row]:
    for number, line in lines:
        if line and not line.startswith("#"):
            text, label, harm = line.split("\t")
            assert label in KINDS, f"{FILE.name}:{number}: {label} is no label"
            yield Row(number, _ESCAPE.sub(_shown, text), label, tuple(filter(None, harm.split(","))))


def _shown(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else {"n": "\n", "t": "\t"}[found[2]]
