"""JSON Schemas (draft-07) for every kind of file of a workspace, from the tables that the parsers read by; for the YAML language server of an editor.

Rules
1. A schema knows shapes, and the names that the workspace has at that moment: a name that was added since is known to it after the next `revisit schema`.
2. What a file means (a step that is never reached, an offer without an end) is for `revisit check`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from worker.domain.clinic import Clinic
from worker.domain.kinds import Kind, Schema, definitions
from worker.domain.language import JOURNEY
from worker.domain.offers import OFFERS, parse_offers
from worker.domain.policy import POLICY
from worker.domain.scope import Scope
from worker.domain.segments import SEGMENTS, parse_segments
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Scalar, compose
from worker.domain.stories.file import STORIES
from worker.workspace.config import CLINIC, parse_channels, parse_clinic
from worker.workspace.config_channels import CHANNELS_FILE
from worker.workspace.config_services import SERVICES
from worker.workspace.files import Files, raw
from worker.workspace.templates import Templates
from worker.workspace.webhooks_table import SOURCE

FOLDER: Final = ".vscode/schemas"
DRAFT: Final = "http://json-schema.org/draft-07/schema#"
NOBODY: Final = Clinic("default", "", "UTC", "GR", "en", ("en",), "rehearsal", "EUR")
"""Stands in for a clinic that can't be read yet."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file: where its files are, and the table that they are read by."""

    title: str
    globs: tuple[str, ...]
    kind: Kind[Any]


def _config(name: str, kind: Kind[Any]) -> FileKind:
    return FileKind(f"config/{name}.yaml", (f"config/{name}.yaml",), kind)


KINDS: Final[Mapping[str, FileKind]] = {
    "clinic": _config("clinic", CLINIC),
    "services": _config("services", SERVICES),
    "segments": _config("segments", SEGMENTS),
    "policy": _config("policy", POLICY),
    "channels": _config("channels", CHANNELS_FILE),
    "offers": _config("offers", OFFERS),
    "source": FileKind("A system's exports", ("config/sources/*.yaml", "config/sources/*.yml"), SOURCE),
    "journey": FileKind("A journey", ("journeys/*.yaml", "journeys/*.yml"), JOURNEY),
    "stories": FileKind(
        "Stories of journeys", ("journeys/scenarios/*.yaml", "journeys/scenarios/*.yml"), STORIES
    ),
}


def schemas(scope: Scope) -> dict[str, Schema]:
    """The schema of each kind of file by the kind's name, with the workspace's names in it."""
    return {name: _whole(kind, _scope_in(name, scope)) for name, kind in KINDS.items()}


def _scope_in(name: str, scope: Scope) -> Scope:
    """Segments can't speak of journeys; a journey may speak of the appointment that started it."""
    return replace(scope, segment=name == "segments", this=name == "journey")


def _whole(kind: FileKind, scope: Scope) -> Schema:
    schema = kind.kind.schema(scope)
    known = definitions(scope)
    used: set[str] = set()
    left = set(_named(schema))
    while left:
        name = left.pop()
        used.add(name)
        left |= set(_named(known[name])) - used
    defs = {"$defs": {name: known[name] for name in sorted(used)}} if used else {}
    return {"$schema": DRAFT, "title": kind.title, **schema, **defs}


def _named(schema: Any) -> Iterator[str]:
    """What a schema refers to."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix("#/$defs/")
        for inner in schema.values():
            yield from _named(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _named(inner)


def scope_of(files: Files) -> Scope:
    """The names that a workspace has, as far as its files can be read."""
    reader = Reader()

    def tree(path: str) -> Node | None:
        return compose(raw(files[path]), path)[0] if path in files else None

    clinic = parse_clinic(reader, tree("config/clinic.yaml"), tree("config/services.yaml")) or NOBODY
    segments = parse_segments(reader, tree("config/segments.yaml"), Scope(clinic, frozenset()))
    senders = parse_channels(reader, tree("config/channels.yaml"), clinic.name)
    offers = parse_offers(reader, tree("config/offers.yaml"), clinic)
    templates = Templates({path: text for path, text in files.items() if path.startswith("templates/")})
    journeys: set[str] = set()
    for path in files:
        if path.startswith("journeys/") and path.count("/") == 1:
            node = tree(path)
            name = node.get("journey") if isinstance(node, Map) else None
            if isinstance(name, Scalar):
                journeys.add(name.value)
    return Scope(
        clinic,
        frozenset(segments.named),
        templates={name: templates.channels_of(name) for name in templates.names()},
        offers=frozenset(offers),
        journeys=frozenset(journeys),
        two_way="sms" not in senders or senders["sms"].two_way,
    )


def schema_files(files: Files) -> dict[str, str]:
    """File name and text of each schema."""
    return {f"{name}.json": _json(schema) for name, schema in schemas(scope_of(files)).items()}


def editor_files(files: Files) -> dict[str, str]:
    """What VS Code needs in a workspace: the schemas, which file each is for, and the extension that reads them."""
    settings = {
        "yaml.schemas": {f"./{FOLDER}/{name}.json": list(kind.globs) for name, kind in KINDS.items()},
        "yaml.yamlVersion": "1.2",
        "yaml.format.enable": False,
        "[yaml]": {
            "editor.insertSpaces": True,
            "editor.tabSize": 2,
            "editor.quickSuggestions": {"strings": True},
        },
        "files.encoding": "utf8",
        "files.associations": {"*.j2": "jinja"},
    }
    return {
        ".vscode/settings.json": _json(settings),
        ".vscode/extensions.json": _json({"recommendations": ["redhat.vscode-yaml"]}),
        **{f"{FOLDER}/{name}": text for name, text in schema_files(files).items()},
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
