"""One patient under two ids: found, merged, told apart, and both taken back, on both databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from worker.cli.app import Usage, app, register
from worker.domain.facts import Facts
from worker.domain.ledger import Ledger, empty
from worker.service import duplicates
from worker.service.accepting import accept
from worker.service.auditing import audit
from worker.service.folding import fold
from worker.service.publishing import publish
from worker.service.unmerging import Inseparable
from worker.service.whom import UnknownPatient
from worker.store import duplicates as stored
from worker.store import patients, schema
from worker.store.engine import make_engine, read, write
from worker.store.ledgers import ledger_of
from worker.workspace.house import House

NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)
FILES = {
    "config/clinic.yaml": "name: C\ntimezone: Europe/Athens\ncountry: GR\nmode: live\n",
    "config/services.yaml": "services:\n  LHR: {name: Laser, family: laser}\n  TOX: {name: Toxin, family: toxin}\n",
    "config/segments.yaml": (
        "lifecycle: [{prospect: {visits: none}}, {new: {visits: 1}}, {regular: otherwise}]\n"
        "segments:\n  had_toxin: {title: Had toxin, families: [toxin]}\n"
    ),
    "config/channels.yaml": 'sms: {provider: console, from: "+302100000001"}\n',
    "templates/hello.sms.en.j2": "Hello from {{ clinic.name }}\n",
    "journeys/hello.yaml": (
        "journey: hello\npurpose: care\nstart: {event: visit.completed}\nrepeat: always\nexpires: 3 days\n"
        "steps:\n  - {id: greet, tag: {add: [greeted]}}\n  - {id: hello, wait: 2 days, send: sms, template: hello}\n"
    ),
    "journeys/regulars.yaml": (
        "journey: regulars\npurpose: marketing\nstart: {enters: regular}\nrepeat: always\nexpires: 3 days\nsteps:\n  - {id: hello, wait: 9 days, send: sms, template: hello}\n"
    ),
}  # fmt: skip
ELENI = {
    "first_name": "Ελένη",
    "last_name": "Παπαδοπούλου",
    "phone": "+306900000001",
    "date_of_birth": "1985-03-07",
}
ABROAD = {**ELENI, "first_name": "Eleni", "last_name": "Papadopoulou"}
YES: dict[str, list[str]] = {"sms": ["marketing", "care"]}
NO: dict[str, list[str]] = {"sms": []}


@dataclass
class Clinic:
    """A house whose time stands still unless told otherwise."""

    house: House
    now: datetime = NOW
    told: int = 0

    def tell(self, kind: str, subject: str, *, days: float = 0, id: str = "", **data: Any) -> None:
        self.told += 1
        event = {
            "specversion": "1.0", "id": id or f"e-{self.told}", "source": "/t", "type": kind, "subject": subject,
            "time": (self.now - timedelta(days=days)).isoformat(), "data": data,
        }  # fmt: skip
        taken = accept(self.house, "default", [event], "test")
        assert not taken.rejected, taken.rejected
        for job in taken.jobs:
            fold(self.house, job.clinic, [int(key) for key in job.ids])

    def person(self, subject: str, person: dict[str, Any], *, days: float = 50, **more: Any) -> None:
        self.tell("patient.upserted", subject, days=days, patient={**person, **more})

    def visit(self, subject: str, number: str, *, code: str = "LHR", days: float = 0, **more: Any) -> None:
        at = (self.now - timedelta(days=days)).isoformat()
        self.tell(
            "visit.completed", subject, days=days, appointment_id=number, starts_at=at, services=[{"code": code}], **more
        )  # fmt: skip

    def rows(self, table: str, **which: Any) -> list[Any]:
        found = schema.metadata.tables[table]
        with read(self.house.engine) as conn:
            statement = select(found).where(*(found.c[name] == value for name, value in which.items()))
            return sorted(conn.execute(statement), key=str)

    def ledger(self, patient: str) -> Ledger:
        with read(self.house.engine) as conn:
            return ledger_of(conn, "default", patient) or empty()

    def own(self, one: str) -> str:
        with read(self.house.engine) as conn:
            return patients.resolve(conn, "default", [one])[one]

    def allows(self, patient: str) -> bool:
        with read(self.house.engine) as conn:
            about = self.house.rooms(conn, "default").rules.clinic
        return Facts(patient, self.ledger(patient), about).allows("sms", "marketing")

    def runs(self, patient: str) -> list[tuple[str, str]]:
        return sorted(
            (row.journey, row.outcome or "") for row in self.rows("enrollments", patient_id=patient)
        )

    def actions(self) -> list[str]:
        found = sorted(self.rows("audit"), key=lambda row: int(row.id))
        return [row.action for row in found if row.action not in ("published", "duplicates searched")]

    def found(self) -> dict[frozenset[str], str]:
        seen = duplicates.search(self.house, "default", "user t")
        return {pair.ids: pair.band for pair in seen.pairs}


@contextmanager
def _clinic(url: str) -> Iterator[Clinic]:
    house = House(make_engine(url), "secret", "http://localhost")
    clinic = Clinic(house)
    house.wall = lambda: clinic.now
    publish(house, FILES)
    yield clinic
    house.engine.dispose()


@pytest.fixture
def clinic(database_url: str) -> Iterator[Clinic]:
    with _clinic(database_url) as found:
        yield found


@pytest.fixture
def small(tmp_path: Path, _tables_of_sqlite: Path) -> Iterator[Clinic]:
    """A clinic on SQLite, for what no database can change."""
    path = tmp_path / "small.db"
    shutil.copyfile(_tables_of_sqlite, path)
    with _clinic(f"sqlite:///{path}") as found:
        yield found


BOTH = frozenset({"p-1", "p-2"})


def test_a_certain_pair_is_merged_by_rule_into_the_record_with_more_appointments(clinic: Clinic) -> None:
    clinic.person("p-1", ABROAD)
    clinic.person("p-2", ELENI)
    clinic.visit("p-2", "a-1", days=40)
    clinic.person("p-3", ELENI, first_name="Νίκος", date_of_birth="2010-01-01")
    seen = duplicates.search(clinic.house, "default", "user t")
    assert [(pair.ids, pair.band) for pair in seen.pairs] == [(BOTH, "certain")]
    assert clinic.own("p-1") == "p-1", "a search changes nobody"
    (done,) = duplicates.merge_certain(clinic.house, "default", seen, "user t")
    assert (done.kept, done.gone, clinic.own("p-1"), clinic.own("p-3")) == ("p-2", ("p-1",), "p-2", "p-3")
    assert clinic.found() == {}
    (pair,) = duplicates.decided(clinic.house, "default")
    assert (pair.state, pair.decided_by, pair.reasons) == (
        "merged", "rule", {"name": "same", "birth": "same", "phone": "same", "email": "unknown"},
    )  # fmt: skip
    (line,) = clinic.rows("audit", action="merged")
    assert (line.actor, line.detail) == ("user t", {"patient": "p-1", "into": "p-2", "by": "rule"})
    (event,) = clinic.rows("events", type="patient.merged")
    assert (event.source, event.subject, event.data, event.state) == (
        "/revisit/duplicates",
        "p-1",
        {"into": "p-2"},
        "done",
    )


@pytest.mark.parametrize(("kept", "gone"), [("p-1", "p-2"), ("p-2", "p-1")])
def test_the_more_restrictive_consent_stands_whoever_goes_on(small: Clinic, kept: str, gone: str) -> None:
    for subject, consent in (("p-1", YES), ("p-2", NO)):
        small.person(subject, ELENI, consent=consent)
    assert small.allows("p-1")
    duplicates.merge(small.house, "default", kept, gone, "user t")
    assert not small.allows(kept)


def test_a_revocation_of_either_record_stands_after_a_merge(small: Clinic) -> None:
    small.person("p-1", ELENI, consent=YES)
    small.person("p-2", ELENI, days=60)
    small.tell("consent.revoked", "p-2", days=55, channel="sms", purpose="marketing")
    duplicates.merge(small.house, "default", "p-1", "p-2", "user t")
    assert not small.allows("p-1")
    duplicates.undo(small.house, "default", "p-1", "p-2", "user t")
    assert small.allows("p-1")
    assert not small.allows("p-2")


def test_a_merge_starts_no_journey_and_ends_the_runs_of_the_record_that_gives_way(small: Clinic) -> None:
    for subject in ("p-1", "p-2"):
        small.person(subject, ELENI)
        small.visit(subject, f"a-{subject}")
    duplicates.merge(small.house, "default", "p-1", "p-2", "user t")
    assert small.runs("p-1") == [("hello", "")], "now a regular, and that starts nothing"
    assert small.runs("p-2") == [("hello", "merged")]


def test_what_was_told_apart_is_never_proposed_again_until_it_is_taken_back(small: Clinic) -> None:
    small.person("p-1", ELENI)
    small.person("p-2", ABROAD)
    duplicates.tell_apart(small.house, "default", "p-2", "p-1", "user t")
    assert small.found() == {}
    # It holds of whom the record is merged into as well.
    small.person("p-3", ELENI)
    duplicates.merge(small.house, "default", "p-3", "p-1", "user t")
    assert small.found() == {}
    duplicates.undo(small.house, "default", "p-1", "p-2", "user t")
    assert small.found() == {frozenset({"p-3", "p-2"}): "proposed"}, (
        "a person decided over it once: never by rule"
    )
    assert small.actions() == ["duplicates told apart", "merged", "duplicates no longer told apart"]


def test_a_merge_taken_back_leaves_both_as_if_it_had_never_been(clinic: Clinic, small: Clinic) -> None:
    for one in (clinic, small):
        one.person("p-1", ELENI, consent=YES)
        one.person("p-2", ABROAD, days=45)
        one.visit("p-1", "a-1", days=40, code="TOX", net={"minor": 5000, "currency": "EUR"})
        one.visit("p-2", "a-2", days=30)
        one.tell("patient.held", "p-2", days=20, reason="complaint")
        if one is clinic:
            duplicates.merge(one.house, "default", "p-1", "p-2", "user t")
            assert set(one.ledger("p-1")["appointments"]) == {"a-1", "a-2"}
        # What is told after the merge goes back to whom it was told of, too.
        one.now += timedelta(days=1)
        one.tell("consent.revoked", "p-2", channel="sms", purpose="marketing", basis="verbal")
        one.tell("patient.released", "p-2")
        one.visit("p-2", "a-3", code="TOX")
        one.tell("payment.refunded", "p-1", appointment_id="a-1", net={"minor": 1000, "currency": "EUR"})
        one.now += timedelta(days=1)
    was = duplicates.undo(clinic.house, "default", "p-2", "p-1", "user t")
    assert was.state == "merged"
    for patient in ("p-1", "p-2"):
        assert clinic.own(patient) == patient
        mine, theirs = clinic.ledger(patient), small.ledger(patient)
        assert {**mine, "own_tags": sorted(mine["own_tags"])} == {
            **theirs,
            "own_tags": sorted(theirs["own_tags"]),
        }
        for table, columns in (
            ("memberships", ("segment",)),
            ("consents", ("action", "channel", "purpose", "event_id")),
            ("holds", ("action", "at")),
        ):
            rows = [[[getattr(row, name) for name in columns] for row in one.rows(table, patient_id=patient)] for one in (clinic, small)]  # fmt: skip
            assert sorted(map(str, rows[0])) == sorted(map(str, rows[1])), (patient, table)
    assert clinic.actions() == ["merged", "merge undone"]


def test_runs_stay_ended_and_a_run_that_lost_its_reason_is_withdrawn(small: Clinic) -> None:
    for subject in ("p-1", "p-2"):
        small.person(subject, ELENI)
        small.visit(subject, f"a-{subject}", days=1)
    duplicates.merge(small.house, "default", "p-1", "p-2", "user t")
    small.now += timedelta(hours=1)
    small.visit("p-2", "a-3")
    assert small.runs("p-1") == [("hello", ""), ("regulars", "")]
    duplicates.undo(small.house, "default", "p-1", "p-2", "user t")
    assert small.runs("p-1") == [("hello", ""), ("regulars", "withdrawn")]
    assert small.runs("p-2") == [("hello", "merged")]
    small.now += timedelta(hours=1)
    small.visit("p-2", "a-4")
    assert small.runs("p-2") == [("hello", ""), ("hello", "merged")]


def test_what_was_taken_back_can_be_merged_again_by_a_person_and_not_by_rule(small: Clinic) -> None:
    small.person("p-1", ELENI)
    small.person("p-2", ABROAD)
    duplicates.merge(small.house, "default", "p-1", "p-2", "user t")
    duplicates.undo(small.house, "default", "p-1", "p-2", "user t")
    assert small.found() == {BOTH: "proposed"}
    duplicates.merge(small.house, "default", "p-2", "p-1", "user t")
    assert (small.own("p-1"), small.own("p-2")) == ("p-2", "p-2")
    duplicates.undo(small.house, "default", "p-1", "p-2", "user t")
    assert (small.own("p-1"), small.own("p-2")) == ("p-1", "p-2")


def test_of_a_chain_of_merges_one_is_taken_back_and_the_others_stay(clinic: Clinic) -> None:
    for number in (1, 2, 3, 4):
        clinic.person(f"p-{number}", ELENI)
        clinic.visit(f"p-{number}", f"a-{number}", days=number)
    duplicates.merge(clinic.house, "default", "p-2", "p-1", "user t")
    duplicates.merge(clinic.house, "default", "p-3", "p-2", "user t")
    duplicates.merge(clinic.house, "default", "p-3", "p-4", "user t")
    duplicates.undo(clinic.house, "default", "p-2", "p-3", "user t")
    assert [clinic.own(f"p-{number}") for number in (1, 2, 3, 4)] == ["p-2", "p-2", "p-3", "p-3"]
    assert set(clinic.ledger("p-2")["appointments"]) == {"a-1", "a-2"}
    assert set(clinic.ledger("p-3")["appointments"]) == {"a-3", "a-4"}
    clinic.visit("p-1", "a-9")
    assert "a-9" in clinic.ledger("p-2")["appointments"]


def test_what_the_clinics_own_system_merged_is_not_taken_back_here(small: Clinic) -> None:
    small.person("p-1", ELENI)
    small.person("p-2", ELENI)
    small.tell("patient.merged", "p-2", into="p-1")
    with pytest.raises(duplicates.Refused, match="taken back there"):
        duplicates.undo(small.house, "default", "p-1", "p-2", "user t")


def test_two_who_are_one_for_another_reason_too_stay_one(small: Clinic) -> None:
    for subject in ("p-1", "p-2", "p-3"):
        small.person(subject, ELENI)
    duplicates.merge(small.house, "default", "p-1", "p-2", "user t")
    small.tell("patient.merged", "p-2", into="p-1")
    with pytest.raises(Inseparable, match="another reason"):
        duplicates.undo(small.house, "default", "p-1", "p-2", "user t")
    assert small.own("p-2") == "p-1"


def test_who_asked_to_be_forgotten_is_neither_compared_nor_merged_nor_taken_apart(clinic: Clinic) -> None:
    for subject in ("p-1", "p-2", "p-3"):
        clinic.person(subject, ELENI)
    duplicates.merge(clinic.house, "default", "p-1", "p-2", "user t")
    clinic.tell("patient.erased", "p-1")
    assert clinic.found() == {}
    with pytest.raises(duplicates.Refused, match="forgotten"):
        duplicates.merge(clinic.house, "default", "p-3", "p-1", "user t")
    with pytest.raises(Exception, match="forgotten"):
        duplicates.undo(clinic.house, "default", "p-1", "p-2", "user t")
    assert clinic.own("p-2") == "p-1"


def test_mistakes_are_told_with_the_way_out(small: Clinic) -> None:
    small.person("p-1", ELENI)
    small.person("p-2", ELENI)
    with pytest.raises(UnknownPatient):
        duplicates.merge(small.house, "default", "p-1", "nobody", "user t")
    duplicates.merge(small.house, "default", "p-1", "p-2", "user t")
    with pytest.raises(duplicates.Refused, match="one patient already"):
        duplicates.merge(small.house, "default", "p-2", "p-1", "user t")
    with pytest.raises(duplicates.Refused, match="undo"):
        duplicates.tell_apart(small.house, "default", "p-2", "p-1", "user t")


def test_the_audit_tells_of_pairs_only_where_they_were_looked_for(small: Clinic) -> None:
    small.person("p-1", ELENI)
    small.person("p-2", ABROAD)
    assert audit(small.house, "default").pairs is None
    small.found()
    pairs = audit(small.house, "default").pairs
    assert pairs is not None
    assert (pairs.certain, pairs.proposed) == (1, 0)
    duplicates.merge(small.house, "default", "p-1", "p-2", "user t")
    pairs = audit(small.house, "default").pairs
    assert pairs is not None
    assert (pairs.certain, pairs.proposed) == (0, 0)


def test_no_name_and_no_number_is_kept_with_a_pair(small: Clinic) -> None:
    small.person("p-1", ELENI)
    small.person("p-2", ABROAD)
    small.found()
    kept = str(small.rows("duplicates"))
    assert "p-1" in kept
    assert [word for word in (*ELENI.values(), *ABROAD.values()) if word in kept] == []


def test_a_merge_that_could_never_be_folded_is_taken_back_without_a_trace(small: Clinic) -> None:
    small.person("p-1", ELENI)
    small.person("p-2", ELENI)
    with write(small.house.engine) as conn:
        stored.decide(conn, "default", "p-1", "p-2", "merged", "rule", NOW, "lost")
    duplicates.undo(small.house, "default", "p-1", "p-2", "user t")
    assert (small.own("p-1"), small.own("p-2")) == ("p-1", "p-2")
    assert small.found() == {BOTH: "proposed"}


def test_an_event_that_is_folded_while_a_merge_is_taken_back_goes_to_whom_it_was_told_of(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic.person("p-1", ELENI)
    clinic.person("p-2", ELENI)
    duplicates.merge(clinic.house, "default", "p-1", "p-2", "user t")
    stale, real = {"p-2": "p-1"}, patients.resolve

    def resolve(conn: Any, name: str, subjects: Any) -> dict[str, str]:
        # What the fold saw before it waited for the rows that the taking back held.
        return {one: stale.pop(one, found) for one, found in real(conn, name, subjects).items()}

    duplicates.undo(clinic.house, "default", "p-1", "p-2", "user t")
    monkeypatch.setattr(patients, "resolve", resolve)
    clinic.visit("p-2", "a-2")
    assert set(clinic.ledger("p-2")["appointments"]) == {"a-2"}
    assert clinic.ledger("p-1")["appointments"] == {}


def test_names_are_shown_on_a_terminal_only_and_yes_belongs_to_certain() -> None:
    register()
    for options, said in ((["--names"], "terminal only"), (["--yes"], "--certain --yes")):
        result = CliRunner().invoke(app, ["duplicates", *options])
        assert isinstance(result.exception, Usage)
        assert said in str(result.exception)
