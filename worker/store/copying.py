"""Many rows written at once: COPY on PostgreSQL, one prepared INSERT on SQLite.

Rules
1. Every row has the same columns. Rows of which some may be there are read by the statement that inserts them: from one parameter (`packed`), or, where they are a lot, from a table of this transaction alone (`aside`).
2. A value is written as its column would write it; an instant without a zone is refused.
3. Few rows are not worth it: they are written one by one in one go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from sqlalchemy import JSON, Column, Connection, Dialect, Table
from sqlalchemy.exc import DBAPIError

from worker.store.types import Instant, to_json

FEW: Final = 50
"""Fewer rows are written one by one."""
A_LOT: Final = 1000
"""More rows are not one parameter."""
BLOCK: Final = 500
"""So many rows are handed over at once."""

_SPECIAL: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_ODD: Final = re.compile(r"[\\\t\n\r]")
_NULL: Final = "\\N"


def copies(conn: Connection) -> bool:
    """Whether the database has COPY."""
    return bool(conn.dialect.name == "postgresql")


def copy(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, into: str = "") -> None:
    """Write rows that are not there yet. `into`: the name of another table with these columns (PostgreSQL). Raises what a statement would."""
    if not rows:
        return
    if not copies(conn):
        conn.execute(table.insert(), rows)
        return
    names = list(rows[0])
    ways = [(name, _way(table.c[name])) for name in names]
    said = f"COPY {into or table.name} ({', '.join(names)}) FROM STDIN"
    driver: Any = conn.dialect.dbapi
    raw: Any = conn.connection.driver_connection
    try:
        with raw.cursor() as cursor, cursor.copy(said) as out:
            for start in range(0, len(rows), BLOCK):
                part = rows[start : start + BLOCK]
                out.write("".join(["\t".join([way(row[name]) for name, way in ways]) + "\n" for row in part]))
    except driver.Error as error:
        # Whoever asks whether the database is away asks for the errors of statements.
        raise DBAPIError.instance(said, None, error, driver.Error) from error


@contextmanager
def aside(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The name of a table that this transaction alone sees, with these rows of `table`, numbered from 0 by `n` in their order (PostgreSQL)."""
    name = f"aside_{table.name}"
    columns = ", ".join(rows[0])
    conn.exec_driver_sql(_MAKE.format(name=name, columns=columns, table=table.name))
    copy(conn, table, rows, into=name)
    yield name
    conn.exec_driver_sql(f"DROP TABLE {name}")


_MAKE: Final = """
CREATE TEMP TABLE {name} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA;
ALTER TABLE {name} ADD n integer GENERATED ALWAYS AS IDENTITY (MINVALUE 0)
"""


def rows_of(columns: Sequence[Column[Any]], dialect: Dialect) -> str:
    """What stands behind FROM where rows come as the parameter `:rows` (PostgreSQL, `packed`): as `w`, numbered from 1 by `n` in their order. JSON comes as text."""
    kinds = [
        f"{one.name} {'text' if isinstance(one.type, JSON) else one.type.compile(dialect)}" for one in columns
    ]
    names = ", ".join(one.name for one in columns)
    return f"ROWS FROM (json_to_recordset(CAST(:rows AS json)) AS ({', '.join(kinds)})) WITH ORDINALITY AS w ({names}, n)"


def packed(columns: Sequence[Column[Any]], rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as one parameter."""
    ways = [(one.name, _packing(one)) for one in columns]
    return to_json([{name: way(row[name]) for name, way in ways} for row in rows])


def _packing(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, JSON):
        return lambda value: None if value is None else to_json(value)
    return _instants() if isinstance(column.type, Instant) else _itself


def _itself(value: Any) -> Any:
    return value


def _way(column: Column[Any]) -> Callable[[Any], str]:
    """How a value of the column is written."""
    if isinstance(column.type, JSON):
        return _json
    if not isinstance(column.type, Instant):
        return _plain
    instant = _instants()
    return lambda value: _NULL if value is None else instant(value)


def _instants() -> Callable[[datetime | None], Any]:
    """How instants are written. They mostly come again and again: the last one's text is kept."""
    last: datetime | None = None
    text: str | None = None

    def instant(value: datetime | None) -> str | None:
        nonlocal last, text
        if value is not last:
            if value is not None and value.tzinfo is None:
                raise TypeError(f"{value.isoformat()} has no time zone; give an aware datetime")
            last, text = value, None if value is None else value.isoformat()
        return text

    return instant


def _json(value: Any) -> str:
    return _NULL if value is None else to_json(value).replace("\\", "\\\\")


def _plain(value: Any) -> str:
    if value is None:
        return _NULL
    text = str(value)
    return text if text.isalnum() or _ODD.search(text) is None else text.translate(_SPECIAL)
