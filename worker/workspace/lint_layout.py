"""The frame of an e-mail: what the law asks for stands in it, and every name in it exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from worker.domain.source import Problem
from worker.workspace import layout
from worker.workspace.lint_names import unknown_names
from worker.workspace.lint_text import Finding, Text
from worker.workspace.templates import TemplateError, Templates
from worker.workspace.variables import KNOWN, OF_LAYOUT

OF_LAW: Final = ("unsubscribe_url", "clinic.address")
"""What every e-mail must print."""
_LAW: Final = "The law asks for it in every e-mail: print {{{{ {name} }}}}."


def layouts(templates: Templates) -> Iterator[TemplateError]:
    """Names that layouts speak of and that there are not; those of texts that stand in them are found there."""
    for path in (layout.MJML, layout.TEXT):
        try:
            source = templates.parts(path)["body"]
        except TemplateError as error:
            yield error
            continue
        for named in unknown_names(source, KNOWN | OF_LAYOUT):
            yield TemplateError(path, named.line, named.message, named.column, "template-variable")
        for name in ("body", *OF_LAW):
            if not re.search(rf"\b{re.escape(name)}\b", source.text):
                code = "template-broken" if name == "body" else "template-unsubscribe"
                hint = f"Print {{{{ {name} }}}} in it." if name == "body" else _LAW.format(name=name)
                yield TemplateError(path, 1, f"the layout does not say `{name}`", 1, code, hint)


def stands_alone(text: Text) -> Iterator[Problem]:
    """What an e-mail in MJML, which has no layout around it, must say itself."""
    body = next(part for part in text.parts if part.name == "body")
    for name in OF_LAW:
        if name not in body.source.text:
            yield Finding(body, 0).problem(
                "template-unsubscribe",
                "error",
                f"this e-mail has no layout around it and does not say `{name}`",
                _LAW.format(name=name),
            )
