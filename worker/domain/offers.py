"""config/offers.yaml: what a message may promise, in the clinic's words, with its end and who approved it.

Rules
1. An offer ends: so many days after the message, or on a day. Its last day still counts.
2. Somebody answers for an offer by name; without that no text may promise it.
3. An offer is written in every language of the clinic, since a patient's language decides what is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from worker.domain.calendar import Span, add_days
from worker.domain.clinic import Clinic
from worker.domain.kinds import DAY, DAYS, TEXT, Block, Field, Kind, Name, Schema, Table, Word, described
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Map, Node


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer. `text` is by language; exactly one of `expires` (whole days from the message) and `until` is given."""

    name: str
    code: str
    text: Mapping[str, str]
    expires: Span | None
    until: date | None
    approved_by: str
    approved_on: date | None

    def last_day(self, sent: date) -> date:
        """The last day on which it holds, for a message of that patient-local day."""
        if self.until is not None:
            return self.until
        return add_days(sent, self.expires) if self.expires is not None else sent


class TextsKind(Kind[dict[str, str]]):
    """A text in every language of the clinic."""

    def __init__(self) -> None:
        language = Word("a language of the clinic", lambda scope: scope.clinic.languages, "offer-language")
        self.table: Table[str] = Table("text", language, TEXT)

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> dict[str, str] | None:
        """The texts by language."""
        found = self.table.read(reader, node, what, scope)
        written = (
            {key.value for key, _ in node.entries} if isinstance(node, Map) else set(scope.clinic.languages)
        )
        for language in scope.clinic.languages:
            if language not in written:
                reader.problem(
                    "offer-language", node, f"the text of this offer is missing in `{language}`",
                    f"Add `{language}: …`: patients who read `{language}` are sent this offer too.",
                )  # fmt: skip
        return found

    def schema(self, scope: Any) -> Schema:
        """A text for each language."""
        languages = list(scope.clinic.languages)
        return {
            "type": "object", "additionalProperties": False, "required": languages,
            "properties": {
                language: described(Field(TEXT, f"What it promises, in `{language}`."), scope) for language in languages
            },
        }  # fmt: skip


OFFER: Final = Block(
    "",
    {
        "code": Field(TEXT, "What the patient says or shows, and the front desk types.", required=True),
        "text": Field(TextsKind(), "What it promises, in every language of the clinic.", required=True),
        "expires": Field(DAYS, "How long it holds after the message; or give `until`."),
        "until": Field(DAY, "The last day on which it holds; or give `expires`."),
        "approved_by": Field(TEXT, "Who at the clinic answers for it."),
        "approved_on": Field(DAY, "When that was."),
    },
    also={
        "required": ["code", "text", "approved_by"],
        "oneOf": [{"required": ["expires"]}, {"required": ["until"]}],
    },
)  # fmt: skip


class OfferKind(Kind[dict[str, Any]]):
    """One offer with an end and an approval."""

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> dict[str, Any] | None:
        """The values under its keys."""
        found = OFFER.read(reader, node, what, scope)
        if not isinstance(node, Map):
            return None
        ends = [key for key in ("expires", "until") if node.get(key) is not None]
        if not ends:
            reader.problem(
                "offer-end", node, f"{what} never ends", "Add `expires: 30 days`, or `until: 2026-12-31`."
            )
        elif len(ends) == 2:
            second = next(key for key, _ in reversed(node.entries) if key.value in ends)
            reader.problem("offer-end", second, f"{what} has two ends", "Keep `expires` or `until`.")
        if node.get("approved_by") is None:
            reader.problem(
                "offer-approval",
                node,
                f"nobody has approved {what}",
                "Add `approved_by: …`: who answers for it by name.",
            )
        return found

    def schema(self, scope: Any) -> Schema:
        """The block."""
        return OFFER.schema(scope)


OFFERS: Final = Block(
    "config/offers.yaml",
    {"offers": Field(Table("offer", Name("an offer's name"), OfferKind()), "The offers by name.")},
)


def parse_offers(reader: Reader, node: Node | None, clinic: Clinic) -> dict[str, Offer]:
    """config/offers.yaml. What could not be read is left empty; its Problems are with the reader."""
    if node is None:
        return {}
    scope = Scope(clinic, frozenset())
    found: dict[str, dict[str, Any]] = OFFERS.read(reader, node, "config/offers.yaml", scope).get(
        "offers", {}
    )
    return {
        name: Offer(
            name=name,
            code=values.get("code", ""),
            text=values.get("text", {}),
            expires=values.get("expires"),
            until=values.get("until"),
            approved_by=values.get("approved_by", ""),
            approved_on=values.get("approved_on"),
        )
        for name, values in found.items()
    }
