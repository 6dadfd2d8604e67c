"""The keys of `webhook` in config/sources/NAME.yaml: what a system posts, and how it proves itself. `config_webhooks` reads by these tables.

A kind of message has the keys of a file of its kind; in place of headers stand paths into the JSON (`worker/workspace/paths.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from worker.domain.kinds import (
    DAY,
    TEXT,
    Block,
    Either,
    Field,
    Fields,
    Kind,
    Many,
    Parsed,
    Schema,
    Table,
    Whole,
    Word,
)
from worker.domain.shape import Reader
from worker.domain.source import Map, Node
from worker.workspace.paths import PATTERN, parse_path
from worker.workspace.sources import FIELDS, FLAGS, MEANINGS, SheetKind
from worker.workspace.sources_table import APPOINTMENTS, BLOCKS, EXPORTS, OTHERWISE, FileKind

PATH: Final[Kind[str]] = Parsed("a path into a message", parse_path, PATTERN, "payload.startTime")
PATHS: Final[Kind[tuple[str, ...]]] = Many(PATH)
SECRET_PREFIX: Final = "REVISIT_SOURCE_"
BY_STATUS, LEFT_OUT = "by_status", "left_out"
EVENTS: Final[Mapping[SheetKind, Mapping[str, str]]] = {
    "appointments": {
        "booking.created": "booked",
        "booking.rescheduled": "booked",
        "booking.cancelled": "cancelled",
        "booking.no_show": "no_show",
        "visit.completed": "completed",
        "visit.voided": "voided",
    },
    "patients": {"patient.upserted": "patient"},
    "consents": {"consent.granted": "granted", "consent.revoked": "revoked"},
}
"""What a system's type of event may be, and what that means to the rules that rows of files are read by."""
REPLACES: Final = "replaces"
_OF_FILES: Final = frozenset(
    {"delimiter", "encoding", "skip_lines", "one_row_per", "full_export", "may_lack", "services_between"}
)


def _message(kind: SheetKind) -> Block:
    """The keys of one kind of message."""
    more = {REPLACES: "The id of the appointment that this one takes the place of, where a change of time makes a new one. That one is voided."}  # fmt: skip
    about = {**FIELDS[kind], **(more if kind == "appointments" else {})}
    columns = Block("`columns`", {name: Field(PATHS, f"{text} One path, or several that it may stand at.") for name, text in about.items()})  # fmt: skip
    words = (*EVENTS[kind], BY_STATUS, LEFT_OUT)
    own: dict[str, Field] = {
        "columns": Field(columns, "Fields, and the paths of their values.", required=True),
        "events": Field(
            Table("event", TEXT, Word("what an event may mean", words)),
            f"The system's types of events that come in this shape, and what each means: {', '.join(f'`{word}`' for word in words)}. `{BY_STATUS}`: what flags and `statuses` say. `{OTHERWISE}` stands for all others.",
            required=True,
        ),
    }
    if FLAGS[kind]:
        flags = Block("`flags`", {name: Field(PATHS, text) for name, text in FLAGS[kind].items()})
        own["flags"] = Field(flags, "Paths that say it by being filled in with anything but a word for no.")
    kept = {name: field for name, field in BLOCKS[kind].fields.items() if name not in _OF_FILES}
    return Block("", {**kept, **own})


MESSAGES: Final[Mapping[str, Block]] = {kind: _message(kind) for kind in EVENTS}
HMAC: Final[Fields] = {
    "kind": Field(Word("a way to sign", ("cal_com", "square", "hmac", "bearer", "none")), "As above.", required=True),
    "header": Field(TEXT, "The header that the signature, or the secret of `bearer`, stands in.", default="with `bearer`: `Authorization`"),
    "algorithm": Field(Word("a hash", ("sha256", "sha1")), "The hash.", default="`sha256`"),
    "encoding": Field(Word("a way to write it", ("hex", "base64")), "How the signature is written.", default="`hex`"),
    "prefix": Field(TEXT, "What stands before the signature in its header, such as `sha256=`.", default="nothing"),
    "timestamp": Field(TEXT, "The header with the second at which it was signed.", default="none"),
    "tolerance": Field(Whole(1, 86_400), "How many seconds that may be away.", default="300"),
    "signed": Field(TEXT, "What is signed, with `{body}`, `{timestamp}` and `{url}` in it.", default="`{body}`; with a timestamp `{timestamp}.{body}`"),
}  # fmt: skip
SIGNATURE: Final = Either(
    "a way to sign", scalar=HMAC["kind"].kind, block=Block("`signature`", HMAC), hint="Write for example `signature: bearer`."
)  # fmt: skip
_STATUSES: Final = (
    "The statuses that mean something else to this clinic than the standard says, each with its meaning."
)
_KIND: Final = "`fhir`: resources of FHIR R4; else JSON by `messages`."
_COMMON: Final[Fields] = {
    "signature": Field(SIGNATURE, "How a call proves that it comes from the system: `cal_com`, `square`, `hmac`, `bearer`, or `none`, which asks for an API token."),
    "secret": Field(Many(TEXT), f"The environment variable that holds the secret, which begins with `{SECRET_PREFIX}`; two of them while it is changed."),
    "live_from": Field(DAY, "What is older changes facts and fires nothing.", default="all is news"),
}  # fmt: skip
JSON: Final = Block(
    "`webhook`",
    {
        "kind": Field(Word("a kind of webhook", ("json",)), _KIND, default="`json`"),
        **_COMMON,
        "event": Field(PATH, "The path of a message's type of event.", default="none: `otherwise` of `events`"),
        "id": Field(PATH, "The path of a message's own id; the same id is the same message.", default="a hash of what it says"),
        "each": Field(PATH, "The path of a list of messages, where one call brings several.", default="the body is one message"),
        "unknown_events": Field(Word("what becomes of them", ("put_aside", LEFT_OUT)), "Types of events that no message names.", default="`put_aside`"),
        "messages": Field(Table("message", TEXT, FileKind(MESSAGES, "a kind of message")), "The shapes of messages, by names of your own.", required=True),
    },
)  # fmt: skip
FHIR: Final = Block(
    "`webhook`",
    {
        "kind": Field(Word("a kind of webhook", ("fhir",)), _KIND, required=True),
        **_COMMON,
        "service_system": Field(TEXT, "The system whose codes are the clinic's services.", default="any"),
        "statuses": Field(Table("status", TEXT, Word("what a status may mean", MEANINGS)), f"Of appointments. {_STATUSES}", default="the standard's"),
        "encounters": Field(Table("status", TEXT, Word("what a status may mean", MEANINGS)), f"Of encounters. {_STATUSES}", default="the standard's"),
        "services": APPOINTMENTS.fields["services"],
        "past_booked_means": APPOINTMENTS.fields["past_booked_means"],
    },
)  # fmt: skip


class WebhookKind(Kind[dict[str, Any]]):
    """The block `webhook`: its `kind` decides which other keys it may have."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> dict[str, Any] | None:
        """The values that are there, with the node that they were read from."""
        if not isinstance(node, Map):
            reader.problem("shape-type", node, f"{what} must be a block of `key: value` lines")
            return None
        kind = node.get("kind")
        known = Word("a kind of webhook", ("json", "fhir"))
        name = known.read(reader, kind, "`kind`", scope) if kind is not None else "json"
        if name is None:
            return None
        block = FHIR if name == "fhir" else JSON
        return {**block.read(reader, node, what, scope), "kind": name, "": node}

    def schema(self, scope: Any) -> Schema:
        """One of two blocks."""
        return {"anyOf": [JSON.schema(scope), FHIR.schema(scope)]}


SOURCE: Final = Block(
    "this mapping",
    {**EXPORTS, "webhook": Field(WebhookKind(), "What the system posts, and how it proves itself.")},
    also={"anyOf": [{"required": ["files"]}, {"required": ["webhook"]}]},
)
"""All keys of a mapping."""
