"""The documentation says what is so: links lead somewhere, names exist, examples work."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from markdown_it import MarkdownIt

from worker.cli.app import app, register
from worker.domain.conditions.grammar import VOCABULARY
from worker.domain.events import EXTERNAL_TYPES, INTERNAL_TYPES, Event
from worker.domain.journey import Journey
from worker.domain.language import JOURNEY, parse_journey
from worker.domain.language.verbs import VERBS
from worker.domain.outbox import MOVES
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import compose
from worker.intake.cloudevents import parse_event
from worker.service.replaying import moment, replay_file
from worker.service.words import REASONS
from worker.workspace.config import CLINIC, SERVICE
from worker.workspace.files import read_folder
from worker.workspace.rooms import Rooms, load

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
PARSER = MarkdownIt("commonmark").enable("table")


def pages() -> list[Path]:
    """Every Markdown page of the project; the rooms' e-mails are no pages."""
    found = (
        ROOT.glob(pattern)
        for pattern in ("*.md", "docs/**/*.md", "sample/*.md", "tests/**/*.md", "benchmarks/*.md")
    )
    return sorted(path for paths in found for path in paths)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, info: str) -> list[str]:
    """The fenced blocks of a page that are marked so."""
    return [
        token.content
        for token in PARSER.parse(text_of(page))
        if token.type == "fence" and token.info.strip() == info
    ]


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    tokens = PARSER.parse(path.read_text(encoding="utf-8"))
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(path: Path) -> list[str]:
    found: list[str] = []
    for token in PARSER.parse(path.read_text(encoding="utf-8")):
        found += [str(child.attrGet("href")) for child in token.children or () if child.type == "link_open"]
    return found


@cache
def sample() -> Rooms:
    return load(read_folder(ROOT))


@cache
def commands() -> dict[str, click.Command]:
    register()
    group = typer.main.get_command(app)
    found: dict[str, Any] = dict(getattr(group, "commands"))  # noqa: B009 (typer's own group class)
    return found


def told_commands() -> dict[str, str]:
    """Each command of the page with its section."""
    parts = re.split(r"^## `revisit ([\w-]+)`$", text_of("docs/reference/commands.md"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("path", pages(), ids=named)
def test_every_link_within_the_project_leads_somewhere(path: Path) -> None:
    broken = []
    for link in links(path):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    left = [ROOT / "README.md"]
    while left:
        path = left.pop()
        if path in seen or path.suffix != ".md":
            continue
        seen.add(path)
        left += [
            (path.parent / link.partition("#")[0]).resolve()
            for link in links(path)
            if link[0] != "#" and not re.match(r"[a-z]+:", link)
        ]
    assert [named(path) for path in (ROOT / "docs").rglob("*.md") if path not in seen] == []


def test_the_commands_told_are_the_commands_there_are() -> None:
    assert sorted(told_commands()) == sorted(commands())


def test_the_options_told_are_the_options_there_are() -> None:
    for name, section in told_commands().items():
        there = {
            option for param in commands()[name].params for option in param.opts if option.startswith("--")
        } - {"--help"}
        told = set(re.findall(r"^\| `(--[\w-]+)", section, flags=re.MULTILINE))
        assert told == there, name


def test_every_condition_stands_in_the_reference_with_its_example() -> None:
    told = dict(
        re.findall(
            r"^\| `(\w+)` \| .* \| `(.+)` \|$", text_of("docs/reference/journeys.md"), flags=re.MULTILINE
        )
    )
    assert told == {name: word.example for name, word in VOCABULARY.items()}


def test_every_key_of_a_journey_and_every_verb_stands_in_the_reference() -> None:
    page = text_of("docs/reference/journeys.md")
    first = set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE))
    assert set(JOURNEY.fields) <= first
    assert set(VERBS) <= first
    assert {key for verb in VERBS.values() for key in verb.fields} <= set(re.findall(r"`(\w+)`", page))


def test_every_key_of_the_clinic_and_of_a_service_stands_in_the_reference() -> None:
    first = set(re.findall(r"^\| `(\w+)` \|", text_of("docs/reference/config.md"), flags=re.MULTILINE))
    assert set(CLINIC.fields) <= first
    assert set(SERVICE.fields) <= first


def test_every_state_of_a_message_stands_in_the_reference_with_its_moves() -> None:
    section = text_of("docs/reference/messages.md").partition("## States")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.+) \|$", section, flags=re.MULTILINE)
    assert {state: frozenset(re.findall(r"`(\w+)`", moves)) for state, moves in rows} == MOVES


def test_every_reason_why_a_message_is_held_back_stands_in_the_reference() -> None:
    page = text_of("docs/reference/messages.md").partition("## The gate")[2].partition("\n## ")[0]
    cells = [cell for line in page.splitlines() if line.startswith("|") for cell in line.split("|")[1:3]]
    told = {code for cell in cells for code in re.findall(r"`(\w+)`", cell.partition(":")[0])}
    assert set(REASONS) <= told


def test_every_example_event_is_accepted_and_every_type_has_one() -> None:
    seen = set()
    for block in blocks("docs/reference/events.md", "json event"):
        found = parse_event(json.loads(block), now=None, country="GR", timezone="Europe/Athens")
        assert isinstance(found, Event), (found, block)
        seen.add(found.type)
    assert seen == EXTERNAL_TYPES
    page = text_of("docs/reference/events.md")
    assert [kind for kind in INTERNAL_TYPES if f"`{kind}`" not in page] == []


def test_every_example_journey_is_right_in_the_sample_clinic() -> None:
    rules, templates = sample().rules, sample().templates
    scope = Scope(
        rules.clinic,
        frozenset(rules.segments.named),
        templates={name: templates.channels_of(name) for name in templates.names()},
        offers=frozenset(rules.offers),
        journeys=frozenset(rules.journeys),
    )
    examples = blocks("docs/reference/journeys.md", "yaml journey")
    assert examples
    for text in examples:
        reader = Reader()
        node, problems = compose(text, "example.yaml")
        journey = parse_journey(reader, node, text, scope)
        assert [*problems, *reader.problems] == []
        assert isinstance(journey, Journey)
        assert journey.steps


def test_the_tutorials_ten_events_give_the_tutorials_messages(tmp_path: Path) -> None:
    (story,) = blocks("docs/tutorial.md", "json events")
    (told,) = blocks("docs/tutorial.md", "json messages")
    path = tmp_path / "ten.jsonl"
    path.write_text(story, encoding="utf-8")
    refused: list[object] = []
    until = _end_of("2026-05-15")
    lines = replay_file(
        sample().rules, path, "messages", since=None, until=until, complain=lambda *why: refused.append(why)
    )
    assert [json.loads(line) for line in told.splitlines()] == list(lines)
    assert refused == []


def _end_of(day: str) -> Any:
    return moment(day, sample().rules.clinic.tz, end=True)


def test_every_variable_of_the_environment_stands_in_the_reference() -> None:
    variable = r"((?:REVISIT|TWILIO|SENDGRID)_[A-Z_]+)"
    read: set[str] = set()
    for path in [*(ROOT / "worker").rglob("*.py"), *(ROOT / "channels").rglob("*.py")]:
        read.update(re.findall(f'"{variable}"', path.read_text(encoding="utf-8")))
    told = set(re.findall(f"`{variable}[`=]", text_of("docs/reference/environment.md")))
    assert told == read
