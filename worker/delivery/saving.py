"""What a planner decided, written down; and which messages may leave at once because of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from worker.domain.planner import Patient, Planner
from worker.domain.rules import Rules
from worker.store import decided, outbox
from worker.workspace.house import QUEUE_LEASE, House


def save(
    conn: Connection, house: House, rules: Rules, planners: Sequence[Planner], now: datetime
) -> list[str]:
    """Write it; returns the ids of the messages that may leave now, marked as queued: the caller queues them after the commit."""
    changes = [(planner.patient, planner.plan) for planner in planners]
    priorities = {name: journey.priority for name, journey in rules.journeys.items()}
    decided.save(conn, rules.clinic.id, changes, now, stages=rules.segments.stages, priorities=priorities)
    for what, count in Counter(trace.what for planner in planners for trace in planner.plan.traces).items():
        house.count("decisions", count, what=what)
    ready = [key for patient, plan in changes for key in sorted(plan.messages) if _ready(patient, key, now)]
    return outbox.queue(conn, rules.clinic.id, ready, house.wall() + QUEUE_LEASE) if ready else []


def _ready(patient: Patient, key: str, now: datetime) -> bool:
    message = patient.messages[key]
    return message.state == "scheduled" and message.due_at <= now
