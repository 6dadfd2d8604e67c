"""config/sources/NAME.yaml: how a system's CSV exports become events. And the mappings that are ready for known systems.

Rules
1. A key of `files` may repeat any key of the head that says how a file is written; it then holds for that file alone.
2. A workspace's own mapping wins over the ready one of the same name.
3. What a mapping needs is asked here, so that an import meets only what is in the export.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
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
from worker.domain.source import Map, Node, Place, Scalar, compose
from worker.domain.zones import ZONE
from worker.workspace.files import Files, raw
from worker.workspace.sources import FIELDS, FLAGS, MEANINGS, Form, Sheet, SheetKind, Source

FOLDER: Final = "config/sources/"
READY: Final = Path(__file__).parent / "mappings"
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
_BLOCKS: Final[Mapping[str, Block]] = {
    "patients": PATIENTS,
    "appointments": APPOINTMENTS,
    "consents": CONSENTS,
}


class FileKind(Kind[dict[str, Any]]):
    """One of `files`: its `kind` decides which other keys it may have."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> dict[str, Any] | None:
        """The values that are there, with the node that they were read from."""
        kind = node.get("kind") if isinstance(node, Map) else None
        if not isinstance(node, Map):
            reader.problem("shape-type", node, f"{what} must be a block of `key: value` lines")
            return None
        if kind is None:
            reader.problem("shape-missing", node, f"`kind` is missing from {what}", "Add `kind: patients`, `appointments` or `consents`.")  # fmt: skip
            return None
        name = Word("a kind of file", tuple(_BLOCKS)).read(reader, kind, "`kind`", scope)
        return {**_BLOCKS[name].read(reader, node, what, scope), "": node} if name is not None else None

    def schema(self, scope: Any) -> Schema:
        """One of three blocks."""
        return {"anyOf": [block.schema(scope) for block in _BLOCKS.values()]}


SOURCE: Final = Block(
    "this mapping",
    {
        "source": Field(TEXT, "The `source` of the events.", default="`/exports/NAME`"),
        **FORM,
        "files": Field(
            Table("file", TEXT, FileKind()),
            "The files that the system exports, by names of your own. Which of them a file is, its header says.",
            required=True,
        ),
    },
)
_HEAD: Final = tuple(name for name in FORM if name != "live_from")


def parse_source(reader: Reader, node: Node | None, name: str, scope: Any) -> Source | None:
    """A mapping; None where it names no file that could be read. `scope` None leaves the services unchecked."""
    found = SOURCE.read(reader, node, "", scope)
    files: dict[str, dict[str, Any]] = found.get("files", {})
    sheets = tuple(
        sheet for key, values in files.items() if (sheet := _sheet(reader, key, found, values)) is not None
    )
    return Source(name, found.get("source", f"/exports/{name}"), sheets) if sheets else None


def read_sources(reader: Reader, files: Files, scope: Any) -> dict[str, Source]:
    """The mappings of a workspace by name; what is wrong goes to the reader."""
    sources: dict[str, Source] = {}
    for path in sorted(source_files(files)):
        node, problems = compose(raw(files[path]), path)
        reader.problems += problems
        if node is None or (isinstance(node, Scalar) and node.empty):
            if not problems:
                reader.problem("file-empty", Place(path), "this mapping is empty", "Write it, or remove the file.")  # fmt: skip
            continue
        name = PurePosixPath(path).stem
        found = parse_source(reader, node, name, scope)
        if found is not None:
            sources[name] = found
    return sources


def source_files(files: Files) -> dict[str, str]:
    """Those files of a workspace that are mappings."""
    return {path: text for path, text in files.items() if path.startswith(FOLDER)}


def ready_names() -> list[str]:
    """The systems that a mapping is ready for."""
    return sorted(path.stem for path in READY.glob("*.yaml"))


def ready_text(name: str) -> str | None:
    """The mapping that is ready for a system, as text."""
    return (READY / f"{name}.yaml").read_text(encoding="utf-8") if name in ready_names() else None


def _sheet(reader: Reader, key: str, head: Mapping[str, Any], values: dict[str, Any]) -> Sheet | None:
    node: Node = values[""]
    kind: SheetKind | None = values.get("kind")
    if kind is None:
        return None
    columns: dict[str, tuple[str, ...]] = values.get("columns", {})
    if not _whole(reader, node, key, kind, columns, values):
        return None
    told = {name: head[name] for name in FORM if name in head} | {
        name: values[name] for name in FORM if name in values
    }
    form = {name: told[name] for name in _HEAD if name in told}
    if "delimiter" in form:
        form["delimiter"] = DELIMITERS[form["delimiter"]]
    statuses: dict[str, str] = {folded(word): means for word, means in values.get("statuses", {}).items()}
    return Sheet(
        key,
        kind,
        Form(**form),
        columns,
        may_lack=frozenset(values.get("may_lack", ())),
        flags=values.get("flags", {}),
        otherwise=statuses.pop(OTHERWISE, None),
        empty=statuses.pop(EMPTY, None),
        statuses=statuses,
        past_booked_means=values.get("past_booked_means", "unknown"),
        id_from=values.get("id_from", ()),
        patient_from=values.get("patient_from", ()),
        services={folded(name): code for name, code in values.get("services", {}).items()},
        services_between=values.get("services_between", ""),
        one_row_per=values.get("one_row_per", "appointment"),
        name_order=values.get("name_order", "first_last"),
        full_export=values.get("full_export", False),
        live_from=told.get("live_from"),
        yes=frozenset(folded(word) for word in values.get("yes", ())),
        no=frozenset(folded(word) for word in values.get("no", ())),
        always=values.get("always", {}),
        words={
            name: {folded(word): means for word, means in table.items()}
            for name, table in values.get("words", {}).items()
        },
    )


def folded(text: str) -> str:
    """A word of an export as it is compared: without case and without doubled space."""
    return " ".join(text.casefold().split())


_NEEDED: Final[Mapping[SheetKind, tuple[tuple[str, ...], ...]]] = {
    "patients": (("id", "id_from"),),
    "appointments": (("id", "id_from"), ("patient", "patient_from"), ("starts_at", "date")),
    "consents": (("patient", "patient_from"), ("channel", "always"), ("decision", "always")),
}
"""One of each row must be there: as a column, or as a key of the file."""


def _whole(
    reader: Reader,
    node: Node,
    key: str,
    kind: SheetKind,
    columns: Mapping[str, Any],
    values: Mapping[str, Any],
) -> bool:
    right = True
    for first, other in _NEEDED[kind]:
        there = other in columns or other in values
        if other == "always":
            there = first in values.get("always", {})
        if first in columns or there:
            continue
        way_out = {
            "always": f"or `always: {{{first}: …}}`",
            "date": "or `date` and `time`",
        }.get(other, f"or `{other}`: the fields that it is made of")
        reader.problem(
            "source-column",
            node,
            f"`{key}` says no column for `{first}`",
            f"Add `{first}: HEADER` to `columns`, {way_out}.",
        )
        right = False
    if kind == "appointments" and ("status" in columns) != ("statuses" in values):
        missing = "statuses" if "status" in columns else "status"
        reader.problem(
            "source-status",
            node,
            f"`{key}` has a column of statuses, and does not say what they mean"
            if missing == "statuses"
            else f"`{key}` says what statuses mean, and not which column they stand in",
            "Write `statuses`: each with what it means."
            if missing == "statuses"
            else "Add `status: HEADER` to `columns`.",
        )
        right = False
    parts = ("name", "first_name", "last_name")
    for name in ("id_from", "patient_from", "may_lack"):
        for field in values.get(name, ()):
            if field in columns or (field == "name" and any(part in columns for part in parts)):
                continue
            if (field == "starts_at" and "date" in columns) or field in values.get("flags", {}):
                continue
            at = node.get(name) if isinstance(node, Map) else None
            reader.problem(
                "source-field",
                at or node,
                f"`{name}` names `{field}`, which has no column here",
                f"Add `{field}: HEADER` to `columns`, or take it out.",
            )
            right = False
    return right
