"""One clinic's backlog does not keep another's message waiting."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update

from tests.delivery.desk import FILES, NOON, Desk
from worker import actors
from worker.actors import Gently, Queue
from worker.queue.broker import make_broker
from worker.service.jobs import Job, in_turns
from worker.service.publishing import publish
from worker.service.sweeping import A_LITTLE, LIMIT, sweep
from worker.store.engine import read, write
from worker.store.schema import messages, patients

MANY = 20_000


def blasting(desk: Desk, many: int) -> None:
    """Clinic `athens` with so many messages that have long been due."""
    athens = {**FILES, "config/clinic.yaml": "id: athens\n" + FILES["config/clinic.yaml"]}
    publish(desk.house, athens)
    key = desk.visit(1)
    with read(desk.house.engine) as conn:
        message = dict(conn.execute(select(messages).where(messages.c.id == key)).one()._mapping)
        patient = dict(conn.execute(select(patients)).first()._mapping)  # type: ignore[union-attr]
    earlier = {"clinic_id": "athens", "due_at": NOON.replace(hour=1), "step_due_at": NOON.replace(hour=1)}
    rows = [{**message, **earlier, "id": f"{n:032x}", "key": f"k-{n}"} for n in range(many)]
    with write(desk.house.engine) as conn:
        conn.execute(insert(patients), [{**patient, "clinic_id": "athens", "rules_version": 1}])
        conn.execute(insert(messages), rows)
        conn.execute(update(messages).values(queued_until=None))


def clinics(jobs: tuple[Job, ...]) -> list[str]:
    return [job.clinic for job in jobs if job.kind == "dispatch"]


def test_one_message_leaves_among_the_first_jobs_beside_twenty_thousand_of_another_clinic(desk: Desk) -> None:
    blasting(desk, MANY)
    swept = sweep(desk.house)
    assert "default" in clinics(swept.jobs)[:2]
    assert sum(len(job.ids) for job in swept.jobs if job.clinic == "athens") == LIMIT


def test_while_the_queue_holds_plenty_only_a_little_of_each_clinic_is_added(desk: Desk) -> None:
    blasting(desk, 3 * A_LITTLE)
    swept = sweep(desk.house, few_messages=True)
    taken = {
        name: sum(len(job.ids) for job in swept.jobs if job.clinic == name) for name in clinics(swept.jobs)
    }
    assert taken == {"athens": A_LITTLE, "default": 1}


def test_clinics_take_turns_and_each_keeps_its_order() -> None:
    a1, a2, a3, b1 = (
        Job("fold", clinic, (key,)) for clinic, key in (("a", "1"), ("a", "2"), ("a", "3"), ("b", "1"))
    )
    assert in_turns([a1, a2, a3, b1]) == [a1, b1, a2, a3]


def test_a_files_jobs_wait_for_room_and_where_nobody_works_they_wait_no_more(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actors, "PATIENCE", 0.1)
    queue = Queue(make_broker(valkey_url))
    jobs = [Job("fold", "a", (str(n),)) for n in range(actors.ROOM)]
    gently = Gently(queue)
    assert gently.put(jobs)
    assert gently.waits
    assert gently.put([Job("fold", "a", ("x",))])
    assert [gently.waits, gently.put([Job("fold", "a", ("y",))])] == [False, True]
    assert queue.broker.client.llen("revisit:events") == actors.ROOM + 2
