"""Reading a composed tree: the shape of a file, with every mistake collected and none raised.

A reader method returns the value, or None (or its default) after it has written down a Problem. So one look at a file finds all that is wrong with it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import TypeVar

from worker.domain.calendar import Span, Window, parse_span, parse_window
from worker.domain.problem_codes import severity_of
from worker.domain.source import Map, Node, Place, Problem, Scalar, Seq, Severity

T = TypeVar("T")
NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_NO_SPACE = re.compile(r"[a-z_.]+:[^\s/]")
_TRUE, _FALSE = {"true", "yes", "on"}, {"false", "no", "off"}


class Reader:
    """Collects Problems while a file's fields are read."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(
        self, code: str, at: Node | Place, message: str, hint: str = "", severity: Severity | None = None
    ) -> None:
        """Write down one Problem; the table of codes says how bad it is, unless `severity` does."""
        place = at if isinstance(at, Place) else at.place
        if isinstance(at, Scalar) and not at.quoted and _NO_SPACE.match(at.value):
            key, _, value = at.value.partition(":")
            hint = f"A space is missing after the colon: `{key}: {value}`."
        self.problems.append(
            Problem(code, severity or severity_of(code), place.file, place.line, place.column, message, hint)
        )

    def near(self, word: str, known: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str:
        """A hint that names the nearest known word, if there is one."""
        near = nearest(word, known, synonyms)
        return f"Did you mean `{near}`?" if near else ""

    def did_you_mean(self, word: str, known: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str:
        """A hint that names the nearest known word, or all of a few. `synonyms`: other words for known ones, in small letters."""
        names = sorted(known)
        near = self.near(word, names, synonyms)
        if near:
            return near
        return f"Known: {', '.join(names)}." if 0 < len(names) <= 30 else ""

    def fields(
        self, node: Node | None, what: str, known: Collection[str], required: Collection[str] = ()
    ) -> dict[str, Node]:
        """The entries of a mapping, without unknown keys; a key without a value counts as absent."""
        if not isinstance(node, Map):
            if node is not None:
                self.problem(
                    "shape-type",
                    node,
                    f"{what} must be a block of `key: value` lines",
                    f"Known keys: {', '.join(sorted(known))}.",
                )
            return {}
        found: dict[str, Node] = {}
        for key, value in node.entries:
            if key.value not in known:
                self.problem(
                    "shape-unknown-key",
                    key,
                    f"`{key.value}` is not a key of {what}",
                    self.did_you_mean(key.value, known),
                )
            elif isinstance(value, Scalar) and value.empty:
                self.problem(
                    "shape-empty", key, f"`{key.value}` has no value", "Write one, or remove the key."
                )
            else:
                found[key.value] = value
        for name in required:
            if name not in found and node.get(name) is None:
                self.problem("shape-missing", node, f"`{name}` is missing from {what}", f"Add `{name}: …`.")
        return found

    def entries(self, node: Node | None, what: str) -> list[tuple[Scalar, Node]]:
        """The entries of a mapping whose keys are names of the author's."""
        if node is None:
            return []
        if not isinstance(node, Map):
            self.problem("shape-type", node, f"{what} must be a block of `name: …` lines")
            return []
        return list(node.entries)

    def items(self, node: Node | None, what: str) -> list[Node]:
        """The items of a list; a single value stands for a list of one."""
        if node is None:
            return []
        if isinstance(node, Seq):
            return list(node.items)
        if isinstance(node, Scalar):
            return [node]
        self.problem(
            "shape-type",
            node,
            f"{what} must be a list",
            "Write `[one, two]`, or one item a line after a dash.",
        )
        return []

    def text(self, node: Node | None, what: str, default: str = "") -> str:
        """Any text."""
        if node is None:
            return default
        if not isinstance(node, Scalar):
            self.problem("shape-type", node, f"{what} must be one line of text", "")
            return default
        return node.value

    def texts(self, node: Node | None, what: str) -> tuple[str, ...]:
        """A list of texts, or a single one."""
        return tuple(self.text(item, f"each of {what}") for item in self.items(node, what))

    def name(self, node: Node | None, what: str) -> str:
        """A name: small letters, digits and underscores, as it goes into the database."""
        value = self.text(node, what)
        if node is not None and value and not NAME.fullmatch(value):
            fixed = re.sub(r"[^a-z0-9_]+", "_", value.lower()).strip("_")
            self.problem(
                "shape-name",
                node,
                f"`{value}` can't be {what}: small letters, digits and _ only, starting with a letter",
                f"Try `{fixed}`." if NAME.fullmatch(fixed) else "",
            )
        return value

    def choice(self, node: Node | None, what: str, known: Collection[str], default: str) -> str:
        """One of a few words."""
        if node is None:
            return default
        value = self.text(node, what)
        if value not in known:
            self.problem("shape-choice", node, f"`{value}` is not {what}", self.did_you_mean(value, known))
            return default
        return value

    def choices(
        self, node: Node | None, what: str, known: Collection[str], code: str = "shape-choice"
    ) -> tuple[str, ...]:
        """A list of known words."""
        found: list[str] = []
        for item in self.items(node, what):
            value = self.text(item, what)
            if value not in known:
                self.problem(code, item, f"`{value}` is not {what}", self.did_you_mean(value, known))
            else:
                found.append(value)
        return tuple(found)

    def parsed(
        self, node: Node | None, what: str, parse: Callable[[str], T | None], example: str
    ) -> T | None:
        """A text with a grammar of its own."""
        if node is None:
            return None
        value = parse(node.value) if isinstance(node, Scalar) else None
        if value is None:
            written = f"`{node.value}`" if isinstance(node, Scalar) else "this"
            self.problem("shape-value", node, f"{written} is not {what}", f"For example `{example}`.")
        return value

    def span(self, node: Node | None, what: str) -> Span | None:
        """A length of time, longer than none."""
        span = self.parsed(node, "a length of time", parse_span, "3 weeks")
        if span is not None and span.is_zero and node is not None:
            self.problem(
                "shape-value", node, f"{what} is no time at all", "Remove it, or write for example `1 day`."
            )
            return None
        return span

    def window(self, node: Node | None, what: str) -> Window | None:
        """Hours of a day."""
        return self.parsed(node, what, parse_window, "10:00 - 19:00")

    def integer(self, node: Node | None, what: str, low: int, high: int, default: int) -> int:
        """A whole number within limits."""
        if node is None:
            return default
        said = node.value.strip() if isinstance(node, Scalar) else ""
        if re.fullmatch(r"\d{1,9}", said) and low <= int(said) <= high:
            return int(said)
        written = f"`{said}`" if said else "this"
        self.problem(
            "shape-value", node, f"{written} is not a number from {low} to {high}", f"{what} is one, such as `{low}`."
        )  # fmt: skip
        return default

    def boolean(self, node: Node | None, what: str, default: bool) -> bool:
        """`true` or `false`."""
        if node is None:
            return default
        word = node.value.lower() if isinstance(node, Scalar) else ""
        if word not in _TRUE | _FALSE:
            self.problem("shape-value", node, f"{what} must be `true` or `false`", "")
            return default
        return word in _TRUE

    def day(self, node: Node | None, what: str) -> date | None:
        """An ISO date."""
        return self.parsed(node, what, iso_day, "2026-12-25")


def nearest(word: str, known: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str:
    """The known word that was meant, as far as one can tell: the same in other letters, another word for it, or one that is written alike. "" where there is none."""
    names = {name.lower(): name for name in sorted(known, reverse=True)}
    said = word.strip().lower()
    meant = (synonyms or {}).get(said, said)
    if meant.lower() in names:
        return names[meant.lower()]
    near = difflib.get_close_matches(said, names, n=1, cutoff=0.6)
    return names[near[0]] if near else ""


def iso_day(text: str) -> date | None:
    """A date as ISO 8601 writes it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def money(text: str) -> tuple[int, str] | None:
    """`1500 EUR` or `1500.50 EUR` as minor units and currency (two decimals, as ISO 4217 has for all currencies in use here)."""
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,2})?) ([A-Z]{3})", text.strip().replace(",", ""))
    return (int(Decimal(match[1]) * 100), match[2]) if match else None
