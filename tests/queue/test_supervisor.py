"""Children kept running, and stopped together."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from tests.eventually import alive, eventually
from tests.queue.scripts import next_line, running, said

# The tests may run where these are ignored, as under nohup, and then so would the supervisor.
SUPERVISOR = """
import signal, sys
for number in (signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_DFL)
from worker.queue.supervisor import Child, Supervisor
argv = (sys.executable, "-u", "-c", sys.argv[1])
Supervisor([Child(name, argv) for name in sys.argv[3:]], grace=float(sys.argv[2])).run()
print("ended well")
"""
SAY_PID = 'import os, signal; os.write(1, b"%d\\n" % os.getpid())\n'
KIND = SAY_PID + "signal.pause()"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SAY_PID + "while True: signal.pause()"
)
POLITE = """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"finished\\n"), os._exit(0)))
os.write(1, b"%d\\n" % os.getpid())
while True: signal.pause()
"""


@contextmanager
def supervising(
    program: str, *names: str, grace: float = 30
) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    with running(SUPERVISOR, program, str(grace), *names) as process:
        yield process, [int(next_line(process)) for _ in names]


def test_a_killed_child_is_started_again_and_the_other_left_alone() -> None:
    with supervising(KIND, "one", "two") as (supervisor, pids):
        os.kill(pids[0], signal.SIGKILL)
        fresh = int(next_line(supervisor))
        assert fresh not in pids
        assert alive(fresh)
        assert alive(pids[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_lets_the_children_finish_and_ends_well(number: signal.Signals) -> None:
    with supervising(POLITE, "one", "two") as (supervisor, pids):
        supervisor.send_signal(number)
        assert [next_line(supervisor) for _ in range(3)] == ["finished", "finished", "ended well"]
        assert supervisor.wait(10) == 0
        assert not any(alive(pid) for pid in pids)


def test_a_child_that_does_not_stop_is_killed_after_the_grace() -> None:
    with supervising(STUBBORN, "one", grace=0.3) as (supervisor, pids):
        supervisor.terminate()
        assert supervisor.wait(10) == 0
        assert not alive(pids[0])


def test_a_second_signal_kills_at_once() -> None:
    with supervising(STUBBORN, "one", grace=600) as (supervisor, pids):
        supervisor.terminate()
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait(10) == 0
        assert not alive(pids[0])


def test_the_children_end_with_a_killed_supervisor() -> None:
    with supervising(STUBBORN, "one", "two") as (supervisor, pids):
        supervisor.kill()
        eventually(lambda: not any(alive(pid) for pid in pids), timeout=5)


def test_the_children_stay_in_its_process_group() -> None:
    with supervising(KIND, "one") as (supervisor, pids):
        assert os.getpgid(pids[0]) == os.getpgid(supervisor.pid)


def test_a_child_that_always_ends_is_started_ever_more_slowly() -> None:
    with running(SUPERVISOR, "print('started')", "1", "one") as process:
        starts = []
        for _ in range(4):
            assert said(process).readline() == "started\n"
            starts.append(time.monotonic())
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert gaps[2] > gaps[1] > gaps[0] > 0.2
