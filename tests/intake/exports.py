"""Exports for the tests: a mapping from its text, a clinic, a file's rows as what they tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from worker.domain.clinic import Clinic, Service
from worker.domain.shape import Reader
from worker.domain.source import compose
from worker.intake.sources.error_file import ErrorFile
from worker.intake.sources.export import Export, Item
from worker.intake.sources.reading import Notes
from worker.service.importing import Import, Report
from worker.service.jobs import Job
from worker.workspace.config_sources import parse_source, ready_text
from worker.workspace.house import House
from worker.workspace.sources import Source

CLINIC = Clinic(
    "default", "Clinic", "Europe/Athens", "GR", "en", ("en",), "live", "EUR",
    services={"LHR": Service("LHR", "Laser hair removal", "laser_hair", "body")},
)  # fmt: skip
NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
PATIENTS = """
date_order: dmy
files:
  patients:
    kind: patients
    columns: {id: ID, name: Name, phone: [Mobile, Phone], email: Email, date_of_birth: Born, consent_sms: SMS}
    may_lack: [name, phone, email, date_of_birth, consent_sms]
"""
VISITS = """
date_order: dmy
files:
  visits:
    kind: appointments
    columns: {id: No, patient: ID, starts_at: Start, status: Status, service: What, net: Paid}
    statuses: {Done: completed, Booked: booked, Cancelled: cancelled, Missed: no_show}
    may_lack: [service, net]
"""


def source_of(text: str, name: str = "system") -> Source:
    """A mapping that is right."""
    reader = Reader()
    node, problems = compose(text, f"{name}.yaml")
    found = parse_source(reader, node, name, None)
    assert [*problems, *reader.problems] == []
    assert found is not None
    return found


def ready(name: str) -> Source:
    """A mapping that comes with the program."""
    text = ready_text(name)
    assert text is not None
    return source_of(text, name)


def write(path: Path, text: str | bytes, encoding: str = "utf-8") -> Path:
    """A file of that text."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def items(path: Path, source: Source, exported: datetime = NOW) -> tuple[list[Item], Notes]:
    """What the rows of a file tell, and what was noticed."""
    export = Export(path, source)
    notes = Notes()
    try:
        return list(export.items(export.context(CLINIC, exported, notes))), notes
    finally:
        export.close()


def take_export(
    house: House,
    about: Clinic,
    source: Source,
    path: Path,
    now: datetime,
    put: Callable[[Sequence[Job]], object] = len,
) -> Report:
    """One run over one file, its refused rows beside it; `put` is given what becomes due."""
    with Import(house, about.id, about, source, now) as run:
        export = run.open(path)
        run.begin()
        report = run.report(export)
        with ErrorFile(export, kept=report.refused) as errors:
            for step in run.take(export, report):
                for row, why in step.refused:
                    errors.write(row, why)
                put(step.jobs)
    return report
