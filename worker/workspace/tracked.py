"""Which links of which messages go by way of Revisit: as few as a journey needs.

Rules
1. The clinic's own addresses (booking, reviews) are replaced by short links only in the messages of a journey that hears `link.clicked`, or has it for its goal.
   Of everybody else, nobody learns whether she followed a link.
2. A link is made only where the text, or the layout around it, names its variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from worker.domain.journey import Journey, Listen, Send
from worker.workspace import layout
from worker.workspace.templates import TemplateError, Templates

CLICKED: Final = "link.clicked"
_NAMES: Final = re.compile(r"\b(?:booking_url|review_url|answer_url|unsubscribe_url)\b")


def tracks(journey: Journey | None) -> bool:
    """Whether the journey's clinic links are tracked (rule 1)."""
    if journey is None:
        return False
    heard = [
        one for step in journey.all_steps() if isinstance(step.action, Listen) for one in step.action.heard
    ]
    goal = journey.goal.heard if journey.goal is not None else ()
    return any(one.type == CLICKED for one in (*heard, *goal))


def tracked_texts(journeys: Iterable[Journey]) -> frozenset[str]:
    """The names of the templates that such journeys send."""
    steps = (step.action for journey in journeys if tracks(journey) for step in journey.all_steps())
    return frozenset(action.template for action in steps if isinstance(action, Send))


def named_links(templates: Templates, name: str, channel: str) -> frozenset[str]:
    """The variables of links that a message's text names in any language, its layout's too: `booking_url`, `review_url`, `answer_url`, `unsubscribe_url`.

    What is no template names none; rendering it says so.
    """
    drafts = (draft for draft in templates.drafts() if (draft.name, draft.channel) == (name, channel))
    found: frozenset[str] = frozenset()
    for draft in drafts:
        around = (layout.MJML, layout.TEXT) if draft.path.endswith(".md") else ()
        for path in (draft.path, *around):
            try:
                found |= _named(tuple(part.text for part in templates.parts(path).values()))
            except TemplateError:
                continue
    return found


@lru_cache(maxsize=512)
def _named(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(match[0] for text in texts for match in _NAMES.finditer(text))
