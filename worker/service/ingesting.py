"""A file of events taken in. While its history is being told, time changes no patient of the clinic (an open import); it closes when all of it is folded."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from worker.intake.lines import Line
from worker.service.accepting import Taken, accept
from worker.store import events, rooms
from worker.store.audit import note
from worker.store.engine import read, write
from worker.workspace.house import House


class Ingest:
    """One file. Use it as a context manager; an error inside leaves the import open, and taking the same file again goes on with it."""

    def __init__(self, house: House, name: str, clinic: str | None = None) -> None:
        """`clinic` is whose events they are: the only one there is, else `default`, where it is left out."""
        self._house = house
        self._name = name
        self._import: int | None = None
        self._last = 0
        with read(house.engine) as conn:
            clinics = rooms.clinic_ids(conn)
            self._clinic = clinic or (clinics[0] if len(clinics) == 1 else "default")
            for one in rooms.open_imports(conn, self._clinic):
                if one.what == name:
                    self._import = one.id

    def __enter__(self) -> Self:
        return self

    def take(self, lines: Sequence[Line]) -> Taken:
        """Accept some lines; in what comes back, `rejected` is by line number."""
        if self._import is None and any(_historical(line) for line in lines):
            with write(self._house.engine) as conn:
                now = self._house.now(conn)
                self._import = rooms.open_import(conn, self._clinic, now, self._name)
                note(conn, self._clinic, now, "revisit", "import opened", {"import": self._import})
        good = [line for line in lines if line.error is None]
        broken = [(line.number, line.error) for line in lines if line.error is not None]
        taken = accept(
            self._house,
            self._clinic,
            [line.raw for line in good],
            self._name,
            numbers=[line.number for line in good],
            broken=broken,
        )
        self._last = max(self._last, taken.last_seq or 0)
        return taken

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._import is not None:
            with write(self._house.engine) as conn:
                # Lines of an earlier try that broke off were duplicates now, and may not be folded yet: all that is there counts.
                rooms.loaded(
                    conn, self._clinic, self._import, max(self._last, events.last_seq(conn, self._clinic))
                )


def _historical(line: Line) -> bool:
    data = line.raw.get("data") if isinstance(line.raw, dict) else None
    return isinstance(data, dict) and data.get("historical") is True
