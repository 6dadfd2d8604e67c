"""What a clinic is to the rules: its zone, its catalogue of services, its hours. Plain values; `worker/workspace` reads them from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from worker.domain.calendar import WEEKDAYS, Span, Window, at_local, zone

Area = Literal["face", "body", "none"]
Mode = Literal["rehearsal", "allow_list", "live"]


@dataclass(frozen=True, slots=True)
class Service:
    """A catalogue entry. `min_interval` is the medical minimum between two of its kind."""

    code: str
    name: str
    family: str
    area: Area = "none"
    counts_as_treatment: bool = True
    series: int | None = None
    min_interval: Span | None = None
    rx_only: bool = False


@dataclass(frozen=True, slots=True)
class Location:
    """One of a clinic's places. `region` is as the clinic's; "" where it has none of its own."""

    code: str
    name: str
    timezone: str | None = None
    address: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Brand:
    """How a clinic's e-mails look: colours as `#rrggbb`, and a picture's https address or ""."""

    logo: str = ""
    colour: str = "#1d4a50"
    accent: str = "#c6a46c"
    background: str = "#f4efe8"


@dataclass(frozen=True, slots=True)
class Clinic:
    """One clinic. `opening` maps a weekday (`mon`…) to its hours; a day without hours is closed.

    `region` is the part of ISO 3166-2 after the country (`FL` of `US-FL`), or "": `worker/domain/law` says what it means.
    """

    id: str
    name: str
    timezone: str
    country: str
    language: str
    languages: tuple[str, ...]
    mode: Mode
    currency: str
    phone: str = ""
    address: str = ""
    booking_url: str = ""
    review_url: str = ""
    brand: Brand = Brand()
    opening: Mapping[str, Window] = field(default_factory=dict)
    closed: frozenset[date] = frozenset()
    allow_list: frozenset[str] = frozenset()
    services: Mapping[str, Service] = field(default_factory=dict)
    complements: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    practitioners: Mapping[str, str] = field(default_factory=dict)
    locations: Mapping[str, Location] = field(default_factory=dict)
    region: str = ""

    @property
    def tz(self) -> ZoneInfo:
        """The zone of clinic-local days."""
        return zone(self.timezone)

    @property
    def families(self) -> frozenset[str]:
        """All treatment groups that the catalogue knows."""
        return frozenset(self.complements) | {service.family for service in self.services.values()}

    def is_open(self, day: date) -> bool:
        """Whether the clinic works on that day; a clinic that names no hours works Monday to Friday."""
        if day in self.closed:
            return False
        return WEEKDAYS[day.weekday()] in self.opening if self.opening else day.weekday() < 5

    def working_days_after(self, instant: datetime, days: int) -> datetime:
        """The end of the `days`-th working day after `instant`'s (0: of that day, or of the next one open)."""
        day = instant.astimezone(self.tz).date()
        left = days
        for _ in range(366):
            if self.is_open(day) and left <= 0:
                break
            day += timedelta(days=1)
            if self.is_open(day):
                left -= 1
        hours = self.opening.get(WEEKDAYS[day.weekday()], Window(0, 1080))
        end = min(hours.end, 1439)
        return at_local(day, time(end // 60, end % 60), self.tz)
