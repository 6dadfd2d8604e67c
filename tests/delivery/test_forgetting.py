"""A patient is forgotten: nothing of her is in any table any more, nothing brings her back, and nobody writes to her again. On both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from worker.service.accepting import accept
from worker.service.exporting import export
from worker.service.folding import fold
from worker.service.forgetting import ask, forget
from worker.service.holding import Forgotten as AlreadyForgotten
from worker.service.holding import hold, release
from worker.service.publishing import publish
from worker.service.redacting import redact
from worker.service.whom import UnknownPatient
from worker.store import due, outbox, schema
from worker.store.engine import make_engine, read, write
from worker.store.migrate import upgrade
from worker.workspace.house import House

NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)
NAME, FAMILY = "Ευφροσύνη", "Zographaki-Test"
PHONE, OLD_PHONE = "+306911111111", "+306922222222"
MAIL, OLD_MAIL = "efi.z@mail.example", "old.efi@mail.example"
HER = (NAME, FAMILY, PHONE, OLD_PHONE, MAIL, OLD_MAIL)
FILES = {
    "config/clinic.yaml": (
        'name: Sample\ntimezone: Europe/Athens\ncountry: GR\nmode: live\nlanguages: [en, el]\nlanguage: en\nphone: "+302100000000"\n'
    ),
    "config/services.yaml": "services:\n  LHR: {name: Laser, family: laser}\n",
    "config/segments.yaml": "lifecycle: [{prospect: {visits: none}}, {patient: otherwise}]\nsegments:\n  had_laser: {title: Had laser, families: [laser]}\n",
    "config/channels.yaml": 'sms: {provider: console, from: "+302100000001"}\nemail: {provider: console, from: c@example.com}\n',
    "config/policy.yaml": "keep: {bodies: 6 months, provider_reports: 1 month}\n",
    "templates/hello.sms.en.j2": "Hello {{ first_name }} from {{ clinic.name }}\n",
    "journeys/hello.yaml": (
        "journey: hello\npurpose: care\nstart: {event: visit.completed}\nrepeat: always\nexpires: 3 days\n"
        "steps:\n  - {id: hello, send: sms, template: hello}\n"
    ),
}  # fmt: skip


@dataclass
class Clinic:
    """A house whose time stands still unless told otherwise."""

    house: House
    url: str
    told: int = 0

    def event(self, kind: str, subject: str = "p-1", *, at: datetime = NOW, **data: Any) -> dict[str, Any]:
        self.told += 1
        return {
            "specversion": "1.0", "id": f"e-{self.told}", "source": "/t", "type": kind, "subject": subject, "time": at.isoformat(), "data": data,
        }  # fmt: skip

    def tell(self, *raws: dict[str, Any]) -> None:
        """Post and fold."""
        for job in accept(self.house, "default", list(raws), "test").jobs:
            fold(self.house, job.clinic, [int(key) for key in job.ids])

    def visit(self, subject: str = "p-1", **person: Any) -> dict[str, Any]:
        self.told += 1
        return self.event(
            "visit.completed", subject, appointment_id=f"a-{self.told}", starts_at=NOW.isoformat(), services=[{"code": "LHR"}],
            patient={"consent": {"sms": ["marketing", "care"]}, **person},
        )  # fmt: skip

    def rows(self, table: str, **which: Any) -> list[Any]:
        found = schema.metadata.tables[table]
        with read(self.house.engine) as conn:
            statement = select(found).where(*(found.c[name] == value for name, value in which.items()))
            return list(conn.execute(statement))

    def found(self, words: Sequence[str]) -> list[str]:
        """Which tables hold one of these words, in whatever spelling."""
        spelled = {form for word in words for form in (word, json.dumps(word)[1:-1])}
        return sorted(
            {
                f"{name}: {word}"
                for name in schema.metadata.tables
                for row in self.rows(name)
                for word in spelled
                if word
                in "\n".join(
                    value if isinstance(value, str) else json.dumps(value, default=str) for value in row
                )
            }
        )

    def set_clock(self, now: datetime) -> None:
        with write(self.house.engine) as conn:
            due.set_demo_clock(conn, now)


@pytest.fixture
def clinic(database_url: str) -> Iterator[Clinic]:
    engine = make_engine(database_url)
    upgrade(engine)
    found = Clinic(House(engine, "secret", "http://127.0.0.1:8000", demo=True), database_url)
    found.house.wall = lambda: NOW
    found.set_clock(NOW)
    publish(found.house, FILES)
    yield found
    engine.dispose()


def lived(clinic: Clinic) -> None:
    """A patient of whom every table has something, under two ids, among others whom nobody forgets."""
    clinic.tell(
        clinic.visit("p-1", first_name=NAME, last_name=FAMILY, phone=OLD_PHONE, email=OLD_MAIL),
        clinic.visit("p-0", first_name=NAME, phone=OLD_PHONE),
        clinic.visit("p-2", first_name="Anna", phone="+306933333333"),
    )
    clinic.tell(
        clinic.event("patient.upserted", at=NOW + timedelta(seconds=1), patient={"phone": PHONE, "email": MAIL}),
        clinic.event("patient.held", at=NOW + timedelta(seconds=1), reason=f"{NAME} complained"),
        clinic.event("patient.released", at=NOW + timedelta(seconds=2)),
        clinic.event(
            "consent.granted", at=NOW + timedelta(seconds=3), channel="sms", purpose="marketing", basis="written", source=f"form of {NAME}",
            text="I agree", evidence=f"scan {MAIL}",
        ),
        clinic.event("patient.merged", "p-0", at=NOW + timedelta(seconds=4), into="p-1"),
        clinic.event("visit.imagined", patient={"first_name": NAME}),
        clinic.event("visit.imagined", "p-77", patient={"phone": PHONE}),
        clinic.event("visit.imagined", "p-2", patient={"first_name": "Anna"}),
    )  # fmt: skip
    with write(clinic.house.engine) as conn:
        m = schema.messages
        key = conn.execute(select(m.c.id).where(m.c.patient_id == "p-1")).scalars().first()
        conn.execute(
            update(m).where(m.c.id == key).values(
                state="sent", channel="sms", address=OLD_PHONE, body=f"Hello {NAME}", subject=NAME, html=f"<p>{NAME}", language="el",
                decided_at=NOW, sent_at=NOW, provider_id="SM1", lookup_at=NOW,
            )
        )  # fmt: skip
        outbox.attempt(conn, "default", str(key), NOW, "console")
        conn.execute(update(schema.attempts).values(why=f"{OLD_PHONE} is busy"))
        whole = {"clinic_id": "default", "message_id": key}
        conn.execute(
            insert(schema.receipts).values(
                **whole,
                provider="twilio",
                key="SM1:sent",
                status="sent",
                word="sent",
                code="",
                received_at=NOW,
                raw={"To": OLD_PHONE},
            )
        )
        answer = {
            "clinic_id": "default", "channel": "sms", "provider": "twilio", "kind": "answer", "keyword": False, "harm": ["pain"], "at": NOW,
        }  # fmt: skip
        for number, (patient, address) in enumerate(
            [("p-1", OLD_PHONE), (None, PHONE), ("p-2", "+306933333333")]
        ):
            conn.execute(
                insert(schema.replies).values(
                    **answer, patient_id=patient, key=f"SM{number}", address_hash=clinic.house.hashed("sms", address),
                    body=f"I am {NAME if patient != 'p-2' else 'Anna'}", raw={"From": address},
                )
            )  # fmt: skip
        conn.execute(
            insert(schema.links).values(**whole, token="t", kind="link", target=f"https://x/{MAIL}", created_at=NOW, expires_at=NOW)
        )  # fmt: skip
        conn.execute(insert(schema.link_hits).values(**whole, token="t", at=NOW, verdict="person"))
        conn.execute(
            insert(schema.tasks).values(
                clinic_id="default", patient_id="p-1", enrollment="revisit", journey="", step="call", assignee="desk", note=f"Call {NAME}",
                due_at=NOW, at=NOW, state="open",
            )
        )  # fmt: skip
        conn.execute(
            insert(schema.traces).values(
                clinic_id="default", patient_id="p-0", journey="hello", step="x", at=NOW, what="waits", why=NAME, recorded_at=NOW
            )
        )  # fmt: skip
        outbox.suppress(conn, "default", "sms", clinic.house.hashed("sms", PHONE), "opted_out", NOW)


def test_after_it_no_byte_of_her_is_in_any_table(clinic: Clinic, tmp_path: Path) -> None:
    lived(clinic)
    tables = {line.partition(":")[0] for line in clinic.found(HER)}
    assert tables >= {
        "events", "ledgers", "messages", "attempts", "receipts", "replies", "links", "traces", "holds", "tasks", "quarantine", "consents",
    }  # fmt: skip
    done = forget(clinic.house, "default", "p-0", "user anna")
    assert (done.patient, done.also, done.addresses) == ("p-1", ("p-0",), 4)
    assert len(done.messages) == len({row.id for row in clinic.rows("messages") if row.patient_id != "p-2"})
    assert clinic.found(HER) == []
    for gone in ("memberships", "transitions", "traces", "enrollments"):
        assert {row.patient_id for row in clinic.rows(gone)} <= {"p-2"}, gone
    assert [row.state for row in clinic.rows("tasks", patient_id="p-1")] == ["done"]
    assert {row.erased_at is not None for row in clinic.rows("patients") if row.patient_id != "p-2"} == {True}
    if clinic.url.startswith("sqlite"):
        stored = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("revisit.db*")))
        assert [
            word for word in HER if word.encode() in stored or json.dumps(word)[1:-1].encode() in stored
        ] == []


def test_others_keep_what_is_theirs(clinic: Clinic) -> None:
    lived(clinic)

    def theirs() -> list[Any]:
        tables = (
            "events",
            "ledgers",
            "messages",
            "replies",
            "traces",
            "transitions",
            "memberships",
            "consents",
            "enrollments",
        )
        return [
            [tuple(row) for row in clinic.rows(name) if "p-2" in (row._mapping.get("patient_id"), row._mapping.get("subject"))] for name in tables
        ]  # fmt: skip

    before = theirs()
    forget(clinic.house, "default", "p-1", "user anna")
    assert theirs() == before
    assert [json.loads(row.raw)["subject"] for row in clinic.rows("quarantine")] == ["p-2"]


def test_what_proves_consent_stays_without_words(clinic: Clinic) -> None:
    lived(clinic)
    forget(clinic.house, "default", "p-1", "user anna")
    (granted,) = [row for row in clinic.rows("consents", patient_id="p-1") if row.action == "granted"]
    assert (granted.channel, granted.purpose, granted.basis, len(granted.text_hash)) == (
        "sms",
        "marketing",
        "written",
        64,
    )
    assert (granted.source, granted.evidence) == (None, None)


def test_every_address_she_had_is_suppressed_by_a_hash_that_no_start_lifts(clinic: Clinic) -> None:
    lived(clinic)
    forget(clinic.house, "default", "p-1", "user anna")
    pairs = [("sms", PHONE), ("sms", OLD_PHONE), ("email", MAIL), ("email", OLD_MAIL)]
    with read(clinic.house.engine) as conn:
        hashes = {pair: clinic.house.hashed(*pair) for pair in pairs}
        assert outbox.suppressed(conn, "default", hashes) == set(pairs)
    assert {row.reason for row in clinic.rows("suppressions")} == {"erased"}


def test_the_clinics_own_system_may_tell_it_too(clinic: Clinic) -> None:
    lived(clinic)
    clinic.tell(clinic.event("patient.erased", "p-1", at=NOW + timedelta(minutes=1)))
    assert clinic.found(HER) == []
    assert clinic.rows("patients", patient_id="p-1")[0].erased_at == NOW


def test_told_twice_it_takes_out_what_came_in_between(clinic: Clinic) -> None:
    lived(clinic)
    first = forget(clinic.house, "default", "p-1", "user anna")
    with write(clinic.house.engine) as conn:
        conn.execute(update(schema.receipts).values(raw={"To": PHONE}))
    assert clinic.found(HER)
    assert forget(clinic.house, "default", "p-1", "user anna").messages == first.messages
    assert clinic.found(HER) == []
    assert ask(clinic.house, "default", "p-1").before


def test_what_comes_of_her_by_other_doors_goes_with_the_next_sweep(clinic: Clinic) -> None:
    lived(clinic)
    forget(clinic.house, "default", "p-1", "user anna")
    with write(clinic.house.engine) as conn:
        conn.execute(update(schema.receipts).values(raw={"To": PHONE}))
    clinic.tell(clinic.event("visit.imagined", "p-0", patient={"first_name": NAME}))
    assert len(clinic.found(HER)) >= 2
    assert redact(clinic.house) >= 2
    assert clinic.found(HER) == []
    assert [json.loads(row.raw)["subject"] for row in clinic.rows("quarantine")] == ["p-2"]


def test_the_audit_says_who_did_it_and_nothing_of_her(clinic: Clinic) -> None:
    lived(clinic)
    forget(clinic.house, "default", "p-1", "user anna")
    (row,) = clinic.rows("audit", action="forgotten")
    assert (row.actor, row.detail) == ("user anna", {"patient": "p-1"})


def test_whom_nobody_told_of_cannot_be_forgotten(clinic: Clinic) -> None:
    with pytest.raises(UnknownPatient, match="subject"):
        forget(clinic.house, "default", "p-404", "user anna")
    assert clinic.rows("patients") == []


_numbers = count(1)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    order=st.permutations(range(6)),
    cut=st.integers(0, 6),
    again=st.sampled_from(["same", "new ids"]),
    by=st.sampled_from(["event", "command"]),
)
def test_whatever_is_told_before_or_after_nothing_of_her_stays_and_nothing_is_sent(
    clinic: Clinic, order: list[int], cut: int, again: str, by: str
) -> None:
    number = next(_numbers)
    pid, other = f"h-{number}", f"i-{number}"
    words = (f"Vrysiida{number}x", f"+3069{number:08}", f"vrysi{number}x@mail.example")
    person = dict(zip(("first_name", "phone", "email"), words, strict=True))
    told = [
        clinic.visit(pid, **person),
        clinic.visit(pid, phone=words[1]),
        clinic.event("patient.upserted", pid, patient=person),
        clinic.event(
            "consent.granted", pid, channel="sms", purpose="marketing", evidence=words[0], source=words[2]
        ),
        clinic.event("patient.held", pid, reason=words[0]),
        clinic.visit(other, **person),
    ]
    merged = clinic.event("patient.merged", other, into=pid)
    erased = clinic.event("patient.erased", pid)
    for index in order[:cut]:
        clinic.tell(told[index])
    clinic.tell(merged)
    if by == "event":
        clinic.tell(erased)
    else:
        forget(clinic.house, "default", pid, "user anna")
    for index in order[cut:]:
        clinic.tell(told[index])
    clinic.tell(*(raw if again == "same" else {**raw, "id": f"{raw['id']}-again"} for raw in told))
    assert clinic.found(words) == []
    states = {row.state for row in clinic.rows("messages") if row.patient_id in (pid, other)}
    assert states <= {"dropped"}
    assert [row for row in clinic.rows("enrollments") if row.patient_id in (pid, other)] == []
    assert all(row.erased_at for row in clinic.rows("patients", patient_id=pid))


# -- a hold -------------------------------------------------------------------------------------------------------------------


def test_a_hold_stands_until_it_is_released_whatever_was_told_before(clinic: Clinic) -> None:
    clinic.tell(clinic.visit("p-1"), clinic.event("patient.released", at=NOW + timedelta(hours=3)))
    held = hold(clinic.house, "default", "p-1", "a complaint", None, "user anna")
    assert (held.before, held.hold and held.hold.reason) == (None, "a complaint")
    again = hold(clinic.house, "default", "p-1", "another", "2026-03-09", "user anna")
    assert again.hold is not None and again.hold.until == datetime(2026, 3, 9, 21, 59, 59, tzinfo=UTC)
    done = release(clinic.house, "default", "p-1", "user anna")
    assert (done.before is not None, done.hold) == (True, None)
    once_more = hold(clinic.house, "default", "p-1", "again", None, "user anna")
    assert once_more.hold is not None
    noted = [(row.actor, row.action) for row in clinic.rows("audit") if row.action in ("held", "released")]
    assert noted == [("user anna", action) for action in ("held", "held", "released", "held")]
    assert "complaint" not in str([row.detail for row in clinic.rows("audit")])


def test_whoever_is_forgotten_or_unknown_cannot_be_held(clinic: Clinic) -> None:
    clinic.tell(clinic.visit("p-1"))
    forget(clinic.house, "default", "p-1", "user anna")
    with pytest.raises(AlreadyForgotten):
        hold(clinic.house, "default", "p-1", "x", None, "user anna")
    with pytest.raises(UnknownPatient):
        release(clinic.house, "default", "p-9", "user anna")


# -- an export ----------------------------------------------------------------------------------------------------------------


def test_an_export_holds_everything_that_is_stored_of_her_under_any_id(clinic: Clinic) -> None:
    lived(clinic)
    found = export(clinic.house, "default", "p-0")
    text = json.dumps(found, ensure_ascii=False)
    for word in (*HER, "complained", "Call ", "is busy", "SM1"):
        assert word in text, word
    assert found["about this file"]["other ids of the same person"] == ["p-0"]
    assert len(found["as the clinic's systems told it"]) == 7
    assert {one["status"] for one in found["appointments"]} == {"completed"}
    assert [one["what"] for one in found["history of consent"] if one["basis"] == "written"] == ["granted"]
    assert any(one["text"] == f"Hello {NAME}" and one["reports of the provider"] for one in found["messages"])
    assert "Anna" not in text
    assert "+306933333333" not in text


def test_an_export_of_one_who_was_forgotten_says_so_and_holds_nothing(clinic: Clinic) -> None:
    lived(clinic)
    forget(clinic.house, "default", "p-1", "user anna")
    found = export(clinic.house, "default", "p-1")
    assert found["about this file"]["forgotten at"]
    assert not [word for word in HER if word in json.dumps(found, ensure_ascii=False)]


# -- words that are old enough ------------------------------------------------------------------------------------------------


def test_words_are_taken_out_when_the_policy_says_so_and_not_a_day_before(clinic: Clinic) -> None:
    lived(clinic)
    for day, left in (
        (datetime(2026, 4, 2, 20, tzinfo=UTC), {"messages", "replies", "receipts"}),
        (datetime(2026, 4, 4, 20, tzinfo=UTC), {"messages", "replies"}),
        (datetime(2026, 9, 2, 20, tzinfo=UTC), {"messages", "replies"}),
        (datetime(2026, 9, 4, 20, tzinfo=UTC), set()),
    ):
        clinic.set_clock(day)
        redact(clinic.house)
        held = {
            name for name, word in (("messages", "body"), ("replies", "body"), ("receipts", "raw"))
            if any(getattr(row, word) for row in clinic.rows(name))
        }  # fmt: skip
        assert held == left, day
    (sent,) = clinic.rows("messages", state="sent")
    assert (sent.subject, sent.html, sent.address, sent.language) == (None, None, OLD_PHONE, "el")
    assert sent.redacted_at is not None
    assert redact(clinic.house) == 0
