"""Replay against a loop that only parses and validates the same JSON, both in this process, one core."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import Measure, benchmark
from worker.intake.cloudevents import parse_event
from worker.intake.lines import read_lines
from worker.service.replaying import replay_file
from worker.workspace.layout_new import sample_rooms
from worker.workspace.rooms import load

PATIENTS, VISITS = 1_000, 10


def _corpus(path: Path) -> int:
    """A book of ten visits for each of a thousand patients, over two years; returns how many events."""
    start = datetime(2024, 1, 2, 9, tzinfo=UTC)
    lines: list[tuple[datetime, str]] = []
    for patient in range(PATIENTS):
        for visit in range(VISITS):
            at = start + timedelta(
                days=(patient * 7 + visit * (20 + patient % 60)) % 730, minutes=patient % 480
            )
            data = {
                "appointment_id": f"a-{patient}-{visit}",
                "starts_at": at.isoformat(),
                "services": [{"code": "HYD"}],
                "net": {"minor": 9000, "currency": "EUR"},
            }
            event = {
                "specversion": "1.0", "id": f"e-{patient}-{visit}", "source": "/bench", "type": "visit.completed", "subject": f"p-{patient}",
                "time": at.isoformat(), "data": data,
            }  # fmt: skip
            lines.append((at, json.dumps(event)))
    lines.sort()
    path.write_text("\n".join(line for _, line in lines) + "\n", encoding="utf-8")
    return len(lines)


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


@benchmark("replay_vs_parse")
def replay_vs_parse() -> Measure:
    """Events a second through the replay, as a share of what parsing alone does."""
    rules = load(sample_rooms()).rules
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.jsonl"
        count = _corpus(path)

        def parse() -> None:
            for line in read_lines(path):
                parse_event(line.raw, now=None, country="GR", timezone="Europe/Athens")

        def replay() -> None:
            for _ in replay_file(
                rules, path, "transitions", since=None, until=None, complain=lambda _line, _errors: None
            ):
                pass

        parsing, replaying = _seconds(parse), _seconds(replay)
    return Measure(
        parsing / replaying,
        "ratio",
        f"parse alone {count / parsing:,.0f} events/s, replay {count / replaying:,.0f} events/s; at least 0.05 wanted",
    )
