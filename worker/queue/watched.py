"""Every job of a worker watched: counted and timed, traced under whoever queued it, and named in each line that is logged while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

import structlog
from dramatiq import Broker, MessageProxy, Middleware

from worker import tracing


class Watched(Middleware):
    """A middleware of the broker. `count` is told of each job: a counter's name, an amount, labels."""

    def __init__(self, count: Callable[..., None]) -> None:
        self._count = count
        self._running: dict[str, tuple[float, ExitStack]] = {}

    def before_process_message(self, _broker: Broker, message: MessageProxy) -> None:
        """A job begins, in the thread that does it."""
        stack = ExitStack()
        clinic, ids = message.args
        stack.enter_context(
            tracing.span(message.actor_name, message.options.get(tracing.OPTION), clinic=clinic, ids=len(ids))
        )
        said = {"job": message.actor_name, "clinic": clinic}
        trace = tracing.trace_id()
        if trace is not None:
            said["trace"] = trace
        stack.enter_context(structlog.contextvars.bound_contextvars(**said))
        self._running[message.message_id] = (time.perf_counter(), stack)

    def after_process_message(
        self,
        _broker: Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """It has ended."""
        began, stack = self._running.pop(message.message_id, (None, None))
        if began is None or stack is None:
            return
        kind = message.actor_name
        self._count("jobs", kind=kind, outcome="failed" if exception is not None else "done")
        self._count("job_ids", len(message.args[1]), kind=kind)
        self._count("job_seconds", time.perf_counter() - began, kind=kind)
        if exception is not None:
            tracing.note(failed=type(exception).__name__)
        stack.close()

    def after_skip_message(self, _broker: Broker, message: MessageProxy) -> None:
        """It was not begun after all."""
        _, stack = self._running.pop(message.message_id, (None, None))
        if stack is not None:
            stack.close()
