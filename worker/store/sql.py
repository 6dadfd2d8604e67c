"""The few pieces of SQL that every query here shares."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ARRAY,
    JSON,
    BindParameter,
    ColumnElement,
    Connection,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    case,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy import table as lightweight
from sqlalchemy.dialects import postgresql, sqlite

from worker.store.copying import A_LOT, FEW, aside, copies, copy, packed, rows_of
from worker.store.types import to_json

T = TypeVar("T")

PACKED: Final = ":rows"
"""Rows that come as one parameter."""
CHUNK: Final = 1000
"""How many values go into one statement's list; both databases take many more, with every other parameter."""


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The values in lists of at most `size`, in order."""
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part


def listed(conn: Connection, column: ColumnElement[T], values: Sequence[T]) -> ColumnElement[bool]:
    """The column is one of these values, given as one parameter: the statement stays the same however many there are, so that it is put together and prepared once."""
    if conn.dialect.name == "postgresql":
        return column == any_(bindparam(None, list(values), type_=ARRAY(column.type)))
    each = func.json_each(bindparam(None, to_json(list(values)), type_=Text)).table_valued("value")
    return column.in_(select(each.c.value))


def insert(conn: Connection, table: Table) -> postgresql.Insert:
    """An INSERT that knows `ON CONFLICT`; both databases spell it alike."""
    return _insert(conn.dialect.name, table)


def _insert(dialect: str, table: Table) -> postgresql.Insert:
    found: Any = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    statement: postgresql.Insert = found
    return statement


def many(conn: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run a statement for all rows at once; for none, not at all."""
    if rows:
        conn.execute(statement, rows)


def free(table: Table, wall: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Rows that nobody is at work on."""
    return or_(table.c.queued_until.is_(None), table.c.queued_until <= wall)


def among(column: ColumnElement[str], *states: str) -> ColumnElement[bool]:
    """The column is one of these constants, spelled out in the statement: a partial index is only used for what is known when the statement is planned."""
    if len(states) == 1:
        return column == literal(states[0], literal_execute=True)
    return column.in_(bindparam(None, list(states), expanding=True, literal_execute=True))


def by_bytes(conn: Connection, column: ColumnElement[str]) -> ColumnElement[str]:
    """The column to order by, so that the database sorts as Python does; locks are taken in one order everywhere."""
    return column.collate("C") if conn.dialect.name == "postgresql" else column


def upsert(
    conn: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    wakes: Sequence[str] = (),
    keep: Collection[str] = (),
) -> None:
    """Insert rows or overwrite those that are there. Where one of the columns `wakes` changes, the row is free to be taken again; columns in `keep` stay as they were."""
    if not rows:
        return
    dialect, names = conn.dialect.name, tuple(rows[0])
    if len(rows) < FEW or not copies(conn):
        conn.execute(_upsert(dialect, table, names, tuple(wakes), tuple(keep)), rows)
        return
    # One statement changes a row once; of two the later one holds, as it would one after the other.
    keys = [key.name for key in table.primary_key]
    last = list({tuple([row[key] for key in keys]): row for row in rows}.values())
    if len(last) <= A_LOT:
        given = {"rows": packed([table.c[name] for name in names], last)}
        conn.execute(_upsert(dialect, table, names, tuple(wakes), tuple(keep), PACKED), given)
        return
    with aside(conn, table, last) as name:
        conn.execute(_upsert(dialect, table, names, tuple(wakes), tuple(keep), name))


def add(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that are not there yet."""
    if len(rows) < FEW:
        many(conn, table.insert(), rows)
    else:
        copy(conn, table, rows)


def add_missing(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those of these rows that are not there yet."""
    if not rows:
        return
    if len(rows) < FEW or not copies(conn):
        conn.execute(insert(conn, table).on_conflict_do_nothing(), rows)
        return
    names = tuple(rows[0])
    if len(rows) <= A_LOT:
        given = {"rows": packed([table.c[name] for name in names], rows)}
        conn.execute(_missing(conn.dialect.name, table, names, PACKED), given)
        return
    with aside(conn, table, rows) as name:
        conn.execute(_missing(conn.dialect.name, table, names, name))


@lru_cache(maxsize=64)
def _missing(dialect: str, table: Table, names: tuple[str, ...], other: str) -> Any:
    return _from(_insert(dialect, table), table, names, other).on_conflict_do_nothing()


def _from(statement: postgresql.Insert, table: Table, names: Sequence[str], other: str) -> postgresql.Insert:
    """The statement with the rows of another table, or of its parameter (`PACKED`), in the order in which they were given."""
    if other == PACKED:
        columns = [table.c[name] for name in names]
        wanted = [
            f"CAST(w.{one.name} AS json)" if isinstance(one.type, JSON) else f"w.{one.name}"
            for one in columns
        ]
        there: Any = text(rows_of(columns, postgresql.dialect()))  # type: ignore[no-untyped-call]
        rows: Any = select(*(literal_column(one) for one in wanted)).select_from(there).order_by(text("w.n"))
    else:
        far = lightweight(other, *(column(name) for name in (*names, "n")))
        rows = select(*(far.c[name] for name in names)).order_by(far.c.n)
    found: postgresql.Insert = statement.from_select(list(names), rows)
    return found


@lru_cache(maxsize=64)
def _upsert(
    dialect: str,
    table: Table,
    names: tuple[str, ...],
    wakes: tuple[str, ...],
    keep: tuple[str, ...],
    other: str = "",
) -> Any:
    """Putting the statement together costs more than running it, and there are only a few of them."""
    statement = _insert(dialect, table)
    if other:
        statement = _from(statement, table, names, other)
    keys = [column.name for column in table.primary_key]
    changed: dict[str, Any] = {
        name: statement.excluded[name] for name in names if name not in keys and name not in keep
    }
    if wakes:
        same = and_(*(table.c[name].is_not_distinct_from(statement.excluded[name]) for name in wakes))
        changed["queued_until"] = case((same, table.c.queued_until), else_=None)
        changed["tries"] = case((same, table.c.tries), else_=0)
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)
