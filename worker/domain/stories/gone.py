"""Stories of journeys that are no longer there. Any journey may be removed, so its stories are left out, with one warning a file.

Rules
1. A story goes by the journeys that it names, or else by those that its file names. Where neither names any, all live ones run, and what the story says of
   single journeys (`journey.step`) counts.
2. Of a file of which no story is left, nothing else is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from worker.domain.shape import NAME, Reader
from worker.domain.source import Map, Node, Scalar, Seq

CODE: Final = "story-journey-gone"
"""The Problem's."""
_NAMING: Final = ("journey", "journeys")
_OF_JOURNEYS: Final = frozenset(
    {"sends", "rehearses", "holds_back", "skips", "task", "withholds", "takes", "ends"}
)


def without_gone(reader: Reader, node: Node, known: Collection[str] | None) -> Node | None:
    """The file without the stories of journeys that are not `known`, after a warning that counts them; None where no story is left. None leaves names unchecked."""
    if not isinstance(node, Map) or known is None:
        return node
    told = node.get("stories")
    stories = told.items if isinstance(told, Seq) else ()
    of_file = [name for name in _named(node) if name.value not in known]
    gone = [[name for name in _runs(story, node) if name.value not in known] for story in stories]
    missing = [*of_file, *(name for names in gone for name in names)]
    if not missing:
        return node
    left = tuple(story for story, names in zip(stories, gone, strict=True) if not names)
    _warn(reader, missing, len(stories) - len(left), known)
    if not left:
        return None
    return replace(
        node,
        entries=tuple(
            (key, replace(told, items=left) if value is told and isinstance(told, Seq) else value)
            for key, value in node.entries
            if not (of_file and key.value in _NAMING)
        ),
    )


def _warn(reader: Reader, missing: list[Scalar], count: int, known: Collection[str]) -> None:
    names = sorted({name.value for name in missing})
    stories = f"{count} {'story' if count == 1 else 'stories'} left out: " if count else ""
    there = "there is no journey" if len(names) == 1 else "there are no journeys"
    near = reader.near(missing[0].value, known)
    way_out = "remove the stories with their journey" if count != 1 else "remove the story with its journey"
    reader.problem(
        "story-journey-gone",
        missing[0],
        f"{stories}{there} {', '.join(f'`{name}`' for name in names)}",
        f"{near} Else {way_out}." if near else f"Put the journey back, or {way_out}.",
    )


def _named(node: Map) -> list[Scalar]:
    """The journeys that a file or a story says it is of. What cannot be a name is a mistake of another kind."""
    found: list[Scalar] = []
    for key, value in node.entries:
        if key.value in _NAMING:
            found += _names(value.items if isinstance(value, Seq) else (value,))
    return found


def _names(nodes: tuple[Node, ...]) -> Iterator[Scalar]:
    for node in nodes:
        if isinstance(node, Scalar) and not node.empty and NAME.fullmatch(node.value):
            yield node


def _runs(story: Node, file: Map) -> list[Scalar]:
    if not isinstance(story, Map):
        return _named(file)
    for each in (story, file):
        if any(each.get(key) is not None for key in _NAMING):
            return _named(each)
    return [*_spoken_of(file), *_spoken_of(story)]


def _spoken_of(node: Map) -> Iterator[Scalar]:
    """The journeys of `journey.step` and `starts: journey`."""
    for key, _ in _pairs(node.get("variant")):
        yield from _before_dot(key)
    for _, told in _entries(node.get("expect")):
        for key, value in _pairs(told):
            if key.value in _OF_JOURNEYS:
                yield from _before_dot(value)
            elif key.value == "starts":
                yield from _names((value,))
    for _, told in _entries(node.get("happens")):
        for _, event in _pairs(told):
            for key, value in _pairs(event):
                if key.value == "step":
                    yield from _before_dot(value)


def _before_dot(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar) and "." in node.value.partition("/")[0]:
        yield from _names((replace(node, value=node.value.partition(".")[0]),))


def _pairs(node: Node | None) -> tuple[tuple[Scalar, Node], ...]:
    return node.entries if isinstance(node, Map) else ()


def _entries(node: Node | None) -> Iterator[tuple[Scalar, Node]]:
    for item in node.items if isinstance(node, Seq) else ():
        yield from _pairs(item)
