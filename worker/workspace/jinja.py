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
from collections.abc import Callable, Iterator, Mapping

import phonenumbers
from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

Finalize = Callable[[object], object]

_UNSEEN = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_QUOTED = re.compile(r"(?:no attribute )?'([^']*)'(?: is undefined)?$")


class TemplateError(Exception):
    """A text that cannot be rendered: `path` and `line` (from 1) say where, `message` what."""

    def __init__(self, path: str, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path, self.line, self.message = path, line, message


def clean(value: object) -> object:
    """The value as a template may see it (rule 3): one line, NFC, no invisible marks; into mappings too."""
    if isinstance(value, str):
        return _BLANK.sub(" ", _UNSEEN.sub("", unicodedata.normalize("NFC", value))).strip()
    if isinstance(value, Mapping):
        return {key: clean(inner) for key, inner in value.items()}
    return "" if value is None else value


def phone(number: str) -> str:
    """An E.164 number as people read it, `+30 21 0000 0000`; anything else stays as it is."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def environment(*, autoescape: bool = False, finalize: Finalize | None = None) -> SandboxedEnvironment:
    """An environment of rules 1 and 2; `finalize` passes over every value that is printed."""
    env = SandboxedEnvironment(undefined=StrictUndefined, autoescape=autoescape, finalize=finalize)
    env.globals.clear()
    env.filters["phone"] = phone
    return env


class Source:
    """One piece of a template file, compiled once; `line` is the line of the file on which it begins."""

    def __init__(self, env: SandboxedEnvironment, path: str, text: str, line: int = 1) -> None:
        self._path, self._skip = path, line - 1
        try:
            code = env.compile(text, name=path, filename=path)
        except TemplateSyntaxError as error:
            message = error.message or "this is not a template"
            raise TemplateError(path, error.lineno + self._skip, message) from error
        self._template = Template.from_code(env, code, env.globals)

    def render(self, variables: Mapping[str, object]) -> str:
        """The text; raises TemplateError."""
        try:
            return self._template.render(variables)
        except (
            Exception
        ) as error:  # an author's expression can fail in any way; each is a mistake in the file
            frames = traceback.extract_tb(error.__traceback__)
            lines = [frame.lineno for frame in frames if frame.filename == self._path and frame.lineno]
            line = (lines[-1] if lines else 1) + self._skip
            message = _no_such_name(error, variables) if isinstance(error, UndefinedError) else str(error)
            raise TemplateError(self._path, line, message) from error


def _no_such_name(error: UndefinedError, variables: Mapping[str, object]) -> str:
    match = _QUOTED.search(error.message or "")
    if match is None:
        return error.message or "a name is not known"
    known = dict(_names(variables))
    near = difflib.get_close_matches(match[1], known, n=1)
    hint = f"did you mean '{known[near[0]]}'?" if near else f"there are {', '.join(sorted(known.values()))}"
    return f"there is no variable '{match[1]}'; {hint}"


def _names(variables: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in variables.items():
        if isinstance(value, Mapping):
            yield from _names(value, f"{prefix}{name}.")
        else:
            yield name, f"{prefix}{name}"
