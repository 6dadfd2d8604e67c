"""config/channels.yaml: how each channel leaves, and what it costs. A channel that is not there can't be used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from worker.domain import patterns
from worker.domain.kinds import SWITCH, TEXT, Block, Field, Fields, Kind, Parsed, Schema, Word, text_schema
from worker.domain.shape import Reader
from worker.domain.source import Node, Place
from worker.workspace.trees import under

RATE_PATTERN: Final = r"\s*(?=0*[1-9])[0-9]{1,4} per (?:second|minute|hour)\s*"
VARIABLE_PATTERN: Final = "(?=[A-Z0-9_]*(?:TWILIO|SENDGRID))[A-Z][A-Z0-9_]{5,99}"
"""The provider's name in it keeps a file of a workspace from naming any other secret of the machine."""
EXAMPLE: Final = "ATHENS_TWILIO_AUTH_TOKEN"
_SECRET: Final = re.compile(r"SG\..*|(?:AC|SK|MG)[0-9a-fA-F]{32}|(?=.*[0-9])[A-Za-z0-9+/=._-]{24,}")
PRICE_PATTERN: Final = rf"[0-9]{{1,6}}(?:\.[0-9]{{1,6}})? {patterns.CURRENCY}"


@dataclass(frozen=True, slots=True)
class Own:
    """The names of the environment variables that hold a clinic's own credentials; "" where it has none of its own."""

    account_sid: str = ""
    auth_token: str = ""
    api_key: str = ""
    webhook_public_key: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """One channel. `rate` is per second; `price` is an amount and its currency, for one SMS segment or one e-mail; `own` names the clinic's credentials."""

    provider: str
    sender: str
    name: str
    rate: Decimal
    two_way: bool = False
    price: tuple[Decimal, str] | None = None
    own: Own = Own()


class VariableKind(Kind[str]):
    """The name of an environment variable. What looks like the secret itself is refused, and not repeated."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> str | None:
        """The name."""
        text = reader.text(node, what)
        if not text or re.fullmatch(VARIABLE_PATTERN, text):
            return text or None
        if _SECRET.fullmatch(text):
            reader.problem(
                "credential-value",
                node,
                f"{what} looks like a secret, where the name of an environment variable belongs",
                f"Take it out of the file and have a new one made; here stands a name: `{EXAMPLE}`.",
            )
        else:
            reader.problem(
                "credential-name",
                node,
                f"`{text}` is not the name of a variable that may hold a provider's credentials",
                f"Capitals, digits and `_`, with TWILIO or SENDGRID in it: `{EXAMPLE}`.",
            )
        return None

    def schema(self, scope: Any) -> Schema:
        """The pattern."""
        return text_schema(VARIABLE_PATTERN, "the name of a variable for a provider's credentials", EXAMPLE)


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


VARIABLE: Final = VariableKind()
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
        "credentials": Field(
            Block(
                "`credentials`",
                {
                    "account_sid_env": Field(VARIABLE, "Names the variable with Twilio's Account SID."),
                    "auth_token_env": Field(VARIABLE, "Names the variable with Twilio's Auth Token."),
                    "api_key_env": Field(VARIABLE, "Names the variable with SendGrid's API key."),
                    "webhook_public_key_env": Field(
                        VARIABLE, "Names the variable with the key that SendGrid's reports are checked with."
                    ),
                },
            ),
            "The clinic's own accounts with the providers, by the names of environment variables.",
            default="TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, SENDGRID_API_KEY, SENDGRID_WEBHOOK_PUBLIC_KEY",
        ),
    },
)


def parse_channels(reader: Reader, node: Node | None, clinic_name: str) -> dict[str, Sender]:
    """The senders by channel."""
    found = CHANNELS_FILE.read(reader, node, "config/channels.yaml", None)
    named = found.pop("credentials", {})
    own = Own(**{name.removesuffix("_env"): variable for name, variable in named.items()})
    if bool(own.account_sid) != bool(own.auth_token) and not reader.problems:
        reader.problem(
            "credential-half",
            under(node, "credentials") or Place("config/channels.yaml"),
            "a clinic's own account with Twilio needs both `account_sid_env` and `auth_token_env`",
            "Name both, or none.",
        )
    return {
        channel: Sender(
            provider=values.get("provider", "console"),
            sender=values.get("from", ""),
            name=values.get("from_name", clinic_name),
            rate=values.get("rate", Decimal(10)),
            two_way=values.get("two_way", False),
            price=values.get("price"),
            own=own,
        )
        for channel, values in found.items()
    }
