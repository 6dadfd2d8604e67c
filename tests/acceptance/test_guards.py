"""What would write to the whole base and must not: a feed that died, a vendor that tells the past as news, an edit that moves everybody, too much in a day.

Each time fewer messages leave than the blast limit allows, a person is told, and every silence has its reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.acceptance.clinic import FILES as CLINIC
from tests.acceptance.clinic import Person, Raw, athens, tell, visit
from tests.delivery.live import Live, running
from tests.traces import traces_of
from worker.domain.history import Trace
from worker.service.accepting import accept
from worker.service.intervening import resume
from worker.service.publishing import publish
from worker.store.engine import read
from worker.store.schema import messages, tasks

NOON = athens(6, 1, 12)
PEOPLE = 100
LIMIT = 25
FILES: Mapping[str, str] = {
    **{name: text for name, text in CLINIC.items() if not name.startswith(("journeys/", "templates/"))},
    "config/segments.yaml": CLINIC["config/segments.yaml"] + "  often: {visits: at least 2}\n",
    "config/policy.yaml": """\
feed: {max_age: 36 hours, live_window: 7 days}
blast_limit: {marketing: 3% of patients a day, at least: 25}
""",
    # Two days after each visit; its message may be three days late.
    "journeys/again.yaml": """\
journey: again
start: {event: visit.completed}
repeat: always
expires: 3 days
steps:
  - {id: again, wait: 2 days, send: sms, template: hello}
""",
    "journeys/win_back.yaml": """\
journey: win_back
start: {enters: inactive_6}
steps:
  - {id: hello, send: sms, template: hello}
""",
    "journeys/often.yaml": """\
journey: often
start: {enters: often}
steps:
  - {id: hello, send: sms, template: hello}
""",
    "templates/hello.sms.en.j2": "Hello {{ first_name or 'there' }}, shall we plan your next visit?\n",
}
EVERYBODY = {"config/segments.yaml": CLINIC["config/segments.yaml"] + "  often: {visits: at least 1}\n"}
"""The edit of one word that takes in the whole base."""


class Clinic(Live):
    """A clinic that is told of by its vendor, and what became of it."""

    def hear(self, *events: Raw) -> None:
        """Take these events as the API does, and do all that follows at once."""
        for at in range(0, len(events), 500):
            taken = accept(self.house, "default", json.loads(json.dumps(events[at : at + 500])), "http")
            assert not taken.rejected
            self.jobs += taken.jobs
        self.work()

    def go_on_hearing(self, moment: datetime) -> None:
        """Let time pass by days, and let something of no weight be told each day, so that the feed is fresh."""
        while self.now < moment:
            self.leap(min(self.now + timedelta(days=1), moment))
            somebody = Person("p-0", "+306900000000", "p0@mail.example.com")
            news = tell(
                "patient.upserted", somebody, self.now, self.now.isoformat(), patient={"language": "el"}
            )
            self.hear(news)

    def leap(self, moment: datetime) -> None:
        """Do what is due by a moment, without a stop on the way: whoever waits is asked once, not every hour."""
        self.set(moment)
        self.work()

    def left(self, state: str = "sent") -> int:
        """How many messages stand so."""
        with read(self.house.engine) as conn:
            return len(conn.execute(select(messages.c.id).where(messages.c.state == state)).all())

    def told(self) -> list[Any]:
        """The system's tasks for a person, that are open."""
        with read(self.house.engine) as conn:
            open_ones = select(tasks).where(tasks.c.kind == "system", tasks.c.state == "open")
            return list(conn.execute(open_ones.order_by(tasks.c.id)))

    def why(self, who: Person, what: str) -> dict[str, str]:
        """What the patient's traces say of that, by journey."""
        with read(self.house.engine) as conn:
            found: Sequence[Trace] = traces_of(conn, "default", who.id)
        return {trace.journey: trace.why for trace in found if trace.what == what}


@pytest.fixture
def clinic(database_url: str, tmp_path: Path) -> Iterator[Clinic]:
    """On each of the databases, at noon of the first of June."""
    with running(Clinic, database_url, tmp_path, NOON) as found:
        publish(found.house, FILES)
        yield found


def people(number: int = PEOPLE) -> list[Person]:
    return [Person(f"p-{n}", f"+3069{n:08}", f"p{n}@mail.example.com") for n in range(1, number + 1)]


def history(who: Person) -> list[Raw]:
    """One visit a quarter for three years, the last one seven months ago: told as it was then."""
    firsts = [(year, month) for year in (2023, 2024, 2025) for month in (2, 5, 8, 11)][:-1]
    days = [athens(month, 1, 12, year=year) for year, month in firsts]
    return [visit(who, day, f"v-{at}") for at, day in enumerate(days)]


def test_of_a_hundred_due_at_once_as_many_leave_as_the_limit_allows_and_the_rest_waits_for_a_person(
    clinic: Clinic,
) -> None:
    everybody = people()
    clinic.hear(*(visit(who, NOON) for who in everybody))
    clinic.go_on_hearing(NOON + timedelta(days=2, hours=5))

    assert len(clinic.provider.messages) == clinic.left() == LIMIT
    (task,) = clinic.told()
    assert task.urgent
    assert task.journey == ""
    assert "The journey again is paused" in task.note
    assert "revisit resume again" in task.note
    silent = [who for who in everybody if who.phone not in {sms.to for sms in clinic.provider.messages}]
    reasons = [clinic.why(who, "waits")["again"] for who in silent]
    assert len(reasons) == PEOPLE - LIMIT
    assert all("no more may without a person's word" in why or "is paused" in why for why in reasons)

    # The next day alone changes nothing; a person's word does, for as many again.
    tomorrow = NOON + timedelta(days=3)
    clinic.go_on_hearing(tomorrow)
    assert clinic.left() == LIMIT
    resume(clinic.house, "default", "again", "the manager")
    clinic.go_on_hearing(tomorrow + timedelta(hours=2))
    assert len(clinic.provider.messages) == clinic.left() == 2 * LIMIT
    assert len({sms.to for sms in clinic.provider.messages}) == 2 * LIMIT


def test_a_feed_that_is_silent_for_two_days_keeps_marketing_in_and_tells_a_person(clinic: Clinic) -> None:
    everybody = people(30)
    clinic.hear(*(visit(who, NOON) for who in everybody))
    clinic.leap(NOON + timedelta(days=2, hours=6))

    assert clinic.left() == len(clinic.provider.messages) == 0
    (task,) = clinic.told()
    assert task.urgent
    assert "No marketing leaves" in task.note
    assert "since" in task.note
    for who in everybody:
        assert "nothing was heard from the clinic's systems since" in clinic.why(who, "waits")["again"]

    # Heard again, the messages leave, as many as a day may hold.
    clinic.hear(tell("patient.upserted", everybody[0], clinic.now, "news", patient={"language": "el"}))
    clinic.leap(clinic.now + timedelta(hours=2))
    assert clinic.left() == LIMIT


def test_a_vendor_that_tells_three_years_as_news_writes_to_nobody_and_each_silence_says_why(
    clinic: Clinic,
) -> None:
    everybody = people(30)
    past = [event for who in everybody for event in history(who)]
    # Half of it is told with the time at which it happened, half with the time at which it is told.
    replayed = [
        event if number % 2 else {**event, "time": (NOON - timedelta(minutes=1)).isoformat()}
        for number, event in enumerate(past)
    ]
    clinic.hear(*replayed)
    clinic.go_on_hearing(NOON + timedelta(days=3))

    assert clinic.left() == len(clinic.provider.messages) == 0
    (task,) = clinic.told()
    assert task.urgent
    assert "older than" in task.note
    assert "historical: true" in task.note
    for who in everybody:
        why = clinic.why(who, "not started")
        assert set(why) == {"again", "win_back", "often"}
        assert all("told too late" in said for said in why.values())


def test_a_history_that_says_so_is_silent_without_a_word_for_each_patient(clinic: Clinic) -> None:
    everybody = people(30)
    past = [event for who in everybody for event in history(who)]
    clinic.hear(*({**event, "data": {**event["data"], "historical": True}} for event in past))
    clinic.go_on_hearing(NOON + timedelta(days=3))
    assert clinic.left() == len(clinic.provider.messages) == 0
    assert not clinic.told()
    assert not [who for who in everybody if clinic.why(who, "not started")]


def test_an_edit_that_takes_in_the_whole_base_writes_to_nobody_and_each_silence_says_why(
    clinic: Clinic,
) -> None:
    everybody = people(30)
    long_ago = athens(2, 2)
    clinic.hear(
        *(visit(who, long_ago, historical=True) for who in everybody),
    )
    publish(clinic.house, {**FILES, **EVERYBODY})
    clinic.work()
    clinic.go_on_hearing(NOON + timedelta(days=3))

    assert clinic.left() == len(clinic.provider.messages) == 0
    (task,) = clinic.told()
    assert "the journey often starts" in task.note
    for who in everybody:
        assert clinic.why(who, "not started") == {"often": "the rules changed; nobody starts because of that"}
