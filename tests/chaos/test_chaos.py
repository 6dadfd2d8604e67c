"""The short play: what `make chaos` does at full length, without the faults that take minutes to be settled. On PostgreSQL, where several processes write at
once; on SQLite each process is killed in tests/acceptance/test_losses.py."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.plan import Plan
from tests.chaos.play import Play

PATIENCE = 200.0
SHORT = Plan(
    seed=7, visits=40, kills=4, flushes=1, batch=10, ahead=40,
    # Whoever is struck while a call is under way leaves a claim that is waited out; so all of it falls before the first call.
    span=(0.02, 0.28), wait="5 seconds",
    # Twilio reports what it took without saying so: no list need be read.
    told_after=1.0, sms_faults={"hangup_after": 0.15, "429": 0.1}, email_faults={"hangup_after": 0.15, "429": 0.1},
)  # fmt: skip


def test_every_role_is_killed_and_the_queue_is_emptied_and_each_patient_gets_one_sms_and_at_most_one_email(
    postgres_url: str, tmp_path: Path
) -> None:
    play = Play(SHORT, tmp_path, postgres_url)
    result = play.run(PATIENCE)
    assert not result.wrong, f"{result.wrong}\n{play.system.said()[-4000:]}"
    assert result.kills == {"web": 1, "worker": 1, "ticker": 1, "valkey": 1}
    assert result.flushes == 1
    assert (result.sms, result.doubles, result.missing_sms) == (SHORT.visits, 0, 0)
    assert result.sms_faults["hangup_after"]
    assert result.sms_faults["429"]
    assert result.reports["204"] >= result.sms_faults["hangup_after"]


def test_a_seed_gives_the_same_blows_and_the_same_faults() -> None:
    one, again = (Plan(seed=3, visits=200, kills=24, flushes=2) for _ in range(2))
    assert one.blows() == again.blows()
    assert len(one.blows()) == 26
    assert one.faults("sms") == again.faults("sms")
    assert one.batches([{"id": str(n)} for n in range(200)]) == again.batches(
        [{"id": str(n)} for n in range(200)]
    )
    other = Plan(seed=4, visits=200, kills=24, flushes=2)
    assert other.blows() != one.blows()
    assert other.faults("sms") != one.faults("sms")
