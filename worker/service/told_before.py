"""What a source told before of the things that it tells of now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from worker.intake.sources.deciding import Known, thing_of
from worker.intake.sources.reading import Told
from worker.store import sourced
from worker.store.engine import read
from worker.workspace.house import House


def told_before(
    house: House | None, clinic: str, source: str, told: Sequence[Told]
) -> defaultdict[str, list[Known]]:
    """The events of `source` by the things that they tell of, in the order in which they were taken in. `house` None: nothing was ever stored."""
    found: defaultdict[str, list[Known]] = defaultdict(list)
    if house is None or not told:
        return found
    wanted = {one.thing for one in told}
    with read(house.engine) as conn:
        subjects = {one.subject for one in told}
        heads = sourced.heads_of(conn, clinic, source, subjects, wanted)
        data = sourced.data_of(conn, clinic, [head.seq for head in heads])
    for head in heads:
        known = Known(head.id, head.type, head.time, head.received, data.get(head.seq, {}))
        found[thing_of(head.id)].append(known)
    return found


def as_known(event: Mapping[str, Any], now: datetime) -> Known:
    """An event that is told now, as it will be known."""
    return Known(event["id"], event["type"], datetime.fromisoformat(event["time"]), now, event["data"])
