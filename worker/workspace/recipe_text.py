"""The text of a recipe with other names and values in it: the journey, its templates, its stories."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from worker.domain.events import EVENT_TYPES
from worker.domain.source import Map, Node, Problem, Scalar, Seq
from worker.workspace.files import Files
from worker.workspace.needs import Clinic
from worker.workspace.trees import blocks, entries, listed, scalars, steps, tree_of, under, word, words_under
from worker.workspace.untranslated import remarked
from worker.workspace.yaml_text import replaced, scalar, without_items

SCENARIOS: Final = "journeys/scenarios/"
_TEXT: Final = re.compile(
    r"templates/(?P<name>.+)\.(?P<channel>sms|email)\.(?P<language>[a-z]{2})\.(?P<suffix>j2|md|mjml)"
)
_NAMED_BY: Final = frozenset({"journey", "journeys", "starts"})
Change = tuple[Node, str]


class CannotMake(Exception):
    """The journey can't be made as asked; the message names the way out. `problems` are what `check` would say of `files`."""

    def __init__(self, message: str, problems: tuple[Problem, ...] = (), files: Files | None = None) -> None:
        super().__init__(message)
        self.problems = problems
        self.files = files or {}


@dataclass(frozen=True)
class Recipe:
    """A journey of the sample clinic: its file and its tree."""

    name: str
    text: str
    node: Map

    @property
    def title(self) -> str:
        """What it is for."""
        return word(self.node.get("title")) or self.name.replace("_", " ")

    @property
    def asks_about(self) -> frozenset[str]:
        """The journeys that its conditions name."""
        asked = (block.get(key) for block in blocks(self.node) for key in ("got_message", "journey"))
        return frozenset(
            name
            for node in asked
            if isinstance(node, Map)
            for name in words_under(node, {"journey", "active", "ever"})
        )


def journey_text(
    name: str, recipe: Recipe, answers: Mapping[str, str], channels: Mapping[str, tuple[str, ...]]
) -> str:
    """The recipe's text as the journey `name`, a draft. `answers` are the values that differ, `channels` those of each sending step. Raises NotEditable."""
    changes: list[Change] = [(node, name) for node in _self_names(recipe)]
    changes += _answered(recipe, answers)
    templates = renamed(name, recipe)
    for step in steps(recipe.node.get("steps")):
        send, template = step.get("send"), step.get("template")
        kept = channels.get(word(step.get("id")))
        if send is not None and kept is not None and kept != listed(send):
            changes.append((send, f"[{', '.join(kept)}]"))
        if template is not None and word(template) in templates:
            changes.append((template, templates[word(template)]))
    written = {"status": "draft", **({"title": scalar(answers["title"])} if "title" in answers else {})}
    fresh = [f"{key}: {value}" for key, value in written.items() if recipe.node.get(key) is None]
    changes += [(node, value) for key, value in written.items() if (node := recipe.node.get(key)) is not None]
    lines = replaced(recipe.text, changes).split("\n")
    at = next(key.place.line for key, _ in recipe.node.entries if key.value == "journey")
    return "\n".join([*lines[:at], *fresh, *lines[at:]])


def _answered(recipe: Recipe, answers: Mapping[str, str]) -> Iterator[Change]:
    start = recipe.node.get("start")
    places = {
        **{key: recipe.node.get(key) for key in ("send_between", "priority")},
        **{key: under(start, key) for key in ("enters", "leaves")},
        **{f"wait {word(step.get('id'))}": step.get("wait") for step in steps(recipe.node.get("steps"))},
    }
    for key, node in places.items():
        if key in answers and node is not None:
            yield node, answers[key]


def _self_names(recipe: Recipe) -> Iterator[Node]:
    """Where the recipe names itself: at its top, and in conditions that ask about it."""
    yield from (node for key, node in entries(recipe.node) if key == "journey")
    for block in blocks(recipe.node):
        for asked in (block.get("got_message"), block.get("journey")):
            if isinstance(asked, Map):
                yield from (node for _, node in scalars(asked) if node.value == recipe.name)


def renamed(name: str, recipe: Recipe) -> dict[str, str]:
    """The recipe's templates, each with its new name in a folder of the new journey's."""
    found: dict[str, str] = {}
    for old in words_under(recipe.node.get("steps"), {"template"}):
        fresh = f"{name}/{old.rpartition('/')[2]}"
        found[old] = fresh if fresh not in found.values() else f"{name}/{old.replace('/', '_')}"
    return found


def channels_of(sample: Files, template: str) -> frozenset[str]:
    """The channels in which the sample has a text of that name."""
    return frozenset(
        match["channel"] for match in map(_TEXT.fullmatch, sample) if match and match["name"] == template
    )


def texts(
    sample: Files, old: str, fresh: str, channels: frozenset[str], clinic: Clinic
) -> Iterator[tuple[str, str]]:
    """Path and text of one template under its new name.

    Where the sample has none in the clinic's own language, a copy to be translated stands in; other languages are left to `check`, which names them.
    """
    for channel in sorted(channels):
        there: dict[str, tuple[str, str]] = {}
        for path in sample:
            match = _TEXT.fullmatch(path)
            if match and (match["name"], match["channel"]) == (old, channel):
                there[match["language"]] = path, match["suffix"]
        for language in clinic.languages:
            spare = "en" if "en" in there else min(there, default="")
            source = language if language in there else spare
            if source and language in (source, clinic.language):
                path, suffix = there[source]
                text = (
                    sample[path] if source == language else remarked(sample[path], suffix, source, language)
                )
                yield f"templates/{fresh}.{channel}.{language}.{suffix}", text


@dataclass(frozen=True)
class Stories:
    """A file of stories; `left_out` are those that were taken out of it."""

    path: str
    text: str
    left_out: tuple[str, ...] = ()


def stories(name: str, recipe: Recipe, sample: Files, absent: Collection[str]) -> Iterator[Stories]:
    """The recipe's stories, told of the new journey. Raises NotEditable.

    Files that are about several journeys stay behind, and so does a story that one of the `absent` journeys takes part in.
    """
    for path in sorted(sample):
        if not path.startswith(SCENARIOS):
            continue
        node = tree_of(sample, path)
        about = {each for key in ("journey", "journeys") for each in listed(under(node, key))}
        if about != {recipe.name}:
            continue
        told = under(node, "stories")
        items = [item for item in told.items if isinstance(item, Map)] if isinstance(told, Seq) else []
        gone = [item for item in items if _journeys_of(item) & {*absent}]
        if len(gone) == len(items):
            continue
        text = replaced(sample[path], _retold(name, recipe, node))
        stem = path.removeprefix(SCENARIOS).rpartition(".")[0]
        rest = stem.removeprefix(recipe.name) if stem.startswith(recipe.name) else f"_{stem}"
        left_out = tuple(word(item.get("story")) for item in gone)
        yield Stories(f"{SCENARIOS}{name}{rest}.yaml", without_items(text, items, gone), left_out)


def _journeys_of(story: Map) -> set[str]:
    """The journeys that a story names, by themselves or before a step's name."""
    said = [(key, each.value) for key, each in scalars(story) if key != "story"]
    return {text for key, text in said if key in _NAMED_BY} | {
        text.partition(".")[0] for key, text in said if "." in text
    }


def _retold(name: str, recipe: Recipe, node: Node | None) -> Iterator[Change]:
    """What is to be said otherwise in a file of stories."""
    templates = renamed(name, recipe)
    own = re.compile(rf"{recipe.name}\.([a-z][a-z0-9_]*(?:/.+)?)")
    for key, each in scalars(node):
        if key in _NAMED_BY and each.value == recipe.name:
            yield each, name
        elif key == "template" and each.value in templates:
            yield each, templates[each.value]
        elif key != "story" and each.value not in EVENT_TYPES and (match := own.fullmatch(each.value)):
            yield each, f"{name}.{match[1]}"


def is_word(node: Node | None) -> bool:
    """Whether a value is there that can be asked for."""
    return isinstance(node, Scalar) and not node.empty
