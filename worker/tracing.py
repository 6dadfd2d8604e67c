"""Traces in OpenTelemetry's form: what one event caused, across processes and the queue, as one tree with times.

Rules
1. Off unless OTEL_EXPORTER_OTLP_ENDPOINT is set, and then costs one comparison. The libraries are an extra (`traces`) and are loaded only where it is on.
2. The context travels in the options of the queue's messages (`carrier`), so the job that a span queued is its child. What waits in the database for its time begins a new trace.
3. A span holds ids of our own, counts and codes: no patient, no address, no words of an exception.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span, Tracer

log = structlog.get_logger(__name__)
ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
OPTION: Final = "trace"
"""The option of a queue's message that holds the context."""
MISSING: Final = "traces are asked for by OTEL_EXPORTER_OTLP_ENDPOINT, and their libraries are not installed; nothing is traced. Install them: pip install 'revisit[traces]'"

_tracer: Tracer | None = None


def set_up(role: str, environ: Mapping[str, str] = os.environ) -> None:
    """Trace this process where the environment says where to; `role` is its name among the services. Does nothing where it does not say."""
    if not environ.get(ENDPOINT, "").strip():
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning(MISSING)
        return
    trace_with(BatchSpanProcessor(OTLPSpanExporter()), role)


def trace_with(processor: SpanProcessor, role: str) -> None:
    """Trace this process with this processor."""
    global _tracer  # noqa: PLW0603 (one process, one tracer; as with logs, everybody writes to the same)
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    name = os.environ.get("OTEL_SERVICE_NAME", f"revisit-{role}")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(processor)
    _tracer = provider.get_tracer("revisit")


def stop() -> None:
    """Trace no more."""
    global _tracer  # noqa: PLW0603
    _tracer = None


def on() -> bool:
    """Whether this process is traced."""
    return _tracer is not None


def carrier() -> dict[str, str]:
    """The context of now, to be handed to whoever goes on; empty where nothing is traced."""
    if _tracer is None:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    found: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(found)
    return found


@contextmanager
def span(name: str, parent: Mapping[str, str] | None = None, **attributes: str | int) -> Iterator[None]:
    """A span around a piece of work, under `parent` (what a `carrier` said) or else under the span that is open here."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import Status, StatusCode

    with _tracer.start_as_current_span(
        name,
        context=_context(parent),
        attributes={f"revisit.{key}": value for key, value in attributes.items()},
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        try:
            yield
        except BaseException as error:
            # An exception's words may quote a patient; its kind does not.
            opened.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def note(**attributes: str | int) -> None:
    """Say more of the span that is open here."""
    if _tracer is not None:
        found = _current()
        for key, value in attributes.items():
            found.set_attribute(f"revisit.{key}", value)


def trace_id() -> str | None:
    """The trace that is open here as 32 hexadecimal digits, for the log; None where there is none."""
    if _tracer is None:
        return None
    context = _current().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def _current() -> Span:
    from opentelemetry.trace import get_current_span

    return get_current_span()


def _context(parent: Mapping[str, str] | None) -> Any:
    if not parent:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract(dict(parent))
