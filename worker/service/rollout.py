"""The lapsed base of a journey, let in in two halves: the first now, the second sixty days later. Until then the second shows what happens without the messages.

Rules
1. Who may enter is asked of everyone first; then the lot (`worker/domain/lots.py`) gives each a half. A run counts its steps from its own turn: everyone is written to in the end.
2. The second half's time stands in the database and is looked at by the sweep. Whoever is under way in another journey then is asked again each day; whoever has come back, or
   may not enter for another reason, is struck off with that reason.
3. Every few hundred patients are one transaction; what was drawn and begun stays, and whoever calls again goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from worker.delivery.saving import save
from worker.domain.calendar import local_day, midnight
from worker.domain.existing import Stood
from worker.domain.lots import LOTS, lot
from worker.domain.planner import Planner
from worker.results.halves import Difference, Half, difference, reached, written_to
from worker.service.apart import apart
from worker.service.enrolling import AT_ONCE, CannotEnroll, Enrolled, Progress, everyone, locked, ready, tried
from worker.service.jobs import Job, batches
from worker.service.whereabouts import place_of
from worker.store import census, patients, rollouts
from worker.store import rooms as stored
from worker.store.audit import note
from worker.store.engine import AWAY, read, write
from worker.store.rollouts import Member, Rollout
from worker.workspace.house import House

log = structlog.get_logger(__name__)
APART: Final = 60
"""Days between the halves."""
AGAIN: Final = timedelta(days=1)


class UnderWay(CannotEnroll):
    """The journey's halves are drawn already; nothing was added."""


@dataclass
class Halves(Enrolled):
    """What came of drawing them: `first` and `second` are how many each half has now; `second_at` is when the second begins."""

    first: int = 0
    second: int = 0
    second_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """A rollout and what can be said of it: `whole` once the second half's time has come; `waiting` how many of it are still to be let in."""

    rollout: Rollout
    first: Half
    second: Half
    difference: Difference | None
    whole: bool
    waiting: int


def half_of(clinic: str, journey: str, patient: str) -> int:
    """1 or 2, by lot, always the same for one patient and journey."""
    return 1 if lot(clinic, "rollout", journey, patient) < LOTS // 2 else 2


def roll_out(
    house: House,
    clinic: str,
    actor: str,
    journey: str,
    *,
    dry_run: bool = False,
    progress: Progress = lambda looked: None,
) -> Halves:
    """Draw the halves of everyone who stands where the journey starts, and let the first in. One that was cut short goes on. Raises CannotEnroll, NoRooms."""
    [about] = ready(house, clinic, [journey], dry_run=dry_run)
    rollout = _begun(house, clinic, actor, journey, dry_run=dry_run)
    found = Halves(second_at=rollout.second_at)
    for ids in everyone(house, clinic, [about]):
        with tried(house, dry_run=dry_run) as conn:
            rules, planners, now = locked(conn, house, clinic, ids)
            names = [planner.patient.id for planner in planners]
            out = rollouts.waiting_of(conn, clinic, names) | rollouts.known(conn, clinic, rollout.id, names)
            drawn: list[Member] = []
            for planner in planners:
                if planner.patient.id in out:
                    found.waiting += 1
                    continue
                stood, member = _draw(planner, journey, now)
                found.add(stood)
                drawn += [member] if member is not None else []
            keys = save(conn, house, rules, planners, now)
            if not dry_run:
                rollouts.keep(conn, clinic, rollout.id, drawn)
        found.looked += len(ids)
        found.first += sum(member.half == 1 for member in drawn)
        found.second += sum(member.half == 2 for member in drawn)
        found.jobs += [] if dry_run else batches("dispatch", [(clinic, key) for key in keys])
        progress(found.looked)
    if not dry_run:
        with write(house.engine) as conn:
            now = house.now(conn)
            rollouts.assigned(conn, rollout.id, now)
            counts = Counter(member.half for member in rollouts.members(conn, clinic, rollout.id))
            detail = {"journey": journey, "first": counts[1], "second": counts[2]}
            note(conn, clinic, now, actor, "rollout begun", detail)
    return found


def _begun(house: House, clinic: str, actor: str, journey: str, *, dry_run: bool) -> Rollout:
    with write(house.engine) as conn:
        now = house.now(conn)
        tz = house.rooms(conn, clinic).rules.clinic.tz
        known = _local(rollouts.open_one(conn, clinic, journey), tz)
        if known is not None and known.assigned_at is not None:
            raise UnderWay(
                f"A rollout of `{journey}` is under way since {known.started_at:%Y-%m-%d}; its second half begins on {known.second_at:%Y-%m-%d}."
            )
        if known is not None:
            return known
        second = midnight(local_day(now, tz) + timedelta(days=APART), tz)
        if dry_run:
            return Rollout(0, clinic, journey, now, second, None, second, actor)
        rollouts.begin(conn, clinic, journey, now, second, actor)
        begun = _local(rollouts.open_one(conn, clinic, journey), tz)
    if begun is None:
        raise RuntimeError(f"the rollout of {journey} was begun and is not there")
    return begun


def _local(rollout: Rollout | None, tz: ZoneInfo) -> Rollout | None:
    """The same with its times as the clinic's clock shows them."""
    if rollout is None:
        return None
    begins = {name: getattr(rollout, name).astimezone(tz) for name in ("started_at", "second_at")}
    return replace(rollout, **begins)


def _draw(planner: Planner, journey: str, now: datetime) -> tuple[list[Stood], Member | None]:
    """Ask whether the patient may enter; if so, by lot, enroll her or let her wait."""
    patient = planner.patient
    half = half_of(planner.rules.clinic.id, journey, patient.id)
    if half == 2:
        # The same is asked of a copy, so that the halves differ in nothing but the lot.
        runs, messages = dict(patient.enrollments), dict(patient.messages)
        copy = replace(patient, enrollments=runs, messages=messages, seen=None)
        planner = Planner(planner.rules, copy, planner.now)
    stood = planner.enroll_existing([journey], afresh=True)
    if not stood or stood[0].answer != "enrolled":
        return stood, None
    since = midnight(stood[0].since, planner.rules.clinic.tz)
    return stood, Member(patient.id, half, since, now if half == 1 else None)


# -- the second half ----------------------------------------------------------------------------------------------------------


def begin_second_halves(house: House) -> list[Job]:
    """Let in the second halves whose time has come; returns what may leave because of it. One that can't begin now is looked at again a day later."""
    with read(house.engine) as conn:
        due = rollouts.due(conn, house.now(conn))
    nothing: list[Job] = []
    return [
        job
        for rollout in due
        for job in apart(house, rollout.clinic, partial(_second_half, house, rollout), nothing)
    ]


def _second_half(house: House, rollout: Rollout) -> list[Job]:
    clinic = rollout.clinic
    with read(house.engine) as conn:
        rules = house.rooms(conn, clinic).rules
        stands = (
            rules.clinic.mode == "live"
            and rules.live(rollout.journey)
            and rollout.assigned_at is not None
            and not stored.open_imports(conn, clinic)
        )
    jobs: list[Job] = []
    after = ""
    while stands:
        with read(house.engine) as conn:
            part = rollouts.waiting(conn, clinic, rollout.id, after, AT_ONCE)
        if not part:
            break
        jobs += _let_in(house, rollout, part)
        after = part[-1].patient
    with write(house.engine) as conn:
        now = house.now(conn)
        left = rollouts.left_waiting(conn, clinic, rollout.id)
        ended = stands and not left
        rollouts.look_again(conn, rollout.id, None if ended else now + AGAIN)
        if ended:
            note(conn, clinic, now, "revisit", "rollout ended", {"journey": rollout.journey})
    log.info("second half of a rollout", clinic=clinic, journey=rollout.journey, left=left)
    return jobs


def _let_in(house: House, rollout: Rollout, part: Sequence[Member]) -> list[Job]:
    clinic = rollout.clinic
    try:
        with write(house.engine) as conn:
            now_of = patients.resolve(conn, clinic, [member.patient for member in part])
            rules, planners, now = locked(conn, house, clinic, sorted(set(now_of.values())))
            still = rollouts.waiting_of(conn, clinic, now_of)
            planner_of = {planner.patient.id: planner for planner in planners}
            settled: list[Member] = []
            for member in part:
                if member.patient in still:
                    settled += _answered(member, now_of[member.patient], planner_of, rollout.journey, now)
            keys = save(conn, house, rules, planners, now)
            rollouts.keep(conn, clinic, rollout.id, settled)
    except patients.PatientMoved:
        return []  # whoever is left is asked again
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001 (one patient who can't be planned for must not keep the others waiting)
        if len(part) > 1:
            return [job for member in part for job in _let_in(house, rollout, [member])]
        log.error(
            "patient could not be enrolled", clinic=clinic, error=type(error).__name__, where=place_of(error)
        )
        return []
    return batches("dispatch", [(clinic, key) for key in keys])


def _answered(
    member: Member, patient: str, planners: dict[str, Planner], journey: str, now: datetime
) -> list[Member]:
    """The member settled; none where she is to be asked again."""
    if patient != member.patient:
        return [replace(member, refused="merged")]
    stood = planners[patient].enroll_existing([journey], afresh=True)
    answer = stood[0].answer if stood else "left"
    if answer == "enrolled":
        return [replace(member, enrolled_at=now)]
    return [] if answer == "under_way" else [replace(member, refused=answer)]


# -- the effect ---------------------------------------------------------------------------------------------------------------


def effects(house: House, clinic: str) -> list[Effect]:
    """What can be said by now of each rollout of a clinic, the oldest first. Nothing is changed."""
    with read(house.engine) as conn:
        rules, now = house.rooms(conn, clinic).rules, house.now(conn)
        found: list[Effect] = []
        for rollout in rollouts.of_clinic(conn, clinic):
            members = rollouts.members(conn, clinic, rollout.id)
            now_of = patients.resolve(conn, clinic, [member.patient for member in members])
            half_of_patient = {now_of[member.patient]: member.half for member in reversed(members)}
            runs = census.runs_of(conn, clinic, sorted(half_of_patient))
            about, until = rules.journeys.get(rollout.journey), min(now, rollout.second_at)
            halves = {1: Half(), 2: Half()}
            for patient, ledger in census.ledgers_of(conn, clinic, half_of_patient):
                if ledger.get("erased"):
                    continue
                since, half = rollout.started_at, half_of_patient[patient]
                halves[half] = halves[half].more(
                    written_to=written_to(runs.get(patient, {}), rollout.journey, since, until),
                    reached=about is not None and reached(rules, about, patient, ledger, since, until),
                )
            told = difference(halves[1], halves[2])
            left = sum(member.enrolled_at is None and member.refused is None for member in members)
            shown = _local(rollout, rules.clinic.tz) or rollout
            found.append(Effect(shown, halves[1], halves[2], told, now >= rollout.second_at, left))
    return found
