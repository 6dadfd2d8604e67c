"""Policy: when not to write, how often at most, and what counts as too late or too much. Read from config/policy.yaml; `{}` means no hours and no caps.

Rules
1. Quiet hours are wall-clock where the patient is. `sunday` and `holidays` bind marketing only; care keeps its own hours.
2. A cap counts patient-local dates: `1 per 7 days` lets the next one out on the seventh day after.
3. A cap counts per patient and per address, so that a shared phone is not written to twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from worker.domain.calendar import Span, Window, add_days, parse_span
from worker.domain.shape import Reader
from worker.domain.source import Node


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `count` messages of a purpose within `within`."""

    count: int
    within: Span

    def __str__(self) -> str:
        return f"{self.count} per {self.within}"

    def free_from(self, days: Iterable[date], today: date) -> date:
        """The first patient-local day, today or later, on which one more fits, given the days of what was sent."""
        ends = sorted(
            (add_days(day, self.within) for day in days if today < add_days(day, self.within)), reverse=True
        )
        return today if len(ends) < self.count else ends[self.count - 1]


@dataclass(frozen=True, slots=True)
class BlastLimit:
    """More marketing than that in a day pauses the journey: a share of patients, never below `at_least`."""

    share: Decimal
    at_least: int


@dataclass(frozen=True, slots=True)
class Policy:
    """One clinic's policy. `quiet` and `caps` are by purpose; spans are None where the file has no such rule."""

    quiet: Mapping[str, Window] = field(default_factory=dict)
    sunday: Window | None = None
    holidays: Window | None = None
    caps: Mapping[str, tuple[Cap, ...]] = field(default_factory=dict)
    feed_max_age: Span | None = None
    live_window: Span | None = None
    blast_limit: Mapping[str, BlastLimit] = field(default_factory=dict)

    def closed(
        self, purpose: str, holidays: frozenset[date], journey: Window | None
    ) -> Callable[[date], list[Window]]:
        """What is closed on a day for a message of that purpose, the journey's own hours included."""

        def on(day: date) -> list[Window]:
            windows = [self.quiet[purpose]] if purpose in self.quiet else []
            if journey is not None and not journey.all_day:
                windows.append(Window(journey.end % 1440, journey.start))
            if purpose == "marketing":
                if self.sunday is not None and day.weekday() == 6:
                    windows.append(self.sunday)
                if self.holidays is not None and day in holidays:
                    windows.append(self.holidays)
            return windows

        return on

    def horizon(self) -> timedelta:
        """How far back sent messages matter to a cap."""
        longest = max(
            (cap.within for caps in self.caps.values() for cap in caps),
            key=lambda s: (s.months, s.days),
            default=Span(),
        )
        return timedelta(days=longest.months * 31 + longest.days + 2)


def _cap(text: str) -> Cap | None:
    match = re.fullmatch(r"([1-9]\d{0,2}) per (?:(\d+ )?(\w+))", text.strip())
    span = parse_span(f"{(match[2] or '1 ').strip()} {match[3]}") if match else None
    return Cap(int(match[1]), span) if match and span and span.whole_days and not span.is_zero else None


def _limit(text: str) -> Decimal | None:
    match = re.fullmatch(r"(\d{1,3}(?:\.\d+)?) ?% of patients a day", text.strip())
    return Decimal(match[1]) / 100 if match else None


def parse_policy(reader: Reader, node: Node | None) -> Policy:
    """config/policy.yaml."""
    fields = reader.fields(
        node, "config/policy.yaml", ("quiet_hours", "frequency_caps", "feed", "blast_limit")
    )
    hours = reader.fields(
        fields.get("quiet_hours"), "`quiet_hours`", ("marketing", "care", "sunday", "holidays")
    )
    caps: dict[str, tuple[Cap, ...]] = {}
    for purpose, value in reader.fields(
        fields.get("frequency_caps"), "`frequency_caps`", ("marketing", "care")
    ).items():
        found = [
            reader.parsed(item, "a frequency cap", _cap, "1 per 7 days")
            for item in reader.items(value, "caps")
        ]
        caps[purpose] = tuple(cap for cap in found if cap is not None)
    feed = reader.fields(fields.get("feed"), "`feed`", ("max_age", "live_window"))
    windows = {name: reader.window(value, "hours of a day") for name, value in hours.items()}
    return Policy(
        quiet={
            name: window
            for name, window in windows.items()
            if window is not None and name in ("marketing", "care")
        },
        sunday=windows.get("sunday"),
        holidays=windows.get("holidays"),
        caps=caps,
        feed_max_age=reader.span(feed.get("max_age"), "`max_age`"),
        live_window=reader.span(feed.get("live_window"), "`live_window`"),
        blast_limit=_blast(reader, fields.get("blast_limit")),
    )


def _blast(reader: Reader, node: Node | None) -> dict[str, BlastLimit]:
    fields = reader.fields(node, "`blast_limit`", ("marketing", "care", "at least"))
    least = reader.integer(fields.get("at least"), "`at least`", 0, 1_000_000, 25)
    limits: dict[str, BlastLimit] = {}
    for purpose in ("marketing", "care"):
        share = reader.parsed(fields.get(purpose), "a share of the base", _limit, "3% of patients a day")
        if share is not None:
            limits[purpose] = BlastLimit(share, least)
    return limits
