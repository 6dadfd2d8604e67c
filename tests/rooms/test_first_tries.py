"""Nine journeys as a person wrote them who had read docs/marketing and nothing else: they keep passing `check` and their own stories, and their stories reach everything.

One of them named a prescription medicine to patients in Greece. Its text now speaks of a consultation; as it was first written, `check` refuses it.
"""

from __future__ import annotations

from pathlib import Path

from worker.service.testing import Teller
from worker.workspace.files import read_folder
from worker.workspace.rooms import read

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent / "first_tries"


def files() -> dict[str, str]:
    """The sample clinic's rooms with the nine in them, live."""
    found = dict(read_folder(ROOT))
    for path in sorted(HERE.rglob("*")):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            found[path.relative_to(HERE).as_posix()] = text.replace("status: draft", "status: live")
    return found


def test_the_nine_first_tries_pass_check_and_their_stories() -> None:
    rooms, problems = read(files())
    assert [problem for problem in problems if "/n_" in problem.file and problem.severity == "error"] == []
    assert rooms is not None
    teller = Teller(rooms)
    stories = [story for story in rooms.stories if "/n_" in story.place.file]
    outcomes = [(story.name, teller.tell(story)) for story in stories]
    assert len(stories) >= 30
    assert [name for name, outcome in outcomes if not outcome.passed] == []


def test_a_first_try_that_named_a_prescription_medicine_is_refused_as_it_was_written() -> None:
    place = "templates/n_toxin/remind.email.en.md"
    text = files()[place].replace("your last visit", "your botulinum toxin treatment")
    rooms, problems = read({**files(), place: text})
    assert rooms is None
    assert [(each.code, each.file) for each in problems if each.severity == "error"] == [
        ("rx-advertised", place)
    ]
