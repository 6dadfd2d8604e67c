"""`revisit check`: mistakes for people, for tools, for pull requests, and again on every save."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

import worker.cli.rooms  # noqa: F401  (registers `check`)
from tests.eventually import eventually
from worker.cli.app import Usage, app
from worker.domain.calendar import local_day, zone
from worker.domain.source import Problem
from worker.workspace.rooms import read

ROOMS = {
    "config/clinic.yaml": "name: Small Clinic\ntimezone: Europe/Athens\ncountry: GR\nlanguage: en\nlanguages: [en]\n",
    "config/segments.yaml": "lifecycle:\n  - new: {visits: none}\n  - regular: otherwise\n",
    "config/channels.yaml": "sms: {provider: console, from: Clinic, two_way: true}\n",
    "journeys/hello.yaml": "journey: hello\nstart:\n  enters: regular\nsteps:\n  - id: hello\n    send: sms\n    template: hello\n",
    "templates/hello.sms.en.j2": "Hello from {{ clinic.name }}. Reply STOP to stop\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, ROOMS)
    return tmp_path


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def broken(name: str, old: str, new: str) -> dict[str, str]:
    assert old in ROOMS[name]
    return {name: ROOMS[name].replace(old, new)}


def check(folder: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", "--workspace", str(folder), *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout


def test_nothing_wrong_is_said_so(folder: Path) -> None:
    assert check(folder) == (0, "No problems found.\n")
    assert check(folder, "--format", "github") == (0, "")
    assert check(folder, "--format", "json") == (0, "[]\n")


def test_people_see_the_line_a_caret_and_the_way_out_file_by_file(folder: Path) -> None:
    write(folder, broken("journeys/hello.yaml", "enters: regular", "enters: reguler"))
    write(folder, broken("config/channels.yaml", "provider: console", "provider: consol"))
    code, said = check(folder)
    assert code == 1
    first, second, summary = said.split("\n\n")
    assert first.startswith("config/channels.yaml:1:17: error [shape-choice]")
    assert second.splitlines() == [
        "journeys/hello.yaml:3:11: error [unknown-segment] `reguler` is not a segment",
        "      enters: reguler",
        "              ^",
        "    Did you mean `regular`?",
    ]
    assert summary == "2 errors, 0 warnings\n"


def test_tools_get_a_list_with_all_fields(folder: Path) -> None:
    write(folder, broken("journeys/hello.yaml", "enters: regular", "enters: reguler"))
    code, said = check(folder, "--format", "json")
    assert code == 1
    assert json.loads(said) == [
        {
            "code": "unknown-segment",
            "severity": "error",
            "file": "journeys/hello.yaml",
            "line": 3,
            "column": 11,
            "message": "`reguler` is not a segment",
            "hint": "Did you mean `regular`?",
        }
    ]


def test_a_pull_request_is_annotated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, broken("journeys/hello.yaml", "enters: regular", "enters: '50%,\n    x'"))
    monkeypatch.chdir(folder.parent)
    code, said = check(folder, "--format", "github")
    assert code == 1
    (line,) = said.splitlines()
    assert line.startswith(
        f"::error file={folder.name}/journeys/hello.yaml,line=3,col=11,title=unknown-segment::"
    )
    assert "50%25," in line


def test_warnings_alone_let_it_pass(folder: Path) -> None:
    (folder / "journeys" / "hello.yaml").rename(folder / "journeys" / "other.yaml")
    code, said = check(folder, "--format", "json")
    assert [(each["code"], each["severity"]) for each in json.loads(said)] == [
        ("journey-file-name", "warning")
    ]
    assert code == 0


def test_files_that_nothing_reads_are_named(folder: Path) -> None:
    strange = (
        "journeys/hello.yml.txt",
        "journeys/old/hello.yaml",
        "config/clinic.yml",
        "config/segment.yaml",
        "templates/hello.sms.el.txt",
        "templates/hello.jinja",
        "templates/hello.sms.j2",
    )
    write(folder, dict.fromkeys(strange, "") | {"journeys/README.md": "", "journeys/.hello.yaml.swp": ""})
    code, said = check(folder, "--format", "json")
    told = {each["file"]: each for each in json.loads(said)}
    assert {name: each["code"] for name, each in told.items()} == dict.fromkeys(strange, "file-unknown")
    assert told["config/segment.yaml"]["hint"] == "Did you mean `segments`?"
    assert told["config/clinic.yml"]["hint"] == "Rename it to config/clinic.yaml."
    assert code == 0


def test_what_is_no_file_is_named_and_never_opened(folder: Path) -> None:
    journeys = folder / "journeys"
    (journeys / "folder.yaml").mkdir()
    (journeys / "dangling.yaml").symlink_to("nowhere.yaml")
    (journeys / "loop.yaml").symlink_to("loop.yaml")
    (journeys / "zero.yaml").symlink_to("/dev/zero")
    os.mkfifo(journeys / "pipe.yaml")
    (journeys / "elsewhere").symlink_to(folder / "config")
    code, said = check(folder, "--format", "json")
    told = {each["file"]: each["message"].partition(": it is ")[2] for each in json.loads(said)}
    assert told == {
        "journeys/folder.yaml": "a folder",
        "journeys/dangling.yaml": "a link that leads nowhere",
        "journeys/loop.yaml": "a link that leads nowhere",
        "journeys/zero.yaml": "a pipe, a device or a socket",
        "journeys/pipe.yaml": "a pipe, a device or a socket",
        "journeys/elsewhere": "a link to a folder, which is not followed",
    }
    assert {each["code"] for each in json.loads(said)} == {"file-unknown"}
    assert code == 0


def test_texts_without_any_journey_are_told(folder: Path) -> None:
    (folder / "journeys" / "hello.yaml").unlink()
    (folder / "journeys").rmdir()
    codes = [each["code"] for each in json.loads(check(folder, "--format", "json")[1])]
    assert codes == ["journeys-none", "template-unused"]
    (folder / "journeys").write_text("", encoding="utf-8")
    first = json.loads(check(folder, "--format", "json")[1])[0]
    assert (first["code"], first["message"]) == (
        "file-unknown",
        "journeys is a file, where a folder is looked for",
    )


def test_many_journeys_of_one_start_are_one_warning_each_and_always_the_same(folder: Path) -> None:
    for name in "fedcba":
        write(
            folder, {f"journeys/{name}.yaml": ROOMS["journeys/hello.yaml"].replace("y: hello", f"y: {name}")}
        )
    told = json.loads(check(folder, "--format", "json")[1])
    assert [(each["file"], each["code"]) for each in told] == [
        (f"journeys/{name}.yaml", "journey-same-start") for name in ("b", "c", "d", "e", "f", "hello")
    ]
    assert told[0]["message"].startswith("`a` also starts when a patient enters `regular`, so both would")
    assert told[2]["message"].startswith("`a`, `b`, `c` also start when a patient enters `regular`, so all")
    assert told[5]["message"].startswith("`a`, `b`, `c` and 3 more also start")


def test_capitals_in_a_file_name_are_told(folder: Path) -> None:
    (folder / "journeys" / "hello.yaml").rename(folder / "journeys" / "Hello there.yaml")
    _, said = check(folder, "--format", "json")
    (problem,) = json.loads(said)
    assert (problem["code"], problem["hint"]) == ("file-name", "Rename it to journeys/hello_there.yaml.")


def test_a_reason_in_the_file_silences_a_warning(folder: Path) -> None:
    path = folder / "journeys" / "hello.yaml"
    path.rename(folder / "journeys" / "other.yaml")
    reason = "# check: allow journey-file-name: it is renamed next month\n"
    write(folder, {"journeys/other.yaml": reason + ROOMS["journeys/hello.yaml"]})
    assert check(folder) == (0, "No problems found.\n")


def announced(first: date, last: date) -> dict[str, str]:
    return broken("journeys/hello.yaml", "enters: regular", f"date: {{from: {first}, until: {last}}}")


def warned(found: list[Problem]) -> list[str]:
    return [problem.code for problem in found]


def test_an_announcement_whose_days_have_come_is_told(folder: Path) -> None:
    today, day = local_day(datetime.now(UTC), zone("Europe/Athens")), timedelta(days=1)
    for first, last, codes in (
        (today + 2 * day, today + 9 * day, []),
        (today - 2 * day, today + 9 * day, ["journey-begun"]),
        (today - 9 * day, today - 2 * day, ["journey-over"]),
    ):
        write(folder, announced(first, last))
        code, said = check(folder, "--format", "json")
        assert [each["code"] for each in json.loads(said)] == codes
        assert code == 0


def test_the_day_is_that_of_the_clinic_and_without_one_nothing_is_told() -> None:
    files = ROOMS | announced(date(2026, 6, 15), date(2026, 6, 15))
    for moment, codes in (
        ("2026-06-14T20:59:59Z", []),
        ("2026-06-14T21:00:00Z", ["journey-begun"]),
        ("2026-06-15T20:59:59Z", ["journey-begun"]),
        ("2026-06-15T21:00:00Z", ["journey-over"]),
    ):
        assert warned(read(files, now=datetime.fromisoformat(moment))[1]) == codes
    assert warned(read(files)[1]) == []


def test_a_draft_of_an_announcement_is_told_nothing_and_a_reason_silences_it_on_any_day() -> None:
    files = ROOMS | announced(date(2026, 6, 15), date(2026, 6, 15))
    text = files["journeys/hello.yaml"]
    now = datetime(2026, 6, 15, 9, tzinfo=UTC)
    draft = {**files, "journeys/hello.yaml": text.replace("start:", "status: draft\nstart:")}
    assert warned(read(draft, now=now)[1]) == []
    meant = {**files, "journeys/hello.yaml": "# check: allow journey-begun: in force since May\n" + text}
    assert warned(read(meant, now=now)[1]) == []
    assert warned(read(meant, now=datetime(2026, 6, 14, 9, tzinfo=UTC))[1]) == []
    assert warned(read(meant)[1]) == []


def test_watching_is_for_people(folder: Path) -> None:
    result = CliRunner().invoke(app, ["check", "--workspace", str(folder), "--watch", "--format", "json"])
    assert isinstance(result.exception, Usage)


class Watched:
    """A running `revisit check --watch`, and what it has said so far."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.log = log
        command = [sys.executable, "-m", "worker", "check", "--watch", "--workspace", str(folder)]
        with log.open("wb") as stdout:
            self.process = subprocess.Popen(
                command, stdout=stdout, stderr=subprocess.STDOUT, preexec_fn=_with_ctrl_c, env=os.environ | {"PYTHONPATH": str(Path.cwd())}  # noqa: PLW1509 (no threads here)
            )  # fmt: skip

    def says(self, text: str, times: int = 1) -> None:
        eventually(lambda: self.log.read_text(encoding="utf-8").count(text) >= times, 30)

    def ends(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


def _with_ctrl_c() -> None:
    # A shell's background job has Ctrl-C switched off, and so had its children.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def watched(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    running = Watched(folder, tmp_path_factory.mktemp("log") / "out")
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def test_watching_looks_again_on_every_save_and_ends_as_the_last_look_did(
    folder: Path, watched: Watched
) -> None:
    watched.says("Watching")
    write(folder, broken("journeys/hello.yaml", "enters: regular", "enters: reguler"))
    watched.says("journeys/hello.yaml changed")
    watched.says("1 error, 0 warnings")
    (folder / "config" / "clinic.yaml").unlink()
    watched.says("is not a workspace")
    write(folder, ROOMS)
    watched.says("5 files changed")
    watched.says("No problems found.", times=2)
    assert watched.ends() == 0


def test_watching_ends_with_1_while_something_is_wrong(folder: Path, watched: Watched) -> None:
    watched.says("Watching")
    write(folder, {"journeys/second.yaml": "journey: second\n"})
    watched.says("journeys/second.yaml changed")
    watched.says("2 errors, 0 warnings")
    assert watched.ends() == 1
