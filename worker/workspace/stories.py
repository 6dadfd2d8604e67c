"""The stories of a workspace, or of one file that a person names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from worker.domain.journey import Journey
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Place, compose
from worker.domain.stories import Story
from worker.domain.stories.gone import without_gone
from worker.domain.stories.parse import parse_stories
from worker.workspace.files import Files, raw
from worker.workspace.follow_ups import source_of

FOLDER: Final = "journeys/scenarios/"


def read_stories(
    reader: Reader, files: Files, scope: Scope, journeys: Mapping[str, Journey]
) -> tuple[Story, ...]:
    """All stories of these files, in order of path; what is wrong goes to the reader. `journeys` are those that could be read."""
    found: list[Story] = []
    # The name of a journey that can't be read is not known, and the journey is not gone.
    broken = any(
        problem.severity == "error" and source_of(problem) == "journeys" for problem in reader.problems
    )
    for path in sorted(files):
        node, problems = compose(raw(files[path]), path)
        reader.problems += problems
        if node is None:
            if not problems:
                reader.problem(
                    "file-empty",
                    Place(path),
                    "this file of stories is empty",
                    "Write one, or remove the file.",
                )
            continue
        known = None if broken else scope.journeys
        if (rest := without_gone(reader, node, known)) is not None:
            found += parse_stories(reader, rest, scope, journeys)
    return tuple(found)


def story_files(files: Files) -> dict[str, str]:
    """Those files of a workspace that hold stories."""
    return {path: text for path, text in files.items() if path.startswith(FOLDER)}
