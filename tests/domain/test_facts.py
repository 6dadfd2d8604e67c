"""What is true of a patient: visits, money, consent, holds, the zone."""

from __future__ import annotations

from datetime import date

import pytest

from tests.domain.build import at, booking, clinic, event, facts_of, ledger_of, upserted, visit, willing
from worker.domain.events import Event
from worker.domain.facts import Facts
from worker.domain.ledger import union


def grant(when: str, channel: str = "sms", purpose: str = "marketing", subject: str = "p-1") -> Event:
    return event("consent.granted", when, subject, channel=channel, purpose=purpose, basis="explicit")


def revoke(when: str, channel: str = "sms", purpose: str = "marketing", subject: str = "p-1") -> Event:
    return event("consent.revoked", when, subject, channel=channel, purpose=purpose)


def listed(when: str, *purposes: str, subject: str = "p-1") -> Event:
    return upserted(when, subject, consent={"sms": list(purposes)})


def test_two_treatments_on_one_day_are_one_visit() -> None:
    facts = facts_of([visit("2026-01-05 10:00", "a-1"), visit("2026-01-05 18:00", "a-2")])
    assert [v.day for v in facts.visits] == [date(2026, 1, 5)]
    assert len(facts.visits[0].appointments) == 2


def test_a_visit_falls_on_the_clinics_day_not_on_that_of_utc() -> None:
    assert facts_of([visit("2026-01-06 00:30")]).visits[0].day == date(2026, 1, 6)
    west = clinic("America/Los_Angeles")
    assert facts_of([visit("2026-01-05 20:00", tz="America/Los_Angeles")], west).visits[0].day == date(
        2026, 1, 5
    )


def test_a_refund_keeps_the_visit_and_lowers_what_it_brought_in() -> None:
    refund = event(
        "payment.refunded", "2026-01-06", appointment_id="a-1", net={"minor": 4000, "currency": "EUR"}
    )
    facts = facts_of([visit("2026-01-05"), refund])
    assert len(facts.visits) == 1
    assert facts.appointments[0].net == 6000


def test_a_refund_told_before_its_visit_counts_once_the_visit_is_known() -> None:
    refund = event(
        "payment.refunded", "2026-01-04", appointment_id="a-1", net={"minor": 4000, "currency": "EUR"}
    )
    assert facts_of([refund, refund, visit("2026-01-05")]).appointments[0].net == 6000


def test_a_voided_visit_never_was() -> None:
    assert not facts_of(
        [visit("2026-01-05"), visit("2026-01-05", told="2026-01-09", kind="visit.voided")]
    ).appointments


@pytest.mark.parametrize("kind", ["booking.created", "booking.cancelled", "booking.no_show"])
def test_only_a_completed_appointment_is_a_visit(kind: str) -> None:
    assert not facts_of([booking("2026-01-05 10:00", "a-1", told="2026-01-02", kind=kind)]).visits


def test_a_service_that_the_catalogue_lacks_says_itself_what_it_is() -> None:
    facts = facts_of([visit("2026-01-05", services=[{"code": "NEW", "family": "led", "area": "face"}])])
    service = facts.completed[0].services[0]
    assert (service.family, service.area) == ("led", "face")


def test_a_booking_counts_until_its_day_is_over() -> None:
    facts = facts_of([booking("2026-01-05 10:00", "a-1", told="2026-01-02")])
    assert facts.bookings_from(date(2026, 1, 5))
    assert not facts.bookings_from(date(2026, 1, 6))


def test_the_zone_is_the_patients_then_the_places_then_the_clinics() -> None:
    """Case 14: patient, location and clinic zones, in that order."""
    there = visit("2026-01-05", location="perth")
    assert facts_of([]).tz.key == "Europe/Athens"
    assert facts_of([there]).tz.key == "Australia/Perth"
    assert facts_of([there, upserted("2026-01-01", timezone="Asia/Tokyo")]).tz.key == "Asia/Tokyo"


def test_a_language_that_the_clinic_does_not_write_becomes_the_clinics() -> None:
    assert facts_of([upserted("2026-01-01", language="el")]).language == "el"
    assert facts_of([upserted("2026-01-01", language="fr")]).language == "en"


# -- consent ------------------------------------------------------------------------------------------------------------------


def test_without_a_choice_marketing_is_not_allowed_and_care_is() -> None:
    """Case 18: no choice made, opt-in purpose."""
    facts = facts_of([visit("2026-01-05")])
    assert not facts.allows("sms", "marketing")
    assert not facts.allows("sms", "health_profiling")
    assert facts.allows("sms", "care")


@pytest.mark.parametrize(
    ("told", "allowed"),
    [
        ([grant("2026-01-01")], True),
        ([grant("2026-01-01"), revoke("2026-01-02")], False),
        ([revoke("2026-01-02"), grant("2026-01-01")], False),
        ([revoke("2026-01-01"), grant("2026-01-02")], True),
        ([listed("2026-01-01", "marketing")], True),
        ([listed("2026-01-01", "care")], False),
        ([listed("2026-01-01", "marketing"), listed("2026-01-02", "care")], False),
        ([listed("2026-01-01", "care"), listed("2026-01-02", "marketing")], True),
        ([revoke("2026-01-01"), listed("2026-01-02", "marketing")], False),
        ([revoke("2026-01-01"), listed("2026-01-02", "marketing"), grant("2026-01-03")], True),
        ([grant("2026-01-01", "email")], False),
        ([grant("2026-01-01", purpose="care")], False),
    ],
)
def test_consent_for_marketing(told: list[Event], allowed: bool) -> None:
    assert facts_of(told).allows("sms", "marketing") is allowed


def test_a_revocation_and_a_grant_of_the_same_moment_are_a_revocation() -> None:
    assert not facts_of([grant("2026-01-01"), revoke("2026-01-01")]).allows("sms", "marketing")


def test_care_ends_by_revocation_and_not_by_a_list() -> None:
    assert facts_of([listed("2026-01-01", "marketing")]).allows("sms", "care")
    assert not facts_of([revoke("2026-01-01", purpose="care")]).allows("sms", "care")


def _merged(mine: list[Event], theirs: list[Event], when: str = "2026-06-01") -> Facts:
    return Facts("p-1", union(ledger_of(mine), ledger_of(theirs), alias="p-2", at=at(when)), clinic())


def test_after_a_merge_the_more_restrictive_consent_stands() -> None:
    assert not _merged([grant("2026-01-02")], [revoke("2026-01-01", subject="p-2")]).allows(
        "sms", "marketing"
    )
    assert not _merged([revoke("2026-01-01")], [grant("2026-01-02", subject="p-2")]).allows(
        "sms", "marketing"
    )
    assert not _merged(
        [listed("2026-01-01", "marketing")], [listed("2026-01-02", "care", subject="p-2")]
    ).allows("sms", "marketing")
    assert not _merged(
        [listed("2026-01-02", "marketing")], [listed("2026-01-01", "care", subject="p-2")]
    ).allows("sms", "marketing")


def test_a_grant_after_the_merge_lifts_a_revocation_of_either_side() -> None:
    assert _merged([grant("2026-07-01")], [revoke("2026-01-01", subject="p-2")]).allows("sms", "marketing")


def test_an_unknown_side_of_a_merge_does_not_take_consent_away() -> None:
    assert _merged([grant("2026-01-02")], [visit("2026-01-01", subject="p-2")]).allows("sms", "marketing")


# -- holds --------------------------------------------------------------------------------------------------------------------


def held(when: str, until: str | None = None) -> Event:
    return event("patient.held", when, reason="complaint", until=until)


def test_a_hold_stands_until_released() -> None:
    assert facts_of([held("2026-01-01")]).hold_at(at("2036-01-01")) is not None
    released = facts_of([held("2026-01-01"), event("patient.released", "2026-02-01")])
    assert released.hold_at(at("2026-02-02")) is None


def test_a_hold_told_late_does_not_undo_a_later_release() -> None:
    assert (
        facts_of([event("patient.released", "2026-02-01"), held("2026-01-01")]).hold_at(at("2026-02-02"))
        is None
    )


def test_a_hold_until_a_day_ends_when_that_day_is_over() -> None:
    facts = facts_of([held("2026-01-01", "2026-01-10")])
    assert facts.hold_at(at("2026-01-10 23:00")) is not None
    assert facts.hold_at(at("2026-01-11 00:00")) is None


def test_a_hold_until_a_moment_ends_at_that_moment() -> None:
    facts = facts_of([held("2026-01-01", "2026-01-10T10:00:00+02:00")])
    assert facts.hold_at(at("2026-01-10 09:59")) is not None
    assert facts.hold_at(at("2026-01-10 10:00")) is None


def test_a_record_without_tags_keeps_those_told_before() -> None:
    facts = facts_of([willing("2026-01-01", tags=["vip"]), upserted("2026-02-01", first_name="E.")])
    assert facts.tags == {"vip"}
