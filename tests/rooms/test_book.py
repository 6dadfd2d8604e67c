"""The sample clinic's book is what its script makes, and holds what `sample/README.md` promises."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from calendar import monthrange
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from worker.domain.events import EXTERNAL_TYPES, Event
from worker.intake.cloudevents import parse_event

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "sample" / "book.jsonl.gz"
ATHENS = ZoneInfo("Europe/Athens")
BOOK_END = date(2026, 10, 31)
LAST_DAYS = [BOOK_END - timedelta(days=back) for back in range(20, -1, -1)]


@cache
def lines() -> list[str]:
    return gzip.decompress(BOOK.read_bytes()).decode("utf-8").splitlines()


@cache
def events() -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines()]


@cache
def people() -> dict[str, dict[str, Any]]:
    """Patient to what her first event says of her."""
    first: dict[str, dict[str, Any]] = {}
    for event in events():
        first.setdefault(event["subject"], event["data"].get("patient", {}))
    return first


@cache
def appointments() -> dict[str, dict[str, Any]]:
    """Appointment to the event of its greatest (version, time, id)."""
    latest: dict[str, tuple[tuple[int, str, str], dict[str, Any]]] = {}
    for event in events():
        if "version" in event["data"]:
            order = (event["data"]["version"], event["time"], event["id"])
            key = event["data"]["appointment_id"]
            if key not in latest or order > latest[key][0]:
                latest[key] = (order, event)
    return {key: event for key, (_, event) in latest.items()}


@cache
def visits() -> dict[str, set[date]]:
    days: defaultdict[str, set[date]] = defaultdict(set)
    for event in appointments().values():
        if event["type"] == "visit.completed":
            days[event["subject"]].add(starts_at(event).date())
    return days


def starts_at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["data"]["starts_at"])


def config(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "config" / name).read_text("utf-8")))


def months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def crossing(months: int) -> list[str]:
    """Patients whose last visit before one of the last days lies exactly so many months back on it."""
    return [
        patient
        for patient, days in visits().items()
        for today in LAST_DAYS
        if (before := [day for day in days if day < today]) and months_after(max(before), months) == today
    ]


def test_the_committed_book_is_what_the_script_makes(tmp_path: Path) -> None:
    made = tmp_path / "book.jsonl.gz"
    script = ROOT / "tools" / "make_book.py"
    subprocess.run([sys.executable, str(script), "--output", str(made)], check=True, capture_output=True)
    assert gzip.decompress(made.read_bytes()) == gzip.decompress(BOOK.read_bytes()), (
        "sample/book.jsonl.gz is not what tools/make_book.py makes; run it and commit the file"
    )


def test_the_file_is_small_and_carries_no_date_of_its_making() -> None:
    packed = BOOK.read_bytes()
    assert packed[4:8] == bytes(4)
    assert len(packed) < 700_000
    assert 12_000 <= len(lines()) <= 16_000


def test_the_book_is_sorted_by_time() -> None:
    times = [datetime.fromisoformat(event["time"]) for event in events()]
    assert times == sorted(times)


def test_an_id_belongs_to_one_event_for_ever() -> None:
    told = Counter(lines())
    assert len(told) == len({event["id"] for event in events()})
    assert 30 <= sum(count - 1 for count in told.values()) <= 100


def test_the_door_takes_every_event() -> None:
    now = datetime(2026, 10, 31, 22, tzinfo=ATHENS)
    for event in events():
        parsed = parse_event(event, now=now, country="GR", timezone="Europe/Athens")
        assert isinstance(parsed, Event), (event["id"], parsed)


def test_every_type_of_event_occurs() -> None:
    count = Counter(event["type"] for event in events())
    assert set(count) == EXTERNAL_TYPES
    for once in ("patient.merged", "patient.deceased", "patient.erased", "patient.held", "patient.released"):
        assert count[once] == 1, once
    assert count["booking.created"] > 5000
    assert count["visit.completed"] > 5000
    assert all(
        count[some] > 10
        for some in ("visit.voided", "payment.refunded", "consent.revoked", "consent.granted")
    )


def test_a_first_event_says_who_the_patient_is() -> None:
    assert 1950 <= len(people()) <= 2100
    nameless = [patient for patient, known in people().items() if "last_name" not in known]
    assert nameless == []


def test_people_are_of_many_kinds() -> None:
    known = list(people().values())
    greek = [person for person in known if re.search("[α-ω]", person["last_name"])]
    assert {person["language"] for person in greek} == {"el"}
    assert 0.5 < len(greek) / len(known) < 0.6
    for key in ("first_name", "phone", "email", "date_of_birth", "consent"):
        assert 10 < sum(key not in person for person in known) < 200, key
    assert any(person.get("date_of_birth", "").endswith("-02-29") for person in known)
    assert 3 < sum(person.get("date_of_birth", "") > "2008-10-31" for person in known) < 20
    assert any(person.get("timezone") == "Europe/London" for person in known)
    assert all(person.get("phone") or person.get("email") for person in known)


def test_consent_is_of_many_kinds() -> None:
    given = Counter(json.dumps(person.get("consent")) for person in people().values())
    marketing = sum(count for consent, count in given.items() if "marketing" in consent)
    assert 0.6 < marketing / len(people()) < 0.85
    profiled = sum(count for consent, count in given.items() if "health_profiling" in consent)
    assert 0.4 < profiled / marketing < 0.55
    assert given['{"sms": ["care"], "email": ["care"]}'] > 100
    assert given['{"sms": [], "email": []}'] > 50


def test_every_phone_and_address_is_an_invented_one() -> None:
    for event in events():
        person = event["data"].get("patient", {})
        if phone := person.get("phone"):
            assert re.fullmatch(r"\+30690[01]\d{6}|\+447700900\d{3}", phone)
        if email := person.get("email"):
            assert re.fullmatch(r"[a-z0-9.]+@example\.com", email)


def test_offsets_are_those_of_athens() -> None:
    offsets = set()
    for event in events():
        if "starts_at" in event["data"]:
            starts = starts_at(event)
            assert starts.utcoffset() == starts.astimezone(ATHENS).utcoffset(), event["id"]
            offsets.add(starts.utcoffset())
        assert event["time"].endswith("Z")
    assert offsets == {timedelta(hours=2), timedelta(hours=3)}


def test_every_service_is_in_the_catalogue_or_tells_its_family_and_area() -> None:
    catalogue = config("services.yaml")["services"]
    own = set()
    for event in events():
        for service in event["data"].get("services", []):
            if service["code"] not in catalogue:
                assert service["family"], event["id"]
                assert service["area"] in {"face", "body", "none"}, event["id"]
                own.add(service["code"])
    assert own == {"HIFU-OLD", "LIPO-OLD"}


def test_practitioners_and_locations_are_those_of_the_clinic() -> None:
    clinic = config("clinic.yaml")
    shown = [event["data"] for event in appointments().values()]
    assert {data["practitioner"] for data in shown} == {"dr-markou", "dr-vlachou", "th-eleni", "th-niki"}
    assert {data["practitioner"] for data in shown} <= set(clinic["practitioners"])
    assert {data["location"] for data in shown} <= set(clinic["locations"])


def test_nobody_is_seen_while_the_clinic_is_closed() -> None:
    closed = set(config("clinic.yaml")["opening_hours"]["closed"])
    for event in appointments().values():
        starts = starts_at(event)
        assert starts.date() not in closed, event["id"]
        assert starts.weekday() < 6, event["id"]
        assert 10 <= starts.hour < (15 if starts.weekday() == 5 else 20), event["id"]


def test_the_book_has_late_and_corrected_events() -> None:
    versions: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for event in events():
        if "version" in event["data"]:
            versions[event["data"]["appointment_id"]].append((event["data"]["version"], event["type"]))
    late = [
        told for told in versions.values() if [version for version, _ in told] != sorted(v for v, _ in told)
    ]
    kinds = [[kind for _, kind in told] for told in versions.values()]
    corrected = [told for told in kinds if "booking.no_show" in told and told[-1] == "visit.completed"]
    assert len(late) >= 5
    assert len(corrected) >= 5
    assert any(told[0] == "visit.completed" for told in kinds), "nobody walked in"


def test_the_book_ends_on_its_last_day_and_looks_six_weeks_ahead() -> None:
    last = datetime.fromisoformat(events()[-1]["time"]).astimezone(ATHENS)
    assert last.date() == BOOK_END
    assert BOOK_END.weekday() == 5
    open_bookings = [
        starts_at(event).date()
        for event in appointments().values()
        if event["type"] in {"booking.created", "booking.rescheduled"}
    ]
    assert len(open_bookings) > 80
    assert min(open_bookings) > BOOK_END
    assert BOOK_END + timedelta(weeks=4) < max(open_bookings) < BOOK_END + timedelta(weeks=9)


def test_the_last_three_weeks_are_neither_empty_nor_overfull() -> None:
    kept = Counter(starts_at(e).date() for e in appointments().values() if e["type"] != "booking.cancelled")
    closed = set(config("clinic.yaml")["opening_hours"]["closed"])
    for day in LAST_DAYS:
        if day.weekday() != 6 and day not in closed:
            assert 5 <= kept[day] <= 25, day


def test_the_last_three_weeks_give_the_journeys_something_to_do() -> None:
    assert len(crossing(6)) >= 40
    assert len(crossing(12)) >= 20
    nudged = [p for p, days in visits().items() if len(days) == 1 and 30 <= (BOOK_END - min(days)).days <= 50]
    assert len(nudged) >= 30


def test_the_patients_whom_the_readme_names_are_there() -> None:
    told = (ROOT / "sample" / "README.md").read_text("utf-8")
    named = set(re.findall(r"p-\d{4}", told))
    assert named == {patient for patient in people() if patient.startswith("p-9")}


def test_the_told_dates_of_six_and_twelve_months_are_right() -> None:
    rows = re.findall(
        r"\| (p-\d{4}) \|[^|\n]*?\b(six|twelve) months on (\d+) October",
        (ROOT / "sample" / "README.md").read_text("utf-8"),
    )
    assert len(rows) >= 9
    for patient, word, day in rows:
        today = date(2026, 10, int(day))
        last = max(visit for visit in visits()[patient] if visit < today)
        assert months_after(last, {"six": 6, "twelve": 12}[word]) == today, patient
