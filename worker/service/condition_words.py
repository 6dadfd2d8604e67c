"""The conditions of segments and journeys, as their author wrote them, said in a sentence for one who does not read YAML.

What has no words here is shown as it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from worker.domain.source import Map, Node, Scalar, Seq
from worker.service import words
from worker.workspace.trees import entries, listed
from worker.workspace.yaml_text import flow

_SAID: Final[Mapping[tuple[str, str], str]] = {
    ("next_booking", "none"): "no booking ahead",
    ("next_booking", "any"): "with a booking ahead",
    ("complement", "untried"): "has not tried a treatment that goes well with theirs",
    ("series", "open"): "in the middle of a course",
    ("series", "finished"): "a course is finished",
    ("series", "none"): "no course begun",
    ("treatments", "none"): "no treatment yet",
    ("visits", "none"): "no visit yet",
}
_NAMES: Final[Mapping[str, str]] = {
    "visits": "visits", "treatments": "treatments", "families": "treatments had", "services": "services had", "areas": "areas treated",
    "cancelled": "cancelled bookings", "missed": "missed bookings", "net_revenue": "spent", "series": "course",
}  # fmt: skip


def said(node: Node | None, titles: Mapping[str, str]) -> str:
    """One phrase, with commas between what must all hold; "" of nothing. `titles` are the segments' words."""
    if not isinstance(node, Map):
        return flow(node)
    return ", ".join(_one(key, value, titles) for key, value in entries(node) if key != "title")


def _one(key: str, value: Node, titles: Mapping[str, str]) -> str:
    if key in ("in", "not_in"):
        named = " or ".join(f"“{titles.get(name, words.name(name))}”" for name in listed(value))
        return f"{'in' if key == 'in' else 'not in'} {named}"
    if key in ("any_of", "none_of") and isinstance(value, Seq):
        parts = [said(item, titles) for item in value.items]
        whole = " or ".join(f"({part})" if ", " in part and len(parts) > 1 else part for part in parts)
        return whole if key == "any_of" else f"but not: {whole}"
    if key == "tags":
        return f"marked {' or '.join(f'“{tag}”' for tag in listed(value))}"
    if key == "allows" and isinstance(value, Map):
        if {what for _, each in entries(value) for what in listed(each)} == {"health_profiling"}:
            ways = " and ".join(words.CHANNELS.get(name, name) for name, _ in entries(value))
            return f"allows to be chosen by treatment ({ways})"
        given = ", ".join(f"{words.CHANNELS.get(name, name)} for {' and '.join(listed(what)).replace('_', ' ')}" for name, what in entries(value))  # fmt: skip
        return f"allows {given}"
    if key == "got_message":
        within = next(
            (item.value for name, item in entries(value) if name == "in" and isinstance(item, Scalar)), ""
        )
        return f"was written to{f' in the last {within}' if within else ''}"
    if key == "this" and isinstance(value, Map):
        return f"the appointment was{of(value)}"
    if isinstance(value, Scalar):
        return _SAID.get((key, value.value)) or words.condition({key: value.value}).lower()
    if isinstance(value, Seq) and key in _NAMES:
        return f"{_NAMES[key]}: {' or '.join(name.replace('_', ' ') for name in listed(value))}"
    if isinstance(value, Map):
        return _long(key, value)
    return f"{key}: {flow(value)}"


def _long(key: str, value: Map) -> str:
    """The long form of a word: what `is`, `of` which, `in` how long."""
    found = dict(entries(value))
    what, within = found.get("is"), found.get("in")
    if not isinstance(what, Scalar) or found.keys() - {"is", "in", "of"}:
        return f"{key}: {flow(value)}"
    span = f" in {within.value}" if isinstance(within, Scalar) else ""
    narrowed = of(found.get("of"))
    if key in ("visits", "treatments", "cancelled", "missed"):
        return f"{what.value} {_NAMES[key]}{narrowed}{span}"
    name = _NAMES.get(key, key.replace("_", " "))
    return f"{name}{narrowed} {what.value}{span}"


def of(node: Node | None) -> str:
    """` of laser hair`, ` cancelled by the clinic`: which appointments are meant; "" where all are."""
    parts = []
    for key, value in entries(node):
        names = " or ".join(name.replace("_", " ") for name in listed(value))
        parts.append({"cancelled_by": f" cancelled by the {names}", "location": f" at {names}", "practitioner": f" with {names}"}.get(key, f" of {names}"))  # fmt: skip
    return "".join(parts)
