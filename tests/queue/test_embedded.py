"""The embedded server: kept through kills, one per data directory, never left behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.eventually import alive, eventually
from tests.queue.scripts import next_line, running
from worker.queue.client import connect
from worker.queue.embedded import EmbeddedQueue, QueueTaken, answers, ensure, find

OWNER = """
import signal, sys
from pathlib import Path
from worker.queue.client import connect
from worker.queue.embedded import ensure
handle = ensure(Path(sys.argv[1]))
client = connect(handle.url)
print(handle.url, handle.server is not None, client.info("server")["process_id"])
signal.pause()
"""


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[EmbeddedQueue]:
    with EmbeddedQueue(tmp_path) as server:
        yield server


def test_what_was_queued_survives_a_kill_of_the_server(queue: EmbeddedQueue) -> None:
    client = connect(queue.url)
    for number in range(200):
        client.rpush("list", number)
    killed = queue.pid
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: queue.pid != killed and answers(queue.url), timeout=10)
    assert client.lrange("list", 0, -1) == [str(number).encode() for number in range(200)]
    client.close()


def test_a_server_killed_several_times_comes_back_each_time(queue: EmbeddedQueue) -> None:
    for _ in range(3):
        killed = queue.pid
        os.kill(killed, signal.SIGKILL)
        eventually(lambda killed=killed: queue.pid != killed and answers(queue.url), timeout=10)  # type: ignore[misc]


def test_what_was_queued_survives_a_stop_and_a_new_start(tmp_path: Path) -> None:
    for turn in range(3):
        with EmbeddedQueue(tmp_path) as server:
            client = connect(server.url)
            assert client.incr("turns") == turn + 1
            client.close()
        assert find(tmp_path) is None


def test_a_stopped_queue_leaves_no_process(tmp_path: Path) -> None:
    server = EmbeddedQueue(tmp_path)
    server.start()
    pid = server.pid
    server.stop()
    assert not alive(pid)
    server.stop()


def test_the_server_ends_with_an_owner_that_is_killed(tmp_path: Path) -> None:
    with running(OWNER, str(tmp_path)) as owner:
        _, owns, pid = next_line(owner).split()
        assert owns == "True"
        owner.kill()
        eventually(lambda: not alive(int(pid)), timeout=5)


def test_a_new_owner_takes_over_what_a_killed_one_left(tmp_path: Path) -> None:
    with running(OWNER, str(tmp_path)) as owner:
        url = next_line(owner).split()[0]
        client = connect(url)
        client.set("kept", "yes")
        client.close()
        owner.kill()
        owner.wait()
        handle = ensure(tmp_path)
    assert handle.server is not None
    client = connect(handle.url)
    assert client.get("kept") == b"yes"
    client.close()
    handle.stop()


def test_of_several_processes_at_once_one_starts_the_server(tmp_path: Path) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(running(OWNER, str(tmp_path))) for _ in range(4)]
        answers_given = [next_line(process).split() for process in processes]
    assert len({(url, pid) for url, _, pid in answers_given}) == 1
    assert sorted(owns for _, owns, _ in answers_given) == ["False", "False", "False", "True"]


def test_a_second_server_on_the_same_folder_is_refused(queue: EmbeddedQueue, tmp_path: Path) -> None:
    with pytest.raises(QueueTaken, match="another process already runs"):
        EmbeddedQueue(tmp_path).start()
    assert answers(queue.url)


def test_the_server_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    server = EmbeddedQueue(tmp_path)
    starter = threading.Thread(target=server.start)
    starter.start()
    starter.join()
    pid = server.pid
    client = connect(server.url)
    # A hundred answers take longer than a signal.
    for number in range(100):
        client.set("number", number)
    assert server.pid == pid
    client.close()
    server.stop()


@pytest.mark.parametrize("name", ["with a space", "ιατρείο 100%?", "x" * 120])
def test_any_folder_will_do(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    with EmbeddedQueue(folder) as server:
        assert find(folder) == server.url
        client = connect(server.url)
        client.set("here", "yes")
        client.close()
        assert any((folder / "queue").glob("appendonlydir/*"))
        socket = Path(unquote(urlsplit(server.url).path))
        assert socket.is_socket()
    assert not socket.exists()
    assert socket.parent == folder / "queue" or not socket.parent.exists()


def test_only_this_user_may_use_the_socket(queue: EmbeddedQueue) -> None:
    socket = Path(unquote(urlsplit(queue.url).path))
    assert socket.stat().st_mode & 0o077 == 0


def test_there_is_nothing_to_find_in_an_empty_or_left_folder(tmp_path: Path) -> None:
    assert find(tmp_path) is None
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue" / "endpoint").write_text("unix:///nowhere/valkey.sock")
    assert find(tmp_path) is None
    (tmp_path / "queue" / "endpoint").write_text("nonsense")
    assert find(tmp_path) is None
