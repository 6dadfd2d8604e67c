"""The files of the contract, as they stand there, are a workspace without errors."""

from __future__ import annotations

from tests.lifecycle import LIFECYCLE
from worker.domain.calendar import Span
from worker.workspace.rooms import read

CLINIC = """
id: default                      # the clinic's id in the database; default: default
name: Sample Clinic
timezone: Europe/Athens
country: GR
language: en                     # default language of messages
languages: [en, el]
mode: live                       # rehearsal where it is left out
currency: EUR
phone: "+302100000000"
address: 1 Sample Street, Athens
booking_url: https://example.com/book
opening_hours: {mon-fri: 10:00 - 20:00, sat: 10:00 - 15:00, closed: [2026-12-25, 2027-01-01]}
"""
SERVICES = """
services:
  LHR: {name: Laser hair removal, family: laser_hair, area: body, counts_as_treatment: true, series: 6, min_interval: 4 weeks, rx_only: false}
families:
  laser_hair: {complements: [skin_tightening]}
"""
SEGMENTS = f"""
{LIFECYCLE}segments:
  body_history: {{title: Has had a body treatment, areas: [body]}}
"""
POLICY = """
quiet_hours: {marketing: 19:00 - 10:00, care: 21:00 - 08:00, sunday: all day, holidays: all day}
frequency_caps: {marketing: [1 per 7 days, 3 per 30 days]}      # patient-local dates; per patient and per address
feed: {max_age: 36 hours, live_window: 7 days}                  # a source silent for longer defers marketing; older facts fire nothing
blast_limit: {marketing: 3% of patients a day, at least: 25}    # more than that pauses the journey and makes a task
"""
CHANNELS = """
sms: {provider: twilio, from: "+15005550006", rate: 10 per second, two_way: true}   # provider: twilio or console
email: {provider: sendgrid, from: hello@example.com, rate: 50 per second}            # provider: sendgrid or console
"""
FILES = {
    "config/clinic.yaml": CLINIC,
    "config/services.yaml": SERVICES,
    "config/segments.yaml": SEGMENTS,
    "config/policy.yaml": POLICY,
    "config/channels.yaml": CHANNELS,
}


def test_the_contracts_files_are_read_without_an_error() -> None:
    rooms, problems = read(FILES)
    assert [problem.code for problem in problems] == ["family-unused"]
    assert rooms is not None
    assert rooms.rules.policy.live_window == Span(days=7)
    assert rooms.rules.clinic.services["LHR"].min_interval == Span(days=28)
    assert rooms.senders["sms"].provider == "twilio"


def test_a_policy_of_nothing_has_no_hours_and_no_caps() -> None:
    rooms, _ = read({**FILES, "config/policy.yaml": "{}"})
    assert rooms is not None
    assert not rooms.rules.policy.quiet
    assert not rooms.rules.policy.caps
    assert rooms.rules.policy.live_window is None


def test_without_a_mode_nothing_leaves() -> None:
    rooms, _ = read({**FILES, "config/clinic.yaml": CLINIC.replace("mode: live", "# mode: live")})
    assert rooms is not None
    assert rooms.rules.clinic.mode == "rehearsal"
