"""A backup of the embedded default as one file, and back: the database, the workspace or workspaces with the folders that they extend, and the keys of the data directory.

Rules
1. The database is copied by SQLite's own backup while the system runs: one moment of it, whole.
2. The queue is not in it: the sweeper fills it from the database.
3. What is restored is read to its end and checked before anything is touched, and takes the place of what is there all at once, file by file.
4. A backup does not know what left after it. So every journey is paused when it is restored, and a person resumes what is safe; by then the sends of those hours are too late and say so.
5. The file holds patients' data and the key of every hash: only its owner can read it.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from sqlalchemy import make_url

from worker.settings import Settings
from worker.store import pauses
from worker.store.engine import make_engine, write
from worker.store.migrate import newest
from worker.workspace.files import NoWorkspace, read_folder

FORMAT: Final = 1
DATABASE: Final = "revisit.db"
KEYS: Final = ("secret_key", "api_token")
ROOMS: Final = ("config", "journeys", "templates")
ONE, BESIDE, MANY = "workspace", "beside", "workspaces"
"""The places of rooms in a backup: a clinic's own folder, those that it extends, and all of a folder of workspaces."""
WHY: Final = "the system was restored from a backup; what left after it was taken is not known here. Compare with the provider's list, then resume"


class NotPossible(Exception):
    """It can't be done as things are; the message says why, and the way out."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds. `key` says whether the secret key is in it: one that comes from the environment is not."""

    made_at: datetime
    revision: str
    files: int
    key: bool


def back_up(settings: Settings, target: Path, now: datetime) -> Backup:
    """Write the backup. Raises NotPossible; a target that is there is replaced when the new one is whole."""
    database = _database(settings)
    if not database.is_file():
        raise NotPossible(f"there is no database at {database} yet, so there is nothing to back up")
    rooms = {
        f"{name}/{path.relative_to(folder).as_posix()}": path
        for name, folder in _folders(settings).items()
        for part in ROOMS
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    }
    keys = [path for name in KEYS if (path := settings.data_dir / name).is_file()]
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".revisit-backup-", dir=target.parent) as folder:
        copy, fresh = Path(folder) / DATABASE, Path(folder) / "backup"
        _copy(database, copy)
        made = Backup(now, _revision(copy), len(rooms), settings.given_secret_key is None and bool(keys))
        told = {
            "format": FORMAT, "made_at": now.isoformat(), "revision": made.revision, "key": made.key, "files": len(rooms),
        }  # fmt: skip
        with (
            _private(fresh) as file,
            tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as tar,
        ):
            _add(tar, "manifest.json", json.dumps(told).encode())
            tar.add(copy, f"data/{DATABASE}")
            for path in keys:
                tar.add(path, f"data/{path.name}")
            for name, path in rooms.items():
                tar.add(path, name)
        with fresh.open("rb") as whole:
            os.fsync(whole.fileno())
        fresh.replace(target)
    return made


def restore(
    settings: Settings, source: Path, now: datetime, *, over: bool, go_on: bool
) -> tuple[Backup, int]:
    """Put a backup in place; returns what it held and how many journeys were paused. `over` lets it take the place of what is there; `go_on` pauses nothing.

    The caller has made sure that nothing runs. Raises NotPossible; then nothing was changed.
    """
    database = _database(settings)
    settings.make_data_dir()
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.data_dir) as folder:
        held = _unpack(source, Path(folder))
        rooms = _rooms(settings, Path(folder), source)
        there = [str(path) for path in (database, *rooms) if path.exists()]
        if there and not over:
            raise NotPossible(
                f"there is something already: {', '.join(there)}. It would be lost; back it up first, then add --yes"
            )
        copy = Path(folder) / "data" / DATABASE
        _check(copy, source)
        paused = 0 if go_on else _pause(copy, now)
        for suffix in ("-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        copy.replace(database)
        for name in KEYS:
            kept = Path(folder) / "data" / name
            if kept.is_file():
                kept.chmod(0o600)
                kept.replace(settings.data_dir / name)
        for mine, its in rooms.items():
            if mine.exists():
                shutil.rmtree(mine)
            if its.is_dir():
                shutil.copytree(its, mine)
        # What lies on the queue is of another time; the sweeper fills it anew.
        shutil.rmtree(settings.data_dir / "queue", ignore_errors=True)
    return held, paused


def _folders(settings: Settings) -> dict[str, Path]:
    """The folders that hold rooms, by their place in a backup: the workspace and what it extends, which lies beside it; or all that lie in the folder of workspaces."""
    top = settings.workspaces
    if top is not None:
        holding = {path.parent for part in ROOMS for path in top.glob(f"**/{part}") if path.is_dir()}
        known = {folder: folder.relative_to(top) for folder in sorted(holding)}
        return {f"{MANY}/{at.as_posix()}": folder for folder, at in known.items() if not any(part.startswith(".") or part in ROOMS for part in at.parts)}  # fmt: skip
    try:
        chain = read_folder(settings.workspace).chain
    except (NoWorkspace, OSError):
        chain = ()
    return {
        ONE: settings.workspace,
        **{f"{BESIDE}/{Path(os.path.relpath(folder, settings.workspace.parent)).as_posix()}": folder for folder in chain},
    }  # fmt: skip


def _rooms(settings: Settings, unpacked: Path, source: Path) -> dict[Path, Path]:
    """Where each folder of rooms is to be, and where it was unpacked."""
    if settings.workspaces is None and (unpacked / MANY).is_dir():
        raise NotPossible(
            f"{source} holds a folder of many workspaces; say where they shall lie: --workspaces DIR"
        )
    if settings.workspaces is not None and (unpacked / ONE).is_dir():
        raise NotPossible(f"{source} holds one clinic's workspace; say where it shall lie: --workspace DIR")
    tops = {ONE: settings.workspace, BESIDE: settings.workspace.parent, MANY: settings.workspaces}
    return {
        top / its.relative_to(unpacked / name): its
        for name, top in tops.items()
        if top is not None
        for part in ROOMS
        for its in sorted((unpacked / name).glob(f"**/{part}"))
        if its.is_dir() and not set(its.relative_to(unpacked).parts[:-1]) & set(ROOMS)
    }


def _database(settings: Settings) -> Path:
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite":
        raise NotPossible(
            "REVISIT_DATABASE_URL is a PostgreSQL database: back it up and restore it with pg_dump and pg_restore, and keep REVISIT_SECRET_KEY and the workspace beside it"
        )
    return settings.data_dir / (url.database or DATABASE)


def _copy(database: Path, copy: Path) -> None:
    copy.touch(mode=0o600)
    with (
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy)) as made,
    ):
        source.backup(made)
        # The copy is read as it is, wherever it is put: one file, without a log beside it.
        made.execute("PRAGMA journal_mode=DELETE")


def _revision(database: Path) -> str:
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as raw:
            (found,) = raw.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(found)
    except (sqlite3.DatabaseError, TypeError) as error:
        raise NotPossible(f"{database.name} is no database of Revisit's") from error


def _check(database: Path, source: Path) -> None:
    found = _revision(database)
    if found > newest():
        raise NotPossible(
            f"{source} was made by a newer version (tables {found}, this program's are {newest()}); install that version to restore it"
        )
    with closing(sqlite3.connect(database)) as raw:
        if raw.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            raise NotPossible(f"the database in {source} is damaged; take another backup")


def _pause(database: Path, now: datetime) -> int:
    """Pause every journey. A database of an earlier version has had no table for that; it is migrated first."""
    from worker.store.migrate import upgrade

    engine = make_engine(f"sqlite:///{database}")
    try:
        upgrade(engine)
        with write(engine) as conn:
            return pauses.pause_all(conn, code="restored", why=WHY, actor="revisit", at=now)
    finally:
        engine.dispose()
        with closing(sqlite3.connect(database)) as raw:
            raw.execute("PRAGMA journal_mode=DELETE")


def _unpack(source: Path, folder: Path) -> Backup:
    try:
        with tarfile.open(source, "r:gz") as tar:
            for member in tar:
                _take(tar, member, folder, source)
        told: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if told["format"] != FORMAT or not (folder / "data" / DATABASE).is_file():
            raise NotPossible(f"{source} is a backup of another kind; install the version that made it")
        return Backup(
            datetime.fromisoformat(told["made_at"]).astimezone(UTC),
            told["revision"],
            told["files"],
            told["key"],
        )
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError) as error:
        raise NotPossible(
            f"{source} can't be read as a backup of Revisit's; it may be damaged or cut short"
        ) from error


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, source: Path) -> None:
    """One file, by the names that a backup has and no other: an archive may name any place of the machine."""
    parts = Path(member.name).parts
    known = parts in {("manifest.json",), ("data", DATABASE), *(("data", name) for name in KEYS)} or (
        len(parts) > 2 and _holds_rooms(parts) and ".." not in parts
    )
    content = tar.extractfile(member) if known and member.isreg() else None
    if content is None:
        raise NotPossible(
            f"{source} holds {member.name!r}, which no backup of Revisit's has; nothing was restored"
        )
    path = folder.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    with content, _private(path) if parts[0] == "data" else path.open("xb") as file:
        shutil.copyfileobj(content, file)


def _holds_rooms(parts: tuple[str, ...]) -> bool:
    """Whether it lies in a folder of rooms, as `_folders` names them."""
    within = next((place for place, part in enumerate(parts) if part in ROOMS), len(parts))
    return (
        0 < within < len(parts) - 1 and (parts[0] == ONE) == (within == 1) and parts[0] in (ONE, BESIDE, MANY)
    )


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def _private(path: Path) -> BinaryIO:
    """A new file that only its owner can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
