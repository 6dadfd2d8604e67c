"""All rules in force for one clinic: what `worker/workspace` read from a workspace and the store published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal

from worker.domain.calendar import zone
from worker.domain.clinic import Clinic
from worker.domain.conditions.person import GotMessage
from worker.domain.facts import Facts
from worker.domain.history import Message
from worker.domain.journey import Journey, Send
from worker.domain.law import Law, law_of
from worker.domain.offers import Offer
from worker.domain.policy import Policy
from worker.domain.segments import Segments


@dataclass(frozen=True)
class Rules:
    """One published version. `pinned` holds journeys by (name, version) for the runs that began under an earlier one.

    `paused` holds the journeys that the system or a person has paused, with the reason in words; unlike one that is paused in its file, they go on as they are once that is lifted.
    `holdout` says who is held out: those whom the lot chooses, nobody, or everybody; `variants` fixes the way of a split by (journey, step). Both are for stories and replays.
    """

    version: int
    clinic: Clinic
    segments: Segments
    policy: Policy
    journeys: Mapping[str, Journey]
    pinned: Mapping[tuple[str, str], Journey] = field(default_factory=dict)
    offers: Mapping[str, Offer] = field(default_factory=dict)
    paused: Mapping[str, str] = field(default_factory=dict)
    holdout: Literal["lot", "nobody", "everybody"] = "lot"
    variants: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @staticmethod
    def build(
        version: int,
        clinic: Clinic,
        segments: Segments,
        policy: Policy,
        journeys: Mapping[str, Journey],
        offers: Mapping[str, Offer] | None = None,
    ) -> Rules:
        """Rules whose segments also watch the starts of the journeys that are live."""
        starts = {
            name: j.watched for name, j in journeys.items() if j.status == "live" and j.watched is not None
        }
        return Rules(version, clinic, segments.watching(starts), policy, journeys, offers=offers or {})

    @cached_property
    def _by_start(self) -> Mapping[tuple[str, str], Sequence[str]]:
        """The journeys by what may start them: an event's type, or a segment or watched start that is entered or left."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name, journey in self.journeys.items():
            start = journey.start
            found["event" if start.kind == "event" else "move", start.name].append(name)
            if start.edge:
                found["move", f"start:{name}"].append(name)
        return found

    def startable(
        self, event_type: str | None, entered: frozenset[str], left: frozenset[str]
    ) -> Sequence[str]:
        """The journeys that such an event, or such moves, may start, by name; all others they can't."""
        found = set(self._by_start.get(("event", event_type or ""), ()))
        for segment in entered | left:
            found.update(self._by_start.get(("move", segment), ()))
        return sorted(found)

    def journey(self, name: str, version: str) -> Journey | None:
        """The journey that an enrollment is pinned to."""
        current = self.journeys.get(name)
        if current is not None and current.version == version:
            return current
        return self.pinned.get((name, version))

    def offer_of(self, message: Message) -> Offer | None:
        """The offer that a message makes, as it is now; None where its step makes none, or it is no longer made."""
        journey = self.journey(message.journey, message.version)
        step = journey.step(message.step) if journey is not None else None
        name = step.action.offer if step is not None and isinstance(step.action, Send) else None
        return self.offers.get(name) if name is not None else None

    def contacts_since(self, now: datetime) -> datetime:
        """From when on what was sent matters: to a cap, or to a journey that asks for `got_message`."""
        asked = [
            leaf.within
            for journey in self.journeys.values()
            for condition in journey.conditions()
            for leaf in condition.leaves()
            if isinstance(leaf, GotMessage)
        ]
        if None in asked:
            return datetime.fromtimestamp(0, UTC)
        spans = (timedelta(days=span.months * 31 + span.days + 2) for span in asked if span is not None)
        return now - max((self.policy.horizon(), *spans))

    def live(self, name: str) -> bool:
        """Whether the published workspace has that journey, live, and nothing has paused it."""
        current = self.journeys.get(name)
        return current is not None and current.status == "live" and name not in self.paused

    def law(self, facts: Facts) -> Law:
        """What the law asks of marketing to this patient: that of the place of the last visit, else the clinic's; the strictest of the country where the patient lives elsewhere.

        An empty policy has no hours and no caps, the law's included.
        """
        lawless = self.policy.empty
        return facts.remember(
            ("law", lawless), lambda: self._law(facts).without_hours() if lawless else self._law(facts)
        )

    def _law(self, facts: Facts) -> Law:
        clinic = self.clinic
        where = facts.visits[-1].appointments[-1].location if facts.visits else None
        place = clinic.locations.get(where or "")
        home = zone(place.timezone) if place is not None and place.timezone else clinic.tz
        region = (place.region if place is not None else "") or clinic.region
        return law_of(clinic.country, region if facts.tz == home else None)
