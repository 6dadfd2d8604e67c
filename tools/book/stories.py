"""Patients whose last weeks in the book are told by hand, each for one thing that a reader may look up.

`sample/README.md` lists them. Their times are reserved in the diary before anybody else's, so they stay where
they are however the rest of the book is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from tools.book.catalogue import SERVICES
from tools.book.diary import Diary
from tools.book.hours import at
from tools.book.log import Appointment, Log, amount
from tools.book.people import CARE, EVERYTHING, MARKETING, Person, phone


def _person(number: int, name: str, mail: str | None, born: str, language: str = "el") -> Person:
    first, _, last = name.rpartition(" ")
    return Person(
        id=f"p-{number}",
        first_name=first or None,
        last_name=last,
        phone=phone(number),
        email=f"{mail}@example.com" if mail else None,
        born=date.fromisoformat(born),
        language=language,
        consent={"sms": EVERYTHING, "email": EVERYTHING},
    )


class Stories:
    """Writes the stories into a diary and a log."""

    def __init__(self, diary: Diary, log: Log) -> None:
        self._diary, self._log = diary, log

    def tell(self) -> None:
        """All of them."""
        chapters: tuple[Callable[[], None], ...] = (
            self._second_visit,
            self._half_a_year,
            self._a_year,
            self._changes_of_mind,
            self._after_treatment,
            self._one_person_twice,
            self._not_to_be_written_to,
            self._mother_and_daughter,
            self._far_and_rare,
        )
        for chapter in chapters:
            chapter()

    def _second_visit(self) -> None:
        books_after_nudge = _person(9001, "Ελένη Παπαδοπούλου", "eleni.p", "1990-05-14")
        self._visit(books_after_nudge, "2026-09-14 12:00", "HYD", "th-eleni")
        self._visit(books_after_nudge, "2026-10-20 17:00", "PEEL", "th-eleni", booked="2026-10-14 18:20")

        voided = _person(9002, "Δανάη Λιάπη", "danai.l", "1996-01-30")
        entry = self._visit(voided, "2026-09-22 16:00", "LED", "th-niki")
        self._log.tell("visit.voided", _when("2026-09-24 11:05"), entry)

    def _half_a_year(self) -> None:
        returns = _person(9003, "Maria Georgiou", "maria.g", "1984-11-03", "en")
        self._visit(returns, "2026-02-10 18:00", "FIL-L", "dr-markou")
        self._visit(returns, "2026-04-15 11:00", "HYD", "th-eleni")
        self._visit(returns, "2026-10-23 12:00", "HYD", "th-eleni", booked="2026-10-15 21:10")

        never_asked = _person(9004, "Σοφία Κοκκίνου", "sofia.k", "1979-07-08")
        never_asked.consent = None
        self._visit(never_asked, "2026-04-20 13:00", "MIC", "th-eleni")

        has_booking = _person(9005, "Άννα Ρήγα", "anna.r", "1987-02-17")
        self._visit(has_booking, "2026-04-21 10:30", "PEEL", "th-niki")
        self._booking(has_booking, "2026-11-10 12:00", "HYD", "th-eleni", booked="2026-10-05 09:40")

        valued = _person(9006, "Καλλιόπη Δούκα", "kalliopi.d", "1971-09-25")
        for when, code in (
            ("2025-06-12 17:00", "FIL-C"),
            ("2025-09-18 18:00", "LREJ"),
            ("2025-11-20 12:00", "TOX3"),
            ("2026-02-05 16:00", "LREJ"),
            ("2026-04-23 10:15", "FIL-C"),
        ):
            self._visit(valued, when, code, "dr-markou")

    def _a_year(self) -> None:
        returns = _person(9007, "Χριστίνα Βέργου", "christina.v", "1982-04-02")
        self._visit(returns, "2025-06-19 11:00", "MESO", "dr-vlachou")
        self._visit(returns, "2025-10-16 12:00", "MESO", "dr-vlachou")
        self._visit(returns, "2026-10-29 13:00", "MESO", "dr-vlachou", booked="2026-10-17 19:00")

        valued = _person(9023, "Margarita Leventi", "margarita.l", "1974-05-23", "en")
        for when, code in (
            ("2025-02-13 13:00", "LREJ"),
            ("2025-05-22 13:00", "FIL-C"),
            ("2025-07-10 13:00", "LREJ"),
            ("2025-09-04 13:00", "TOX3"),
            ("2025-10-23 13:00", "LREJ"),
        ):
            self._visit(valued, when, code, "dr-vlachou")

        no_name = _person(9008, "Zervou", None, "1976-12-12", "en")
        self._visit(no_name, "2025-10-21 15:00", "HYD", "th-niki")

    def _changes_of_mind(self) -> None:
        cancels = _person(9009, "Νίκη Σιδέρη", "niki.s", "1993-08-19")
        self._visit(cancels, "2026-04-16 14:00", "PIG", "dr-vlachou")
        entry = self._booking(cancels, "2026-10-27 11:00", "PEEL", "th-niki", booked="2026-10-17 09:30")
        self._log.tell("booking.cancelled", _when("2026-10-19 16:45"), entry, cancelled_by="patient")

        says_no = _person(9010, "Ioanna Makri", "ioanna.m", "1989-06-06", "en")
        self._visit(says_no, "2026-04-16 10:30", "HYD", "th-niki")
        no = {
            "channel": "sms",
            "purpose": "marketing",
            "source": "telephone",
            "evidence": "Rang the front desk.",
        }
        self._note("consent.revoked", "2026-10-17 10:50", says_no, no)
        # Another system still believes the old form. It must not win over what she said.
        self._note("patient.upserted", "2026-10-20 09:00", says_no, {"patient": says_no.as_event()})

        corrected = _person(9011, "Φωτεινή Καρρά", "fotini.k", "1998-03-27")
        entry = self._booking(corrected, "2026-10-21 12:00", "HYD", "th-eleni", booked="2026-10-13 20:15")
        self._log.tell("booking.no_show", _when("2026-10-21 12:20"), entry)
        self._log.tell("visit.completed", _when("2026-10-21 20:10"), entry, net=amount(11000))

    def _after_treatment(self) -> None:
        body = _person(9012, "Despina Panagopoulou", "despina.p", "1985-10-09", "en")
        for when in ("2026-06-18 12:00", "2026-08-20 12:00"):
            self._visit(body, when, "CRYO", "th-eleni")

        refunded = _person(9013, "Μαρίνα Γκίκα", "marina.g", "1991-01-21")
        entry = self._visit(refunded, "2026-09-17 17:30", "CONT", "th-niki")
        self._note("payment.refunded", "2026-10-12 12:40", refunded, {"net": amount(9000)}, entry)

    def _one_person_twice(self) -> None:
        kept = _person(9014, "Ευαγγελία Τριανταφύλλου", "evangelia.t", "1983-05-05")
        self._visit(kept, "2026-03-12 16:00", "TOX3", "dr-markou")
        double = replace(
            kept, id="p-9015", first_name="Lia", last_name="Triantafyllou", email=None, language="en"
        )
        double.consent = {"sms": CARE, "email": ()}
        self._visit(double, "2026-09-15 13:00", "HYD", "th-niki")
        entry = self._booking(double, "2026-10-22 13:00", "HYD", "th-niki", booked="2026-10-10 12:30")
        self._note("patient.merged", "2026-10-14 17:05", double, {"into": kept.id})
        # The appointment had been made for the old number, and is told under it.
        self._log.tell("visit.completed", entry.slot.ends_at, entry, net=amount(11500))

    def _not_to_be_written_to(self) -> None:
        died = _person(9016, "Αγγελική Σωτηρίου", "angeliki.s", "1949-02-01")
        self._visit(died, "2026-04-17 11:00", "LREJ", "dr-markou")
        self._note("patient.deceased", "2026-10-12 10:15", died, {})

        erased = _person(9017, "Στέλλα Φιλίππου", "stella.f", "1994-07-15")
        self._visit(erased, "2026-04-24 17:00", "FIL-L", "dr-markou")
        entry = self._booking(erased, "2026-10-30 18:00", "FIL-L", "dr-markou", booked="2026-10-02 13:00")
        self._note("patient.erased", "2026-10-13 14:00", erased, {})
        # Her appointment is taken out of the book a day later; the event knows no more than her number.
        self._log.tell("booking.cancelled", _when("2026-10-14 10:05"), entry, cancelled_by="clinic")

        complains = _person(9018, "Olga Spanou", "olga.s", "1980-10-28", "en")
        self._visit(complains, "2026-04-18 12:00", "PEEL", "th-niki")
        self._note(
            "patient.held", "2026-10-12 13:20", complains, {"reason": "complaint", "until": "2026-12-31"}
        )
        self._note("patient.released", "2026-10-26 11:00", complains, {})

    def _mother_and_daughter(self) -> None:
        mother = _person(9019, "Βασιλική Γαλάνη", "vasiliki.g", "1981-04-11")
        for when in ("2025-12-04 18:00", "2026-04-02 18:00", "2026-08-06 18:00"):
            self._visit(mother, when, "TOX1", "dr-vlachou")
        daughter = _person(9020, "Μελίνα Γαλάνη", None, "2010-06-02")
        daughter.phone = mother.phone
        daughter.consent = {"sms": MARKETING, "email": ()}
        self._visit(daughter, "2026-09-16 17:00", "LHR-S", "th-niki")

    def _far_and_rare(self) -> None:
        london = _person(9021, "Emily Bennett", "emily.b", "1986-03-03", "en")
        london.phone, london.timezone = "+447700900021", "Europe/London"
        self._visit(london, "2026-04-24 12:00", "HYD", "th-niki")

        leap = _person(9022, "Θεοδώρα Ξένου", "theodora.x", "1992-02-29")
        for when in ("2025-12-17 12:00", "2026-03-18 12:00", "2026-06-17 12:00", "2026-09-16 12:00"):
            self._visit(leap, when, "HYD", "th-eleni")

    def _booking(
        self, person: Person, when: str, code: str, practitioner: str, *, booked: str
    ) -> Appointment:
        starts = _when(when)
        minutes = SERVICES[code].minutes
        slot = self._diary.reserve(starts.date(), starts.hour * 60 + starts.minute, minutes, practitioner)
        entry = Appointment(person, (code,), slot)
        self._log.tell("booking.created", _when(booked), entry)
        return entry

    def _visit(
        self, person: Person, when: str, code: str, practitioner: str, *, booked: str | None = None
    ) -> Appointment:
        """A visit that was kept; without `booked`, it was booked four days before, in the evening."""
        starts = _when(when)
        made = booked or f"{date.fromordinal(starts.toordinal() - 4)} 19:30"
        entry = self._booking(person, when, code, practitioner, booked=made)
        paid = SERVICES[code].euros * 108
        self._log.tell("visit.completed", entry.slot.ends_at, entry, net=amount(paid))
        return entry

    def _note(
        self, type_: str, when: str, person: Person, data: dict[str, Any], entry: Appointment | None = None
    ) -> None:
        self._log.note(type_, _when(when), person, data, appointment=entry)


def _when(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return at(moment.date(), moment.hour * 60 + moment.minute)
