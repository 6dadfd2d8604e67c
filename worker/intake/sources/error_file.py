"""The file of the rows that were refused, beside the file that they stand in: corrected there, it can be imported itself."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, Self

from worker.intake.sources.export import Export
from worker.intake.sources.rows import Row
from worker.intake.sources.survey import codec

ERRORS: Final = ".errors.csv"
"""The end of the name of a file of refused rows, which is never a whole export."""


class ErrorFile:
    """The refused rows of a file beside it, in its own form, with their reasons in a last column. There is none where no row was refused.

    `kept` are the rows of an earlier run that was broken off and is gone on with: so many of them stay. A row is on the disk when `write` returns, before the part that it came with counts as taken in.
    """

    def __init__(self, export: Export, kept: int = 0) -> None:
        self._export, self._keep = export, kept
        self._stream: IO[str] | None = None
        self._writer: Any = None
        self.path: Path | None = None

    def __enter__(self) -> Self:
        if self._keep and self._place.is_file():
            form, part = self._export.sheet.form, self._place.with_name(f"{self._place.name}.part")
            with self._place.open(encoding=codec(form.encoding), errors="replace", newline="") as before:
                self._begin(part)
                rows = csv.reader(before, delimiter=form.delimiter)
                self._writer.writerows(islice(rows, 1, self._keep + 1))
            self._flush()
            self.path = part.replace(self._place)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, row: Row, why: str) -> None:
        """One row more."""
        header = self._export.header
        if self._stream is None:
            self._begin(self._place)
        cells = dict(zip(header, (cell.replace("\0", "")[:1000] for cell in row.cells), strict=False))
        self._writer.writerow([*(cells.get(name, "") for name in self._columns), f"line {row.number}: {why}"])
        self._flush()

    def _flush(self) -> None:
        if self._stream is not None:
            self._stream.flush()

    @property
    def _place(self) -> Path:
        return self._export.path.with_name(f"{self._export.path.name}{ERRORS}")

    @property
    def _columns(self) -> list[str]:
        return [name for name in self._export.header if name != "reason"]

    def _begin(self, path: Path) -> None:
        form, self.path = self._export.sheet.form, path
        self._stream = path.open("w", encoding=codec(form.encoding), errors="replace", newline="")
        self._writer = csv.writer(self._stream, delimiter=form.delimiter)
        self._writer.writerow([*self._columns, "reason"])
