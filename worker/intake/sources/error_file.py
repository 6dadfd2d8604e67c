"""The file of the rows that were refused, beside the file that they stand in: corrected there, it can be imported itself."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import IO, Any, Final, Self

from worker.intake.sources.export import Export
from worker.intake.sources.rows import Row
from worker.intake.sources.survey import codec

ERRORS: Final = ".errors.csv"
"""The end of the name of a file of refused rows, which is never a whole export."""


class ErrorFile:
    """The refused rows of a file beside it, in its own form, with their reasons in a last column. There is none where no row was refused."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._stream: IO[str] | None = None
        self._writer: Any = None
        self.path: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, row: Row, why: str) -> None:
        """One row more."""
        header = self._export.header
        kept = [name for name in header if name != "reason"]
        if self._stream is None:
            form = self._export.sheet.form
            self.path = self._export.path.with_name(f"{self._export.path.name}{ERRORS}")
            self._stream = self.path.open("w", encoding=codec(form.encoding), errors="replace", newline="")
            self._writer = csv.writer(self._stream, delimiter=form.delimiter)
            self._writer.writerow([*kept, "reason"])
        cells = dict(zip(header, (cell.replace("\0", "")[:1000] for cell in row.cells), strict=False))
        self._writer.writerow([*(cells.get(name, "") for name in kept), f"line {row.number}: {why}"])
