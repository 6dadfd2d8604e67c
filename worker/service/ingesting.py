"""A file of events taken in. While its history is being told, time changes no patient of the clinic (an open import); it closes when all of it is folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from worker.intake.lines import Line
from worker.service.accepting import Taken, check
from worker.service.jobs import Job
from worker.service.loading import Loader
from worker.store import events, rooms
from worker.store.audit import note
from worker.store.engine import read, write
from worker.workspace.house import House


class Ingest:
    """One file. Use it as a context manager; an error inside leaves the import open, and taking the same file again goes on with it."""

    def __init__(self, house: House, name: str, clinic: str | None = None, *, digest: str = "") -> None:
        """`clinic` is whose events they are: the only one there is, else `default`, where it is left out. `digest` is what the file says, hashed: by it a
        run that broke off is gone on with, and `fold_rest` is to be called when all lines were taken."""
        self._house = house
        self._name = name
        self._import: int | None = None
        with read(house.engine) as conn:
            clinics = rooms.clinic_ids(conn)
            self._clinic = clinic or (clinics[0] if len(clinics) == 1 else "default")
            for one in rooms.open_imports(conn, self._clinic):
                if one.what == name:
                    self._import = one.id
        self._loader = Loader(house, self._clinic, name, f"ingest {digest}" if digest else "")
        self.accepted, self.duplicates, self.rejected = (
            int(self._loader.counts.get(what, 0)) for what in ("accepted", "duplicates", "rejected")
        )

    @property
    def line(self) -> int:
        """The last line that an earlier run has taken in; the next one is to be taken first."""
        return self._loader.line

    def __enter__(self) -> Self:
        return self

    def take(self, lines: Sequence[Line]) -> Taken:
        """Accept some lines; in what comes back, `rejected` is by line number."""
        if self._import is None and any(_historical(line) for line in lines):
            with write(self._house.engine) as conn:
                now = self._house.now(conn)
                self._import = rooms.open_import(conn, self._clinic, now, self._name)
                note(conn, self._clinic, now, "revisit", "import opened", {"import": self._import})
        with read(self._house.engine) as conn:
            about, now = self._house.clinic(conn, self._clinic), self._house.now(conn)
        good = [line for line in lines if line.error is None]
        checked = check(
            about,
            now,
            [line.raw for line in good],
            numbers=[line.number for line in good],
            broken=[(line.number, line.error) for line in lines if line.error is not None],
        )
        rejected = self.rejected + len(checked.rejected)

        def counts(known: frozenset[int]) -> dict[str, int]:
            return {
                "accepted": self.accepted + len(checked.good) - len(known),
                "duplicates": self.duplicates + len(known),
                "rejected": rejected,
            }

        jobs, known = self._loader.take(checked.good, lines[-1].number if lines else 0, counts, checked.kept)
        new = len(checked.good) - len(known)
        self.accepted += new
        self.duplicates += len(known)
        self.rejected = rejected
        return Taken(new, len(known), checked.rejected, jobs)

    def fold_rest(self) -> Iterator[tuple[int, list[Job]]]:
        """Fold the history that lay scattered in the file, patient by patient; tells how many events were folded each time, and what became due."""
        yield from self._loader.fold_rest()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            return
        self._loader.done()
        if self._import is not None:
            with write(self._house.engine) as conn:
                # Lines of an earlier try that broke off were duplicates now, and may not be folded yet: all that is there counts.
                rooms.loaded(conn, self._clinic, self._import, events.last_seq(conn, self._clinic))


def _historical(line: Line) -> bool:
    data = line.raw.get("data") if isinstance(line.raw, dict) else None
    return isinstance(data, dict) and data.get("historical") is True
