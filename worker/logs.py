"""Logs: one line an event on stderr, readable on a terminal, JSON elsewhere. No line holds a patient's data, whatever somebody passes to a logger.

Rules
1. Fail closed. A key that is not in `SHAPES` shows numbers, truth values and the names of enumerations; anything else shows its type alone.
2. A key that is known shows what has its shape: ids of our own, codes, names of exceptions, places in the code. What has another shape shows its type.
3. From every text that is shown, whatever looks like an e-mail address or a phone number is taken out.
4. An exception's words may quote what it stumbled over. They are never shown; its kind and the way that it took are.
5. A journey or a template may be named after a treatment, so neither stands in a line that names a message, a patient's run or an answer.
6. Other people's code logs what it likes. Its text is shown where it stands in that code as it is, with the values left out; else the line says who logged, and where. The plumbing
   (`worker.queue`) knows nothing of patients, so it may put values into its text.
7. What no handler caught in a thread is logged in the same way, and not printed.
"""

from __future__ import annotations

import enum
import linecache
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor

Shape = Callable[[Any], bool]

_GONE: Final = "[…]"
_ADDRESS: Final = re.compile(r"\S*@\S*")
_NUMBER: Final = re.compile(r"\+?\(?\d(?:[\s().-]{0,3}\d){6,}")
_LARGEST: Final = 10**9
"""A whole number from here on could be a phone number."""
_NOISY: Final = ("apscheduler", "dramatiq", "alembic", "urllib3", "twilio", "uvicorn.access")
_PLUMBING: Final = "worker.queue"
_FRAMES: Final = 5


def _text(pattern: str) -> Shape:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _places(value: Any) -> bool:
    return _PLACE(value) or (isinstance(value, list) and all(map(_PLACE, value)))


_PLACE: Final = _text(r"\?|[\w<>.-]{1,80}\.py:\d{1,6}(?: [\w<>]{1,80})?")
_CODE: Final = _text(r"[a-z0-9][a-z0-9_.-]{0,47}")
_ID: Final = _text(r"[0-9a-f]{32}|\d{1,9}")
_NAME: Final = _text(r"[a-z0-9][a-z0-9_/.-]{0,119}")

SHAPES: Final[Mapping[str, Shape]] = {
    "clinic": _CODE,
    "message": _ID,
    "patient": _text(r"[a-p]{16}"),
    "enrollment": _text(r"[a-p]{16}"),
    "reply": _ID,
    "receipt": _ID,
    "task": _ID,
    "channel": _text("sms|email"),
    "provider": _text("twilio|sendgrid|console"),
    "outcome": _CODE,
    "state": _CODE,
    "status": _CODE,
    "code": _CODE,
    "kind": _text(r"[a-z][a-z_]{0,30}(?:\.[a-z_]{1,30})?"),
    "path": _text(r"/[a-z]{0,20}"),
    "where": _places,
    "journey": _NAME,
    "template": _NAME,
    "source": _NAME,
    "found": _CODE,
    "set": _text(r"(?:REVISIT|TWILIO|SENDGRID)_[A-Z_]{1,60}"),
    "reason": _text(r"[a-z][a-z0-9 ,:;/()._-]{0,160}"),
    "variable": _text(r"(?:REVISIT|TWILIO|SENDGRID)_[A-Z_]{1,60}"),
    "job": _text("fold|wake|dispatch|reconcile|probe"),
    "trace": _ID,
    "folder": _text(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}"),
    "logger": _text(r"[A-Za-z_][\w.]{0,80}"),
}
"""What a key may show. `error` is besides: the name of an exception that there is."""
_OF_ONE_PATIENT: Final = frozenset({"message", "reply", "receipt", "run", "enrollment", "patient"})
_MAY_NAME_A_TREATMENT: Final = frozenset({"journey", "template"})


def set_up_logging(*, quiet: bool = False) -> None:
    """Log to stderr from now on. `quiet`, or REVISIT_LOG=warning for a child of the demo, leaves out what is no warning."""
    terminal = sys.stderr.isatty()
    renderer: Processor = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # Not cached: in one process that sets logging up again, each logger follows.
        cache_logger_on_first_use=False,
    )
    handler = Handler()
    handler.setFormatter(formatter(renderer))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if quiet or os.environ.get("REVISIT_LOG") == "warning" else logging.INFO)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    threading.excepthook = _thread_failed
    sys.unraisablehook = _nobody_caught


class Handler(logging.StreamHandler[TextIO]):
    """To `stream`, or to stderr. Where a line can't be written, that is said without the line: the library's own handler would print every value."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._follows_stderr = stream is None

    def emit(self, record: logging.LogRecord) -> None:
        """Write to what stderr is now: it may be another one than when logging was set up, and that one closed."""
        if self._follows_stderr:
            self.stream = sys.stderr
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Say that a line is missing, and why."""
        kind = sys.exc_info()[0]
        sys.stderr.write(
            f"a line of {record.name!r} could not be logged ({kind.__name__ if kind else 'unknown'})\n"
        )


def formatter(renderer: Processor) -> logging.Formatter:
    """What turns every record, whoever logged it, into a line that may be read by anybody."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_without_values, *_SHARED],
        pass_foreign_args=True,
        use_get_message=False,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            without_words,
            without_patients,
            renderer,
        ],
    )


def without_words(_logger: object, _name: str, event: EventDict) -> EventDict:
    """An exception becomes its kind and the last steps of the way that it took (rule 4)."""
    found = event.pop("exc_info", None)
    event.pop("stack_info", None)
    found = sys.exc_info() if found is True else found
    if isinstance(found, BaseException):
        found = (type(found), found, found.__traceback__)
    if isinstance(found, tuple) and found[0] is not None:
        event["error"] = found[0].__name__
        event["where"] = [
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(found[2])[-_FRAMES:]
        ]
    return event


def without_patients(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Every value in the form in which it may be shown (rules 1 to 3 and 5)."""
    of_one = not _OF_ONE_PATIENT.isdisjoint(event)
    shown: EventDict = {}
    for number, (key, value) in enumerate(event.items()):
        if key in ("level", "timestamp"):
            shown[key] = value
        elif key == "event":
            shown[key] = scrub(str(value))
        elif of_one and key in _MAY_NAME_A_TREATMENT:
            shown[key] = _type(value)
        else:
            # A key is a word of ours; one that is none may be anything.
            shown[key if key.isidentifier() and key.isascii() and key.islower() else f"key_{number}"] = (
                _shown(key, value)
            )
    return shown


def scrub(text: str) -> str:
    """The text without e-mail addresses and phone numbers."""
    return _NUMBER.sub(_GONE, _ADDRESS.sub(_GONE, text))


def _shown(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        return value.name.lower()
    if isinstance(value, int):
        return value if abs(value) < _LARGEST else _type(value)
    if isinstance(value, float):
        return value if abs(value) < _LARGEST else _type(value)
    if key == "error":
        return value if isinstance(value, str) and _is_exception(value) else _type(value)
    shape = SHAPES.get(key)
    if shape is None or not shape(value):
        return _type(value)
    if shape is _ID or isinstance(value, list):
        return value
    return scrub(value)


def _type(value: object) -> str:
    return f"<{type(value).__name__}>"


@lru_cache(maxsize=512)
def _is_exception(name: str) -> bool:
    left: list[type] = [BaseException]
    while left:
        kind = left.pop()
        if kind.__name__ == name:
            return True
        left += type.__subclasses__(kind)
    return False


# -- what others log ----------------------------------------------------------------------------------------------------------


def _without_values(_logger: object, _name: str, event: EventDict) -> EventDict:
    """A record of a logger that is not structlog's, its text without values (rule 6)."""
    record, args = event.get("_record"), event.pop("positional_args", ())
    if not isinstance(record, logging.LogRecord):
        event["event"] = _type(event.get("event"))
        return event
    event["logger"] = record.name
    if record.name.partition(".")[0] != "worker":
        event["where"] = f"{Path(record.pathname).name}:{record.lineno} {record.funcName}"
    if record.name.startswith(_PLUMBING):
        event["event"] = _with_values(record.msg, args)
        return event
    words = record.msg if isinstance(record.msg, str) else ""
    shown = _stands_in_the_code(words, record.pathname)
    event["event"] = _filled_in(words, args) if shown else "a line whose words are not shown"
    return event


def _with_values(words: Any, args: Any) -> str:
    try:
        return str(words) % args if args else str(words)
    except (TypeError, ValueError, KeyError):
        return str(words)


def _stands_in_the_code(words: str, path: str) -> bool:
    """Whether these words are a text of that file, and so nothing that was put together while it ran."""
    if len(words) < 4 or "\n" in words:
        return False
    source = "".join(linecache.getlines(path))
    return any(f"{quote}{words}{quote}" in source for quote in ('"', "'"))


def _filled_in(words: str, args: Any) -> str:
    if not args:
        return words
    values = args if isinstance(args, Mapping) else tuple(args)
    try:
        if isinstance(values, Mapping):
            return words % {key: _harmless(value) for key, value in values.items()}
        return words % tuple(map(_harmless, values))
    except (TypeError, ValueError, KeyError):
        return words


def _harmless(value: Any) -> Any:
    shown = _shown("", value)
    return _Word(shown) if isinstance(shown, str) else shown


class _Word(str):
    """A text that is shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _thread_failed(found: threading.ExceptHookArgs) -> None:
    if found.exc_type is not SystemExit:
        _LOG.error("a thread has failed", exc_info=(found.exc_type, found.exc_value, found.exc_traceback))


def _nobody_caught(found: Any) -> None:
    _LOG.error("an exception went unheard", exc_info=(found.exc_type, found.exc_value, found.exc_traceback))


_SHARED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
_LOG: Final = structlog.get_logger(__name__)
