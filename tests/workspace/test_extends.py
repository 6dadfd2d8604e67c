"""`extends`: an agency's shared rooms beneath a clinic's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rooms.bad_files import small_clinic
from worker.domain.source import Problem
from worker.workspace.extends import Gathered, only_extends, text_at
from worker.workspace.files import read_folder
from worker.workspace.layout_new import NothingShared, lay_out, write_rooms
from worker.workspace.rooms import load, read
from worker.workspace.written import seen

CLINIC = "config/clinic.yaml"


def clinic_yaml(extends: str, **changes: str) -> str:
    text = small_clinic()[CLINIC]
    for old, new in changes.items():
        text = text.replace(old, new)
    return f"extends: {extends}\n{text}"


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """A clinic whose folder holds clinic.yaml alone; all else lies in the shared rooms."""
    shared = {path: text for path, text in small_clinic().items() if path != CLINIC}
    write_rooms(shared, tmp_path / "agency-rooms")
    write_rooms({CLINIC: clinic_yaml("../agency-rooms")}, tmp_path / "athens")
    return tmp_path / "athens"


def codes(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(one.code, one.file) for one in problems]


def test_what_a_clinic_lacks_comes_from_the_folder_that_it_extends(clinic: Path) -> None:
    files = read_folder(clinic)
    rooms, problems = read(files)
    assert problems == []
    assert rooms is not None
    assert rooms.rules.journeys.keys() == load(small_clinic()).rules.journeys.keys()
    assert dict(files).keys() == small_clinic().keys()


def test_the_clinics_own_file_wins(clinic: Path) -> None:
    own = read_folder(clinic)["journeys/hello.yaml"].replace("title: ", "title: Our own ")
    write_rooms({"journeys/hello.yaml": own}, clinic)
    files = read_folder(clinic)
    assert files["journeys/hello.yaml"] == own
    assert files["config/segments.yaml"] == small_clinic()["config/segments.yaml"]


def test_an_email_of_ones_own_wins_in_either_form_and_a_journey_leaves_the_shared_stories_out(
    clinic: Path,
) -> None:
    shared = clinic.parent / "agency-rooms"
    assert (shared / "templates/hello.email.en.md").is_file()
    assert (shared / "journeys/scenarios/hello.yaml").is_file()
    write_rooms(
        {"templates/hello.email.en.mjml": "<mjml></mjml>", "journeys/hello.yaml": "journey: hello\n"}, clinic
    )
    files = read_folder(clinic)
    assert "templates/hello.email.en.md" not in files
    assert "journeys/scenarios/hello.yaml" not in files


def test_a_problem_names_the_file_where_it_stands(clinic: Path) -> None:
    path = clinic.parent / "agency-rooms" / "config" / "channels.yaml"
    path.write_text("sms: {provider: pigeon, from: x}\n" + "fax: {}\n")
    files = read_folder(clinic)
    rooms, problems = read(files)
    assert rooms is None
    assert {one.file for one in problems if one.code.startswith("shape-")} == {
        "../agency-rooms/config/channels.yaml"
    }
    assert text_at(files, "../agency-rooms/config/channels.yaml").startswith("sms: {provider: pigeon")


def test_shared_rooms_may_extend_others_and_the_nearest_wins(clinic: Path) -> None:
    base, shared = clinic.parent / "base-rooms", clinic.parent / "agency-rooms"
    offers = (shared / "config" / "offers.yaml").read_text()
    write_rooms({"config/offers.yaml": offers, "config/segments.yaml": "lifecycle: []\n"}, base)
    (shared / "config" / "offers.yaml").unlink()
    write_rooms({CLINIC: "extends: ../base-rooms\n"}, shared)
    files = read_folder(clinic)
    assert read(files)[1] == []
    assert files["config/offers.yaml"] == offers
    assert files.stands["config/offers.yaml"] == "../base-rooms/config/offers.yaml"
    assert files.stands["config/segments.yaml"] == "../agency-rooms/config/segments.yaml"
    assert only_extends((shared / CLINIC).read_text())
    assert not only_extends(files[CLINIC])


def test_a_circle_is_told_where_it_closes(clinic: Path) -> None:
    write_rooms({CLINIC: "extends: ../athens\n"}, clinic.parent / "agency-rooms")
    rooms, problems = read(read_folder(clinic))
    assert rooms is None
    assert codes(problems) == [("extends-cycle", "../agency-rooms/config/clinic.yaml")]


@pytest.mark.parametrize("name", ["../shared", "../athens/.."])
def test_a_folder_that_is_not_there_or_not_beside_is_told_and_nothing_is_put_in_force(
    clinic: Path, name: str
) -> None:
    write_rooms({**small_clinic(), CLINIC: clinic_yaml(name)}, clinic)
    files = read_folder(clinic)
    rooms, problems = read(files)
    assert rooms is None
    assert codes(problems) == [("extends-missing" if name == "../shared" else "extends-outside", CLINIC)]
    assert (problems[0].line, problems[0].column) == (1, 10)
    assert read(files.over({"config/policy.yaml": "{}\n"}))[0] is None


def test_a_shared_folder_does_not_lead_out_of_its_neighbourhood(clinic: Path) -> None:
    write_rooms({CLINIC: "extends: ../../etc\n"}, clinic.parent / "agency-rooms")
    assert codes(read(read_folder(clinic))[1]) == [("extends-outside", "../agency-rooms/config/clinic.yaml")]


def test_what_was_merged_needs_no_folder_when_it_is_read_again(clinic: Path) -> None:
    stored = dict(read_folder(clinic))
    assert not isinstance(stored, Gathered)
    assert load(stored).rules.journeys


def test_a_change_of_a_shared_file_is_seen_as_one_of_the_clinics(clinic: Path) -> None:
    before = seen(clinic)
    assert "../agency-rooms/journeys/hello.yaml" in before
    (clinic.parent / "agency-rooms" / "journeys" / "hello.yaml").write_text("journey: hello\n")
    after = seen(clinic)
    assert {name for name in after if after[name] != before[name]} == {"../agency-rooms/journeys/hello.yaml"}


def test_init_lays_out_only_what_the_shared_rooms_lack(clinic: Path, tmp_path: Path) -> None:
    (tmp_path / "agency-rooms" / "config" / "channels.yaml").unlink()
    lay_out(tmp_path / "patras", "../agency-rooms")
    own = sorted(
        path.relative_to(tmp_path / "patras").as_posix() for path in (tmp_path / "patras").rglob("*.yaml")
    )
    assert own == ["config/channels.yaml", CLINIC]
    files = read_folder(tmp_path / "patras")
    assert files.chain == (tmp_path / "agency-rooms",)
    assert "journeys/hello.yaml" in files
    with pytest.raises(NothingShared, match=r"\.\./nowhere"):
        lay_out(tmp_path / "volos", "../nowhere")
