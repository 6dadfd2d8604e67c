"""The page of sources says what is so: every key, every field, every word, and examples that are right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.intake.exports import source_of
from worker.workspace.config_sources import ready_names
from worker.workspace.config_watch import WATCH
from worker.workspace.sources import FIELDS, FLAGS, MEANINGS
from worker.workspace.sources_table import APPOINTMENTS, CONSENTS, ENCODINGS, PATIENTS
from worker.workspace.webhooks_table import EVENTS, FHIR, HMAC, JSON, MESSAGES, SOURCE

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "reference" / "sources.md").read_text(encoding="utf-8")


def named(text: str) -> set[str]:
    """The names in the first column of a section's tables."""
    cells = re.findall(r"^\| (`[^|]+) \|", text, flags=re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_every_key_of_a_mapping_stands_on_the_page_and_no_other() -> None:
    told = named(PAGE.partition("### Fields")[0])
    keys = set(SOURCE.fields) | {key for block in (PATIENTS, APPOINTMENTS, CONSENTS) for key in block.fields}
    assert told == keys


def test_every_key_of_a_watched_folder_stands_on_the_page_and_no_other() -> None:
    section = PAGE.partition("## A folder that is watched\n")[2].partition("\n## ")[0]
    assert named(section) == set(WATCH.fields)


def test_every_field_stands_on_the_page_and_no_other() -> None:
    section = PAGE.partition("### Fields")[2].partition("\n## ")[0]
    assert named(section) == {field for fields in FIELDS.values() for field in fields}
    assert [flag for flags in FLAGS.values() for flag in flags if f"`{flag}`" not in section] == []


def test_every_word_that_may_be_chosen_stands_on_the_page() -> None:
    words = [*MEANINGS, *ENCODINGS, *ready_names()]
    assert [word for word in words if f"`{word}`" not in PAGE] == []


def test_every_key_of_a_webhook_stands_on_the_page_and_no_other() -> None:
    section = PAGE.partition("\n## Messages")[2].partition("\n## ")[0]

    def told(heading: str) -> set[str]:
        return named(section.partition(f"| {heading} |")[2].partition("\n\n")[0])

    assert told("key of `webhook`") == set(JSON.fields)
    assert told("key of `signature`") == set(HMAC)
    assert told("key of a FHIR webhook") == set(FHIR.fields) - set(JSON.fields)
    own = {key for block in MESSAGES.values() for key in block.fields}
    assert own - {key for block in (PATIENTS, APPOINTMENTS, CONSENTS) for key in block.fields} == {"events"}
    left = {key for block in (PATIENTS, APPOINTMENTS, CONSENTS) for key in block.fields} - own
    assert [key for key in (*left, *(word for words in EVENTS.values() for word in words)) if f"`{key}`" not in section] == []  # fmt: skip


@pytest.mark.parametrize(
    "page",
    ["reference/sources.md", "how-to/import-an-export.md", "how-to/connect-a-booking-system.md"],
)
def test_every_example_is_right(page: str) -> None:
    examples = re.findall(
        r"^```yaml source\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert examples
    for text in examples:
        source = source_of(text)
        assert source.sheets or source.webhook
