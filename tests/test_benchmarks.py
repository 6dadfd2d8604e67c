"""The benchmark command: a table, a file of results, and an exit code that tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import benchmarks
from benchmarks import Measure, __main__, benchmark


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
