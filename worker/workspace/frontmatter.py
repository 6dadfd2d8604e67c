"""Front matter: the lines between `---` and `---` at the top of an e-mail.

One `key: value` a line, taken as it stands (a `{{ name }}` in it is Jinja, not YAML). A value may stand in quotes; a line that
begins with `#` or `{#` is a remark. `subject` must be there; `preheader` and `sensitivity: health` (the body may name treatments) may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.workspace.jinja import TemplateError

KEYS: Final = ("subject", "preheader", "sensitivity")
SENSITIVITIES: Final = ("health",)


@dataclass(frozen=True, slots=True)
class Value:
    """What stands after a key, and where it begins."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Split:
    """A file in its two halves; lines and columns count from 1."""

    fields: Mapping[str, Value]
    body: str
    body_line: int


def split(path: str, text: str) -> Split:
    """Takes an e-mail's file apart; raises TemplateError."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        raise _no_subject(path, "an e-mail begins with the lines ---, subject: …, preheader: …, ---")
    end = next((number for number, line in enumerate(lines) if number and line.rstrip() == "---"), 0)
    if not end:
        raise TemplateError(
            path,
            1,
            "an e-mail begins with the lines ---, subject: …, preheader: …, ---; the second --- is missing",
        )
    fields: dict[str, Value] = {}
    for number, line in enumerate(lines[1:end], start=2):
        if not line.strip() or line.startswith(("#", "{#")):
            continue
        key, colon, rest = line.partition(":")
        column = len(line) - len(line.lstrip()) + 1
        key = key.strip()
        if not colon or key not in KEYS:
            message = f"'{key}' is not known here; there are {' and '.join(KEYS)}"
            raise TemplateError(path, number, message, column)
        if key in fields:
            raise TemplateError(path, number, f"{key} stands here twice; keep one", column)
        value = rest.strip()
        column = len(line) - len(rest.lstrip()) + 1 if value else column
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value, column = value[1:-1], column + 1
        if key == "subject" and not value:
            raise _no_subject(path, "the subject is empty", number, column)
        if key == "sensitivity" and value not in SENSITIVITIES:
            message = f"'{value}' is no sensitivity; there is {' and '.join(SENSITIVITIES)}"
            raise TemplateError(path, number, message, column)
        fields[key] = Value(value, number, column)
    if "subject" not in fields:
        raise _no_subject(path, "the subject is missing; add a line subject: …")
    return Split(fields, "\n".join(lines[end + 1 :]), end + 2)


def _no_subject(path: str, message: str, line: int = 1, column: int = 1) -> TemplateError:
    hint = "Say in a few words what the e-mail is about, without naming a treatment."
    return TemplateError(path, line, message, column, "template-subject", hint)
