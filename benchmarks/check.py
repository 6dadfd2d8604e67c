"""`check` of a workspace with 200 journeys against composing these journeys with the YAML library alone, both in this process, one core.

The journeys are the shipped ones, copied under names of their own; with them come the sample's config, its texts and its stories, which `check` reads and lints too
and the reference does not. Both use the library's parser in Python, which is the one that gives the places of mistakes.
"""

from __future__ import annotations

import time
from pathlib import PurePosixPath

import yaml

from benchmarks import Measure, benchmark
from worker.workspace.layout_new import sample_rooms
from worker.workspace.rooms import read

JOURNEYS = 200


def _workspace() -> tuple[dict[str, str], list[str]]:
    """A whole workspace, and the paths of its journeys. A copy is a draft, so that two that do the same are no mistake."""
    files = sample_rooms()
    shipped = sorted(path for path in files if path.startswith("journeys/") and path.count("/") == 1)
    paths = list(shipped)
    for number in range(JOURNEYS - len(shipped)):
        path = shipped[number % len(shipped)]
        name = PurePosixPath(path).stem
        copy = f"journeys/{name}_{number}.yaml"
        text = files[path].replace(f"journey: {name}\n", f"journey: {name}_{number}\n", 1)
        files[copy] = text.replace("status: live", "status: draft", 1)
        paths.append(copy)
    return files, paths


@benchmark("check_vs_compose")
def check_vs_compose() -> Measure:
    """How many times as long as composing the journeys takes the whole check of them."""
    files, paths = _workspace()
    rooms, problems = read(files)
    if rooms is None or len(rooms.rules.journeys) != JOURNEYS:
        raise RuntimeError(f"the corpus is broken: {problems[:3]}")
    ratios = []
    for _ in range(3):
        began = time.process_time()
        for path in paths:
            yaml.compose(files[path], Loader=yaml.SafeLoader)
        alone = time.process_time() - began
        began = time.process_time()
        read(files)
        ratios.append((time.process_time() - began) / alone)
    return Measure(
        round(sorted(ratios)[1], 2), "x", f"yaml.compose of the same {JOURNEYS} journeys (SafeLoader)"
    )
