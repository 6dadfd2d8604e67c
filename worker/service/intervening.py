"""What a person decides against the machine: a journey paused or resumed, a message of unknown fate sent again.

Rules
1. Each leaves a line in the audit with who did it.
2. A message is sent again only where nobody can tell whether it left, and never while that is still being found out. The gate is asked again: a STOP, a hold or a booking
   that came since keeps it in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from worker.delivery.outside import blast_of, today_of
from worker.delivery.planning import planner_of
from worker.delivery.settling import settle
from worker.service.jobs import Job, batches
from worker.store import day_counts, look, outbox, pauses
from worker.store import rooms as stored
from worker.store.audit import note
from worker.store.engine import read, write
from worker.store.tasks import SYSTEM, finish
from worker.workspace.house import House

IN_TIME: Final = timedelta(days=1)
"""How long a message that a person sends again may take."""

WAITED_FOR: Final = frozenset({"paused", "blast_limit"})
"""Why messages of a paused journey wait, by the gate's codes."""


class Refused(Exception):
    """It can't be done; the message says why, and the way out."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A message of unknown fate: ids and codes only. `searching` while it is looked for at the provider."""

    id: str
    patient: str
    journey: str
    step: str
    channel: str
    at: datetime | None
    code: str
    searching: bool


def pause(house: House, clinic: str, journey: str, why: str, actor: str) -> None:
    """Nothing of this journey leaves, and no run of it goes on, until it is resumed. Raises Refused."""
    with write(house.engine) as conn:
        _known(list(house.rooms(conn, clinic).rules.journeys), journey)
        now = house.now(conn)
        if not pauses.pause(conn, clinic, journey, code="person", why=why, actor=actor, at=now):
            raise Refused(
                f"The journey `{journey}` is paused already. To let it go on: revisit resume {journey}"
            )
        note(conn, clinic, now, actor, "journey paused", {"journey": journey})


def pause_all(house: House, why: str, actor: str) -> int:
    """Nothing of any clinic's journeys leaves until each is resumed; how many were not paused before."""
    with write(house.engine) as conn:
        now = house.now(conn)
        count = pauses.pause_all(conn, code="person", why=why, actor=actor, at=now)
        for clinic in stored.clinic_ids(conn):
            note(conn, clinic, now, actor, "all journeys paused", {})
        return count


def resume(house: House, clinic: str, journey: str, actor: str) -> None:
    """A paused journey goes on at once; what has become too late meanwhile is skipped. Where it was the blast limit, as many again may leave today. Raises Refused."""
    with write(house.engine) as conn:
        now = house.now(conn)
        code = pauses.resume(conn, clinic, journey, actor=actor, at=now)
        if code is None:
            names = ", ".join(sorted(pauses.paused(conn, clinic))) or "none"
            raise Refused(
                f"The journey `{journey}` is not paused. Paused now: {names}. A journey with `status: paused` is resumed in its file."
            )
        if code == "blast_limit":
            # That is the person's word: as many again may leave today.
            rules = house.rooms(conn, clinic).rules
            for purpose in rules.policy.blast_limit:
                day_counts.forget(conn, clinic, today_of(rules, now), blast_of(purpose))
        finish(conn, clinic, origin=SYSTEM, name=f"pause/{journey}/", at=now)
        # They would be asked about within the hour; the running system finds them at its next beat.
        outbox.wake(conn, clinic, journey, WAITED_FOR, now)
        note(conn, clinic, now, actor, "journey resumed", {"journey": journey, "code": code})


def doubtful(house: House, clinic: str) -> list[Doubtful]:
    """The messages of unknown fate, the oldest first."""
    with read(house.engine) as conn:
        return [Doubtful(*row) for row in look.doubtful(conn, clinic)]


def resend(house: House, clinic: str, message_id: str, actor: str) -> list[Job]:
    """Send a message of unknown fate again, if the gate lets it; returns what is due. Raises Refused."""
    with write(house.engine) as conn:
        row = next(iter(outbox.get(conn, clinic, [message_id])), None)
        if row is None:
            raise Refused(
                f"There is no message `{message_id}`. `revisit unknown` lists those whose fate is unknown."
            )
        if row.message.state != "unknown":
            raise Refused(
                f"Message `{message_id}` is {row.message.state}, so there is nothing to send again."
            )
        if outbox.searching(conn, clinic, message_id):
            raise Refused(
                f"Message `{message_id}` is still being looked for at the provider. Try again in a few minutes."
            )
        now = house.now(conn)
        rooms = house.rooms(conn, clinic)
        planner = planner_of(conn, house, rooms, row.message.patient, now)
        row = outbox.get(conn, clinic, [message_id])[0]
        if row.message.state != "unknown" or outbox.searching(conn, clinic, message_id):
            raise Refused(f"Message `{message_id}` is {row.message.state} by now: somebody was faster.")
        anew = replace(row.message, step_due_at=now, expires_at=now + IN_TIME, excused=timedelta())
        why = f"sent again by {actor}"
        ready = settle(
            conn,
            house,
            rooms,
            replace(row, message=anew),
            "scheduled",
            "again",
            why,
            now,
            due_at=now,
            planner=planner,
        )
        note(conn, clinic, now, actor, "message sent again", {"message": message_id})
    return batches("dispatch", [(clinic, key) for key in ready])


def _known(names: list[str], journey: str) -> None:
    if journey not in names:
        raise Refused(f"There is no journey `{journey}`. Published are: {', '.join(sorted(names))}.")
