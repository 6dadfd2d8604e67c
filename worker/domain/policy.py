"""Policy: when not to write, how often at most, and what counts as too late or too much. Read from config/policy.yaml; `{}` means no hours and no caps.

Rules
1. Quiet hours are wall-clock where the patient is. `sunday` and `holidays` bind marketing only; care keeps its own hours.
2. A cap counts patient-local dates: `1 per 7 days` lets the next one out on the seventh day after.
3. A cap counts per patient and per address, so that a shared phone is not written to twice.
4. What messages said and what providers reported is kept for a while only; that is no rule of when to write, so it makes no policy of an empty one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from worker.domain import patterns
from worker.domain.calendar import ALL_DAY, Span, Window, add_days, parse_span
from worker.domain.kinds import DAYS, SPAN, WINDOW, Block, Field, Many, Parsed, Whole
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

    def most(self, patients: int) -> int:
        """How many messages a clinic with so many patients may send in a day."""
        return max(int(self.share * patients), self.at_least)


KEEP_BODIES: Final = Span(months=12)
KEEP_REPORTS: Final = Span(months=3)


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
    keep_bodies: Span = field(default=KEEP_BODIES, compare=False)
    keep_reports: Span = field(default=KEEP_REPORTS, compare=False)

    @property
    def empty(self) -> bool:
        """Whether it says nothing at all: no hours and no caps then, not even the law's."""
        return self == Policy()

    def closed(
        self,
        purpose: str,
        holidays: frozenset[date],
        journey: Window | None,
        send_on: frozenset[int] | None = None,
    ) -> Callable[[date], list[Window]]:
        """What is closed on a day for a message of that purpose, the journey's own hours and weekdays (0 is Monday) included."""

        def on(day: date) -> list[Window]:
            if send_on is not None and day.weekday() not in send_on:
                return [ALL_DAY]
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


PURPOSES: Final = ("marketing", "care")
CAP_PATTERN: Final = rf"\s*[1-9][0-9]{{0,2}} per (?:(?=0*[1-9])[0-9]{{1,5}} )?{patterns.DAY_UNIT}\s*"
LIMIT_PATTERN: Final = r"\s*[0-9]{1,3}(?:\.[0-9]+)? ?% of patients a day\s*"


def _cap(text: str) -> Cap | None:
    match = re.fullmatch(r"([1-9][0-9]{0,2}) per (?:([0-9]+) )?(\w+)", text.strip())
    span = parse_span(f"{match[2] or 1} {match[3]}") if match else None
    return Cap(int(match[1]), span) if match and span and span.whole_days and not span.is_zero else None


def _limit(text: str) -> Decimal | None:
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]+)?) ?% of patients a day", text.strip())
    return Decimal(match[1]) / 100 if match else None


CAPS: Final = Many(Parsed("a frequency cap", _cap, CAP_PATTERN, "1 per 7 days"))
LIMIT: Final = Parsed("a share of the base", _limit, LIMIT_PATTERN, "3% of patients a day")
POLICY: Final = Block(
    "config/policy.yaml",
    {
        "quiet_hours": Field(
            Block(
                "`quiet_hours`",
                {
                    "marketing": Field(WINDOW, "Hours in which no marketing leaves, where the patient is.", default="none"),
                    "care": Field(WINDOW, "The same for messages about a patient's own visit.", default="none"),
                    "sunday": Field(WINDOW, "Hours of a Sunday without marketing; `all day` for the whole of it.", default="none"),
                    "holidays": Field(WINDOW, "The same for the days under `closed` in clinic.yaml.", default="none"),
                },
            ),
            "When not to write.",
        ),
        "frequency_caps": Field(
            Block(
                "`frequency_caps`",
                {
                    "marketing": Field(CAPS, "At most so many marketing messages in so many days; all caps of a list count.", default="no cap"),
                    "care": Field(CAPS, "The same for care.", default="no cap"),
                },
            ),
            "How often at most, per patient and per address.",
        ),
        "feed": Field(
            Block(
                "`feed`",
                {
                    "max_age": Field(SPAN, "If the clinic's systems were not heard for longer, marketing waits.", default="never waits"),
                    "live_window": Field(SPAN, "A live event about something older changes facts and starts nothing.", default="every live event counts"),
                },
            ),
            "What counts as too old.",
        ),
        "blast_limit": Field(
            Block(
                "`blast_limit`",
                {
                    "marketing": Field(LIMIT, "More marketing than this share in a day pauses the journey.", default="no limit"),
                    "care": Field(LIMIT, "The same for care.", default="no limit"),
                    "at least": Field(Whole(0, 1_000_000), "The number of patients below which that share never falls.", default="25"),
                },
            ),
            "What counts as too much at once.",
        ),
        "keep": Field(
            Block(
                "`keep`",
                {
                    "bodies": Field(DAYS, "How long the words of messages and answers are kept; that they were sent stays.", default="12 months"),
                    "provider_reports": Field(DAYS, "How long what providers reported is kept as it came; what it meant stays.", default="3 months"),
                },
            ),
            "How long words are kept.",
        ),
    },
)  # fmt: skip


def parse_policy(reader: Reader, node: Node | None) -> Policy:
    """config/policy.yaml."""
    found = POLICY.read(reader, node, "config/policy.yaml", None)
    hours: dict[str, Window] = found.get("quiet_hours", {})
    feed: dict[str, Span] = found.get("feed", {})
    blast: dict[str, Any] = found.get("blast_limit", {})
    least: int = blast.get("at least", 25)
    keep: dict[str, Span] = found.get("keep", {})
    return Policy(
        quiet={purpose: hours[purpose] for purpose in PURPOSES if purpose in hours},
        sunday=hours.get("sunday"),
        holidays=hours.get("holidays"),
        caps=found.get("frequency_caps", {}),
        feed_max_age=feed.get("max_age"),
        live_window=feed.get("live_window"),
        blast_limit={purpose: BlastLimit(blast[purpose], least) for purpose in PURPOSES if purpose in blast},
        keep_bodies=keep.get("bodies", KEEP_BODIES),
        keep_reports=keep.get("provider_reports", KEEP_REPORTS),
    )
