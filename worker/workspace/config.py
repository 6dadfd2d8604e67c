"""config/clinic.yaml: from a composed tree to the domain's `Clinic`. The catalogue and the channels have rooms of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any, Final

import phonenumbers

from worker.domain import patterns
from worker.domain.calendar import WEEKDAYS, Window
from worker.domain.clinic import Clinic, Location
from worker.domain.kinds import (
    DAY,
    TEXT,
    TEXTS,
    WINDOW,
    Block,
    Field,
    Kind,
    Many,
    Parsed,
    Schema,
    Table,
    Word,
    text_schema,
)
from worker.domain.shape import Reader
from worker.domain.source import Node, Scalar
from worker.domain.zones import ZONE
from worker.workspace import extends
from worker.workspace.config_brand import BRAND, brand_of
from worker.workspace.config_channels import Sender, parse_channels
from worker.workspace.config_region import REGION, check_regions
from worker.workspace.config_services import SERVICE, parse_services

CLOSED: Final = "closed"
_DAYS: Final = "|".join(WEEKDAYS)
ID_PATTERN: Final = "(?!(?:true|false|null)$)[a-z0-9][a-z0-9_-]{0,62}"
WEEKDAYS_PATTERN: Final = f"(?:{_DAYS})(?:-(?:{_DAYS}))?"


def _matching(pattern: str) -> Callable[[str], str | None]:
    return lambda text: text if re.fullmatch(pattern, text) else None


def _text(is_a: str, pattern: str, example: str) -> Kind[str]:
    return Parsed(is_a, _matching(pattern), pattern, example)


class CountryKind(Kind[str]):
    """A country whose phone numbers can be read."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> str | None:
        """Its two capitals."""
        return reader.parsed(
            node,
            "a country code (two capitals, ISO 3166)",
            lambda text: text if text in phonenumbers.SUPPORTED_REGIONS else None,
            "GR",
        )

    def schema(self, scope: Any) -> Schema:
        """The countries."""
        return {"enum": sorted(phonenumbers.SUPPORTED_REGIONS)}


class BesideKind(Kind[str]):
    """A folder beside the workspace; what it holds was read with the files."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> str | None:
        """The folder as it is written."""
        text = TEXT.read(reader, node, what, scope)
        if text is None or re.fullmatch(extends.PATTERN, text):
            return text
        reader.problem("extends-outside", node, f"`{text}` is no folder beside this one", extends.HINT)
        return None

    def schema(self, scope: Any) -> Schema:
        """The pattern."""
        return text_schema(extends.PATTERN, "a folder beside this one", "../agency-rooms")


class OpeningKind(Kind[tuple[dict[str, Window], frozenset[date]]]):
    """Hours by weekday or range of weekdays, and the days under `closed`."""

    days: Final = Many(DAY)

    def read(
        self, reader: Reader, node: Node, what: str, scope: Any
    ) -> tuple[dict[str, Window], frozenset[date]]:
        """Hours by weekday, and closed days."""
        opening: dict[str, Window] = {}
        closed: tuple[date, ...] = ()
        for key, value in reader.entries(node, what):
            if key.value == CLOSED:
                closed = self.days.read(reader, value, "`closed`", scope) or ()
            elif not re.fullmatch(WEEKDAYS_PATTERN, key.value):
                reader.problem(
                    "clinic-weekday",
                    key,
                    f"`{key.value}` is no weekday",
                    "Write `mon`, `sat` or a range such as `mon-fri`; closed days under `closed`.",
                )
            elif not (isinstance(value, Scalar) and value.value == CLOSED):
                window = WINDOW.read(reader, value, f"`{key.value}`", scope)
                if window is not None:
                    opening.update(dict.fromkeys(_range(key.value), window))
        return opening, frozenset(closed)

    def schema(self, scope: Any) -> Schema:
        """Patterns for the weekdays."""
        hours: Schema = {"anyOf": [WINDOW.schema(scope), {"const": CLOSED}]}
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                **dict.fromkeys(("mon-fri", *WEEKDAYS), hours),
                CLOSED: {"description": "Days on which the clinic is closed.", **self.days.schema(scope)},
            },
            "patternProperties": {patterns.whole(WEEKDAYS_PATTERN): hours},
        }


def _range(text: str) -> tuple[str, ...]:
    """The weekdays of `sat`, `mon-fri`, `fri-mon`."""
    first, _, last = text.partition("-")
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    return tuple(WEEKDAYS[(start + step) % 7] for step in range((end - start) % 7 + 1))


LANGUAGE: Final = _text("a language", "[a-z]{2}", "en")
LOCATION: Final = Block(
    "",
    {
        "name": Field(TEXT, "What patients read.", default="its code"),
        "timezone": Field(ZONE, "The zone of patients who were last seen there.", default="the clinic's"),
        "address": Field(TEXT, "Where it is."),
        "region": Field(REGION, "Its state, where it is not the clinic's.", default="the clinic's"),
    },
)
CLINIC: Final = Block(
    "config/clinic.yaml",
    {
        "id": Field(
            Parsed("an id", _matching(ID_PATTERN), ID_PATTERN, "default", number=True),
            "The clinic's id in the database.",
            default="default",
        ),
        "extends": Field(
            BesideKind(),
            "A folder of rooms that several clinics share; a file of one's own wins over a shared one.",
        ),
        "name": Field(TEXT, "The clinic's name, as patients read it.", required=True),
        "from_name": Field(TEXT, "Whom an e-mail says it comes from.", default="`name`"),
        "timezone": Field(ZONE, "The zone of the clinic's days, months and midnights.", required=True),
        "country": Field(
            CountryKind(),
            "Two capitals (ISO 3166); reads phone numbers without a country code.",
            required=True,
        ),
        "region": Field(
            REGION,
            "The state, where laws differ within the country: `FL` of `US-FL` (ISO 3166-2).",
            default="unknown: the strictest law of the country's states",
        ),
        "language": Field(
            LANGUAGE,
            "Two letters: for patients whose language is unknown or not among `languages`.",
            default="the first of `languages`, else `en`",
        ),
        "languages": Field(
            Many(LANGUAGE),
            "The languages that the clinic writes; each text should exist in each.",
            default="`[language]`",
        ),
        "mode": Field(
            Word("a mode", ("rehearsal", "allow_list", "live")),
            "`rehearsal`: nothing leaves. `allow_list`: only to listed addresses. `live`.",
            default="rehearsal",
        ),
        "currency": Field(
            _text("a currency code (three capitals, ISO 4217)", patterns.CURRENCY, "EUR"),
            "Three capitals (ISO 4217), for conditions over money.",
            default="EUR",
        ),
        "phone": Field(TEXT, "As patients call it, with country code, in quotes."),
        "address": Field(TEXT, "The postal address; it stands under every e-mail."),
        "booking_url": Field(TEXT, "Where patients book."),
        "review_url": Field(TEXT, "Where patients may write a review."),
        "brand": Field(BRAND, "How e-mails look."),
        "opening_hours": Field(
            OpeningKind(),
            "Hours by weekday or range, and `closed`: a list of dates.",
            default="Monday to Friday for the due days of tasks",
        ),
        "allow_list": Field(
            TEXTS, "Phone numbers and e-mail addresses that may be written to in mode `allow_list`."
        ),
        "practitioners": Field(
            Table("practitioner", TEXT, TEXT), "Code in the book, and the name that patients read."
        ),
        "locations": Field(
            Table("location", TEXT, LOCATION), "The clinic's places, by their codes in the book."
        ),
    },
)


def parse_clinic(reader: Reader, node: Node | None, services: Node | None) -> Clinic | None:
    """config/clinic.yaml with config/services.yaml; None where it names no usable zone, since nothing can be computed without one."""
    places = CLINIC.places(reader, node, None)
    found: dict[str, Any] = {name: value for name, (value, _) in places.items()}
    languages: tuple[str, ...] = found.get("languages", ())
    language: str = found.get("language") or (languages[0] if languages else "en")
    if languages and language not in languages:
        reader.problem(
            "clinic-language",
            places["language"][1],
            f"`{language}` is not among `languages`",
            f"Add it: `languages: [{', '.join((language, *languages))}]`.",
        )
    catalogue, complements = parse_services(reader, services)
    if "timezone" not in found:
        return None
    opening, closed = found.get("opening_hours", ({}, frozenset()))
    clinic = Clinic(
        id=found.get("id", "default"),
        name=found.get("name", ""),
        timezone=found["timezone"],
        country=found.get("country", "GR"),
        language=language,
        languages=languages or (language,),
        mode=found.get("mode", "rehearsal"),
        currency=found.get("currency", "EUR"),
        phone=found.get("phone", ""),
        address=found.get("address", ""),
        booking_url=found.get("booking_url", ""),
        review_url=found.get("review_url", ""),
        brand=brand_of(reader, found.get("brand", {}), places["brand"][1] if "brand" in places else None),
        opening=opening,
        closed=closed,
        allow_list=frozenset(found.get("allow_list", ())),
        services=catalogue,
        complements=complements,
        practitioners=found.get("practitioners", {}),
        locations={
            code: Location(
                code,
                values.get("name", code),
                values.get("timezone"),
                values.get("address", ""),
                values.get("region", ""),
            )
            for code, values in found.get("locations", {}).items()
        },
        region=found.get("region", ""),
    )
    check_regions(reader, clinic, {key: at for key, (_, at) in places.items()})
    return clinic


__all__ = [
    "CLINIC",
    "SERVICE",
    "Sender",
    "parse_channels",
    "parse_clinic",
]
