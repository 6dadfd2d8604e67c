"""The rooms of each clinic as published: every process reads them from here, never from a folder. And the imports that are open.

A version of a workspace is its files, whole; the same files again make no new one. A version of a journey is found again in the first workspace that had it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select, update

from worker.store.schema import clinics, events, imports, journey_versions, workspace_versions
from worker.store.sql import among, insert, many


@dataclass(frozen=True, slots=True)
class ClinicRow:
    """A clinic: the version of the rules in force, and when its systems were last heard."""

    clinic: str
    rules_version: int
    feed_seen_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Import:
    """An import of a clinic's history that is under way."""

    id: int
    clinic: str
    opened_at: datetime
    what: str


def publish(
    conn: Connection,
    clinic: str,
    files: Mapping[str, str],
    at: datetime,
    journeys: Mapping[str, str],
    *,
    same_rules: bool = False,
) -> int:
    """Put a workspace in force: its files by path, the version of each journey by name. Returns its number, the current one where nothing changed.

    `same_rules`: no patient's facts depend on what changed, so nobody needs to be brought up to it.
    """
    blank = insert(conn, clinics).values(clinic_id=clinic, rules_version=0, created_at=at)
    conn.execute(blank.on_conflict_do_nothing())
    # One at a time: the clinic's row is the lock.
    conn.execute(select(clinics.c.clinic_id).where(clinics.c.clinic_id == clinic).with_for_update())
    c = workspace_versions.c
    last = conn.execute(
        select(c.version, c.digest).where(c.clinic_id == clinic).order_by(c.version.desc()).limit(1)
    ).one_or_none()
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    if last is not None and last.digest == digest:
        return int(last.version)
    version = 1 if last is None else int(last.version) + 1
    row = {
        "clinic_id": clinic,
        "version": version,
        "published_at": at,
        "files": dict(files),
        "digest": digest,
    }
    conn.execute(workspace_versions.insert().values(row))
    rows = [
        {"clinic_id": clinic, "journey": name, "version": pinned, "workspace_version": version}
        for name, pinned in journeys.items()
    ]
    many(conn, insert(conn, journey_versions).on_conflict_do_nothing(), rows)
    if not same_rules:
        conn.execute(update(clinics).where(clinics.c.clinic_id == clinic).values(rules_version=version))
    return version


def current_version(conn: Connection, clinic: str) -> int | None:
    """The number of the workspace in force, without its files."""
    c = workspace_versions.c
    version: int | None = conn.execute(select(func.max(c.version)).where(c.clinic_id == clinic)).scalar_one()
    return version


def files_of(conn: Connection, clinic: str, version: int) -> dict[str, str] | None:
    """The files of one version of a workspace."""
    c = workspace_versions.c
    return conn.execute(
        select(c.files).where(c.clinic_id == clinic, c.version == version)
    ).scalar_one_or_none()


def journey_source(conn: Connection, clinic: str, journey: str, version: str) -> int | None:
    """The version of the workspace that holds this version of a journey."""
    c = journey_versions.c
    which = (c.clinic_id == clinic, c.journey == journey, c.version == version)
    return conn.execute(select(c.workspace_version).where(*which)).scalar_one_or_none()


def clinic_ids(conn: Connection) -> list[str]:
    """All clinics, sorted."""
    return sorted(conn.execute(select(clinics.c.clinic_id)).scalars())


def clinic_row(conn: Connection, clinic: str) -> ClinicRow | None:
    """What is known of a clinic."""
    c = clinics.c
    row = conn.execute(
        select(c.clinic_id, c.rules_version, c.feed_seen_at, c.created_at).where(c.clinic_id == clinic)
    ).one_or_none()
    return None if row is None else ClinicRow(*row)


def open_import(conn: Connection, clinic: str, at: datetime, what: str) -> int:
    """An import begins: from now on time changes no patient of this clinic. Returns its number."""
    statement = imports.insert().values(clinic_id=clinic, opened_at=at, what=what).returning(imports.c.id)
    number: int = conn.execute(statement).scalar_one()
    return number


def close_import(conn: Connection, clinic: str, number: int, at: datetime) -> bool:
    """The import is done; False where it was not open."""
    c = imports.c
    statement = (
        update(imports)
        .where(c.id == number, c.clinic_id == clinic, c.closed_at.is_(None))
        .values(closed_at=at)
    )
    return conn.execute(statement).rowcount == 1


def loaded(conn: Connection, clinic: str, number: int, last_seq: int) -> None:
    """All events of an import are accepted; the greatest of their numbers is `last_seq`. It closes when they are folded."""
    conn.execute(
        update(imports).where(imports.c.id == number, imports.c.clinic_id == clinic).values(last_seq=last_seq)
    )


def imports_done(conn: Connection) -> list[Import]:
    """Open imports whose events have all been folded or put aside."""
    return [Import(*row) for row in conn.execute(_IMPORTS_DONE)]


def open_imports(conn: Connection, clinic: str | None = None) -> list[Import]:
    """The imports under way, of one clinic or of all, the oldest first."""
    c = imports.c
    statement = select(c.id, c.clinic_id, c.opened_at, c.what).where(c.closed_at.is_(None)).order_by(c.id)
    if clinic is not None:
        statement = statement.where(c.clinic_id == clinic)
    return [Import(*row) for row in conn.execute(statement)]


def _imports_done() -> Select[Any]:
    c, e = imports.c, events.c
    waiting = (
        select(e.seq).where(e.clinic_id == c.clinic_id, among(e.state, "new"), e.seq <= c.last_seq).exists()
    )
    return select(c.id, c.clinic_id, c.opened_at, c.what).where(
        c.closed_at.is_(None), c.last_seq.is_not(None), ~waiting
    )


_IMPORTS_DONE: Final = _imports_done()
