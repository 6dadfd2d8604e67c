"""Places under a rate, given out by a real server to all who ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from worker.queue.client import connect
from worker.queue.embedded import EmbeddedQueue
from worker.queue.places import Places


@pytest.fixture
def client(valkey_url: str) -> Iterator[redis.Redis]:
    found = connect(valkey_url)
    yield found
    found.close()


def given(client: redis.Redis) -> float:
    """Up to when places are given out, in seconds of the server's clock."""
    return int(float(client.get("revisit:rate:c/sms") or 0)) / 1000


def now(client: redis.Redis) -> float:
    seconds, micros = client.time()
    return float(seconds + micros / 1_000_000)


def test_at_one_in_five_seconds_each_is_given_the_next_five(client: redis.Redis) -> None:
    places, began = Places(client), now(client)
    waits = [*places("c/sms", 0.2, 3), *places("c/sms", 0.2)]
    assert len(waits) == 4
    assert 9.9 < waits[2] <= 10.0
    assert waits[0] == 0.0
    assert waits == sorted(waits)
    assert began + 20 - 0.002 <= given(client) <= now(client) + 20


def test_a_second_of_places_may_be_taken_at_once(client: redis.Redis) -> None:
    places, began = Places(client), now(client)
    waits = [wait for _ in range(250) for wait in places("c/sms", 100.0, 4)]
    assert waits[:50] == [0.0] * 50
    assert waits[-1] > 0
    assert given(client) - began > 1_000 / 100.0 - 1.0, (
        "no more than that many a second, but for one second's worth"
    )


def test_nobody_is_given_another_ones_place(client: redis.Redis) -> None:
    places, found, began = Places(client), list[float](), now(client)
    threads = [
        threading.Thread(target=lambda: found.extend(places("c/sms", 0.1, 2) + places("c/sms", 0.1, 3)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert given(client) >= began + 200 - 0.002, "each took its ten seconds"


def test_each_sender_and_each_system_has_places_of_its_own(client: redis.Redis) -> None:
    assert [
        Places(client)("c/sms", 1.0),
        Places(client)("c/email", 1.0),
        Places(client, "another")("c/sms", 1.0),
    ] == [[0], [0], [0]]
    assert given(client) > 0


def test_a_place_that_nobody_needs_any_more_is_forgotten(client: redis.Redis) -> None:
    Places(client)("c/sms", 1.0)
    assert 0 < client.pttl("revisit:rate:c/sms") <= 3_000


def test_a_rate_of_nothing_is_a_mistake(client: redis.Redis) -> None:
    with pytest.raises(ValueError, match="above nothing"):
        Places(client)("c/sms", 0)


def test_while_the_server_is_away_nobody_waits(tmp_path: Path) -> None:
    server = EmbeddedQueue(tmp_path)
    client = connect(server.start())
    server.stop()
    assert Places(client)("c/sms", 1.0, 2) == [0.0, 0.0]
    client.close()
