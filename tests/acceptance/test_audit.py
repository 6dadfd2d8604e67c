"""23,570 real customers as a clinic, through the audit, against pandas on the raw file; and the commands, on both databases.

The expectations share no code with the program: they are written from the columns of the file.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests import commands
from tests.acceptance.test_cdnow import ATHENS, PURCHASES, REVISIT, event, lay_out, purchases
from worker.domain.events import Event
from worker.domain.ledger import empty, fold
from worker.results.audit import Audit, Counting, Seeing
from worker.results.plots import can_draw
from worker.service.accepting import accept
from worker.service.auditing import audit, titles
from worker.service.folding import fold as fold_batch
from worker.service.publishing import publish
from worker.store.engine import make_engine
from worker.store.migrate import upgrade
from worker.workspace.files import read_folder
from worker.workspace.house import House
from worker.workspace.rooms import load

TODAY = pd.Timestamp("1998-06-30")
NOW = datetime(1998, 6, 30, 20, 30, tzinfo=UTC)
STAGES = ("prospect", "inactive_12", "inactive_6", "new", "regular", "returning")
WITHIN = (30, 60, 90, 180, 365)


# ---- what pandas says ---------------------------------------------------------------------------------------------


@cache
def rows() -> pd.DataFrame:
    found = pd.read_csv(PURCHASES, parse_dates=["date"])
    found["cents"] = (found["dollars"] * 100).round().astype("int64")
    return found


@cache
def days() -> pd.DataFrame:
    """One row a customer and day, in order, with the day of the next."""
    found = rows().drop_duplicates(["customer_id", "date"]).sort_values(["customer_id", "date"])
    found["next"] = found.groupby("customer_id")["date"].shift(-1)
    found["nth"] = found.groupby("customer_id").cumcount()
    return found


def stage_sizes(today: pd.Timestamp) -> dict[str, int]:
    """How many customers stand where on a day, of those who had come by then."""
    seen = days()[days()["date"] <= today]
    by = seen.groupby("customer_id")["date"]
    table = pd.DataFrame({"last": by.max(), "visits": by.size()})
    fresh = seen[seen["date"] + pd.DateOffset(months=12) > today]
    table["lately"] = fresh.groupby("customer_id").size().reindex(table.index).fillna(0)
    table["stage"] = "returning"
    table.loc[table["lately"] >= 2, "stage"] = "regular"
    table.loc[table["visits"] == 1, "stage"] = "new"
    table.loc[table["last"] + pd.DateOffset(months=6) <= today, "stage"] = "inactive_6"
    table.loc[table["last"] + pd.DateOffset(months=12) <= today, "stage"] = "inactive_12"
    return {name: int((table["stage"] == name).sum()) for name in STAGES}


def kaplan_meier(waits: pd.Series, came: pd.Series, at: int) -> float:
    """The share that had come after so many days."""
    away = 1.0
    for day in sorted(waits[came & (waits <= at)].unique()):
        away *= 1 - (came & (waits == day)).sum() / (waits >= day).sum()
    return 1 - away


# ---- what the program says ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """The audit of all customers, without a database."""
    rules = load(read_folder(lay_out(tmp_path_factory.mktemp("shop") / "clinic", ATHENS))).rules
    ledgers: dict[str, Any] = defaultdict(empty)
    for one in purchases(ATHENS):
        raw = event(one)
        told = Event(raw["id"], raw["source"], raw["type"], one.patient, one.local, raw["data"])
        ledgers[one.patient] = fold(ledgers[one.patient], told)
    looking = Seeing(rules, NOW, ("sms", "email"), lambda channel, address: address)
    stages, segments = titles(rules)
    counting = Counting(rules.clinic, NOW, looking.points, stages, segments)
    for patient, ledger in ledgers.items():
        counting.add(looking.person(patient, ledger))
    return counting.audit()


def test_customers_and_visits_are_counted(seen: Audit) -> None:
    assert (seen.patients, seen.visits) == (23_570, len(days())) == (23_570, 67_591)
    assert seen.once == int((days().groupby("customer_id").size() == 1).sum())


def test_stage_sizes_and_their_year_are_those_of_pandas(seen: Audit) -> None:
    assert {size.name: size.size for size in seen.stages} == stage_sizes(TODAY)
    for at, back in enumerate(range(12, -1, -1)):
        expected = stage_sizes(TODAY - pd.DateOffset(months=back))
        assert {size.name: size.then[at] for size in seen.stages} == expected


def test_the_cohort_table_is_that_of_pandas(seen: Audit) -> None:
    first = days()[days()["nth"] == 0].copy()
    first["month"] = first["date"].dt.to_period("M")
    first["wait"] = (first["next"] - first["date"]).dt.days
    expected = {
        month.to_timestamp().date(): (
            len(group),
            tuple(
                int((group["wait"] <= within).sum())
                if month.end_time.normalize() + pd.Timedelta(days=within) <= TODAY
                else None
                for within in WITHIN
            ),
        )
        for month, group in first.groupby("month")
    }
    assert {cohort.month: (cohort.size, cohort.back) for cohort in seen.cohorts} == expected
    assert len(expected) == 3


def test_the_curve_of_the_second_purchase_is_that_of_pandas(seen: Audit) -> None:
    first = days()[days()["nth"] == 0]
    came = first["next"].notna()
    waits = (first["next"].fillna(TODAY) - first["date"]).dt.days
    assert seen.second.came == int(came.sum())
    for day in (1, 14, 30, 90, 180, 365, 500):
        away = seen.second.away(day)
        assert away is not None
        assert 1 - away == pytest.approx(kaplan_meier(waits, came, day), abs=1e-12)
        assert seen.second.at_risk(day) == int((waits >= day).sum())


def test_the_curve_of_lapses_is_that_of_pandas(seen: Audit) -> None:
    came = days()["next"].notna()
    waits = (days()["next"].fillna(TODAY) - days()["date"]).dt.days
    for day in (7, 60, 180, 365):
        away = seen.lapse.away(day)
        assert away is not None
        assert 1 - away == pytest.approx(kaplan_meier(waits, came, day), abs=1e-12)


def test_takings_and_who_carries_them_are_those_of_pandas(seen: Audit) -> None:
    lately = rows()[rows()["date"] + pd.DateOffset(months=12) > TODAY]
    spent = lately.groupby("customer_id")["cents"].sum().sort_values(ascending=False)
    assert (seen.takings, seen.payers) == (int(spent.sum()), len(spent))
    for top in seen.top:
        size = -(-len(spent) * top.percent // 100)
        assert top.patients == size
        assert top.share == pytest.approx(spent.iloc[:size].sum() / spent.sum())
        assert top.least == spent.iloc[size - 1]
    assert seen.high_value is not None
    assert seen.high_value.exact == pytest.approx(spent.quantile(0.9))


def test_thresholds_of_the_year_before_the_last_visit_count_whom_pandas_counts(seen: Audit) -> None:
    whole = rows().merge(rows().groupby("customer_id")["date"].max().rename("last"), on="customer_id")
    anchored = whole[whole["date"] + pd.DateOffset(months=12) > whole["last"]]
    sums = anchored.groupby("customer_id")["cents"].sum()
    assert seen.high_value is not None
    assert seen.high_value.above == int((sums >= seen.high_value.amount).sum())


def test_the_rhythm_is_that_of_pandas(seen: Audit) -> None:
    gaps = (days()["next"] - days()["date"]).dt.days.dropna()
    whole = seen.rhythms[0]
    assert (whole.family, whole.gaps) == ("", len(gaps))
    assert [whole.median, whole.p80, whole.p90] == pytest.approx(list(gaps.quantile([0.5, 0.8, 0.9])))


def test_who_lapsed_and_what_may_be_seen_of_them(seen: Audit) -> None:
    last = days()[days()["next"].isna()]
    lapsed = last["date"] + pd.DateOffset(months=6) <= TODAY
    # Nobody of the file gave an address, so nobody can be written to.
    assert (seen.lapsed.size, seen.lapsed.by["no_address"]) == (int(lapsed.sum()), int(lapsed.sum()))
    found = next(one for one in seen.detect if one.name == "lapse")
    due = days()["date"] + pd.DateOffset(months=6)
    reached = (due <= TODAY) & (days()["next"].isna() | (days()["next"] >= due))
    over = reached & (due + pd.Timedelta(days=60) <= TODAY)
    back = over & (days()["next"] <= due + pd.Timedelta(days=60))
    assert found.rate == pytest.approx(back.sum() / over.sum())
    assert found.patients == int((reached & (due > TODAY - pd.DateOffset(months=12))).sum())


# ---- the commands, on a database ----------------------------------------------------------------------------------


class Tags(HTMLParser):
    """What a page would load, and its headings."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids += [found["id"]] if tag == "h2" and "id" in found else []
        if tag in ("script", "link", "img", "iframe", "object"):
            self.loads.append(found.get("src") or found.get("href") or tag)


@pytest.fixture(scope="module")
def shop(new_database: Callable[[], str | None], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every hundredth customer, told to a database as events; gives the environment of the commands."""
    base = tmp_path_factory.mktemp("shop")
    folder, data = lay_out(base / "clinic", ATHENS), base / "data"
    data.mkdir()
    url = new_database() or f"sqlite:///{data / 'revisit.db'}"
    engine = make_engine(url, data_dir=data)
    upgrade(engine)
    house = House(engine, "secret", "http://127.0.0.1:8000", wall=lambda: NOW)
    clinic, _ = publish(house, read_folder(folder))
    events = [event(one) for one in purchases(ATHENS) if int(one.patient) % 100 == 0]
    for one in events:
        one["data"]["historical"] = True
    for start in range(0, len(events), 500):
        for job in accept(house, clinic, events[start : start + 500], "test").jobs:
            fold_batch(house, clinic, [int(key) for key in job.ids])
    seen = audit(house, clinic)
    engine.dispose()
    wanted = days()[days()["customer_id"] % 100 == 0]
    assert (seen.patients, seen.visits) == (wanted["customer_id"].nunique(), len(wanted))
    assert {size.name: size.size for size in seen.stages} != {}
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("REVISIT_", "TWILIO_", "SENDGRID_"))}  # fmt: skip
    return {
        **kept,
        "REVISIT_DATABASE_URL": url,
        "REVISIT_DATA_DIR": str(data),
        "REVISIT_WORKSPACE": str(folder),
        "COLUMNS": "160",
    }


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return commands.said(*words, env=environment, cwd=Path(environment["REVISIT_DATA_DIR"]))


def run_alone(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, which loads every library anew."""
    return subprocess.run(
        [str(REVISIT), *words], env=environment, cwd=environment["REVISIT_DATA_DIR"], capture_output=True, text=True, timeout=300, check=False
    )  # fmt: skip


@pytest.mark.parametrize("command", ["audit", "strategy"])
def test_a_command_tells_the_terminal_and_writes_one_page_that_loads_nothing(
    shop: dict[str, str], tmp_path: Path, command: str
) -> None:
    page = tmp_path / "page.html"
    result = run(shop, command, "--html", str(page))
    assert result.returncode == 0, result.stderr
    assert "Record Shop" in result.stdout
    text = page.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert tags.loads == ["data:,"]
    assert not re.search(r"url\(\s*['\"]?(?!#)|@import", text)
    assert not re.search(r"\b(?:src|href)=\"https?:", text)
    assert len(tags.ids) == len(set(tags.ids)) > 3
    assert "nan" not in result.stdout


def test_a_page_that_cannot_be_written_is_refused_before_any_work(
    shop: dict[str, str], tmp_path: Path
) -> None:
    result = run(shop, "audit", "--html", str(tmp_path / "nowhere" / "page.html"))
    assert result.returncode == 2
    assert "there is no folder" in result.stderr
    result = run(shop, "audit", "--html", str(tmp_path))
    assert result.returncode == 2
    assert "is a folder" in result.stderr


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_without_the_plotter_the_terminal_works_and_the_page_names_the_remedy(
    shop: dict[str, str], tmp_path: Path
) -> None:
    assert can_draw()
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'matplotlib' else find(name, *more)\n",
        encoding="utf-8",
    )
    without = {**shop, "PYTHONPATH": str(hidden)}
    result = run_alone(without, "audit", "--html", str(tmp_path / "page.html"))
    assert result.returncode == 1
    assert "pip install 'revisit[organise]'" in result.stderr
    assert run_alone(without, "audit").returncode == 0


def test_before_anything_was_published_the_commands_say_what_to_do(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "clinic", ATHENS)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("REVISIT_")}
    nothing = {**kept, "REVISIT_DATA_DIR": str(tmp_path), "REVISIT_WORKSPACE": str(folder)}
    for command in ("audit", "strategy"):
        result = run(nothing, command)
        assert result.returncode == 1
        assert "revisit run" in result.stderr
