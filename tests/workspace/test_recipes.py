"""A journey made from a recipe is the workspace's own: it is clean, its stories hold, and nothing that was there is touched."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.rooms.test_contract_files import FILES
from worker.cli.app import Usage, app, register
from worker.domain.source import Problem, compose
from worker.service.starting import fitted
from worker.service.testing import Teller
from worker.workspace.files import Files, read_folder
from worker.workspace.layout_new import lay_out, sample_rooms, write_rooms
from worker.workspace.needs import UNAPPROVED
from worker.workspace.recipes import CannotMake, Draft, drafted, make, questions, recipes
from worker.workspace.rooms import Rooms, read
from worker.workspace.trees import scalars
from worker.workspace.untranslated import untranslated
from worker.workspace.yaml_text import plain

SAMPLE = sample_rooms()
RECIPES = recipes(SAMPLE)


def whole(files: Files, draft: Draft) -> dict[str, str]:
    return {**files, **draft.files}


def errors(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity == "error"]


def failed(rooms: Rooms, draft: Draft) -> list[str]:
    teller = Teller(rooms)
    stories = [story for story in rooms.stories if story.place.file in draft.new]
    return [story.name for story in stories if not teller.tell(story).passed]


@cache
def foreign(name: str) -> Draft:
    return fitted(make(f"our_{name}", RECIPES[name], {}, SAMPLE, FILES), FILES)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_fits_a_workspace_that_has_the_least(name: str) -> None:
    draft = foreign(name)
    rooms, problems = read(whole(FILES, draft))
    assert errors(problems) == []
    assert rooms is not None
    assert rooms.rules.journeys[f"our_{name}"].status == "draft"
    assert failed(rooms, draft) == []
    told = sum(story.place.file in draft.new for story in rooms.stories)
    assert told > len(draft.left_out)


def test_every_recipe_fits_a_workspace_as_init_lays_it_out_with_all_its_stories(tmp_path: Path) -> None:
    lay_out(tmp_path / "clinic")
    files: Files = read_folder(tmp_path / "clinic")
    before = {(problem.code, problem.message) for problem in read(files)[1]}
    drafts = [drafted(f"our_{name}", RECIPES[name], {}, SAMPLE, files) for name in sorted(RECIPES)]
    assert [draft.changed for draft in drafts if draft.changed] == []
    after = dict(files)
    for draft in drafts:
        after |= draft.new
    rooms, problems = read(after)
    assert [problem for problem in problems if (problem.code, problem.message) not in before] == []
    assert rooms is not None
    for draft in drafts:
        assert failed(rooms, draft) == []
        assert draft.left_out == ()
    told = Counter(story.place.file for story in rooms.stories)
    for name in RECIPES:
        assert told[f"journeys/scenarios/our_{name}.yaml"] == told[f"journeys/scenarios/{name}.yaml"] > 0


def test_stories_that_cannot_hold_here_are_left_out_and_named(tmp_path: Path) -> None:
    code, said = run("new", "journey", "ours", "--from", "birthday", "--yes", "-w", str(clinic(tmp_path)))
    assert code == 0
    said = " ".join(said.split())
    assert (
        "left out the story “Written to in the week before, so there is no greeting”: another journey" in said
    )
    assert "it does not hold with the closed days" in said
    assert dict(foreign("birthday").left_out)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_comments_and_layout_of_the_recipe_stay(name: str) -> None:
    written = foreign(name).new[f"journeys/our_{name}.yaml"].split("\n")
    recipe = RECIPES[name].text.split("\n")
    assert len(written) == len(recipe)
    for ours, theirs in zip(written, recipe, strict=True):
        if ours != theirs:
            same = re.sub(rf"our_{name}\b", name, ours)
            assert (
                same == theirs
                or re.fullmatch(r"status: draft.*", ours)
                or re.fullmatch(r"\s*template: .*", ours)
            )


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_what_was_in_config_stands_there_still(name: str) -> None:
    for path, text in foreign(name).changed.items():
        rest = iter(text.split("\n"))
        assert all(line in rest for line in FILES.get(path, "").rstrip("\n").split("\n")), path
        assert "recipe" in text


def test_nothing_of_the_recipe_is_named_by_its_old_name() -> None:
    for name in RECIPES:
        for path, text in foreign(name).new.items():
            if path.endswith(".yaml"):
                said = [(key, each.value) for key, each in scalars(compose(text, path)[0])]
                assert [
                    each for each in said if each[0] in ("journey", "journeys", "starts") and each[1] == name
                ] == []
                assert [
                    each for each in said if each[0] == "template" and not each[1].startswith(f"our_{name}/")
                ] == []


def test_a_clinic_that_writes_in_a_language_we_do_not_gets_texts_to_translate() -> None:
    clinic = (
        FILES["config/clinic.yaml"]
        .replace("language: en  ", "language: de  ")
        .replace("[en, el]", "[de, el, fr]")
    )
    files = {**FILES, "config/clinic.yaml": clinic}
    draft = make("ours", RECIPES["win_back_12"], {}, SAMPLE, files)
    _, problems = read(whole(files, draft))
    assert errors(problems) == []
    languages = {path.split(".")[2] for path in draft.new if path.startswith("templates/")}
    assert languages == {"de", "el"}
    copied = {path for path in draft.new if ".de." in path}
    assert {problem.file for problem in untranslated(draft.new)} == copied
    assert {problem.severity for problem in untranslated(draft.new)} == {"warning"}
    assert {problem.file for problem in untranslated(draft.new) if problem.line == 1} == {
        path for path in copied if ".sms." in path
    }
    offers = draft.changed["config/offers.yaml"]
    assert "de:" in offers
    assert "fr:" in offers
    assert "en:" not in offers


def test_an_offer_comes_unapproved() -> None:
    draft = foreign("win_back_6")
    offers = plain(compose(draft.changed["config/offers.yaml"], "x")[0])["offers"]
    assert offers
    assert {offer["approved_by"] for offer in offers.values()} == {UNAPPROVED}
    assert not any("approved_on" in offer for offer in offers.values())


def test_a_stage_of_another_lifecycle_comes_as_a_segment_that_means_the_same() -> None:
    lifecycle = "lifecycle:\n  - old: {last_visit: at least 24 months ago}\n  - rest: otherwise\n"
    files = {**FILES, "config/segments.yaml": lifecycle}
    draft = make("ours", RECIPES["win_back_6"], {}, SAMPLE, files)
    text = draft.changed["config/segments.yaml"]
    assert text.startswith(lifecycle)
    stage = plain(compose(text, "x")[0])["segments"]["inactive_6"]
    assert stage["last_visit"] == "at least 6 months ago"
    assert stage["none_of"] == [{"visits": "none"}, {"last_visit": "at least 12 months ago"}]
    fits = fitted(draft, files)
    rooms, _ = read(whole(files, fits))
    assert rooms is not None
    assert failed(rooms, fits) == []
    assert len(fits.left_out) == 1


def test_answers_stand_where_the_recipe_had_its_values() -> None:
    asked = {question.key: question for question in questions(RECIPES["win_back_6"], SAMPLE, SAMPLE)}
    assert asked["title"].default == "Bring back patients we have not seen for six months"
    answers = {
        "title": 'Back: "soon"',
        "send_between": "11:00 - 18:00",
        "priority": "2",
        "send review": "sms",
    }
    draft = drafted("ours", RECIPES["win_back_6"], answers, SAMPLE, SAMPLE)
    tree = plain(compose(draft.new["journeys/ours.yaml"], "x")[0])
    assert (tree["title"], tree["send_between"], tree["priority"]) == ('Back: "soon"', "11:00 - 18:00", "2")
    assert next(step for step in tree["steps"] if step["id"] == "review")["send"] == ["sms"]
    assert not [path for path in draft.new if "/review.email." in path]
    assert draft.differs


@pytest.mark.parametrize(
    ("key", "wrong", "right"),
    [
        ("title", " ", "x"),
        ("send_between", "10 to 12", "10:00 - 12:00"),
        ("priority", "10", "9"),
        ("send review", "fax", "sms, email"),
        ("enters", "nobody", "new"),
    ],
)
def test_an_answer_that_cannot_be_is_asked_again(key: str, wrong: str, right: str) -> None:
    lacking = {**SAMPLE, "config/segments.yaml": FILES["config/segments.yaml"].replace("inactive_6", "away")}
    asked = {question.key: question for question in questions(RECIPES["win_back_6"], SAMPLE, lacking)}
    assert asked[key].wrong(wrong)
    assert not asked[key].wrong(right)


def test_a_clinic_without_sms_writes_by_email_alone() -> None:
    files = {**FILES, "config/channels.yaml": FILES["config/channels.yaml"].replace("sms:", "# sms:")}
    draft = make("ours", RECIPES["new_device"], {}, SAMPLE, files)
    assert not [path for path in draft.new if ".sms." in path]
    assert plain(compose(draft.new["journeys/ours.yaml"], "x")[0])["steps"][0]["send"] == ["email"]


def test_a_clinic_that_cannot_send_a_step_at_all_is_told_so() -> None:
    files = {**FILES, "config/channels.yaml": "{}\n"}
    with pytest.raises(CannotMake, match=r"writes by email or sms, which config/channels.yaml does not have"):
        make("ours", RECIPES["new_device"], {}, SAMPLE, files)


def clinic(folder: Path) -> Path:
    write_rooms(FILES, folder)
    return folder


def run(*words: str, answers: str | None = None) -> tuple[int, str]:
    register()
    result = CliRunner().invoke(app, list(words), input=answers, env={"COLUMNS": "60"})
    if isinstance(result.exception, Usage):
        return 2, str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_the_command_writes_the_journey_and_says_what_comes_next(tmp_path: Path) -> None:
    folder = clinic(tmp_path)
    code, said = run("new", "journey", "ours", "--from", "three_months", "--yes", "-w", str(folder))
    assert code == 0
    for part in (
        "journeys/ours.yaml",
        "journeys/scenarios/ours.yaml",
        "config/segments.yaml",
        "It is a draft",
        "revisit check",
        "revisit test",
    ):
        assert part in said
    rooms, problems = read(read_folder(folder))
    assert errors(problems) == []
    assert rooms is not None
    code, said = run("show", "ours", "-w", str(folder))
    assert code == 0
    assert "ours" in said


def test_a_second_journey_of_that_name_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    folder = clinic(tmp_path)
    assert run("new", "journey", "ours", "--from", "new_device", "--yes", "-w", str(folder))[0] == 0
    before = read_folder(folder)
    code, said = run("new", "journey", "ours", "--from", "new_device", "--yes", "-w", str(folder))
    assert code == 2
    assert "There is a journey `ours` already" in said
    assert read_folder(folder) == before


def test_a_file_that_is_there_already_is_never_overwritten(tmp_path: Path) -> None:
    folder = clinic(tmp_path)
    text = folder / "templates/ours/invitation.sms.en.j2"
    text.parent.mkdir(parents=True)
    text.write_text("mine")
    code, said = run("new", "journey", "ours", "--from", "new_device", "--yes", "-w", str(folder))
    assert code == 2
    assert "templates/ours/invitation.sms.en.j2 is there already" in said
    assert text.read_text() == "mine"
    assert not (folder / "journeys/ours.yaml").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("journey", "Ours!", "--from", "new_device", "--yes"), "Try `ours`"),
        (("journey", "ours", "--from", "newdevice", "--yes"), "Did you mean `new_device`?"),
        (("journey", "ours"), "name one with --from"),
        (("journey",), "Name it"),
    ],
)
def test_what_is_asked_for_wrongly_ends_with_2_and_the_way_out(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    code, text = run("new", *words, "-w", str(clinic(tmp_path)))
    assert code == 2
    assert said in text


def test_the_recipes_are_listed() -> None:
    code, said = run("new", "journey", "--list")
    assert code == 0
    for name in RECIPES:
        assert name in said


def test_questions_are_asked_and_a_wrong_answer_again(tmp_path: Path) -> None:
    folder = clinic(tmp_path)
    answers = "Our new device\n\nsoon\n9:00 - 12:00\n\n\ny\n"
    code, said = run("new", "journey", "ours", "--from", "new_device", "-w", str(folder), answers=answers)
    assert code == 0, said
    assert "For example 10:00 - 19:00." in said
    journey = (folder / "journeys/ours.yaml").read_text(encoding="utf-8")
    assert "title: Our new device\n" in journey
    assert "send_between: 9:00 - 12:00\n" in journey
    assert "move their dates" in said


def test_a_refusal_to_add_to_config_writes_nothing(tmp_path: Path) -> None:
    folder = clinic(tmp_path)
    before = read_folder(folder)
    code, said = run(
        "new", "journey", "ours", "--from", "new_device", "-w", str(folder), answers="\n\n\n\n\nn\n"
    )
    assert code == 2, said
    assert "Nothing was written" in said
    assert read_folder(folder) == before


def test_a_journey_that_is_unknown_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    folder = clinic(tmp_path)
    run("new", "journey", "ours", "--from", "new_device", "--yes", "-w", str(folder))
    assert run("show", "our", "-w", str(folder)) == (2, "There is no journey `our`. Did you mean `ours`?")
    assert run("show", "-w", str(folder))[0] == 0
    code, said = run("show", "ours", "--format", "mermaid", "-w", str(folder))
    assert code == 0
    assert said.startswith("flowchart TD\n")
