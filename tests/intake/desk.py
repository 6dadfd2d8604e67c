"""A clinic into whose database exports are taken, night after night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.intake.exports import source_of, write
from worker.domain.facts import Facts
from worker.service.folding import fold
from worker.service.importing import Import, Report
from worker.service.sweeping import close_imports
from worker.store import rooms, schema
from worker.store.engine import read
from worker.store.ledgers import ledger_of
from worker.workspace.house import House
from worker.workspace.sources import Source

MONDAY = datetime(2026, 11, 23, 21, tzinfo=UTC)
DAY = timedelta(days=1)
FILES = {
    "config/clinic.yaml": "name: C\ntimezone: Europe/Athens\ncountry: GR\nmode: live\n",
    "config/segments.yaml": "lifecycle: [{prospect: {visits: none}}, {patient: otherwise}]\n",
    "config/services.yaml": "services: {LHR: {name: Laser hair removal, family: laser_hair, area: body}}\n",
    "config/channels.yaml": 'sms: {provider: console, from: "+15005550006"}\n',
    "templates/hello.sms.en.j2": "Hello {{ first_name or 'there' }}, {{ clinic.name }}\n",
    "journeys/hello.yaml": (
        "journey: hello\nstart: {event: visit.completed}\nrepeat: always\nexpires: 3 days\n"
        "steps:\n  - {id: hello, send: sms, template: hello}\n"
    ),
    "journeys/gone.yaml": (
        "journey: gone\nstart: {event: booking.cancelled}\nrepeat: always\nexpires: 3 days\n"
        "steps:\n  - {id: hello, send: sms, template: hello}\n"
    ),
}
MAPPING = """
date_order: dmy
live_from: 2026-11-20
files:
  patients:
    kind: patients
    columns: {id: ID, name: Name, phone: Mobile, consent_sms: SMS}
  visits:
    kind: appointments
    columns: {id: No, patient: ID, starts_at: Start, status: Status, service: What, net: Paid}
    statuses: {Done: completed, Booked: booked, Cancelled: cancelled, Missed: no_show, otherwise: booked}
    past_booked_means: completed
    may_lack: [service, net]
"""
HEADER = "No,ID,Start,Status,What"


@dataclass
class Desk:
    """A clinic into which exports are taken; its time stands still unless told otherwise."""

    house: House
    folder: Path
    now: datetime = MONDAY

    def take(
        self,
        text: str,
        source: Source | None = None,
        *,
        name: str = "visits.csv",
        settle: bool = True,
        **more: Any,
    ) -> Report:
        """Import one file, fold what came of it, and let a second pass."""
        reports = self.run([write(self.folder / name, text)], source, **more)
        if settle:
            self.settle()
        self.now += timedelta(seconds=1)
        return reports[0]

    def run(self, paths: list[Path], source: Source | None = None, **more: Any) -> list[Report]:
        """One run over some files."""
        self.refused: list[tuple[int, str]] = []
        run = Import(self.house, "default", self.rooms.clinic, source or source_of(MAPPING), self.now, **more)
        with run:
            exports = [run.open(path) for path in paths]
            run.begin()
            reports = []
            for export in exports:
                report = run.report(export)
                for step in run.take(export, report):
                    self.refused += [(row.number, why) for row, why in step.refused]
                reports.append(report)
        return reports

    @property
    def rooms(self) -> Any:
        with read(self.house.engine) as conn:
            return self.house.rooms(conn, "default").rules

    def settle(self) -> None:
        """Fold all that was accepted."""
        with read(self.house.engine) as conn:
            seqs = list(
                conn.execute(select(schema.events.c.seq).where(schema.events.c.state == "new")).scalars()
            )
        for start in range(0, len(seqs), 500):
            fold(self.house, "default", seqs[start : start + 500])
        close_imports(self.house)

    def facts(self, patient: str) -> Facts:
        with read(self.house.engine) as conn:
            ledger = ledger_of(conn, "default", patient)
        assert ledger is not None
        return Facts(patient, ledger, self.rooms.clinic)

    def status(self, patient: str) -> dict[str, str]:
        """What each of a patient's appointments is."""
        with read(self.house.engine) as conn:
            ledger = ledger_of(conn, "default", patient)
        assert ledger is not None
        return {key: records[0]["status"] for key, records in ledger["appointments"].items()}

    def events(self) -> list[Any]:
        with read(self.house.engine) as conn:
            return list(conn.execute(select(schema.events).order_by(schema.events.c.seq)).all())

    def messages(self) -> list[tuple[str, str]]:
        """Journey and patient of everything that was planned."""
        with read(self.house.engine) as conn:
            asked = select(schema.messages.c.journey, schema.messages.c.patient_id)
            return sorted((journey, patient) for journey, patient in conn.execute(asked))

    def open_imports(self) -> int:
        with read(self.house.engine) as conn:
            return len(rooms.open_imports(conn, "default"))


def visits(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


def told(report: Report) -> tuple[int, int, int, int, int]:
    return (report.added, report.changed, report.unchanged, report.older, report.refused)
