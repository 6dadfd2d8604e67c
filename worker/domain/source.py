"""YAML composed, never constructed: what the author wrote, with the place where it stands.

Rules
1. Every scalar stays the text that was written: `9:30` is not 570 and `no` is not False. The reader of a field decides what it means.
2. A duplicate key, an anchor, an alias or a tag is an error; so no file can unfold into more than it is.
3. Every mistake is a Problem with file, line and column; nothing here raises.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import yaml

from worker.domain.yaml_mistakes import (
    LINE_BREAK,
    ODD_DASHES,
    QUOTE_PAIRS,
    Complaint,
    explain,
    odd_dash,
    variable,
)

Severity = Literal["error", "warning"]
MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 50
_ODD_SPACE: Final = re.compile(
    "^(?:[ -]*[\\w.]+:)?[ -]*([\u00a0\u1680\u2000-\u200f\u202f\u205f\u2060\u3000\ufeff])", re.MULTILINE
)
_DASH_LINE: Final = re.compile(
    rf"(?:{LINE_BREAK.pattern})[ ]*(?:(?P<dash>-)\S|(?P<item>-) |(?P<odd>[{ODD_DASHES}]) )"
)
_TYPED_QUOTES: Final = frozenset(QUOTE_PAIRS)
_LOOKED_AT: Final = frozenset([*(pair[0] for pair in QUOTE_PAIRS), *ODD_DASHES])


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
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Reading order; of two that stand in one place, always the same."""
        return (self.file, self.line, self.column, self.code, self.message)


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
        self.text = text
        self.events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=yaml.SafeLoader))
        self.problems: list[Problem] = []

    def place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return Place(self.file, mark.line + 1, mark.column + 1) if mark is not None else Place(self.file)

    def index(self, mark: Any) -> int:
        """Where a mark of the library stands in the text."""
        return cast(int, mark.index)

    def character(self, at: int, message: str) -> Problem:
        """The Problem of a character that must not stand at this index."""
        line, column = place_of(self.text, at)
        hint = "Remove it, or type the line anew: it may have come along when text was pasted."
        return Problem("yaml-character", "error", self.file, line, column, message, hint)

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
            return self.scalar(event, place)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
                items.append(self.node(inner, depth + 1))
            return Seq(tuple(items), place)
        return self.mapping(place, depth)

    def scalar(self, event: yaml.ScalarEvent, place: Place) -> Scalar:
        value: str = event.value
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise _Refused(
                "yaml-character",
                place,
                "half of a character pair (\\ud800 to \\udfff) is no character",
                "Write the character itself.",
            )
        if "{" in value and ("{{" in value or "{%" in value):
            at = re.compile(r"\{[{%]").search(self.text, self.index(event.start_mark))
            variable(*(place_of(self.text, at.start()) if at else (place.line, place.column)), self.refuse)
        if event.style is not None:
            return Scalar(value, place, quoted=event.style in "'\"|>")
        if value[:1] in _LOOKED_AT:
            if value[0] + value[-1] in _TYPED_QUOTES:
                raise _Refused(
                    "yaml-quote",
                    place,
                    f"`{value[0]}` and `{value[-1]}` do not quote here: they would be part of the text",
                    'Write " and ", the quotes of the keyboard; outside of these, where they belong to the text.',
                )
            if value[0] in ODD_DASHES and value[1:2] == " ":
                odd_dash(place.line, place.column, value[0], self.refuse)
        begin, end = event.start_mark, event.end_mark
        if " " in value and begin is not None and end is not None and end.line != begin.line:
            self.lines_of(event)
        return Scalar(value, place)

    def lines_of(self, event: yaml.ScalarEvent) -> None:
        """Text over several lines of which one was meant as a list item: YAML takes it as more text."""
        first = self.index(event.start_mark)
        text = self.text[first : self.index(event.end_mark)]
        match = _DASH_LINE.search(text)
        if match is None and not text.startswith("-"):
            return
        at = first if match is None or text.startswith("-") else first + match.start(match.lastgroup or 0)
        line, column = place_of(self.text, at)
        if match is not None and match["odd"]:
            odd_dash(line, column, match["odd"], self.refuse)
        if match is not None and match["item"] and not text.startswith("-"):
            raise _Refused(
                "yaml-indent",
                Place(self.file, line, column),
                "this list item is indented further than the one above, and so becomes part of it",
                "Give the items of one list the same indent.",
            )
        raise _Refused(
            "yaml-dash",
            Place(self.file, line, column),
            "a space is missing after the dash",
            "Write `- ` before a list item; put text that begins with a dash in quotes.",
        )

    def refuse(self, code: str, line: int, column: int, message: str, hint: str) -> None:
        """Read no further."""
        raise _Refused(code, Place(self.file, line, column), message, hint)

    def mapping(self, place: Place, depth: int) -> Map:
        entries: list[tuple[Scalar, Node]] = []
        seen: dict[str, Place] = {}
        while not isinstance(inner := next(self.events), yaml.MappingEndEvent):
            key = self.node(inner, depth + 1)
            value = self.node(next(self.events), depth + 1)
            if not isinstance(key, Scalar):
                if self.text.startswith("{{", self.index(inner.start_mark) - 1):
                    variable(place.line, place.column, self.refuse)
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
        text = written.removeprefix("\ufeff")
    else:
        try:
            text = written.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            return None, [not_utf8(error, file)]
    if len(text) > MAX_BYTES:
        said = f"this file is larger than {MAX_BYTES // 1_000_000} MB"
        return None, [Problem("yaml-too-large", "error", file, 1, 1, said, "Split it.")]
    composer = _Composer(text, file)
    if odd := _ODD_SPACE.search(text):
        said = f"{_named(odd[1])} stands here: it looks like a space and is none"
        return None, [composer.character(odd.start(1), said)]
    try:
        node = composer.document()
        nothing = isinstance(node, Scalar) and not node.quoted and not node.value
        return None if nothing else node, composer.problems
    except _Refused as refused:
        return None, [refused.problem]
    except yaml.MarkedYAMLError as error:
        return None, [_syntax_problem(error, text, file)]
    except yaml.YAMLError as error:
        at = min(getattr(error, "position", 0), len(text) - 1)
        return None, [composer.character(at, f"the character {_named(text[at])} is not allowed in YAML")]
    except (ValueError, OverflowError):
        # The parser itself stumbles over escapes and versions with absurd numbers in them.
        said = "a number in an escape (\\U…) or a %YAML line is not possible"
        return None, [Problem("yaml-syntax", "error", file, 1, 1, said, "Remove it.")]


def not_utf8(error: UnicodeDecodeError, file: str) -> Problem:
    """The place of the first byte that is no UTF-8."""
    before = error.object[: error.start].decode("utf-8")
    line, column = place_of(before, len(before))
    return Problem(
        "yaml-not-utf8", "error", file, line, column, f"this file is not in UTF-8: byte {error.object[error.start]:02X} stands here",
        "Save it as UTF-8 in your editor.",
    )  # fmt: skip


def place_of(text: str, at: int, line_break: re.Pattern[str] = LINE_BREAK) -> tuple[int, int]:
    """Line and column, from 1, of a character's index."""
    breaks = list(line_break.finditer(text, 0, at))
    return len(breaks) + 1, at - (breaks[-1].end() if breaks else 0) + 1


def _named(character: str) -> str:
    return f"U+{ord(character):04X} ({unicodedata.name(character, 'a control character').lower()})"


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark, context = error.problem_mark or error.context_mark, error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    begun = (context.line + 1, context.column + 1) if context is not None else (0, 0)
    said = (error.problem or "this is not YAML").replace("'\\t'", "a tab")

    def problem(code: str, line: int, column: int, message: str, hint: str) -> Problem:
        return Problem(code, "error", file, line, column, message, hint)

    found = explain(Complaint(said, line, column, *begun), LINE_BREAK.split(text), problem)
    return cast(Problem, found)


def written(node: Node) -> str:
    """A short form of what the author wrote, for reasons."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Seq):
        return ", ".join(written(item) for item in node.items)
    return ", ".join(f"{key.value}: {written(value)}" for key, value in node.entries)
