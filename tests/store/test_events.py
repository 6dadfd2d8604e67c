"""An event is accepted once, folded once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Engine, select

from tests.store.samples import CLINIC, DAY, NOW, an_event, counting, together
from worker.domain.events import Event
from worker.store import events, rooms
from worker.store.engine import read, write
from worker.store.schema import events as table


def test_an_event_comes_back_as_it_came(engine: Engine) -> None:
    event = an_event(patient={"first_name": "Ελένη", "tags": [], "phone": None}, services=[{"code": "LHR"}])
    with write(engine) as conn:
        accepted = events.accept(conn, CLINIC, [event], NOW)
        [stored] = events.load(conn, CLINIC, accepted.seqs)
    assert (stored.event, stored.seq, stored.tries) == (event, accepted.seqs[0], 0)


def test_an_event_is_accepted_once(engine: Engine) -> None:
    one, two, other_source = an_event(1), an_event(2), replace(an_event(1), source="/other")
    with write(engine) as conn:
        assert events.accept(conn, CLINIC, [one, one, other_source], NOW).duplicates == 1
        again = events.accept(conn, CLINIC, [two, one], NOW)
        assert (len(again.seqs), again.duplicates) == (1, 1)
        assert [stored.event.id for stored in events.load(conn, CLINIC, again.seqs)] == ["e-2"]
        assert events.accept(conn, "another", [one], NOW).duplicates == 0
        assert events.accept(conn, CLINIC, [], NOW) == events.Accepted([], 0)


def test_the_same_events_posted_at_once_in_any_order_are_accepted_once(engine: Engine) -> None:
    batch = [an_event(number) for number in range(300)]

    def post(events_: list[Event]) -> int:
        with write(engine) as conn:
            return len(events.accept(conn, CLINIC, events_, NOW).seqs)

    counts = together(lambda: post(batch), lambda: post(batch[::-1]), lambda: post(batch[150:] + batch[:150]))
    assert sum(counts) == 300


def test_events_are_loaded_in_the_order_of_folding(engine: Engine) -> None:
    batch = [an_event(1, at=NOW + DAY), an_event(3), an_event(2), an_event(4, at=NOW - DAY)]
    with write(engine) as conn:
        seqs = events.accept(conn, CLINIC, batch, NOW).seqs
        assert [s.event.id for s in events.load(conn, CLINIC, [*seqs, 999_999])] == [
            "e-4",
            "e-2",
            "e-3",
            "e-1",
        ]
        assert events.load(conn, "another", seqs) == []


def test_only_new_events_are_loaded(engine: Engine) -> None:
    with write(engine) as conn:
        first, second, third = events.accept(
            conn, CLINIC, [an_event(n, subject=f"p-{n}") for n in (1, 2, 3)], NOW
        ).seqs
        events.done(conn, [first], NOW)
        assert events.give_up(conn, second, "it can't be folded", NOW)
        assert not events.give_up(conn, first, "too late", NOW)
        events.done(conn, [second], NOW)
        assert [stored.seq for stored in events.load(conn, CLINIC, [first, second, third])] == [third]
        assert events.subjects(conn, CLINIC, [first, second, third]) == ["p-3"]
        assert events.backlog(conn) == 1
        states = conn.execute(select(table.c.state, table.c.error).order_by(table.c.seq)).all()
    assert [tuple(row) for row in states] == [
        ("done", None),
        ("quarantined", "it can't be folded"),
        ("new", None),
    ]


def test_the_backlog_is_counted_no_further_than_asked(engine: Engine) -> None:
    with write(engine) as conn:
        events.accept(conn, CLINIC, [an_event(n) for n in range(7)], NOW)
        assert (events.backlog(conn), events.backlog(conn, at_most=3), events.backlog(conn, at_most=9)) == (
            7,
            3,
            7,
        )


def test_an_event_that_somebody_is_folding_is_passed_over(engine: Engine) -> None:
    with write(engine) as conn:
        seqs = events.accept(conn, CLINIC, [an_event()], NOW).seqs

    with write(engine) as first:
        assert len(events.load(first, CLINIC, seqs)) == 1
        if engine.dialect.name == "postgresql":
            with write(engine) as second:
                assert events.load(second, CLINIC, seqs) == []
        events.done(first, seqs, NOW)
    with write(engine) as conn:
        assert events.load(conn, CLINIC, seqs) == []


def test_what_was_seen_never_goes_backwards(engine: Engine) -> None:
    seen = []
    for at in (NOW, NOW - DAY, NOW + timedelta(seconds=1)):
        with write(engine) as conn:
            events.saw(conn, CLINIC, at)
            row = rooms.clinic_row(conn, CLINIC)
            assert row is not None
            seen.append(row.feed_seen_at)
    assert seen == [NOW, NOW, NOW + timedelta(seconds=1)]


def test_a_batch_costs_the_same_number_of_statements_whatever_its_size(engine: Engine) -> None:
    sent = []
    for size in (10, 500):
        batch = [an_event(number, subject=f"{size}") for number in range(size * 10, size * 11)]
        with counting(engine) as statements, write(engine) as conn:
            seqs = events.accept(conn, CLINIC, batch, NOW).seqs
            events.load(conn, CLINIC, seqs)
            events.subjects(conn, CLINIC, seqs)
            events.done(conn, seqs, NOW)
        sent.append(len(statements))
    assert sent[0] == sent[1] <= 5


def test_more_events_than_one_statement_takes_go_in_and_out(engine: Engine) -> None:
    batch = [an_event(number) for number in range(2500)]
    with write(engine) as conn:
        accepted = events.accept(conn, CLINIC, batch, NOW)
        assert len(accepted.seqs) == 2500
        assert len(events.load(conn, CLINIC, accepted.seqs)) == 2500
        events.done(conn, accepted.seqs, NOW)
    with read(engine) as conn:
        assert events.backlog(conn) == 0
