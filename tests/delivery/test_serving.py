"""Many clinics from one folder: each is put in force by itself, and what is wrong with one is no other's trouble."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.desk import FILES
from worker.service.serving import Keeper, Served
from worker.settings import Settings, SettingsError
from worker.store import rooms
from worker.store.engine import make_engine, read
from worker.wiring import publish_first
from worker.workspace.house import House
from worker.workspace.layout_new import write_rooms

CLINIC = "config/clinic.yaml"


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    engine = make_engine(database_url)
    yield House(engine, "secret", "http://localhost")
    engine.dispose()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    for name in ("athens", "patras"):
        lay(tmp_path / "clinics", name)
    return tmp_path / "clinics"


def lay(top: Path, name: str, clinic: str | None = None) -> None:
    text = f"id: {clinic or name}\n{FILES[CLINIC]}"
    write_rooms({**FILES, CLINIC: text}, top / name)


def edit(path: Path, text: str) -> None:
    """A save that is seen, however coarse the file system's clock."""
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before + 1_000_000_000, before + 1_000_000_000))


def versions(house: House) -> dict[str, int | None]:
    with read(house.engine) as conn:
        return {clinic: rooms.current_version(conn, clinic) for clinic in rooms.clinic_ids(conn)}


def told(served: list[Served]) -> dict[str, tuple[str, int | None, bool, bool]]:
    return {one.folder.name: (one.clinic, one.version, one.changed, one.broken) for one in served}


def looking(house: House, top: Path) -> Keeper:
    return Keeper(house, top, share=0)


def test_every_folder_is_put_in_force_and_looked_at_again_only_when_it_changes(
    house: House, top: Path
) -> None:
    (top / "notes").mkdir()
    keeper = looking(house, top)
    assert told(keeper.look()) == {"athens": ("athens", 1, True, False), "patras": ("patras", 1, True, False)}
    assert keeper.look() == []
    edit(top / "patras" / "config" / "policy.yaml", "{}\n")
    assert told(keeper.look()) == {"patras": ("patras", 2, True, False)}
    assert versions(house) == {"athens": 1, "patras": 2}


def test_one_that_is_broken_keeps_what_was_in_force_and_the_others_are_served(
    house: House, top: Path
) -> None:
    keeper = looking(house, top)
    keeper.look()
    edit(top / "athens" / "journeys" / "hello.yaml", "journey: [\n")
    edit(top / "patras" / "config" / "policy.yaml", "{}\n")
    served = keeper.look()
    assert told(served) == {"athens": ("athens", 1, False, True), "patras": ("patras", 2, True, False)}
    assert served[0].problems[0].file == "journeys/hello.yaml"
    with read(house.engine) as conn:
        assert house.rooms(conn, "athens").rules.journeys.keys() == {"hello"}
    edit(top / "athens" / "journeys" / "hello.yaml", FILES["journeys/hello.yaml"] + "# right again\n")
    os.utime(top / "athens" / "journeys" / "hello.yaml", ns=(1, 1))
    assert told(keeper.look()) == {"athens": ("athens", 2, True, False)}


def test_two_folders_with_one_id_are_named_both_and_the_clinic_stays_as_it_was(
    house: House, top: Path
) -> None:
    keeper = looking(house, top)
    keeper.look()
    lay(top, "volos", "athens")
    edit(top / "volos" / "config" / "policy.yaml", "{}\n")
    served = keeper.look()
    assert told(served) == {"athens": ("athens", 1, False, True), "volos": ("athens", 1, False, True)}
    for one in served:
        (problem,) = one.problems
        assert (problem.code, problem.file, problem.line, problem.column) == ("clinic-twice", CLINIC, 1, 5)
        assert "athens/ and volos/" in problem.message
    assert versions(house) == {"athens": 1, "patras": 1}
    edit(top / "volos" / CLINIC, f"id: volos\n{FILES[CLINIC]}")
    assert told(keeper.look()) == {"athens": ("athens", 1, False, False), "volos": ("volos", 1, True, False)}


def test_a_folder_that_comes_is_served_and_one_that_goes_takes_nothing_with_it(
    house: House, top: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = looking(house, top)
    keeper.look()
    lay(top, "volos")
    shutil.rmtree(top / "patras")
    assert told(keeper.look()) == {"volos": ("volos", 1, True, False)}
    assert keeper.look() == []
    assert versions(house) == {"athens": 1, "patras": 1, "volos": 1}
    with read(house.engine) as conn:
        assert house.rooms(conn, "patras").rules.journeys


def test_a_change_of_shared_rooms_is_put_in_force_for_every_clinic_that_extends_them(
    house: House, top: Path
) -> None:
    journey = top / "patras" / "journeys" / "hello.yaml"
    for name in ("athens", "patras"):
        (top / name / "journeys" / "hello.yaml").unlink()
        edit(top / name / CLINIC, f"id: {name}\nextends: ../agency-rooms\n{FILES[CLINIC]}")
    write_rooms({"journeys/hello.yaml": FILES["journeys/hello.yaml"]}, top / "agency-rooms")
    keeper = looking(house, top)
    assert set(told(keeper.look())) == {"athens", "patras"}
    edit(
        top / "agency-rooms" / "journeys" / "hello.yaml",
        FILES["journeys/hello.yaml"].replace("3 days", "2 days"),
    )
    assert told(keeper.look()) == {"athens": ("athens", 2, True, False), "patras": ("patras", 2, True, False)}
    assert not journey.exists()
    with read(house.engine) as conn:
        assert "journeys/hello.yaml" in (rooms.files_of(conn, "patras", 2) or {})


def test_who_leads_anew_puts_in_force_what_was_edited_meanwhile_and_nothing_else(
    house: House, top: Path
) -> None:
    looking(house, top).look()
    edit(top / "athens" / "config" / "policy.yaml", "{}\n")
    assert told(looking(house, top).look()) == {
        "athens": ("athens", 2, True, False),
        "patras": ("patras", 1, False, False),
    }


def test_who_no_longer_leads_when_it_comes_to_the_commit_puts_nothing_in_force(
    house: House, top: Path
) -> None:
    looking(house, top).look()
    edit(top / "athens" / "config" / "policy.yaml", "{}\n")
    served = Keeper(house, top, lambda: False, share=0).look()
    assert not any(one.changed for one in served)
    assert versions(house) == {"athens": 1, "patras": 1}


def test_where_every_workspace_is_broken_a_role_says_so(house: House, top: Path) -> None:
    for name in ("athens", "patras"):
        edit(top / name / "config" / "segments.yaml", "lifecycle: 1\n")
    settings = Settings.from_env({}, workspaces=top)
    with pytest.raises(SettingsError, match="none of the workspaces"):
        publish_first(settings, house)
    edit(top / "patras" / "config" / "segments.yaml", FILES["config/segments.yaml"])
    publish_first(settings, house)
    assert versions(house) == {"patras": 1}


def test_where_the_data_of_several_lies(top: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    many = Settings.from_env({}, workspaces=top)
    assert (many.workspaces, many.data_dir) == (top, top / ".revisit")
    env = {"REVISIT_WORKSPACES": str(top)}
    assert Settings.from_env(env).workspaces == top
    one = Settings.from_env(env, workspace=top / "athens")
    assert (one.workspaces, one.workspace, one.data_dir) == (None, top / "athens", top / ".revisit")
    other = Settings.from_env(env, workspace=tmp_path)
    assert other.data_dir == tmp_path / ".revisit"
    monkeypatch.chdir(top / "athens")
    assert Settings.from_env(env).workspace == top / "athens"
    with pytest.raises(SettingsError, match="REVISIT_WORKSPACES"):
        Settings.from_env({"REVISIT_WORKSPACES": str(top / "gone")})
