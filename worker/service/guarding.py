"""Guards against what would write to the whole base: a vendor that tells the past as news, an edit that moves everybody.

Neither starts anything (`worker/domain/replay.py`, `worker/domain/planner.py`); here a person is told, once, that something was kept silent, and each patient's trace says it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from worker.delivery.outside import today_of
from worker.delivery.trouble import MANAGER, system_task
from worker.domain.planner import Planner
from worker.domain.rules import Rules
from worker.domain.starts import BY_RULES
from worker.store import day_counts

MANY: Final = 25
"""From so many on it is worth a person's look."""


def watch_past(conn: Connection, rules: Rules, more: int, now: datetime) -> None:
    """So many events came as if new and were too old to start anything."""
    day = today_of(rules, now)
    total = day_counts.add(conn, rules.clinic.id, day, "past", more)
    if total - more < MANY <= total:
        said = (
            f"The clinic's system sends visits and bookings as new that are older than {rules.policy.live_window} (live_window in config/policy.yaml). They are kept, and nobody is "
            "written to because of them. If that was a history, let it say `historical: true`; if not, see why the system is late."
        )
        system_task(conn, rules, f"past/{day}", MANAGER, said, now, urgent=True)


def watch_edit(conn: Connection, rules: Rules, planners: Sequence[Planner], now: datetime) -> None:
    """So many patients would have started a journey because the rules changed, and did not."""
    kept = [trace.journey for planner in planners for trace in planner.plan.traces if trace.why == BY_RULES]
    for journey in sorted(set(kept)):
        more = kept.count(journey)
        total = day_counts.add(
            conn, rules.clinic.id, today_of(rules, now), f"rules/{rules.version}/{journey}", more
        )
        if total - more < MANY <= total:
            said = (
                f"The edit that was published last moves many patients to where the journey {journey} starts. They were not written to: a change of the rules starts nothing. "
                "Whoever comes there from now on is."
            )
            system_task(conn, rules, f"rules/{rules.version}/{journey}", MANAGER, said, now)
