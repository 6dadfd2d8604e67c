"""Which tests go to one process together, and which begin first.

Rules
1. The tests of one shared house go together, so that each house is built once; so do the tests of a file, for the same reason.
2. Long tests go alone and begin first, so that no process is left with one at the end.
3. Nothing but speed hangs on it: every test passes alone, and in any order.
"""

from __future__ import annotations

import re
from typing import Final

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

HOUSES: Final = re.compile(
    r"tests/acceptance/test_(?:bad_input|history|import|losses|messages|order|privacy)\.py::\w+\[(sqlite|postgres)"
)
"""Tests that share a running house. Those of the other files there make houses of their own."""

LONG: Final = (
    "tests/acceptance/test_cdnow.py::test_replay_finds",
    "tests/chaos/test_chaos.py",
    "tests/acceptance/test_audit.py",
    "tests/acceptance/test_first_hour.py",
    "tests/acceptance/test_edits.py",
    "tests/acceptance/test_roles.py",
    "tests/acceptance/test_rehearsal.py",
    "tests/delivery/test_outbox_machine.py",
    "tests/acceptance/test_cdnow.py",
    "tests/acceptance/",
)
"""What takes longest, the longest first."""

APART: Final = frozenset(LONG) - {
    "tests/acceptance/test_audit.py",
    "tests/acceptance/test_cdnow.py",
    "tests/acceptance/",
}


def together(nodeid: str) -> str:
    """The name of the group that a test goes with."""
    house = HOUSES.match(nodeid)
    if house is not None:
        return f"the house on {house[1]}"
    if nodeid.startswith(tuple(APART)):
        return nodeid
    return nodeid.partition("::")[0]


def rank(nodeid: str) -> int:
    """Those of the lowest rank begin first."""
    if HOUSES.match(nodeid):
        return 0
    return next((at for at, prefix in enumerate(LONG, start=1) if nodeid.startswith(prefix)), len(LONG) + 1)


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out the groups in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)
