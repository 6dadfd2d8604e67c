"""One event is one trace: from the request that brought it, over the queue, to the call that sent its message."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.web.site import MONDAY, a_person, a_site, an_event
from worker import tracing
from worker.actors import Queue, declare
from worker.delivery.counted import CountedChannels
from worker.delivery.senders import Credentials
from worker.queue.broker import make_broker, run_worker
from worker.queue.watched import Watched
from worker.workspace.house import uncounted

AT_ONCE = """
journey: at_once
owner: marketing
status: live
purpose: care
start: {event: visit.completed}
send_between: 00:00 - 24:00
steps:
  - {id: thanks, send: [email], template: first_visit_care/how_are_you}
"""


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.trace_with(SimpleSpanProcessor(exporter), "test")
    yield exporter
    tracing.stop()


def test_one_event_is_one_trace_from_the_request_to_the_call_of_the_provider(
    sqlite_url: str, tmp_path: Path, valkey_url: str, spans: InMemorySpanExporter
) -> None:
    mine = {"journeys/at_once.yaml": AT_ONCE, "config/policy.yaml": "{}"}
    with a_site(sqlite_url, tmp_path, rooms=mine) as site:
        queue = Queue(make_broker(valkey_url))
        queue.broker.add_middleware(Watched(uncounted))
        nobody = Credentials(None, None, "http://127.0.0.1:9", None, "http://127.0.0.1:9")
        channels = CountedChannels(nobody, tmp_path / "outbox", None, uncounted)
        declare(queue, site.house, channels)
        site.on_jobs = queue.put
        event = an_event(1, at=MONDAY, patient=a_person(first_name="Zenobia"))
        assert site.post(event).status == 202
        run_worker(queue.broker, threads=2, drain=True, stop=threading.Event(), idle_ms=5)
        channels.close()
        queue.broker.close()
    found = {span.name: span for span in spans.get_finished_spans()}
    assert set(found) == {"POST /events", "fold", "dispatch", "call console"}
    assert len({span.context.trace_id for span in found.values() if span.context}) == 1
    order = ["POST /events", "fold", "dispatch", "call console"]
    for above, below in itertools.pairwise(order):
        assert _parent(found[below]) == _id(found[above]), below
    told = " ".join(f"{span.name} {span.attributes}" for span in found.values())
    assert not [word for word in ("Zenobia", "@", "example", "p-1", "at_once") if word in told]
    assert (found["call console"].attributes or {})["revisit.outcome"] == "accepted"


def _id(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def _parent(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent is not None else None


def test_the_words_of_an_exception_are_in_no_span(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="Zenobia"), tracing.span("fold", clinic="default"):
        raise ValueError("Zenobia could not be folded")
    (span,) = spans.get_finished_spans()
    assert (span.status.description, list(span.events)) == ("ValueError", [])


def test_nothing_is_traced_or_loaded_where_nobody_asked_for_it() -> None:
    code = """
import sys
from worker import tracing
tracing.set_up("web", {})
with tracing.span("x", a=1):
    assert tracing.carrier() == {} and tracing.trace_id() is None and not tracing.on()
import worker.actors, worker.web.app
print([name for name in sys.modules if name.startswith("opentelemetry.sdk.trace")])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.returncode) == ("[]", 0), run.stderr


def test_where_the_libraries_are_missing_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
    monkeypatch.setattr(tracing.log, "warning", said.append)
    tracing.set_up("web", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
    assert not tracing.on()
    assert "pip install 'revisit[traces]'" in said[0]
