"""The page of the whole language, docs/marketing/language.md, from the tables that the parser goes by. `tools/make_reference.py` writes it.

Rules
1. Keys, verbs, words, events and what they are for come from the tables of `worker/domain`. Only the examples are ours: `reference_journeys`, `reference_stories`, `reference_texts`.
2. An example that is missing is a KeyError; one that is wrong, or left over, a test finds (tests/test_docs_marketing.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tools.reference_journeys import (
    BRANCH_BY_CONDITION,
    DATE_EXAMPLES,
    EVENTS_TOLD,
    JOURNEY_EXAMPLES,
    LONGER,
    NARROW_EXAMPLES,
    OFFER_EXAMPLE,
    START_EXAMPLES,
    STEP_EXAMPLES,
    WAITS,
)
from tools.reference_stories import stories
from tools.reference_tables import fence, listed, plain, table
from tools.reference_texts import people, texts
from worker.domain.conditions.grammar import VOCABULARY
from worker.domain.conditions.grammar_visits import NARROW_FIELDS
from worker.domain.events import APPOINTMENT_STATUS, EVENT_TYPES, INTERNAL_TYPES
from worker.domain.language import JOURNEY
from worker.domain.language.start import DATE_FIELDS, START_FIELDS
from worker.domain.language.verbs import COMMON, VERBS
from worker.domain.offers import OFFER

LANGUAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "marketing" / "language.md"

INTRO: Final = """\
# The language on one page

Everything that may stand in a journey, with an example. Those who look something up find it here; those who begin read the [tutorial](tutorial.md) first. Whole journeys
are in the [cookbook](cookbook.md), and what happens exactly, to the minute, in [segments and journeys](../reference/journeys.md).

- [A journey](#a-journey)
- [How it starts](#how-it-starts)
- [Steps](#steps)
- [Waiting](#waiting)
- [Events](#events)
- [Conditions](#conditions)
- [Stages and segments](#stages-and-segments)
- [Texts](#texts)
- [Offers](#offers)
- [Stories](#stories)

This page is made from the tables by which files are read, so what stands here is what works. **Bold** keys must be there.

How to write: `key: value`, with a space after the colon. `[a, b]` is a list, `{a: 1, b: 2}` a block on one line. A list of one may be written without brackets: `send: sms`.
A length of time is a number and a unit, `3 weeks`; the units are minute, hour, day, week, month, year. A name has small letters, digits and underscores.
"""


def language_page() -> str:
    """docs/marketing/language.md."""
    return "\n".join(
        (
            INTRO,
            *_journey(),
            *_start(),
            *_steps(),
            *_waits(),
            *_events(),
            *_conditions(),
            *people(),
            *texts(),
            *_offers(),
            *stories(),
        )
    )


def _journey() -> Iterable[str]:
    yield "## A journey\n\nOne file in `journeys/`, called as the journey is: `journeys/win_back_6.yaml`.\n"
    yield table(JOURNEY.fields, JOURNEY_EXAMPLES)
    yield "What may stand in `goal` is under [events](#events), in `stop_if` under [conditions](#conditions), in `steps` under [steps](#steps).\n"
    yield "Who fits `stop_if` does not start, either. The journey is for those whom it leaves.\n"
    yield (
        "Marketing needs consent, keeps `quiet_hours` and the caps of config/policy.yaml, and leaves out its Sundays and holidays. Care keeps its own hours, and leaves on Sundays and holidays as well: "
        "if that is not wanted, write `send_on: mon-sat`.\n"
    )


def _start() -> Iterable[str]:
    yield "## How it starts\n\n`start:` holds exactly one of `enters`, `leaves`, `event` and `date`, and perhaps an `if`.\n"
    yield table(START_FIELDS, START_EXAMPLES)
    yield "A `date` is the word `birthday`, or one of these:\n"
    yield table(DATE_FIELDS, DATE_EXAMPLES)


def _steps() -> Iterable[str]:
    yield "## Steps\n\nA step has an `id`, perhaps a `wait`, and exactly one verb.\n"
    yield table(COMMON, {"id": "id: hello", "wait": "wait: 3 weeks"})
    for name, verb in VERBS.items():
        yield f"### {name}\n\n{verb.does}\n"
        yield fence(STEP_EXAMPLES[name])
        yield plain({key: field for key, field in verb.fields.items() if key not in COMMON})
        if name == "task":
            yield "Who does it is a free word, which stands above the task in the list. The sample uses `front_desk`, `manager` and `practitioner`.\n"
        if name == "branch":
            yield "By conditions it is a list. The first case that holds is taken; the last may be `otherwise`.\n"
            yield fence(BRANCH_BY_CONDITION)
            yield "A case has an `if` and a `then`, and perhaps a `name`: what traces, stories and `revisit show` call it. Without one it is called by its number.\n"


def _waits() -> Iterable[str]:
    yield "## Waiting\n\n| `wait:` | means |\n|---|---|"
    for example, means in WAITS:
        yield f"| `{example}` | {means} |"
    yield (
        "\nFour facts can be waited for: `first_visit`, `last_visit`, `next_booking`, `this`. While a step waits for a fact, it follows it: a new visit moves the step. "
        "Times of day are those where the patient is.\n"
    )


def _events() -> Iterable[str]:
    yield "## Events\n\n| event | what happened |\n|---|---|"
    for name in sorted(EVENT_TYPES, key=list(EVENTS_TOLD).index):
        yield f"| `{name}` | {EVENTS_TOLD[name]} |"
    about = ", ".join(f"`{name}`" for name in APPOINTMENT_STATUS)
    yield f"\nThose of an appointment ({about}) can be narrowed: `{{booking.created: {{families: [toxin]}}}}`. The same keys stand in `this` and `of`:\n"
    yield table(NARROW_FIELDS, NARROW_EXAMPLES)
    answers = ", ".join(f"`{name}`" for name in EVENTS_TOLD if name in INTERNAL_TYPES)
    yield f"Revisit tells {answers} itself. A run hears only the answers to its own messages and tasks.\n"


def _conditions() -> Iterable[str]:
    yield (
        "## Conditions\n\nThey stand in `if`, in `stop_if`, in a branch, and in config/segments.yaml. Several in one block mean all of them. "
        "`got_message` and `journey` can't stand in segments; `this` only where an appointment's event starts the journey.\n"
    )
    yield "| word | asks | examples |\n|---|---|---|"
    for name, word in VOCABULARY.items():
        yield f"| `{name}` | {word.asks} | {listed((word.example, *LONGER.get(name, ())))} |"
    yield (
        "\nHow many: `none`, `any`, `exactly 1`, `at least 2`, `at most 3`, `1 to 5`, or a number; `in 12 months` after it counts only those days. "
        "How long ago: `at least 6 months ago`, `less than 30 days ago`, `within 30 days`, `any`, `none`. "
        "A block without `is` means any: `visits: {of: {families: [peel]}, in: 6 months}` is at least one such visit in six months.\n"
    )


def _offers() -> Iterable[str]:
    yield "## Offers\n\nconfig/offers.yaml says what a message may promise. A step names it by `offer: free_review`.\n"
    yield fence(OFFER_EXAMPLE)
    yield plain(OFFER.fields)
    yield "Exactly one of `expires` and `until`, and a name under `approved_by`: without them the offer is refused.\n"
