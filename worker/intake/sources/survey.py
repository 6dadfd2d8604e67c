"""A file looked over before anything is taken from it: that it is text, in the encoding that the mapping says; and its digest, by which it is known again.

Rules
1. One pass over the bytes, a block at a time: a file of any size costs no memory.
2. What cannot be read at all is refused as a whole, with the line and the way out; a broken row is no reason to refuse a file.
3. Text in UTF-8 is told from text in an older encoding: the one is hardly ever valid as the other, and read wrongly every name would be spoilt.
"""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BLOCK: Final = 1 << 20
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS: Final = (
    (b"PK\x03\x04", "an Excel workbook or another archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"%PDF", "a PDF"),
)


class Unreadable(Exception):
    """The file as a whole cannot be read; its text says why, and the way out."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of a file: its SHA-256 in hexadecimal digits, and how many line ends it has."""

    digest: str
    lines: int


def survey(path: Path, encoding: str) -> Survey:
    """Look a file over. Raises Unreadable, and OSError where it cannot be opened."""
    with path.open("rb") as stream:
        start = stream.read(4)
        _first_bytes(start, encoding, path.name)
        stream.seek(0)
        digest, lines = hashlib.sha256(), 0
        reads = _Decoding(encoding)
        as_utf8 = _Decoding("utf-8") if encoding not in ("utf-8", "utf-16") else None
        ascii_only = True
        while block := stream.read(BLOCK):
            digest.update(block)
            bad = reads.bad_byte(block)
            if bad is not None:
                line = lines + block.count(b"\n", 0, max(bad, 0)) + 1
                raise Unreadable(_wrong(path.name, encoding, line, block[max(bad, 0)]))
            if as_utf8 is not None:
                ascii_only = ascii_only and block.isascii()
                if as_utf8.bad_byte(block) is not None:
                    as_utf8 = None
            lines += block.count(b"\n")
    if not start:
        raise Unreadable(f"{path.name} is empty; export it again")
    if not reads.ends():
        raise Unreadable(f"{path.name} breaks off within a letter; export it again")
    if as_utf8 is not None and not ascii_only and as_utf8.ends():
        raise Unreadable(
            f"{path.name} is written in UTF-8, and the mapping says {encoding}; write `encoding: utf-8`"
        )
    return Survey(digest.hexdigest(), lines)


def codec(encoding: str) -> str:
    """Python's name of the encoding; that of UTF-8 passes over the mark that Excel puts first."""
    return "utf-8-sig" if encoding == "utf-8" else encoding


class _Decoding:
    """Decodes block by block, and forgets what was decoded."""

    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")

    def bad_byte(self, block: bytes) -> int | None:
        """Where in this block a byte stands that is none of the encoding (before it: -1)."""
        kept = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(block)
        except UnicodeDecodeError as error:
            return max(error.start - kept, -1)
        return None

    def ends(self) -> bool:
        """Whether the last letter was whole."""
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        return True


def _first_bytes(start: bytes, encoding: str, name: str) -> None:
    for mark, what in _OTHERS:
        if start.startswith(mark):
            raise Unreadable(f"{name} is {what}; save it as CSV (in Excel: Save as, CSV UTF-8)")
    for mark, really in _MARKS:
        if start.startswith(mark) and encoding != really:
            raise Unreadable(
                f"{name} is written in {really.upper()}, and the mapping says {encoding}; write `encoding: {really}`"
            )


def _wrong(name: str, encoding: str, line: int, byte: int) -> str:
    if encoding == "utf-8":
        guess = "An export of Excel in Greek is `encoding: cp1253`, in English or French `cp1252`."
    elif encoding == "utf-16":
        guess = "Most exports are `encoding: utf-8`."
    else:
        guess = "Try `encoding: utf-8`, or export the file again."
    return f"{name}, line {line}: the byte 0x{byte:02X} is none of {encoding}, which the mapping says it is in. {guess}"
