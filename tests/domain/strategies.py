"""Random ledgers and random definitions: every event of the contract, every condition of the vocabulary."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.domain.build import ZONES
from worker.domain.calendar import zone
from worker.domain.events import APPOINTMENT_STATUS, CHANNELS, PURPOSES, Event

FIRST = date(2023, 12, 25)
HOURS = ((0, 0), (0, 30), (2, 30), (3, 30), (9, 0), (12, 0), (23, 59))
CODES = ("CONS", "TOX", "LHR", "PEEL", "UNKNOWN")
APPOINTMENTS = ("a-1", "a-2", "a-3", "a-4")

zones = st.sampled_from(ZONES)
# Ends of months, leap days and DST changes are as likely as all other days together.
edges = st.sampled_from(
    [
        date(2024, 2, 29),
        date(2024, 8, 31),
        date(2025, 1, 31),
        date(2025, 3, 30),
        date(2025, 8, 30),
        date(2025, 10, 26),
        date(2025, 4, 25),
        date(2025, 9, 7),
    ]
)
days = st.one_of(edges, st.integers(0, 800).map(lambda n: FIRST + timedelta(days=n)))
births = st.one_of(
    st.sampled_from([date(1996, 2, 29), date(2008, 2, 29), date(2007, 12, 31), date(2008, 1, 1)]),
    st.dates(date(1930, 1, 1), date(2012, 12, 31)),
)


@st.composite
def instants(draw: st.DrawFn, tz: str) -> datetime:
    """A moment of some wall clock."""
    hour, minute = draw(st.sampled_from(HOURS))
    day = draw(days)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone(tz))


@st.composite
def profiles(draw: st.DrawFn) -> dict[str, Any]:
    """A partial record of a patient."""
    known: dict[str, st.SearchStrategy[Any]] = {
        "first_name": st.sampled_from(["Eleni", "Maria", ""]),
        "phone": st.sampled_from(["+306900000001", "+306900000002"]),
        "email": st.sampled_from(["a@example.com", "b@example.com"]),
        "date_of_birth": st.one_of(st.none(), births.map(date.isoformat)),
        "language": st.sampled_from(["en", "el", "fr"]),
        "timezone": st.sampled_from([*ZONES, None]),
        "tags": st.lists(st.sampled_from(["vip", "complaint", "do_not_contact"]), max_size=2, unique=True),
        "consent": st.dictionaries(
            st.sampled_from(CHANNELS), st.lists(st.sampled_from(PURPOSES), unique=True)
        ),
    }
    names = draw(st.lists(st.sampled_from(sorted(known)), unique=True, max_size=4))
    return {name: draw(known[name]) for name in sorted(names)}


@st.composite
def bodies(draw: st.DrawFn, kind: str, tz: str, told: datetime) -> dict[str, Any]:
    """The data of an event of that type."""
    data: dict[str, Any] = {}
    if draw(st.integers(0, 3)) == 0:
        data["patient"] = draw(profiles())
    if kind in APPOINTMENT_STATUS:
        data["appointment_id"] = draw(st.sampled_from(APPOINTMENTS))
        if draw(st.booleans()):
            data["version"] = draw(st.integers(0, 3))
        if kind == "visit.completed":
            data["starts_at"] = (told - timedelta(days=draw(st.sampled_from([0, 0, 1, 40, 200])))).isoformat()
        elif kind in ("booking.created", "booking.rescheduled") or draw(st.booleans()):
            data["starts_at"] = (told + timedelta(days=draw(st.sampled_from([0, 1, 7, 60])))).isoformat()
        if draw(st.booleans()):
            data["services"] = [{"code": code} for code in draw(st.lists(st.sampled_from(CODES), max_size=2))]
        if draw(st.booleans()):
            data["net"] = {
                "minor": draw(st.sampled_from([0, 5000, 60000, 160000])),
                "currency": draw(st.sampled_from(["EUR", "EUR", "USD"])),
            }
        if draw(st.booleans()):
            data["location"] = draw(st.sampled_from(["athens", "perth", "elsewhere"]))
            data["practitioner"] = draw(st.sampled_from(["dr-k", "dr-m"]))
    elif kind == "payment.refunded":
        data |= {
            "appointment_id": draw(st.sampled_from(APPOINTMENTS)),
            "net": {"minor": draw(st.integers(1, 60000)), "currency": "EUR"},
        }
    elif kind.startswith("consent."):
        data |= {
            "channel": draw(st.sampled_from(CHANNELS)),
            "purpose": draw(st.sampled_from(PURPOSES)),
            "basis": "explicit",
        }
    elif kind == "patient.held":
        data |= {
            "reason": "complaint",
            "until": draw(st.sampled_from([None, "2025-06-01", "2025-06-01T10:00:00+03:00"])),
        }
    return data


KINDS = (
    *(["visit.completed"] * 6), *(["booking.created"] * 3), "booking.rescheduled", "booking.cancelled", "booking.no_show", "visit.voided", "payment.refunded",
    "patient.upserted", "patient.upserted", "patient.held", "patient.released", "consent.granted", "consent.revoked", "consent.revoked",
)  # fmt: skip


@st.composite
def events(
    draw: st.DrawFn, tz: str, *, subject: str = "p-1", ends: bool = True, most: int = 12
) -> list[Event]:
    """Events of one patient in order of time; each id is told by its place."""
    found: list[Event] = []
    for number in range(draw(st.integers(0, most))):
        final = ends and draw(st.integers(0, 24)) == 0
        kind = (
            draw(st.sampled_from(["patient.deceased", "patient.erased"]))
            if final
            else draw(st.sampled_from(KINDS))
        )
        told = draw(instants(tz))
        found.append(
            Event(
                f"{subject}-e{number}",
                draw(st.sampled_from(["/a", "/b"])),
                kind,
                subject,
                told,
                draw(bodies(kind, tz, told)),
            )
        )
    return sorted(found, key=lambda event: event.order)


# -- the vocabulary -----------------------------------------------------------------------------------------------------------

spans = st.sampled_from(
    [
        "1 day",
        "7 days",
        "30 days",
        "90 days",
        "3 weeks",
        "1 month",
        "6 months",
        "12 months",
        "18 months",
        "1 month and 10 days",
        "2 months and 40 days",
    ]
)
counts = st.sampled_from(
    [
        "none",
        "any",
        "exactly 1",
        "exactly 2",
        "at least 1",
        "at least 2",
        "at most 1",
        "1 to 5",
        "2 to 3",
        "2",
    ]
)
families = st.lists(
    st.sampled_from(["toxin", "laser_hair", "peel", "consultation"]), min_size=1, max_size=2, unique=True
)
narrows = st.one_of(
    families.map(lambda found: f"{{families: [{', '.join(found)}]}}"),
    st.sampled_from(
        [
            "{areas: [body]}",
            "{areas: [face], families: [toxin]}",
            "{services: [LHR]}",
            "{practitioner: [dr-k]}",
            "{location: [athens], areas: [body]}",
            "{cancelled_by: clinic}",
        ]
    ),
)


def _counted(word: str) -> st.SearchStrategy[str]:
    short = st.one_of(counts, st.builds("{} in {}".format, counts, spans))
    long = st.builds("{{of: {}, is: {}, in: {}}}".format, narrows, counts, spans)
    return st.one_of(short, long).map(f"{word}: {{}}".format)


def _ago(word: str) -> st.SearchStrategy[str]:
    said = st.one_of(
        st.sampled_from(["none", "any"]),
        st.builds("at least {} ago".format, spans),
        st.builds("less than {} ago".format, spans),
    )
    return st.one_of(said, st.builds("{{of: {}, is: {}}}".format, narrows, said)).map(f"{word}: {{}}".format)


_booking = st.one_of(st.sampled_from(["none", "any"]), spans.map("within {}".format))
_had = st.one_of(
    counts.map("families: {}".format), counts.map("services: {}".format), counts.map("areas: {}".format),
    families.map(lambda found: f"families: [{', '.join(found)}]"), st.sampled_from(["services: [LHR, TOX]", "areas: [body]", "areas: [face, body]"]),
)  # fmt: skip
_revenue = st.builds(
    "net_revenue: {}at least {} EUR in {}{}{}".format, st.just(""), st.sampled_from(["1", "100", "600.50", "1500"]), spans,
    st.sampled_from(["", " before last_visit"]), st.just(""),
)  # fmt: skip
_person = st.one_of(
    st.sampled_from(
        [
            "age: at least 18",
            "age: 30 to 45",
            "age: at most 17",
            "birthday: today",
            "birthday: in the next 7 days",
            "birthday: in the next 400 days",
        ]
    ),
    st.sampled_from(
        [
            "tags: [vip]",
            "tags: [complaint, vip]",
            "language: [el]",
            "location: [athens]",
            "practitioner: [dr-k]",
        ]
    ),
    st.sampled_from(
        [
            "allows: [sms]",
            "allows: [sms, email]",
            "allows: {sms: care}",
            "allows: {email: [health_profiling]}",
        ]
    ),
)
_courses = st.sampled_from(
    [
        "series: open", "series: finished", "series: none", "series: {of: {families: [laser_hair]}, is: open}", "complement: untried",
        "complement: {of: {families: [laser_hair]}, is: untried}",
    ]
)  # fmt: skip
leaves = st.one_of(
    _counted("visits"), _counted("treatments"), _counted("cancelled"), _counted("missed"), _ago("first_visit"), _ago("last_visit"),
    _booking.map("next_booking: {}".format), st.builds("next_booking: {{of: {}, is: {}}}".format, narrows, _booking), _had, _revenue, _person, _courses,
)  # fmt: skip


def conditions(names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """A block of conditions as a flow mapping; `names` are the segments that it may speak of."""
    leaf = leaves
    if names:
        leaf = st.one_of(
            leaves,
            leaves,
            st.builds("{}: [{}]".format, st.sampled_from(["in", "not_in"]), st.sampled_from(names)),
        )
    block = leaf.map("{{{}}}".format)
    combined = st.builds(
        "{{{}: [{}]}}".format,
        st.sampled_from(["any_of", "none_of"]),
        st.lists(block, min_size=1, max_size=3).map(", ".join),
    )
    return st.one_of(block, block, combined)


@st.composite
def definitions(draw: st.DrawFn) -> str:
    """A file of segments: up to four stages, which may speak of `s0`; up to four free segments, each of which may speak of those above it."""
    stages = [f"  - stage_{number}: {draw(conditions(('s0',)))}" for number in range(draw(st.integers(0, 3)))]
    lines = ["lifecycle:", *stages, "  - rest: otherwise", "segments:", f"  s0: {draw(conditions())}"]
    names: tuple[str, ...] = ("rest", "s0")
    for number in range(1, draw(st.integers(1, 4))):
        lines.append(f"  s{number}: {draw(conditions(names))}")
        names = (*names, f"s{number}")
    return "\n".join(lines)
