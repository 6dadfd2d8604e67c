"""JSON Lines files of events, plain or compressed with gzip, one line in memory at a time.

Rules
1. A broken line is one error with its number; the lines after it are read all the same.
2. Blank lines are passed over but counted, so that numbers are those that an editor shows.
3. gzip is known by its first bytes, whatever the file is called. Where its data breaks off, that is the last
   line's error.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from worker.intake.json_text import BrokenJson, decode

LINE_BYTES: Final = 1_000_000
_GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank, `number` from 1: either its decoded value, or why it has none."""

    number: int
    raw: object = None
    error: str | None = None


def read_lines(path: Path, containing: bytes = b"", *, after: int = 0) -> Iterator[Line]:
    """The lines of a file in their order; raises OSError where the file cannot be opened or read.

    `containing` passes over lines without those bytes undecoded, for a quick look through a long file; `after` passes over those up to that number.
    """
    with path.open("rb") as plain:
        packed = plain.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        plain.seek(0)
        if not packed:
            yield from _lines(plain, containing, after)
            return
        with gzip.GzipFile(fileobj=plain) as unpacked:
            yield from _lines(unpacked, containing, after)


def _lines(stream: IO[bytes] | gzip.GzipFile, containing: bytes, after: int) -> Iterator[Line]:
    number = 0
    while True:
        number += 1
        try:
            text = stream.readline(LINE_BYTES + 1)
            too_long = len(text) > LINE_BYTES
            while too_long and text and not text.endswith(b"\n"):
                text = stream.readline(LINE_BYTES)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            yield Line(
                number,
                error="the compressed data breaks off here or is damaged; make or fetch the file again",
            )
            return
        if text and number <= after:
            continue
        if too_long:
            yield Line(number, error=f"the line is longer than {LINE_BYTES} bytes; one event needs far less")
        elif not text:
            return
        elif containing in text and text.strip():
            yield _decoded(number, text)


def _decoded(number: int, text: bytes) -> Line:
    try:
        return Line(number, decode(text.rstrip()))
    except BrokenJson as broken:
        # Each line is a text of its own, so that `line 1` would mislead.
        return Line(number, error=f"the line {str(broken).replace('(line 1, column', '(column')}")
