"""The circuit says what the conditions themselves say, and what it takes over from an earlier look is what it would find anew."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.build import ATHENS, ZONES, clinic, condition_of, facts_of, segments_of
from tests.domain.strategies import FIRST, conditions, definitions, events, zones
from worker.domain.clinic import Clinic
from worker.domain.conditions import Look
from worker.domain.conditions.circuit import Seen
from worker.domain.ledger import changed
from worker.domain.segments import Segments

CLINICS = {tz: clinic(tz) for tz in ZONES}
DAYS = st.integers(0, 800)


def drawn(data: st.DataObject, where: Clinic) -> Segments:
    watched = condition_of(data.draw(conditions(("rest", "s0"))), where, "rest", "s0")
    return segments_of(data.draw(definitions()), where).watching({"j": watched})


def asked_one_by_one(segments: Segments, look: Look) -> frozenset[str]:
    """What each condition says of itself, each in a look of its own."""
    named = {name for name, condition in segments.named.items() if condition.holds(look.on(look.today))}
    starts = {name for name, condition in segments.watched.items() if condition.holds(look.on(look.today))}
    return frozenset(named | starts)


@settings(max_examples=60)
@given(st.data())
def test_the_circuit_says_what_the_conditions_say(data: st.DataObject) -> None:
    where = CLINICS[data.draw(zones)]
    segments = drawn(data, where)
    look = segments.look(
        facts_of(data.draw(events(where.timezone)), where), FIRST + timedelta(days=data.draw(DAYS))
    )
    sight = segments.sight(look)
    assert sight.members() == asked_one_by_one(segments, look)
    change = sight.next_change()
    for n in range(1, 200):
        day = look.today + timedelta(days=n)
        if change is None or day < change:
            assert asked_one_by_one(segments, look.on(day)) == sight.members(), day


@settings(max_examples=100)
@given(st.data())
def test_what_was_seen_before_is_what_would_be_found_anew(data: st.DataObject) -> None:
    where = CLINICS[data.draw(zones)]
    segments = drawn(data, where)
    told = data.draw(events(where.timezone, ends=False))
    known = data.draw(st.integers(0, len(told)))
    day = FIRST + timedelta(days=data.draw(DAYS))
    before = segments.sight(segments.look(facts_of(told[:known], where), day)).seen()
    stored = Seen.unpacked(before.packed(), before.ledger)
    assert stored == before
    later = segments.look(facts_of(told, where), day + timedelta(days=data.draw(st.sampled_from([0, 1, 40]))))
    taken, anew = segments.sight(later, stored), segments.sight(later)
    assert taken.members() == anew.members()
    assert taken.next_change() == anew.next_change()


@settings(max_examples=60)
@given(st.data())
def test_what_changed_names_what_every_event_has_changed(data: st.DataObject) -> None:
    told = data.draw(events(ATHENS, ends=False))
    known = data.draw(st.integers(0, len(told)))
    before, after = (facts_of(these, CLINICS[ATHENS]) for these in (told[:known], told))
    found = changed(before.ledger, after.ledger)
    for status in ("completed", "booked", "cancelled", "no_show"):
        if "refunds" not in found and status not in found:
            assert before.with_status(status) == after.with_status(status)
    if "profile" not in found:
        assert (before.tags, before.birth_date, before.language) == (
            after.tags,
            after.birth_date,
            after.language,
        )
    if "consent" not in found:
        assert before.allows("sms", "marketing") == after.allows("sms", "marketing")


def test_what_was_seen_of_other_conditions_counts_for_nothing() -> None:
    where = CLINICS[ATHENS]
    some, others = (
        segments_of(f"lifecycle:\n  - s: {{visits: {count}}}\n  - rest: otherwise\n", where)
        for count in ("none", "at least 1")
    )
    look = some.look(facts_of([], where), date(2026, 1, 1))
    assert others.sight(look, some.sight(look).seen()).members() == {"rest"}


def test_what_was_seen_on_a_later_day_counts_for_nothing() -> None:
    where = CLINICS[ATHENS]
    segments = segments_of("lifecycle:\n  - born: {birthday: today}\n  - rest: otherwise\n", where)
    facts = facts_of([], where)
    later = segments.sight(segments.look(facts, date(2026, 2, 1))).seen()
    earlier = segments.look(facts, date(2026, 1, 1))
    assert segments.sight(earlier, later).members() == segments.sight(earlier).members()
