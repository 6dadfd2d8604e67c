"""What one law asks of marketing, and how several become the strictest of them.

Rules
1. Hours are open windows by weekday, on the wall clock where the patient is; None is a day without marketing.
2. Joined laws leave open only what all leave open; their caps all count; what one of them forbids is forbidden.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

from worker.domain.calendar import ALL_DAY, Window
from worker.domain.policy import Cap

Rule = Literal["hours", "cap", "profiling", "rx_ads", "referral", "age", "opt_out", "consent", "claims"]
Hours = tuple[Window | None, ...]
"""Open hours of Monday to Sunday."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule stands written: the rule that it carries, its citation, and what it says in a few words."""

    rule: Rule
    cite: str
    says: str


ANY_TIME: Final[Hours] = (ALL_DAY,) * 7
ADULTS: Final = 18


@dataclass(frozen=True, slots=True)
class Law:
    """What the law of some place asks of marketing.

    `country` is ISO 3166-1, `region` the part of ISO 3166-2 after it (`FL`), or "". `hours` are open, Monday first.
    `profiling`: choosing people by their treatments needs leave of its own (`health_profiling`).
    `rx_ads`: prescription medicines may be advertised to the public. `referral_reward`: a patient may be rewarded for bringing another.
    `marketing_age` is in years. `opt_out`: every marketing message names the way out.
    """

    country: str = ""
    region: str = ""
    hours: Hours = ANY_TIME
    caps: tuple[Cap, ...] = ()
    profiling: bool = False
    rx_ads: bool = True
    referral_reward: bool = True
    marketing_age: int = ADULTS
    opt_out: bool = True
    sources: tuple[Source, ...] = ()

    @property
    def has_hours(self) -> bool:
        """Whether there is any hour of the week without marketing."""
        return self.hours != ANY_TIME

    def without_hours(self) -> Law:
        """The same without hours and caps, for a clinic whose policy has none at all."""
        return replace(self, hours=ANY_TIME, caps=())

    def closed(self, day: date) -> list[Window]:
        """When marketing must not leave on that local day, as `calendar.Closed` understands it."""
        window = self.hours[day.weekday()]
        if window is None:
            return [ALL_DAY]
        return [] if window.all_day else [Window(window.end % 1440, window.start)]


EVERYWHERE: Final = Law()
"""What is asked of marketing where nothing else is known."""


def strictest(laws: Iterable[Law]) -> Law:
    """The law that obeys all of them; of none at all, what is asked everywhere. `country` and `region` are the first's where all agree, else ""."""
    joined = list(dict.fromkeys(laws))
    if not joined:
        return EVERYWHERE
    if len(joined) == 1:
        return joined[0]
    first = joined[0]
    return Law(
        country=first.country if all(law.country == first.country for law in joined) else "",
        region=first.region if all(law.region == first.region for law in joined) else "",
        hours=tuple(_open_in_all([law.hours[day] for law in joined]) for day in range(7)),
        caps=tuple(dict.fromkeys(cap for law in joined for cap in law.caps)),
        profiling=any(law.profiling for law in joined),
        rx_ads=all(law.rx_ads for law in joined),
        referral_reward=all(law.referral_reward for law in joined),
        marketing_age=max(law.marketing_age for law in joined),
        opt_out=any(law.opt_out for law in joined),
        sources=tuple(dict.fromkeys(source for law in joined for source in law.sources)),
    )


def _open_in_all(windows: list[Window | None]) -> Window | None:
    kept = [window for window in windows if window is not None]
    if len(kept) < len(windows):
        return None
    start, end = max(window.start for window in kept), min(window.end for window in kept)
    return Window(start, end) if start < end else None
