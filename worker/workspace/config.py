"""config/clinic.yaml, services.yaml and channels.yaml: from composed trees to the domain's values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal, cast

import phonenumbers

from worker.domain.calendar import WEEKDAYS, Window, zone
from worker.domain.clinic import Area, Clinic, Location, Mode, Service
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Scalar

CLINIC_KEYS: Final = (
    "id", "name", "from_name", "timezone", "country", "language", "languages", "mode", "currency", "phone", "address", "booking_url", "opening_hours",
    "allow_list", "practitioners", "locations",
)  # fmt: skip
SERVICE_KEYS: Final = ("name", "family", "area", "counts_as_treatment", "series", "min_interval", "rx_only")


@dataclass(frozen=True, slots=True)
class Sender:
    """One channel of config/channels.yaml. `rate` is per second."""

    provider: str
    sender: str
    name: str
    rate: Decimal
    two_way: bool = False


def parse_clinic(reader: Reader, node: Node | None, services: Node | None) -> Clinic | None:
    """config/clinic.yaml with config/services.yaml; None where it names no usable zone, since nothing can be computed without one."""
    fields = reader.fields(node, "config/clinic.yaml", CLINIC_KEYS, ("name", "timezone", "country"))
    timezone = _zone(reader, fields.get("timezone"))
    languages = tuple(
        reader.parsed(item, "a language", _language, "en") or ""
        for item in reader.items(fields.get("languages"), "`languages`")
    )
    language = reader.parsed(fields.get("language"), "a language", _language, "en") or (
        languages[0] if languages else "en"
    )
    if languages and language not in languages:
        reader.problem(
            "clinic-language",
            fields["language"],
            f"`{language}` is not among `languages`",
            f"Add it: `languages: [{', '.join((language, *languages))}]`.",
        )
    opening, closed = _opening(reader, fields.get("opening_hours"))
    catalogue, complements = parse_services(reader, services)
    if timezone is None:
        return None
    return Clinic(
        id=reader.parsed(
            fields.get("id"),
            "an id",
            lambda t: t if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", t) else None,
            "default",
        )
        or "default",
        name=reader.text(fields.get("name"), "`name`"),
        timezone=timezone,
        country=reader.parsed(
            fields.get("country"), "a country code (two capitals, ISO 3166)", _country, "GR"
        )
        or "GR",
        language=language,
        languages=languages or (language,),
        mode=cast(
            Mode,
            reader.choice(fields.get("mode"), "a mode", ("rehearsal", "allow_list", "live"), "rehearsal"),
        ),
        currency=reader.parsed(
            fields.get("currency"),
            "a currency code (three capitals, ISO 4217)",
            lambda t: t if re.fullmatch("[A-Z]{3}", t) else None,
            "EUR",
        )
        or "EUR",
        phone=reader.text(fields.get("phone"), "`phone`"),
        address=reader.text(fields.get("address"), "`address`"),
        booking_url=reader.text(fields.get("booking_url"), "`booking_url`"),
        opening=opening,
        closed=closed,
        allow_list=frozenset(reader.texts(fields.get("allow_list"), "`allow_list`")),
        services=catalogue,
        complements=complements,
        practitioners=_practitioners(reader, fields.get("practitioners")),
        locations=_locations(reader, fields.get("locations")),
    )


def _zone(reader: Reader, node: Node | None) -> str | None:
    def known(text: str) -> str | None:
        try:
            zone(text)
        except ValueError:
            return None
        return text

    return reader.parsed(node, "a time zone of the IANA list", known, "Europe/Athens")


def _language(text: str) -> str | None:
    return text if re.fullmatch(r"[a-z]{2}", text) else None


def _country(text: str) -> str | None:
    return text if text in phonenumbers.SUPPORTED_REGIONS else None


def _opening(reader: Reader, node: Node | None) -> tuple[Mapping[str, Window], frozenset[date]]:
    opening: dict[str, Window] = {}
    closed: set[date] = set()
    for key, value in reader.entries(node, "`opening_hours`"):
        if key.value == "closed":
            closed |= {
                day
                for item in reader.items(value, "`closed`")
                if (day := reader.day(item, "a date")) is not None
            }
            continue
        first, _, last = key.value.partition("-")
        if first not in WEEKDAYS or (last and last not in WEEKDAYS):
            reader.problem(
                "clinic-weekday",
                key,
                f"`{key.value}` is no weekday",
                "Write `mon`, `sat` or a range such as `mon-fri`; closed days under `closed`.",
            )
            continue
        if isinstance(value, Scalar) and value.value == "closed":
            continue
        window = reader.window(value, "hours of a day")
        if window is not None:
            start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
            opening.update({WEEKDAYS[(start + step) % 7]: window for step in range((end - start) % 7 + 1)})
    return opening, frozenset(closed)


def _practitioners(reader: Reader, node: Node | None) -> dict[str, str]:
    return {
        key.value: reader.text(value, "a practitioner's name")
        for key, value in reader.entries(node, "`practitioners`")
    }


def _locations(reader: Reader, node: Node | None) -> dict[str, Location]:
    found: dict[str, Location] = {}
    for key, value in reader.entries(node, "`locations`"):
        fields = reader.fields(value, f"location `{key.value}`", ("name", "timezone", "address"))
        found[key.value] = Location(
            key.value,
            reader.text(fields.get("name"), "`name`", key.value),
            _zone(reader, fields.get("timezone")),
            reader.text(fields.get("address"), "`address`"),
        )
    return found


def parse_services(
    reader: Reader, node: Node | None
) -> tuple[dict[str, Service], dict[str, tuple[str, ...]]]:
    """config/services.yaml: the catalogue, and which family complements which."""
    fields = reader.fields(node, "config/services.yaml", ("services", "families"))
    catalogue: dict[str, Service] = {}
    for key, value in reader.entries(fields.get("services"), "`services`"):
        catalogue[key.value] = _service(reader, key, value)
    named = reader.entries(fields.get("families"), "`families`")
    families = {service.family for service in catalogue.values()} | {key.value for key, _ in named}
    complements: dict[str, tuple[str, ...]] = {}
    for key, value in named:
        inner = (
            reader.fields(value, f"family `{key.value}`", ("complements",)) if isinstance(value, Map) else {}
        )
        complements[key.value] = _complements(reader, inner.get("complements"), families)
    return catalogue, complements


def _complements(reader: Reader, node: Node | None, families: Collection[str]) -> tuple[str, ...]:
    """A family that no service has (yet) is no mistake of the catalogue's, but may be one of spelling."""
    for item in reader.items(node, "`complements`"):
        if isinstance(item, Scalar) and item.value not in families:
            hint = reader.did_you_mean(item.value, families)
            reader.problem(
                "family-unused", item, f"no service is of the family `{item.value}`", hint, "warning"
            )
    return reader.texts(node, "`complements`")


def _service(reader: Reader, key: Scalar, node: Node) -> Service:
    fields = reader.fields(node, f"service `{key.value}`", SERVICE_KEYS, ("name", "family"))
    series = reader.integer(fields.get("series"), "`series`", 1, 100, 1) if "series" in fields else None
    return Service(
        code=key.value,
        name=reader.text(fields.get("name"), "`name`", key.value),
        family=reader.name(fields.get("family"), "a family") or "unknown",
        area=cast(Area, reader.choice(fields.get("area"), "an area", ("face", "body", "none"), "none")),
        counts_as_treatment=reader.boolean(
            fields.get("counts_as_treatment"), "`counts_as_treatment`", default=True
        ),
        series=series,
        min_interval=reader.span(fields.get("min_interval"), "`min_interval`"),
        rx_only=reader.boolean(fields.get("rx_only"), "`rx_only`", default=False),
    )


def parse_channels(reader: Reader, node: Node | None, clinic_name: str) -> dict[str, Sender]:
    """config/channels.yaml: how each channel leaves. A channel that is not there can't be used."""
    fields = reader.fields(node, "config/channels.yaml", ("sms", "email"))
    found: dict[str, Sender] = {}
    providers: dict[str, Literal["twilio", "sendgrid"]] = {"sms": "twilio", "email": "sendgrid"}
    for channel, value in fields.items():
        keys = (
            ("provider", "from", "rate", "two_way")
            if channel == "sms"
            else ("provider", "from", "from_name", "rate")
        )
        inner = reader.fields(value, f"`{channel}`", keys, ("provider", "from"))
        rate = reader.parsed(inner.get("rate"), "a rate", _rate, "10 per second")
        found[channel] = Sender(
            provider=reader.choice(
                inner.get("provider"),
                "a provider of this channel",
                (providers[channel], "console"),
                "console",
            ),
            sender=reader.text(inner.get("from"), "`from`"),
            name=reader.text(inner.get("from_name"), "`from_name`", clinic_name),
            rate=rate if rate is not None else Decimal(10),
            two_way=reader.boolean(inner.get("two_way"), "`two_way`", default=False),
        )
    return found


def _rate(text: str) -> Decimal | None:
    match = re.fullmatch(r"(\d{1,4}) per (second|minute|hour)", text.strip())
    if match is None or int(match[1]) == 0:
        return None
    return Decimal(match[1]) / {"second": 1, "minute": 60, "hour": 3600}[match[2]]
