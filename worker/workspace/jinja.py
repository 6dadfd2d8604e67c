"""Jinja2 as authors of templates may use it: sandboxed, strict about names, and errors that name the line.

Rules
1. A template sees its variables, the filter `phone` and Jinja's filters. It includes no file, calls no global.
2. A name that does not exist is an error, never an empty string.
3. A value brings no formatting of its own: control and direction marks are taken out beforehand.
"""

from __future__ import annotations

import difflib
import re
import traceback
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import phonenumbers
from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError, nodes
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from worker.workspace.jinja_words import in_words
from worker.workspace.variables import KNOWN

Finalize = Callable[[object], object]

_UNSEEN = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_QUOTED = re.compile(r"(?:no attribute )?'([^']*)'(?: is undefined)?$")
_IN_QUOTES = re.compile(r"\"[^\"]*\"|'[^']*'")
_OPENING = re.compile(r"\{[{%#]")
_NAMED = re.compile(r"'([^']+)'")
_NO_FILTER = re.compile(r"No filter named '(\w+)'")
_SINGLE = re.compile(
    rf"(?<![{{%#])\{{\s*((?:{'|'.join(map(re.escape, sorted(KNOWN)))})(?:\s*\|[^{{}}]*?)?)\s*\}}(?!\}})"
)
_BLOCKS = frozenset({"if", "for", "set", "filter", "block", "macro", "call", "with", "raw", "autoescape"})
_STRINGS = r"""(?:"[^"]*"|'[^']*'|[^"'])*?"""
TAGS: Final = re.compile(rf"\{{\{{{_STRINGS}\}}\}}|\{{%{_STRINGS}%\}}|\{{#.*?#\}}", re.DOTALL)
"""What stands in a text for Jinja: values, statements, remarks."""
MAX_REPEATED: Final = 100_000
OF_BRAND: Final = "brand."
"""What layouts draw with: never told to those who write words, unless they came near it."""
OFFER: Final = ("offer.code", "offer.text", "offer.until")


class TemplateError(Exception):
    """A text that cannot be rendered: `path`, `line` and `column` (from 1) say where, `message` what, `hint` the way out.

    `code` is that of the Problem: `template-broken`, `template-variable` or `template-subject`.
    """

    def __init__(
        self,
        path: str,
        line: int,
        message: str,
        column: int = 1,
        code: str = "template-broken",
        hint: str = "",
    ) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path, self.line, self.column = path, line, column
        self.message, self.code, self.hint = message, code, hint


def clean(value: object) -> object:
    """The value as a template may see it (rule 3): one line, NFC, no invisible marks; into mappings too."""
    if isinstance(value, str):
        return _BLANK.sub(" ", _UNSEEN.sub("", unicodedata.normalize("NFC", value))).strip()
    if isinstance(value, Mapping):
        return {key: clean(inner) for key, inner in value.items()}
    return "" if value is None else value


@lru_cache(maxsize=256)
def phone(number: str) -> str:
    """An E.164 number as people read it, `+30 21 0000 0000`; anything else stays as it is."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


class _Environment(SandboxedEnvironment):
    """The sandbox, which also keeps a slip of the pen from filling the memory: `{{ "-" * 1000000000 }}`."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        for times, what in ((left, right), (right, left)):
            if (
                isinstance(times, int)
                and isinstance(what, str | list | tuple)
                and times * len(what) > MAX_REPEATED
            ):
                raise ValueError(f"this repeats a text to more than {MAX_REPEATED} characters")
        if operator == "**":
            raise ValueError("powers are not computed here")
        return super().call_binop(context, operator, left, right)


def environment(*, autoescape: bool = False, finalize: Finalize | None = None) -> SandboxedEnvironment:
    """An environment of rules 1 and 2; `finalize` passes over every value that is printed."""
    env = _Environment(undefined=StrictUndefined, autoescape=autoescape, finalize=finalize)
    env.globals.clear()
    env.filters["phone"] = phone
    return env


class Source:
    """One piece of a template file, compiled once; it begins at `line` and `column` of the file. `tree` is None where it holds no Jinja.

    Raises TemplateError where it is not a template.
    """

    def __init__(
        self, env: SandboxedEnvironment, path: str, text: str, line: int = 1, column: int = 1
    ) -> None:
        self.path, self.text, self.line, self.column = path, text, line, column
        self.tree: nodes.Template | None = None
        self._template: Template | None = None
        if _OPENING.search(text) is None:
            self._single_braces()
            return
        try:
            self.tree = env.parse(text, name=path, filename=path)
            code = env.compile(self.tree, name=path, filename=path)
        except TemplateSyntaxError as error:
            message = error.message or "this is not a template"
            raise self._error(error.lineno, message, filters=env.filters) from error
        except RecursionError as error:
            raise self._error(1, "this is nested too deep") from error
        self._single_braces()
        self._template = Template.from_code(env, code, env.globals)

    def _single_braces(self) -> None:
        """A variable between single braces would go out as it stands."""
        tags = [match.span() for match in TAGS.finditer(self.text)]
        for match in _SINGLE.finditer(self.text):
            if not any(start <= match.start() < end for start, end in tags):
                line, column = self.place(match.start())
                raise TemplateError(
                    self.path, line, f"`{match[0]}` is printed as it stands", column, "template-variable", f"Write {{{{ {match[1]} }}}}.",
                )  # fmt: skip

    def render(self, variables: Mapping[str, object]) -> str:
        """The text; raises TemplateError."""
        if self._template is None:
            return self.text.removesuffix("\n")
        try:
            return self._template.render(variables)
        except (
            Exception
        ) as error:  # an author's expression can fail in any way; each is a mistake in the file
            frames = traceback.extract_tb(error.__traceback__)
            lines = [frame.lineno for frame in frames if frame.filename == self.path and frame.lineno]
            line = lines[-1] if lines else 1
            if isinstance(error, UndefinedError):
                name, message = _no_such_name(error, variables)
                raise self._error(line, message, name, "template-variable") from error
            raise self._error(line, str(error)) from error

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column in the file of a place in this piece."""
        line = self.text.count("\n", 0, offset)
        start = self.text.rfind("\n", 0, offset) + 1
        return self.line + line, offset - start + (self.column if line == 0 else 1)

    def tags(self) -> list[tuple[int, int]]:
        """Where its Jinja stands: start and end of each piece of it."""
        return [match.span() for match in TAGS.finditer(self.text)] if self.tree is not None else []

    def find(self, word: str, line: int) -> list[int]:
        """Where a name stands within the Jinja of a line (from 1, of this piece): outside quoted words, unless it stands only there."""
        start = self._start_of(line)
        end = self.text.find("\n", start)
        bare: list[int] = []
        quoted: list[int] = []
        for opened, closed in (match.span() for match in TAGS.finditer(self.text)):
            if closed <= start or (end >= 0 and opened > end):
                continue
            strings = [match.span() for match in _IN_QUOTES.finditer(self.text, opened, closed)]
            for match in re.compile(rf"\b{re.escape(word)}\b").finditer(self.text, opened, closed):
                at = match.start()
                if start <= at and (end < 0 or at < end):
                    (quoted if any(first <= at < last for first, last in strings) else bare).append(at)
        return bare or quoted

    def _filters(self, name: str, line: int) -> list[int]:
        """Where a filter stands in a line or below it, since a tag may go over several."""
        start = self._start_of(line)
        used = re.compile(rf"\|\s*({re.escape(name)})\b|\{{%[-+]?\s*filter\s+({re.escape(name)})\b")
        return [match.start(match.lastindex or 0) for match in used.finditer(self.text, start)]

    def _start_of(self, line: int) -> int:
        at = 0
        for _ in range(line - 1):
            at = self.text.find("\n", at) + 1 or len(self.text)
        return at

    def _error(
        self,
        line: int,
        message: str,
        name: str = "",
        code: str = "template-broken",
        filters: Collection[str] = (),
    ) -> TemplateError:
        at = self._blame(line, message, name)
        told, column = self.place(at)
        message, hint = in_words(message, self.text[at:], filters)
        return TemplateError(self.path, told, message, column, code, hint)

    def _blame(self, line: int, message: str, name: str) -> int:
        """The place that an error of a line is about: the name in question, the block that is not closed, else the Jinja of that line."""
        if name and (found := self.find(name, line)):
            return found[0]
        if (no_filter := _NO_FILTER.match(message)) and (found := self._filters(no_filter[1], line)):
            return found[0]
        if "end of template" in message and (opened := _left_open(self.text)) is not None:
            return opened
        start = self._start_of(line)
        end = self.text.find("\n", start)
        ways = [
            match.start()
            for match in _OPENING.finditer(self.text, start, end if end >= 0 else len(self.text))
        ]
        words = _NAMED.findall(message)
        for way in ways:
            closing = re.compile(r"[%}#]\}|\n").search(self.text, way + 2)
            if any(word in self.text[way : closing.end() if closing else len(self.text)] for word in words):
                return way
        if ways:
            return ways[0] if len(ways) == 1 or "unexpected" not in message else ways[-1]
        earlier = [match.start() for match in _OPENING.finditer(self.text, 0, start)]
        return earlier[-1] if earlier else start


def _left_open(text: str) -> int | None:
    """Where the innermost block begins that nothing closes."""
    stack: list[int] = []
    for match in TAGS.finditer(text):
        word = re.match(r"\{%[-+]?\s*(\w+)", match[0])
        if word is None:
            continue
        if word[1].startswith("end") and stack:
            stack.pop()
        elif word[1] in _BLOCKS and not (word[1] == "set" and "=" in match[0]):
            stack.append(match.start())
    return stack[-1] if stack else None


def unknown(name: str, known: Iterable[str]) -> str:
    """In words that there is no such variable, with the nearest one that there is. `known` are names as they are written, `clinic.name`."""
    short = {each.rpartition(".")[2]: each for each in known}
    near = difflib.get_close_matches(name.rpartition(".")[2], short, n=1)
    told = sorted(each for each in short.values() if not each.startswith(OF_BRAND))
    hint = f"did you mean '{short[near[0]]}'?" if near else f"there are {', '.join(told)}"
    return f"there is no variable '{name}'; {hint}"


def _no_such_name(error: UndefinedError, variables: Mapping[str, object]) -> tuple[str, str]:
    match = _QUOTED.search(error.message or "")
    if match is None:
        return "", error.message or "a name is not known"
    if f"offer.{match[1]}" in OFFER and not variables.get("offer"):
        return match[1], "this text speaks of an offer, but the step that sends it has none"
    return match[1], unknown(match[1], (name for _, name in _names(variables)))


def _names(variables: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in variables.items():
        if isinstance(value, Mapping):
            yield from _names(value, f"{prefix}{name}.")
        else:
            yield name, f"{prefix}{name}"
