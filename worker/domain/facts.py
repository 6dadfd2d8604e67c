"""Facts: a ledger read through a clinic's catalogue and calendar. Facts do not depend on the present moment; conditions do.

Rules
1. A visit is a clinic-local day with at least one completed appointment; two treatments on one day are one visit.
2. A refund lowers what an appointment brought in; the visit stays. A voided appointment never was.
3. Consent for marketing and health profiling must have been given; care is allowed unless revoked. A list in a patient's record grants or ends what lists granted,
   and never overrides a revocation; only a later grant does. After a merge, a revocation of either record stands until a grant later than both it and the merge.
4. A hold stands from `patient.held` until its end, its release, or for ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar, cast
from zoneinfo import ZoneInfo

from worker.domain.calendar import at_local, local_day, zone
from worker.domain.clinic import Clinic, Service
from worker.domain.ledger import Ledger, parse_instant

T = TypeVar("T")
_UNKNOWN: Final = object()
_NO_REFUNDS: Final[Mapping[str, int]] = MappingProxyType({})


class Appointment(NamedTuple):
    """One appointment as last told. `net` is in minor units after refunds; `day` is clinic-local; `treatment` where one of its services counts as one."""

    id: str
    status: str
    starts_at: datetime | None
    day: date | None
    services: tuple[Service, ...]
    location: str | None
    practitioner: str | None
    net: int
    currency: str | None
    cancelled_by: str | None
    since: datetime
    treatment: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """A day on which the patient was treated or seen."""

    day: date
    appointments: tuple[Appointment, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """Do not write to this patient for now; `until` None means until released."""

    reason: str
    until: datetime | None


class Facts:
    """What is true of one patient."""

    def __init__(self, patient: str, ledger: Ledger, clinic: Clinic, previous: Facts | None = None) -> None:
        """`previous` are facts of the same patient and clinic; appointments that did not change since are taken from it."""
        self.patient = patient
        self.ledger = ledger
        self.clinic = clinic
        self._parsed: dict[str, tuple[object, int, Appointment]] = (
            previous._parsed if previous is not None else {}
        )
        self._remembered: dict[object, Any] = {}

    def remember(self, key: Hashable, find: Callable[[], T]) -> T:
        """What `find` finds, found once. The key must name what is looked for, since facts never change."""
        found: T | object = self._remembered.get(key, _UNKNOWN)
        if found is _UNKNOWN:
            found = self._remembered[key] = find()
        return cast(T, found)

    def profile(self, name: str) -> Any:
        """A field of the patient's record, or None."""
        entry = self.ledger["profile"].get(name)
        return entry["value"] if entry else None

    @cached_property
    def tz(self) -> ZoneInfo:
        """The patient's own zone, else that of the place of the last visit, else the clinic's."""
        own = self.profile("timezone")
        if own:
            return zone(own)
        if self.visits and (where := self.visits[-1].appointments[-1].location) in self.clinic.locations:
            location = self.clinic.locations[where or ""]
            if location.timezone:
                return zone(location.timezone)
        return self.clinic.tz

    @property
    def language(self) -> str:
        """The patient's language where the clinic writes it, else the clinic's."""
        own = self.profile("language")
        return own if own in self.clinic.languages else self.clinic.language

    @cached_property
    def _refunds(self) -> Mapping[str, int]:
        told = self.ledger["refunds"]
        if not told:
            return _NO_REFUNDS
        refunds: dict[str, int] = defaultdict(int)
        for refund in told.values():
            refunds[refund["appointment"]] += refund["net"]["minor"]
        return refunds

    def appointment(self, key: str | None) -> Appointment | None:
        """One appointment; None where it is unknown or was voided."""
        records = self.ledger["appointments"].get(key) if key is not None else None
        if key is None or records is None or records[0]["status"] == "voided":
            return None
        return self._known(key, records, self._refunds.get(key, 0))

    @cached_property
    def appointments(self) -> tuple[Appointment, ...]:
        """All appointments that were not voided, by start."""
        return self._read(None)

    def with_status(self, status: str) -> tuple[Appointment, ...]:
        """All appointments of that status, by start. Those of another are not even read."""
        return self.remember(("status", status), lambda: self._read(status))

    def _read(self, status: str | None) -> tuple[Appointment, ...]:
        refunds = self._refunds
        found = [
            self._known(key, records, refunds.get(key, 0))
            for key, records in self.ledger["appointments"].items()
            if (records[0]["status"] == status if status is not None else records[0]["status"] != "voided")
        ]
        return tuple(sorted(found, key=lambda a: (a.starts_at or a.since, a.id)))

    def _known(self, key: str, records: list[dict[str, Any]], refunded: int) -> Appointment:
        known = self._parsed.get(key)
        if known is None or known[0] is not records or known[1] != refunded:
            known = self._parsed[key] = (records, refunded, self._appointment(key, records, refunded))
        return known[2]

    def _appointment(self, key: str, records: list[dict[str, Any]], refunded: int) -> Appointment:
        # Where there are several, each field is what the first of them says that gives it.
        told = (
            records[0]
            if len(records) == 1
            else {k: v for record in reversed(records) for k, v in record.items()}
        )
        get = told.get
        starts, net = get("starts_at"), get("net")
        starts_at = parse_instant(starts) if starts else None
        services = tuple([self._service(item) for item in get("services") or ()])
        # In the order of the fields: there are a great many, and naming each costs as much as all the rest.
        return Appointment(
            key,
            records[0]["status"],
            starts_at,
            local_day(starts_at, self.clinic.tz) if starts_at else None,
            services,
            get("location"),
            get("practitioner"),
            (net["minor"] if net else 0) - refunded,
            net["currency"] if net else None,
            get("cancelled_by"),
            parse_instant(records[0]["since"]),
            True in [service.counts_as_treatment for service in services],
        )

    def _service(self, item: Mapping[str, Any]) -> Service:
        known = self.clinic.services.get(item["code"])
        if known is not None:
            return known
        return Service(
            item["code"], item["code"], item.get("family") or "unknown", item.get("area") or "none"
        )

    @cached_property
    def completed(self) -> tuple[Appointment, ...]:
        """Completed appointments by start; each has a day."""
        return tuple(a for a in self.with_status("completed") if a.day is not None)

    @cached_property
    def visits(self) -> tuple[Visit, ...]:
        """Visits by day (rule 1)."""
        days: dict[date, list[Appointment]] = defaultdict(list)
        for appointment in self.completed:
            if appointment.day is not None:
                days[appointment.day].append(appointment)
        return tuple(Visit(day, tuple(days[day])) for day in sorted(days))

    @cached_property
    def booked(self) -> tuple[Appointment, ...]:
        """Appointments that stand in the book as booked, past or future."""
        return tuple(a for a in self.with_status("booked") if a.day is not None)

    def bookings_from(self, today: date) -> tuple[Appointment, ...]:
        """Bookings whose day has not passed."""
        return tuple(a for a in self.booked if a.day is not None and a.day >= today)

    @cached_property
    def tags(self) -> frozenset[str]:
        """A vendor's tags and Revisit's own."""
        own = {name for name, entry in self.ledger["own_tags"].items() if entry["on"]}
        return frozenset(own | set(self.profile("tags") or ()))

    @cached_property
    def birth_date(self) -> date | None:
        """Date of birth, where known."""
        value = self.profile("date_of_birth")
        return date.fromisoformat(value) if value else None

    @property
    def erased(self) -> bool:
        """Whether the patient asked to be forgotten."""
        return bool(self.ledger.get("erased"))

    @property
    def deceased(self) -> bool:
        """Whether the patient has died."""
        return bool(self.ledger.get("deceased"))

    def hold_at(self, now: datetime) -> Hold | None:
        """The hold that stands at that moment (rule 4)."""
        held, released = (
            self.ledger["holds"].get("patient.held"),
            self.ledger["holds"].get("patient.released"),
        )
        if held is None or (released is not None and released["stamp"] >= held["stamp"]):
            return None
        until = _moment(held["until"], self.clinic.tz) if held.get("until") else None
        return (
            None
            if until is not None and until <= now
            else Hold(held.get("reason") or "no reason given", until)
        )

    def allows(self, channel: str, purpose: str) -> bool:
        """Whether this patient may be written to there for that (rule 3)."""
        return self.consent(channel, purpose)[0]

    def consent(self, channel: str, purpose: str) -> tuple[bool, str]:
        """Whether it is allowed, and why, in words."""
        prefix = f"{channel} {purpose} "
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for key, entry in self.ledger["consent"].items():
            if key.startswith(prefix):
                found[entry["origin"]][key.split(" ", 3)[2]] = entry["stamp"][0]
        grants = [told["granted"] for told in found.values() if "granted" in told]
        merged = max(self.ledger["merged"].values(), default="")
        for told in found.values():
            revoked = told.get("revoked")
            if revoked is None or told.get("granted", "") > revoked:
                continue
            if not any(grant > revoked and grant > merged for grant in grants if merged):
                return False, f"revoked on {revoked[:10]}"
        if purpose == "care":
            return True, "care messages were not revoked"
        if not found:
            return False, "never given"
        for told in found.values():
            before = max(told.get("listed", ""), told.get("granted", ""))
            if told.get("unlisted", "") > before:
                return (
                    False,
                    f"the record of {told['unlisted'][:10]} {'no longer lists' if before else 'does not list'} it",
                )
        given = [told[kind] for told in found.values() for kind in ("listed", "granted") if kind in told]
        return (True, f"given on {max(given)[:10]}") if given else (False, "never given")


def _moment(text: str, tz: ZoneInfo) -> datetime:
    """An end written as a date holds until that day is over."""
    if len(text) == 10:
        return at_local(date.fromisoformat(text), time(23, 59, 59), tz)
    return parse_instant(text)
