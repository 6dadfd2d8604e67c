"""The outbox in any order of claims, crashes, answers, reports, sweeps, caps, opt-outs, holds and people's decisions: never twice, never unwelcome, never over a cap, never stuck."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Row

from tests.delivery.desk import Desk
from tests.delivery.ward import PHONES, ZONES, Ward, wards
from tests.delivery.weather import Weather
from tests.standins.faults import Step
from tests.standins.twilio import Sms
from worker.domain.outbox import MOVES, RANK

ENDS = frozenset({"sent", "delivered", "undelivered", "failed", "dropped", "rehearsed"})
PATIENTS = st.sampled_from(sorted(ZONES))
WHICH = st.integers(0, 3)
MOST_TURNS = 3
"""How often an example sets or lifts a hold: it is dear, and more of it finds no more."""
POSTS: tuple[Step, ...] = (
    "ok", "ok", "hangup_after", "500", "hangup_before", "500_after", "garbage", "429", ("error", 21610), ("error", 20003),
)  # fmt: skip
POST = st.sampled_from(POSTS)
WISHES = st.sampled_from([*["nothing"] * 6, "STOP", "revoked, not folded yet"])
BEFORE = st.sampled_from([*["nothing"] * 4, "killed", "again", "other", "stop", "late", "lost"])
DURING = st.sampled_from([*["nothing"] * 4, "again", "other", "stop", "delivered", "undelivered", "slow"])
SECONDS = st.sampled_from([1, 12, 32, 46, 91, 3_600, 86_400, 7 * 86_400])
WORDS = st.sampled_from(
    [("queued", ""), ("sent", ""), ("delivered", ""), ("undelivered", "30003"), ("undelivered", "30005"), ("undelivered", "21610")]
)  # fmt: skip


def _reachable() -> dict[str, frozenset[str]]:
    found = {state: {state, *follow} for state, follow in MOVES.items()}
    for _ in MOVES:
        for states in found.values():
            states.update(*(found[state] for state in tuple(states)))
    return {state: frozenset(states) for state, states in found.items()}


REACHABLE = _reachable()


class Outbox(RuleBasedStateMachine):
    """Does anything in any order, and looks after each step whether a promise was broken."""

    def __init__(self, another: Callable[[], Ward]) -> None:
        super().__init__()
        self.ward = another()
        self.seen: dict[str, tuple[str, int]] = {}
        self.turns = 0
        self.ward.visit(*ZONES)

    def weather(self, post: Step, get: Step = "ok") -> None:
        self.ward.provider.faults(Weather(1, post=post, get=get))

    def one(self, which: int) -> Row[Any]:
        found = sorted(self.ward.messages(), key=lambda row: row.state in ENDS)
        return found[which % len(found)]

    # -- what may happen ------------------------------------------------------------------------------------------------------

    @rule(which=WHICH, post=POST, wish=WISHES, before=BEFORE, during=DURING, dies=st.booleans())
    def dispatched(self, which: int, post: Step, wish: str, before: str, during: str, dies: bool) -> None:
        self.weather(post)
        row, other = self.one(which), self.one(which + 1).id
        key, phone = row.id, PHONES[row.patient_id]
        if wish != "nothing":
            self.a_wish(row.patient_id, wish)
        earlier: dict[str, Callable[[], None] | None] = {
            "nothing": None, "killed": self.ward.die, "again": lambda: self.ward.dispatch(key), "other": lambda: self.ward.dispatch(other),
            "stop": lambda: self.ward.says(phone, "STOP"), "late": lambda: self.ward.passes(21), "lost": self.ward.is_given_up,
        }  # fmt: skip
        meanwhile: dict[str, Callable[[Sms], None] | None] = {
            "nothing": None, "again": lambda _: self.ward.dispatch(key), "other": lambda _: self.ward.dispatch(other),
            "stop": lambda _: self.ward.says(phone, "STOP"), "delivered": lambda sms: self.ward.reports(sms, "delivered"),
            "undelivered": lambda sms: self.ward.reports(sms, "undelivered", "30003"), "slow": lambda _: self.ward.passes(9),
        }  # fmt: skip
        self.ward.send(key, before=earlier[before], during=meanwhile[during], dies=dies)

    @rule(which=WHICH, apart=st.integers(0, 1), post=POST)
    def two_dispatched_at_once(self, which: int, apart: int, post: Step) -> None:
        self.weather(post)
        self.ward.together([self.one(which).id, self.one(which + apart).id])

    @rule(seconds=SECONDS, post=POST, get=st.sampled_from(["ok", "500"]))
    def time_passes_and_is_swept(self, seconds: int, post: Step, get: Step) -> None:
        self.weather(post, get)
        self.ward.turn(seconds)

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        self.ward.passes(seconds)

    @rule(which=WHICH, told=WORDS)
    def the_provider_reports(self, which: int, told: tuple[str, str]) -> None:
        self.weather("ok")
        if self.ward.left:
            self.ward.reports(self.ward.left[which % len(self.ward.left)].sms, *told)

    @rule(patient=PATIENTS, how=st.sampled_from(["STOP", "START", "revoked", "revoked, not folded yet"]))
    def a_wish_is_told(self, patient: str, how: str) -> None:
        self.a_wish(patient, how)

    def a_wish(self, patient: str, how: str) -> None:
        if how in ("STOP", "START"):
            self.ward.says(PHONES[patient], how)
        else:
            self.ward.revokes(patient, folded=how == "revoked")

    @rule(patient=PATIENTS)
    def a_hold_is_set_or_lifted(self, patient: str) -> None:
        self.weather("ok")
        self.turns += 1
        if self.turns <= MOST_TURNS:
            self.ward.holds_or_releases(patient)

    @rule(which=WHICH, post=POST)
    def the_list_stays_shut_and_a_person_sends_again(self, which: int, post: Step) -> None:
        self.weather(post, "500")
        if any(row.state == "unknown" for row in self.ward.messages()):
            self.ward.turn(7 * 3_600)
            self.ward.resends(which)

    @rule(patient=PATIENTS)
    def a_visit(self, patient: str) -> None:
        self.ward.visit(patient)

    # -- what must hold -------------------------------------------------------------------------------------------------------

    @invariant()
    def no_promise_is_broken(self) -> None:
        assert not self.ward.wrongs
        rows, asked = self.ward.messages(), self.ward.asked()
        assert [_stuck(row, asked) for row in rows if _stuck(row, asked)] == []
        for row in rows:
            now = (row.state, RANK.get(row.status or "", 0))
            was = self.seen.get(row.id, now)
            assert now[0] in REACHABLE[was[0]], f"{was[0]} became {now[0]}"
            assert now[1] >= was[1], "a status went backwards"
            self.seen[row.id] = now

    def teardown(self) -> None:
        """Everybody at work, the provider well: everything comes to its end."""
        try:
            if not self.ward.wrongs:
                self._drain()
        finally:
            self.ward.close()

    def _drain(self) -> None:
        self.weather("ok")
        self.ward.releases_all()
        for _ in range(100):
            coming = self.ward.next_moment()
            if coming is None:
                break
            self.ward.now = max(coming, self.ward.now) + timedelta(seconds=1)
            self.ward.turn(31)
        self.no_promise_is_broken()
        accepted = {one.ref for one in self.ward.left}
        for row in self.ward.messages():
            assert row.state in ENDS | {"unknown"}, f"{row.state} for ever"
            assert row.id in accepted or row.state not in ("sent", "delivered", "undelivered"), "lost"


def _stuck(row: Row[Any], asked: set[str]) -> str:
    """What is missing so that somebody takes this message up again; "" for nothing."""
    if row.state in ENDS:
        return ""
    if row.state == "scheduled":
        return "" if row.due_at is not None else "scheduled without a due time"
    if row.state == "claimed":
        return "" if row.claimed_until is not None else "claimed without a lease"
    if row.lookup_at is not None or row.id in asked:
        return ""
    return f"{row.state}, and nobody looks"


def test_whatever_happens_in_whatever_order_no_promise_is_broken(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = 30 if database_url.startswith("sqlite") else 12
    with wards(database_url, tmp_path, monkeypatch) as another:

        class Here(Outbox):
            def __init__(self) -> None:
                super().__init__(another)

        run_state_machine_as_test(Here, settings=settings(max_examples=examples, stateful_step_count=20))


def _step(name: str, **how: Any) -> tuple[str, dict[str, Any]]:
    quiet = {
        "which": 0,
        "post": "ok",
        "wish": "nothing",
        "before": "nothing",
        "during": "nothing",
        "dies": False,
    }
    return name, {**quiet, **how} if name == "dispatched" else how


HARD = {
    "leave is taken back and not folded yet": [_step("dispatched", wish="revoked, not folded yet")],
    "a process wakes up after others took it for dead": [_step("dispatched", before="lost"), _step("dispatched", which=1, before="lost")],
    "a process dies before it has written what it heard": [_step("dispatched", dies=True), *[_step("time_passes_and_is_swept", seconds=s, post="ok", get="ok") for s in (46, 32, 32, 32)]],
    "the list lags": [_step("dispatched", post="hangup_after"), *[_step("time_passes_and_is_swept", seconds=s, post="ok", get="ok") for s in (12, 32, 32, 91)]],
    "a report comes before the answer": [_step("dispatched", during="delivered"), _step("the_provider_reports", which=0, told=("sent", ""))],
    "a report comes after the process died": [_step("dispatched", dies=True), _step("the_provider_reports", which=0, told=("delivered", ""))],
    "two patients of one phone at once": [_step("two_dispatched_at_once", which=0, apart=1, post="ok")] * 2,
    "stop while the provider has it, and start again": [
        _step("dispatched", during="stop"), _step("a_visit", patient="p-1"), _step("dispatched", which=1), _step("a_wish_is_told", patient="p-1", how="START"),
        _step("time_passes_and_is_swept", seconds=7 * 86_400, post="ok", get="ok"),
    ],
    "a person sends again, twice": [
        _step("dispatched", post="hangup_before"), *[_step("the_list_stays_shut_and_a_person_sends_again", which=0, post="hangup_before")] * 2,
        _step("time_passes_and_is_swept", seconds=7 * 3_600, post="ok", get="500"),
    ],
    "a person sends again what had arrived": [
        _step("dispatched", post="hangup_after"), _step("the_list_stays_shut_and_a_person_sends_again", which=0, post="hangup_after"),
        _step("a_visit", patient="p-1"), _step("time_passes_and_is_swept", seconds=3_600, post="ok", get="ok"),
    ],
    "a hold while it waits to be sent again": [
        _step("dispatched", post="429"), *[_step("a_hold_is_set_or_lifted", patient=patient) for patient in sorted(ZONES)],
        _step("time_passes_and_is_swept", seconds=91, post="ok", get="ok"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("order", HARD)
def test_the_hardest_orders_break_no_promise(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    with wards(database_url, tmp_path, monkeypatch) as another:
        outbox = Outbox(another)
        try:
            for name, how in HARD[order]:
                getattr(outbox, name)(**how)
                outbox.no_promise_is_broken()
        finally:
            outbox.teardown()


def test_two_patients_of_one_phone_do_not_pass_the_gate_side_by_side(desk: Desk) -> None:
    """Each waits in its own transaction, the gate behind it, until the other is there too or can't come."""
    keys = [desk.visit(1, "p-1"), desk.visit(2, "p-2")]
    mine, both = threading.local(), threading.Barrier(2)

    def wall() -> datetime:
        mine.asked = getattr(mine, "asked", 0) + 1
        if mine.asked == 2:
            with suppress(threading.BrokenBarrierError):
                both.wait(1.0)
        return desk.now

    desk.house.wall = wall
    desk.send_at_once(keys)
    assert len(desk.provider.messages) == 1
    assert sorted(desk.state(key) for key in keys) == [("scheduled", "cap"), ("sent", "")]


def test_every_state_can_be_left_or_is_an_end() -> None:
    assert all(earlier != later for earlier, later in pairwise(MOVES))
    assert {state for state, follow in MOVES.items() if not follow} <= ENDS
