"""A backup is one moment of the system, can be put back on a fresh machine, and cannot make anybody be written to twice."""

from __future__ import annotations

import io
import json
import sqlite3
import stat
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

from tests.web.site import MONDAY, Site, a_person, a_site, an_event
from worker.queue import pulse
from worker.queue.client import connect
from worker.queue.embedded import EmbeddedQueue
from worker.service.backing_up import KEYS, NotPossible, back_up, restore
from worker.settings import Settings
from worker.store import pauses
from worker.store.engine import read
from worker.workspace.layout_new import sample_rooms, write_rooms

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)


def place(folder: Path) -> Settings:
    """Where a system keeps its things: `folder`/clinic and `folder`/data."""
    (folder / "clinic").mkdir(parents=True, exist_ok=True)
    data = folder / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    return Settings(
        workspace=folder / "clinic", data_dir=data, database_url=f"sqlite:///{data / 'revisit.db'}"
    )


@pytest.fixture
def old(tmp_path: Path) -> Iterator[tuple[Settings, Site]]:
    """A system that runs, with a patient under way."""
    settings = place(tmp_path / "old")
    write_rooms(sample_rooms(), settings.workspace)
    _ = (settings.secret_key, settings.api_token)
    with a_site(settings.database_url, tmp_path) as site:
        site.post(an_event(1, patient=a_person()))
        site.live()
        yield settings, site


def rows(settings: Settings, table: str) -> int:
    with closing(sqlite3.connect(settings.data_dir / "revisit.db")) as raw:
        return int(raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_what_was_backed_up_while_it_ran_is_there_again_on_a_fresh_machine(
    old: tuple[Settings, Site], tmp_path: Path
) -> None:
    settings, site = old
    target = tmp_path / "away" / "backup.tar.gz"
    made = back_up(settings, target, NOW)
    assert (made.key, made.files > 50) == (True, True)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    # What comes after it is not in it.
    site.post(an_event(2, subject="p-2"))
    site.live()

    new = place(tmp_path / "new")
    held, paused = restore(new, target, NOW, over=False, go_on=False)
    assert (held, paused >= 1) == (made, True)
    assert [rows(new, table) for table in ("events", "patients")] == [1, 1]
    assert rows(settings, "events") == 2
    assert {name: (new.data_dir / name).read_text() for name in KEYS} == {
        "secret_key": settings.secret_key + "\n", "api_token": settings.api_token + "\n",
    }  # fmt: skip
    assert {stat.S_IMODE((new.data_dir / name).stat().st_mode) for name in (*KEYS, "revisit.db")} == {0o600}
    before = {
        p.relative_to(settings.workspace): p.read_bytes()
        for p in settings.workspace.rglob("*")
        if p.is_file()
    }
    after = {p.relative_to(new.workspace): p.read_bytes() for p in new.workspace.rglob("*") if p.is_file()}
    assert before == after
    assert sorted(path.name for path in new.data_dir.iterdir()) == ["api_token", "revisit.db", "secret_key"]


def test_after_a_restore_nothing_leaves_that_may_have_left_before(
    old: tuple[Settings, Site], tmp_path: Path
) -> None:
    settings, site = old
    back_up(settings, tmp_path / "b", NOW)
    site.set_clock(MONDAY + timedelta(days=3))
    site.live()
    assert len(list(site.outbox.glob("*.eml"))) == 1, "it left after the backup was made"

    for go_on, left in ((False, 0), (True, 1)):
        new = place(tmp_path / f"new-{go_on}")
        restore(new, tmp_path / "b", NOW, over=False, go_on=go_on)
        (tmp_path / f"out-{go_on}").mkdir()
        with a_site(new.database_url, tmp_path / f"out-{go_on}", published=False) as again:
            again.set_clock(MONDAY + timedelta(days=3))
            again.live()
            sent = list(again.outbox.glob("*.eml"))
            assert len(sent) == left, go_on
            with read(again.house.engine) as conn:
                assert bool(pauses.paused(conn, "default")) is not go_on


def test_what_is_there_is_not_replaced_without_being_asked(
    old: tuple[Settings, Site], tmp_path: Path
) -> None:
    settings, _ = old
    back_up(settings, tmp_path / "b", NOW)
    new = place(tmp_path / "new")
    (new.workspace / "journeys").mkdir()
    (new.workspace / "journeys/mine.yaml").write_text("mine")
    with pytest.raises(NotPossible, match="--yes"):
        restore(new, tmp_path / "b", NOW, over=False, go_on=False)
    assert (new.workspace / "journeys/mine.yaml").read_text() == "mine"
    assert list(new.data_dir.iterdir()) == []
    restore(new, tmp_path / "b", NOW, over=True, go_on=False)
    assert not (new.workspace / "journeys/mine.yaml").exists()


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def test_what_is_no_backup_is_refused_and_changes_nothing(old: tuple[Settings, Site], tmp_path: Path) -> None:
    settings, _ = old
    whole = tmp_path / "b"
    back_up(settings, whole, NOW)
    manifest = json.dumps(
        {"format": 1, "made_at": NOW.isoformat(), "revision": "0001", "files": 0, "key": True}
    ).encode()
    bad = [
        tmp_path / "nothing",
        archive(tmp_path / "up", {"workspace/config/../../../evil": b"x", "manifest.json": manifest}),
        archive(tmp_path / "root", {"/etc/evil": b"x"}),
        archive(tmp_path / "other", {"data/other": b"x"}),
        archive(tmp_path / "no-database", {"manifest.json": manifest}),
        archive(tmp_path / "not-sqlite", {"manifest.json": manifest, "data/revisit.db": b"no database" * 99}),
        archive(tmp_path / "later", {"manifest.json": manifest.replace(b'"format": 1', b'"format": 2')}),
    ]
    short = tmp_path / "short"
    short.write_bytes(whole.read_bytes()[:-200])
    text = tmp_path / "text"
    text.write_text("hello")
    new = place(tmp_path / "new")
    for path in (*bad, short, text):
        with pytest.raises(NotPossible):
            restore(new, path, NOW, over=True, go_on=False)
        assert (list(new.data_dir.iterdir()), list(new.workspace.iterdir())) == ([], []), path


def test_a_backup_of_a_newer_version_is_refused(old: tuple[Settings, Site], tmp_path: Path) -> None:
    settings, _ = old
    with closing(sqlite3.connect(settings.data_dir / "revisit.db")) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.commit()
    back_up(settings, tmp_path / "b", NOW)
    with pytest.raises(NotPossible, match="newer version"):
        restore(place(tmp_path / "new"), tmp_path / "b", NOW, over=False, go_on=False)


def test_what_can_not_be_backed_up_is_told_with_the_way(tmp_path: Path) -> None:
    settings = place(tmp_path)
    with pytest.raises(NotPossible, match="no database"):
        back_up(settings, tmp_path / "b", NOW)
    postgres = replace(settings, database_url="postgresql+psycopg://x@/y")
    for do in (
        lambda: back_up(postgres, tmp_path / "b", NOW),
        lambda: restore(postgres, tmp_path / "b", NOW, over=True, go_on=True),
    ):
        with pytest.raises(NotPossible, match="pg_dump"):
            do()
    assert not (tmp_path / "b").exists()


def test_a_system_that_runs_is_not_restored_over(tmp_path: Path, valkey_url: str) -> None:
    from worker.cli.backup import refuse_running

    settings = place(tmp_path)
    refuse_running(settings)
    with EmbeddedQueue(settings.data_dir), pytest.raises(typer.Exit):
        refuse_running(settings)
    refuse_running(settings)
    named = replace(settings, redis_url=valkey_url)
    refuse_running(named)
    client = connect(valkey_url)
    pulse.beat(client, 0.1, 0)
    client.close()
    with pytest.raises(typer.Exit):
        refuse_running(named)


def test_the_key_of_the_environment_is_not_written_down(old: tuple[Settings, Site], tmp_path: Path) -> None:
    settings, _ = old
    (settings.data_dir / "secret_key").unlink()
    made = back_up(replace(settings, given_secret_key="from the environment"), tmp_path / "b", NOW)
    assert not made.key
    with tarfile.open(tmp_path / "b") as tar:
        assert "data/secret_key" not in tar.getnames()


def test_shared_rooms_beside_a_workspace_and_a_folder_of_workspaces_are_put_back_where_they_lay(
    old: tuple[Settings, Site], tmp_path: Path
) -> None:
    settings, _ = old
    top = settings.workspace.parent
    write_rooms({"journeys/shared.yaml": "# of the agency\n"}, top / "agency/rooms")
    clinic = settings.workspace / "config/clinic.yaml"
    clinic.write_text(f"extends: ../agency/rooms\n{clinic.read_text()}")
    shared = "agency/rooms/journeys/shared.yaml"

    back_up(settings, tmp_path / "one", NOW)
    new = place(tmp_path / "new")
    restore(new, tmp_path / "one", NOW, over=False, go_on=True)
    assert (new.workspace.parent / shared).read_text() == "# of the agency\n"

    many = replace(settings, workspaces=top)
    back_up(many, tmp_path / "many", NOW)
    with pytest.raises(NotPossible, match="--workspaces"):
        restore(place(tmp_path / "alone"), tmp_path / "many", NOW, over=False, go_on=True)
    assert not (tmp_path / "alone" / "clinic" / "config").exists()
    again = place(tmp_path / "again")
    with pytest.raises(NotPossible, match="--workspace DIR"):
        restore(replace(again, workspaces=tmp_path / "again"), tmp_path / "one", NOW, over=False, go_on=True)
    restore(replace(again, workspaces=tmp_path / "again"), tmp_path / "many", NOW, over=False, go_on=True)
    assert (tmp_path / "again" / shared).is_file()
    assert (again.workspace / "config/clinic.yaml").read_text() == clinic.read_text()
