"""config/sources/NAME.yaml: how a system's CSV exports and messages become events. And the mappings that are ready for known systems.

Rules
1. A key of `files` may repeat any key of the head that says how a file is written; it then holds for that file alone.
2. A workspace's own mapping wins over the ready one of the same name.
3. What a mapping needs is asked here, so that an import meets only what is in the export.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Place, Scalar, compose
from worker.workspace.config_watch import watch_of
from worker.workspace.config_webhooks import parse_webhook, told_by_events
from worker.workspace.files import Files, raw
from worker.workspace.sources import Form, Sheet, SheetKind, Source, folded
from worker.workspace.sources_table import DELIMITERS, EMPTY, FORM, OTHERWISE
from worker.workspace.webhooks_table import SOURCE

FOLDER: Final = "config/sources/"
READY: Final = Path(__file__).parent / "mappings"
_HEAD: Final = tuple(name for name in FORM if name != "live_from")


def parse_source(reader: Reader, node: Node | None, name: str, scope: Any) -> Source | None:
    """A mapping; None where it names no file and no message that could be read. `scope` None leaves the services unchecked."""
    found = SOURCE.read(reader, node, "", scope)
    files: dict[str, dict[str, Any]] = found.get("files", {})
    sheets = tuple(
        sheet for key, values in files.items() if (sheet := _sheet(reader, key, found, values)) is not None
    )
    webhook = parse_webhook(reader, found.get("webhook"), found, _sheet)
    if isinstance(node, Map) and node.get("files") is None and node.get("webhook") is None:
        reader.problem("shape-missing", node, "`files` is missing from this mapping", "Add `files: …`, or `webhook: …`.")  # fmt: skip
    if isinstance(node, Map) and node.get("files") is None and (watched := node.get("watch")) is not None:
        reader.problem("shape-missing", watched, "`watch` names a folder of files, and `files` is missing", "Add `files: …`, or remove `watch`.")  # fmt: skip
    if not sheets and webhook is None:
        return None
    watch = watch_of(found, name) if sheets else None
    return Source(name, found.get("source", f"/exports/{name}"), sheets, webhook, watch)


def source_named(name: str, text: str | None) -> Source | None:
    """The mapping of a name: by the workspace's text where it has one, else the ready one. None where there is none, or none that could be read."""
    own = text if text is not None else ready_text(name)
    return _source_of(name, own) if own is not None else None


@lru_cache(maxsize=256)
def _source_of(name: str, text: str) -> Source | None:
    # What is published was checked against the clinic's services then.
    node, _ = compose(raw(text), name)
    return parse_source(Reader(), node, name, None) if node is not None else None


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
        if told_by_events(values, first):
            continue
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
