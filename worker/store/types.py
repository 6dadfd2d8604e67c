"""Column types that behave alike on SQLite and PostgreSQL.

Rules
1. An instant is an aware datetime, going in and coming out; what comes out is UTC. A naive one is refused before it reaches the database.
2. JSON is compact. Any text that JSON can hold can be stored in either database: what is not UTF-8 is escaped. A whole number beyond 64 bits comes out as a float.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """A moment: `timestamptz` on PostgreSQL, fixed-width UTC text on SQLite, so that text order is time order. Raises TypeError for a naive datetime."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """The type that the database has for it."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware → what the database keeps."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError(f"{value.isoformat()} has no time zone; give an aware datetime")
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What the database keeps → aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def big_id() -> BigInteger:
    """A 64-bit number that counts itself up when it is the primary key; SQLite knows only its own INTEGER for that."""
    return BigInteger().with_variant(Integer, "sqlite")


def json_type() -> JSON:
    """JSON in which a Python None is NULL."""
    return JSON(none_as_null=True)


# Only what plain JSON is; whatever else looks like it is left to the slow way, which refuses it.
_ONLY: Final = (
    orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_slowly: Final = json.JSONEncoder(separators=(",", ":")).encode


def to_json(value: Any) -> str:
    """The serializer of every JSON column. Raises TypeError for what is no JSON."""
    try:
        return orjson.dumps(value, option=_ONLY).decode()
    except TypeError:
        # Halves of surrogate pairs, whole numbers beyond 64 bits, keys that are no text.
        return _slowly(value)


def from_json(text: str | bytes) -> Any:
    """The value of what `to_json` gave."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """Any text in a form that both databases keep: NUL and halves of surrogate pairs become U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)
