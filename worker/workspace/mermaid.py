"""A journey's picture as a Mermaid flowchart, for pages and pull requests.

Rules
1. A node's id is made of the step's id with a word before it, so that no id is a word of Mermaid's own (`end`, `graph`).
2. Every label stands in quotes, and what Mermaid or HTML would take for its own is written as a character number.
3. What goes on is a line; what can end the run from anywhere is dotted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from worker.workspace.drawing import Drawing, Mark

_SHAPES: Final = {"send": ("[", "]"), "task": ("[/", "/]"), "tag": ("[", "]"), "stop": ("([", "])")}
_DECISION: Final = ("{", "}")
_OWN: Final = re.compile(r"[\"#&<>`\\{}|]|%(?=%)")
START: Final = "start_here"
FINISHED: Final = "finished_here"
RUN: Final = "run_here"


def mermaid(drawing: Drawing) -> str:
    """The flowchart's text, ending in a line break."""
    lines = [f"    {line}" for line in _steps(drawing.steps, FINISHED)]
    condition = f"if {drawing.condition}" if drawing.condition else ""
    first = _id(drawing.steps[0]) if drawing.steps else FINISHED
    exits = list(_exits(drawing))
    return "\n".join(
        [
            "flowchart TD",
            f"  {START}([{_label(f'{drawing.name}: {drawing.title}', f'starts: {drawing.start}', condition)}])",
            f"  subgraph {RUN}[{_label('the steps')}]",
            *lines,
            "  end",
            f"  {FINISHED}([{_label('finished')}])",
            f"  {START} --> {first}",
            *exits,
            "",
        ]
    )


def _steps(steps: tuple[Mark, ...], after: str) -> Iterator[str]:
    """The nodes and lines of these steps; the last goes on to `after`."""
    for index, step in enumerate(steps):
        following = _id(steps[index + 1]) if index + 1 < len(steps) else after
        opening, closing = _SHAPES.get(step.verb, _DECISION)
        yield f"{_id(step)}{opening}{_label(step.wait, step.id, step.says, *step.more)}{closing}"
        for way in step.ways:
            told = _label(way.name, way.about)
            yield f"{_id(step)} -->|{told}| {_id(way.steps[0]) if way.steps else following}"
            yield from _steps(way.steps, following)
        if not step.ways and not step.ends:
            yield f"{_id(step)} --> {following}"


def _exits(drawing: Drawing) -> Iterator[str]:
    for number, leaving in enumerate(drawing.exits, start=1):
        yield f"  exit_{number}([{_label(leaving.name)}])"
        yield f"  {RUN} -.->|{_label(leaving.says)}| exit_{number}"


def _id(step: Mark) -> str:
    return f"step_{step.id}"


def _label(*lines: str) -> str:
    return f'"{"<br/>".join(_escaped(line) for line in lines if line)}"'


def _escaped(text: str) -> str:
    return _OWN.sub(lambda found: f"#{ord(found[0])};", " ".join(text.split()))
