"""A whole workspace, read: its rules, its senders, its templates, and every Problem in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.domain.grammar import Scope
from worker.domain.journey import Journey, Send
from worker.domain.language import parse_journey
from worker.domain.policy import parse_policy
from worker.domain.rules import Rules
from worker.domain.segments import parse_segments
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Place, Problem, Scalar, compose
from worker.workspace.config import Sender, parse_channels, parse_clinic
from worker.workspace.files import Files, raw
from worker.workspace.template_problems import template_problems
from worker.workspace.templates import Templates

CONFIG: Final = ("clinic", "services", "segments", "policy", "channels")
OPTIONAL: Final = frozenset({"services", "policy", "channels"})


@dataclass(frozen=True)
class Rooms:
    """One workspace, ready to run. `problems` are warnings at most."""

    rules: Rules
    senders: Mapping[str, Sender]
    templates: Templates
    from_name: str


class BrokenRooms(Exception):
    """The workspace has errors; `problems` are all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"the workspace has {len(problems)} problem(s)")
        self.problems = problems


def load(files: Files, version: int = 0) -> Rooms:
    """The rooms of a workspace. Raises BrokenRooms where anything in it is an error."""
    rooms, problems = read(files, version)
    if rooms is None:
        raise BrokenRooms(problems)
    return rooms


def read(files: Files, version: int = 0) -> tuple[Rooms | None, list[Problem]]:
    """The rooms, or None where there is an error; and all Problems, in reading order."""
    reader = Reader()
    trees = {name: _tree(reader, files, name) for name in CONFIG}
    clinic = parse_clinic(reader, trees["clinic"], trees["services"])
    policy = parse_policy(reader, trees["policy"])
    templates = Templates({path: text for path, text in files.items() if path.startswith("templates/")})
    if clinic is None:
        return None, _sorted(reader.problems)
    senders = parse_channels(reader, trees["channels"], clinic.name)
    segments = parse_segments(reader, trees["segments"], Scope(clinic, frozenset()))
    known = {name: templates.channels_of(name) for name in templates.names()}
    scope = Scope(clinic, frozenset(segments.named))
    journeys = _journeys(reader, files, scope, known, senders)
    reader.problems += template_problems(files, templates, clinic)
    problems = _sorted(reader.problems)
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    clinic_map = trees["clinic"]
    from_name = clinic_map.get("from_name") if isinstance(clinic_map, Map) else None
    rules = Rules.build(version, clinic, segments, policy, journeys)
    return Rooms(
        rules, senders, templates, from_name.value if isinstance(from_name, Scalar) else clinic.name
    ), problems


def _tree(reader: Reader, files: Files, name: str) -> Node | None:
    path = f"config/{name}.yaml"
    if path not in files:
        if name not in OPTIONAL:
            reader.problem(
                "file-missing",
                Place(path),
                f"{path} is missing",
                "Lay out a workspace with `revisit init DIR` and take it from there.",
            )
        return None
    node, problems = compose(raw(files[path]), path)
    reader.problems += problems
    if node is None and not problems and name not in OPTIONAL:
        reader.problem("file-empty", Place(path), f"{path} is empty", "")
    if isinstance(node, Scalar) and node.empty:
        return None
    return node


def _journeys(
    reader: Reader,
    files: Files,
    scope: Scope,
    templates: Mapping[str, frozenset[str]],
    senders: Mapping[str, Sender],
) -> dict[str, Journey]:
    journeys: dict[str, Journey] = {}
    places: dict[str, str] = {}
    for path in sorted(files):
        if not path.startswith("journeys/") or path.count("/") != 1:
            continue
        node, problems = compose(raw(files[path]), path)
        reader.problems += problems
        if node is None:
            if not problems:
                reader.problem(
                    "file-empty", Place(path), "this journey is empty", "Write it, or remove the file."
                )
            continue
        journey = parse_journey(reader, node, files[path], scope, templates)
        if journey is None:
            continue
        if journey.name in journeys:
            reader.problem(
                "journey-twice",
                node,
                f"a second journey is called `{journey.name}`; the first is {places[journey.name]}",
                "Rename one of them.",
            )
            continue
        journeys[journey.name], places[journey.name] = journey, path
        _senders(reader, node, journey, senders)
    return journeys


def _senders(reader: Reader, node: Node, journey: Journey, senders: Mapping[str, Sender]) -> None:
    for step in journey.steps:
        if isinstance(step.action, Send):
            for channel in step.action.channels:
                if channel not in senders:
                    place = Place(node.place.file, step.line, 1)
                    reader.problem(
                        "channel-missing",
                        place,
                        f"step `{step.id}` sends by {channel}, but config/channels.yaml has no `{channel}`",
                        f"Add `{channel}:` there, or take it out of the step.",
                    )


def _sorted(problems: list[Problem]) -> list[Problem]:
    return sorted(set(problems), key=lambda problem: problem.sort_key)
