"""Exports of ten systems by `--guess`: with at most three answers each becomes what happened in the clinic, and the same files again change nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.intake.desk import FILES, MONDAY
from tests.intake.exports import source_of
from tests.intake.ten_systems import PEOPLE, SYSTEMS, System
from worker.domain.clinic import Service
from worker.intake.sources.guess import draft
from worker.intake.sources.guess_asking import answered, questions
from worker.intake.sources.guess_text import mapping_text, service_entries
from worker.service.importing import Import, Report
from worker.service.publishing import publish
from worker.store import schema
from worker.store.engine import make_engine, read
from worker.store.migrate import upgrade
from worker.workspace.house import House
from worker.workspace.sources import Source

EVENTS = ("visit.completed", "booking.created", "booking.cancelled", "booking.no_show")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house without patients; every system is a source of its own."""
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('ten') / 'revisit.db'}")
    upgrade(engine)
    found = House(engine, "secret", "http://127.0.0.1:8000")
    publish(found, FILES)
    yield found
    engine.dispose()


def taken(house: House, source: Source, paths: list[Path], codes: dict[str, str]) -> list[Report]:
    with read(house.engine) as conn:
        about = house.rooms(conn, "default").rules.clinic
    services = {code: Service(code, name, "other", "none") for name, code in codes.items()}
    about = replace(about, services={**about.services, **services})
    with Import(house, "default", about, source, MONDAY) as run:
        exports = [run.open(path) for path in paths]
        run.begin()
        reports = [run.report(export) for export in exports]
        for export, report in zip(exports, reports, strict=True):
            for _ in run.take(export, report):
                pass
    return reports


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_an_export_comes_in_with_at_most_three_answers_and_once(
    system: System, house: House, tmp_path: Path
) -> None:
    paths = system.files(tmp_path)
    drafts = [draft(path) for path in paths]
    asked = {question.key for question in questions(drafts, "GR")}
    assert asked == set(system.answers)
    assert len(asked) + 1 <= 3
    text = mapping_text(drafts, *answered(drafts, "GR", system.answers), "Europe/Athens")
    source = source_of(text, system.name)
    names = Counter(name for one in drafts for name in one.treatments.elements())
    codes = {name: entry.split(":")[0] for name, entry in zip(sorted(names, key=lambda name: (-names[name], name)), service_entries(names, []).values(), strict=True)}  # fmt: skip

    reports = taken(house, source, paths, codes)
    with read(house.engine) as conn:
        told = list(
            conn.execute(
                select(schema.events.c.type, schema.events.c.subject, schema.events.c.data).where(
                    schema.events.c.source == source.uri
                )
            ).all()
        )
    kinds = Counter(kind for kind, _, _ in told)
    refused = sum(report.refused for report in reports)
    assert (*(kinds[kind] for kind in EVENTS), refused) == system.told, text
    assert len({subject for _, subject, _ in told}) == len(PEOPLE)
    assert kinds["patient.upserted"] == (len(PEOPLE) if system.people else 0)
    assert sum(report.notes.counts["totals"] for report in reports) == len(paths)

    visits = [data for kind, _, data in told if kind in EVENTS]
    assert {service["code"] for data in visits for service in data["services"]} <= set(codes.values())
    assert {data["starts_at"][:10] for data in visits} >= {
        "2026-03-04",
        "2026-12-11",
    }
    if any("price" in template for template in system.visits.values()):
        assert 123450 in {data["net"]["minor"] for data in visits if "net" in data}
    people = [data["patient"] for _, _, data in told if "patient" in data]
    assert {who["first_name"] for who in people} >= (
        {"Ελένη", "Μαρία"} if system.greek else {"Eleni", "Maria"}
    )
    assert {who["phone"] for who in people if "phone" in who} <= {
        "+306900000001",
        "+306900000002",
        "+302101234567",
    }
    agreed = sum(
        "marketing" in who.get("consent", {}).get(channel, ())
        for who in people
        for channel in ("sms", "email")
    )
    assert agreed == (3 if any("agrees" in template for template in system.people.values()) else 0)

    for report in taken(house, source, paths, codes):
        assert (report.added, report.changed, report.older, report.vanished) == (0, 0, 0, 0)
    with read(house.engine) as conn:
        assert len(
            list(conn.execute(select(schema.events.c.seq).where(schema.events.c.source == source.uri)))
        ) == len(told)
