"""The pages for marketing say what is so: the page of the language comes from the tables, and every journey and story on them works in the sample clinic."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from tests.test_docs import PARSER, ROOT, sample, text_of
from tools import reference_journeys as of_journeys
from tools import reference_language as page
from tools import reference_stories as of_stories
from tools import reference_texts as of_texts
from worker.domain.conditions.grammar import CONDITION, VOCABULARY
from worker.domain.conditions.grammar_visits import NARROW, NARROW_FIELDS
from worker.domain.events import EVENT_TYPES
from worker.domain.journey import Journey
from worker.domain.kinds import Block, Fields, Kind
from worker.domain.language import JOURNEY, parse_journey
from worker.domain.language.start import DATE_FIELDS, START, START_FIELDS
from worker.domain.language.steps import STEPS
from worker.domain.language.verbs import COMMON, VERBS
from worker.domain.language.wait import FACTS, parse_wait
from worker.domain.offers import OFFERS
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Problem, Seq, compose
from worker.domain.stories.file import BASE, EVENTS, EXPECTATION, HAPPENING, SETTINGS
from worker.domain.stories.file import VERBS as EXPECTED
from worker.service.testing import Outcome, Teller
from worker.service.testing_report import failure, gaps
from worker.workspace.files import read_folder
from worker.workspace.frontmatter import KEYS
from worker.workspace.jinja import Source, environment
from worker.workspace.rooms import Rooms, read
from worker.workspace.variables import KNOWN, sample_variables

PAGES = ("docs/marketing/cookbook.md", "docs/marketing/tutorial.md", "docs/marketing/language.md")
FIELDS: tuple[tuple[Fields, Mapping[str, str]], ...] = (
    (JOURNEY.fields, of_journeys.JOURNEY_EXAMPLES),
    (START_FIELDS, of_journeys.START_EXAMPLES),
    (DATE_FIELDS, of_journeys.DATE_EXAMPLES),
    (NARROW_FIELDS, of_journeys.NARROW_EXAMPLES),
    (SETTINGS, of_stories.SETTING_EXAMPLES),
    (BASE, of_stories.PERSON_EXAMPLES),
)
ONE_JOURNEY = {
    "journey": "journey: one",
    "start": "start: {event: visit.completed}",
    "steps": "steps: [{id: call, task: front_desk}]",
}


def scope(*, this: bool = True) -> Scope:
    rules, templates = sample().rules, sample().templates
    return Scope(
        rules.clinic,
        frozenset(rules.segments.named),
        this=this,
        templates={name: templates.channels_of(name) for name in templates.names()},
        offers=frozenset(rules.offers),
        journeys=frozenset(rules.journeys),
    )


def composed(text: str) -> Node:
    node, problems = compose(text, "example.yaml")
    assert problems == []
    assert node is not None
    return node


def mistakes(kind: Kind[Any], text: str) -> list[str]:
    reader = Reader()
    assert kind.read(reader, composed(text), "the example", scope()) is not None or reader.problems
    return [f"{problem.message}; {problem.hint}" for problem in reader.problems]


def keys(node: Node) -> set[str]:
    if isinstance(node, Map):
        return {key.value for key, _ in node.entries} | {
            name for _, inner in node.entries for name in keys(inner)
        }
    return {name for item in node.items for name in keys(item)} if isinstance(node, Seq) else set()


def on_page(name: str) -> dict[str, str]:
    """The files of a workspace that a page shows: journeys, stories, and texts that are marked by their path."""
    files: dict[str, str] = {}
    for token in PARSER.parse(text_of(name)):
        info, _, path = token.info.strip().partition(" ")
        found = re.search(r"^journey: (\w+)", token.content, re.MULTILINE)
        if token.type != "fence" or not path:
            continue
        if "/" in path:
            files[path] = token.content
        elif info == "yaml" and found is not None:
            folder = {"journey": "journeys", "story": "journeys/scenarios"}[path]
            files[f"{folder}/{found[1]}.yaml"] = token.content
    return files


@cache
def laid_over(name: str) -> tuple[Rooms, tuple[Problem, ...]]:
    """The sample clinic with the files of a page over it; with the problems of these files."""
    rooms, problems = read({**read_folder(ROOT), **on_page(name)})
    assert rooms is not None, problems
    return rooms, tuple(problem for problem in problems if problem.file in on_page(name))


@cache
def told(name: str) -> tuple[Outcome, ...]:
    rooms, _ = laid_over(name)
    teller = Teller(rooms)
    return tuple(teller.tell(story) for story in rooms.stories if story.place.file in on_page(name))


def test_the_page_of_the_language_is_what_its_tool_writes() -> None:
    assert page.LANGUAGE.read_text(encoding="utf-8") == page.language_page(), (
        "docs/marketing/language.md is stale: run `python -m tools.make_reference`"
    )


def test_no_example_of_the_language_is_left_over() -> None:
    assert [set(examples) - set(fields) for fields, examples in FIELDS] == [set()] * len(FIELDS)
    assert set(of_journeys.STEP_EXAMPLES) == set(VERBS)
    assert set(of_journeys.LONGER) <= set(VOCABULARY)
    assert set(of_journeys.EVENTS_TOLD) == EVENT_TYPES
    assert set(of_stories.EVENT_EXAMPLES) == set(EVENTS)
    assert set(of_stories.EXPECTED_EXAMPLES) == set(EXPECTED)
    assert {
        fact for fact in FACTS if any(fact in example.split() for example, _ in of_journeys.WAITS)
    } == set(FACTS)


def test_every_value_and_key_of_a_text_is_told_and_no_other() -> None:
    assert set(of_texts.VALUES) == {name for name in KNOWN if not name.startswith(of_texts.OF_LAYOUTS)}
    assert set(of_texts.FRONT_MATTER) == set(KEYS)
    assert set(of_stories.LESS_PLAIN) <= {key for fields in EVENTS.values() for key in fields}


@pytest.mark.parametrize("name", [*of_texts.VALUES, *of_texts.FILTERS])
def test_the_example_of_each_value_and_filter_of_a_text_is_right(name: str) -> None:
    example = of_texts.FILTERS.get(name) or of_texts.VALUES[name][1]
    values = sample_variables(sample().rules.clinic)
    offer = values["offer"].said("en")
    filled = Source(environment(), "example", example).render({**values, "offer": offer, "language": "el"})
    assert filled.strip()
    assert name in example


def test_the_stages_and_segments_of_the_page_are_the_sample_s() -> None:
    told = "\n".join(of_texts.people())
    names = set(re.findall(r"^\| `(\w+)`", told, re.MULTILINE))
    assert names == set(sample().rules.segments.named)


def test_the_roles_that_the_page_names_are_those_of_the_sample_s_tasks() -> None:
    tasks = {
        found
        for path, text in read_folder(ROOT).items()
        if path.startswith("journeys/") and path.count("/") == 1
        for found in re.findall(r"\btask: (\w+)", text)
    }
    (line,) = (
        line for line in page.language_page().splitlines() if line.startswith("Who does it is a free word")
    )
    assert set(re.findall(r"`(\w+)`", line)) == tasks


@pytest.mark.parametrize("key", JOURNEY.fields)
def test_the_example_of_each_key_of_a_journey_is_right(key: str) -> None:
    lines = {**ONE_JOURNEY, key: of_journeys.JOURNEY_EXAMPLES[key]}
    text = "\n".join(lines.values())
    reader = Reader()
    journey = parse_journey(reader, composed(text), text, scope(this=False))
    assert [problem.message for problem in reader.problems if problem.severity == "error"] == []
    assert isinstance(journey, Journey)


@pytest.mark.parametrize("key", [*START_FIELDS, *DATE_FIELDS])
def test_the_example_of_each_start_is_right(key: str) -> None:
    told = of_journeys.START_EXAMPLES.get(key) or of_journeys.DATE_EXAMPLES[key]
    text = f"enters: inactive_6\n{told}" if key == "if" else told
    assert mistakes(START, text) == []
    assert key in keys(composed(text))


@pytest.mark.parametrize("example", [example for example, _ in of_journeys.WAITS])
def test_the_example_of_each_wait_is_right(example: str) -> None:
    assert parse_wait(example) is not None
    assert mistakes(VERBS["stop"].fields["wait"].kind, f"'{example}'") == []


@pytest.mark.parametrize("verb", VERBS)
def test_the_example_of_each_verb_is_right_and_has_all_its_keys(verb: str) -> None:
    assert mistakes(STEPS, of_journeys.STEP_EXAMPLES[verb]) == []
    assert set(VERBS[verb].fields) - set(COMMON) <= keys(composed(of_journeys.STEP_EXAMPLES[verb]))


def test_the_example_of_a_branch_by_conditions_is_right() -> None:
    assert mistakes(STEPS, of_journeys.BRANCH_BY_CONDITION) == []


@pytest.mark.parametrize(
    "example",
    [
        example
        for name, word in VOCABULARY.items()
        for example in (word.example, *of_journeys.LONGER.get(name, ()))
    ],
)
def test_the_examples_of_each_condition_are_right(example: str) -> None:
    # The example of `practitioner` and of `location` names codes that a clinic makes up.
    assert mistakes(CONDITION, example) == []


@pytest.mark.parametrize("example", of_journeys.NARROW_EXAMPLES.values())
def test_the_example_of_each_key_that_narrows_is_right(example: str) -> None:
    assert mistakes(NARROW, example) == []


@pytest.mark.parametrize(
    "example", [*of_stories.SETTING_EXAMPLES.values(), *of_stories.PERSON_EXAMPLES.values()]
)
def test_the_example_of_each_key_of_a_story_is_right(example: str) -> None:
    assert mistakes(Block("a story", {**BASE, **SETTINGS}), example) == []


@pytest.mark.parametrize("name", EVENTS)
def test_the_example_of_each_event_of_a_story_is_right(name: str) -> None:
    example = of_stories.EVENT_EXAMPLES[name]
    assert mistakes(HAPPENING, f"2026-03-02 10:00: {of_stories.one_line(example)}") == []


@pytest.mark.parametrize("example", of_stories.EXPECTED_EXAMPLES.values())
def test_the_example_of_each_expectation_is_right(example: str) -> None:
    assert mistakes(EXPECTATION, f"2026-04-01 10:00: {{{example}}}") == []


def test_the_example_of_an_offer_is_right() -> None:
    assert mistakes(OFFERS, of_journeys.OFFER_EXAMPLE) == []


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_shows_has_no_mistakes_in_the_sample_clinic(name: str) -> None:
    assert laid_over(name)[1] == ()


@pytest.mark.parametrize("name", PAGES)
def test_the_stories_of_a_page_go_as_they_say(name: str) -> None:
    assert told(name)
    assert [line for outcome in told(name) if not outcome.passed for _, line in failure(outcome)] == []


@pytest.mark.parametrize("name", PAGES[:2])
def test_the_stories_of_a_page_reach_every_step_and_way_of_its_journeys(name: str) -> None:
    known = laid_over(name)[0].rules.journeys
    mine = [known[path[9:-5]] for path in on_page(name) if path.count("/") == 1]
    assert mine
    assert gaps(mine, told(name)) == []
