"""The mode in config/clinic.yaml, changed by as little as possible: what stands around it, remarks too, stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from worker.domain.clinic import Mode
from worker.domain.source import Map, Node, compose
from worker.workspace.files import raw
from worker.workspace.yaml_text import NotEditable, plain, replaced, scalar

FILE: Final = "config/clinic.yaml"


def with_mode(text: str, mode: Mode, allow_list: Sequence[str] | None = None) -> str:
    """The text of config/clinic.yaml in that mode, with that allow list (None: as it is). Raises NotEditable."""
    root, problems = compose(raw(text), FILE)
    if problems or not isinstance(root, Map):
        raise NotEditable(f"{FILE} can't be read; correct it first (`revisit check` says what is wrong).")
    wanted: dict[str, str] = {"mode": mode}
    if allow_list is not None:
        wanted["allow_list"] = f"[{', '.join(_quoted(one) for one in allow_list)}]"
    changes: list[tuple[Node, str]] = []
    new: list[str] = []
    for key, value in wanted.items():
        node = root.get(key)
        if node is None:
            new.append(f"{key}: {value}")
        elif plain(node) != plain(_parsed(value)):
            changes.append((node, value))
    changed = replaced(text, changes)
    if new:
        newline = "\r\n" if "\r\n" in text else "\n"
        ended = changed if changed.endswith("\n") or not changed else changed + newline
        changed = ended + "".join(line + newline for line in new)
    after, problems = compose(raw(changed), FILE)
    expected = {**_whole(root), **{key: plain(_parsed(value)) for key, value in wanted.items()}}
    if problems or plain(after) != expected:
        said = " and ".join(f"`{key}: {value}`" for key, value in wanted.items())
        raise NotEditable(f"{FILE} is written in a way that can't be changed in place; write {said} by hand.")
    return changed


def _quoted(address: str) -> str:
    return f'"{address}"' if address.startswith("+") else scalar(address)


def _parsed(value: str) -> Node | None:
    node, _ = compose(value, FILE)
    return node


def _whole(root: Map) -> Mapping[str, object]:
    return {key.value: plain(node) for key, node in root.entries}
