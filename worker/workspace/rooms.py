"""A whole workspace, read: its rules, its senders, its templates, its stories, and every Problem in it.

Rules
1. Each file is composed once. What a file may name was read before it: config, then journeys, then stories and texts.
2. `load` reads what was checked when it was published: the shape again, the lints no more.
3. Rooms never change, so the same files are read once: a start that publishes nothing new, or a clinic's processes in one, need not read them again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final

from worker.domain.calendar import local_day
from worker.domain.clinic import Clinic
from worker.domain.journey import Journey, Send
from worker.domain.language import parse_journey
from worker.domain.language.lints import clashes, closed_hours, days_come
from worker.domain.offers import parse_offers
from worker.domain.policy import parse_policy
from worker.domain.rules import Rules
from worker.domain.scope import Scope
from worker.domain.segments import parse_segments
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Place, Problem, Scalar, compose
from worker.domain.stories import Story
from worker.workspace.config import Sender, parse_channels, parse_clinic
from worker.workspace.config_sources import read_sources, source_files
from worker.workspace.extends import Gathered, standing
from worker.workspace.file_names import name_problems
from worker.workspace.files import Files, raw
from worker.workspace.lint_law import lint_law
from worker.workspace.silence import silenced
from worker.workspace.stories import read_stories, story_files
from worker.workspace.template_problems import Used, template_problems
from worker.workspace.templates import Templates
from worker.workspace.tracked import tracked_texts
from worker.workspace.untranslated import untranslated

CONFIG: Final = ("clinic", "services", "segments", "policy", "channels", "offers")
OPTIONAL: Final = frozenset({"services", "policy", "channels", "offers"})


@dataclass(frozen=True)
class Rooms:
    """One workspace, ready to run."""

    rules: Rules
    senders: Mapping[str, Sender]
    templates: Templates
    from_name: str
    stories: tuple[Story, ...] = ()
    mappings: Mapping[str, str] = field(default_factory=dict)
    """The texts of config/sources by their names; `source_named` reads one."""


class BrokenRooms(Exception):
    """The workspace has errors; `problems` are all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"the workspace has {len(problems)} problem(s)")
        self.problems = problems


def load(files: Files, version: int = 0) -> Rooms:
    """The rooms of a workspace that was checked before. Raises BrokenRooms where anything in it can't be read."""
    rooms, problems = _read_once(frozenset(files.items()), version, lint=False)
    if rooms is None:
        raise BrokenRooms(list(problems))
    return rooms


def clinic_of(files: Files) -> Clinic | None:
    """The clinic alone, whatever the rest of its files may hold; None where not even that can be read."""
    reading = _Reading(files, 0)
    return parse_clinic(reading.reader, reading.config("clinic"), reading.config("services"))


def read(files: Files, version: int = 0, now: datetime | None = None) -> tuple[Rooms | None, list[Problem]]:
    """The rooms, or None where there is an error; and all Problems, in reading order. Without `now` none depends on what day it is where the clinic is."""
    problems: Sequence[Problem]
    if now is not None:
        rooms, problems = _Reading(files, version, now).rooms(lint=True)
    else:
        rooms, problems = _read_once(frozenset(files.items()), version, lint=True)
    broken = files.told if isinstance(files, Gathered) else ()
    return None if broken else rooms, [*broken, *standing(files, problems)]


@lru_cache(maxsize=4)
def _read_once(
    files: frozenset[tuple[str, str]], version: int, *, lint: bool
) -> tuple[Rooms | None, tuple[Problem, ...]]:
    rooms, problems = _Reading(dict(sorted(files)), version).rooms(lint=lint)
    return rooms, tuple(problems)


class _Reading:
    """One look at all files."""

    def __init__(self, files: Files, version: int, now: datetime | None = None) -> None:
        self.files, self.version, self.now = files, version, now
        self.reader = Reader()

    def rooms(self, *, lint: bool) -> tuple[Rooms | None, list[Problem]]:
        reader, files = self.reader, self.files
        trees = {name: self.config(name) for name in CONFIG}
        clinic = parse_clinic(reader, trees["clinic"], trees["services"])
        policy = parse_policy(reader, trees["policy"])
        if clinic is None:
            return None, self._told(lint=lint)
        templates = Templates({path: text for path, text in files.items() if path.startswith("templates/")})
        senders = parse_channels(reader, trees["channels"], clinic.name)
        segments = parse_segments(reader, trees["segments"], Scope(clinic, frozenset()))
        offers = parse_offers(reader, trees["offers"], clinic)
        composed = dict(self._composed(path for path in sorted(files) if _is_journey(path)))
        names = dict(_names(composed))
        scope = Scope(
            clinic,
            frozenset(segments.named),
            templates={name: templates.channels_of(name) for name in templates.names()},
            offers=frozenset(offers),
            journeys=frozenset(names.values()),
            two_way="sms" not in senders or senders["sms"].two_way,
        )
        journeys, nodes = self._journeys(composed, scope, senders)
        if lint:
            for name, journey in journeys.items():
                closed_hours(reader, journey, nodes[name], policy)
                if self.now is not None:
                    days_come(reader, journey, nodes[name], local_day(self.now, clinic.tz))
        stories: tuple[Story, ...] = ()
        if lint:
            read_sources(reader, files, scope)
            stories = read_stories(reader, story_files(files), scope, journeys)
            titles = {name: segments.titles.get(name, name) for name in segments.named}
            used, purposes = _sent(journeys.values())
            reader.problems += template_problems(
                files,
                templates,
                clinic,
                segments=titles,
                used=used,
                offers=offers,
                senders=senders,
                purposes=purposes,
                tracked=tracked_texts(journeys.values()),
            )
            reader.problems += untranslated(files)
            lint_law(reader, clinic, policy, trees, journeys, nodes)
            self._offers(journeys.values(), templates, used)
            reader.problems += name_problems(files, names)
        problems = self._told(lint=lint)
        if any(problem.severity == "error" for problem in problems):
            return None, problems
        rules = Rules.build(self.version, clinic, segments, policy, journeys, offers)
        written = trees["clinic"].get("from_name") if isinstance(trees["clinic"], Map) else None
        from_name = written.value if isinstance(written, Scalar) else clinic.name
        mappings = {PurePosixPath(path).stem: text for path, text in source_files(files).items()}
        return Rooms(rules, senders, templates, from_name, stories, mappings), problems

    def _told(self, *, lint: bool) -> list[Problem]:
        problems = sorted(set(self.reader.problems), key=lambda problem: problem.sort_key)
        return silenced(self.files, problems) if lint else problems

    def config(self, name: str) -> Node | None:
        path = f"config/{name}.yaml"
        if path not in self.files:
            if name not in OPTIONAL:
                self.reader.problem(
                    "file-missing",
                    Place(path),
                    f"{path} is missing",
                    "Lay out a workspace with `revisit init DIR` and take it from there.",
                )
            return None
        node, problems = compose(raw(self.files[path]), path)
        self.reader.problems += problems
        node = None if isinstance(node, Scalar) and node.empty else node
        if node is None and not problems and name not in OPTIONAL:
            self.reader.problem(
                "file-empty", Place(path), f"{path} is empty", "Write it; `revisit init DIR` lays one out."
            )
        return node

    def _composed(self, paths: Iterable[str]) -> Iterator[tuple[str, Node]]:
        for path in paths:
            node, problems = compose(raw(self.files[path]), path)
            self.reader.problems += problems
            node = None if isinstance(node, Scalar) and node.empty else node
            if node is not None:
                yield path, node
            elif not problems:
                self.reader.problem(
                    "file-empty", Place(path), "this journey is empty", "Write it, or remove the file."
                )

    def _journeys(
        self, composed: Mapping[str, Node], scope: Scope, senders: Mapping[str, Sender]
    ) -> tuple[dict[str, Journey], dict[str, Node]]:
        journeys: dict[str, Journey] = {}
        nodes: dict[str, Node] = {}
        for path, node in composed.items():
            journey = parse_journey(self.reader, node, self.files[path], scope)
            if journey is None:
                continue
            if journey.name in journeys:
                self.reader.problem(
                    "journey-twice",
                    node,
                    f"a second journey is called `{journey.name}`; the first is {nodes[journey.name].place.file}",
                    "Rename one of them.",
                )
                continue
            journeys[journey.name], nodes[journey.name] = journey, node
            self._senders(journey, senders)
        clashes(self.reader, [(journey, nodes[name]) for name, journey in journeys.items()])
        return journeys, nodes

    def _offers(self, journeys: Iterable[Journey], templates: Templates, used: Used) -> None:
        needed = {name for name, offers in used.items() if None in offers and templates.uses_offer(name)}
        silent = {
            name for name, offers in used.items() if offers != {None} and not templates.names_offer(name)
        }
        for step in (step for journey in journeys for step in journey.all_steps()):
            if not isinstance(step.action, Send):
                continue
            if step.action.offer is not None and step.action.template in silent:
                self.reader.problem(
                    "offer-unsaid",
                    step.place,
                    f"step `{step.id}` makes an offer, and a text of `{step.action.template}` does not speak of it",
                    "Say it by `{{ offer.text }}` and `{{ offer.code }}`, or take the offer out of the step.",
                )
            if step.action.offer is None and step.action.template in needed:
                self.reader.problem(
                    "offer-missing",
                    step.place,
                    f"`{step.action.template}` speaks of an offer, and step `{step.id}` makes none",
                    "Add `offer: NAME` of config/offers.yaml, or choose another text.",
                )

    def _senders(self, journey: Journey, senders: Mapping[str, Sender]) -> None:
        for step in journey.all_steps():
            if not isinstance(step.action, Send):
                continue
            for channel in step.action.channels:
                if channel not in senders:
                    self.reader.problem(
                        "channel-missing",
                        step.place,
                        f"step `{step.id}` sends by {channel}, but config/channels.yaml has no `{channel}`",
                        f"Add `{channel}:` there, or take it out of the step.",
                    )


def _is_journey(path: str) -> bool:
    return path.startswith("journeys/") and path.count("/") == 1


def _sent(journeys: Iterable[Journey]) -> tuple[dict[str, set[str | None]], dict[str, set[str]]]:
    """The templates that steps send, each with their offers (None for a step that makes none), and with what the journeys are for."""
    offers: dict[str, set[str | None]] = defaultdict(set)
    purposes: dict[str, set[str]] = defaultdict(set)
    for journey in journeys:
        for step in journey.all_steps():
            if isinstance(step.action, Send):
                offers[step.action.template].add(step.action.offer)
                purposes[step.action.template].add(journey.purpose)
    return offers, purposes


def _names(composed: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    """Files with the names that their journeys give themselves, those of broken ones included."""
    for path, node in composed.items():
        name = node.get("journey") if isinstance(node, Map) else None
        if isinstance(name, Scalar):
            yield path, name.value
