"""An edit of the workspace, and what it does to patients under way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.acceptance.clinic import FILES, athens, person, visit, workspace
from tests.acceptance.system import PATIENCE, System
from tests.eventually import eventually

DAY = timedelta(days=1)
EDITED = {
    # Who begins now waits three weeks and gets other words.
    "journeys/second_visit.yaml": FILES["journeys/second_visit.yaml"]
    .replace("14 days", "21 days")
    .replace("second_visit/plan", "second_visit/other"),
    "templates/second_visit/other.sms.en.j2": "Other words, {{ first_name or 'friend' }}.\n",
    "templates/second_visit/other.email.en.md": "---\nsubject: Other words\n---\nOther words.\n",
    # Whoever has not come for three months counts as inactive now.
    "config/segments.yaml": FILES["config/segments.yaml"].replace(
        "inactive_6: {last_visit: at least 6 months ago}", "inactive_6: {last_visit: at least 3 months ago}"
    ),
}


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_an_edit_leaves_patients_under_way_on_their_steps_and_enrolls_nobody(
    make_system: Callable[..., System],
) -> None:
    seen = athens(6, 1, 12)
    system = make_system(clock=seen)
    system.run()
    under_way, regular = person(), person()
    history = [visit(regular, athens(2, day), str(day), historical=True) for day in (1, 10)]
    system.tell(*history, visit(under_way, seen))
    assert "regular" in system.segments(regular)
    system.stop()

    workspace(system.workspace, EDITED)
    system.run()
    assert system.rows("workspace_versions", "version") == [(1,), (2,)]
    eventually(lambda: "inactive_6" in system.segments(regular), PATIENCE)
    moved = system.rows("transitions", "segment", "change", "cause", "silent", patient_id=regular.id)
    assert {("regular", "left", "rules", True), ("inactive_6", "entered", "rules", True)} <= set(moved)

    after = person()
    system.tell(visit(after, seen))
    system.live_through(seen + 14 * DAY)
    assert [sms.body.partition("?")[0] for sms in system.texts(under_way)] == [
        "Hello Eleni, shall we plan your next visit"
    ]
    assert not system.texts(after)
    system.live_through(seen + 21 * DAY)
    assert [sms.body for sms in system.texts(after)] == ["Other words, Eleni."]
    assert len(system.texts(under_way)) == 1

    system.live_through(seen + 60 * DAY)
    assert not system.messages(regular)
    assert not system.rows("enrollments", "id", patient_id=regular.id)
