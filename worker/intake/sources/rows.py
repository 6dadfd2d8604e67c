"""The rows of a CSV file, one in memory at a time, however broken.

Rules
1. A broken row is one error with its line; the rows after it are read all the same. A quote that is never closed costs its own row alone: it counts as never closed if the next
   quote opens a cell, or if a line between the two looks like a row.
2. Lines, cells and rows are bounded: what is longer is refused with words, and never held whole.
3. Blank lines, lines of delimiters alone, and a first line `sep=;` are passed over. Empty cells past the header are no cells.
4. A row of totals is none of a patient: its first cell says so, and half of its cells or more are empty.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from worker.intake.sources.survey import Unreadable, codec
from worker.workspace.sources import Form, folded

LINE_LENGTH: Final = 1_000_000
ROW_LINES: Final = 500
ROW_LENGTH: Final = 200_000
COLUMNS: Final = 2_000
FEW_COLUMNS: Final = 4
"""With fewer than these, a line of a note may well look like a row."""
_SEP: Final = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)

_TOTAL: Final = re.compile(r"(?:grand |sub ?)?totals?\b|sum\b|(?:γενικ[οό] )?σ[υύ]νολ[οα]\b|records?:|rows?:")


def totals(cells: Sequence[str]) -> bool:
    """Whether a row sums others up (rule 4)."""
    first = next((cell for cell in cells if cell.strip()), "")
    if _TOTAL.match(folded(first)) is None:
        return False
    return sum(bool(cell.strip()) for cell in cells) * 2 <= len(cells) + 1


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `number` is the line that it begins on, from 1. `error`: why it cannot be read; `cells` are then what could be made out."""

    number: int
    cells: tuple[str, ...]
    error: str | None = None


class Table:
    """An open file: its header, then its rows. Raises Unreadable where it has no header; close it."""

    def __init__(self, path: Path, form: Form) -> None:
        self._name = path.name
        self._delimiter = form.delimiter
        # Closed by `close`: rows are read long after this.
        self._stream: IO[str] = path.open(encoding=codec(form.encoding), newline="")
        self._lines = _Lines(self._stream)
        self.header: tuple[str, ...] = ()
        try:
            for _ in range(form.skip_lines):
                self._lines.next()
            self.header = self._read_header()
        except BaseException:
            self._stream.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    @property
    def line(self) -> int:
        """The number of the last line that was read."""
        return self._lines.number

    def rows(self) -> Iterator[Row]:
        """The rows, in their order."""
        width = len(self.header)
        while (record := self._record()) is not None:
            number, cells, error = record
            if error is None and not any(map(str.strip, cells)):
                continue
            yield self._row(number, cells, error, width)

    def _row(self, number: int, cells: list[str], error: str | None, width: int) -> Row:
        if error is None:
            while len(cells) > width and not cells[-1].strip():
                cells.pop()
            if len(cells) > width:
                error = f"has {len(cells)} cells, and the header {width}: a cell holds the delimiter and is not quoted"
            elif len(cells) < width:
                error = f"has {len(cells)} cells, and the header {width}: the line breaks off, or another one broke into it"
            elif any("\0" in cell for cell in cells):
                error = "holds a NUL byte; export the file again"
        return Row(number, tuple(cells[: max(width, 1)]), error)

    def _read_header(self) -> tuple[str, ...]:
        first = self._lines.next()
        if first is not None and _SEP.fullmatch(first[1]):
            first = None
        if first is not None:
            self._lines.back([first])
        while (record := self._record()) is not None:
            number, cells, error = record
            if error is not None:
                raise Unreadable(f"{self._name}, line {number}, where the header should be: {error}")
            while cells and not cells[-1].strip():
                cells.pop()
            if not cells:
                continue
            if len(cells) > COLUMNS:
                raise Unreadable(f"{self._name} has {len(cells)} columns; an export has at most {COLUMNS}")
            return tuple(cell.strip() for cell in cells)
        raise Unreadable(f"{self._name} has no header: all its lines are blank")

    def _record(self) -> tuple[int, list[str], str | None] | None:
        """Line, cells, error of the next record; None at the end. A blank line has no cells."""
        taken = self._lines.next()
        if taken is None:
            return None
        number, text = taken
        if len(text) > LINE_LENGTH:
            return (
                number,
                [],
                f"the line is longer than {LINE_LENGTH} characters; a quote or a line end is missing",
            )
        if '"' not in text:
            cells = text.rstrip("\r\n").split(self._delimiter)
            return number, cells, None
        pulled = [taken]
        try:
            cells = self._quoted(pulled)
        except _Open:
            self._lines.back(pulled[1:])
            return number, text.rstrip("\r\n").split(self._delimiter), "a quote is opened and never closed"
        except csv.Error:
            self._lines.back(pulled[1:])
            return number, [], f"a cell is longer than {csv.field_size_limit()} characters"
        return number, cells, None

    def _quoted(self, pulled: list[tuple[int, str]]) -> list[str]:
        """The cells of a record with quotes; `pulled` are its lines, and grow. Raises _Open, csv.Error."""
        try:
            cells = next(csv.reader(self._feed(pulled), delimiter=self._delimiter, strict=True))
        except csv.Error:
            if len(pulled) == 1:
                return next(csv.reader([pulled[0][1]], delimiter=self._delimiter))
            if sum(len(line) for _, line in pulled) > csv.field_size_limit():
                raise
            # The quote that would close it opens a cell of another row.
            raise _Open from None
        width = len(self.header)
        if width >= FEW_COLUMNS and any(line.count(self._delimiter) == width - 1 for _, line in pulled[1:-1]):
            # A line within a cell looks like a row of its own.
            raise _Open
        return cells

    def _feed(self, pulled: list[tuple[int, str]]) -> Iterator[str]:
        yield pulled[0][1]
        length = len(pulled[0][1])
        while True:
            line = self._lines.next()
            if line is None:
                raise _Open
            pulled.append(line)
            length += len(line[1])
            if len(pulled) > ROW_LINES or length > ROW_LENGTH:
                raise _Open
            yield line[1]


class _Open(Exception):
    """A quote is not closed in any line that may belong to it."""


class _Lines:
    """Numbered lines of bounded length; those that were taken too early can be given back."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._ahead: deque[tuple[int, str]] = deque()
        self.number = 0

    def next(self) -> tuple[int, str] | None:
        """The next line with its number; of one that is too long the rest is passed over."""
        if self._ahead:
            return self._ahead.popleft()
        text = self._stream.readline(LINE_LENGTH + 2)
        if not text:
            return None
        self.number += 1
        if len(text) > LINE_LENGTH:
            rest = text
            while rest and not rest.endswith(("\n", "\r")):
                rest = self._stream.readline(LINE_LENGTH)
        return self.number, text

    def back(self, lines: list[tuple[int, str]]) -> None:
        """Lines that come next, once more."""
        self._ahead.extendleft(reversed(lines))
