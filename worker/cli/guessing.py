"""`revisit import --guess`: a mapping and the catalogue's entries drafted from the files, shown, and written once a person has agreed. The import then goes on by them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from worker.cli.app import Usage, fail, out
from worker.domain.clinic import Clinic, Service
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import compose
from worker.workspace.config_services import parse_services
from worker.workspace.config_sources import FOLDER, parse_source
from worker.workspace.files import Files, raw
from worker.workspace.sources import Source, folded

if TYPE_CHECKING:
    from worker.intake.sources.guess import Draft
    from worker.intake.sources.guess_asking import Question

SHOWN: Final = 10
SERVICES: Final = "config/services.yaml"


@dataclass(frozen=True, slots=True)
class Guessed:
    """A mapping that was drafted, and the catalogue with the entries that were drafted for it."""

    source: Source
    services: Mapping[str, Service]


def guess(
    folder: Path, rooms: Files, about: Clinic, name: str, paths: Sequence[Path], *, yes: bool, dry_run: bool
) -> Guessed | None:
    """Draft, ask at most three questions, write (a dry run writes nothing). None where a person said no. Raises Usage where there is such a mapping already, or a file says too little."""
    from worker.intake.sources.guess import draft
    from worker.intake.sources.guess_asking import answered, questions
    from worker.intake.sources.guess_text import mapping_text, service_entries
    from worker.intake.sources.survey import Unreadable

    target = f"{FOLDER}{name}.yaml"
    if target in rooms:
        raise Usage(
            f"{target} is there already; import by it without --guess, remove it first, or choose another name for --source"
        )
    try:
        drafts = [draft(path) for path in paths]
        for one in drafts:
            _tell(one)
        answers = {} if yes else {each.key: _ask(each) for each in questions(drafts, about.country)}
        order, past = answered(drafts, about.country, answers)
        text = mapping_text(drafts, order, past, about.timezone)
    except Unreadable as error:
        raise Usage(str(error)) from error
    source = _parsed(text, target, name, about)
    known = {folded(word) for code, service in about.services.items() for word in (code, service.name)}
    treatments: Counter[str] = Counter()
    for one in drafts:
        treatments.update(one.treatments)
    fresh = {each: number for each, number in treatments.items() if folded(each) not in known}
    entries = service_entries(fresh, list(about.services))
    catalogue = {**about.services, **_services(entries)}
    _rows(paths, source, replace(about, services=catalogue))
    out.print(f"\n{target}:\n{text}", markup=False)
    if entries:
        out.print(f"For {SERVICES}, {len(entries)} treatments that are not in it:", markup=False)
        for line in islice(entries.values(), SHOWN):
            out.print(f"  {line}", markup=False)
        if len(entries) > SHOWN:
            out.print(f"  … and {len(entries) - SHOWN} more")
    if dry_run:
        out.print("Nothing was written. By this draft:")
    elif yes or typer.confirm("Write this, and import by it?", default=True):
        _write(folder, rooms, target, text, entries)
    else:
        out.print("Nothing was written.")
        return None
    return Guessed(source, catalogue)


def _services(entries: Mapping[str, str]) -> dict[str, Service]:
    text = "services:\n" + "".join(f"  {entry}\n" for entry in entries.values())
    node, _ = compose(raw(text), SERVICES)
    return parse_services(Reader(), node)[0]


def _tell(one: Draft) -> None:
    words = f"{one.path.name}: {one.kind}, {one.encoding}, {len(one.columns)} columns known"
    if one.unused:
        words += f", not used: {', '.join(one.unused[:8])}"
    unknown = [said for said, means in one.statuses.items() if means is None]
    if unknown:
        words += f"; statuses whose meaning is not known: {', '.join(unknown[:8])}"
    out.print(words, markup=False)


def _ask(question: Question) -> str:
    while True:
        answer: str = typer.prompt(question.text, default=question.default)
        if answer in question.words:
            return answer
        out.print(f"One of {', '.join(question.words)}.", style="yellow")


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
