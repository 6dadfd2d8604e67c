"""One leader at a time, replaced within five seconds of a kill."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.eventually import eventually
from tests.queue.scripts import next_line, running
from worker.queue.client import connect
from worker.queue.embedded import EmbeddedQueue
from worker.queue.leader import LEASE_SECONDS, Leader

CANDIDATE = """
import signal, sys
from worker.queue.client import connect
from worker.queue.leader import Leader
print(Leader(connect(sys.argv[1]), "ticker").is_leader())
signal.pause()
"""

PAUSED = """
import signal, sys
from worker.queue.client import connect
from worker.queue.leader import Leader
leader = Leader(connect(sys.argv[1]), "ticker")
signal.signal(signal.SIGUSR1, lambda *_: print(leader.is_leader()))
print(leader.is_leader())
while True: signal.pause()
"""


def test_one_of_two_leads_and_keeps_leading(valkey_url: str) -> None:
    client = connect(valkey_url)
    first, second = Leader(client, "ticker"), Leader(client, "ticker")
    for _ in range(5):
        assert (first.is_leader(), second.is_leader()) == (True, False)
    client.close()


def test_a_released_lead_is_free_at_once(valkey_url: str) -> None:
    client = connect(valkey_url)
    first, second = Leader(client, "ticker"), Leader(client, "ticker")
    assert first.is_leader()
    second.release()
    first.release()
    assert second.is_leader()
    assert not first.is_leader()
    client.close()


def test_different_names_and_namespaces_have_different_leaders(valkey_url: str) -> None:
    client = connect(valkey_url)
    assert Leader(client, "ticker").is_leader()
    assert Leader(client, "other").is_leader()
    assert Leader(client, "ticker", namespace="another-system").is_leader()
    client.close()


def test_renewing_prolongs_the_lease(valkey_url: str) -> None:
    client = connect(valkey_url)
    leader = Leader(client, "ticker")
    assert leader.is_leader()
    client.pexpire("revisit:leader:ticker", 500)
    assert leader.is_leader()
    assert client.pttl("revisit:leader:ticker") > 500
    client.close()


def test_another_takes_over_within_five_seconds_of_a_kill(valkey_url: str) -> None:
    client = connect(valkey_url)
    heir = Leader(client, "ticker")
    with running(CANDIDATE, valkey_url) as process:
        assert next_line(process) == "True"
        assert not heir.is_leader()
        process.kill()
        killed = time.monotonic()
        eventually(heir.is_leader, timeout=5)
        assert time.monotonic() - killed < 5
    client.close()


def test_a_leader_that_was_stopped_for_longer_than_its_lease_knows_that_it_leads_no_more(
    valkey_url: str,
) -> None:
    client = connect(valkey_url)
    heir = Leader(client, "ticker")
    with running(PAUSED, valkey_url) as process:
        assert next_line(process) == "True"
        process.send_signal(signal.SIGSTOP)
        eventually(heir.is_leader, timeout=5)
        process.send_signal(signal.SIGUSR1)
        process.send_signal(signal.SIGCONT)
        assert next_line(process) == "False"
        assert heir.is_leader()
    client.close()


def test_who_lost_the_lease_does_not_lead(valkey_url: str) -> None:
    client = connect(valkey_url)
    first, second = Leader(client, "ticker"), Leader(client, "ticker")
    assert first.is_leader()
    client.delete("revisit:leader:ticker")
    assert second.is_leader()
    assert not first.is_leader()
    client.close()


def test_nobody_leads_while_the_server_is_away_and_nothing_is_raised(tmp_path: Path) -> None:
    server = EmbeddedQueue(tmp_path)
    client = connect(server.start())
    leader = Leader(client, "ticker")
    assert leader.is_leader()
    server.stop()
    assert not leader.is_leader()
    leader.release()
    with server:
        assert eventually(leader.is_leader, timeout=LEASE_SECONDS + 1)
        client.close()
