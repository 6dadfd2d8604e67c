"""`/metrics`: the figures of the house in Prometheus's text format, and this process's own.

Rules
1. One table, `METRICS`, says what there is; the reference, the alerts and the dashboard are compared with it.
2. No patient, address, text or treatment is in it. Who may read it is a matter of where it is let through (docs/how-to/operate.md).
3. Nothing global: each application has a registry of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.service.figures import Figure

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


class Described(NamedTuple):
    """A metric: what it is, and its labels."""

    kind: str
    help: str
    labels: tuple[str, ...] = ()


METRICS: Final[Mapping[str, Described]] = {
    "revisit_up": Described("gauge", "1 where this part could be read, 0 where not", ("part",)),
    "revisit_clinics": Described("gauge", "clinics that are served"),
    "revisit_queue_messages": Described("gauge", "messages on a queue: waiting, or held by a worker", ("queue", "state")),
    "revisit_queue_oldest_seconds": Described("gauge", "how long the message at the head of a queue has waited", ("queue",)),
    "revisit_ticker_heartbeat_seconds": Described("gauge", "time since a ticker ended a sweep"),
    "revisit_sweep_seconds": Described("gauge", "how long the last sweep took"),
    "revisit_sweep_due": Described("gauge", "how much was due in the last sweep"),
    "revisit_events_waiting": Described("gauge", "events accepted and not folded yet, 50,000 at most"),
    "revisit_events_oldest_seconds": Described("gauge", "how long the first of them has waited"),
    "revisit_due": Described("gauge", "what is due and not taken up yet: patients, steps, messages; 50,000 at most", ("kind",)),
    "revisit_due_lag_seconds": Described("gauge", "how long the oldest of them has been due", ("kind",)),
    "revisit_quarantined_recent": Described("gauge", "events of 24 hours that were refused at the door, or failed to be folded", ("kind",)),
    "revisit_messages_unknown": Described("gauge", "messages of which nobody knows whether they left"),
    "revisit_messages_claimed": Described("gauge", "messages being sent now"),
    "revisit_claims_expired": Described("gauge", "claims whose sender was not heard of again, not yet given up"),
    "revisit_messages_recent": Described("gauge", "messages decided within 15 minutes, by what became of them", ("state", "channel", "code")),
    "revisit_reports_recent": Described("gauge", "reports of providers within 15 minutes", ("provider", "status")),
    "revisit_report_lag_seconds": Described("gauge", "from what a provider reports to its report, within 15 minutes: the median and the longest", ("provider", "quantile")),
    "revisit_feed_age_seconds": Described("gauge", "time since the clinic's system was heard of", ("clinic",)),
    "revisit_senders_paused": Described("gauge", "senders that are paused because their provider refuses", ("channel",)),
    "revisit_journeys_paused": Described("gauge", "journeys that are paused, by a person or by the system"),
    "revisit_public_address_failing": Described("gauge", "clinics whose public address did not answer; their marketing waits"),
    "revisit_imports_open": Described("gauge", "imports that are open; while one is, time changes nobody of its clinic"),
    "revisit_tasks_late": Described("gauge", "tasks of people that are past their time"),
    "revisit_decisions_total": Described("counter", "decisions written down, by what was decided", ("what",)),
    "revisit_provider_calls_total": Described("counter", "calls to providers, by how they ended", ("channel", "provider", "outcome", "code")),
    "revisit_provider_seconds_total": Described("counter", "time spent in these calls", ("channel", "provider")),
    "revisit_jobs_total": Described("counter", "jobs done by workers", ("kind", "outcome")),
    "revisit_job_ids_total": Described("counter", "events, patients and messages in these jobs", ("kind",)),
    "revisit_job_seconds_total": Described("counter", "time spent in these jobs", ("kind",)),
    "revisit_sweeps_failed_total": Described("counter", "sweeps that failed: the database or the queue was away"),
    "revisit_other_total": Described("counter", "what would have been too many different counters"),
    "revisit_http_requests_total": Described("counter", "requests to this process", ("route", "status")),
    "revisit_http_seconds": Described("histogram", "how long they took", ("route",)),
}  # fmt: skip
"""Every metric of ours. `process_…` of this process are besides, as the client library names them."""
_ROUTES: Final = frozenset({"events", "u", "r", "webhooks", "sources", "healthz", "readyz", "metrics"})
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What one application tells a monitoring system."""

    def __init__(self, figures: Callable[[], Sequence[Figure]]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Collected(figures))
        ProcessCollector(registry=self._registry)
        self._requests = self._own_counter("revisit_http_requests_total")
        described = METRICS["revisit_http_seconds"]
        self._seconds = Histogram(
            "revisit_http_seconds",
            described.help,
            described.labels,
            registry=self._registry,
            buckets=_BUCKETS,
        )

    def text(self) -> bytes:
        """Everything, in Prometheus's text format."""
        return generate_latest(self._registry)

    def request(self, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._requests.labels(route, f"{status // 100}xx").inc()
        self._seconds.labels(route).observe(seconds)

    def _own_counter(self, name: str) -> Counter:
        described = METRICS[name]
        return Counter(name, described.help, described.labels, registry=self._registry)


class Counted:
    """Wraps the application and counts its requests."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            self._metrics.request(route_of(str(scope.get("path", ""))), status, time.perf_counter() - began)


def route_of(path: str) -> str:
    """The first part of a path that we serve; `/` for the page and `other` for what is not there: a path is bounded by nobody, and may hold a key."""
    first = path.lstrip("/").partition("/")[0]
    if not first:
        return "/"
    return f"/{first}" if first in _ROUTES else "other"


class _Collected(Collector):
    def __init__(self, figures: Callable[[], Sequence[Figure]]) -> None:
        self._figures = figures

    def describe(self) -> Iterable[Metric]:
        """Nothing: to be asked is to look, and nobody has asked yet."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The figures, metric by metric."""
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for figure in self._figures():
            described = METRICS.get(figure.name)
            # Another version of the program may share the queue's server and count what this one does not know.
            if described is None or set(described.labels) != set(figure.labels):
                continue
            if figure.name not in families:
                family = GaugeMetricFamily if described.kind == "gauge" else CounterMetricFamily
                families[figure.name] = family(figure.name, described.help, labels=described.labels)
            families[figure.name].add_metric(
                [figure.labels[label] for label in described.labels], figure.value
            )
        return families.values()
