"""The parts of docs/marketing/language.md that are about texts and about the sample's patients: the names of the files, the values, the filters, the front matter, the stages and segments.

Rules
1. Names and keys come from the tables of `worker/workspace`, stages and segments from config/segments.yaml. Only what they are for stands here.
2. A name that is told and does not exist any more, or exists and is not told, is found by a test (tests/test_docs_marketing.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from worker.domain.source import Map, Node, Scalar, Seq, compose, written
from worker.workspace.variables import KNOWN

SEGMENTS: Final = Path(__file__).resolve().parents[1] / "config" / "segments.yaml"
VALUES: Final[Mapping[str, tuple[str, str]]] = {
    "first_name": ("the patient's first name; may be empty", "Hello{% if first_name %} {{ first_name }}{% endif %},"),
    "practitioner": ("who saw the patient last, by the name in config/clinic.yaml; may be empty", "{% if practitioner %}Yours, {{ practitioner }}{% endif %}"),
    "language": ("the language of this text", "{% if language == 'el' %}Γεια σας{% endif %}"),
    "clinic.name": ("from config/clinic.yaml, as are the next four", "{{ clinic.name }}"),
    "clinic.phone": ("its number; `phone` writes it as people read it", "{{ clinic.phone | phone }}"),
    "clinic.address": ("its postal address", "{{ clinic.address }}"),
    "clinic.booking_url": ("where patients book", "{{ clinic.booking_url }}"),
    "clinic.review_url": ("where patients review", "{{ clinic.review_url }}"),
    "offer.code": ("the code of the step's `offer`", "{{ offer.code }}"),
    "offer.text": ("the offer in words, in the language of the text", "{% if offer %}{{ offer.text }}{% endif %}"),
    "offer.until": ("its last day, as people write it", "{{ offer.until }}"),
    "answer_url": ("a page on which the patient answers by a button: book, call me, not now, stop", "Tell us with one tap: {{ answer_url }}"),
    "unsubscribe_url": ("what the patient may be sent; may be empty. E-mail layouts print it, so that texts need not", "{% if unsubscribe_url %}{{ unsubscribe_url }}{% endif %}"),
}  # fmt: skip
OF_LAYOUTS: Final = "brand."
"""What layouts draw with; a text needs none of these."""
FILTERS: Final[Mapping[str, str]] = {
    "phone": "{{ clinic.phone | phone }}",
    "default": "{{ practitioner | default('your practitioner', true) }}",
    "upper": "{{ offer.code | upper }}",
    "lower": "{{ offer.code | lower }}",
    "capitalize": "{{ offer.text | capitalize }}",
}
FRONT_MATTER: Final[Mapping[str, tuple[str, str]]] = {
    "subject": ("What stands in the inbox. Must be there.", "subject: A warm hello from {{ clinic.name }}"),
    "preheader": ("What the inbox shows beside it.", "preheader: Our door is open"),
    "sensitivity": ("`health`: the body may name treatments. Subject and preheader never may.", "sensitivity: health"),
}  # fmt: skip


def texts() -> Iterable[str]:
    """What a text is called, and what may stand in it."""
    yield (
        "## Texts\n\nA step's `template: win_back_6/hello` means files in `templates/`, one for each channel and language:\n\n| file | is |\n|---|---|\n"
        "| `templates/win_back_6/hello.sms.en.j2` | the SMS in English |\n| `templates/win_back_6/hello.sms.el.j2` | the SMS in Greek |\n"
        "| `templates/win_back_6/hello.email.en.md` | the e-mail in English, in Markdown |\n| `templates/win_back_6/hello.email.en.mjml` | the same in MJML, instead |\n"
    )
    yield "Values stand between two braces on either side. There are these, and no others:\n\n| value | is | example |\n|---|---|---|"
    for name, (means, example) in VALUES.items():
        yield f"| `{name}` | {means} | `{_in_a_cell(example)}` |"
    brand = ", ".join(f"`{name}`" for name in sorted(KNOWN) if name.startswith(OF_LAYOUTS))
    if brand:
        yield f"\nLayouts know {brand} as well."
    yield "\nA filter changes how a value is written, after a vertical bar. `phone` is Revisit's, the others are Jinja2's, which has more:\n\n| filter | example |\n|---|---|"
    for name, example in FILTERS.items():
        yield f"| `{name}` | `{_in_a_cell(example)}` |"
    yield "\nAn e-mail begins with a few lines between two `---`:\n\n| key | means | example |\n|---|---|---|"
    for name, (means, example) in FRONT_MATTER.items():
        yield f"| {'**`subject`**' if name == 'subject' else f'`{name}`'} | {means} | `{example}` |"
    yield (
        "\nA marketing SMS ends with how to stop it: `Stop? Reply STOP`, in Greek `Διακοπή; STOP`. Where the sender is one-way and can't be answered, the text names another way. "
        "An SMS names no treatment, no part of the body and no price: it lights up where others see it. All rules are in [templates](../reference/templates.md).\n"
    )


def people() -> Iterable[str]:
    """The stages and segments of the sample clinic."""
    lifecycle, segments = (_entries(name) for name in ("lifecycle", "segments"))
    yield (
        "## Stages and segments\n\nThey are made in config/segments.yaml, of [conditions](#conditions), and named by `enters`, `leaves`, `in`, `not_in` and `branch`. "
        "These are the sample clinic's; your file may have others.\n"
    )
    yield "A patient stands in exactly one **stage**: the first that fits, from the top.\n\n| stage | who |\n|---|---|"
    for name, node in lifecycle:
        yield f"| `{name}` | {'all others' if written(node) == 'otherwise' else f'`{written(node)}`'} |"
    yield "\nA patient may be in any number of **segments**.\n\n| segment | who |\n|---|---|"
    for name, node in segments:
        title = node.get("title") if isinstance(node, Map) else None
        yield f"| `{name}` | {title.value if isinstance(title, Scalar) else name.replace('_', ' ')} |"
    yield ""


def _in_a_cell(example: str) -> str:
    return example.replace("|", "\\|")


def _entries(key: str) -> list[tuple[str, Node]]:
    """The names under a key of config/segments.yaml, in order."""
    tree, _ = compose(SEGMENTS.read_text(encoding="utf-8"), SEGMENTS.name)
    inside = tree.get(key) if isinstance(tree, Map) else None
    blocks = inside.items if isinstance(inside, Seq) else (inside,)
    return [(name.value, node) for block in blocks if isinstance(block, Map) for name, node in block.entries]
