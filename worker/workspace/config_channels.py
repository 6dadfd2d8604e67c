"""config/channels.yaml: how each channel leaves, and what it costs. A channel that is not there can't be used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from worker.domain import patterns
from worker.domain.kinds import SWITCH, TEXT, Block, Field, Fields, Kind, Parsed, Word
from worker.domain.shape import Reader
from worker.domain.source import Node

RATE_PATTERN: Final = r"\s*(?=0*[1-9])[0-9]{1,4} per (?:second|minute|hour)\s*"
PRICE_PATTERN: Final = rf"[0-9]{{1,6}}(?:\.[0-9]{{1,6}})? {patterns.CURRENCY}"


@dataclass(frozen=True, slots=True)
class Sender:
    """One channel. `rate` is per second; `price` is an amount and its currency, for one SMS segment or one e-mail."""

    provider: str
    sender: str
    name: str
    rate: Decimal
    two_way: bool = False
    price: tuple[Decimal, str] | None = None


def _rate(text: str) -> Decimal | None:
    match = re.fullmatch(r"([0-9]{1,4}) per (second|minute|hour)", text.strip())
    if match is None or int(match[1]) == 0:
        return None
    return Decimal(match[1]) / {"second": 1, "minute": 60, "hour": 3600}[match[2]]


def _price(text: str) -> tuple[Decimal, str] | None:
    amount, _, currency = text.partition(" ")
    return (Decimal(amount), currency) if re.fullmatch(PRICE_PATTERN, text) else None


RATE: Final[Kind[Decimal]] = Parsed("a rate", _rate, RATE_PATTERN, "10 per second")
PRICE: Final[Kind[tuple[Decimal, str]]] = Parsed("a price", _price, PRICE_PATTERN, "0.07 EUR")


def _fields(provider: str, sender: str, each: str) -> Fields:
    return {
        "provider": Field(
            Word("a provider of this channel", (provider, "console")),
            f"`{provider}`, or `console`: a file in DATA_DIR/outbox and nothing else.",
            required=True,
        ),
        "from": Field(TEXT, sender, required=True),
        "rate": Field(RATE, "How fast the provider may be called.", default="10 per second"),
        "price": Field(PRICE, f"What {each} costs; `check` and `preview` then say what a text costs."),
    }


CHANNELS_FILE: Final = Block(
    "config/channels.yaml",
    {
        "sms": Field(
            Block(
                "`sms`",
                {
                    **_fields(
                        "twilio", "Your number, sender name or Messaging Service (`MG…`).", "one segment"
                    ),
                    "two_way": Field(SWITCH, "Whether patients can answer.", default="false"),
                },
            ),
            "How an SMS leaves.",
        ),
        "email": Field(
            Block(
                "`email`",
                {
                    **_fields("sendgrid", "The sender's address.", "one e-mail"),
                    "from_name": Field(TEXT, "The sender's name.", default="the clinic's `name`"),
                },
            ),
            "How an e-mail leaves.",
        ),
    },
)


def parse_channels(reader: Reader, node: Node | None, clinic_name: str) -> dict[str, Sender]:
    """The senders by channel."""
    return {
        channel: Sender(
            provider=values.get("provider", "console"),
            sender=values.get("from", ""),
            name=values.get("from_name", clinic_name),
            rate=values.get("rate", Decimal(10)),
            two_way=values.get("two_way", False),
            price=values.get("price"),
        )
        for channel, values in CHANNELS_FILE.read(reader, node, "config/channels.yaml", None).items()
    }
