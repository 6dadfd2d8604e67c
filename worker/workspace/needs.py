"""What a recipe needs and a workspace lacks: segments, services, offers. They are taken from the sample clinic and added to config/.

Rules
1. A stage of the sample's lifecycle becomes a free segment that means the same; the workspace's own lifecycle is never touched.
2. Services come with what they complement, as far as the workspace knows it. Their codes are the sample's, for its stories; the clinic replaces them.
3. An offer comes unapproved: who approved it at the sample clinic has approved nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from worker.domain.source import Map, Node, Seq, compose
from worker.workspace.files import Files
from worker.workspace.trees import blocks, entries, listed, names, scalars, tree_of, under, word, words_under
from worker.workspace.yaml_text import entry_text, flow, scalar, with_entries

SEGMENTS: Final = "config/segments.yaml"
SERVICES: Final = "config/services.yaml"
OFFERS: Final = "config/offers.yaml"
UNAPPROVED: Final = "not approved yet"
_SEGMENT_KEYS: Final = frozenset({"enters", "leaves", "in", "not_in"})
_WORD: Final = re.compile(r"[\w-]+")


@dataclass(frozen=True)
class Clinic:
    """What a workspace has, as far as a recipe asks."""

    language: str
    languages: tuple[str, ...]
    segments: frozenset[str]
    channels: tuple[str, ...]


@dataclass
class Needs:
    """Files of config/ with what was added, and in words what that is."""

    files: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


def clinic_of(files: Files) -> Clinic:
    """The workspace's languages, segments and channels. What can't be read is left out."""
    clinic = tree_of(files, "config/clinic.yaml")
    named = listed(under(clinic, "languages"))
    language = word(under(clinic, "language")) or next(iter(named), "en")
    stages, free = _segments(files)
    channels = names(tree_of(files, "config/channels.yaml"))
    return Clinic(
        language, tuple(dict.fromkeys((language, *named))), frozenset({*dict(stages), *names(free)}), channels
    )


def needs(recipe: str, name: str, trees: Iterable[Node | None], sample: Files, files: Files) -> Needs:
    """What is to be added to config/ for a journey and its stories. Raises NotEditable."""
    found = Needs()
    told = [tree for tree in trees if tree is not None]
    told += _needed_segments(told, recipe, name, sample, files, found)
    _needed_services(told, recipe, sample, files, found)
    _needed_offers(told, recipe, sample, files, found)
    return found


def _needed_segments(
    trees: list[Node], recipe: str, name: str, sample: Files, files: Files, found: Needs
) -> list[Node]:
    """Adds the segments that are named and not there, and those that they name; returns their trees."""
    stages, free = _segments(sample)
    known = clinic_of(files).segments
    wanted: dict[str, str] = {}
    taken: list[Node] = []
    queue = list(trees)
    while queue:
        tree = queue.pop(0)
        for segment in (*words_under(tree, _SEGMENT_KEYS), *_branched(tree)):
            if segment in known or segment in wanted:
                continue
            node = dict(stages).get(segment)
            written = _stage(segment, stages) if node is not None else None
            if node is None and isinstance(free, Map) and (node := free.get(segment)) is not None:
                written = entry_text(sample[SEGMENTS], free, segment) or f"{segment}: {{{flow(node)}}}"
            if node is None or written is None:
                continue
            wanted[segment] = re.sub(
                r"#.*", lambda remark: re.sub(rf"\b{re.escape(recipe)}\b", name, remark[0]), written
            )
            entry, _ = compose(written, SEGMENTS)
            taken += [entry] if entry is not None else []
            queue += [entry] if entry is not None else []
    if wanted:
        _add(found, files, SEGMENTS, "segments", wanted, f"for the journey {name}, from the recipe {recipe}")
    return taken


def _branched(tree: Node) -> Iterator[str]:
    """The segments of every `branch` by segment."""
    for block in blocks(tree):
        yield from names(block.get("branch"))


def _stage(name: str, stages: tuple[tuple[str, Node], ...]) -> str:
    """A stage as a free segment: its own conditions, and none of the stages before it."""
    at = [stage for stage, _ in stages].index(name)
    earlier = [f"{{{flow(node)}}}" for _, node in stages[:at] if isinstance(node, Map)]
    own = stages[at][1]
    parts = [f"title: {scalar(name.replace('_', ' ').capitalize())}"]
    parts += [flow(own)] if isinstance(own, Map) else []
    parts += [f"none_of: [{', '.join(earlier)}]"] if earlier else []
    return f"{name}: {{{', '.join(parts)}}}"


def _needed_services(trees: list[Node], recipe: str, sample: Files, files: Files, found: Needs) -> None:
    theirs, ours = tree_of(sample, SERVICES), tree_of(files, SERVICES)
    catalogue = dict(_named(theirs, "services"))
    family = {code: word(under(value, "family")) for code, value in catalogue.items()}
    spoken = {part for tree in trees for _, each in scalars(tree) for part in _WORD.findall(each.value)}
    known = {code: word(under(value, "family")) for code, value in _named(ours, "services")}
    families = {*known.values(), *dict(_named(ours, "families"))}
    codes = [code for code in catalogue if code in spoken and code not in known]
    asked = {name for tree in trees for name in words_under(tree, {"families"})}
    asked |= {part for tree in trees for text in words_under(tree, {"wait"}) for part in _WORD.findall(text)}
    lacking = asked & {*family.values()} - families - {family[code] for code in codes}
    codes += [next(code for code in catalogue if family[code] == name) for name in sorted(lacking)]
    services = under(theirs, "services")
    if codes and isinstance(services, Map):
        wanted = {
            code: entry_text(sample[SERVICES], services, code) or f"{code}: {{{flow(catalogue[code])}}}"
            for code in codes
        }
        _add(
            found,
            files,
            SERVICES,
            "services",
            wanted,
            f"from the recipe {recipe}; put the codes of your own book here",
        )
    everyone = families | {family[code] for code in codes}
    if any(block.get("complement") is not None for tree in trees for block in blocks(tree)):
        there = dict(_named(ours, "families"))
        lines = {}
        for name, value in _named(theirs, "families"):
            complements = [each for each in words_under(value, {"complements"}) if each in everyone]
            if name in everyone and name not in there and complements:
                lines[name] = f"{name}: {{complements: [{', '.join(complements)}]}}"
        if lines:
            _add(
                found,
                files,
                SERVICES,
                "families",
                lines,
                f"from the recipe {recipe}: what goes well with what",
            )


def _needed_offers(trees: list[Node], recipe: str, sample: Files, files: Files, found: Needs) -> None:
    theirs = tree_of(sample, OFFERS)
    offered = dict(_named(theirs, "offers"))
    there = dict(_named(tree_of(files, OFFERS), "offers"))
    names = [
        name
        for tree in trees
        for name in words_under(tree, {"offer"})
        if name in offered and name not in there
    ]
    if names:
        clinic = clinic_of(files)
        wanted = {name: _offer(name, offered[name], clinic) for name in names}
        _add(
            found,
            files,
            OFFERS,
            "offers",
            wanted,
            f"from the recipe {recipe}: have it approved before the journey goes live",
        )


def _offer(name: str, node: Node, clinic: Clinic) -> str:
    lines = [f"{name}:"]
    for key, value in node.entries if isinstance(node, Map) else ():
        if key.value == "text" and isinstance(value, Map):
            texts = {language.value: word(text) for language, text in value.entries}
            spare = texts.get("en") or next(iter(texts.values()), "")
            lines.append("  text:")
            for language in clinic.languages:
                remark = "" if language in texts else "    # to be translated"
                lines.append(f"    {language}: {scalar(texts.get(language, spare))}{remark}")
        elif key.value == "approved_by":
            lines.append(f"  approved_by: {UNAPPROVED}")
        elif key.value != "approved_on":
            lines.append(f"  {key.value}: {f'{{{flow(value)}}}' if isinstance(value, Map) else flow(value)}")
    return "\n".join(lines)


def _add(found: Needs, files: Files, path: str, key: str, entries: Mapping[str, str], remark: str) -> None:
    text = found.files.get(path, files.get(path, ""))
    found.files[path] = with_entries(text, path, key, entries, remark)
    found.words.append(f"{path}: {', '.join(entries)} ({remark})")


def _segments(files: Files) -> tuple[tuple[tuple[str, Node], ...], Node | None]:
    """The stages in their order, and the tree of the free segments."""
    tree = tree_of(files, SEGMENTS)
    lifecycle = under(tree, "lifecycle")
    items = lifecycle.items if isinstance(lifecycle, Seq) else ()
    return tuple(stage for item in items for stage in entries(item)), under(tree, "segments")


def _named(tree: Node | None, key: str) -> tuple[tuple[str, Node], ...]:
    return entries(under(tree, key))
