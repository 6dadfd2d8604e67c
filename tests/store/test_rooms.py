"""Published rooms: a version for every change, found again for every run that is pinned to it."""

from __future__ import annotations

from sqlalchemy import Engine

from tests.store.samples import CLINIC, NOW, together
from worker.store import rooms
from worker.store.engine import read, write

FILES = {"config/clinic.yaml": "id: default\n", "journeys/win_back.yaml": "title: Επιστροφή\n"}


def _publish(engine: Engine, files: dict[str, str], version: str = "v1") -> int:
    with write(engine) as conn:
        return rooms.publish(conn, CLINIC, files, NOW, {"win_back": version})


def test_nothing_is_published_at_first(engine: Engine) -> None:
    with read(engine) as conn:
        assert rooms.current_version(conn, CLINIC) is None
        assert rooms.clinic_row(conn, CLINIC) is None
        assert rooms.clinic_ids(conn) == []


def test_the_same_files_make_no_new_version(engine: Engine) -> None:
    assert [_publish(engine, FILES), _publish(engine, dict(reversed(FILES.items())))] == [1, 1]
    assert _publish(engine, {**FILES, "x": ""}) == 2
    assert _publish(engine, FILES) == 3
    with read(engine) as conn:
        assert rooms.current_version(conn, CLINIC) == 3
        assert rooms.files_of(conn, CLINIC, 3) == FILES
        assert rooms.files_of(conn, CLINIC, 2) == {**FILES, "x": ""}
        assert rooms.files_of(conn, CLINIC, 9) is None
        row = rooms.clinic_row(conn, CLINIC)
        assert row is not None
        assert row.rules_version == 3


def test_a_change_that_no_fact_depends_on_keeps_the_rules_version(engine: Engine) -> None:
    _publish(engine, FILES)
    with write(engine) as conn:
        assert rooms.publish(conn, CLINIC, {**FILES, "x": ""}, NOW, {}, same_rules=True) == 2
        row = rooms.clinic_row(conn, CLINIC)
        assert row is not None
        assert row.rules_version == 1


def test_a_version_of_a_journey_is_found_in_the_first_workspace_that_had_it(engine: Engine) -> None:
    _publish(engine, FILES)
    _publish(engine, {**FILES, "x": ""})
    _publish(engine, {**FILES, "y": ""}, "v2")
    with read(engine) as conn:
        assert rooms.journey_source(conn, CLINIC, "win_back", "v1") == 1
        assert rooms.journey_source(conn, CLINIC, "win_back", "v2") == 3
        assert rooms.journey_source(conn, CLINIC, "win_back", "v3") is None


def test_those_who_publish_at_once_get_one_version(engine: Engine) -> None:
    for version in range(1, 11):
        files = {**FILES, "x": str(version)}
        assert together(*[lambda files=files: _publish(engine, files)] * 4) == [version] * 4
    with read(engine) as conn:
        assert rooms.clinic_ids(conn) == [CLINIC]
