"""Stories: what they say is what happens, a story that is wrong fails, and its mistakes are told with their place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

import worker.cli.testing  # noqa: F401  (registers `test`)
from worker.cli.app import Usage, app
from worker.domain import gate
from worker.domain.events import EVENT_TYPES
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Problem
from worker.domain.stories import COMPLETE, Expectation, Moment, Story
from worker.domain.stories.file import DROPS, ENDS, EVENTS, PERSON, SETTINGS, STORIES, VERBS
from worker.service.testing import Outcome, Teller, judge
from worker.service.testing_report import failure, gaps, reason
from worker.workspace.files import read_folder
from worker.workspace.layout_new import write_rooms
from worker.workspace.rooms import Rooms, read
from worker.workspace.stories import read_stories
from worker.workspace.templates import Templates

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "stories"
BAD = sorted((HERE / "bad").glob("*.yaml"))


@cache
def rooms(folder: Path = HERE / "rooms") -> Rooms:
    found, problems = read(read_folder(folder))
    assert found is not None, [problem for problem in problems if problem.severity == "error"]
    return found


def parsed(text: str, file: str = "a.yaml") -> tuple[tuple[Story, ...], list[Problem]]:
    mine, reader = rooms(), Reader()
    templates = {name: mine.templates.channels_of(name) for name in mine.templates.names()}
    scope = Scope(
        mine.rules.clinic,
        frozenset(mine.rules.segments.named),
        templates=templates,
        journeys=frozenset(mine.rules.journeys),
    )
    return read_stories(reader, {file: text}, scope, mine.rules.journeys), reader.problems


@cache
def told(folder: Path = HERE / "rooms") -> tuple[Outcome, ...]:
    teller = Teller(rooms(folder))
    return tuple(teller.tell(story) for story in rooms(folder).stories)


def first() -> Outcome:
    """She answers, and the front desk calls."""
    return next(each for each in told() if each.story.place.file.endswith("ways.yaml"))


def lines(outcome: Outcome) -> str:
    return "\n".join(line for _, line in failure(outcome))


def test_every_good_story_goes_as_it_expects() -> None:
    assert len(told()) >= 12
    assert [f"{each.story.name}\n{lines(each)}" for each in told() if not each.passed] == []


def test_the_good_stories_reach_every_step_and_way() -> None:
    assert gaps(rooms().rules.journeys.values(), told()) == []


def test_the_good_stories_expect_everything_that_can_be_expected() -> None:
    assert {each.verb for outcome in told() for each in outcome.story.expect} | {"leaves"} == set(VERBS)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_story_fails_for_its_reason(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    why = text.splitlines()[0].removeprefix("# fails: ")
    (story,), problems = parsed(text)
    assert problems == []
    outcome = Teller(rooms()).tell(story)
    assert not outcome.passed
    assert why in reason(outcome), reason(outcome)


def test_there_is_a_bad_story_for_each_kind_of_thing_that_must_be_expected() -> None:
    too_much = {
        re.match(r"# fails: not expected: \S+ \S+ ([a-z]+)", path.read_text(encoding="utf-8")) for path in BAD
    }
    words = {match[1] for match in too_much if match is not None}
    assert words == {"sends", "rehearses", "holds", "skips", "task", "tags", "ends"}


def mutants(story: Story) -> Iterator[tuple[str, tuple[Expectation, ...]]]:
    """The story's expectations, each time with one mistake."""
    for index, each in enumerate(story.expect):
        others = story.expect[:index] + story.expect[index + 1 :]
        if each.verb in COMPLETE:
            yield f"without {each.verb} {each.what}", others
        for way in (-1, 1):
            yield f"{each.verb} {each.what} moved", (*others, replace(each, when=moved(each.when, way)))
        yield f"{each.verb} {each.what} twice", (*story.expect, each)


def moved(when: Moment, by: int) -> Moment:
    if when.minute is None:
        return Moment(when.day + timedelta(days=by))
    days, minute = divmod(when.minute + by, 1440)
    return Moment(when.day + timedelta(days=days), minute)


@pytest.mark.parametrize("folder", [HERE / "rooms", ROOT], ids=["own", "shipped"])
def test_a_story_with_one_mistake_more_fails(folder: Path) -> None:
    survived, count = [], 0
    for outcome in told(folder):
        for name, expect in mutants(outcome.story):
            missing, unexpected = judge(expect, outcome.happened, outcome.story)
            count += 1
            if not missing and not unexpected:
                survived.append(f"{outcome.story.place.file}: {outcome.story.name}: {name}")
    assert survived == []
    assert count > 100


def test_the_shipped_stories_go_as_they_expect() -> None:
    assert [
        f"{each.story.place.file}: {each.story.name}\n{lines(each)}" for each in told(ROOT) if not each.passed
    ] == []


def test_the_shipped_stories_reach_every_step_and_way_of_the_shipped_journeys() -> None:
    assert gaps(rooms(ROOT).rules.journeys.values(), told(ROOT)) == []


def test_of_several_pairings_the_one_that_fits_all_is_found() -> None:
    text = STORY.format(
        expect="""
      - 2026-03-03: {sends: thanks}
      - 2026-03-03 10:00: {sends: thanks, by: sms}
      - 2026-03-04: {sends: thanks}""",
        until="2026-03-04",
        more="""
      - 2026-03-03 10:30: {visit.completed: {services: [HYD]}}
      - 2026-03-03 10:45: {visit.voided: {appointment: a-1}}""",
    )
    (story,), problems = parsed(text)
    assert problems == []
    sent = next(each for each in first().happened if each.verb == "sends")
    later = replace(sent, at=sent.at + timedelta(days=1))
    assert judge(story.expect, [sent, replace(sent, at=sent.at + timedelta(hours=1)), later], story) == (
        [],
        [],
    )
    assert len(judge(story.expect, [sent, later], story)[0]) == 1


def test_a_text_that_cannot_be_written_fails_the_story() -> None:
    outcome = Teller(replace(rooms(), templates=Templates({}))).tell(first().story)
    assert not outcome.passed
    assert "templates/ways/thanks.sms.en.j2" in reason(outcome)


def test_a_failure_shows_both_lists_with_what_differs_and_what_happened() -> None:
    text = STORY.format(
        expect="\n      - 2026-03-03 10:05: {sends: thanks, by: sms}", until="2026-03-04", more=""
    )
    (story,), _ = parsed(text)
    assert lines(Teller(rooms()).tell(story)) == WANTED


STORY = """journey: ways
patient:
  first_name: Eleni
  phone: "+306900000001"
  consent: {{sms: [marketing, care]}}
stories:
  - story: She comes
    happens:
      - 2026-03-02 10:00: {{visit.completed: {{services: [HYD]}}}}{more}
    until: {until}
    expect:{expect}
"""
WANTED = """\
  expected
    - 2026-03-03 10:05  sends thanks, by sms
  got
    + 2026-03-03 10:00  sends thanks, by sms, template ways/thanks, language en
  what happened
      2026-03-02 10:00  visit.completed (HYD)
      2026-03-02 10:00  leaves prospect
      2026-03-02 10:00  enters new
      2026-03-02 10:00  started: Event the patient came
      2026-03-03 10:00  thanks: scheduled
      2026-03-03 10:00  thanks: sent by sms
      2026-03-03 10:00  answer: listening: For message.replied, up to 1 week"""

# -- mistakes -----------------------------------------------------------------------------------------------------------------

WHOLE = """\
journey: ways
patient:
  phone: "+306900000001"
  visits: [2025-01-10 10:00 HYD]
stories:
  - story: She comes
    happens:
      - 2026-03-02 10:00: {visit.completed: {services: [HYD]}}
      - 2026-03-04 09:30: message.replied
    expect:
      - 2026-03-03 10:00: {sends: thanks}
      - 2026-03-04 09:30: {takes: answer/message.replied}
      - 2026-03-04: {ends: finished}
    until: 2026-06-30
"""
MISTAKES: list[tuple[str, str, str, str]] = [
    ("journey: ways", "journey: way", "story-journey-gone", "1:10"),
    ("journey: ways", "journeys: [ways, way]", "story-journey-gone", "1:18"),
    ("journey: ways", "journey: ways\njourneys: [ways]", "story-journey", "2:11"),
    ("journey: ways", "journeys: [ways, back]", "story-journey", "11:35"),
    ("journey: ways", "journey: ways\nzone: Europe/Athen", "shape-value", "2:7"),
    ("journey: ways", "journey: ways\nmode: allow_list", "shape-choice", "2:7"),
    ("journey: ways", "journey: ways\nheld: yes", "shape-unknown-key", "2:1"),
    ("journey: ways", "journey: ways\nfrom: 2025-06-01", "story-from", "2:7"),
    ("  phone: ", "  date_of_birth: 2026-01-01\n  phone: ", "story-born", "3:18"),
    ("  phone: ", "  timezone: Mars/Olympus\n  phone: ", "shape-value", "3:13"),
    (
        "message.replied\n",
        "{patient.upserted: {patient: {date_of_birth: 2026-03-05}}}\n",
        "story-born",
        "9:72",
    ),
    ("  phone: ", "  fon: ", "shape-unknown-key", "3:3"),
    ("[2025-01-10 10:00 HYD]", "[2025-01-10 10:00 HYDE]", "unknown-service", "4:12"),
    ("[2025-01-10 10:00 HYD]", "[10.1.2025 HYD]", "shape-value", "4:12"),
    ("[2025-01-10 10:00 HYD]", "[{services: [HYD]}]", "shape-missing", "4:12"),
    ("[2025-01-10 10:00 HYD]", "[9999-12-31 HYD]", "shape-value", "4:12"),
    ("[2025-01-10 10:00 HYD]", "[2026-03-02 10:00 HYD]", "story-history", "6:12"),
    ("story: She comes", "tale: She comes", "shape-unknown-key", "6:5"),
    ("2026-03-02 10:00: {visit", "2026-03-05 10:00: {visit", "story-order", "9:9"),
    ("2026-03-02 10:00: {visit", "2026-03-02: {visit", "shape-value", "8:9"),
    ("2026-03-02 10:00: {visit", "2026-02-30 10:00: {visit", "shape-value", "8:9"),
    ("2026-03-02 10:00: {visit", "2026-03-02 24:00: {visit", "shape-value", "8:9"),
    ("visit.completed: {", "visit.complete: {", "unknown-event", "8:28"),
    ("services: [HYD]", "services: [HID]", "unknown-service", "8:57"),
    ("services: [HYD]", "service: [HYD]", "shape-unknown-key", "8:46"),
    ("services: [HYD]", "net: 120", "shape-value", "8:51"),
    ("visit.completed: {services: [HYD]}", "booking.created: {services: [HYD]}", "shape-missing", "8:45"),
    ("{visit.completed: {services: [HYD]}}", "booking.no_show", "story-appointment", "8:9"),
    ("- 2026-03-04 09:30: message.replied", "- message.replied", "story-entry", "9:9"),
    ("message.replied\n", "message.reply\n", "unknown-event", "9:27"),
    ("message.replied\n", "{message.replied: {step: thank}}\n", "unknown-step", "9:52"),
    ("message.replied\n", "\n", "shape-empty", "9:9"),
    ("{sends: thanks}", "{send: thanks}", "story-verb", "11:28"),
    ("{sends: thanks}", "{sends: thanks, tags: quiet}", "story-verb", "11:43"),
    ("{sends: thanks}", "{by: sms}", "story-verb", "11:28"),
    ("{sends: thanks}", "{sends: thank}", "unknown-step", "11:35"),
    ("{sends: thanks}", "{sends: Thank you}", "shape-value", "11:35"),
    ("{sends: thanks}", "{sends: call}", "story-step", "11:35"),
    ("{sends: thanks}", "{task: thanks}", "story-step", "11:34"),
    ("{sends: thanks}", "{sends: thanks, because: cap}", "shape-unknown-key", "11:43"),
    ("{sends: thanks}", "{holds_back: thanks, because: capped}", "shape-choice", "11:57"),
    ("{sends: thanks}", "{sends: thanks, by: fax}", "shape-choice", "11:47"),
    ("{sends: thanks}", "{sends: back.hello}", "story-journey", "11:35"),
    ("{sends: thanks}", "{enters: nwe}", "unknown-segment", "11:36"),
    ("{sends: thanks}", "{starts: wasy}", "unknown-journey", "11:36"),
    ("takes: answer/message.replied", "takes: answer/replied", "unknown-way", "12:35"),
    ("takes: answer/message.replied", "takes: thanks/nothing", "unknown-way", "12:35"),
    ("{ends: finished}", "{ends: done}", "shape-value", "13:28"),
    ("{ends: finished}", "{ends: wayz.finished}", "story-journey", "13:28"),
    ("until: 2026-06-30", "until: 2026-03-03", "story-until", "9:9"),
    ("until: 2026-06-30", "until: June", "shape-value", "14:12"),
    ("until: 2026-06-30", "variant: {answer: short}", "story-step", "14:15"),
    ("until: 2026-06-30", "variant: {words: middling}", "unknown-way", "14:22"),
    ("until: 2026-06-30", "patient: {consent: all}", "shape-choice", "14:24"),
    (
        "    until: 2026-06-30",
        "  - story: She comes\n    expect: nothing\n    until: 2026-06-30",
        "story-twice",
        "14:12",
    ),
    ("    until: 2026-06-30", "  - story: Another\n    expect: []", "story-until", "14:12"),
    ("    until: 2026-06-30", "  - story: Another\n    until: 2026-06-30", "shape-missing", "14:5"),
]


def test_the_story_of_the_mistakes_is_right() -> None:
    (story,), problems = parsed(WHOLE)
    assert problems == []
    assert len(story.expect) == 3


@pytest.mark.parametrize(("old", "new", "code", "place"), MISTAKES, ids=lambda value: str(value).strip()[:40])
def test_a_mistake_is_told_with_its_place(old: str, new: str, code: str, place: str) -> None:
    assert WHOLE.count(old) == 1
    _, problems = parsed(WHOLE.replace(old, new))
    assert (code, place) in [(problem.code, f"{problem.line}:{problem.column}") for problem in problems], (
        problems
    )
    assert {problem.file for problem in problems} == {"a.yaml"}


def test_a_day_alone_may_be_the_day_on_which_the_story_begins() -> None:
    text = WHOLE.replace("[2025-01-10 10:00 HYD]", "[]").replace(
        "happens:", "from: 2026-03-02 09:00\n    happens:"
    )
    text = text.replace("    expect:\n", "    expect:\n      - 2026-03-02: {starts: ways}\n")
    (story,), problems = parsed(text)
    assert problems == []
    assert Teller(rooms()).tell(story).missing == []


def test_what_lies_before_the_beginning_is_named() -> None:
    _, (problem,) = parsed(WHOLE.replace("journey: ways", "journey: ways\nfrom: 2025-06-01"))
    assert problem.message == "2025-01-10 10:00 lies before the story's `from`, 2025-06-01"
    assert problem.hint == "Write `from: 2025-01-09`, or move what is told of 2025-01-10 10:00."


def test_a_patient_may_live_nowhere_known_and_be_born_on_the_day() -> None:
    text = WHOLE.replace("  phone: ", "  timezone: none\n  date_of_birth: 2025-01-09\n  phone: ")
    (story,), problems = parsed(text)
    assert problems == []
    assert "timezone" not in story.patient


# -- journeys that are gone ---------------------------------------------------------------------------------------------------

GONE = """\
journey: old
variant: {words: short}
stories:
  - story: One
    expect: [2026-03-03 10:00: {sends: thanks, by: fax}]
  - story: Two
    expect: nonsense
"""
OWN = WHOLE.removeprefix("journey: ways\n").replace("story: She comes", "story: She comes\n    journey: ways")


def test_a_journey_that_is_gone_is_all_that_is_told_of_its_file() -> None:
    stories, (problem,) = parsed(GONE)
    assert stories == ()
    assert (problem.code, problem.severity, problem.line, problem.column) == (
        "story-journey-gone",
        "warning",
        1,
        10,
    )
    assert problem.message == "2 stories left out: there is no journey `old`"
    assert problem.hint == "Put the journey back, or remove the stories with their journey."


def test_stories_of_other_journeys_stay() -> None:
    more = "  - story: Another\n    journeys: [ways, old]\n    expect: nonsense\n"
    stories, (problem,) = parsed(OWN + more)
    assert [story.name for story in stories] == ["She comes"]
    assert problem.message == "1 story left out: there is no journey `old`"
    stories, (problem,) = parsed("journey: old\n" + OWN + "  - story: Another\n    expect: nonsense\n")
    assert [(story.name, story.journeys) for story in stories] == [("She comes", ("ways",))]
    assert problem.line == 1


@pytest.mark.parametrize(
    "said",
    [
        "expect: [2026-03-03 10:00: {sends: old.hello}]",
        "expect: [2026-03-03 10:00: {takes: old.answer/link.clicked}]",
        "expect: [2026-03-03: {ends: old.goal}]",
        "expect: [2026-03-03: {starts: old}]",
        "{expect: nothing, until: 2026-03-03, variant: {old.words: short}}",
        "{expect: nothing, until: 2026-03-03, happens: [2026-03-03 10:00: {message.replied: {step: old.hello}}]}",
    ],
)
def test_a_story_of_all_journeys_that_speaks_of_one_that_is_gone_is_left_out(said: str) -> None:
    story = said.replace("{expect", "{story: One, expect", 1) if said[0] == "{" else f"{{story: One, {said}}}"
    stories, (problem,) = parsed(f"stories:\n  - {story}\n")
    assert (stories, problem.code) == ((), "story-journey-gone")
    stories, (problem,) = parsed(f"journey: ways\nstories:\n  - {story}\n")
    assert (stories, problem.code in ("story-journey", "unknown-journey")) == ((), True)


def test_the_command_says_what_it_leaves_out(tmp_path: Path) -> None:
    for path, text in read_folder(HERE / "rooms").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    gone = tmp_path / "journeys/scenarios/old.yaml"
    gone.write_text(GONE, encoding="utf-8")
    said = "journeys/scenarios/old.yaml: 2 stories left out: there is no journey `old`\n"
    every = len(told())
    assert run(folder=tmp_path) == (0, f"{said}{every} stories, {every} passed\n", "")
    assert run(gone, folder=tmp_path) == (0, said, "")
    assert run("--format", "junit", folder=tmp_path)[::2] == (0, said)


def test_the_command_shows_no_warnings_beside_what_is_wrong(tmp_path: Path) -> None:
    for path, text in read_folder(HERE / "rooms").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    (tmp_path / "journeys/scenarios/old.yaml").write_text(GONE, encoding="utf-8")
    wrong = WHOLE.replace("sends: thanks", "sends: thank")
    for place in (tmp_path / "journeys/scenarios/wrong.yaml", tmp_path / "wrong.yaml"):
        place.write_text(wrong, encoding="utf-8")
        code, out, err = run(place, folder=tmp_path)
        assert (code, "[unknown-step]" in out, "warning [" in out) == (1, True, False)
        assert "told" in err
        place.unlink()


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    text = WHOLE.replace("services: [HYD]", "services: [HID]").replace("sends: thanks", "sends: thank")
    assert [problem.code for problem in parsed(text)[1]] == ["unknown-service"]
    text = WHOLE.replace("takes: answer/message.replied", "takes: answer/x").replace(
        "sends: thanks", "sends: thank"
    )
    assert {problem.code for problem in parsed(text)[1]} == {"unknown-way", "unknown-step"}


# -- tables -------------------------------------------------------------------------------------------------------------------


def test_a_story_can_tell_every_event() -> None:
    assert set(EVENTS) == EVENT_TYPES


def test_a_story_can_name_every_reason_for_which_the_gate_holds_back() -> None:
    said = {
        node.args[0].value
        for file in Path(gate.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "Drop"
        and isinstance(node.args[0], ast.Constant)
    }
    assert said | {"suppressed", "no_consent", "no_profiling", "no_address"} == DROPS


def test_the_schema_of_stories_names_what_the_workspace_has() -> None:
    mine = rooms()
    schema: dict[str, Any] = STORIES.schema(
        Scope(
            mine.rules.clinic,
            frozenset(mine.rules.segments.named),
            templates={},
            journeys=frozenset(mine.rules.journeys),
        )
    )
    assert schema["properties"]["journey"]["enum"] == ["back", "ways"]
    story = schema["properties"]["stories"]["items"]
    assert set(story["required"]) == {"story", "expect"}


# -- the command --------------------------------------------------------------------------------------------------------------


def run(*arguments: str | Path, folder: Path = HERE / "rooms") -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["test", "--workspace", str(folder), *map(str, arguments)])
    if isinstance(result.exception, Usage):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_the_command_tells_all_stories() -> None:
    assert run() == (0, f"{len(told())} stories, {len(told())} passed\n", "")


def test_the_command_tells_the_stories_of_one_file() -> None:
    assert run(HERE / "rooms/journeys/scenarios/two.yaml")[:2] == (0, "2 stories, 2 passed\n")
    assert run("journeys/scenarios/two.yaml")[:2] == (0, "2 stories, 2 passed\n")


def test_the_command_shows_what_failed_and_ends_with_1() -> None:
    code, out, _ = run(HERE / "bad/a-minute-too-late.yaml")
    assert code == 1
    assert out.startswith(
        f"failed  {HERE}/bad/a-minute-too-late.yaml:9  A minute too late\n  expected\n    - 2026-03-03 10:01  sends thanks\n"
    )
    assert out.endswith("\n1 story, 0 passed, 1 failed\n")


def test_every_bad_story_fails_by_the_command_too() -> None:
    code, out, _ = run(HERE / "bad")
    assert code == 1
    assert out.endswith(f"\n{len(BAD)} stories, 0 passed, {len(BAD)} failed\n")


def test_what_is_not_reached_is_named_and_ends_with_1() -> None:
    code, out, _ = run("journeys/scenarios/two.yaml", "--coverage")
    assert code == 1
    assert "2 stories, 2 passed\n" in out
    assert "ways: no story reaches" in out
    assert "answer/nothing" in out
    code, out, _ = run("--coverage")
    assert (code, out.splitlines()[-1]) == (0, "Every step and way of 1 journey is reached.")


def test_a_journey_without_stories_is_named(tmp_path: Path) -> None:
    for path, text in read_folder(HERE / "rooms").items():
        if path != "journeys/scenarios/ways.yaml":
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
    two = tmp_path / "journeys/scenarios/two.yaml"
    two.write_text(
        two.read_text(encoding="utf-8").replace("[back, ways]", "[back]").split("stories:")[0]
        + "stories: [{story: Silence, expect: nothing, until: 2026-03-01}]\n",
        encoding="utf-8",
    )
    code, out, _ = run("--coverage", folder=tmp_path)
    assert code == 1
    assert "ways: has no stories\n" in out


def test_junit_is_xml_with_a_suite_a_file_and_a_case_a_story() -> None:
    code, out, _ = run(HERE / "bad", "--format", "junit")
    root = ET.fromstring(out)
    assert code == 1
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", str(len(BAD)), str(len(BAD)))
    assert len(root.findall("testsuite")) == len(BAD)
    for case in root.iter("testcase"):
        failed = case.find("failure")
        assert failed is not None
        assert failed.get("message")
    code, out, _ = run("--format", "junit")
    root = ET.fromstring(out)
    assert (code, root.get("failures"), list(root.iter("failure"))) == (0, "0", [])
    assert {suite.get("name") for suite in root} == {
        f"journeys/scenarios/{name}.yaml" for name in ("two", "ways")
    }


def test_stories_with_mistakes_are_shown_and_not_told(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(WHOLE.replace("sends: thanks", "sends: thank"), encoding="utf-8")
    code, out, err = run(path)
    assert code == 1
    assert "wrong.yaml:11:35: error [unknown-step]" in out
    assert "The stories have errors; none was told." in err


def test_a_path_that_is_not_there_is_wrong_usage() -> None:
    with pytest.raises(Usage, match="no such file or folder"):
        run("journeys/scenarios/none.yaml")


# -- the page -----------------------------------------------------------------------------------------------------------------

PAGE = (ROOT / "docs/reference/stories.md").read_text(encoding="utf-8")


def test_the_page_names_everything_that_a_story_can_say() -> None:
    words = set(re.findall(r"`(\w+)[:`]", PAGE))
    keys = {key for fields in (*EVENTS.values(), *VERBS.values(), SETTINGS, PERSON) for key in fields}
    assert keys - words == set()
    assert set(ENDS) <= words


def test_the_stories_of_the_page_pass() -> None:
    (text,) = re.findall(r"```yaml stories\n(.*?)```", PAGE, flags=re.DOTALL)
    mine, reader = rooms(ROOT), Reader()
    scope = Scope(
        mine.rules.clinic, frozenset(mine.rules.segments.named), journeys=frozenset(mine.rules.journeys)
    )
    stories = read_stories(reader, {"page.yaml": text}, scope, mine.rules.journeys)
    assert reader.problems == []
    assert [lines(outcome) for outcome in map(Teller(mine).tell, stories) if not outcome.passed] == []


def test_mistakes_that_keep_stories_from_being_told_are_junit_too(tmp_path: Path) -> None:
    files = read_folder(ROOT)
    files["journeys/win_back_6.yaml"] = files["journeys/win_back_6.yaml"].replace(
        "enters: inactive_6", "enters: inactiv_6"
    )
    write_rooms(files, tmp_path)
    ran = CliRunner().invoke(app, ["test", "--format", "junit", "--workspace", str(tmp_path)])
    assert ran.exit_code == 1
    cases = list(ET.fromstring(ran.stdout).iter("testcase"))
    assert [(case.get("file"), case.get("name")) for case in cases] == [
        ("journeys/win_back_6.yaml", "unknown-segment 13:11")
    ]
