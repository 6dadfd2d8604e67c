"""Texts that were copied in another language and wait for a translation: a remark in the file says so, and `check` warns of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from worker.domain.source import Problem
from worker.workspace.files import Files

_REMARK: Final = re.compile(r"^(?:\{#|#) translate: .*?$", re.MULTILINE)


def remarked(text: str, suffix: str, source: str, language: str) -> str:
    """A text in the language `source` that is to be translated into `language`, with the remark; `suffix` is its file's ending."""
    said = f"translate: this text is still in `{source}`, and belongs in `{language}`; remove this line when it is done"
    if suffix == "j2":
        return f"{{# {said} #}}\n{text}"
    head, opening, rest = text.partition("---\n")
    return f"{head}{opening}# {said}\n{rest}"


def untranslated(files: Files) -> Iterator[Problem]:
    """One warning for each text that still waits for its translation."""
    for path, text in files.items():
        found = _REMARK.search(text) if path.startswith("templates/") else None
        if found is not None:
            line = text.count("\n", 0, found.start()) + 1
            yield Problem(
                "template-translate", "warning", path, line, 1, "this text is not translated yet",
                "Translate it, then remove this line.",
            )  # fmt: skip
