"""Dates, times, amounts and names as exports write them."""

from __future__ import annotations

from datetime import date

import pytest

from worker.domain.calendar import zone
from worker.intake.sources.amounts import NotAnAmount, amount_of
from worker.intake.sources.moments import NotAMoment, Order, day_of, moment_of, moment_on
from worker.intake.sources.people import split_name

ATHENS = zone("Europe/Athens")


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2026-03-29", "ymd", date(2026, 3, 29)),
        ("2026-03-29", "mdy", date(2026, 3, 29)),
        ("03/04/2026", "dmy", date(2026, 4, 3)),
        ("03/04/2026", "mdy", date(2026, 3, 4)),
        ("3.4.26", "dmy", date(2026, 4, 3)),
        ("29/2/24", "dmy", date(2024, 2, 29)),
        ("12 Mar 2026", "ymd", date(2026, 3, 12)),
        ("March 12, 2026 9:30 AM", "ymd", date(2026, 3, 12)),
        ("Thursday, March 12th, 2026", "ymd", date(2026, 3, 12)),
        ("12-Mar-26", "ymd", date(2026, 3, 12)),
        ("12 Μαρτίου 2026", "ymd", date(2026, 3, 12)),
        ("Πέμπτη 12 Μαΐου 2026", "ymd", date(2026, 5, 12)),
        ("20260312", "ymd", date(2026, 3, 12)),
    ],
)
def test_a_date_is_read_by_the_order_that_the_mapping_says(text: str, order: Order, expected: date) -> None:
    assert day_of(text, order) == expected


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("03/04/2026", "ymd"),
        ("31/02/2026", "dmy"),
        ("02/31/2026", "mdy"),
        ("29/2/23", "dmy"),
        ("13/13/2026", "dmy"),
        ("tomorrow", "dmy"),
        ("45000", "dmy"),
        ("", "dmy"),
        ("0/0/0000", "dmy"),
    ],
)
def test_what_is_no_date_is_never_guessed(text: str, order: Order) -> None:
    with pytest.raises(NotAMoment):
        day_of(text, order)


def test_two_digits_of_a_birth_never_lie_ahead() -> None:
    assert day_of("1/5/27", "dmy", latest=2026) == date(1927, 5, 1)
    assert day_of("1/5/26", "dmy", latest=2026) == date(2026, 5, 1)
    assert day_of("1/5/69", "dmy") == date(2069, 5, 1)
    assert day_of("1/5/70", "dmy") == date(1970, 5, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12/3/2026 10:30", "2026-03-12T10:30:00+02:00"),
        ("12/3/2026, 9:05 PM", "2026-03-12T21:05:00+02:00"),
        ("12/3/2026 12:00 am", "2026-03-12T00:00:00+02:00"),
        ("12/3/2026 9:30 π.μ.", "2026-03-12T09:30:00+02:00"),
        ("12/3/2026 9:30 μ.μ.", "2026-03-12T21:30:00+02:00"),
        ("12.3.2026 10.30", "2026-03-12T10:30:00+02:00"),
        ("2026-03-12T10:30:00Z", "2026-03-12T10:30:00+00:00"),
        ("2026-03-12T10:30:00.123+0100", "2026-03-12T10:30:00.123000+01:00"),
        ("12/3/2026 24:00", "2026-03-13T00:00:00+02:00"),
        ("12/3/2026", "2026-03-12T00:00:00+02:00"),
        ("Mar 12, 2026 2pm", "2026-03-12T14:00:00+02:00"),
        # The hour that DST skips is the one after; of the hour that it repeats the first counts.
        ("29/3/2026 03:30", "2026-03-29T04:30:00+03:00"),
        ("25/10/2026 03:30", "2026-10-25T03:30:00+03:00"),
    ],
)
def test_a_moment_is_of_the_mappings_zone(text: str, expected: str) -> None:
    assert moment_of(text, "dmy", ATHENS).isoformat() == expected


@pytest.mark.parametrize(
    "text", ["12/3/2026 24:30", "12/3/2026 25:00", "12/3/2026 13:00 pm", "12/3/2026 soon", "12/3/2026 7", "12/3/2026 10:61"]
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(NotAMoment):
        moment_of(text, "dmy", ATHENS)


def test_date_and_time_may_stand_apart() -> None:
    assert moment_on("12/3/2026", "10:30", "dmy", ATHENS).isoformat() == "2026-03-12T10:30:00+02:00"
    assert moment_on("2026-03-12 00:00:00", "10:30", "dmy", ATHENS).isoformat() == "2026-03-12T10:30:00+02:00"
    assert moment_on("12/3/2026", "", "dmy", ATHENS).isoformat() == "2026-03-12T00:00:00+02:00"


@pytest.mark.parametrize(
    ("text", "mark", "expected"),
    [
        ("1.234,50 €", ",", (123450, "EUR")),
        ("1 234,5", ",", (123450, "EUR")),
        ("1\u00a0234,50", ",", (123450, "EUR")),
        ("80", ",", (8000, "EUR")),
        ("€1,234.50", ".", (123450, "EUR")),
        ("1'234.50 CHF", ".", (123450, "CHF")),
        ("£20", ".", (2000, "GBP")),
        ("$20.00", ".", (2000, "EUR")),
        ("-15.00", ".", (-1500, "EUR")),
        ("(15.00)", ".", (-1500, "EUR")),
        ("0.005", ".", (1, "EUR")),
        (".50", ".", (50, "EUR")),
        ("EUR 15", ".", (1500, "EUR")),
    ],
)
def test_an_amount_is_read_by_the_mark_that_the_mapping_says(text: str, mark: str, expected: object) -> None:
    assert amount_of(text, mark, "EUR") == expected


@pytest.mark.parametrize(
    ("text", "mark"), [("1234.50", ","), ("1,50", "."), ("1.23.45", ","), ("12.34.567", ","), ("free", "."), ("1,2,3", ",")]
)  # fmt: skip
def test_an_amount_with_the_other_mark_is_refused_and_not_taken_for_a_hundredfold(
    text: str, mark: str
) -> None:
    with pytest.raises(NotAnAmount):
        amount_of(text, mark, "EUR")


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("Eleni Papadopoulou", "first_last", ("Eleni", "Papadopoulou")),
        ("Anna Maria Ioannou", "first_last", ("Anna Maria", "Ioannou")),
        ("Papadopoulou, Eleni", "first_last", ("Eleni", "Papadopoulou")),
        ("Παπαδοπούλου Ελένη", "last_first", ("Ελένη", "Παπαδοπούλου")),
        ("Mrs. Eleni Papadopoulou", "first_last", ("Eleni", "Papadopoulou")),
        ("Eleni", "first_last", ("Eleni", "")),
        ("  Eleni   Papadopoulou ", "first_last", ("Eleni", "Papadopoulou")),
        ("", "first_last", ("", "")),
    ],
)
def test_a_name_in_one_column_is_split_by_rule(text: str, order: str, expected: tuple[str, str]) -> None:
    assert split_name(text, order) == expected
