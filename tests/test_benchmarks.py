"""The benchmark command: a table, a file of results, and an exit code that tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import benchmarks
from benchmarks import Measure, __main__, benchmark, size
from benchmarks.scale import COSTS, HABITS, HOURS, month


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(benchmarks, "registered", {})
    monkeypatch.setattr(benchmarks, "__path__", [])
    monkeypatch.setattr(__main__, "__file__", str(tmp_path / "__main__.py"))


def test_a_benchmark_is_run_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark("walking")(lambda: Measure(2.5, "x", "running"))
    assert __main__.main() == 0
    assert "walking" in capsys.readouterr().out
    assert json.loads((tmp_path / "results.json").read_text()) == [
        {"name": "walking", "value": 2.5, "unit": "x", "reference": "running"}
    ]


def test_a_failing_benchmark_fails_the_command_and_not_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    @benchmark("broken")
    def broken() -> Measure:
        raise RuntimeError("on purpose")

    benchmark("walking")(lambda: Measure(2.5, "x", "running"))
    assert __main__.main() == 1
    assert "failed: broken" in capsys.readouterr().err
    assert [row["name"] for row in json.loads((tmp_path / "results.json").read_text())] == ["walking"]


def test_a_name_is_given_once() -> None:
    benchmark("walking")(lambda: Measure(1, "x", "running"))
    with pytest.raises(ValueError, match="two benchmarks"):
        benchmark("walking")(lambda: Measure(2, "x", "running"))


def test_a_size_that_is_none_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert size("REVISIT_BENCH_OF_A_TEST", 50) == 50
    monkeypatch.setenv("REVISIT_BENCH_OF_A_TEST", "7")
    assert size("REVISIT_BENCH_OF_A_TEST", 50) == 7
    for said in ("abc", "0", "-5", "1.5", ""):
        monkeypatch.setenv("REVISIT_BENCH_OF_A_TEST", said)
        with pytest.raises(SystemExit, match=f"REVISIT_BENCH_OF_A_TEST={said} is not"):
            size("REVISIT_BENCH_OF_A_TEST", 50)


def test_a_month_on_paper_is_the_same_for_a_seed_and_grows_with_its_patients() -> None:
    one, again, other = month(50, 1000, 1), month(50, 1000, 1), month(50, 1000, 2)
    assert one == again
    assert one != other
    assert len(one) == HOURS
    double = month(50, 2000, 1)
    for small, large in zip(one, double, strict=True):
        assert large.events == pytest.approx(2 * small.events)
        assert large.cores(COSTS) == pytest.approx(tuple(2 * each for each in small.cores(COSTS)))


def test_a_month_on_paper_holds_what_its_patients_do() -> None:
    loads = month(2000, 100, 1)
    people = 2000 * 100
    share = 28 / 364
    assert sum(one.events for one in loads) == pytest.approx(people * 4 * 2.2 * share, rel=0.05)
    assert sum(one.changes for one in loads) == pytest.approx(people * 4 * share, rel=0.05)
    each = HABITS.visits * HABITS.sends_of_a_visit + HABITS.changes * HABITS.sends_of_a_change
    assert sum(one.sends for one in loads) == pytest.approx(
        people * (each * share + HABITS.mailing), rel=0.05
    )
