"""`revisit import --guess`: a mapping and the catalogue's entries drafted from the files, shown, and written once a person has agreed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from worker.cli.app import Usage, fail, out
from worker.domain.clinic import Clinic
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import compose
from worker.workspace.config_sources import FOLDER, parse_source
from worker.workspace.files import Files, raw
from worker.workspace.sources import Source, folded

if TYPE_CHECKING:
    from worker.intake.sources.guess import Draft

SHOWN: Final = 10
SERVICES: Final = "config/services.yaml"


def guess(
    folder: Path, rooms: Files, about: Clinic, name: str, paths: Sequence[Path], *, yes: bool, dry_run: bool
) -> None:
    """Draft, ask at most three questions, write. Raises Usage where there is such a mapping already, or a file says too little."""
    from worker.intake.sources.guess import draft, mapping_text, service_entries
    from worker.intake.sources.survey import Unreadable

    target = f"{FOLDER}{name}.yaml"
    if target in rooms:
        raise Usage(f"{target} is there already; remove it first, or choose another name for --source")
    try:
        drafts = [draft(path) for path in paths]
        for one in drafts:
            _tell(one)
        order = _order(drafts, about, yes=yes)
        past = _past(drafts, yes=yes)
        text = mapping_text(drafts, order, past)
    except Unreadable as error:
        raise Usage(str(error)) from error
    source = _parsed(text, target, name, about)
    _rows(paths, source, about)
    known = {folded(word) for code, service in about.services.items() for word in (code, service.name)}
    treatments: Counter[str] = Counter()
    for one in drafts:
        treatments.update(one.treatments)
    fresh = {each: number for each, number in treatments.items() if folded(each) not in known}
    entries = service_entries(fresh, list(about.services))
    out.print(f"\n{target}:\n{text}", markup=False)
    if entries:
        out.print(f"For {SERVICES}, {len(entries)} treatments that are not in it:", markup=False)
        for line in islice(entries.values(), SHOWN):
            out.print(f"  {line}", markup=False)
        if len(entries) > SHOWN:
            out.print(f"  … and {len(entries) - SHOWN} more")
    if dry_run or not (yes or typer.confirm("Write this?", default=True)):
        out.print("Nothing was written.")
        return
    _write(folder, rooms, target, text, entries)
    files = " ".join(str(path) for path in paths)
    out.print(f"Look at it, then: revisit import {files} --source {name} --dry-run", markup=False)


def _tell(one: Draft) -> None:
    words = f"{one.path.name}: {one.kind}, {one.encoding}, {len(one.columns)} columns known"
    if one.unused:
        words += f", not used: {', '.join(one.unused[:8])}"
    unknown = [said for said, means in one.statuses.items() if means is None]
    if unknown:
        words += f"; statuses whose meaning is not known: {', '.join(unknown[:8])}"
    out.print(words, markup=False)


def _order(drafts: Sequence[Draft], about: Clinic, *, yes: bool) -> str:
    found = next((one.order for one in drafts if one.order in ("dmy", "mdy")), None)
    default = "mdy" if about.country in ("US", "PH") else "dmy"
    if found is not None or all(one.order == "iso" for one in drafts):
        return found or default
    return _ask("What does 03/04/2026 mean: 3 April (dmy) or 4 March (mdy)?", ("dmy", "mdy"), default, yes=yes)  # fmt: skip


def _past(drafts: Sequence[Draft], *, yes: bool) -> str:
    visits = [one for one in drafts if one.kind == "appointments"]
    closes = any("completed" in one.statuses.values() or "flag:completed" in one.columns for one in visits)
    default = "unknown" if closes else "completed"
    if not visits:
        return default
    words = ("completed", "no_show", "unknown")
    return _ask("What is a past booking that nobody closed: completed, no_show or unknown?", words, default, yes=yes)  # fmt: skip


def _ask(question: str, words: tuple[str, ...], default: str, *, yes: bool) -> str:
    if yes:
        return default
    while True:
        answer: str = typer.prompt(question, default=default)
        if answer in words:
            return answer
        out.print(f"One of {', '.join(words)}.", style="yellow")


def _parsed(text: str, path: str, name: str, about: Clinic) -> Source:
    node, problems = compose(raw(text), path)
    reader = Reader()
    found = parse_source(reader, node, name, Scope(about, frozenset()))
    if problems or reader.problems or found is None:
        first = next(iter([*problems, *reader.problems]), None)
        out.print(text, markup=False)
        raise fail(
            f"The files say too little for a whole mapping ({first.message if first else 'no files'}). Write {path} by hand, from the draft above.",
            1,
        )
    return found


def _rows(paths: Sequence[Path], source: Source, about: Clinic) -> None:
    """The first rows of each file as they would be read."""
    from worker.intake.sources.export import Export
    from worker.intake.sources.reading import Notes

    for path in paths:
        export = Export(path, source)
        context = export.context(about, datetime.now(UTC), Notes())
        for item in islice(export.items(context), SHOWN):
            line = item.rows[0].number
            if item.told is None:
                out.print(f"  line {line}: {item.error or 'left out'}", markup=False)
                continue
            data = {**item.told.data.get("patient", {}), **item.told.data}
            told = [item.told.type, item.told.subject]
            told += [
                str(data[key]) for key in ("starts_at", "first_name", "last_name", "phone") if data.get(key)
            ]
            told += [service["code"] for service in data.get("services", ())]
            if "net" in data:
                told.append(f"{data['net']['minor'] / 100:.2f} {data['net']['currency']}")
            out.print(f"  line {line}: {', '.join(told)}", markup=False)
        export.close()


def _write(folder: Path, rooms: Files, target: str, text: str, entries: dict[str, str]) -> None:
    from worker.workspace.yaml_text import NotEditable, with_entries

    if entries:
        try:
            remark = "Drafted from an export by `revisit import --guess`. Look at families and areas."
            changed = with_entries(rooms.get(SERVICES, ""), SERVICES, "services", entries, remark)
        except NotEditable as error:
            raise fail(f"{error} Nothing was written.", 1) from error
        (folder / SERVICES).write_bytes(raw(changed))
        out.print(f"  changed  {SERVICES}", markup=False)
    path = folder / target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw(text))
    out.print(f"  new      {target}", markup=False)
