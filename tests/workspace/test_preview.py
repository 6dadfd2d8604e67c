"""`revisit preview` shows a text as its reader will see it, and says what an SMS costs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

import worker.cli.preview  # noqa: F401  (registers `preview`)
from worker.cli.app import Usage, app
from worker.cli.preview import told_cost
from worker.domain.events import Event
from worker.domain.ledger import empty, fold
from worker.intake.cloudevents import parse_event
from worker.settings import Settings
from worker.store import patients
from worker.store.engine import write
from worker.store.schema import ledgers
from worker.wiring import open_house
from worker.workspace.lint_sms import cost

ROOT = Path(__file__).parents[2]
OFFERS = """offers:
  spring:
    code: SPRING26
    text: {en: a review on us, el: μια επίσκεψη}
    until: 2026-12-01
    approved_by: Dr Kalliopi Markou
"""
TEXTS = {
    "templates/hi/all.sms.en.j2": "Hello{% if first_name %} {{ first_name }}{% endif %}, greetings from {{ practitioner or clinic.name }}",
    "templates/hi/all.sms.el.j2": "Γεια σας από την {{ clinic.name }}",
    "templates/hi/all.email.en.md": "---\nsubject: Hello {{ first_name }}\npreheader: Come in.\n---\nHello **{{ first_name }}**\n",
    "templates/hi/offer.sms.en.j2": "Code {{ offer.code }}: {{ offer.text }} until {{ offer.until }}",
    "templates/hi/dear.sms.en.j2": "It’s your day… it’s fine ✓",
    "templates/hi/broken.sms.en.j2": "Hello\n{{ frist_name }}",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a few texts. Nothing else in it is right, which must not matter."""
    for name in ("clinic", "services", "channels"):
        (tmp_path / "config").mkdir(exist_ok=True)
        shutil.copy(ROOT / "config" / f"{name}.yaml", tmp_path / "config")
    channels = tmp_path / "config" / "channels.yaml"
    channels.write_text(re.sub(r"(?m)^sms:", "sms:\n  price: 0.07 EUR", channels.read_text("utf-8")), "utf-8")
    (tmp_path / "config" / "offers.yaml").write_text(OFFERS, "utf-8")
    for path, text in TEXTS.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    for name in [name for name in os.environ if name.startswith("REVISIT_")]:
        monkeypatch.delenv(name)
    return tmp_path


def shown(folder: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["preview", *words, "--workspace", str(folder)])
    assert result.exception is None, result.exception
    return result.stdout


def refused(folder: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["preview", *words, "--workspace", str(folder)])
    assert isinstance(result.exception, Usage)
    return str(result.exception)


def test_an_sms_is_shown_with_its_encoding_segments_and_cost(folder: Path) -> None:
    said = shown(folder, "hi/all", "--channel", "sms")
    assert "\nHello Eleni, greetings from Dr Kalliopi Markou\n" in said
    assert "Encoding:  GSM-7" in said
    assert "Segments:  1 (46 of 160 characters)" in said
    assert "Cost:      0.07 EUR a message" in said
    assert "Subject" not in said


def test_each_character_that_forces_ucs2_is_named(folder: Path) -> None:
    said = shown(folder, "hi/dear")
    assert "Encoding:  UCS-2" in said
    assert "Forced by: ’ (right single quotation mark), 2×" in said
    assert "Forced by: … (horizontal ellipsis), 1×" in said
    assert "Forced by: ✓ (check mark), 1×" in said


def test_an_email_is_shown_in_the_terminal_and_written_to_a_file(folder: Path) -> None:
    said = shown(folder, "hi/all", "--channel", "email", "--no-open")
    assert "Subject:   Hello Eleni" in said
    assert "Preheader: Come in." in said
    assert "\nHello Eleni\n" in said
    path = Path(re.search(r"HTML: +(\S+)", said)[1])  # type: ignore[index]
    assert "<strong>Eleni</strong>" in path.read_text("utf-8")
    assert path.name == "all.email.en.html"
    shutil.rmtree(path.parent)


def test_all_channels_are_shown_where_none_is_named(folder: Path) -> None:
    said = shown(folder, "hi/all", "--no-open")
    assert said.index("templates/hi/all.sms.en.j2") < said.index("templates/hi/all.email.en.md")


def test_an_email_opens_in_the_browser(folder: Path) -> None:
    visited = folder / "visited"
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {visited}\n')
    browser.chmod(0o755)
    command = [
        sys.executable,
        "-m",
        "worker",
        "preview",
        "hi/all",
        "--channel",
        "email",
        "--workspace",
        str(folder),
    ]
    done = subprocess.run(
        command,
        env=os.environ | {"BROWSER": f"{browser} %s"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    address = visited.read_text().strip()
    assert address.startswith("file:///")
    assert address.endswith("/all.email.en.html")
    assert f"Opened:    {address.removeprefix('file://')}" in done.stdout


def test_the_language_can_be_chosen(folder: Path) -> None:
    assert "Γεια σας από την Alkyon Skin Clinic" in shown(
        folder, "hi/all", "--language", "el", "--channel", "sms"
    )
    assert "there is el, en" in refused(folder, "hi/all", "--language", "fr", "--channel", "sms")


def test_an_offer_is_filled_in(folder: Path) -> None:
    assert "Code SPRING26: a review on us until 1 December 2026" in shown(
        folder, "hi/offer", "--offer", "spring"
    )
    assert "Code SAMPLE10: A sample offer until 31 December 2030" in shown(folder, "hi/offer")
    assert "did you mean `spring`?" in refused(folder, "hi/offer", "--offer", "sprig")


def test_what_there_is_not_is_told_with_what_there_is(folder: Path) -> None:
    assert refused(folder, "hi/al") == "there is no template `hi/al`; did you mean `hi/all`?"
    assert refused(folder, "hi/offer", "--channel", "email") == "`hi/offer` has no email text; there is sms"


def test_wrong_usage_ends_with_2_and_a_broken_text_with_1(folder: Path) -> None:
    for name, code, said in (
        ("nothing", 2, "there is no template `nothing`"),
        ("hi/broken", 1, "templates/hi/broken.sms.en.j2:2:4: there is no variable 'frist_name'"),
    ):
        command = [sys.executable, "-m", "worker", "preview", name, "--workspace", str(folder)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == code
        assert said in done.stderr


VISIT = {
    "specversion": "1.0", "id": "e-1", "source": "/book", "type": "visit.completed", "subject": "p-1", "time": "2026-03-02T09:00:00Z",
    "data": {
        "appointment_id": "a-1", "starts_at": "2026-03-02T10:00:00+02:00", "services": [{"code": "HYD"}], "practitioner": "dr-vlachou",
        "patient": {"first_name": "Niki", "language": "el"},
    },
}  # fmt: skip


def remember(folder: Path) -> None:
    """A patient of one visit, in the workspace's own database."""
    event = parse_event(VISIT, now=None, country="GR", timezone="Europe/Athens")
    assert isinstance(event, Event)
    house = open_house(Settings.from_env({}, folder))
    with write(house.engine) as conn:
        patients.lock(conn, "default", ["p-1"], since=datetime(2026, 1, 1, tzinfo=UTC))
        conn.execute(
            ledgers.insert().values(clinic_id="default", patient_id="p-1", data=fold(empty(), event))
        )
    house.engine.dispose()


def test_a_real_patients_values_and_language_are_taken(folder: Path) -> None:
    remember(folder)
    said = shown(folder, "hi/all", "--patient", "p-1", "--channel", "sms", "--language", "en")
    assert "Hello Niki, greetings from Dr Despina Vlachou" in said
    assert "templates/hi/all.sms.el.j2" in shown(folder, "hi/all", "--patient", "p-1", "--channel", "sms")
    assert "templates/hi/dear.sms.en.j2" in shown(folder, "hi/dear", "--patient", "p-1")


def test_a_patient_that_nobody_knows_is_wrong_usage(folder: Path) -> None:
    remember(folder)
    assert (
        refused(folder, "hi/all", "--patient", "p-2")
        == "there is no patient `p-2` in the data of clinic `default`"
    )


def test_the_cost_counts_every_segment() -> None:
    told = dict(told_cost(cost("a" * 161, (Decimal("0.07"), "EUR"))))
    assert told == {
        "Encoding": "GSM-7, the plain alphabet",
        "Segments": "2 (161 of 306 characters)",
        "Cost": "0.14 EUR a message",
    }
    greek = dict(told_cost(cost("αβ" * 40)))
    assert greek["Segments"] == "2 (80 of 134 characters)"
    assert greek["Forced by"] == "the text's own alphabet: α×40 β×40"
    assert "Cost" not in greek
