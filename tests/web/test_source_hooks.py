"""The webhooks of a clinic's systems through the running server: only what they have signed is believed, and what was answered is on disk."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.intake.test_sources_fhir import appointment, bundle, encounter, patient
from tests.intake.test_sources_messages import cal, square
from tests.web.site import MONDAY, SECRET, TOKEN
from worker.intake.sources.signatures import fits
from worker.service import accepting
from worker.service.folding import fold
from worker.service.jobs import Job
from worker.service.publishing import publish
from worker.service.tokens import create
from worker.store.engine import make_engine, read
from worker.store.migrate import upgrade
from worker.store.schema import events, patients, quarantine
from worker.web.app import make_app
from worker.web.body import LIMIT
from worker.web.hooks import ProviderKeys
from worker.workspace.house import House
from worker.workspace.layout_new import sample_rooms
from worker.workspace.sources import Signature

PUBLIC = "https://clinic.example"
KEYS = {
    "REVISIT_SOURCE_CAL_COM_SECRET": "cal secret",
    "REVISIT_SOURCE_SQUARE_SIGNATURE_KEY": "square key",
    "REVISIT_SOURCE_FHIR_SECRET": "fhir secret",
    "REVISIT_SOURCE_BOOK": "the book's",
    "REVISIT_SOURCE_BOOK_NEXT": "the book's next",
}
SHAPE = """
  event: what
  messages:
    bookings:
      kind: appointments
      events: {made: booking.created}
      columns: {id: id, patient: who, starts_at: start}
"""
BOOK = f"""webhook:
  signature: {{kind: hmac, header: X-Sign, algorithm: sha1, encoding: base64, prefix: "v1=", timestamp: X-Time, tolerance: 60}}
  secret: [REVISIT_SOURCE_BOOK, REVISIT_SOURCE_BOOK_NEXT]{SHAPE}"""
OPEN = f"webhook:\n  signature: none{SHAPE}"
NOW = MONDAY.replace(year=2026, month=11, day=23)


def signed_by_cal(body: bytes, secret: str = "cal secret") -> dict[str, str]:
    return {"X-Cal-Signature-256": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def signed_by_square(body: bytes, url: str = f"{PUBLIC}/webhooks/source/square") -> dict[str, str]:
    signature = hmac.new(b"square key", url.encode() + body, hashlib.sha256).digest()
    return {"X-Square-HmacSha256-Signature": base64.b64encode(signature).decode()}


def signed_by_book(body: bytes, at: int | None = None, secret: str = "the book's") -> dict[str, str]:
    time = str(int(NOW.timestamp()) if at is None else at)
    signature = hmac.new(secret.encode(), f"{time}.".encode() + body, hashlib.sha1).digest()
    return {"X-Sign": f"v1={base64.b64encode(signature).decode()}", "X-Time": time}


@dataclass
class Called:
    """A clinic whose systems call it."""

    house: House
    url: str = ""
    jobs: list[Job] = field(default_factory=list)
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=20))

    def post(
        self, path: str, body: Any, sign: Callable[[bytes], dict[str, str]] | None = None, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        """Post to a webhook; what is not bytes already is written as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Content-Type": "application/json", **(sign(raw) if sign is not None else {}), **named}
        return self.pool.request("POST", f"{self.url}/webhooks/{path}", body=raw, headers=given)

    def kept(self) -> list[tuple[str, str]]:
        with read(self.house.engine) as conn:
            return [tuple(row) for row in conn.execute(select(events.c.type, events.c.subject).order_by(events.c.seq))]  # fmt: skip

    def put_aside(self) -> list[tuple[str, Any, list[str]]]:
        with read(self.house.engine) as conn:
            rows = conn.execute(select(quarantine.c.via, quarantine.c.raw, quarantine.c.errors).order_by(quarantine.c.id))  # fmt: skip
            return [(row.via, json.loads(row.raw), row.errors) for row in rows]

    def fold(self) -> None:
        jobs, self.jobs = list(self.jobs), []
        for job in jobs:
            fold(self.house, job.clinic, [int(key) for key in job.ids])


@contextmanager
def called(database_url: str, clinics: tuple[str, ...] = ("default",)) -> Iterator[Called]:
    from tests.web.test_hooks import serving

    engine = make_engine(database_url)
    upgrade(engine)
    house = House(engine, SECRET, PUBLIC, wall=lambda: NOW)
    rooms = sample_rooms() | {"config/sources/book.yaml": BOOK, "config/sources/open.yaml": OPEN}
    for clinic in clinics:
        text = rooms["config/clinic.yaml"].replace("id: default", f"id: {clinic}")
        publish(house, {**rooms, "config/clinic.yaml": text})
    found = Called(house)
    app = make_app(house, token=TOKEN, enqueue=found.jobs.extend, redis_ok=lambda: True, keys=ProviderKeys(sources=KEYS))  # fmt: skip
    try:
        with serving(app) as found.url:
            yield found
    finally:
        found.pool.clear()
        engine.dispose()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Called]:
    with called(f"sqlite:///{tmp_path / 'revisit.db'}") as found:
        yield found


@pytest.fixture
def both(database_url: str) -> Iterator[Called]:
    with called(database_url) as found:
        yield found


def made(number: int = 1) -> dict[str, Any]:
    return {"what": "made", "id": f"a-{number}", "who": "p-1", "start": "2026-12-01T10:00:00Z"}


# -- what is signed is on disk -----------------------------------------------------------------------------------------------------


def test_a_system_that_posts_all_day_is_heard(both: Called) -> None:
    """A stand-in client: bookings of two vendors, a patient of a third, replays, a broken one; then all of it is folded."""
    ok = {"accepted": 1, "duplicates": 0, "rejected": []}
    first = both.post("source/cal_com", cal(), signed_by_cal)
    assert (first.status, first.json()) == (202, ok)
    assert both.post("source/cal_com", cal(), signed_by_cal).json() == {**ok, "accepted": 0, "duplicates": 1}
    assert both.post("default/source/cal_com", cal(uid="other"), signed_by_cal).json() == ok
    moved = cal("BOOKING_RESCHEDULED", "2026-11-21T09:30:00Z", uid="new", rescheduleUid="other")
    assert both.post("source/cal_com", moved, signed_by_cal).json() == {**ok, "accepted": 2}
    assert both.post("source/square", square(), signed_by_square).json() == ok
    bearer = {"Authorization": "Bearer fhir secret"}
    brought = bundle({"resource": patient()}, {"resource": appointment()}, {"resource": encounter("sung")})
    answer = both.post("source/fhir", brought, None, **bearer)
    assert (answer.status, answer.json()["accepted"]) == (202, 2)
    assert answer.json()["rejected"] == [{"index": 2, "errors": ["field `Encounter.status`: `sung` is not in the mapping's `statuses`"]}]  # fmt: skip
    assert [(via, raw["id"]) for via, raw, _ in both.put_aside()] == [("webhook fhir", "f001")]
    assert sum(len(job.ids) for job in both.jobs) == len(both.kept()) == 7
    both.fold()
    with read(both.house.engine) as conn:
        assert len(conn.execute(select(patients.c.patient_id)).all()) == 3
        assert set(conn.execute(select(events.c.state)).scalars()) == {"done"}


def test_a_booking_that_was_moved_is_known_by_what_was_told_before(both: Called) -> None:
    for version, start in ((0, "2026-12-17T16:00:00Z"), (1, "2026-12-17T16:00:00Z"), (2, "2026-12-18T16:00:00Z")):  # fmt: skip
        both.post("source/square", square(version=version, kind="booking.updated", start_at=start), signed_by_square)  # fmt: skip
    assert [kind for kind, _ in both.kept()] == ["booking.created", "booking.created", "booking.rescheduled"]


def test_what_cannot_be_mapped_is_put_aside_as_it_came_and_the_vendor_is_done(here: Called) -> None:
    body = made() | {"start": "soon", "note": "Ελένη"}
    answer = here.post("source/book", body, signed_by_book)
    why = "field `start`: `soon` is not a date (year-month-day)"
    assert (answer.status, answer.json()) == (202, {"accepted": 0, "duplicates": 0, "rejected": [{"index": 0, "errors": [why]}]})  # fmt: skip
    assert here.put_aside() == [("webhook book", body, [why])]
    assert (here.kept(), here.jobs) == ([], [])


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": 1, "a": 2}', b"\xff", b"[" * 5000])
def test_what_is_no_json_is_400_and_kept_nowhere(here: Called, body: bytes) -> None:
    answer = here.post("source/book", body, signed_by_book)
    assert answer.status == 400
    assert answer.json()["error"].startswith("the body ")
    assert here.put_aside() == []


def test_what_is_too_big_is_413_and_a_full_backlog_429(here: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    assert here.post("source/book", b" " * (LIMIT + 1), signed_by_book).status == 413
    many = b"\n".join([json.dumps(made()).encode()] * 10_001)
    assert here.post("source/book", many, signed_by_book, Content_Type="application/x-ndjson").status == 413
    here.post("source/book", made(), signed_by_book)
    monkeypatch.setattr(accepting, "BACKLOG_LIMIT", 0)
    answer = here.post("source/book", made(2), signed_by_book)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "30")
    assert len(here.kept()) == 1


def test_resources_in_lines_are_taken_in_one_call(here: Called) -> None:
    lines = b"\n".join(json.dumps(one).encode() for one in (patient(), appointment())) + b"\n"
    answer = here.post("source/fhir", lines, None, Authorization="Bearer fhir secret", Content_Type="application/fhir+ndjson; charset=utf-8")  # fmt: skip
    assert answer.json()["accepted"] == 2


# -- only what is signed -----------------------------------------------------------------------------------------------------------


def test_a_call_that_is_not_signed_rightly_is_403_and_leaves_nothing(here: Called) -> None:
    def square_elsewhere(body: bytes) -> dict[str, str]:
        return signed_by_square(body, "https://other.example/webhooks/source/square")

    wrong: list[tuple[str, Any, Callable[[bytes], dict[str, str]] | None]] = [
        ("cal_com", cal(), None),
        ("cal_com", cal(), lambda body: signed_by_cal(body, "another secret")),
        ("cal_com", cal(), lambda body: signed_by_cal(body + b" ")),
        ("cal_com", cal(), lambda _: {"X-Cal-Signature-256": ""}),
        ("cal_com", cal(), lambda _: {"X-Cal-Signature-256": "ünfug"}),
        ("square", square(), square_elsewhere),
        ("square", square(), lambda body: signed_by_square(body[:-1])),
        ("fhir", patient(), None),
        ("fhir", patient(), lambda _: {"Authorization": "Bearer fhir secre"}),
        ("fhir", patient(), lambda _: {"Authorization": f"Bearer {TOKEN}"}),
        ("book", made(), lambda body: signed_by_book(body, int(NOW.timestamp()) - 61)),
        ("book", made(), lambda body: signed_by_book(body, int(NOW.timestamp()) + 61)),
        ("book", made(), lambda body: signed_by_book(body) | {"X-Time": str(int(NOW.timestamp()) + 1)}),
        ("book", made(), lambda body: {"X-Sign": signed_by_book(body)["X-Sign"].removeprefix("v1="), "X-Time": signed_by_book(body)["X-Time"]}),
        ("book", b"not read", None),
    ]  # fmt: skip
    for name, body, sign in wrong:
        assert here.post(f"source/{name}", body, sign).status == 403, name
    assert (here.kept(), here.put_aside(), here.jobs) == ([], [], [])


def test_both_secrets_fit_while_one_is_changed_for_another(here: Called) -> None:
    for number, secret in enumerate(("the book's", "the book's next")):
        assert here.post("source/book", made(number), lambda body, by=secret: signed_by_book(body, None, by)).status == 202  # type: ignore[misc]  # fmt: skip
    assert len(here.kept()) == 2


def test_a_secret_that_is_not_set_lets_nobody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(KEYS, "REVISIT_SOURCE_CAL_COM_SECRET")
    with called(f"sqlite:///{tmp_path / 'revisit.db'}") as found:
        assert found.post("source/cal_com", cal(), lambda body: signed_by_cal(body, "")).status == 403


def test_without_a_signature_a_token_of_that_clinic_is_asked_for(tmp_path: Path) -> None:
    with called(f"sqlite:///{tmp_path / 'revisit.db'}", ("default", "second")) as found:
        mine = create(found.house, "second", "book", ["events"], "test")
        page = create(found.house, "second", "desk", ["page"], "test")

        def ask(path: str, token: str | None) -> int:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            return found.post(path, made(), None, **headers).status

        assert [ask("second/source/open", token) for token in (None, "wrong", page, TOKEN, mine)] == [401, 401, 403, 403, 202]  # fmt: skip
        assert [ask("source/open", token) for token in (mine, TOKEN)] == [403, 202]
        with read(found.house.engine) as conn:
            assert list(conn.execute(select(events.c.clinic_id).order_by(events.c.seq)).scalars()) == ["second", "default"]  # fmt: skip


def test_a_webhook_that_no_mapping_tells_of_is_404(here: Called) -> None:
    for path in ("source/nobody", "source/zenoti", "elsewhere/source/book"):
        assert here.post(path, made(), signed_by_book).status == 404


SCHEMES: dict[str, tuple[Signature, Any, str]] = {
    "cal_com": (Signature("hmac", header="X-Cal-Signature-256"), signed_by_cal, "cal secret"),
    "square": (Signature("hmac", header="X-Square-HmacSha256-Signature", encoding="base64", signed="{url}{body}"), signed_by_square, "square key"),
    "book": (Signature("hmac", header="X-Sign", algorithm="sha1", encoding="base64", prefix="v1=", timestamp="X-Time", signed="{timestamp}.{body}"), signed_by_book, "the book's"),
}  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES)
@given(
    body=st.binary(max_size=40), at=st.integers(0, 10**6), bit=st.integers(0, 7), of_signature=st.booleans()
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
def test_one_bit_more_or_less_fits_no_signature(
    scheme: str, body: bytes, at: int, bit: int, of_signature: bool
) -> None:
    signature, sign, secret = SCHEMES[scheme]
    urls = [f"{PUBLIC}/webhooks/source/square"]
    headers = {name.lower(): value for name, value in sign(body).items()}
    assert fits(signature, [secret], headers, body, urls, NOW + timedelta(seconds=1))
    assert not fits(signature, ["", secret + "x"], headers, body, urls, NOW)
    name = signature.header.lower()
    text = (headers[name] if of_signature else body.decode("latin-1")) or "x"
    place = at % len(text)
    changed = text[:place] + chr(ord(text[place]) ^ 1 << bit) + text[place + 1 :]
    if of_signature:
        if changed.casefold() == text.casefold() and signature.encoding == "hex":
            return  # The same digits in other letters.
        assert not fits(signature, [secret], {**headers, name: changed}, body, urls, NOW)
    else:
        assert not fits(signature, [secret], headers, changed.encode("latin-1", "replace"), urls, NOW)
