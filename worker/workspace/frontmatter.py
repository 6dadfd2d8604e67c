"""Front matter: the lines between `---` and `---` at the top of an e-mail.

One `key: value` a line, taken as it stands (a `{{ name }}` in it is Jinja, not YAML). A value may stand in quotes; a line that
begins with `#` is a remark. `subject` must be there; `preheader` and `sensitivity` may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.workspace.jinja import TemplateError

KEYS: Final = ("subject", "preheader", "sensitivity")


@dataclass(frozen=True, slots=True)
class Split:
    """A file in its two halves; lines count from 1."""

    fields: Mapping[str, tuple[str, int]]  # key -> value and its line
    body: str
    body_line: int


def split(path: str, text: str) -> Split:
    """Takes an e-mail's file apart; raises TemplateError."""
    lines = text.split("\n")
    end = next((number for number, line in enumerate(lines) if number and line.rstrip() == "---"), 0)
    if lines[0].rstrip() != "---" or not end:
        raise TemplateError(path, 1, "an e-mail begins with the lines ---, subject: …, preheader: …, ---")
    fields: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(lines[1:end], start=2):
        if not line.strip() or line.startswith("#"):
            continue
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or key not in KEYS:
            raise TemplateError(path, number, f"'{key}' is not known here; there are {' and '.join(KEYS)}")
        if key in fields:
            raise TemplateError(path, number, f"{key} stands here twice; keep one")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        fields[key] = (value, number)
    if "subject" not in fields:
        raise TemplateError(path, 1, "the subject is missing; add a line subject: …")
    return Split(fields, "\n".join(lines[end + 1 :]), end + 2)
