"""One clinic's book as ten systems would export it, each in the columns that it documents and with the dirt that such files have.

The facts are the same in all of them, so that what must come out is known beforehand. Made, not taken from anybody: no name, number or address is a real person's.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Person:
    key: str
    first: str
    last: str
    phone: str
    email: str
    agrees: bool | None
    """None: the cell of her consent is empty."""


@dataclass(frozen=True)
class Visit:
    key: str
    person: int
    day: date
    state: str
    """A key of a system's `words`."""
    service: str
    price: str


PEOPLE: Final = (
    Person("1001", "Eleni", "Papadopoulou", "690 000 0001", "eleni@example.com", True),
    Person("1002", "Maria", "Ioannou", "+30 690 000 0002", "maria@example.com", True),
    # A mother and her daughter on one telephone.
    Person("1003", "Katerina", "Ioannou", "+30 690 000 0002", "", None),
    Person("1004", "Anna", "Georgiou", "3.06912E+11", "anna@example.com", False),
    Person("1005", "Sofia", "Nikolaou", "2101234567", "no address", True),
    Person("1006", "Dimitra", 'Vasiliou, called "Mimi"', "", "dimitra@example.com", None),
)
VISITS: Final = (
    Visit("9001", 0, date(2026, 3, 4), "done", "Laser hair removal\nfull legs", "1234.50"),
    Visit("9002", 0, date(2026, 4, 3), "done", "Chemical peel", "80.00"),
    Visit("9003", 1, date(2026, 4, 5), "done", "Botox 3 areas", "250.00"),
    Visit("9004", 2, date(2026, 5, 6), "done", "Botox 3 areas", "250.00"),
    Visit("9005", 3, date(2026, 6, 7), "cancelled", "Chemical peel", ""),
    Visit("9006", 4, date(2026, 7, 8), "missed", "Chemical peel", ""),
    Visit("9007", 5, date(2026, 8, 9), "booked", "Gift voucher talk", "0.00"),
    Visit("9008", 1, date(2026, 9, 10), "odd", "Chemical peel", "80.00"),
    Visit("9009", 4, date(2026, 12, 11), "booked", "Mesotherapy", "120.00"),
    Visit("9010", 0, date(2026, 12, 12), "booked", "Chemical peel", "80.00"),
)
"""Every day may be read in two ways. 9007 lies in the past and was never closed, 9008 has a status that nobody knows, 9009 and 9010 are ahead."""


@dataclass(frozen=True)
class System:
    """How a system writes. `people` and `visits` map its headers to what stands below, by the names that `_cells` gives; `words` are its statuses, and `answers` what a person says when asked."""

    name: str
    visits: Mapping[str, str]
    people: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    dates: str = "%d/%m/%Y"
    clock: str = "10:30"
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    money: str = "{}"
    decimal: str = "."
    yes: str = "Yes"
    no: str = "No"
    titles: tuple[str, ...] = ()
    total: str = "Total"
    answers: Mapping[str, str] = field(default_factory=dict)
    told: tuple[int, int, int, int, int] = (4, 3, 1, 1, 1)
    """What must come out: visits, bookings, cancellations, missed ones, rows that are refused."""
    greek: bool = False

    def files(self, folder: Path) -> list[Path]:
        """The export, written there."""
        paths = [
            self._file(folder / f"{self.name}-visits.csv", self.visits, [self._visit(one) for one in VISITS])
        ]
        if self.people:
            rows = [self._person(one) for one in PEOPLE]
            paths.insert(0, self._file(folder / f"{self.name}-patients.csv", self.people, rows))
        return paths

    def _file(self, path: Path, columns: Mapping[str, str], rows: list[dict[str, str]]) -> Path:
        text = io.StringIO(newline="")
        text.writelines(f"{line}\r\n" for line in self.titles)
        writer = csv.writer(text, delimiter=self.delimiter)
        writer.writerow(columns)
        for number, row in enumerate(rows):
            writer.writerow([template.format(**row) for template in columns.values()])
            if number == 1:
                text.write("\r\n" + self.delimiter * (len(columns) - 1) + "\r\n")
        writer.writerow([self.total, *[""] * (len(columns) - 2), "99"])
        path.write_bytes(text.getvalue().encode(self.encoding))
        return path

    def _person(self, one: Person) -> dict[str, str]:
        agrees = {None: "", True: self.yes, False: self.no}[one.agrees]
        first, last = (
            (GREEK.get(one.first, one.first), GREEK.get(one.last, one.last))
            if self.greek
            else (one.first, one.last)
        )
        return {
            "pid": one.key, "first": first, "last": last, "name": f"{first} {last}", "turned": f"{last} {first}", "comma": f"{last}, {first}",
            "phone": one.phone, "email": one.email, "agrees": agrees,
        }  # fmt: skip

    def _visit(self, one: Visit) -> dict[str, str]:
        price = self.money.format(one.price.replace(".", self.decimal)) if one.price else ""
        day = one.day.strftime(self.dates)
        return {
            **self._person(PEOPLE[one.person]),
            "id": one.key,
            "date": day,
            "time": self.clock,
            "at": f"{day} {self.clock}",
            "status": self.words.get(one.state, ""),
            "cancelled": day if one.state == "cancelled" else "",
            "missed": "yes" if one.state == "missed" else "",
            "service": one.service,
            "price": price,
        }


GREEK: Final = {
    "Eleni": "Ελένη", "Maria": "Μαρία", "Katerina": "Κατερίνα", "Anna": "Άννα", "Sofia": "Σοφία", "Dimitra": "Δήμητρα",
    "Papadopoulou": "Παπαδοπούλου", "Ioannou": "Ιωάννου", "Georgiou": "Γεωργίου", "Nikolaou": "Νικολάου", 'Vasiliou, called "Mimi"': "Βασιλείου",
}  # fmt: skip

SYSTEMS: Final = (
    System(
        "zenoti",
        people={"Guest Code": "{pid}", "First Name": "{first}", "Last Name": "{last}", "Mobile Phone": "{phone}", "Email": "{email}", "Receive Marketing SMS": "{agrees}"},
        visits={"Invoice No": "I{id}", "Guest Code": "{pid}", "Guest Name": "{name}", "Appointment Date": "{date}", "Start Time": "{time}", "Status": "{status}", "Service Name": "{service}", "Net Price": "{price}"},
        words={"done": "Closed", "cancelled": "Cancelled", "missed": "No Show", "booked": "Open", "odd": "Tentative?"},
        dates="%m/%d/%Y", clock="10:30 AM", titles=("Appointments report", "Generated by the front desk"), answers={"order": "mdy", "past": "unknown"},
    ),
    System(
        "boulevard",
        people={"Client ID": "c{pid}", "First Name": "{first}", "Last Name": "{last}", "Mobile Phone": "{phone}", "Email": "{email}"},
        visits={"Appointment ID": "a{id}", "Client ID": "c{pid}", "Client Name": "{name}", "Appointment Start": "{at}", "Appointment State": "{status}", "Service Name": "{service}", "Net Service Sales": "{price}"},
        words={"done": "Final", "cancelled": "Canceled", "missed": "No Show", "booked": "Confirmed", "odd": "???"},
        dates="%m/%d/%Y", clock="10:30 AM", money="${}", answers={"order": "mdy", "past": "completed"}, told=(5, 2, 1, 1, 1),
    ),
    System(
        "pabau",
        people={"Client ID": "{pid}", "First Name": "{first}", "Last Name": "{last}", "Mobile": "{phone}", "Email": "{email}", "Opt In SMS": "{agrees}"},
        visits={"Appointment ID": "{id}", "Client ID": "{pid}", "Appointment Date": "{date}", "Start Time": "{time}", "Status": "{status}", "Service": "{service}", "Price": "{price}"},
        words={"done": "Complete", "cancelled": "Cancelled", "missed": "DNA", "booked": "Booked", "odd": "Left a message"},
        money="£{}", yes="1", no="0", answers={"order": "dmy", "past": "no_show"}, told=(4, 2, 1, 2, 1),
    ),
    System(
        "cliniko",
        people={"Id": "{pid}", "First name": "{first}", "Last name": "{last}", "Mobile": "{phone}", "Email": "{email}"},
        visits={"Id": "{id}", "Patient id": "{pid}", "Starts at": "{at}", "Appointment type": "{service}", "Cancelled at": "{cancelled}", "Did not arrive": "{missed}"},
        dates="%Y-%m-%d", answers={"past": "completed"}, told=(6, 2, 1, 1, 0),
    ),
    System(
        "jane",
        people={"Patient Number": "{pid}", "First Name": "{first}", "Last Name": "{last}", "Mobile Phone": "{phone}", "Email": "{email}"},
        visits={"Patient Number": "{pid}", "Start At": "{at}", "State": "{status}", "Treatment Name": "{service}", "Price": "{price}"},
        words={"done": "arrived", "cancelled": "cancelled", "missed": "no_show", "booked": "booked", "odd": "floating"},
        dates="%Y-%m-%d", encoding="utf-8", answers={"past": "unknown"},
    ),
    System(
        "square",
        people={"First Name": "{first}", "Last Name": "{last}", "Email Address": "{email}", "Phone Number": "{phone}", "Square Customer ID": "C{pid}", "Email Subscription Status": "{agrees}"},
        visits={"Booking ID": "b{id}", "Square Customer ID": "C{pid}", "Start At": "{at}", "Status": "{status}", "Service": "{service}", "Price": "{price}"},
        words={"done": "ACCEPTED", "cancelled": "CANCELLED_BY_CUSTOMER", "missed": "NO_SHOW", "booked": "ACCEPTED", "odd": "UNSURE"},
        dates="%Y-%m-%d", yes="Subscribed", no="Unsubscribed", answers={"past": "completed"}, told=(5, 2, 1, 1, 1),
    ),
    System(
        "acuity",
        visits={"Start Time": "{at}", "First Name": "{first}", "Last Name": "{last}", "Phone": "{phone}", "Email": "{email}", "Type": "{service}", "Appointment Price": "{price}", "Canceled": "{cancelled}", "No Show": "{missed}"},
        dates="%B %d, %Y", clock="10:30 am", answers={"past": "completed"}, told=(6, 2, 1, 1, 0),
    ),
    System(
        "mindbody",
        people={"ID": "{pid}", "Client": "{comma}", "Mobile Phone": "{phone}", "Email": "{email}", "Promotional Emails": "{agrees}"},
        visits={"Client ID": "{pid}", "Client": "{comma}", "Date": "{date}", "Start Time": "{time}", "Status": "{status}", "Visit Type": "{service}", "Rev. per Visit": "{price}"},
        words={"done": "Completed", "cancelled": "Late Cancelled", "missed": "Absent", "booked": "Booked", "odd": "Waitlisted"},
        dates="%m/%d/%Y", clock="10:30 am", money="${}", yes="True", no="False", total="Grand total", answers={"order": "mdy", "past": "unknown"},
    ),
    System(
        "spreadsheet",
        visits={"Customer": "{name}", "Mobile": "{phone}", "Date": "{date}", "Procedure": "{service}", "Cost": "{price}", "Outcome": "{status}"},
        words={"done": "done", "cancelled": "cancelled", "missed": "no show", "booked": "booked", "odd": "see notes"},
        encoding="utf-8", money="€{}", answers={"order": "dmy", "past": "unknown"},
    ),
    System(
        "greek",
        people={"Κωδικός πελάτη": "{pid}", "Ονοματεπώνυμο": "{turned}", "Κινητό": "{phone}", "Email": "{email}", "Συγκατάθεση SMS": "{agrees}"},
        visits={"Α/Α": "{id}", "Κωδικός πελάτη": "{pid}", "Ονοματεπώνυμο": "{turned}", "Ημ/νία": "{date}", "Ώρα": "{time}", "Κατάσταση": "{status}", "Θεραπεία": "{service}", "Ποσό": "{price}"},
        words={"done": "Ολοκληρώθηκε", "cancelled": "Ακυρώθηκε", "missed": "Δεν ήρθε", "booked": "Κλεισμένο", "odd": "Θα δούμε"},
        encoding="cp1253", delimiter=";", money="{} €", decimal=",", yes="Ναι", no="Όχι", total="Γενικό σύνολο", answers={"order": "dmy", "past": "no_show"}, told=(4, 2, 1, 2, 1), greek=True,
    ),
)  # fmt: skip
