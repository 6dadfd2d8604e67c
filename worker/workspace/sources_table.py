"""The keys of config/sources/NAME.yaml that tell of files. `config_sources` reads by these tables, and the schema and the reference are written from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from worker.domain.kinds import (
    DAY,
    SWITCH,
    TEXT,
    TEXTS,
    Block,
    Field,
    Fields,
    Kind,
    Many,
    Schema,
    Table,
    Whole,
    Word,
)
from worker.domain.shape import Reader
from worker.domain.source import Map, Node
from worker.domain.zones import ZONE
from worker.workspace.config_watch import FIELDS as WATCHED
from worker.workspace.sources import FIELDS, FLAGS, MEANINGS, SheetKind

DELIMITERS: Final[Mapping[str, str]] = {
    "comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", ",": ",", ";": ";", "|": "|",
}  # fmt: skip
ENCODINGS: Final = (
    "utf-8",
    "utf-16",
    "cp1252",
    "cp1253",
    "iso-8859-1",
    "iso-8859-7",
    "iso-8859-15",
)
OTHERWISE, EMPTY = "otherwise", "empty"
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "channel": ("sms", "email"),
    "purpose": ("marketing", "care", "health_profiling"),
    "decision": ("granted", "revoked"),
    "basis": ("explicit", "soft_opt_in", "written", "verbal"),
}
"""What a column of a file of consents may say, after `words` has translated it."""

FORM: Final[Fields] = {
    "delimiter": Field(Word("a delimiter", tuple(DELIMITERS)), "What stands between two cells.", default='`","`'),
    "encoding": Field(Word("an encoding", ENCODINGS), "How letters are written; Excel in Greek writes `cp1253`.", default="`utf-8`"),
    "date_order": Field(
        Word("an order", ("ymd", "dmy", "mdy")),
        "What `03/04/2026` means. ISO dates and months as words are read in any case.",
        default="`ymd`: no other dates",
    ),
    "zone": Field(ZONE, "The zone of times without one.", default="the clinic's"),
    "decimal": Field(Word("a decimal mark", (".", ",")), "The mark before the cents.", default='`"."`'),
    "skip_lines": Field(Whole(0, 50), "Lines above the header, such as a title.", default="0"),
    "live_from": Field(DAY, "From this day on what is imported is news. What is older changes facts and fires nothing.", default="never: all is history"),
}  # fmt: skip
_CASE: Final = ("appointment", "service")


def _names(kind: SheetKind) -> tuple[str, ...]:
    return tuple(FIELDS[kind])


def _services(scope: Any) -> Collection[str] | None:
    return None if scope is None else scope.clinic.services


def _file(kind: SheetKind, more: Fields) -> Block:
    columns = Block(
        "`columns`",
        {name: Field(TEXTS, f"{about} One header, or several that may stand there.") for name, about in FIELDS[kind].items()},
    )  # fmt: skip
    person: Fields = {
        "name_order": Field(
            Word("an order of names", ("first_last", "last_first")),
            "Which word of `name` is the last name: the last one, or the first. After a comma the first name stands in any case.",
            default="`first_last`",
        ),
        "yes": Field(TEXTS, "Words of this system for yes.", default="those of English and Greek"),
        "no": Field(TEXTS, "Words of this system for no.", default="those of English and Greek"),
    }
    flags: Fields = {}
    if FLAGS[kind]:
        block = Block("`flags`", {name: Field(TEXTS, about) for name, about in FLAGS[kind].items()})
        flags = {
            "flags": Field(block, "Columns that say it by being filled in with anything but a word for no.")
        }
    return Block(
        "",
        {
            "kind": Field(Word("a kind of file", (kind,)), "`patients`, `appointments` or `consents`.", required=True),
            "columns": Field(columns, "Fields, and the headers of their columns.", required=True),
            "may_lack": Field(Many(Word(f"a field of {kind}", (*_names(kind), *FLAGS[kind]))), "Fields and flags whose columns a file need not have.", default="none"),
            **FORM,
            **person,
            **flags,
            **more,
        },
    )  # fmt: skip


_PATIENT_FROM: Final = "Fields that a patient's id is made of (a hash) where there is no `patient`: the same ones in every file of the system."
APPOINTMENTS: Final = _file(
    "appointments",
    {
        "id_from": Field(Many(Word("a field of appointments", _names("appointments"))), "Fields that the id is made of (a hash) where there is none."),
        "patient_from": Field(Many(Word("a field of appointments", _names("appointments"))), _PATIENT_FROM),
        "statuses": Field(
            Table("status", TEXT, Word("what a status may mean", MEANINGS)),
            f"The system's statuses, and what each means: {', '.join(f'`{word}`' for word in MEANINGS)}. `{EMPTY}` stands for none, `{OTHERWISE}` for all others; without it a row with another one is refused.",
        ),
        "past_booked_means": Field(
            Word("what a past booking may mean", ("completed", "unknown", "no_show")),
            "What a booking is whose day is over and that nobody closed.",
            default="`unknown`: no visit",
        ),
        "services": Field(
            Table("service", TEXT, Word("a service of config/services.yaml", _services, "unknown-service")),
            "The system's names of treatments, and the codes of services.yaml.",
            default="the codes and names of services.yaml",
        ),
        "services_between": Field(TEXT, "What stands between several treatments in one cell.", default="one treatment a cell"),
        "one_row_per": Field(
            Word("a unit", _CASE),
            "`service`: rows of one appointment that follow each other are its services, and their amounts are added.",
            default="`appointment`",
        ),
        "full_export": Field(
            SWITCH, "The file holds every future booking: one that vanished is cancelled.", default="`false`"
        ),
    },
)  # fmt: skip
PATIENTS: Final = _file(
    "patients", {"id_from": Field(Many(Word("a field of patients", _names("patients"))), _PATIENT_FROM)}
)
CONSENTS: Final = _file(
    "consents",
    {
        "patient_from": Field(Many(Word("a field of consents", _names("consents"))), _PATIENT_FROM),
        "words": Field(
            Block("`words`", {name: Field(Table("word", TEXT, Word("what it may mean", known)), f"The system's words for the {name}.") for name, known in WORDS.items()}),
            "The system's words, and what each means.",
        ),
        "always": Field(
            Block("`always`", {name: Field(Word("what it may be", known), f"The {name} of every row.") for name, known in WORDS.items()}),
            "What is so of every row, where no column says it.",
        ),
    },
)  # fmt: skip
BLOCKS: Final[Mapping[str, Block]] = {
    "patients": PATIENTS,
    "appointments": APPOINTMENTS,
    "consents": CONSENTS,
}


class FileKind(Kind[dict[str, Any]]):
    """One of `files`, or of the messages of a webhook: its `kind` decides which other keys it may have."""

    def __init__(self, blocks: Mapping[str, Block], is_a: str) -> None:
        self._blocks, self._is_a = blocks, is_a

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> dict[str, Any] | None:
        """The values that are there, with the node that they were read from."""
        kind = node.get("kind") if isinstance(node, Map) else None
        if not isinstance(node, Map):
            reader.problem("shape-type", node, f"{what} must be a block of `key: value` lines")
            return None
        if kind is None:
            reader.problem("shape-missing", node, f"`kind` is missing from {what}", "Add `kind: patients`, `appointments` or `consents`.")  # fmt: skip
            return None
        name = Word(self._is_a, tuple(self._blocks)).read(reader, kind, "`kind`", scope)
        return {**self._blocks[name].read(reader, node, what, scope), "": node} if name is not None else None

    def schema(self, scope: Any) -> Schema:
        """One of three blocks."""
        return {"anyOf": [block.schema(scope) for block in self._blocks.values()]}


EXPORTS: Final[Fields] = {
    "source": Field(TEXT, "The `source` of the events.", default="`/exports/NAME`"),
    **FORM,
    "files": Field(
        Table("file", TEXT, FileKind(BLOCKS, "a kind of file")),
        "The files that the system exports, by names of your own. Which of them a file is, its header says.",
    ),
    **WATCHED,
}
"""The keys of a mapping that tell of files; `webhooks_table` adds what tells of messages."""
