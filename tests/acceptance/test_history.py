"""The past is taken in without a word to anybody; what time does afterwards counts again."""

from __future__ import annotations

from datetime import timedelta

from tests.acceptance.clinic import person, visit
from tests.acceptance.system import System

DAY = timedelta(days=1)


def test_a_history_writes_to_nobody_and_the_next_midnight_does(house: System) -> None:
    house.live_through(house.now().replace(month=12, day=1, hour=12, minute=0, second=0))
    now = house.now()
    ago = {"new": 20, "regular": 40, "inactive_6": 200, "inactive_12": 500}
    people = {stage: person() for stage in ago}
    # Half a year will have passed in two days.
    lapsing = person()
    lapses = now.replace(hour=0) + 2 * DAY
    events = [visit(who, now - ago[stage] * DAY, historical=True) for stage, who in people.items()]
    events += [visit(people["regular"], now - 90 * DAY, "earlier", historical=True)]
    events += [visit(lapsing, lapses.replace(month=6, hour=15), historical=True)]
    taken = house.ingest(events, "history.jsonl")
    assert taken.returncode == 0, taken.stderr
    assert f"accepted {len(events)}, duplicates 0, rejected 0" in taken.stdout
    house.settle()

    assert house.rows("imports", "closed_at", what="history.jsonl") == [(house.now(),)]
    assert {stage: house.segments(who) for stage, who in people.items()} == {
        stage: {stage, "body_history"} for stage in ago
    }
    assert house.segments(lapsing) == {"new", "body_history"}
    everybody = [*people.values(), lapsing]
    house.live_through(lapses - timedelta(seconds=1))
    assert not [row for who in everybody for row in house.messages(who)]
    assert not [run for who in everybody for run in house.rows("enrollments", "id", patient_id=who.id)]

    house.live_through(lapses.replace(hour=10))
    assert house.segments(lapsing) == {"inactive_6", "body_history"}
    assert len(house.texts(lapsing)) == 1
    house.live_through(house.now() + 20 * DAY)
    assert not [row for who in people.values() for row in house.messages(who)]

    again = house.ingest(events, "history.jsonl")
    assert f"accepted 0, duplicates {len(events)}, rejected 0" in again.stdout


def test_a_live_event_that_tells_of_two_years_ago_changes_facts_and_writes_to_nobody(house: System) -> None:
    house.live_through(house.now().replace(hour=12, minute=0, second=0) + DAY)
    old, late = person(), person()
    then = house.now() - timedelta(days=730)
    house.tell(visit(old, then), visit(late, then, event_time=house.now(), code="HYD"))
    assert (house.segments(old), house.segments(late)) == ({"inactive_12", "body_history"}, {"inactive_12"})
    house.live_through(house.now() + 30 * DAY)
    assert not house.messages(old)
    assert not house.messages(late)
