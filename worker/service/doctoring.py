"""What is wrong with an installation, each finding with its way out: for a person who sets it up, or who wonders why nothing leaves.

Rules
1. Looking changes nothing: no table is migrated, no key made, nothing sent.
2. One part that cannot be looked at hides no other; what hangs on it is left out.
3. An `error` keeps messages from leaving or loses data; a `warning` is worth a look. What is found well is told by its name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, TypeVar

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from worker.domain.calendar import add_span
from worker.domain.source import Problem
from worker.queue.embedded import find
from worker.service.doctoring_machine import of_clinic, of_machine
from worker.service.doctoring_providers import of_providers
from worker.service.doctoring_queue import of_queue
from worker.service.doctoring_words import Finding, error, skew, warning
from worker.service.secret_key import marked_otherwise
from worker.settings import Settings, masked
from worker.store import figures, rooms
from worker.store.engine import make_engine, read
from worker.store.migrate import newest, revision
from worker.workspace.files import Files
from worker.workspace.house import House
from worker.workspace.rooms import Rooms
from worker.workspace.rooms import read as read_rooms

__all__ = ["Diagnosis", "Finding", "examine"]
Told = TypeVar("Told")
LATE: Final = timedelta(minutes=5)
"""What is due for so long should have been done."""


@dataclass
class Diagnosis:
    """What was found, and which parts were looked at and found well."""

    findings: list[Finding] = field(default_factory=list)
    well: list[str] = field(default_factory=list)

    @property
    def ill(self) -> bool:
        """Whether anything keeps the system from doing its work."""
        return any(found.severity == "error" for found in self.findings)


Part = tuple[str, Callable[[], Iterable[Finding]]]


def examine(
    settings: Settings, workspaces: Mapping[str, Files], *, clock: Callable[[], float] = time.time
) -> Diagnosis:
    """Look at everything. `workspaces`: the files of each, by what it is to be called; "" for one that is alone. `clock` is this machine's, in Unix seconds."""
    found = Diagnosis()
    house = _house(settings)
    queue_url = settings.redis_url or find(settings.data_dir)
    clinics = {name: read_rooms(files) for name, files in workspaces.items()}
    told = {name: rooms for name, (rooms, _) in clinics.items() if rooms is not None}
    parts: list[Part] = [
        ("rooms", lambda: _of_each({name: problems for name, (_, problems) in clinics.items()}, _rooms)),
        ("machine", lambda: of_machine(settings, list(told.values()))),
        ("database", lambda: _database(house, clock)),
        ("queue", lambda: of_queue(settings, queue_url, clock)),
        ("secret key", lambda: _secret(settings, house)),
        ("work", lambda: _work(house)),
    ]
    if told:
        parts += [
            ("clinic", lambda: _of_each(told, of_clinic)),
            ("providers", lambda: _of_each(told, lambda rooms: of_providers(settings, rooms, clock))),
            ("feed", lambda: _of_each(told, lambda rooms: _feed(house, rooms))),
        ]
    try:
        for name, look in parts:
            before = len(found.findings)
            try:
                found.findings += look()
            except (SQLAlchemyError, OSError):
                # The database's own part has said so.
                if name == "database":
                    found.findings.append(_away(settings))
                continue
            if len(found.findings) == before:
                found.well.append(name)
    finally:
        if house is not None:
            house.engine.dispose()
    found.findings.sort(key=lambda one: one.severity != "error")
    return found


def _of_each(clinics: Mapping[str, Told], look: Callable[[Told], Iterable[Finding]]) -> Iterator[Finding]:
    """What is found at each clinic; the same thing at several is told once, with all their names."""
    at: dict[Finding, list[str]] = {}
    for name, told in clinics.items():
        for finding in look(told):
            at.setdefault(finding, []).append(name)
    for finding, names in at.items():
        whose = ", ".join(name for name in names if name)
        yield replace(finding, what=f"{whose}: {finding.what}" if whose else finding.what)


def _rooms(problems: Iterable[Problem]) -> Iterator[Finding]:
    wrong = [problem for problem in problems if problem.severity == "error"]
    if wrong:
        yield error(
            "rooms-broken", f"the workspace has {len(wrong)} errors, so an edit of it is not put in force",
            "Run “revisit check”; it names each with its file and line.",
        )  # fmt: skip


def _away(settings: Settings) -> Finding:
    return error(
        "database-away", f"the database {masked(settings.database_url)} can't be reached",
        "See whether its server runs and lets this machine in, and whether REVISIT_DATABASE_URL names it rightly.",
    )  # fmt: skip


def _house(settings: Settings) -> House | None:
    """The house, where there is a database to look into: looking into a file of SQLite would make it."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not (settings.data_dir / (url.database or "")).is_file():
        return None
    engine = make_engine(url, data_dir=settings.data_dir)
    return House(engine, settings.known_secret_key or "", settings.public_url or "")


def _database(house: House | None, clock: Callable[[], float]) -> Iterator[Finding]:
    if house is None:
        yield error(
            "database-missing", "there is no database yet",
            "Start “revisit run” once (or one of its roles): it makes the tables and puts the workspace in force.",
        )  # fmt: skip
        return
    with read(house.engine) as conn:
        there, wanted = revision(conn), newest()
        if there is None:
            yield error("database-empty", "the database has no tables of ours", "Start “revisit run” once; it makes them.")  # fmt: skip
        elif there < wanted:
            yield error(
                "database-behind", f"the database's tables are those of revision {there}, this program's are {wanted}",
                "Take a backup, stop every process, and start “revisit run” (or “revisit ticker --once”): it brings them up to date.",
            )  # fmt: skip
        elif there > wanted:
            yield error(
                "database-ahead", f"the database was last used by a newer version (revision {there}, this program's is {wanted})",
                "Install that version again, or restore a backup.",
            )  # fmt: skip
        if there == wanted and not rooms.clinic_ids(conn):
            yield error("nothing-published", "no workspace is in force", "Start “revisit run” in the clinic's folder; it publishes the workspace.")  # fmt: skip
        if house.engine.dialect.name == "postgresql":
            off = conn.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one()
            yield from skew("the database's server", float(off) - clock())


def _secret(settings: Settings, house: House | None) -> Iterator[Finding]:
    key = settings.known_secret_key
    if key is None:
        if house is not None and house.engine.dialect.name == "postgresql":
            yield error(
                "secret-missing", "REVISIT_SECRET_KEY is not set, so each machine would make one of its own and links would work on one alone",
                "Set the same key for all processes: openssl rand -base64 32",
            )  # fmt: skip
        return
    if len(key) < 24 or key.casefold().strip("0123456789") in _DEFAULTS or len(set(key)) < 10:
        yield error(
            "secret-weak", "the secret key is short or easily guessed: whoever guesses it can sign links and unsubscribe patients",
            "Before anything was sent, take another: openssl rand -base64 32. Later it can't be changed without losing what hangs on it.",
        )  # fmt: skip
    if house is not None and marked_otherwise(house):
        yield error(
            "secret-other", "the database was used with another secret key before, so nothing starts with this one",
            "Put the key of before back, from your backup; where it is lost for good: revisit accept-secret-key",
        )  # fmt: skip


_DEFAULTS: Final = frozenset(
    [
        "changeme",
        "change-me",
        "secret",
        "password",
        "revisit",
        "default",
        "example",
        "test",
        "please-change-me",
    ]
)


def _work(house: House | None) -> Iterator[Finding]:
    if house is None:
        return
    with read(house.engine) as conn:
        if revision(conn) != newest():
            return
        now, wall = house.now(conn), house.wall()
        clinics = rooms.clinic_ids(conn)
        backlog = figures.backlog(conn)
        if backlog.since is not None and now - backlog.since > LATE:
            yield error(
                "events-late", f"{backlog.count} events wait, the first for {_words(now - backlog.since)}",
                "See whether a worker runs (“revisit worker”) and what it logs.",
            )  # fmt: skip
        for kind, waiting in figures.due(conn, now, wall).items():
            if waiting.since is not None and now - waiting.since > LATE:
                yield error(
                    "due-late", f"{waiting.count} {kind} are due and nobody takes them up, the first for {_words(now - waiting.since)}",
                    "See whether a ticker and a worker run, and what they log.",
                )  # fmt: skip
        kept = figures.quarantined(conn, clinics, now - timedelta(days=30))
        if any(kept.values()):
            yield warning(
                "quarantine", f"{kept['refused']} events were refused within 30 days, and {kept['failed']} could not be folded",
                "Table `quarantine` and the `error` of table `events` say why; have them put right and sent again.",
            )  # fmt: skip
        doubt = figures.in_doubt(conn, clinics, wall)["unknown"]
        if doubt:
            yield warning("messages-unknown", f"of {doubt} messages nobody knows whether they left", "Look at them: revisit unknown")  # fmt: skip
        for channel, count in figures.paused_senders(conn).items():
            yield error("sender-paused", f"{count} senders of {channel} are paused: their provider refuses", "The page at / says why; look at the provider's console.")  # fmt: skip


def _feed(house: House | None, told: Rooms) -> Iterator[Finding]:
    clinic, limit = told.rules.clinic, told.rules.policy.feed_max_age
    if house is None or limit is None:
        return
    with read(house.engine) as conn:
        if revision(conn) != newest():
            return
        now, seen = house.now(conn), figures.feeds(conn).get(clinic.id)
    if seen is not None and add_span(seen, limit, clinic.tz) < now:
        yield error(
            "feed-stale", f"the clinic's system was last heard of {_words(now - seen)} ago, so marketing waits",
            "See whether it still sends its events; `feed: max_age` in config/policy.yaml says how long a silence is let pass.",
        )  # fmt: skip


def _words(long: timedelta) -> str:
    minutes = int(long.total_seconds() // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours" if minutes < 2880 else f"{minutes // 1440} days"  # fmt: skip
