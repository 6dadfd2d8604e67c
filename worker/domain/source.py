"""YAML composed, never constructed: what the author wrote, with the place where it stands.

Rules
1. Every scalar stays the text that was written: `9:30` is not 570 and `no` is not False. The reader of a field decides what it means.
2. A duplicate key, an anchor, an alias or a tag is an error; so no file can unfold into more than it is.
3. Every mistake is a Problem with file, line and column; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import yaml

Severity = Literal["error", "warning"]
MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 50


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake of an author, in words, with the way out."""

    code: str
    severity: Severity
    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    @property
    def sort_key(self) -> tuple[str, int, int, str]:
        """Reading order."""
        return (self.file, self.line, self.column, self.code)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One written value."""

    value: str
    place: Place
    quoted: bool = False

    @property
    def empty(self) -> bool:
        """True where nothing was written after the colon."""
        return not self.quoted and self.value in ("", "~", "null")


@dataclass(frozen=True, slots=True)
class Seq:
    """A list."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Map:
    """Keys and values in the order in which they were written."""

    entries: tuple[tuple[Scalar, Node], ...]
    place: Place

    def get(self, key: str) -> Node | None:
        """The value under a key."""
        for name, node in self.entries:
            if name.value == key:
                return node
        return None


Node = Scalar | Seq | Map


class _Refused(Exception):
    def __init__(self, code: str, place: Place, message: str, hint: str) -> None:
        super().__init__(message)
        self.problem = Problem(code, "error", place.file, place.line, place.column, message, hint)


class _Composer:
    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=yaml.SafeLoader))
        self.problems: list[Problem] = []

    def place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return Place(self.file, mark.line + 1, mark.column + 1) if mark is not None else Place(self.file)

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                raise _Refused(
                    "yaml-documents",
                    self.place(event),
                    "a second document begins here",
                    "Keep one document a file: remove the `---`.",
                )
            if isinstance(event, yaml.NodeEvent):
                root = self.node(event, 0)
        return root

    def node(self, event: yaml.Event, depth: int) -> Node:
        place = self.place(event)
        if depth > MAX_DEPTH:
            raise _Refused(
                "yaml-too-deep", place, f"this is nested more than {MAX_DEPTH} levels deep", "Flatten it."
            )
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused(
                "yaml-anchor",
                place,
                "anchors and aliases (& and *) are not used here",
                "Write the text out, or put it in quotes if it begins with & or *.",
            )
        if getattr(event, "tag", None) is not None:
            raise _Refused(
                "yaml-tag",
                place,
                "tags (!) are not used here",
                "Put the text in quotes if it begins with an exclamation mark.",
            )
        if isinstance(event, yaml.ScalarEvent):
            if any("\ud800" <= letter <= "\udfff" for letter in event.value):
                raise _Refused(
                    "yaml-syntax",
                    place,
                    "half of a character pair (\\ud800 to \\udfff) is no character",
                    "Write the character itself.",
                )
            return Scalar(event.value, place, quoted=event.style is not None and event.style in "'\"|>")
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
                items.append(self.node(inner, depth + 1))
            return Seq(tuple(items), place)
        return self.mapping(place, depth)

    def mapping(self, place: Place, depth: int) -> Map:
        entries: list[tuple[Scalar, Node]] = []
        seen: dict[str, Place] = {}
        while not isinstance(inner := next(self.events), yaml.MappingEndEvent):
            key = self.node(inner, depth + 1)
            value = self.node(next(self.events), depth + 1)
            if not isinstance(key, Scalar):
                raise _Refused(
                    "yaml-key", key.place, "a key must be a word", "Did a comment sign or a colon go missing?"
                )
            if key.value in seen:
                first = seen[key.value]
                self.problems.append(
                    Problem("yaml-duplicate-key", "error", self.file, key.place.line, key.place.column,
                            f"`{key.value}` stands here a second time; the first is on line {first.line}", "Keep one of the two."),
                )  # fmt: skip
                continue
            seen[key.value] = key.place
            entries.append((key, value))
        return Map(tuple(entries), place)


def compose(written: str | bytes, file: str) -> tuple[Node | None, list[Problem]]:
    """The tree of one file and what is wrong with it. An empty file is `None` without a Problem."""
    if isinstance(written, str):
        text = written
    else:
        try:
            text = written.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = written.count(b"\n", 0, error.start) + 1
            return None, [
                Problem(
                    "yaml-not-utf8",
                    "error",
                    file,
                    line,
                    1,
                    "this file is not in UTF-8",
                    "Save it as UTF-8 in your editor.",
                )
            ]
    if len(text) > MAX_BYTES:
        return None, [
            Problem("yaml-too-large", "error", file, 1, 1, "this file is larger than 1 MB", "Split it.")
        ]
    try:
        composer = _Composer(text, file)
        node = composer.document()
        return node, composer.problems
    except _Refused as refused:
        return None, [refused.problem]
    except yaml.MarkedYAMLError as error:
        return None, [_syntax_problem(error, text, file)]
    except yaml.YAMLError as error:
        position = getattr(error, "position", 0)
        return None, [
            Problem(
                "yaml-syntax",
                "error",
                file,
                text.count("\n", 0, position) + 1,
                1,
                "a character here is not allowed in YAML",
                "Remove the invisible or control character.",
            )
        ]
    except (ValueError, OverflowError):
        # The parser itself stumbles over escapes and versions with absurd numbers in them.
        return None, [
            Problem(
                "yaml-syntax",
                "error",
                file,
                1,
                1,
                "a number in an escape (\\U…) or a %YAML line is not possible",
                "Remove it.",
            )
        ]
    except RecursionError:
        return None, [
            Problem(
                "yaml-too-deep",
                "error",
                file,
                1,
                1,
                f"this is nested more than {MAX_DEPTH} levels deep",
                "Flatten it.",
            )
        ]


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    lines: Sequence[str] = text.splitlines()
    written = lines[line - 1] if 0 < line <= len(lines) else ""
    said = (error.problem or "this is not YAML").replace("'\\t'", "a tab")
    if "\t" in written[: max(column, len(written) - len(written.lstrip()))] or (
        "cannot start any token" in said and "\t" in written
    ):
        return Problem(
            "yaml-tab",
            "error",
            file,
            line,
            written.index("\t") + 1,
            "a tab stands where spaces belong",
            "Indent with spaces.",
        )
    if "mapping values are not allowed" in said:
        return Problem(
            "yaml-syntax",
            "error",
            file,
            line,
            column,
            "a second colon in one line, or a wrong indent",
            "Put text that holds `: ` in quotes, and line up the keys.",
        )
    if "expected <block end>" in said or "could not find expected" in said:
        return Problem(
            "yaml-indent",
            "error",
            file,
            line,
            column,
            "this line does not line up with the ones above, or a colon is missing",
            "Give keys of one block the same indent.",
        )
    return Problem(
        "yaml-syntax",
        "error",
        file,
        line,
        column,
        f"this is not YAML: {said}",
        "Look for an open quote or bracket just above.",
    )


def written(node: Node) -> str:
    """A short form of what the author wrote, for reasons."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Seq):
        return ", ".join(written(item) for item in node.items)
    return ", ".join(f"{key.value}: {written(value)}" for key, value in node.entries)
