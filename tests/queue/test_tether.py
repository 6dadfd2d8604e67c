"""Children that cannot outlive their parent, by the kernel's signal and by the pipe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.eventually import alive, eventually
from tests.queue.scripts import next_line, running
from worker.queue.tether import Tie, spawn

STUBBORN = (
    "import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.write(1, b'up\\n'); signal.pause()"
)
PARENT = """
import os, signal, sys
from worker.queue.tether import spawn
child = spawn([sys.executable, "-c", sys.argv[2]], tie=sys.argv[1])
os.write(1, b"%d\\n" % child.pid)
signal.pause()
"""

TIES = ["prctl", "pipe"] if sys.platform == "linux" else ["pipe"]


@pytest.mark.parametrize("tie", TIES)
def test_a_child_ends_with_a_killed_parent(tie: Tie) -> None:
    with running(PARENT, tie, STUBBORN) as parent:
        lines = {next_line(parent), next_line(parent)}
        (pid,) = [int(line) for line in lines if line != "up"]
        assert alive(pid)
        parent.kill()
        eventually(lambda: not alive(pid), timeout=5)


@pytest.mark.parametrize("tie", TIES)
def test_a_child_ends_with_its_own_code_and_leaves_its_output_closed(tie: Tie) -> None:
    child = spawn(
        [sys.executable, "-c", "print('said'); raise SystemExit(7)"], stdout=subprocess.PIPE, tie=tie
    )
    output, _ = child.communicate(timeout=10)
    assert (output, child.returncode) == (b"said\n", 7)


def test_a_child_stays_in_our_process_group_and_does_not_hear_an_interrupt() -> None:
    child = spawn(
        [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"],
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    assert os.getpgid(child.pid) == os.getpgid(0)
    child.send_signal(signal.SIGINT)
    child.terminate()
    assert child.wait(10) == -signal.SIGTERM
    child.stdout.close()


def test_a_command_that_does_not_exist_ends_with_127() -> None:
    child = spawn(["no-such-command-here"], stderr=subprocess.PIPE)
    _, error = child.communicate(timeout=10)
    assert child.returncode == 127
    assert b"cannot start no-such-command-here: No such file" in error
