"""Serving: a taken port is said in words, and a stop lets what is under way finish."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import urllib3
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from worker.web.serve import PortTaken, WebServer, serve

SCRIPT = """
from starlette.applications import Starlette
from worker.web.serve import serve
serve(Starlette(), "127.0.0.1", 0, on_ready=lambda url: print(url, flush=True))
print("returned", flush=True)
"""


def test_a_port_that_is_taken_is_told_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"^port {port} is in use; choose another with --port$"):
            serve(Starlette(), "127.0.0.1", port)


def test_an_address_that_is_not_this_machines_is_told() -> None:
    with pytest.raises(PortTaken, match="--host"):
        serve(Starlette(), "192.0.2.1", 0)


def test_a_stop_lets_the_request_under_way_finish() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(_: Request) -> PlainTextResponse:
        begun.set()
        assert go_on.wait(20)
        return PlainTextResponse("done")

    ready = threading.Event()
    server = WebServer(Starlette(routes=[Route("/", slow)]), "127.0.0.1", 0, lambda _: ready.set())
    running = threading.Thread(target=server.serve_until_stopped)
    running.start()
    assert ready.wait(20)
    answers: list[int] = []
    with urllib3.PoolManager(retries=False) as pool:
        asking = threading.Thread(target=lambda: answers.append(pool.request("GET", server.url).status))
        asking.start()
        assert begun.wait(20)
        server.stop()
        go_on.set()
        asking.join(20)
    running.join(20)
    assert (answers, running.is_alive()) == ([200], False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_it_returns(number: signal.Signals) -> None:
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("http://127.0.0.1:")
        child.send_signal(number)
        assert child.stdout.read() == "returned\n"
        assert child.wait(20) == 0
