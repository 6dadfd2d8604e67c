"""Patients who stood there before are let in: the running system does what the rehearsal said, once, whatever is killed on the way; and a rollout's halves prove what they may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.delivery.live import Live, running
from worker.domain.calendar import local_day, zone
from worker.service import enrolling, rollout
from worker.service.accepting import accept
from worker.service.enrolling import CannotEnroll, enroll_existing
from worker.service.folding import fold
from worker.service.forgetting import forget
from worker.service.publishing import publish
from worker.service.rehearsing import rehearse
from worker.service.rollout import effects, half_of, roll_out
from worker.store import rollouts, schema
from worker.store import rooms as stored
from worker.store.engine import read, write

NOW = datetime(2026, 6, 15, 7, tzinfo=UTC)  # a Monday, ten o'clock in Athens
ATHENS = zone("Europe/Athens")
LATER = timedelta(days=59)
FILES = {
    "config/clinic.yaml": "name: C\ntimezone: Europe/Athens\ncountry: GR\nmode: live\n",
    "config/segments.yaml": "lifecycle:\n  - lapsed_12: {last_visit: at least 12 months ago}\n  - lapsed_6: {last_visit: at least 6 months ago}\n  - other: otherwise\n",
    "config/policy.yaml": "quiet_hours: {marketing: '19:00 - 10:00', sunday: all day}\nfrequency_caps: {marketing: [1 per 7 days]}\nblast_limit: {marketing: 3% of patients a day, at least: 8}\n",
    "config/channels.yaml": 'sms: {provider: twilio, from: "+15005550006"}\n',
    "templates/hello.sms.en.j2": "Hello {{ first_name }} from {{ clinic.name }}\n",
    "journeys/twelve.yaml": (
        "journey: twelve\npriority: 4\nstart: {enters: lapsed_12}\nexpires: 3 days\ngoal: {any_of: [booking.created, visit.completed], within: 60 days}\n"
        "steps:\n  - {id: hello, send: sms, template: hello}\n  - {id: again, wait: 3 weeks, send: sms, template: hello}\n"
    ),
    "journeys/six.yaml": (
        "journey: six\nstart: {enters: lapsed_6}\nexpires: 3 days\nholdout: 20%\n"
        "steps:\n  - {id: hello, send: sms, template: hello}\n  - {id: again, wait: 3 weeks, send: sms, template: hello}\n"
    ),
}  # fmt: skip
TWELVE, SIX = range(20), range(20, 40)


class Clinic(Live):
    """The same with a history and words for what a test asks."""

    def tell(self, *raws: dict[str, Any]) -> None:
        taken = accept(self.house, "default", list(raws), "test")
        assert not taken.rejected, taken.rejected
        for job in taken.jobs:
            fold(self.house, "default", [int(key) for key in job.ids])

    def event(self, kind: str, number: int, at: datetime, **data: Any) -> dict[str, Any]:
        return {
            "specversion": "1.0", "id": f"{kind}-{number}-{at:%Y%m%d}", "source": "/t", "type": kind, "subject": f"p-{number:02}",
            "time": at.isoformat(), "data": data,
        }  # fmt: skip

    def came(self, patient: int, at: datetime, **more: Any) -> dict[str, Any]:
        person = {
            "first_name": "A",
            "phone": f"+3069000000{patient:02}",
            "consent": {"sms": ["marketing"] if patient % 7 else []},
        }
        return self.event("visit.completed", patient, at, appointment_id=f"a-{patient}-{at:%Y%m%d}", starts_at=at.isoformat(), patient=person, **more)  # fmt: skip

    def history(self) -> None:
        """Twenty who came last one to two years ago, twenty who came six months ago and a little more; two who are no longer away."""
        gone = [self.came(n, NOW - timedelta(days=395 + 17 * n), historical=True) for n in TWELVE]
        quiet = [self.came(n, NOW - timedelta(days=183 + 2 * (n - 20)), historical=True) for n in SIX]
        here = [self.came(n, NOW - timedelta(days=40), historical=True) for n in (40, 41)]
        self.tell(*gone, *quiet, *here)
        self.work()

    def runs(self, journey: str | None = None) -> list[Any]:
        c = schema.enrollments.c
        statement = select(c.patient_id, c.journey, c.anchor, c.entered_at, c.outcome).order_by(c.id)
        with read(self.house.engine) as conn:
            return [row for row in conn.execute(statement) if journey in (None, row.journey)]

    def left(self) -> set[tuple[Any, ...]]:
        """(patient, journey, step, day) of what left."""
        c = schema.messages.c
        statement = select(c.patient_id, c.journey, c.step, c.sent_at).where(c.state == "sent")
        with read(self.house.engine) as conn:
            return {(p, j, s, local_day(at, ATHENS)) for p, j, s, at in conn.execute(statement)}

    def sizes(self) -> dict[str, int]:
        with read(self.house.engine) as conn:
            return {
                name: conn.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in schema.metadata.tables.items()
            }


@pytest.fixture
def clinic(database_url: str, tmp_path: Path) -> Iterator[Clinic]:
    with running(Clinic, database_url, tmp_path, NOW) as found:
        publish(found.house, FILES)
        found.history()
        assert not found.runs()
        yield found


class Killed(BaseException):
    """The process is gone."""


def killed(looked: int) -> None:
    raise Killed


# ---- those who stand there --------------------------------------------------------------------------------


def test_what_leaves_after_they_were_let_in_is_what_the_rehearsal_said(clinic: Clinic) -> None:
    said = rehearse(clinic.house, "default", ["six", "twelve"])
    found = enroll_existing(clinic.house, "default", "somebody")
    assert found.answers["six"] == said.parts["six"].answers
    assert found.answers["twelve"] == Counter(past=20)
    assert 0 < found.enrolled() < 20
    clinic.work()
    clinic.until(NOW + LATER)
    left = clinic.left()
    assert {day: sum(kinds.values()) for day, kinds in said.load.items() if kinds["sms"]} == Counter(day for *_, day in left)  # fmt: skip
    assert {patient for patient, *_ in left} == said.reached
    assert left


def test_twice_lets_nobody_in_twice_and_what_was_killed_goes_on(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrolling, "AT_ONCE", 12)
    tried = enroll_existing(clinic.house, "default", "somebody", dry_run=True)
    with pytest.raises(Killed):
        enroll_existing(clinic.house, "default", "somebody", progress=lambda looked: killed(looked) if looked >= 24 else None)  # fmt: skip
    before = clinic.runs()
    rest = enroll_existing(clinic.house, "default", "somebody")
    assert 0 < len(before) < len(clinic.runs())
    assert len(before) + rest.enrolled() == tried.enrolled() == len(clinic.runs())
    runs = clinic.runs()
    assert enroll_existing(clinic.house, "default", "somebody").enrolled() == 0
    assert clinic.runs() == runs


def test_a_dry_run_changes_nothing_and_says_the_same(clinic: Clinic) -> None:
    before = clinic.sizes()
    tried = enroll_existing(clinic.house, "default", "somebody", ["six"], dry_run=True)
    roll_out(clinic.house, "default", "somebody", "twelve", dry_run=True)
    assert clinic.sizes() == before
    assert enroll_existing(clinic.house, "default", "somebody", ["six"]).answers == tried.answers


def test_nobody_is_let_in_while_an_import_is_open_or_the_mode_is_another(clinic: Clinic) -> None:
    with write(clinic.house.engine) as conn:
        number = stored.open_import(conn, "default", NOW, "test")
    with pytest.raises(CannotEnroll, match="An import is open"):
        enroll_existing(clinic.house, "default", "somebody")
    with write(clinic.house.engine) as conn:
        stored.close_import(conn, "default", number, NOW)
    rehearsed = FILES["config/clinic.yaml"].replace("live", "rehearsal")
    publish(clinic.house, {**FILES, "config/clinic.yaml": rehearsed})
    with pytest.raises(CannotEnroll, match="The mode is rehearsal"):
        roll_out(clinic.house, "default", "somebody", "twelve")
    assert enroll_existing(clinic.house, "default", "somebody", dry_run=True).enrolled()
    assert not clinic.runs()


@pytest.mark.parametrize(
    ("name", "said"), [("seven", "No journey is called `seven`"), ("still", "is draft"), ("told", "does not start on a segment")]
)  # fmt: skip
def test_what_cannot_be_entered_is_said_with_what_can(clinic: Clinic, name: str, said: str) -> None:
    steps = "steps:\n  - {id: call, task: desk}\n"
    more = {
        "journeys/still.yaml": f"journey: still\nstatus: draft\nstart: {{enters: lapsed_6}}\n{steps}",
        "journeys/told.yaml": f"journey: told\nstart: {{event: visit.completed}}\n{steps}",
    }
    publish(clinic.house, {**FILES, **more})
    with pytest.raises(CannotEnroll, match=f"{said}.*six, twelve"):
        enroll_existing(clinic.house, "default", "somebody", [name])


# ---- two halves -------------------------------------------------------------------------------------------


def test_the_halves_are_drawn_once_the_second_waits_its_time_and_everyone_is_written_to_in_the_end(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout, "AT_ONCE", 3)
    monkeypatch.setattr(enrolling, "AT_ONCE", 12)
    said = rehearse(clinic.house, "default", halves=["twelve"])
    with pytest.raises(Killed):
        roll_out(clinic.house, "default", "somebody", "twelve", progress=killed)
    roll_out(clinic.house, "default", "somebody", "twelve")
    with pytest.raises(CannotEnroll, match="under way since 2026-06-15; its second half begins on 2026-08-14"):  # fmt: skip
        roll_out(clinic.house, "default", "somebody", "twelve")
    first = {f"p-{n:02}" for n in TWELVE if half_of("default", "twelve", f"p-{n:02}") == 1}
    second = {f"p-{n:02}" for n in TWELVE} - first
    assert {run.patient_id for run in clinic.runs()} == first
    assert (said.parts["twelve"].let_in, said.parts["twelve"].second_half) == (len(first), len(second))
    assert min(len(first), len(second)) >= 5

    clinic.work()
    clinic.until(NOW + LATER - timedelta(days=1))
    # Whoever may not be written to is let in as ever; the gate keeps the message back.
    able = {f"p-{n:02}" for n in TWELVE if n % 7}
    assert {(patient, step) for patient, journey, step, _ in clinic.left() if journey == "twelve"} == {
        (patient, step) for patient in first & able for step in ("hello", "again")
    }
    back = min(second)
    clinic.tell(clinic.came(int(back[2:]), clinic.now - timedelta(days=1)))
    clinic.until(NOW + LATER + timedelta(days=59))
    written = {patient for patient, journey, *_ in clinic.left() if journey == "twelve"}
    assert written == able - {back}
    entered = {run.patient_id: local_day(run.entered_at, ATHENS) for run in clinic.runs("twelve")}
    assert {str(entered[patient]) for patient in second - {back}} == {"2026-08-14"}
    with read(clinic.house.engine) as conn:
        [kept] = rollouts.of_clinic(conn, "default")
        refused = {one.patient: one.refused for one in rollouts.members(conn, "default", kept.id) if one.refused}  # fmt: skip
        assert kept.due_at is None
        assert refused == {back: "left"}


def test_the_effect_counts_who_came_back_in_each_half_until_the_second_begins(clinic: Clinic) -> None:
    roll_out(clinic.house, "default", "somebody", "twelve")
    clinic.work()
    halves: dict[int, list[int]] = {1: [], 2: []}
    for n in TWELVE:
        halves[half_of("default", "twelve", f"p-{n:02}")].append(n)
    clinic.until(NOW + timedelta(days=30))
    for n in (*halves[1][:4], halves[2][0]):
        clinic.tell(clinic.came(n, clinic.now - timedelta(hours=3)))
    [told] = effects(clinic.house, "default")
    assert (told.first.size, told.first.reached) == (len(halves[1]), 4)
    assert (told.second.size, told.second.reached, told.second.written_to) == (len(halves[2]), 1, 0)
    assert told.first.written_to == sum(bool(n % 7) for n in halves[1])
    assert told.difference is not None
    assert told.difference.value == pytest.approx(4 / len(halves[1]) - 1 / len(halves[2]))
    assert not told.whole
    clinic.until(NOW + timedelta(days=70))
    clinic.tell(clinic.came(halves[2][1], clinic.now - timedelta(hours=3)))
    [after] = effects(clinic.house, "default")
    assert (after.whole, after.first.reached, after.second.reached) == (True, 4, 1)


def test_who_was_forgotten_is_in_no_half(clinic: Clinic) -> None:
    roll_out(clinic.house, "default", "somebody", "twelve")
    forget(clinic.house, "default", "p-03", "somebody")
    [told] = effects(clinic.house, "default")
    assert told.first.size + told.second.size == 19
    with read(clinic.house.engine) as conn:
        [kept] = rollouts.of_clinic(conn, "default")
        assert "p-03" not in {one.patient for one in rollouts.members(conn, "default", kept.id)}


def test_who_waits_for_a_second_half_is_let_in_nowhere_else(clinic: Clinic) -> None:
    roll_out(clinic.house, "default", "somebody", "twelve")
    before = {run.patient_id for run in clinic.runs()}
    other = {**FILES, "journeys/other.yaml": FILES["journeys/twelve.yaml"].replace("twelve", "other").replace("expires: 3 days", "expires: 900 days")}  # fmt: skip
    publish(clinic.house, other)
    found = enroll_existing(clinic.house, "default", "somebody", ["other"])
    assert found.waiting == 20 - len(before)
    assert found.answers["other"] == Counter(under_way=len(before))
