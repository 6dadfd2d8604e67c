"""Places for calls: one batch's turn at a time, hardly more than threads where a provider takes its time, and no call on old knowledge."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest

from tests.eventually import eventually
from worker.delivery import calls as module
from worker.delivery.calls import Calls


def test_places_are_for_one_at_a_time_in_the_order_in_which_they_asked() -> None:
    calls, woken = Calls(2), list[str]()
    one, two = (lambda: woken.append("one")), (lambda: woken.append("two"))
    assert calls.turn(one)
    assert not calls.turn(two)
    assert calls.turn(one), "until it leaves"
    assert woken == []
    calls.leave(one)
    assert woken == ["two"]
    assert calls.turn(two)
    assert not calls.turn(one)
    calls.leave(one)
    assert calls.turn(two), "one who waits and leaves takes nobody's turn"


def test_whoever_takes_long_is_behind_the_others_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, woken = Calls(2), list[str]()
    one, two = (lambda: woken.append("one")), (lambda: woken.append("two"))
    monkeypatch.setattr(module, "TURN", 0.0)
    assert calls.turn(one)
    assert calls.turn(one), "nobody else waits"
    assert not calls.turn(two)
    assert not calls.turn(one)
    assert woken == ["two"]
    monkeypatch.undo()
    assert calls.turn(two)


def test_no_more_places_are_given_than_there_are_and_who_has_the_turn_hears_of_those_that_are_free() -> None:
    calls, woken = Calls(4), list[str]()
    assert calls.turn(lambda: woken.append("free"))
    most = calls.places
    assert 4 <= most < 8
    assert calls.take(3) == 3
    assert calls.take(100) == most - 3
    assert calls.take(1) == 0
    calls.free(2)
    assert woken == ["free"]
    assert calls.take(100) == 2


def _told(calls: Calls, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call that takes so long, by a clock of our own."""
    clock = iter([0.0, 0.0, seconds])
    told: SimpleQueue[object] = SimpleQueue()
    with monkeypatch.context() as patched:
        patched.setattr("worker.delivery.calls.time.monotonic", lambda: next(clock))
        calls.begin(lambda: "yes", "late", told.put)
        assert told.get() == "yes"


@pytest.mark.parametrize(("seconds", "places"), [(0.0005, 32), (0.05, 17), (0.3, 9), (10.0, 8)])
def test_a_provider_that_takes_its_time_has_hardly_more_places_than_threads(
    seconds: float, places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(8)
    for _ in range(100):
        _told(calls, seconds, monkeypatch)
    assert abs(calls.places - places) <= 1
    calls.close()


def test_a_call_that_waited_too_long_for_its_thread_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, slow = Calls(1), threading.Event()
    told: SimpleQueue[object] = SimpleQueue()
    made: list[str] = []
    calls.begin(lambda: slow.wait(10), "late", told.put)
    eventually(lambda: calls.running == 1, timeout=10)
    monkeypatch.setattr(module, "FRESH", -1.0)
    calls.begin(lambda: made.append("two"), "late", told.put)
    monkeypatch.undo()
    calls.begin(lambda: made.append("three"), "late", told.put)
    assert calls.running == 3
    slow.set()
    assert [told.get(), told.get(), told.get()] == [True, "late", None]
    assert made == ["three"]
    assert calls.running == 0
    calls.close()
