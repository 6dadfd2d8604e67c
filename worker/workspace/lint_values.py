"""The values that a text prints: there is such a variable, and the sentence reads well where it is empty."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from worker.domain.source import Problem
from worker.workspace.lint_names import OPTIONAL, unguarded, unknown_names
from worker.workspace.lint_text import Finding, Part, Text
from worker.workspace.templates import Filled

MAY_BE_EMPTY: Final = ("first_name", "practitioner", "unsubscribe_url")
_GAPS = re.compile(r"(?<=\S) +[,.!?;:](?=\s|$)|(?<=\S)  +(?=\S)|,\s*[,.!?]|^[,.!?]")


def unknown_variables(part: Part, known: Collection[str]) -> Iterator[Problem]:
    """Names that there are not, in every way through the text."""
    for named in unknown_names(part.source, known):
        yield Problem("template-variable", "error", part.source.path, named.line, named.column, named.message)


def without_fallback(text: Text) -> Iterator[Problem]:
    """Values that may be empty and are printed without a guard."""
    for part in text.parts:
        for named in unguarded(part.source, OPTIONAL - {"offer"}):
            yield Problem(
                "template-fallback", "warning", text.path, named.line, named.column, f"`{named.name}` may be empty, and is printed as if it never were",
                f"Write {{% if {named.name} %}} {{{{ {named.name} }}}}{{% endif %}}, so that the sentence reads well without it.",
            )  # fmt: skip


def gaps(text: Text, filled: Filled, bare: Filled) -> Iterator[Problem]:
    """Blanks and commas that are left where a value is empty."""
    for part in text.parts:
        full, left = (getattr(each, part.name) for each in (filled, bare))
        found = _GAPS.search(left)
        if found is None or part.source.tree is None or len(_GAPS.findall(full)) >= len(_GAPS.findall(left)):
            continue
        around = " ".join(left[max(0, found.start() - 15) : found.end() + 10].split("\n"))
        tags = [
            start
            for start, end in part.source.tags()
            if any(name in part.source.text[start:end] for name in MAY_BE_EMPTY)
        ]
        yield Finding(part, tags[0] if tags else 0).problem(
            "template-fallback",
            "warning",
            f"without a name this reads `{around.strip()}`",
            "Take the blank or the comma into the {% if … %} too.",
        )
